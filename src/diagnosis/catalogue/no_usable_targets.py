"""The group that was chosen has no target that can be used."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.container_context import SERVICE, failing_services, kept_out
from diagnosis.evidence import Missing
from diagnosis.facts import Facts, GroupFacts
from diagnosis.facts.classic import ClassicFacts
from diagnosis.phrase import moved, percent

UNUSABLE = frozenset({"unused", "draining", "initial", "unavailable"})
# Calls by which instances leave before others serve.
REPLACES = frozenset(
    {
        *("StartInstanceRefresh", "UpdateAutoScalingGroup", "SetDesiredCapacity", "DetachInstances"),
        *("EnterStandby", "TerminateInstanceInAutoScalingGroup"),
    }
)


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh 503 made by the load balancer against groups that are empty or hold only unusable targets."""
    if facts.classic:
        yield from _of_classic(facts, facts.classic)
        return
    made_503, share = facts.parts.get("elb_503"), facts.part("elb_503")
    if not facts.is_5xx or made_503 is None or share < 0.3:
        yield Signal(
            -4.0, "503 made by the load balancer is not what failed", "CloudWatch HTTPCode_ELB_503_Count"
        )
        return
    weight = 3.0 if share >= 0.7 else 1.0
    yield Signal(
        weight, f"503 made by the load balancer went {moved(made_503)}", "CloudWatch HTTPCode_ELB_503_Count"
    )
    empty = [group for group in facts.groups if _is_empty(group)]
    lacking = [group for group in facts.groups if _had_none(group)]
    if empty:
        yield Signal(2.5, f"{empty[0].name} has no target that can be used", "DescribeTargetHealth")
    if lacking:
        yield Signal(
            2.0, f"{lacking[0].name} had no healthy target for a while", "CloudWatch HealthyHostCount"
        )
    if not empty and not lacking:
        yield Signal(
            -2.0, "every group kept usable targets", "DescribeTargetHealth and CloudWatch HealthyHostCount"
        )
    yield from _wanted(facts)
    if facts.counts["fixed_responses"].risen:
        yield Signal(
            -4.0,
            "a rule answers by itself: fixed responses rose in step",
            "CloudWatch HTTP_Fixed_Response_Count",
        )
    rollout = facts.rollout_at_onset
    if rollout is not None and rollout.deployment.status == "Failed":
        yield Signal(
            -3.0, "a deployment that failed took the targets and did not bring them back", "CodeDeploy"
        )
    for each in facts.changes_of(Effect.REGISTRATION)[:1]:
        yield Signal(1.0, f"{each.change.name} at {each.change.at:%H:%M:%S}", "CloudTrail")
    for each in facts.changes_of(Effect.ROUTING)[:1]:
        yield Signal(-2.5, f"{each.change.name} at {each.change.at:%H:%M:%S} moved the traffic", "CloudTrail")


def _of_classic(facts: Facts, classic: ClassicFacts) -> Iterable[Signal]:
    """A Classic does not fail open: without an instance in service it answers 503, whatever took them out."""
    share = classic.without_instance
    if not facts.is_5xx or share < 0.3:
        yield Signal(-4.0, "instances were in service all along", "CloudWatch HealthyHostCount")
        return
    yield Signal(
        3.0 if share >= 0.7 else 1.0,
        f"{percent(share)} of the errors were answered while no instance was in service",
        "CloudWatch HealthyHostCount",
    )
    if classic.deserted_zones:
        zones = " and ".join(classic.deserted_zones)
        yield Signal(2.0, f"{zones} had no instance, and each zone serves by itself", "CloudWatch")
    fresh = facts.in_state("initial")
    if fresh and not facts.in_state("unhealthy"):
        yield Signal(
            1.5, f"{len(fresh)} instances are new and have yet to pass enough checks", "DescribeTargetHealth"
        )
    elif facts.turned_unhealthy:
        yield Signal(
            -1.5,
            "they failed their health check, which says how and not why",
            "CloudWatch UnHealthyHostCount",
        )
    else:
        yield Signal(3.0, "instances left without having failed a check", "CloudWatch HealthyHostCount")
    for each in facts.changes_of(Effect.REGISTRATION)[:1]:
        yield Signal(1.0, f"{each.change.name} at {each.change.at:%H:%M:%S}", "CloudTrail")
    if fresh or not facts.turned_unhealthy:
        yield from _replaced(facts)


