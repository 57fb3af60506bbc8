"""The edge still serves stored errors of an origin that has recovered."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.edge_context import CLOUDFRONT, failing_origin, function_fails
from diagnosis.facts import Facts
from diagnosis.facts.behind import OriginFacts
from diagnosis.facts.edge import EdgeFacts
from diagnosis.systems.edge import DEFAULT_ERROR_CACHING

# Below this the edge follows its origin within the minute.
LONG_CACHING = 60.0
SHORTEST_TAIL = 2
# What is stored of errors (CloudFront developer guide, HTTP 4xx and 5xx status codes that CloudFront caches).
SERVER_CODES = ("502", "503", "504", "500")
CLIENT_CODES = ("403", "404", "400", "405", "410", "414")


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh an origin that is clean again against an edge that goes on to fail, and how long it may."""
    edge = facts.edge
    lingering = max((_lingering(facts, each) for each in edge.origins), default=0) if edge else 0
    if edge is None or lingering < SHORTEST_TAIL:
        yield Signal(-6.0, "the edge does not fail longer than its origin did", "CloudWatch of the origins")
        return
    worst = max(edge.origins, key=lambda each: _lingering(facts, each))
    weight = 4.5 if lingering >= 2 * SHORTEST_TAIL else 3.0
    yield Signal(
        weight,
        f"{worst.id} has answered well again for {lingering} minutes in which the edge still failed",
        f"CloudWatch of {worst.id}",
    )
    if not worst.deserted and worst.read:
        yield Signal(0.5, f"requests reach {worst.id} as before", f"CloudWatch of {worst.id}")
    yield from _caching(facts, edge)
    yield from function_fails(facts)


def _lingering(facts: Facts, origin: OriginFacts) -> int:
    """In how many minutes the edge went on with what the alarm is about, and the origin did not."""
    return origin.lingering if facts.is_5xx else origin.lingering_4xx


def _caching(facts: Facts, edge: EdgeFacts) -> Iterator[Signal]:
    if edge.distribution is None:
        return
    kept_codes = SERVER_CODES if facts.is_5xx else CLIENT_CODES
    codes = [code for code in kept_codes if _rose(facts, edge, code)] or kept_codes
    longest = max(codes, key=edge.distribution.caches_for)
    kept = edge.distribution.caches_for(longest)
    source = "GetDistribution ErrorCachingMinTTL"
    if kept >= LONG_CACHING:
        yield Signal(2.5, f"the distribution keeps {longest} for at least {kept:.0f} s", source)
    else:
        yield Signal(
            -3.0, f"errors are kept for {kept:.0f} s only (default {DEFAULT_ERROR_CACHING:.0f})", source
        )


def _rose(facts: Facts, edge: EdgeFacts, code: str) -> bool:
    """Whether this code is among those that rose; 500 is what is left of the whole."""
    if code in edge.by_code:
        return edge.by_code[code].risen
    return code == "500" and edge.codes_known and facts.part("edge_5xx") >= 0.3


CAUSE = Cause(
    code="cached_error",
    origin=Origin.EDGE,
    title="The edge still serves stored errors; its origin has recovered",
    why=(
        "CloudFront keeps error responses for at least ErrorCachingMinTTL. While that lasts it does not ask"
        " the origin again, however well the origin is by now."
    ),
    prior=-1.5,
    needs=("metrics", "origins"),
    examine=examine,
    first_look=(
        Check(
            "Invalidate what fails: aws cloudfront create-invalidation --distribution-id <id> --paths '/*'.",
            Look.DISTRIBUTION,
        ),
        Check("Look at ErrorCachingMinTTL of the distribution's custom error responses.", Look.DISTRIBUTION),
        Check("Ask the origin directly, past the edge: it should answer well.", Look.METRICS),
    ),
    prevention="Keep ErrorCachingMinTTL at some seconds for 5xx, and invalidate as a step of recovery.",
    retry=Retry.SAFE,
    rollback_helps=False,
    # What set the errors off at the origin is over, and the edge keeps on whatever it was.
    triggers={"none_found": 1.0, "deployment": -1.0},
    grows_with_rollout=False,
    touched_by=(Effect.EDGE,),
    systems=CLOUDFRONT,
    owner=Owner.PLATFORM,
    short="stored errors",
    component=failing_origin,
    sources=(
        (
            "CloudFront developer guide, How CloudFront processes and caches HTTP 4xx and 5xx status codes"
            " from your origin: the minimum is 10 seconds unless changed"
        ),
    ),
    known_problems="A short outage with a long ErrorCachingMinTTL looks like a long outage of the origin.",
    cases=(
        Case(
            "five minutes of stored 503 after the origin is back",
            True,
            {
                "distribution": {
                    "error_caching": {"503": 300},
                    "errors": {"503": "1, -14: 5200, -8..0: 4900->1500"},
                },
                "target_groups": {"orders": {"target_5xx": "1, -14: 2100, -8: 1"}},
            },
        ),
        Case(
            "a short outage, kept for ten minutes",
            True,
            {
                "distribution": {
                    "additional_metrics": False,
                    "error_caching": {"500": 600, "502": 600},
                    "errors": {"502": "1, -9: 3000"},
                },
                "target_groups": {"orders": {"elb_502": "0, -9: 1800, -6: 0"}},
            },
        ),
        Case(
            "stored 404s of files that a fleet in mid-release did not have yet",
            True,
            {
                "alarm": {"metric": "4xxErrorRate"},
                "distribution": {
                    "error_caching": {"404": 900},
                    "errors": {"404": "60, -13: 2400, -7..0: 2300->1900"},
                },
                "target_groups": {"orders": {"target_4xx": "60, -13: 1300, -7: 60"}},
            },
        ),
        Case(
            "the origin still answers 404",
            False,
            {
                "alarm": {"metric": "4xxErrorRate"},
                "distribution": {"error_caching": {"404": 900}, "errors": {"404": "60, -13: 2400"}},
                "target_groups": {"orders": {"target_4xx": "60, -13: 1300"}},
            },
        ),
        Case(
            "the origin still fails",
            False,
            {
                "distribution": {"error_caching": {"500": 300}, "errors": {"500": "2, -9: 1200"}},
                "target_groups": {"orders": {"target_5xx": "1, -9: 1100"}},
            },
        ),
    ),
)
