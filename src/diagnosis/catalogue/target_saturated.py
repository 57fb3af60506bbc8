"""Too little capacity for ordinary traffic: workers, processor, connections, leaks."""

from collections.abc import Iterable

from diagnosis.capacity import BUSY_PROCESSOR, IDLE_PROCESSOR, taken_away
from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.classic_signals import queue_refuses
from diagnosis.container_context import failing_services, kept_out
from diagnosis.context import software_fails_everywhere
from diagnosis.facts import Facts
from diagnosis.phrase import moved, seconds

FULL_MEMORY = 95.0


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh response time and errors that climb with normal volume, and processors at their limit."""
    if (
        not facts.is_5xx
        or facts.onset is None
        or facts.part("target_5xx", "elb_504", "elb_502", "elb_503") < 0.5
    ):
        yield Signal(-4.0, "server errors are not what failed", "CloudWatch")
        return
    if facts.response_time.known and not facts.response_time.raised:
        yield Signal(-3.5, "response time is as before", "CloudWatch TargetResponseTime")
    elif facts.response_time.raised:
        yield Signal(
            1.5, f"response time went {seconds(facts.response_time)}", "CloudWatch TargetResponseTime"
        )
        if facts.response_time.climbing:
            yield Signal(1.5, "response time still climbs", "CloudWatch TargetResponseTime")
    peak, before = facts.processor_peak, facts.processor_before
    if peak is not None and peak >= BUSY_PROCESSOR:
        yield Signal(
            3.5, f"processors went from {before or 0:.0f} % to {peak:.0f} %", "CloudWatch CPUUtilization"
        )
    elif peak is not None and peak < IDLE_PROCESSOR:
        yield Signal(-1.5, f"processors are at {peak:.0f} %", "CloudWatch CPUUtilization")
    yield from _containers(facts)
    if not facts.surged:
        yield Signal(0.5, f"requests are ordinary, {moved(facts.attempted)}", "CloudWatch RequestCount")
    yield from _fewer(facts)
    yield from queue_refuses(facts)
    yield from software_fails_everywhere(facts)


def _fewer(facts: Facts) -> Iterable[Signal]:
    """Targets that are gone: fewer by choice are too little capacity, others have their own mechanism."""
    if mismatched := facts.unhealthy("Target.ResponseCodeMismatch"):
        yield Signal(
            -2.0,
            f"{len(mismatched)} targets are out for their health check's code, the rest carries the load",
            "DescribeTargetHealth",
        )
    if left := taken_away(facts):
        yield Signal(2.0, f"{left}, and no more are wanted", "CloudWatch HealthyHostCount")
    elif facts.hosts_fell and not facts.turned_unhealthy:
        yield Signal(-2.0, "targets left the group", "CloudWatch HealthyHostCount")


def _containers(facts: Facts) -> Iterable[Signal]:
    """How full the services are, and whether they are full because tasks are lacking."""
    for service in failing_services(facts):
        lacking = kept_out(service)
        if lacking:
            yield Signal(-4.0, f"tasks of {service.name} are lacking: {lacking}", "ECS")
        processor, memory = service.processor, service.memory
        if processor.peak is not None and processor.peak >= BUSY_PROCESSOR:
            went = f"from {processor.before or 0:.0f} % to {processor.peak:.0f} %"
            yield Signal(3.5, f"processors of {service.name} went {went}", "CloudWatch CPUUtilization")
        elif memory.peak is not None and memory.peak >= FULL_MEMORY and not lacking:
            went = f"from {memory.before or 0:.0f} % to {memory.peak:.0f} %"
            yield Signal(2.0, f"memory of {service.name} went {went}", "CloudWatch MemoryUtilization")
        elif processor.peak is not None and processor.peak < IDLE_PROCESSOR:
            yield Signal(
                -1.5,
                f"processors of {service.name} are at {processor.peak:.0f} %",
                "CloudWatch CPUUtilization",
            )


CAUSE = Cause(
    code="target_saturated",
    origin=Origin.TARGET,
    title="Targets are at their limit with ordinary traffic",
    why=(
        "Workers, processor, threads or connections are used up although no more requests come than usual: a"
        " leak, costlier requests, or too few targets."
    ),
    prior=-2.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            (
                "See which resource is used up: processor, memory, threads, file descriptors, database"
                " connections."
            ),
            Look.METRICS,
        ),
        Check("Compare the cost of a request with last week's.", Look.METRICS),
        Check("Add targets to gain time.", Look.SCALING),
    ),
    prevention="Scale on the resource that fills up, and load-test releases for cost per request.",
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=True,
    owner=Owner.APPLICATION,
    short="used-up capacity",
    triggers={"deployment": 0.5},
    touched_by=(Effect.CAPACITY, Effect.CONFIGURATION),
    sources=(
        "ALB user guide, CloudWatch metrics: TargetResponseTime",
        "EC2 user guide, CloudWatch metrics: CPUUtilization",
    ),
    known_problems=(
        "Memory, threads and connections are not measured here; only the processor and the climb show."
    ),
    cases=(
        Case(
            "a release that burns the processor",
            True,
            {
                "target_groups": {
                    "orders": {
                        "target_5xx": "1, -12..-4: 10->280",
                        "response_time": "0.09, -12..-4: 0.3->3.5",
                        "cpu": "40, -12: 96",
                    }
                }
            },
        ),
        Case(
            "threads leak until none is left",
            True,
            {
                "target_groups": {
                    "orders": {
                        "target_5xx": "1, -10..-1: 20->150",
                        "elb_504": "0, -10..-1: 20->160",
                        "response_time": "0.09, -25..-1: 0.1->6",
                        "cpu": "40, -12: 91",
                    }
                }
            },
        ),
        Case(
            "three tasks are to do what nine did",
            True,
            {
                "target_groups": {
                    "orders": {
                        "target_type": "ip",
                        "targets": 3,
                        "healthy": "9, -10: 3",
                        "target_5xx": "1, -9: 60, -8: 340",
                        "response_time": "0.09, -9: 1.8, -8: 3",
                    }
                },
                "services": {"orders": {"desired": "9, -10: 3", "running": "9, -10: 3", "cpu": "36, -9: 99"}},
            },
        ),
        Case(
            "somebody halves the Auto Scaling group",
            True,
            {
                "target_groups": {
                    "orders": {
                        "targets": 3,
                        "healthy": "6, -10: 3",
                        "target_5xx": "1, -9: 60, -8: 340",
                        "response_time": "0.09, -9: 1.8, -8: 3",
                        "cpu": "48, -9: 99",
                    }
                },
                "changes": [
                    {
                        "at": "-12",
                        "name": "SetDesiredCapacity",
                        "source": "autoscaling",
                        "by": "a.person",
                        "resources": ["orders-production"],
                        "parameters": {"desiredCapacity": 3},
                    }
                ],
            },
        ),
        Case(
            "three times the requests",
            False,
            {
                "target_groups": {
                    "orders": {
                        "requests": "4421, -12: 13500",
                        "target_5xx": "1, -10: 400",
                        "response_time": "0.09, -11: 2.9",
                        "cpu": "40, -12: 97",
                    }
                }
            },
        ),
    ),
)
