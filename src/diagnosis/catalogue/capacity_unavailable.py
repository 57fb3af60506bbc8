"""Wanted targets cannot be launched or were reclaimed."""

from collections.abc import Iterable, Sequence

from diagnosis.capacity import taken_away
from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.container_context import (
    EVENTS,
    MOST_SAID,
    SERVICE,
    TASKS,
    failing_services,
    lacking,
    said,
    stopped,
    tally,
)
from diagnosis.facts import NEARLY_ALL, Facts
from diagnosis.facts.task_stops import LOST_CAPACITY, Stop
from diagnosis.systems.containers import ServiceEvent

RECLAIMED = frozenset({"BidEvictedEvent"})
REFUSED = (
    "InsufficientInstanceCapacity",
    "InstanceLimitExceeded",
    "VcpuLimitExceeded",
    "MaxSpotInstanceCountExceeded",
)


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh targets that left and were not replaced against targets that turned unhealthy."""
    taken = [
        each.change
        for each in facts.changes
        if each.effect is Effect.CAPACITY and each.change.name in RECLAIMED
    ]
    refused = [
        each.change
        for each in facts.changes
        if each.change.error and any(word in each.change.error for word in REFUSED)
    ]
    lost, unplaced = stopped(facts, *LOST_CAPACITY), _unplaced(facts)
    told = bool(lost or unplaced)
    if not facts.hosts_fell and not taken and not refused and not told:
        yield Signal(-5.0, "no targets were lost", "CloudWatch HealthyHostCount")
        return
    if facts.hosts_fell:
        yield Signal(1.0, "fewer targets are in service than before", "CloudWatch HealthyHostCount")
    if taken:
        yield Signal(
            5.0, f"{taken[0].name} at {taken[0].at:%H:%M:%S}: instances were reclaimed", "CloudTrail"
        )
    if refused:
        yield Signal(5.0, f"{refused[0].name} was refused: {refused[0].error}", "CloudTrail")
    gone = [target for target in facts.targets if target.reason == "Target.InvalidState"]
    if gone:
        yield Signal(1.5, f"{len(gone)} targets are stopped or terminated", "DescribeTargetHealth")
    if facts.turned_unhealthy and not gone:
        yield Signal(-2.0, "targets became unhealthy rather than leaving", "CloudWatch UnHealthyHostCount")
    yield from _containers(facts, lost, unplaced)
    if not taken and not refused and not gone and not told:
        yield from _untold(facts)
    if facts.rollout_at_onset and not told:
        yield Signal(-2.0, "a roll-out was replacing targets", "CodeDeploy")
    if facts.lone_zone:
        yield Signal(-1.0, f"only {facts.lone_zone.name} fails", "CloudWatch by AvailabilityZone")


def _untold(facts: Facts) -> Iterable[Signal]:
    yield Signal(-2.0, "nothing says that capacity was refused or reclaimed", "CloudTrail")
    if left := taken_away(facts):
        yield Signal(-2.0, f"{left}, and no more are wanted", "CloudWatch HealthyHostCount")


def _unplaced(facts: Facts) -> ServiceEvent | None:
    return next((each.unplaced for each in failing_services(facts) if each.unplaced), None)


def _containers(facts: Facts, lost: Sequence[Stop], unplaced: ServiceEvent | None) -> Iterable[Signal]:
    if lost and not lacking(facts):
        yield Signal(1.0, f"{tally(lost)}, and were replaced", TASKS)
    elif lost:
        yield Signal(4.5, f"{tally(lost)}: {said(lost)}", TASKS)
    if unplaced:
        yield Signal(5.0, f"at {unplaced.at:%H:%M:%S}: {unplaced.message[:MOST_SAID]}", EVENTS)
    if (lost or unplaced) and facts.part("target_5xx") >= NEARLY_ALL and _answers_quickly(facts):
        yield Signal(-4.0, "the targets that are left answer as quickly as before", "CloudWatch")
    for service in failing_services(facts):
        if service.lacks and (lost or unplaced):
            yield Signal(
                1.0,
                f"{service.service.running} of {service.service.desired} wanted tasks of {service.name} run",
                SERVICE,
            )
        elif service.lacks and service.impaired:
            yield Signal(0.5, f"tasks of {service.name} do not start steadily", EVENTS)


def _answers_quickly(facts: Facts) -> bool:
    return facts.response_time.known and not facts.response_time.raised


CAUSE = Cause(
    code="capacity_unavailable",
    origin=Origin.LOAD_BALANCER,
    title="Targets were reclaimed or cannot be launched",
    why=(
        "Instances were taken back (Spot) or the provider or a quota refuses new ones, so too few targets are"
        " left."
    ),
    prior=-2.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Read the Auto Scaling group's activity history for its own words.", Look.SCALING),
        Check("Compare desired with running instances.", Look.TARGETS),
        Check("Check quotas and the instance types allowed in the group.", Look.CHANGES),
    ),
    prevention=(
        "Allow several instance types and zones, keep an On-Demand base, and reserve what must not fail."
    ),
    retry=Retry.SAFE,
    rollback_helps=False,
    owner=Owner.PLATFORM,
    short="missing capacity",
    triggers={"infrastructure": 3.0, "deployment": -3.0},
    touched_by=(Effect.CAPACITY,),
    sources=(
        "EC2 user guide, Spot instance interruptions: CloudTrail BidEvictedEvent",
        "Auto Scaling user guide, troubleshooting: insufficient instance capacity",
    ),
    cases=(
        Case(
            "four Spot instances were reclaimed",
            True,
            {
                "target_groups": {
                    "orders": {
                        "targets": 2,
                        "healthy": "6, -8: 2",
                        "elb_504": "0, -7: 260",
                        "target_5xx": "0, -7: 120",
                        "response_time": "0.09, -7: 4",
                        "cpu": "40, -8: 98",
                    }
                },
                "changes": [
                    {
                        "at": "-9",
                        "name": "BidEvictedEvent",
                        "source": "ec2",
                        "by": "ec2",
                        "resources": ["i-0dead000000000001"],
                        "parameters": {},
                    }
                ],
            },
        ),
        Case(
            "the zone has no more of this instance type",
            True,
            {
                "target_groups": {
                    "orders": {
                        "targets": 3,
                        "healthy": "6, -10: 3",
                        "elb_504": "0, -9: 180",
                        "response_time": "0.09, -9: 3",
                        "cpu": "40, -10: 97",
                    }
                },
                "changes": [
                    {
                        "at": "-9",
                        "name": "RunInstances",
                        "source": "ec2",
                        "by": "autoscaling",
                        "resources": [],
                        "parameters": {},
                        "error": "Server.InsufficientInstanceCapacity",
                    }
                ],
            },
        ),
        Case(
            "ECS finds no place for tasks",
            True,
            {
                "target_groups": {
                    "orders": {
                        "target_type": "ip",
                        "targets": 2,
                        "healthy": "6, -8: 2",
                        "elb_504": "0, -7: 200",
                        "response_time": "0.09, -8: 3",
                    }
                },
                "services": {
                    "orders": {
                        "running": "6, -8: 2",
                        "events": [
                            {
                                "at": "-6",
                                "message": (
                                    "(service orders) was unable to place a task because no container"
                                    " instance met all of its requirements."
                                ),
                            }
                        ],
                        "cpu": "40, -8: 99",
                    }
                },
            },
        ),
        Case(
            "tasks are full and all of them run",
            False,
            {
                "target_groups": {
                    "orders": {
                        "target_type": "ip",
                        "elb_504": "0, -7: 200",
                        "target_5xx": "0, -9..-7: 20->90",
                        "response_time": "0.09, -12..-2: 0.2->4",
                    }
                },
                "services": {"orders": {"cpu": "40, -12: 99"}},
            },
        ),
        Case(
            "targets turned unhealthy",
            False,
            {
                "target_groups": {
                    "orders": {
                        "healthy": "6, -5: 2",
                        "unhealthy": "0, -5: 4",
                        "elb_502": "0, -6: 900",
                        "connection_errors": "0, -6: 950",
                        "health": {"unhealthy": 4, "reason": "Target.FailedHealthChecks"},
                    }
                }
            },
        ),
    ),
)
