"""The load balancer cannot take more connections."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.facts import Facts
from diagnosis.facts.classic import ClassicFacts
from diagnosis.phrase import moved

# Of a Classic, which publishes no rejected connections: what counts as mostly, few and idle (percent).
MOSTLY, FEW, IDLE_PROCESSOR, ABRUPT_FACTOR = 0.7, 0.1, 75.0, 3.0


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh connections that the load balancer itself rejected."""
    if facts.classic:
        yield from _of_classic(facts, facts.classic)
        return
    rejected = facts.counts["rejected_connections"]
    if not rejected.risen:
        yield Signal(-6.0, "the load balancer rejected no connections", "CloudWatch RejectedConnectionCount")
        return
    yield Signal(
        7.0,
        f"connections rejected by the load balancer went {moved(rejected)}",
        "CloudWatch RejectedConnectionCount",
    )
    if facts.all_healthy and not facts.response_time.raised:
        yield Signal(1.5, "targets are healthy and as fast as before", "DescribeTargetHealth and CloudWatch")
    if facts.is_5xx and facts.part("target_5xx") >= 0.5:
        yield Signal(-2.0, "targets themselves answer errors", "CloudWatch HTTPCode_Target_5XX_Count")
    if facts.processor_peak is not None and facts.processor_peak >= 85:
        yield Signal(
            -2.0, f"the targets' processors are at {facts.processor_peak:.0f} %", "CloudWatch CPUUtilization"
        )


def _of_classic(facts: Facts, classic: ClassicFacts) -> Iterable[Signal]:
    """A Classic answers 503 while it is too small, for some minutes (guide, troubleshooting, HTTP 503).

    No metric counts that, so it is what is left: more requests, its own 5xx, and idle instances.
    """
    if not facts.is_5xx or not facts.surged:
        yield Signal(-6.0, "requests did not rise", "CloudWatch RequestCount")
        return
    own = facts.part("elb_502", "elb_other_5xx")
    idle = facts.processor_peak is None or facts.processor_peak < IDLE_PROCESSOR
    if own < MOSTLY or classic.spilled >= FEW or facts.counts["connection_errors"].risen:
        yield Signal(-4.0, "the instances or their queue explain the errors", "CloudWatch")
        return
    if facts.response_time.raised or not facts.all_healthy or not idle:
        yield Signal(
            -4.0, "the instances are not at ease themselves", "CloudWatch and DescribeInstanceHealth"
        )
        return
    yield Signal(
        6.0,
        f"requests rose {moved(facts.attempted)}, the load balancer answers 5xx by itself, and the instances"
        " are healthy, idle and as fast as before",
        "CloudWatch RequestCount, HTTPCode_ELB_5XX_Count and CPUUtilization",
    )
    if facts.attempted.factor >= ABRUPT_FACTOR:
        yield Signal(1.0, f"{facts.attempted.factor:.0f} times the requests came", "CloudWatch RequestCount")
    if facts.rhythm.fading or facts.rhythm.over:
        yield Signal(1.0, "it fades, as the load balancer grows", "CloudWatch HTTPCode_ELB_5XX_Count")


CAUSE = Cause(
    code="load_balancer_capacity",
    origin=Origin.LOAD_BALANCER,
    title="The load balancer rejects connections: it is at its own limit",
    why=(
        "Connections came faster than the load balancer scales, or its limit is reached; targets are idle"
        " meanwhile."
    ),
    prior=-3.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "See RejectedConnectionCount, NewConnectionCount and ActiveConnectionCount around the onset.",
            Look.METRICS,
        ),
        Check("Ask whether clients stopped reusing connections.", Look.METRICS),
        Check("Reserve capacity units for the load balancer before a known rush.", Look.ATTRIBUTES),
    ),
    prevention="Reserve load balancer capacity for rushes and keep client connections alive.",
    retry=Retry.SAFE,
    rollback_helps=False,
    owner=Owner.PLATFORM,
    short="load balancer's capacity",
    triggers={"traffic_change": 2.5, "deployment": -3.0},
    sources=("ALB user guide, CloudWatch metrics: RejectedConnectionCount, CapacityUtilization",),
    cases=(
        Case(
            "a Classic that is too small for a sudden audience, before idle instances",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_5XX"},
                "classic_load_balancer": {
                    "requests": "4421, -5: 21000",
                    "elb_503": "0, -5: 3900, -3: 2600, -1: 900",
                    "cpu": "12, -5: 40",
                },
            },
        ),
        Case(
            "a flash sale opens connections faster than it scales",
            True,
            {
                "target_groups": {"orders": {"requests": "4421, -5: 9000"}},
                "traffic": {
                    "elb_503": "0, -5: 700",
                    "rejected_connections": "0, -5: 2600",
                    "new_connections": "900, -5: 9000",
                },
            },
        ),
        Case(
            "clients stopped keeping connections alive",
            True,
            {
                "target_groups": {"orders": {}},
                "traffic": {
                    "elb_503": "0, -8: 300",
                    "rejected_connections": "0, -8: 900",
                    "new_connections": "900, -8: 8000",
                },
            },
        ),
        Case(
            "targets are empty",
            False,
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
    ),
)
