"""Wanted targets cannot be launched or were reclaimed."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Origin, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.facts import Facts

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
    if not facts.hosts_fell and not taken and not refused:
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
    stopped = [target for target in facts.targets if target.reason == "Target.InvalidState"]
    if stopped:
        yield Signal(1.5, f"{len(stopped)} targets are stopped or terminated", "DescribeTargetHealth")
    if facts.turned_unhealthy and not stopped:
        yield Signal(-2.0, "targets became unhealthy rather than leaving", "CloudWatch UnHealthyHostCount")
    if not taken and not refused and not stopped:
        yield Signal(-2.0, "nothing says that capacity was refused or reclaimed", "CloudTrail")
    if facts.rollout_at_onset:
        yield Signal(-2.0, "a roll-out was replacing targets", "CodeDeploy")
    if facts.lone_zone:
        yield Signal(-1.0, f"only {facts.lone_zone.name} fails", "CloudWatch by AvailabilityZone")


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
        "Read the Auto Scaling group's activity history for its own words.",
        "Compare desired with running instances.",
        "Check quotas and the instance types allowed in the group.",
    ),
    prevention=(
        "Allow several instance types and zones, keep an On-Demand base, and reserve what must not fail."
    ),
    retry=Retry.SAFE,
    rollback_helps=False,
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
