"""More genuine traffic than capacity."""

from collections.abc import Iterable

from diagnosis.cause import EVERYWHERE, Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.classic_signals import instances_at_ease, queue_refuses
from diagnosis.context import latency_source, mostly_over_rate, rejections, requests_source
from diagnosis.facts import Facts
from diagnosis.phrase import moved, seconds

ABRUPT_FACTOR = 8.0
BUSY_PROCESSOR = 80.0


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh requests that rose first, with errors and response time after them."""
    if not facts.surged or facts.onset is None or not facts.is_5xx:
        yield Signal(-6.0, f"requests did not rise, {moved(facts.attempted)}", requests_source(facts))
        return
    yield Signal(5.0, f"requests rose {moved(facts.attempted)}", requests_source(facts))
    if facts.response_time.raised:
        yield Signal(1.0, f"response time went {seconds(facts.response_time)}", latency_source(facts))
    if facts.processor_peak is not None and facts.processor_peak >= BUSY_PROCESSOR:
        yield Signal(1.0, f"processors are at {facts.processor_peak:.0f} %", "CloudWatch CPUUtilization")
    if facts.attempted.factor >= ABRUPT_FACTOR:
        yield Signal(
            -1.0,
            f"{facts.attempted.factor:.0f} times the requests is more than an audience brings",
            requests_source(facts),
        )
    rejected = rejections(facts)
    if rejected >= 0.25 * max(facts.attempted.excess, 1.0):
        yield Signal(
            -3.0, "a good part of the new requests is rejected", "CloudWatch HTTPCode_Target_4XX_Count"
        )
    if facts.counts["low_reputation_denied"].risen:
        yield Signal(-3.0, "requests of low reputation were denied", "CloudWatch LowReputationRequestsDenied")
    if mostly_over_rate(facts):
        yield Signal(
            -4.0,
            "a rate rule of the firewall counts most of what came on top: it comes from few addresses",
            "CloudWatch CountedRequests and BlockedRequests",
        )
    if facts.lone_zone:
        yield Signal(-2.0, f"only {facts.lone_zone.name} fails", "CloudWatch by AvailabilityZone")
    yield from queue_refuses(facts)
    yield from instances_at_ease(facts)


CAUSE = Cause(
    code="traffic_surge",
    origin=Origin.TARGET,
    title="More genuine requests than the targets can serve",
    why="An audience came: a campaign, a broadcast, the top of the hour. Targets queue, slow down and fail.",
    prior=-2.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Raise the desired capacity now; scaling policies may be minutes behind.", Look.SCALING),
        Check("See which entry path the requests take, and cache or shed it.", Look.METRICS),
        Check("Ask who sent a newsletter or is on the air.", Look.METRICS),
    ),
    prevention="Scale on requests per target, keep head-room, and know of campaigns in advance.",
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=False,
    systems=EVERYWHERE,
    owner=Owner.PLATFORM,
    short="rush of requests",
    triggers={"traffic_change": 4.0, "deployment": -4.0},
    sources=("ALB user guide, CloudWatch metrics: RequestCount, RequestCountPerTarget",),
    known_problems="Without access logs genuine visitors cannot be told from well-behaved bots.",
    cases=(
        Case(
            "a mention on television",
            True,
            {
                "target_groups": {
                    "orders": {
                        "requests": "4421, -8..-5: 4421->13500",
                        "target_5xx": "1, -6: 210",
                        "elb_504": "0, -6: 90",
                        "response_time": "0.09, -6: 2.9",
                        "cpu": "40, -7: 96",
                    }
                }
            },
        ),
        Case(
            "twice the visitors on a small service",
            True,
            {
                "target_groups": {
                    "orders": {
                        "requests": "300, -9: 660",
                        "target_4xx": "3",
                        "target_5xx": "0, -8: 70",
                        "response_time": "0.09, -8: 1.8",
                        "cpu": "40, -8: 93",
                    }
                }
            },
        ),
        Case(
            "ordinary requests",
            False,
            {"target_groups": {"orders": {"target_5xx": "1, -6: 210", "response_time": "0.09, -6: 2.9"}}},
        ),
    ),
)
