"""A function at the edge fails."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.context import began_lately
from diagnosis.edge_context import CLOUDFRONT, edited, edits, said_by_codes
from diagnosis.facts import Facts
from diagnosis.phrase import moved, percent

IN_STEP = 0.5


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh the functions' own errors against the edge's."""
    edge = facts.edge
    failing = edge.failing_function if edge else None
    if edge is None or failing is None:
        yield Signal(
            -6.0,
            "no function at the edge fails more than before",
            "CloudWatch AWS/CloudFront by FunctionName",
        )
        return
    share = failing.errors.excess / max(edge.server_errors.excess, edge.client_errors.excess, 1.0)
    yield Signal(
        6.0 if share >= IN_STEP else 3.0,
        f"errors of {failing.name} went {moved(failing.errors)}: {percent(min(1.0, share))} of the edge's",
        "CloudWatch AWS/CloudFront by FunctionName",
    )
    if facts.is_5xx:
        yield from said_by_codes(facts, 0.5, "502", "503", "5xx")
    yield from began_lately(facts)
    yield from edited(edits(facts), 1.0)


def _function(facts: Facts) -> str | None:
    failing = facts.edge.failing_function if facts.edge else None
    return failing.name if failing else None


CAUSE = Cause(
    code="edge_function_error",
    origin=Origin.EDGE,
    title="A function at the edge fails (502 or 503)",
    why=(
        "The code that runs at the edge throws, returns something CloudFront cannot use, or exceeds its"
        " limits; the request never comes to the origin."
    ),
    prior=-1.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Read its log (/aws/cloudfront/function/<name>, us-east-1; Lambda@Edge: the viewer's region).",
            Look.FUNCTION_LOG,
        ),
        Check(
            "Test it with the event that fails: aws cloudfront test-function --stage LIVE.", Look.DISTRIBUTION
        ),
        Check(
            "Compare its live version with the one before, and publish that again if they differ.",
            Look.CHANGES,
        ),
    ),
    prevention="Test with real events before publishing, and let a function that fails pass the request on.",
    retry=Retry.SAFE,
    rollback_helps=False,
    triggers={"configuration_change": 1.0, "deployment": -1.0},
    touched_by=(Effect.EDGE, Effect.FUNCTION),
    systems=CLOUDFRONT,
    owner=Owner.APPLICATION,
    short="errors at the edge",
    component=_function,
    sources=(
        (
            "CloudFront developer guide, Monitor edge functions: FunctionExecutionErrors,"
            " FunctionValidationErrors"
        ),
        "CloudFront developer guide, HTTP 502 and 503 status codes: Lambda validation and execution errors",
    ),
    known_problems="A function that several distributions use is counted for all of them together.",
    cases=(
        Case(
            "a header that some viewers do not send",
            True,
            {
                "distribution": {
                    "errors": {"503": "1, -6: 1900"},
                    "functions": {"rewrite-paths": {"execution_errors": "0, -6: 1890"}},
                }
            },
        ),
        Case(
            "Lambda@Edge returns what CloudFront cannot use",
            True,
            {
                "distribution": {
                    "additional_metrics": False,
                    "errors": {"502": "1, -8: 3300"},
                    "lambda_edge": {"name": "sign-in-at-edge", "validation_errors": "0, -8: 3250"},
                }
            },
        ),
        Case(
            "the origin fails, the function runs",
            False,
            {
                "distribution": {"errors": {"503": "1, -7: 1400"}, "functions": {"rewrite-paths": {}}},
                "target_groups": {"orders": {"target_5xx": "1, -7: 1300"}},
            },
        ),
    ),
)
