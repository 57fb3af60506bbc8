"""Fresh targets are slow until warm."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.container_context import TASKS, failing_services, stopped, tally
from diagnosis.facts import Facts
from diagnosis.facts.task_stops import FAILED_START, LOST_CAPACITY, Why
from diagnosis.phrase import seconds

# "only in the first minutes of new targets" (contract, causes.md).
WARM_AFTER_MINUTES = 10


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh slowness that comes with new targets and fades by itself."""
    if not facts.is_5xx or facts.onset is None:
        yield Signal(-4.0, "nothing began", "CloudWatch")
        return
    fresh = _fresh(facts)
    if not fresh:
        yield Signal(-4.0, "no targets are new", "DescribeTargetHealth, CodeDeploy and EC2")
        return
    yield Signal(1.0, fresh, "DescribeTargetHealth, CodeDeploy and EC2")
    if added := [task for service in failing_services(facts) for task in service.fresh]:
        yield Signal(1.0, f"{len(added)} tasks had just been started", "ECS tasks")
    if facts.response_time.raised:
        yield Signal(
            2.0, f"response time went {seconds(facts.response_time)}", "CloudWatch TargetResponseTime"
        )
    elif facts.response_time.known:
        yield Signal(-3.0, "response time is as before", "CloudWatch TargetResponseTime")
    if facts.rhythm.fading or facts.rhythm.over:
        yield Signal(4.0, "errors fade by themselves while the targets warm up", "CloudWatch")
    elif facts.span.minutes > WARM_AFTER_MINUTES:
        yield Signal(-4.0, f"it goes on after {facts.span.minutes} minutes", "CloudWatch")
    else:
        yield Signal(-1.5, "errors do not fade", "CloudWatch")
    if ended := stopped(facts, *FAILED_START, *LOST_CAPACITY, Why.MEMORY):
        yield Signal(-3.0, tally(ended), TASKS)
    if facts.part("elb_502") >= 0.5:
        yield Signal(-2.5, "broken exchanges are not slowness", "CloudWatch HTTPCode_ELB_502_Count")


def _fresh(facts: Facts) -> str:
    if facts.rollout_at_onset:
        return f"deployment {facts.rollout_at_onset.deployment.id} had just replaced targets"
    if any(group.hosts.grew for group in facts.groups) or any(
        service.fresh for service in failing_services(facts)
    ):
        return "targets were added"
    if facts.in_state("initial"):
        return "targets are being added"
    return ""


CAUSE = Cause(
    code="cold_targets",
    origin=Origin.TARGET,
    title="New targets are slow until they are warm",
    why=(
        "Fresh processes compile, load caches and open connections while they already take a full share of"
        " requests."
    ),
    prior=-2.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Compare response times of new and old targets.", Look.METRICS),
        Check("See whether it already fades; then wait rather than act.", Look.METRICS),
        Check("Check slow start on the target group.", Look.TARGET_GROUP),
    ),
    prevention="Warm up before registering, or set the target group's slow start.",
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=False,
    owner=Owner.APPLICATION,
    short="cold targets",
    triggers={"deployment": 0.5},
    grows_with_rollout=False,
    touched_by=(Effect.CAPACITY, Effect.REGISTRATION),
    sources=("ALB user guide, target groups, slow start mode",),
    cases=(
        Case(
            "six new virtual machines compile while they serve",
            True,
            {
                "target_groups": {
                    "orders": {
                        "target_5xx": "0, -8..-7: 200, -6..-5: 120, -4..-3: 50, -2..-1: 15",
                        "response_time": "0.09, -8: 2.5, -5: 1.2, -2: 0.3",
                        "response_time_p99": "0.4, -8: 9, -5: 5, -2: 1",
                    }
                },
                "deployments": [
                    {
                        "id": "d-NEW",
                        "application": "order-api",
                        "group": "production",
                        "target_groups": ["orders"],
                        "created": "-11",
                        "started": "-11",
                        "completed": "-8",
                        "status": "Succeeded",
                        "revision": {"bucket": "releases", "key": "v2.zip"},
                    }
                ],
            },
        ),
        Case(
            "scaled out for the evening",
            True,
            {
                "target_groups": {
                    "orders": {
                        "targets": 9,
                        "healthy": "6, -7: 9",
                        "elb_504": "0, -7..-5: 90, -4..-3: 30, -2..-1: 6",
                        "response_time": "0.09, -7: 2.0, -4: 0.8, -2: 0.25",
                    }
                }
            },
        ),
        Case(
            "slow for good after a release",
            False,
            {
                "target_groups": {"orders": {"elb_504": "0, -15: 200", "response_time": "0.09, -15: 3"}},
                "deployments": [
                    {
                        "id": "d-NEW",
                        "application": "order-api",
                        "group": "production",
                        "target_groups": ["orders"],
                        "created": "-18",
                        "started": "-18",
                        "completed": "-15",
                        "status": "Succeeded",
                        "revision": {"bucket": "releases", "key": "v2.zip"},
                    }
                ],
            },
        ),
    ),
)
