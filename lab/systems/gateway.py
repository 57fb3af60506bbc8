"""API Gateway: one API with a stage, its routes, and who is let in; its metrics and its access log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lab.scenario import Scenario
from lab.strict import Section, read
from lab.systems import Stage, gateway_log
from lab.systems.gateway_data import (
    API_KINDS,
    AUTHORIZER_KINDS,
    FAILURES,
    INTEGRATION_KINDS,
    USUAL_TIMEOUT,
    Authorizer,
    Data,
    Route,
    UsagePlan,
)
from lab.systems.gateway_figures import api_series
from lab.systems.gateway_http import HttpAnswers
from lab.systems.gateway_rest import RestAnswers
from lab.wire import Answer

KEY = "api"
METRIC = "5XXError"
WHOLE = ("apigateway", "apigatewayv2")
ENTRY = "AWS/ApiGateway"
LOG_FORMATS = ("none", "json", "clf")
QUIET_ROUTE = {"kind": "http", "address": "orders.internal.example", "requests": "4421", "backend_4xx": "60"}


def load(section: Section, scenario_name: str) -> Data:  # noqa: ARG001 - one interface for all systems
    """Read the section `api`."""
    kind = section.text("kind", "rest", choices=API_KINDS)
    throttle = section.section("throttle")
    data = Data(
        kind=kind,
        id=section.text("id", "a1b2c3d4e5"),
        name=section.text("name"),
        stage=section.text("stage", "prod"),
        namesakes=section.texts("namesakes"),
        rate=throttle.optional_number("rate"),
        burst=int(throttle.number("burst", 0)) or None,
        account_rate=section.number("account_rate", 10_000.0),
        detailed_metrics=section.flag("detailed_metrics", False),
        alarm_stage=section.flag("alarm_stage", True),
        deployed=section.number("deployed", -20_000.0),
        updated=section.optional_number("updated"),
        lost_routes=section.texts("lost_routes"),
        variables=section.text_map("variables"),
        web_acl=section.optional_text("web_acl"),
        log_format=_log_format(section),
        usage_plans=tuple(
            read(part, _usage_plan, name) for name, part in section.named_sections("usage_plans").items()
        ),
        authorizers=tuple(
            read(part, _authorizer, name) for name, part in section.named_sections("authorizers").items()
        ),
        routes=tuple(
            read(part, _route, name, kind) for name, part in section.named_sections("routes").items()
        ),
    )
    throttle.finish()
    section.finish()
    return data


def _log_format(section: Section) -> str | None:
    """The format of the access log: one of two usual ones, the customer's own, or none."""
    value = section.raw("access_log", "none")
    if isinstance(value, Mapping):
        return gateway_log.own_format({str(key): str(variable) for key, variable in value.items()})
    if value not in LOG_FORMATS:
        raise section.error("access_log", f"{value!r} is not one of {', '.join(LOG_FORMATS)} or a mapping")
    return None if value == "none" else gateway_log.FORMATS[str(value)]


def _usage_plan(section: Section, name: str) -> UsagePlan:
    quota = section.optional_number("quota")
    return UsagePlan(
        id=section.text("id", f"plan{len(name)}"),
        name=name,
        rate=section.optional_number("rate"),
        quota=None if quota is None else int(quota),
    )


def _authorizer(section: Section, name: str) -> Authorizer:
    return Authorizer(
        name=name,
        kind=section.text("kind", "function", choices=AUTHORIZER_KINDS),
        function=section.optional_text("function"),
        issuer=section.optional_text("issuer"),
    )


def _route(section: Section, key: str, api: str) -> Route:
    return Route(
        key=key,
        kind=section.text("kind", "lambda", choices=INTEGRATION_KINDS),
        timeout=section.whole("timeout", USUAL_TIMEOUT[api]),
        function=section.optional_text("function"),
        alias=section.optional_text("alias"),
        address=section.optional_text("address"),
        authorizer=section.optional_text("authorizer"),
        missing=section.flag("missing", False),
        odd_paths=section.flag("odd_paths", False),
        callers=section.whole("callers", 200),
        requests=section.line("requests"),
        latency=section.line("latency"),
        latency_p99=section.line("latency_p99"),
        failures={name: section.line(name) for name in FAILURES if section.has(name)},
        error=section.optional_text("error"),
    )


def quiet(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A case's API over a quiet one called order-api with one route to an address."""
    routes = given.get("routes", {"GET /orders": {}})
    return {
        "name": "order-api",
        **given,
        "routes": {name: {**QUIET_ROUTE, "latency": "0.09", **route} for name, route in routes.items()},
    }


def alarm_dimensions(data: Data) -> dict[str, str]:
    """What an alarm of this API names: a REST API by its name, the others by their id."""
    own = {"ApiName": data.name} if data.kind == "rest" else {"ApiId": data.id}
    return own | ({"Stage": data.stage} if data.alarm_stage else {})


def series(
    scenario: Scenario,
    data: Data,
    namespace: str,
    name: str,
    dimensions: dict[str, str],
    recovered_from: int | None,
) -> Any:
    """The samples of one of the API's metrics; None for what is not API Gateway's."""
    if namespace != ENTRY:
        return None
    return api_series(scenario, data, name, dimensions, recovered_from)


def log_events(scenario: Scenario, data: Data) -> Mapping[str, list[tuple[datetime, str]]]:
    """The lines of the access log by log group."""
    return gateway_log.events(scenario, data)


class Staged:
    """Answers for both interfaces of API Gateway."""

    def __init__(self, stage: Stage, data: Data | None) -> None:
        self._rest = RestAnswers(stage.scenario, data if data and data.kind == "rest" else None)
        self._other = HttpAnswers(stage.scenario, data if data and data.kind != "rest" else None)

    def operations(self) -> dict[str, dict[str, Answer]]:
        """The operations by boto3's name of the service."""
        return {"apigateway": self._rest.operations(), "apigatewayv2": self._other.operations()}
