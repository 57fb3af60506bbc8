"""The edge passes on what its origin answers."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.context import began_lately
from diagnosis.edge_context import CLOUDFRONT, about_5xx, failing_origin, function_fails, share_of
from diagnosis.facts import Facts
from diagnosis.facts.behind import OriginFacts
from diagnosis.facts.edge import EdgeFacts
from diagnosis.phrase import moved, percent

IN_STEP, MOST, A_PART = 0.7, 0.4, 0.15


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh the origin's own 5xx against the edge's, minute by minute."""
    edge = about_5xx(facts)
    if edge is None:
        yield Signal(-6.0, "server errors of a distribution are not what failed", "CloudWatch 5xxErrorRate")
        return
    origin = edge.failing
    if origin and origin.read:
        yield from _in_step(edge, origin)
    elif edge.origins and all(each.read for each in edge.origins):
        yield Signal(-4.0, "no origin answers more 5xx than before", "CloudWatch of the origins")
    else:
        yield from _by_code(facts)
    yield from function_fails(facts)
    yield from began_lately(facts)


def _in_step(edge: EdgeFacts, origin: OriginFacts) -> Iterator[Signal]:
    source = f"CloudWatch of {origin.id}"
    ratio = origin.errors.excess / max(edge.server_errors.excess, 1.0)
    if not origin.errors.risen or origin.in_step < 0.3 or ratio < A_PART / 2:
        yield Signal(-5.0, f"{origin.id} answers no more 5xx of its own in these minutes", source)
        return
    weight = 6.0 if origin.in_step >= IN_STEP and ratio >= MOST else 3.0 if ratio >= A_PART else 1.0
    yield Signal(
        weight,
        f"{origin.id}'s own 5xx went {moved(origin.errors)}, in {percent(origin.in_step)} of the edge's bad"
        " minutes",
        source,
    )
    if origin.lingering >= 2:
        yield Signal(-4.0, f"{origin.id} has been clean for {origin.lingering} minutes, the edge not", source)


def _by_code(facts: Facts) -> Iterator[Signal]:
    """CloudFront writes 502, 503 and 504 by itself, and hardly any other 5xx."""
    others = share_of(facts, "5xx")
    if others is not None and others >= 0.6:
        yield Signal(
            3.5,
            f"{percent(others)} of the additional errors are neither 502, 503 nor 504: the edge writes hardly"
            " any of these itself",
            "CloudWatch 5xxErrorRate",
        )
    else:
        yield Signal(-0.5, "the origin's own figures are not known", "what could not be read")


CAUSE = Cause(
    code="origin_errors",
    origin=Origin.TARGET,
    title="The edge passes on errors that its origin answers",
    why=(
        "The distribution works: it asks the origin and relays the 5xx that the origin gives. What is wrong"
        " stands in the chain."
    ),
    prior=-0.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Follow the chain: diagnose the origin named here with its own metrics and logs.",
            Look.ENTRY_POINT,
        ),
        Check("Compare the origin's 5xx with the distribution's, minute by minute.", Look.METRICS),
        Check("Ask the origin directly, past the edge, for a path that fails.", Look.LOGS),
    ),
    prevention=(
        "Alarm on the origin's own errors as well, and serve stale objects on errors (stale-if-error)."
    ),
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=True,
    onset_after_deployment_minutes=4.0,
    triggers={"deployment": 1.0},
    touched_by=(
        Effect.CONFIGURATION,
        Effect.PERMISSION,
        Effect.DATABASE,
        Effect.CAPACITY,
        Effect.REGISTRATION,
        Effect.ROUTING,
        Effect.NETWORK,
        Effect.HEALTH_CHECK,
        Effect.TIMEOUT,
    ),
    systems=CLOUDFRONT,
    owner=Owner.APPLICATION,
    short="own errors",
    component=failing_origin,
    sources=(
        "CloudFront developer guide, troubleshooting error responses: HTTP 5xx status codes of the origin",
    ),
    cases=(
        Case(
            "the application behind it raises",
            True,
            {
                "distribution": {"errors": {"500": "2, -7: 430"}},
                "target_groups": {"orders": {"target_5xx": "1, -7: 440"}},
            },
        ),
        Case(
            "the load balancer behind it has no targets",
            True,
            {
                "distribution": {"additional_metrics": False, "errors": {"503": "0, -6: 3900"}},
                "target_groups": {"orders": {"requests": "4421, -6: 0", "target_4xx": "60, -6: 0"}},
                "traffic": {"elb_503": "0, -6: 4300"},
            },
        ),
        Case(
            "TLS with the origin fails",
            False,
            {
                "distribution": {"errors": {"502": "0, -5: 9800"}},
                "target_groups": {"orders": {"requests": "4421, -5: 0", "target_4xx": "60, -5: 0"}},
                "traffic": {"client_tls_errors": "0, -5: 4400"},
            },
        ),
    ),
)
