"""What happened at an API minute by minute, and the metrics that come of it.

Each request is a sample of every metric: 1 in the count of what it was and 0 in the others, which is why the
average of an error metric is its rate (API Gateway developer guide, metrics and dimensions).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lab.draw import Draw
from lab.metrics import Sample, Series, Spread, percentile
from lab.scenario import Scenario
from lab.systems import counts
from lab.systems.gateway_data import FAILURES, Data, Route
from lab.timeline import FIRST_MINUTE, LAST_MINUTE, Timeline

USUAL_LATENCY, USUAL_TAIL, OVERHEAD = 0.09, 4.0, 8.0
SERVER, CLIENT = ("5XXError", "5xx"), ("4XXError", "4xx")
WEBSOCKET_ERRORS = ("ExecutionError", "IntegrationError", "ClientError")
_OWN = {"rest": {"5XXError", "4XXError"}, "http": {"5xx", "4xx"}, "websocket": set(WEBSOCKET_ERRORS)}
_TIMES = {"IntegrationLatency", "Latency"}
_REQUESTS = {"rest": {"Count"}, "http": {"Count"}, "websocket": {"MessageCount"}}


@dataclass(slots=True)
class Minute:
    """The requests of one route in one minute: how many went well, and how many failed in which way."""

    good: int = 0
    failed: dict[str, int] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """All of them."""
        return self.good + sum(self.failed.values())


Drawn = Mapping[str, Mapping[int, Minute]]
"""By route and minute."""


def draw_requests(scenario: Scenario, data: Data, recovered_from: int | None) -> Drawn:
    """The requests of every route, the same whenever they are asked for."""
    key = (scenario.name, scenario.noise, recovered_from)
    if key not in data.drawn:
        data.drawn[key] = {route.key: _route(scenario, route, recovered_from) for route in data.routes}
    drawn: Drawn = data.drawn[key]
    return drawn


def _route(scenario: Scenario, route: Route, recovered_from: int | None) -> Mapping[int, Minute]:
    failed = {
        name: counts(scenario, f"api/{route.key}/{name}", line, recovered_from)
        for name, line in route.failures.items()
    }
    asked = _healed(route.requests, recovered_from)
    planned = {name: _healed(line, recovered_from) for name, line in route.failures.items()}
    stream = Draw(scenario.name, f"api/{route.key}/requests", noise=scenario.noise)
    found: dict[int, Minute] = {}
    for minute in range(FIRST_MINUTE, LAST_MINUTE + 1):
        bad = {name: drawn[minute] for name, drawn in failed.items() if drawn.get(minute)}
        value = asked.at(minute) or 0.0
        meant = sum(line.at(minute) or 0.0 for line in planned.values())
        if asked.is_exact(minute):
            good = max(0, round(value) - sum(bad.values()))
        else:
            good = stream.count(max(0.0, stream.level(value, asked.jitter) - meant))
        if good or bad:
            found[minute] = Minute(good, bad)
    return found


def _healed(line: Timeline, recovered_from: int | None) -> Timeline:
    return line if recovered_from is None else line.returning_to_normal(recovered_from)


def api_series(
    scenario: Scenario, data: Data, name: str, dimensions: Mapping[str, str], recovered_from: int | None
) -> Series:
    """The samples of a metric; nothing for dimensions in which it is not published."""
    routes = _routes(data, dimensions)
    if not routes:
        return {}
    drawn = draw_requests(scenario, data, recovered_from)
    chosen = [(route, drawn[route.key]) for route in routes]
    if name in _TIMES:
        return _times(scenario, name, chosen, recovered_from)
    if name in _REQUESTS[data.kind]:
        return _counted(chosen, lambda minute: minute.requests)
    if name not in _OWN[data.kind]:
        return {}
    wanted = [failure for failure in FAILURES if _counts_as(data, failure) == name]
    return _counted(chosen, lambda minute: sum(minute.failed.get(failure, 0) for failure in wanted))


def _counts_as(data: Data, failure: str) -> str:
    """The error metric that a failure is counted in."""
    if data.kind == "websocket":
        return FAILURES[failure].metric
    names = SERVER if data.status(failure) >= 500 else CLIENT
    return names[0] if data.kind == "rest" else names[1]


def _routes(data: Data, dimensions: Mapping[str, str]) -> Sequence[Route]:
    """The routes that a combination of dimensions is of: the API, its stage, or one route of it."""
    rest = dict(dimensions)
    key, value = ("ApiName", data.name) if data.kind == "rest" else ("ApiId", data.id)
    if rest.pop(key, None) != value or rest.pop("Stage", data.stage) != data.stage:
        return ()
    if not rest:
        return data.routes
    if not data.detailed_metrics or "Stage" not in dimensions:
        return ()
    by_resource = " ".join(filter(None, (rest.get("Method"), rest.get("Resource"))))
    wanted = rest.get("Route") if data.kind == "websocket" else by_resource
    return [route for route in data.routes if route.key == wanted and not route.missing]


def _counted(chosen: Iterable[tuple[Route, Mapping[int, Minute]]], count: Callable[[Minute], int]) -> Series:
    totals: dict[int, float] = {}
    requests: dict[int, float] = {}
    for _, minutes in chosen:
        for minute, drawn in minutes.items():
            totals[minute] = totals.get(minute, 0.0) + count(drawn)
            requests[minute] = requests.get(minute, 0.0) + drawn.requests
    return {
        minute: Sample(total, requests[minute], float(total == requests[minute]), float(total > 0))
        for minute, total in totals.items()
    }


# --- Times, in milliseconds ---


def _times(
    scenario: Scenario,
    name: str,
    chosen: Sequence[tuple[Route, Mapping[int, Minute]]],
    recovered_from: int | None,
) -> Series:
    """The times of a minute; nothing takes longer than its route's limit."""
    spreads: dict[int, list[Spread]] = {}
    for route, minutes in chosen:
        usual = _healed(route.latency, recovered_from)
        tail = _healed(route.latency_p99, recovered_from)
        stream = Draw(scenario.name, f"api/{route.key}/latency", noise=scenario.noise)
        for minute, drawn in minutes.items():
            mean = stream.level((usual.at(minute) or USUAL_LATENCY) * 1000, usual.jitter)
            mean = min(mean, 0.9 * route.timeout)
            slow = min((tail.at(minute) or 0.0) * 1000 or mean * USUAL_TAIL, 0.97 * route.timeout)
            spreads.setdefault(minute, []).extend(_spreads(name, route, drawn, mean, slow))
    longest = max(route.timeout for route, _ in chosen) * 1.001 + OVERHEAD
    return {minute: _measured(found, longest) for minute, found in spreads.items() if found}


def _spreads(name: str, route: Route, drawn: Minute, mean: float, slow: float) -> Iterable[Spread]:
    """How long the requests of a minute took: some as usual, some the whole limit, some not at all."""
    added = OVERHEAD if name == "Latency" else 0.0
    late = drawn.failed.get("integration_timeout", 0)
    refused = sum(number for failure, number in drawn.failed.items() if not FAILURES[failure].asked)
    usual = drawn.requests - late - refused
    if usual:
        yield Spread(float(usual), mean + added, slow + added)
    if late:
        limit = route.timeout + added
        yield Spread(float(late), limit, limit * 1.002)
    if refused and added:
        yield Spread(float(refused), added, added * 3)


def _measured(spreads: Sequence[Spread], longest: float) -> Sample:
    count = sum(spread.weight for spread in spreads)
    total = sum(spread.weight * spread.mean for spread in spreads)
    slow = 1 - 1 / (count + 1)
    high = min(longest, percentile(spreads, slow))
    return Sample(total, count, percentile(spreads, 1 - slow), high, tuple(spreads))
