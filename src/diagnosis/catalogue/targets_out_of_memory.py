"""Processes are killed for memory again and again."""

from collections.abc import Iterable, Sequence

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.container_context import TASKS, failing_services, said, stopped, stops_known, tally
from diagnosis.facts import HARDLY_ANY, Facts
from diagnosis.facts.task_stops import Stop, Why

NEAR_LIMIT, FAR_FROM_LIMIT = 90.0, 75.0


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh tasks killed for memory, else short bursts of 502, each with a target lost and found again."""
    killed = stopped(facts, Why.MEMORY)
    # Where the only task dies there is nothing left to send to.
    broken = ("elb_502", "elb_504", "elb_503") if killed else ("elb_502", "elb_504")
    if not facts.is_5xx or facts.part(*broken) < (0.3 if killed else 0.5):
        yield Signal(
            -4.0, "502 made by the load balancer is not what failed", "CloudWatch HTTPCode_ELB_502_Count"
        )
        return
    shape = facts.rhythm
    if shape.sawtooth:
        yield Signal(
            3.5, f"{shape.bursts} bursts with quiet between them", "CloudWatch HTTPCode_ELB_502_Count"
        )
    elif shape.bursts >= 2 and shape.busy_share <= 0.65:
        yield Signal(
            1.5, f"{shape.bursts} bursts with quiet between them", "CloudWatch HTTPCode_ELB_502_Count"
        )
    elif not killed:
        yield Signal(-4.0, "the errors do not come and go", "CloudWatch HTTPCode_ELB_502_Count")
    yield from _containers(facts, killed)
    if facts.hosts_dipped or facts.turned_unhealthy:
        yield Signal(1.5, "targets were lost for a short time and came back", "CloudWatch HealthyHostCount")
    if facts.ratio("connection_errors", "elb_502", "elb_504") >= HARDLY_ANY:
        yield Signal(
            1.0,
            "connections are refused in the bursts, as by a process that restarts",
            "CloudWatch TargetConnectionErrorCount",
        )
    rollout = facts.rollout_at_onset
    if not killed and rollout and (rollout.ended is None or shape.last_elevated <= rollout.ended + 1):
        yield Signal(-3.0, "every burst falls into the roll-out, which swaps targets", "CodeDeploy")
    if facts.lone_zone:
        yield Signal(-3.5, f"only {facts.lone_zone.name} fails", "CloudWatch by AvailabilityZone")
    if not facts.surged:
        yield Signal(0.5, "traffic was ordinary", "CloudWatch RequestCount")


def _containers(facts: Facts, killed: Sequence[Stop]) -> Iterable[Signal]:
    if killed:
        weight = 4.0 if len(killed) == 1 else 6.0
        statement = f"{tally(killed)}: {said(killed)}"
        yield Signal(weight, statement, TASKS)
    elif stops_known(facts):
        yield Signal(-2.5, "no task was killed for memory", TASKS)
    for service in failing_services(facts):
        peak = service.memory.peak
        if peak is not None and peak >= NEAR_LIMIT:
            yield Signal(
                1.5, f"memory of {service.name} reached {peak:.0f} %", "CloudWatch MemoryUtilization"
            )
        elif peak is not None and peak < FAR_FROM_LIMIT and not killed:
            yield Signal(-1.0, f"memory of {service.name} is at {peak:.0f} %", "CloudWatch MemoryUtilization")


CAUSE = Cause(
    code="targets_out_of_memory",
    origin=Origin.LOAD_BALANCER,
    title="Targets are killed for memory again and again (bursts of 502)",
    why=(
        "A process grows until it is killed, restarts, and grows again; each death breaks the requests that"
        " it held."
    ),
    prior=-2.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Look for kills in the kernel's log (dmesg, journalctl -k) or exit code 137.", Look.LOGS),
        Check("Plot memory by process since the last release.", Look.METRICS),
        Check("Compare the heap limit with the memory of the machine or container.", Look.TARGETS),
    ),
    prevention=(
        "Alarm on memory, set the heap limit below the container's, and watch memory for an hour after each"
        " release."
    ),
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=True,
    owner=Owner.APPLICATION,
    short="kills for memory",
    onset_after_deployment_minutes=25.0,
    triggers={"deployment": 1.0},
    touched_by=(Effect.CONFIGURATION,),
    sources=(
        (
            "ALB user guide, troubleshooting, HTTP 502: the target closed the connection with a request"
            " outstanding"
        ),
    ),
    known_problems=(
        "Memory itself is not measured by EC2; bursts with restarts for another reason look the same."
    ),
    cases=(
        Case(
            "a release that leaks",
            True,
            {
                "target_groups": {
                    "orders": {
                        "elb_502": "0, -25..-24: 80, -17..-16: 75, -9..-8: 90, -2..-1: 85",
                        "connection_errors": "0, -25..-24: 60, -17..-16: 50, -9..-8: 66, -2..-1: 60",
                        "healthy": "6, -24..-23: 5, -16..-15: 5, -8..-7: 5, -1: 5",
                    }
                }
            },
        ),
        Case(
            "a small service, killed every ten minutes",
            True,
            {
                "target_groups": {
                    "orders": {
                        "requests": "600",
                        "target_4xx": "6",
                        "elb_502": "0, -33..-32: 30, -22..-21: 35, -12..-11: 31, -2..-1: 33",
                        "healthy": "6, -32..-31: 5, -21..-20: 5, -11..-10: 5, -1: 5",
                    }
                }
            },
        ),
        Case(
            "ECS says that tasks are killed, and the bursts have run into each other",
            True,
            {
                "target_groups": {
                    "orders": {
                        "target_type": "ip",
                        "elb_502": "0, -14: 120",
                        "connection_errors": "0, -14: 60",
                        "healthy": "6, -13: 4",
                    }
                },
                "services": {
                    "orders": {
                        "stopped": [
                            {
                                "at": [-14, -12, -9, -7, -5, -3, -1],
                                "lived": 8,
                                "exit_code": 137,
                                "container_reason": "OutOfMemoryError: Container killed due to memory usage",
                            }
                        ],
                        "memory": "60, -15: 97",
                    }
                },
            },
        ),
        Case("a steady stream of 502", False, {"target_groups": {"orders": {"elb_502": "0, -20: 90"}}}),
    ),
)
