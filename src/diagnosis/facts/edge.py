"""The distribution around the onset, and what each of its origins did in the same minutes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from diagnosis.evidence import Evidence, Metrics, Missing
from diagnosis.facts.behind import EdgeSeries, OriginFacts, origin_facts, summed
from diagnosis.shift import STILL, Shift, Span, count_shift
from diagnosis.systems.edge import Distribution

# A share of the edge's errors that a function or an origin must make to be at fault.
A_PART, MOST = 0.15, 0.5
EDGE_CODES = ("401", "403", "404", "502", "503", "504")
FUNCTION_ERRORS = ("FunctionExecutionErrors", "FunctionValidationErrors", "FunctionThrottles")
LAMBDA_ERRORS = ("LambdaExecutionError", "LambdaValidationError", "LambdaLimitExceededErrors")


@dataclass(frozen=True, slots=True)
class EdgeFunctionFacts:
    """A function at the edge: its errors, by its name (of Lambda@Edge: those of the whole distribution)."""

    name: str
    errors: Shift
    invocations: Shift = STILL


@dataclass(frozen=True, slots=True)
class EdgeFacts:
    """The distribution around the onset; `distribution` is None where it could not be read.

    `codes_known` tells whether the rates by status code are published (additional metrics). `by_code` has
    counts of requests. `failing_origin` is the id of the origin that fails behind it, if one can be named.
    """

    distribution: Distribution | None = None
    codes_known: bool = False
    server_errors: Shift = STILL
    client_errors: Shift = STILL
    by_code: Mapping[str, Shift] = field(default_factory=dict)
    functions: tuple[EdgeFunctionFacts, ...] = ()
    origins: tuple[OriginFacts, ...] = ()
    failing_origin: str | None = None

    @property
    def failing(self) -> OriginFacts | None:
        """The origin that fails behind the distribution."""
        return next((each for each in self.origins if each.id == self.failing_origin), None)

    @property
    def passes_on(self) -> bool:
        """Whether the origin's own answers make up most of what the edge's errors are."""
        origin = self.failing
        if origin is None or not origin.read:
            return False
        server = origin.errors.excess >= MOST * self.server_errors.excess > 0
        return server or origin.rejections.excess >= MOST * self.client_errors.excess > 0

    @property
    def failing_function(self) -> EdgeFunctionFacts | None:
        """The function whose errors rose with a good part of the edge's."""
        worst = max(self.functions, key=lambda each: each.errors.excess, default=None)
        if worst is None or not worst.errors.risen:
            return None
        made = max(self.server_errors.excess, self.client_errors.excess)
        return worst if worst.errors.excess >= A_PART * made else None


def derive_edge(evidence: Evidence, span: Span) -> EdgeFacts | None:
    """The facts of a distribution; None where the entry point is none or its metrics could not be read."""
    metrics = evidence.metrics
    if evidence.kind != "cloudfront" or isinstance(metrics, Missing):
        return None
    distribution = None if isinstance(evidence.edge, Missing) else evidence.edge
    asked = metrics.counts("Requests")
    by_code = {code: edge_counts(metrics, f"{code}ErrorRate") for code in EDGE_CODES}
    server, client = edge_counts(metrics, "5xxErrorRate"), edge_counts(metrics, "4xxErrorRate")
    facts = EdgeFacts(
        distribution=distribution,
        codes_known=any(any(key.name == f"{code}ErrorRate" for key in metrics.series) for code in by_code),
        server_errors=count_shift(server, asked, span),
        client_errors=count_shift(client, asked, span),
        by_code={code: count_shift(counts, asked, span) for code, counts in by_code.items()},
        functions=_functions(metrics, distribution, span),
        origins=origin_facts(evidence, distribution, span, EdgeSeries(server, client, asked)),
    )
    return replace(facts, failing_origin=_failing(facts))


def edge_counts(metrics: Metrics, name: str) -> tuple[float, ...]:
    """How many requests a rate in percent stands for (CloudFront developer guide, metrics)."""
    asked = metrics.counts("Requests")
    rates = metrics.levels(name, "Average")
    return tuple(float(round((rate or 0.0) / 100 * all_)) for rate, all_ in zip(rates, asked, strict=True))


def _functions(
    metrics: Metrics, distribution: Distribution | None, span: Span
) -> tuple[EdgeFunctionFacts, ...]:
    per_minute = (1.0,) * metrics.window.minutes
    names = sorted({key.part for key in metrics.series if key.part and key.name.startswith("Function")})
    made = [
        EdgeFunctionFacts(
            name,
            count_shift(summed(metrics, FUNCTION_ERRORS, part=name), per_minute, span),
            count_shift(metrics.counts("FunctionInvocations", part=name), per_minute, span),
        )
        for name in names
    ]
    at_edge = summed(metrics, LAMBDA_ERRORS)
    if any(at_edge):
        made.append(EdgeFunctionFacts(_lambda_name(distribution), count_shift(at_edge, per_minute, span)))
    return tuple(made)


def _lambda_name(distribution: Distribution | None) -> str:
    """The function's name where there is just one: the metrics do not tell functions apart."""
    arns = distribution.lambda_functions if distribution else ()
    return arns[0].split(":")[6] if len(arns) == 1 and arns[0].count(":") >= 6 else "Lambda@Edge"


def _failing(facts: EdgeFacts) -> str | None:
    """The origin at fault: the one whose own figures say so, else the only one there is."""
    part = A_PART * max(facts.server_errors.excess, facts.client_errors.excess)
    if not part or not facts.origins or facts.failing_function:
        return None
    for suspicion in (_answers_errors, _refuses_tls, _lost_requests, _too_slow, _shuts_out, _rejects):
        suspects = {each.id: weight if (weight := suspicion(each)) >= part else 0.0 for each in facts.origins}
        worst = max(suspects, key=lambda name: suspects[name])
        if suspects[worst] > 0:
            return worst
    return facts.origins[0].id if len(facts.origins) == 1 else None


def _answers_errors(origin: OriginFacts) -> float:
    return origin.errors.excess


def _refuses_tls(origin: OriginFacts) -> float:
    return origin.refused_tls.excess


def _lost_requests(origin: OriginFacts) -> float:
    return origin.lost if origin.deserted else 0.0


def _too_slow(origin: OriginFacts) -> float:
    return math.inf if origin.slow else 0.0


def _shuts_out(origin: OriginFacts) -> float:
    return math.inf if origin.lets_in is False else 0.0


def _rejects(origin: OriginFacts) -> float:
    return origin.rejections.excess