def _replaced(facts: Facts) -> Iterable[Signal]:
    for each in [each for each in facts.changes_of(Effect.CAPACITY) if each.change.name in REPLACES][:1]:
        yield Signal(
            1.0, f"{each.change.name} at {each.change.at:%H:%M:%S} replaces or takes instances", "CloudTrail"
        )


def _wanted(facts: Facts) -> Iterable[Signal]:
    """Whether somebody wants targets at all, and why those that are wanted do not stay."""
    for service in failing_services(facts):
        if service.service.desired == 0:
            yield Signal(3.0, f"{service.name} is to run no task: its desired count is 0", SERVICE)
        elif why := kept_out(service):
            yield Signal(-4.0, f"tasks of {service.name} are wanted and do not stay: {why}", SERVICE)
        elif service.service.running == 0:
            yield Signal(1.0, f"no task of {service.name} runs", SERVICE)


def _is_empty(group: GroupFacts) -> bool:
    if isinstance(group.targets, Missing):
        return False
    return all(target.state in UNUSABLE for target in group.targets) and (
        bool(group.targets) or group.requests.before > 0
    )


def _had_none(group: GroupFacts) -> bool:
    hosts = group.hosts
    return (
        bool(hosts.healthy_before)
        and (hosts.vanished or hosts.healthy_least == 0)
        and not hosts.unhealthy_now
    )


CAUSE = Cause(
    code="no_usable_targets",
    origin=Origin.LOAD_BALANCER,
    title="No usable target in the group (503)",
    why=(
        "The group that a rule chose has no registered target, or all of them are unused or draining."
        " Unhealthy targets alone do not do this: the load balancer then fails open."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("List the group's targets and their states: aws elbv2 describe-target-health.", Look.TARGETS),
        Check("See who deregistered them: roll-out, scale-in, or a call in CloudTrail.", Look.CHANGES),
        Check("Check that the targets' Availability Zones are enabled on the load balancer.", Look.LISTENERS),
    ),
    prevention=(
        "Keep the minimum healthy share at 100 % in roll-outs and register new targets before old ones leave."
    ),
    retry=Retry.SAFE,
    rollback_helps=False,
    owner=Owner.PLATFORM,
    short="lack of usable targets",
    grows_with_rollout=False,
    touched_by=(Effect.REGISTRATION, Effect.CAPACITY),
    sources=(
        (
            "ALB user guide, troubleshooting, HTTP 503: the target groups have no registered targets, or all"
            " are in an unused state"
        ),
    ),
    cases=(
        Case(
            "a Classic whose instances were all deregistered",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_5XX"},
                "classic_load_balancer": {
                    "instances": 0,
                    "requests": "4421, -6: 0",
                    "backend_4xx": "60, -6: 0",
                    "elb_503": "0, -6: 4421",
                    "healthy": "6, -6: -",
                    "unhealthy": "0, -6: -",
                },
            },
        ),
        Case(
            "all instances of a Classic are replaced at once, and the new ones have yet to pass their checks",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_5XX"},
                "classic_load_balancer": {
                    "instances": 3,
                    "requests": "4421, -6: 0",
                    "backend_4xx": "60, -6: 0",
                    "elb_503": "0, -6: 4421",
                    "healthy": "3, -6: 0",
                    "unhealthy": "0, -5: 3",
                    "health": {"not_passed_yet": 3},
                },
            },
        ),
        Case(
            "everything was deregistered",
            True,
            {
                "target_groups": {
                    "orders": {
                        "targets": [],
                        "requests": "4421, -5: 0",
                        "target_4xx": "60, -5: 0",
                        "healthy": "6, -5: -",
                    }
                },
                "traffic": {"elb_503": "0, -5: 4400"},
            },
        ),
        Case(
            "one replica is replaced before the new one is ready",
            True,
            {
                "target_groups": {
                    "orders": {
                        "targets": 1,
                        "requests": "60, -2: 20, -1: 60",
                        "target_4xx": "0",
                        "healthy": "1, -2..-2: 0",
                    }
                },
                "traffic": {"elb_503": "0, -2..-2: 38"},
            },
        ),
        Case(
            "a maintenance rule answers 503",
            False,
            {
                "target_groups": {"orders": {"requests": "4421, -5: 0", "target_4xx": "60, -5: 0"}},
                "traffic": {"elb_503": "0, -5: 4400", "fixed_responses": "0, -5: 4400"},
            },
        ),
    ),
)
