"""New or restarted targets exit or never become healthy."""

from collections.abc import Iterable, Sequence

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.container_context import (
    EVENTS,
    TASKS,
    failing_services,
    said,
    stopped,
    stops_known,
    tally,
)
from diagnosis.context import software_fails_everywhere
from diagnosis.evidence import Missing
from diagnosis.facts import Facts
from diagnosis.facts.task_stops import FAILED_START, LOST_CAPACITY, Stop, Why
from diagnosis.phrase import moved

CONNECTIONS_IN_STEP = 0.15
STARTS = frozenset(
    {"StartInstanceRefresh", "RunInstances", "CreateFleet", "UpdateAutoScalingGroup", "RebootInstances"}
)


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh targets that turn unhealthy right after a start against targets that ran and then failed."""
    failed = stopped(facts, *FAILED_START)
    # What is left of the group carries everything, and may fail by itself under it.
    if not facts.is_5xx or facts.part("elb_502", "elb_503", "elb_504") < (0.3 if failed else 0.5):
        yield Signal(-3.5, "what failed was not mostly answered by the load balancer", "CloudWatch")
        return
    refused, starting = facts.unhealthy("Target.FailedHealthChecks"), facts.in_state("initial")
    troubled = facts.turned_unhealthy or facts.hosts_fell or refused or starting
    if not troubled and not failed:
        yield Signal(-4.0, "no target was lost or became unhealthy", "CloudWatch UnHealthyHostCount")
        return
    if troubled:
        yield Signal(
            1.5, "targets were lost or became unhealthy as it began", "CloudWatch UnHealthyHostCount"
        )
    yield from _tasks(facts, failed)
    if refused or starting:
        yield Signal(1.5, f"{len(refused) + len(starting)} targets do not come up", "DescribeTargetHealth")
    if silent := facts.unhealthy("Target.Timeout"):
        yield Signal(
            -1.5,
            f"{len(silent)} targets accept connections but do not answer in time",
            "DescribeTargetHealth",
        )
    if mismatched := facts.unhealthy("Target.ResponseCodeMismatch"):
        yield Signal(
            -2.0,
            f"{len(mismatched)} targets answer the health check with another code",
            "DescribeTargetHealth",
        )
    yield from _connections(facts)
    yield from _starts(facts)
    if facts.rhythm.over and not any(each.rolled_back for each in failing_services(facts)):
        yield Signal(-2.5, "the errors are over", "CloudWatch")
    if facts.rhythm.sawtooth:
        yield Signal(-2.0, "the errors come in bursts with quiet between", "CloudWatch")
    yield from software_fails_everywhere(facts)


def _tasks(facts: Facts, failed: Sequence[Stop]) -> Iterable[Signal]:
    """Tasks that ended before they could serve, and what ECS made of them."""
    if failed:
        weight = 3.0 if failed[0].why is Why.NEVER_HEALTHY else 4.5
        yield Signal(weight, f"{tally(failed)}{_code(failed)}: {said(failed)}", TASKS)
    elif stops_known(facts):
        yield Signal(-2.0, "no task failed to start", TASKS)
    for service in failing_services(facts):
        if failed and service.impaired:
            yield Signal(1.0, f"tasks of {service.name} do not start steadily", EVENTS)
        if failed and service.rolled_back:
            yield Signal(1.5, f"ECS took deployment {service.rolled_back} back", "ECS deployments")
        if service.unplaced:
            yield Signal(-3.0, f"tasks of {service.name} find no place to run", EVENTS)
    if stopped(facts, *LOST_CAPACITY):
        yield Signal(-2.0, "tasks lost their capacity", TASKS)
    if stopped(facts, Why.MEMORY):
        yield Signal(-3.0, "tasks are killed for memory", TASKS)


def _code(stops: Sequence[Stop]) -> str:
    code = next((each.exit_code for each in stops if each.exit_code), None)
    return f" with code {code}" if code else ""


def _connections(facts: Facts) -> Iterable[Signal]:
    if facts.classic and facts.classic.checks_refused is not None:
        yield from _checks_of_classic(refused=facts.classic.checks_refused)
        return
    connections = facts.counts["connection_errors"]
    if facts.ratio("connection_errors", "elb_502", "elb_504", "elb_503") >= CONNECTIONS_IN_STEP:
        yield Signal(
            1.5, f"refused connections went {moved(connections)}", "CloudWatch TargetConnectionErrorCount"
        )
    elif facts.part("elb_502") >= 0.5:
        yield Signal(-2.0, "targets accept the connections", "CloudWatch TargetConnectionErrorCount")
    if facts.part("elb_504") >= 0.5:
        yield Signal(-3.0, "the failures are time-outs, not refusals", "CloudWatch HTTPCode_ELB_504_Count")


def _checks_of_classic(*, refused: bool) -> Iterable[Signal]:
    """Of instances that are out of service only the health checks tell."""
    if refused:
        yield Signal(1.5, "health checks cannot connect to them", "CloudWatch BackendConnectionErrors")
    else:
        yield Signal(-2.5, "health checks do connect to them", "CloudWatch BackendConnectionErrors")


def _starts(facts: Facts) -> Iterable[Signal]:
    rollout = facts.rollout_at_onset
    refresh = [each.change for each in facts.changes if each.change.name in STARTS and each.ours is not False]
    if rollout is None and refresh:
        yield Signal(3.0, f"{refresh[0].name} at {refresh[0].at:%H:%M:%S} started new targets", "CloudTrail")
        return
    if rollout is None and stopped(facts, *FAILED_START):
        return  # a service replaces its tasks by itself
    if rollout is None:
        yield Signal(-1.5, "no roll-out started new processes at the onset", "CodeDeploy")
        return
    yield Signal(2.5, f"it began with deployment {rollout.deployment.id}, which started them", "CodeDeploy")
    targets = () if isinstance(rollout.deployment.targets, Missing) else rollout.deployment.targets
    if rollout.deployment.status == "Failed" and facts.part("elb_503") >= 0.5:
        yield Signal(3.5, "the deployment failed and left the group without targets", "CodeDeploy")
    if failed := [target for target in targets if target.failed_event]:
        yield Signal(
            1.5, f"{failed[0].failed_event} failed on {failed[0].id}", "CodeDeploy deployment targets"
        )


CAUSE = Cause(
    code="targets_fail_to_start",
    origin=Origin.LOAD_BALANCER,
    title="New targets do not start or never become healthy (502)",
    why=(
        "Processes started by a release, a restart or a scale-out exit at once or never pass the health"
        " check, so the group has too few targets that answer."
    ),
    prior=-2.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Read the first lines the process logs at start on one new target, and its exit code.", Look.LOGS
        ),
        Check(
            "Compare the environment variables, secrets and permissions that it needs with what it has.",
            Look.CHANGES,
        ),
        Check("See the deployment's life-cycle events: aws deploy get-deployment-target.", Look.DEPLOYMENTS),
    ),
    prevention=(
        "Validate the service in the deployment before it takes traffic, and keep the minimum of healthy"
        " targets above zero."
    ),
    retry=Retry.SAFE,
    rollback_helps=True,
    owner=Owner.APPLICATION,
    short="targets that do not start",
    triggers={"deployment": 1.0},
    grows_with_rollout=False,
    touched_by=(Effect.CONFIGURATION, Effect.PERMISSION, Effect.CAPACITY),
    sources=(
        (
            "ALB user guide, troubleshooting, HTTP 502: the load balancer received a TCP RST from the target"
            " when connecting"
        ),
        "ALB user guide, target groups, health status reason codes",
    ),
    known_problems="A release that listens on another port looks the same to the load balancer.",
    cases=(
        Case(
            "a variable is missing and the process exits",
            True,
            {
                "target_groups": {
                    "orders": {
                        "elb_502": "0, -6: 2300",
                        "connection_errors": "0, -6: 2400",
                        "healthy": "6, -5: 0",
                        "unhealthy": "0, -5: 6",
                        "health": {"unhealthy": 6, "reason": "Target.FailedHealthChecks"},
                    }
                },
                "deployments": [
                    {
                        "id": "d-NEW",
                        "application": "order-api",
                        "group": "production",
                        "target_groups": ["orders"],
                        "created": "-8",
                        "started": "-8",
                        "completed": "-5",
                        "status": "Succeeded",
                        "config": "CodeDeployDefault.AllAtOnce",
                        "revision": {"bucket": "releases", "key": "v2.zip"},
                    }
                ],
            },
        ),
        Case(
            "half of the new targets do not come up",
            True,
            {
                "target_groups": {
                    "orders": {
                        "elb_502": "0, -7: 900",
                        "connection_errors": "0, -7: 950",
                        "healthy": "6, -6: 3",
                        "unhealthy": "0, -6: 3",
                        "health": {"unhealthy": 3, "reason": "Target.FailedHealthChecks"},
                    }
                },
                "deployments": [
                    {
                        "id": "d-NEW",
                        "application": "order-api",
                        "group": "production",
                        "target_groups": ["orders"],
                        "created": "-9",
                        "started": "-9",
                        "completed": None,
                        "status": "InProgress",
                        "revision": {"bucket": "releases", "key": "v2.zip"},
                    }
                ],
            },
        ),
        Case(
            "an instance refresh of a group that may be ours brings an image that does not start",
            True,
            {
                "target_groups": {
                    "orders": {
                        "elb_502": "0, -5: 4421",
                        "connection_errors": "0, -5: 4500",
                        "target_4xx": "60, -5: 0",
                        "healthy": "6, -10: 3, -5: 0",
                        "unhealthy": "0, -9: 3, -4: 6",
                        "health": {"unhealthy": 6, "reason": "Target.FailedHealthChecks"},
                    }
                },
                "changes": [
                    {
                        "at": "-15",
                        "name": "StartInstanceRefresh",
                        "source": "autoscaling",
                        "resources": ["orders-asg"],
                    }
                ],
            },
        ),
        Case("all targets stay healthy", False, {"target_groups": {"orders": {"elb_502": "0, -3: 369"}}}),
    ),
)
