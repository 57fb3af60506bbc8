"""Which functions fail by what their caller tells, where their own figures show nothing."""

from collections.abc import Iterator
from datetime import datetime

from diagnosis.evidence import Evidence, Metrics, Missing
from diagnosis.shift import Span, count_shift
from diagnosis.systems.gateway import Api

SERVER_ERRORS = ("5XXError", "5xx", "ExecutionError", "IntegrationError")
VISIBLE_SHARE = 0.1


def blamed(evidence: Evidence, span: Span, breaking: frozenset[str]) -> frozenset[str]:
    """The names of functions whose answers the entry point could not use since the onset.

    `breaking` are those that fail by their own figures: where one does, it is the culprit.
    """
    metrics = evidence.metrics
    if isinstance(metrics, Missing) or isinstance(evidence.functions, Missing):
        return frozenset()
    if evidence.kind == "alb":
        return frozenset(_by_load_balancer(evidence, metrics, span))
    if evidence.kind == "apigateway" and not breaking and not isinstance(evidence.gateway, Missing):
        return frozenset(_by_api(evidence.gateway, metrics, span))
    return frozenset()


def _by_load_balancer(evidence: Evidence, metrics: Metrics, span: Span) -> Iterator[str]:
    """A load balancer counts for each group what it could not use of a function's answers."""
    functions = {} if isinstance(evidence.functions, Missing) else evidence.functions
    for function in functions.values():
        for group in function.groups:
            failed = metrics.counts("LambdaUserError", target_group=group)
            raised = metrics.counts("HTTPCode_Target_5XX_Count", target_group=group)
            asked = metrics.counts("RequestCount", target_group=group)
            if any(count_shift(counts, asked, span).risen for counts in (failed, raised)):
                yield function.name


def _by_api(api: Api, metrics: Metrics, span: Span) -> Iterator[str]:
    """An API tells it by its access log, or by having nothing else behind it."""
    if not _fails(metrics, span):
        return
    serving = [each for each in api.known_integrations if each.kind != "mock"]
    routes = _failing_routes(api, metrics.window.minute(span.onset))
    if routes:
        yield from (each.function for each in serving if each.function and each.route in routes)
    elif serving and len({each.function for each in serving}) == 1 and serving[0].function:
        yield serving[0].function


def _fails(metrics: Metrics, span: Span) -> bool:
    counts = [metrics.counts(name) for name in SERVER_ERRORS]
    failed = tuple(sum(minute) for minute in zip(*counts, strict=True))
    return count_shift(failed, (1.0,) * len(failed), span).risen


def _failing_routes(api: Api, onset: datetime) -> frozenset[str]:
    """The routes that are a visible part of the server errors in the access log."""
    if isinstance(api.access_log, Missing):
        return frozenset()
    counted: dict[str, int] = {}
    for each in api.access_log.answers:
        if each.status >= 500 and each.minute >= onset and each.route:
            counted[each.route] = counted.get(each.route, 0) + each.count
    total = sum(counted.values())
    return frozenset(route for route, count in counted.items() if count >= VISIBLE_SHARE * total)
