"""Packets to the target are dropped: security group, network ACL or route."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.classic_signals import dropped_rather_than_refused, unreached
from diagnosis.context import began_lately, lambda_target
from diagnosis.facts import Facts
from diagnosis.phrase import moved

IN_STEP = 0.15


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh 504 in step with failed connections: the connect time-out is a fixed ten seconds."""
    share, ratio = unreached(facts, "elb_504")
    if not facts.is_5xx or share < 0.4:
        yield Signal(
            -4.0,
            "504 made by the load balancer is not most of what failed",
            "CloudWatch HTTPCode_ELB_504_Count",
        )
        return
    if ratio < IN_STEP:
        yield Signal(-4.0, "connections to the targets succeed", "CloudWatch TargetConnectionErrorCount")
        return
    failed = facts.counts["connection_errors"]
    yield Signal(
        5.0,
        f"504 comes in step with failed connections, {moved(failed)}",
        "CloudWatch TargetConnectionErrorCount",
    )
    silent = facts.unhealthy("Target.Timeout")
    if silent:
        yield Signal(
            1.0, f"{len(silent)} targets no longer answer the health check in time", "DescribeTargetHealth"
        )
    refused = facts.unhealthy("Target.FailedHealthChecks", "Target.ResponseCodeMismatch")
    if refused:
        yield Signal(
            -1.5, f"{len(refused)} targets answer the health check's connection", "DescribeTargetHealth"
        )
    for each in facts.changes_of(Effect.NETWORK)[:1]:
        yield Signal(
            2.0, f"{each.change.name} at {each.change.at:%H:%M:%S} changed the network", "CloudTrail"
        )
    if facts.lone_zone:
        yield Signal(-3.5, f"only {facts.lone_zone.name} fails", "CloudWatch by AvailabilityZone")
    yield from dropped_rather_than_refused(facts)
    yield from began_lately(facts)
    yield from lambda_target(facts)


CAUSE = Cause(
    code="target_connect_timeout",
    origin=Origin.LOAD_BALANCER,
    title="Connections to targets time out: packets are dropped (504)",
    why=(
        "The load balancer gets no answer to its connection within ten seconds: a security group, network ACL"
        " or route drops it."
    ),
    prior=-2.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Check that the targets' security group still admits the load balancer's on the traffic and"
            " health-check port.",
            Look.NETWORK_CHANGES,
        ),
        Check(
            "Check the network ACLs of both subnets, the return ports 1024 to 65535 included.",
            Look.NETWORK_CHANGES,
        ),
        Check("Check the routes between the load balancer's and the targets' subnets.", Look.NETWORK_CHANGES),
    ),
    prevention=(
        "Reference the load balancer's security group instead of addresses, and review plans that remove"
        " ingress rules."
    ),
    retry=Retry.SAFE,
    rollback_helps=False,
    owner=Owner.NETWORK,
    short="dropped packets to the targets",
    triggers={"configuration_change": 1.5, "deployment": -3.5},
    touched_by=(Effect.NETWORK,),
    sources=(
        (
            "ALB user guide, troubleshooting, HTTP 504: the load balancer failed to establish a connection"
            " before the timeout expired (10 seconds)"
        ),
        (
            "ALB user guide, troubleshooting, HTTP 504: the network ACL of the subnet did not allow traffic"
            " on the ephemeral ports"
        ),
    ),
    cases=(
        Case(
            "the ingress rule was revoked",
            True,
            {
                "target_groups": {
                    "orders": {
                        "elb_504": "0, -4: 3600",
                        "connection_errors": "0, -4: 3700",
                        "healthy": "6, -3: 0",
                        "unhealthy": "0, -3: 6",
                        "health": {"unhealthy": 6, "reason": "Target.Timeout"},
                    }
                }
            },
        ),
        Case(
            "return ports are closed for part of the traffic",
            True,
            {"target_groups": {"orders": {"elb_504": "0, -9: 700", "connection_errors": "0, -9: 720"}}},
        ),
        Case(
            "the application is too slow",
            False,
            {
                "target_groups": {
                    "orders": {
                        "elb_504": "0, -9: 200",
                        "response_time": "0.09, -9: 8",
                        "response_time_p99": "0.4, -9: 60",
                    }
                }
            },
        ),
    ),
)
