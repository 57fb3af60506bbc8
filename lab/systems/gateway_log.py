"""The access log of an API: a line a request, in the customer's own format."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from lab.scenario import Scenario
from lab.systems.gateway_data import FAILURES, Data, Route
from lab.systems.gateway_figures import Minute, draw_requests

MOST_A_MINUTE, SUCCESSES_A_MINUTE = 200, 3
FIRST_LOGGED, LAST_LOGGED = -40, 20
_VARIABLE = re.compile(r"\$context\.([\w.]+\w)")


def own_format(keys: Mapping[str, str]) -> str:
    """A JSON format of these keys and variables."""
    return json.dumps({key: f"$context.{variable}" for key, variable in keys.items()})


FORMATS = {
    "json": own_format(
        {
            "requestId": "requestId",
            "ip": "identity.sourceIp",
            "requestTime": "requestTime",
            "httpMethod": "httpMethod",
            "routeKey": "routeKey",
            "resourcePath": "resourcePath",
            "path": "path",
            "status": "status",
            "responseType": "error.responseType",
            "errorMessage": "error.message",
            "integrationStatus": "integration.status",
            "lambdaStatus": "integration.integrationStatus",
            "integrationError": "integrationErrorMessage",
            "authorizerError": "authorizer.error",
        }
    ),
    "clf": '$context.identity.sourceIp $context.identity.caller [$context.requestTime] "$context.httpMethod'
    ' $context.resourcePath $context.protocol" $context.status $context.responseLength $context.requestId',
}


def events(scenario: Scenario, data: Data) -> dict[str, list[tuple[datetime, str]]]:
    """The lines by log group; of very busy minutes a sample in proportion."""
    if data.log_format is None:
        return {}
    drawn = draw_requests(scenario, data, None)
    found: list[tuple[datetime, str]] = []
    for minute in range(FIRST_LOGGED, LAST_LOGGED + 1):
        routes = [(route, drawn[route.key].get(minute, Minute())) for route in data.routes]
        lines = list(_minute(data, routes))
        for index, line in enumerate(lines):
            seconds = 60 * (index * 37 % len(lines) + 0.5) / len(lines)
            at = scenario.moment(minute) + timedelta(seconds=seconds)
            found.append((at, _line(data.log_format, {**line, "requestId": f"r{minute}-{index}"}, at)))
    return {data.log_group: sorted(found)}


def _minute(data: Data, routes: Sequence[tuple[Route, Minute]]) -> Iterator[dict[str, str]]:
    failed = sum(sum(minute.failed.values()) for _, minute in routes)
    share = min(1.0, MOST_A_MINUTE / failed) if failed else 1.0
    for route, minute in routes:
        for name, number in minute.failed.items():
            for index in range(max(1, round(number * share))):
                yield _failed(data, route, name, index)
        for index in range(min(SUCCESSES_A_MINUTE, minute.good)):
            yield _values(data, route, index) | {"status": "200", "integration.status": "200"}


def _failed(data: Data, route: Route, name: str, index: int) -> dict[str, str]:
    shown = FAILURES[name]
    own = _shown(shown.own_status)
    values = {
        "status": str(data.status(name)),
        "error.responseType": shown.response_type or "-",
        "error.message": (shown.error or "-") if shown.response_type else "-",
        "integration.status": own,
        "integration.integrationStatus": _shown(shown.service_status),
        "integrationStatus": _shown(shown.service_status) if route.kind == "lambda" else own,
        "integrationErrorMessage": (route.error or shown.error or "-") if shown.asked else "-",
        "authorizer.error": (route.error or "-") if name == "authorizer_failure" else "-",
    }
    if name == "forbidden":
        values["integrationErrorMessage"] = route.error or shown.error or "-"
    return _values(data, route, index) | values


def _shown(status: int | None) -> str:
    return "-" if status is None else str(status)


def _values(data: Data, route: Route, index: int) -> dict[str, str]:
    method, _, resource = route.key.partition(" ")
    known = not route.missing
    path = f"/{data.stage}{resource or '/'}" + (f"/{index}" if route.odd_paths else "")
    return {
        "httpMethod": method if resource else "GET",
        "routeKey": route.key if known and data.kind != "rest" else "-",
        "resourcePath": resource if known and data.kind == "rest" else "-",
        "path": path,
        "identity.sourceIp": f"203.0.113.{index % route.callers + 1}",
        "protocol": "HTTP/1.1",
    }


def _line(layout: str, values: Mapping[str, str], at: datetime) -> str:
    times = {"requestTime": at.strftime("%d/%b/%Y:%H:%M:%S +0000")}
    known = {**values, **times}

    def value(found: re.Match[str]) -> str:
        return json.dumps(known.get(found.group(1), "-"))[1:-1]

    return _VARIABLE.sub(value, layout)
