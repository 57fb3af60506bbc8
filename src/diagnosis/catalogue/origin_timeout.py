"""The origin answers after the edge gave up."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.context import began_lately
from diagnosis.edge_context import (
    CLOUDFRONT,
    about_5xx,
    edited,
    edits,
    failing_origin,
    function_fails,
    origin_answers_errors,
    origin_stays_clean,
    said_by_codes,
)
from diagnosis.facts import Facts
from diagnosis.facts.behind import OriginFacts
from diagnosis.phrase import moved

NEAR = 0.9
# Of fewer failures than this the 99th percentile tells nothing.
TELLING = 0.02


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh 504 with an origin that gets the requests and needs longer than the edge waits."""
    edge = about_5xx(facts)
    if edge is None:
        yield Signal(-6.0, "server errors of a distribution are not what failed", "CloudWatch 5xxErrorRate")
        return
    yield from said_by_codes(facts, 2.0, "504")
    yield from origin_answers_errors(facts)
    yield from function_fails(facts)
    yield from began_lately(facts)
    origin = edge.failing
    allowed = origin.read_timeout if origin else 30.0
    yield from _at_the_edge(facts, allowed)
    yield from edited(edits(facts), 1.0)
    if origin and origin.read:
        yield from _at_the_origin(origin, -3.0 if facts.error_share >= TELLING else -1.0)
    else:
        yield Signal(-1.0, "what the origin did is not known", "what could not be read")


def _at_the_edge(facts: Facts, allowed: float) -> Iterator[Signal]:
    peak = facts.slowest.peak
    if peak is None:
        return
    if peak >= NEAR * allowed:
        yield Signal(
            2.5 if facts.slowest.raised else 0.5,
            f"the slowest fetches take {peak:.0f} s, the edge waits {allowed:.0f} s",
            "CloudWatch OriginLatency",
        )
    elif facts.error_share >= TELLING:
        yield Signal(-2.0, f"no fetch takes longer than {peak:.1f} s", "CloudWatch OriginLatency")


def _at_the_origin(origin: OriginFacts, quick: float) -> Iterator[Signal]:
    source = f"CloudWatch of {origin.id}"
    if origin.deserted:
        yield Signal(-3.0, f"requests that reach {origin.id} went {moved(origin.requests)}", source)
    else:
        yield Signal(0.5, f"requests reach {origin.id} as before", source)
    if origin_stays_clean(origin) and origin.slow:
        yield Signal(1.0, f"{origin.id} answers no more 5xx of its own", source)
    peak = origin.slowest.peak
    if origin.slow:
        yield Signal(
            3.5, f"{origin.id}'s slowest answers take {peak:.0f} s, more than the edge waits", source
        )
    elif origin.slowest.raised:
        yield Signal(0.5, f"{origin.id} answers more slowly than before", source)
    elif peak is not None:
        yield Signal(quick, f"{origin.id} answers within {peak:.1f} s, as before", source)
    if origin.rejections.risen and origin.slow:
        yield Signal(0.5, f"{origin.id} counts clients that left before the answer (460)", source)


CAUSE = Cause(
    code="origin_timeout",
    origin=Origin.EDGE,
    title="The origin answers after the edge gave up (504)",
    why=(
        "The origin takes the request and needs longer than the distribution's response time-out (30 seconds"
        " unless changed). It may well finish the work: only nobody waits for it any more."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Find the slow path: the origin's access log by processing time, or its traces.", Look.LOGS),
        Check(
            "Compare OriginReadTimeout of the distribution with the slowest answers of the origin.",
            Look.DISTRIBUTION,
        ),
        Check("Look at the database's slowest statements and locks since the onset.", Look.METRICS),
    ),
    prevention=(
        "Keep answers well below the time-out, hand long work to a queue, and let time-outs grow towards the"
        " client."
    ),
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=True,
    triggers={"deployment": 1.0},
    touched_by=(Effect.DATABASE, Effect.CONFIGURATION, Effect.TIMEOUT, Effect.CAPACITY, Effect.EDGE),
    systems=CLOUDFRONT,
    owner=Owner.APPLICATION,
    short="late answers",
    component=failing_origin,
    sources=(
        (
            "CloudFront developer guide, HTTP 504 status code (Gateway Timeout): find the measured latency of"
            " typical and high-load requests of the application"
        ),
        "CloudFront API reference, CustomOriginConfig: OriginReadTimeout, 30 seconds by default",
    ),
    cases=(
        Case(
            "reports take forty seconds",
            True,
            {
                "distribution": {
                    "errors": {"504": "0, -8: 260"},
                    "latency": "0.11, -8: 2.3",
                    "latency_p99": "0.9, -8: 30.2",
                },
                "target_groups": {
                    "orders": {"response_time": "0.09, -8: 2.2", "response_time_p99": "0.42, -8: 38"}
                },
            },
        ),
        Case(
            "a slow origin, without rates by code",
            True,
            {
                "distribution": {"additional_metrics": False, "errors": {"504": "0, -9: 420"}},
                "target_groups": {
                    "orders": {"response_time": "0.09, -9: 3", "response_time_p99": "0.42, -9: 45"}
                },
            },
        ),
        Case(
            "the origin gives up itself",
            False,
            {
                "distribution": {
                    "errors": {"504": "0, -9: 640"},
                    "latency": "0.11, -9: 2.3",
                    "latency_p99": "0.9, -9: 29",
                },
                "target_groups": {"orders": {"elb_504": "0, -9: 610", "response_time_p99": "0.42, -9: 26"}},
            },
        ),
    ),
)
