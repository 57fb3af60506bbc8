"""Processes are killed for memory again and again."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Origin, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.facts import HARDLY_ANY, Facts


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh short bursts of 502 at intervals, each with a target lost and found again."""
    if not facts.is_5xx or facts.part("elb_502", "elb_504") < 0.5:
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
    else:
        yield Signal(-4.0, "the errors do not come and go", "CloudWatch HTTPCode_ELB_502_Count")
    if facts.hosts_dipped or facts.turned_unhealthy:
        yield Signal(1.5, "targets were lost for a short time and came back", "CloudWatch HealthyHostCount")
    if facts.ratio("connection_errors", "elb_502", "elb_504") >= HARDLY_ANY:
        yield Signal(
            1.0,
            "connections are refused in the bursts, as by a process that restarts",
            "CloudWatch TargetConnectionErrorCount",
        )
    rollout = facts.rollout_at_onset
    if rollout and (rollout.ended is None or shape.last_elevated <= rollout.ended + 1):
        yield Signal(-3.0, "every burst falls into the roll-out, which swaps targets", "CodeDeploy")
    if facts.lone_zone:
        yield Signal(-3.5, f"only {facts.lone_zone.name} fails", "CloudWatch by AvailabilityZone")
    if not facts.surged:
        yield Signal(0.5, "traffic was ordinary", "CloudWatch RequestCount")


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
        "Look for kills in the kernel's log (dmesg, journalctl -k) or exit code 137.",
        "Plot memory by process since the last release.",
        "Compare the heap limit with the memory of the machine or container.",
    ),
    prevention=(
        "Alarm on memory, set the heap limit below the container's, and watch memory for an hour after each"
        " release."
    ),
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=True,
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
        Case("a steady stream of 502", False, {"target_groups": {"orders": {"elb_502": "0, -20: 90"}}}),
    ),
)
