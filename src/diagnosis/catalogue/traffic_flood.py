"""Bots, scrapers or an attack exceed capacity."""

from collections.abc import Iterable

from diagnosis.cause import EVERYWHERE, Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.classic_signals import instances_at_ease, queue_refuses
from diagnosis.context import mostly_over_rate, rejections, requests_source
from diagnosis.facts import Facts
from diagnosis.phrase import moved, percent

ABRUPT_FACTOR = 8.0
MANY_REJECTED = 0.25


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh a rush of requests that people do not make."""
    if not facts.surged or facts.onset is None or not facts.is_5xx:
        yield Signal(-6.0, f"requests did not rise, {moved(facts.attempted)}", requests_source(facts))
        return
    yield Signal(4.0, f"requests rose {moved(facts.attempted)}", requests_source(facts))
    rejected = rejections(facts)
    share = rejected / max(facts.attempted.excess, 1.0)
    if share >= MANY_REJECTED:
        yield Signal(
            3.0,
            f"{percent(min(share, 1.0))} of the new requests are rejected as bad",
            "CloudWatch HTTPCode_Target_4XX_Count",
        )
    if mostly_over_rate(facts):
        yield Signal(
            5.0,
            "a rate rule of the firewall counts most of what came on top: it comes from few addresses",
            "CloudWatch CountedRequests and BlockedRequests",
        )
    if facts.counts["low_reputation_denied"].risen:
        yield Signal(3.5, "requests of low reputation were denied", "CloudWatch LowReputationRequestsDenied")
    if facts.attempted.factor >= ABRUPT_FACTOR:
        yield Signal(1.5, f"{facts.attempted.factor:.0f} times the requests came", requests_source(facts))
    connections = facts.counts["new_connections"]
    if connections.risen and connections.factor >= 2 * facts.attempted.factor:
        yield Signal(
            1.5, "they come on far more new connections than visitors open", "CloudWatch NewConnectionCount"
        )
    yield from queue_refuses(facts)
    yield from instances_at_ease(facts)


CAUSE = Cause(
    code="traffic_flood",
    origin=Origin.TARGET,
    title="A flood of automatic requests exceeds capacity",
    why="Bots, a scraper or an attack send more than the targets can serve; ordinary users suffer with them.",
    prior=-2.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("List the top addresses, agents and paths from the access log.", Look.LOGS),
        Check("Put a rate rule on the web ACL, in count mode first if in doubt.", Look.WEB_ACL),
        Check("Check resource-level DDoS protection and its counts.", Look.METRICS),
    ),
    prevention="Keep a rate-based rule and a bot rule on every public entry point.",
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=False,
    systems=EVERYWHERE,
    owner=Owner.SECURITY,
    short="flood of requests",
    triggers={"traffic_change": 4.0, "deployment": -4.0},
    sources=("ALB user guide, CloudWatch metrics: LowReputationRequestsDenied, NewConnectionCount",),
    known_problems="Without access or firewall logs the number of sources is unknown.",
    cases=(
        Case(
            "a scanner with a thousand workers",
            True,
            {
                "target_groups": {
                    "orders": {
                        "requests": "4421, -6: 40000",
                        "target_4xx": "60, -6: 21000",
                        "target_5xx": "1, -5: 900",
                        "response_time": "0.09, -5: 2",
                        "cpu": "40, -6: 98",
                    }
                }
            },
        ),
        Case(
            "denied by reputation as well",
            True,
            {
                "target_groups": {
                    "orders": {
                        "requests": "4421, -6: 16000",
                        "target_5xx": "1, -5: 500",
                        "response_time": "0.09, -5: 1.5",
                    }
                },
                "traffic": {"elb_4xx": "5, -6: 6000", "low_reputation_denied": "0, -6: 6000"},
            },
        ),
        Case(
            "thirty addresses that a rate rule only counts",
            True,
            {
                "target_groups": {
                    "orders": {
                        "requests": "4421, -8: 13500",
                        "target_5xx": "1, -6: 210",
                        "response_time": "0.09, -6: 2.9",
                    }
                },
                "web_acl": {
                    "rules": [
                        {
                            "name": "per-address",
                            "kind": "rate",
                            "action": "count",
                            "limit": 1000,
                            "counted": "0, -8: 8700",
                        }
                    ]
                },
            },
        ),
        Case(
            "an audience",
            False,
            {
                "target_groups": {
                    "orders": {
                        "requests": "4421, -8: 13500",
                        "target_5xx": "1, -6: 210",
                        "response_time": "0.09, -6: 2.9",
                    }
                }
            },
        ),
    ),
)
