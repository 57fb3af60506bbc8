"""The load balancer cannot take more connections."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.facts import Facts
from diagnosis.phrase import moved


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh connections that the load balancer itself rejected."""
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
