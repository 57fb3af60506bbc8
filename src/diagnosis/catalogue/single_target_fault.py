"""One target fails, the others are clean."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.evidence import Missing
from diagnosis.facts import Facts, GroupFacts
from diagnosis.phrase import percent

# A target takes an even share of requests; what it fails lies around that share.
LEAST_OF_ITS_SHARE = 0.15
MOST_OF_ITS_SHARE = 1.6
CLOSE_TO_ITS_SHARE = 0.15


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh one unhealthy target among healthy ones against how much fails."""
    group = facts.worst
    if (
        not facts.is_5xx
        or facts.onset is None
        or group is None
        or isinstance(group.targets, Missing)
        or len(group.targets) < 3
    ):
        yield Signal(-4.0, "there are not several targets to compare", "DescribeTargetHealth")
        return
    its_share = _failed_share(facts, group) * len(group.targets)
    if facts.lone_target:
        yield Signal(
            4.0,
            f"only {facts.lone_target.id} of {len(group.targets)} targets {_differs(facts)}",
            "DescribeTargetHealth",
        )
    elif facts.all_healthy:
        yield Signal(-1.0, "no target is unhealthy", "DescribeTargetHealth")
    else:
        yield Signal(-4.0, "several targets are unhealthy or gone", "DescribeTargetHealth")
    if LEAST_OF_ITS_SHARE <= its_share <= MOST_OF_ITS_SHARE:
        close = abs(its_share - 1.0) <= CLOSE_TO_ITS_SHARE
        weight = 2.0 if close else 0.5 if facts.lone_target else -1.0
        yield Signal(
            weight,
            f"what fails is {percent(_failed_share(facts, group))}, one target's share is"
            f" {percent(1 / len(group.targets))}",
            "CloudWatch",
        )
    else:
        yield Signal(-3.0, "what fails does not fit one target's share", "CloudWatch")
    if facts.several_were_unhealthy:
        yield Signal(
            -2.5,
            "several targets were unhealthy at a time",
            "CloudWatch UnHealthyHostCount",
        )
    rollout = facts.rollout_at_onset
    if rollout and facts.lone_target and rollout.failed_targets == (facts.lone_target.id,):
        yield Signal(2.5, "the deployment failed on this target alone", "CodeDeploy deployment targets")
    if rollout and not facts.lone_target:
        yield Signal(-2.5, "a roll-out was replacing targets", "CodeDeploy")


def _differs(facts: Facts) -> str:
    ill = facts.lone_target is not None and facts.lone_target.state == "unhealthy"
    return "is unhealthy" if ill else "has a processor load unlike its neighbours'"


def _failed_share(facts: Facts, group: GroupFacts) -> float:
    return group.failed / max(group.requests.events, 1.0)


CAUSE = Cause(
    code="single_target_fault",
    origin=Origin.TARGET,
    title="One target fails, its neighbours are well",
    why=(
        "A broken machine, a full disk or a stuck process on one target; the others run the same software"
        " without fault."
    ),
    prior=-2.0,
    needs=("metrics", "target_health"),
    examine=examine,
    first_look=(
        Check("Take the target out: aws elbv2 deregister-targets, and see the errors end.", Look.TARGETS),
        Check("Look at its disk, memory, clock and system checks.", Look.METRICS),
        Check("Replace it rather than repair it.", Look.SCALING),
    ),
    prevention="Let the health check test what requests need, and replace unhealthy instances automatically.",
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=False,
    owner=Owner.PLATFORM,
    short="one faulty target",
    triggers={"infrastructure": 5.0, "deployment": -4.0, "configuration_change": -1.0},
    sources=("ALB user guide, target group health",),
    known_problems=(
        "Without access logs a healthy target that fails is only known by its share of the errors."
    ),
    cases=(
        Case(
            "one of six has a full disk",
            True,
            {
                "target_groups": {
                    "orders": {
                        "target_5xx": "0, -8: 730",
                        "healthy": "6, -6: 5",
                        "unhealthy": "0, -6: 1",
                        "health": {
                            "unhealthy": 1,
                            "reason": "Target.ResponseCodeMismatch",
                            "description": "Health checks failed with these codes: [500]",
                        },
                    }
                }
            },
        ),
        Case(
            "one of four hangs and is taken out at last",
            True,
            {
                "target_groups": {
                    "orders": {
                        "targets": 4,
                        "elb_504": "0, -5: 500",
                        "healthy": "4, -3: 3",
                        "unhealthy": "0, -3: 1",
                        "health": {"unhealthy": 1, "reason": "Target.Timeout"},
                    }
                }
            },
        ),
        Case(
            "all targets answer 500 now and then",
            False,
            {"target_groups": {"orders": {"target_5xx": "0, -8: 1900"}}},
        ),
    ),
)
