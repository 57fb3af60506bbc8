"""Reads the metrics of an API: those of what the alarm is about, and by stage or route where they are split.

Names and dimensions differ by kind of API (API Gateway developer guide, metrics and dimensions): REST APIs
are published under their name, HTTP and WebSocket APIs under their id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from collectors.metric_data import Asked, read_series
from collectors.reading import Scope
from diagnosis.series import MetricKey, Metrics, Missing
from diagnosis.systems.gateway import HTTP, REST, WEBSOCKET, Api, Stage

NAMESPACE = "AWS/ApiGateway"
MOST_PARTS = 40

_TIMES = ("Average", "p99", "Maximum")
PUBLISHED: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    # The documented statistic of a REST API's Count is SampleCount; its sum is the same where it is there.
    REST: (
        ("5XXError", ("Sum",)),
        ("4XXError", ("Sum",)),
        ("Count", ("SampleCount", "Sum")),
        ("IntegrationLatency", _TIMES),
        ("Latency", ("Average", "p99")),
    ),
    HTTP: (
        ("5xx", ("Sum",)),
        ("4xx", ("Sum",)),
        ("Count", ("Sum",)),
        ("IntegrationLatency", _TIMES),
        ("Latency", ("Average", "p99")),
    ),
    WEBSOCKET: (
        ("ExecutionError", ("Sum",)),
        ("IntegrationError", ("Sum",)),
        ("ClientError", ("Sum",)),
        ("ConnectCount", ("Sum",)),
        ("MessageCount", ("Sum",)),
        ("IntegrationLatency", _TIMES),
    ),
}
# Of a part only what tells whether it fails, how busy and how slow it is.
_OF_A_PART = {"Sum", "SampleCount", "Average"}


def collect_metrics(scope: Scope, read: Mapping[str, object]) -> Metrics | Missing:
    """The series in one GetMetricData call. Where the API could not be read, the alarm's dimensions do."""
    api = cast("Api | Missing", read["api"])
    kinds = _kinds(scope, api)
    whole = _whole(scope, api)
    asked: dict[MetricKey, Asked] = {}
    for kind in kinds:
        asked |= _asked(kind, whole, None)
    if not isinstance(api, Missing):
        for part, dimensions in list(_parts(api, whole))[:MOST_PARTS]:
            asked |= _asked(api.kind, dimensions, part)
    return read_series(scope, asked)


def _kinds(scope: Scope, api: Api | Missing) -> tuple[str, ...]:
    if not isinstance(api, Missing):
        return (api.kind,)
    return (REST,) if "ApiName" in scope.entry_point.dimensions else (HTTP, WEBSOCKET)


def _whole(scope: Scope, api: Api | Missing) -> dict[str, str]:
    """The dimensions of what the alarm is about: they must be a published combination, so all are kept."""
    given = scope.entry_point.dimensions
    if "ApiName" in given or "ApiId" in given:
        return dict(given)
    if not isinstance(api, Missing) and api.kind == REST:
        return {"ApiName": api.name.encode("ascii", "ignore").decode() or api.id}
    return {"ApiId": scope.entry_point.id}


def _asked(kind: str, dimensions: Mapping[str, str], part: str | None) -> dict[MetricKey, Asked]:
    return {
        MetricKey(name, statistic, part=part): Asked(NAMESPACE, name, statistic, dimensions)
        for name, statistics in PUBLISHED[kind]
        for statistic in statistics
        if part is None or statistic in _OF_A_PART
    }


def _parts(api: Api, whole: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The stages where the alarm names none, and the routes of stages that publish them."""
    if "Resource" in whole or "Route" in whole:
        return
    named = {key: value for key, value in whole.items() if key != "Stage"}
    for stage in api.known_stages:
        if "Stage" not in whole and len(api.known_stages) > 1:
            yield stage.name, {**named, "Stage": stage.name}
    for stage in api.known_stages:
        if stage.detailed_metrics:
            yield from _routes(api, stage, named)


def _routes(api: Api, stage: Stage, named: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """WebSocket APIs name a route by its key, the others by method and resource."""
    for each in api.known_integrations:
        method, _, resource = each.route.partition(" ")
        if api.kind == WEBSOCKET:
            yield each.route, {**named, "Stage": stage.name, "Route": each.route}
        else:
            of_route = {"Method": method, "Resource": resource or each.route, "Stage": stage.name}
            yield each.route, {**named, **of_route}
