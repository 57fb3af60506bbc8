"""The API around the onset: what failed, who answered it, how slow what stands behind it was."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from diagnosis.evidence import Evidence, Metrics, Missing
from diagnosis.facts.gateway_answers import Reason
from diagnosis.facts.gateway_functions import invoked, raising
from diagnosis.facts.gateway_log import answers_since, of_log
from diagnosis.shift import Level, Shift, Span, count_shift, level_shift
from diagnosis.systems.gateway import USUAL_LIMIT, Answered, Api, Integration, Limit, Stage

# A time this close to the integration's limit is the limit.
AT_LIMIT = (0.97, 1.05)
MOSTLY, SELDOM = 0.5, 0.25
# What stands behind has a part in it when it answered, or was to answer, this share of the failed requests.
BEHIND_SHARE = 0.2

_4XX = ("4XXError", "4xx", "ClientError")
_5XX = ("5XXError", "5xx", "ExecutionError", "IntegrationError")


@dataclass(frozen=True, slots=True)
class GatewayFacts:
    """An API around the onset. `answers` are the failed requests of the access log since then, beyond those
    of the minutes before; None where no log tells them.

    `invoked` is how often the functions behind the routes were called, None where they are not read or not
    all that stands behind the API; `raising` are the functions whose errors rose, authorizers among them.
    `limit_seconds` is how long the integrations may take, and `at_limit` whether the slowest now take all of
    it and did not before.
    """

    api: Api | None
    successes: Shift
    client_errors: Shift
    server_errors: Shift
    called_wrong: Shift
    latency: Level
    limit_seconds: float
    at_limit: bool
    answers: tuple[tuple[Reason, Answered], ...] | None
    limit: Limit | None
    sources: int | None
    paths: int | None
    invoked: Shift | None = None
    raising: Mapping[str, Shift] = field(default_factory=dict)
    failing_origin: str | None = None
    slow_routes: tuple[str, ...] = ()
    failing_parts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The API's name, where it could be read."""
        return self.api.name if self.api else "the API"

    def told(self, first_digit: int) -> int:
        """How many failed requests with such codes the access log tells of."""
        return sum(each.count for _, each in self.answers or () if each.status // 100 == first_digit)

    def share(self, first_digit: int, *reasons: Reason) -> float | None:
        """The share of the failed requests with such codes that failed for these reasons, by the access log;
        None where it tells of none.
        """
        total = self.told(first_digit)
        if not total:
            return None
        return sum(each.count for _, each in self.of(first_digit, *reasons)) / total

    def of(self, first_digit: int, *reasons: Reason) -> tuple[tuple[Reason, Answered], ...]:
        """The answers of the access log with such codes and reasons, the most frequent first."""
        found = (
            (reason, each)
            for reason, each in self.answers or ()
            if each.status // 100 == first_digit and (not reasons or reason in reasons)
        )
        return tuple(sorted(found, key=lambda pair: (-pair[1].count, pair[1].status, str(pair[1].route))))

    def routes(self, first_digit: int, *reasons: Reason) -> tuple[str, ...]:
        """The routes of these answers, worst first."""
        counted: Counter[str] = Counter()
        for _, each in self.of(first_digit, *reasons):
            counted[each.route or ""] += each.count
        return tuple(route for route, _ in counted.most_common() if route)

    def quoted(self, first_digit: int, *reasons: Reason) -> str | None:
        """The most frequent error text of these answers."""
        return next((each.error for _, each in self.of(first_digit, *reasons) if each.error), None)

    @property
    def lost_routes(self) -> tuple[str, ...]:
        """Routes that the last deployment took away."""
        return tuple(
            route
            for stage in self._stages
            if not isinstance(stage.lost_routes, Missing)
            for route in stage.lost_routes
        )

    @property
    def deployed(self) -> datetime | None:
        """When a stage was last deployed to, if it was lately."""
        return max((stage.deployed for stage in self._stages if stage.deployed), default=None)

    @property
    def integrations(self) -> tuple[Integration, ...]:
        """What stands behind the routes, as far as it could be read."""
        return self.api.known_integrations if self.api else ()

    @property
    def _stages(self) -> tuple[Stage, ...]:
        return self.api.known_stages if self.api else ()


def derive_gateway(evidence: Evidence, span: Span) -> GatewayFacts | None:
    """The facts of an API; None where the entry point is something else."""
    metrics = evidence.metrics
    if evidence.kind != "apigateway" or isinstance(metrics, Missing):
        return None
    api = None if isinstance(evidence.gateway, Missing) else evidence.gateway
    asked, client, server = _asked(metrics), _counts(metrics, _4XX), _counts(metrics, _5XX)
    good = tuple(max(0.0, all_ - bad - worse) for all_, bad, worse in zip(asked, client, server, strict=True))
    per_minute = (1.0,) * len(asked)
    latency = _seconds(metrics.levels("IntegrationLatency", "Average"))
    slowest = _seconds(metrics.levels("IntegrationLatency", "Maximum"))
    limit, at_limit = _limit_reached(api, slowest, span)
    answers = answers_since(api, metrics, span)
    facts = GatewayFacts(
        api=api,
        successes=count_shift(good, per_minute, span),
        client_errors=count_shift(client, asked, span),
        server_errors=count_shift(server, asked, span),
        called_wrong=count_shift(metrics.counts("ExecutionError"), asked, span),
        latency=level_shift(latency, span),
        limit_seconds=limit,
        at_limit=at_limit,
        answers=answers,
        limit=_throttling(api),
        sources=of_log(api, "sources"),
        paths=of_log(api, "paths"),
        failing_parts=_failing_parts(metrics, span),
        slow_routes=_slow_routes(api, metrics, span),
        invoked=invoked(api, evidence, span),
        raising=raising(evidence, span),
    )
    return replace(facts, failing_origin=_failing_origin(facts))


# --- Metrics ---


def _asked(metrics: Metrics) -> tuple[float, ...]:
    sampled = metrics.counts("Count", statistic="SampleCount")
    return sampled if any(sampled) else _counts(metrics, ("Count", "ConnectCount", "MessageCount"))


def _counts(metrics: Metrics, names: Iterable[str], part: str | None = None) -> tuple[float, ...]:
    return tuple(map(sum, zip(*(metrics.counts(name, part=part) for name in names), strict=True)))


def _seconds(milliseconds: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(None if value is None else value / 1000 for value in milliseconds)


def _parts(metrics: Metrics) -> tuple[str, ...]:
    return tuple(sorted({key.part for key in metrics.series if key.part}))


def _failing_parts(metrics: Metrics, span: Span) -> tuple[str, ...]:
    """Stages and routes with figures of their own whose errors rose."""

    def failed(part: str) -> bool:
        asked = _counts(metrics, ("Count", "ConnectCount", "MessageCount"), part)
        return any(count_shift(_counts(metrics, names, part), asked, span).risen for names in (_4XX, _5XX))

    return tuple(part for part in _parts(metrics) if failed(part))


def _slow_routes(api: Api | None, metrics: Metrics, span: Span) -> tuple[str, ...]:
    """Routes with figures of their own that became slow."""
    routes = {each.route for each in api.known_integrations} if api else set()
    return tuple(
        part
        for part in _parts(metrics)
        if part in routes
        and level_shift(_seconds(metrics.levels("IntegrationLatency", "Average", part=part)), span).raised
    )


def _limit_reached(api: Api | None, slowest: Sequence[float | None], span: Span) -> tuple[float, bool]:
    """The limit that the slowest requests now run into, or the shortest one; and whether they do."""
    known = (
        {each.limit_milliseconds / 1000 for each in api.known_integrations if each.kind != "mock"}
        if api
        else set()
    )
    limits = sorted(known or {(USUAL_LIMIT[api.kind] if api else USUAL_LIMIT["rest"]) / 1000})
    for limit in limits:
        before = _share_at(limit, slowest[span.first : span.onset])
        if _share_at(limit, slowest[span.onset : span.until]) >= MOSTLY and before <= SELDOM:
            return limit, True
    return limits[0], False


def _share_at(limit: float, slowest: Sequence[float | None]) -> float:
    known = [value for value in slowest if value is not None]
    lowest, highest = (factor * limit for factor in AT_LIMIT)
    return sum(lowest <= value <= highest for value in known) / len(known) if known else 0.0


def _throttling(api: Api | None) -> Limit | None:
    """The tightest limit that every request of the stage is under: the stage's own, or the account's."""
    if api is None:
        return None
    limits = [stage.limit for stage in api.known_stages if stage.limit]
    if not isinstance(api.account_limit, Missing):
        limits.append(api.account_limit)
    return min(limits, key=lambda each: each.rate, default=None)


# --- What stands behind ---

# Answers that an integration wrote, or had its part in.
_BEHIND = (Reason.ANSWERED, Reason.TIMED_OUT, Reason.UNREACHABLE, Reason.UNKNOWN)


def _failing_origin(facts: GatewayFacts) -> str | None:
    """The address whose routes fail. Without knowing the routes it is certain only if there is just one and
    nothing else stands behind the API.
    """
    serving = [each for each in facts.integrations if each.kind != "mock"]
    told = facts.told(4) + facts.told(5)
    behind = sum(each.count for digit in (4, 5) for _, each in facts.of(digit, *_BEHIND))
    if told and behind < BEHIND_SHARE * told:
        return None
    if not told and not (facts.client_errors.risen or facts.server_errors.risen):
        return None
    failing = {*facts.routes(5, *_BEHIND), *facts.routes(4, *_BEHIND)} or set(facts.failing_parts)
    counted = Counter(each.address for each in serving if each.route in failing)
    if counted:
        return counted.most_common(1)[0][0]
    addresses = {each.address for each in serving}
    return addresses.pop() if len(addresses) == 1 else None
