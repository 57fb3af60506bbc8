"""What API Gateway answers about an API, as evidence.

REST APIs have an interface of their own (apigateway); HTTP and WebSocket APIs share the other (apigatewayv2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from collectors.gateway_access_log import log_settings
from collectors.reading import Answer, in_utc
from diagnosis.systems.gateway import (
    ADDRESS,
    LAMBDA,
    MOCK,
    SERVICE,
    USUAL_LIMIT,
    VPC_LINK,
    Authorizer,
    Integration,
    Limit,
    Stage,
    UsagePlan,
)

# A function in an ARN, by itself or inside the path that API Gateway invokes it by.
_FUNCTION = re.compile(r":function:([A-Za-z0-9_-]{1,140})(?::([A-Za-z0-9_$-]{1,128}))?")
_VARIABLE = re.compile(r"\$\{stageVariables\.(\w+)\}")
# The setting of a REST stage that holds for every method (API reference, Stage, methodSettings).
_EVERY_METHOD = "*/*"
# Methods and routes that are read of one API; the quota is 300 resources or routes.
MOST_ROUTES = 300
MOST_ROUTE_LIMITS, MOST_PLANS = 50, 50


def function_in(text: str) -> tuple[str | None, str | None]:
    """The function's name and its alias or version in an ARN or an invocation path."""
    found = _FUNCTION.search(text)
    return (found.group(1), found.group(2)) if found else (None, None)


def filled_in(text: str, variables: Mapping[str, str]) -> str:
    """The text with the stage's variables in their places."""
    return _VARIABLE.sub(lambda found: variables.get(found.group(1), found.group(0)), text)


# --- REST APIs ---


def rest_stage(answer: Answer) -> Stage:
    """A stage of GetStages."""
    settings: Mapping[str, Any] = answer.get("methodSettings", {})
    usual = settings.get(_EVERY_METHOD, {})
    access_log = answer.get("accessLogSettings", {})
    return Stage(
        name=answer.get("stageName", ""),
        deployment=answer.get("deploymentId"),
        updated=in_utc(answer.get("lastUpdatedDate")),
        limit=_rest_limit(usual),
        route_limits=dict(_rest_route_limits(settings)),
        detailed_metrics=bool(usual.get("metricsEnabled")),
        log=log_settings(access_log.get("destinationArn"), access_log.get("format")),
        web_acl=answer.get("webAclArn"),
    )


def _rest_route_limits(settings: Mapping[str, Answer]) -> Iterator[tuple[str, Limit]]:
    """Limits of single methods: the keys are the path with ~1 for each slash, a slash, and the method."""
    for key, setting in list(settings.items())[:MOST_ROUTE_LIMITS]:
        limit = _rest_limit(setting)
        if limit and key != _EVERY_METHOD:
            path, _, method = key.rpartition("/")
            yield f"{method} /{path.replace('~1', '/').lstrip('/')}", limit


def _rest_limit(setting: Answer) -> Limit | None:
    """A limit that is set; a negative one means none (API reference, MethodSetting)."""
    rate = setting.get("throttlingRateLimit")
    return None if rate is None or rate < 0 else Limit(float(rate), setting.get("throttlingBurstLimit"))


def rest_integrations(resources: Iterable[Answer], variables: Mapping[str, str]) -> tuple[Integration, ...]:
    """What stands behind each method, as it is edited now, which need not be deployed."""
    found = (
        _rest_integration(f"{method} {resource.get('path', '')}", settings, variables)
        for resource in resources
        for method, settings in sorted(resource.get("resourceMethods", {}).items())
    )
    return tuple(each for each, _ in zip(found, range(MOST_ROUTES), strict=False))


def _rest_integration(route: str, method: Answer, variables: Mapping[str, str]) -> Integration:
    settings: Answer = method.get("methodIntegration", {})
    uri = filled_in(settings.get("uri", ""), variables)
    kind = _rest_kind(settings, uri)
    function, qualifier = function_in(uri) if kind == LAMBDA else (None, None)
    return Integration(
        route=route,
        kind=kind,
        limit_milliseconds=settings.get("timeoutInMillis") or USUAL_LIMIT["rest"],
        function=function,
        qualifier=qualifier,
        address=settings.get("integrationTarget") or _host(uri) if kind in (ADDRESS, VPC_LINK) else None,
        authorization=_authorization(method.get("authorizationType"), method.get("apiKeyRequired")),
        authorizer=method.get("authorizerId"),
    )


def _authorization(kind: str | None, key_required: bool | None) -> str:
    """What callers are asked for: an API key is asked for besides, or instead of, an authorization."""
    return kind if kind and kind != "NONE" else "API_KEY" if key_required else "NONE"


def _rest_kind(settings: Answer, uri: str) -> str:
    kind = settings.get("type", "")
    if kind.startswith("AWS"):
        return LAMBDA if ":lambda:path/" in uri else SERVICE
    if kind.startswith("HTTP"):
        return VPC_LINK if settings.get("connectionType") == "VPC_LINK" else ADDRESS
    return MOCK


def _host(uri: str) -> str | None:
    """The host of an address; an ARN (of a listener, of a discovery service) stands for itself."""
    return uri if uri.startswith("arn:") else urlsplit(uri).hostname


def rest_authorizers(answer: Answer) -> tuple[Authorizer, ...]:
    """The authorizers of GetAuthorizers."""
    return tuple(
        Authorizer(
            id=each.get("id", ""),
            name=each.get("name", ""),
            kind="cognito" if each.get("type") == "COGNITO_USER_POOLS" else "function",
            function=function_in(each.get("authorizerUri", ""))[0],
            issuer=next(iter(each.get("providerARNs", ())), None),
        )
        for each in answer.get("items", ())
    )


def usage_plans(plans: Iterable[Answer], api: str, stage: str | None) -> tuple[UsagePlan, ...]:
    """The usage plans that hold for this API, at the stage if one is named."""
    of_api = (
        plan
        for plan in plans
        if any(
            each.get("apiId") == api and stage in (None, each.get("stage"))
            for each in plan.get("apiStages", ())
        )
    )
    return tuple(_usage_plan(plan) for plan, _ in zip(of_api, range(MOST_PLANS), strict=False))


def _usage_plan(plan: Answer) -> UsagePlan:
    throttle, quota = plan.get("throttle", {}), plan.get("quota", {})
    rate = throttle.get("rateLimit")
    return UsagePlan(
        id=plan.get("id", ""),
        name=plan.get("name", ""),
        limit=None if rate is None else Limit(float(rate), throttle.get("burstLimit")),
        quota=quota.get("limit"),
        period=quota.get("period"),
    )


def deployed_routes(deployment: Answer) -> frozenset[str]:
    """The routes of a deployment that was asked for with its summary."""
    summary: Mapping[str, Mapping[str, Any]] = deployment.get("apiSummary", {})
    return frozenset(f"{method} {path}" for path, methods in summary.items() for method in methods)


# --- HTTP and WebSocket APIs ---


def stage(answer: Answer) -> Stage:
    """A stage of an HTTP or WebSocket API."""
    usual: Answer = answer.get("DefaultRouteSettings", {})
    settings: Mapping[str, Answer] = answer.get("RouteSettings", {})
    access_log: Answer = answer.get("AccessLogSettings", {})
    limits = ((route, _limit(each)) for route, each in list(settings.items())[:MOST_ROUTE_LIMITS])
    return Stage(
        name=answer.get("StageName", ""),
        deployment=answer.get("DeploymentId"),
        updated=in_utc(answer.get("LastUpdatedDate")),
        limit=_limit(usual),
        route_limits={route: limit for route, limit in limits if limit},
        detailed_metrics=bool(usual.get("DetailedMetricsEnabled")),
        log=log_settings(access_log.get("DestinationArn"), access_log.get("Format")),
    )


def _limit(setting: Answer) -> Limit | None:
    rate = setting.get("ThrottlingRateLimit")
    return None if rate is None else Limit(float(rate), setting.get("ThrottlingBurstLimit"))


def integrations(
    kind: str, routes: Iterable[Answer], integrations: Iterable[Answer], variables: Mapping[str, str]
) -> tuple[Integration, ...]:
    """What stands behind each route; a route without an integration is left out."""
    by_id = {each.get("IntegrationId", ""): each for each in integrations}
    found = (
        _integration(kind, route, by_id[target], variables)
        for route in routes
        if (target := route.get("Target", "").removeprefix("integrations/")) in by_id
    )
    return tuple(each for each, _ in zip(found, range(MOST_ROUTES), strict=False))


def _integration(api: str, route: Answer, settings: Answer, variables: Mapping[str, str]) -> Integration:
    uri = filled_in(settings.get("IntegrationUri", ""), variables)
    kind = _kind(settings, uri)
    function, qualifier = function_in(uri) if kind == LAMBDA else (None, None)
    return Integration(
        route=route.get("RouteKey", ""),
        kind=kind,
        limit_milliseconds=settings.get("TimeoutInMillis") or USUAL_LIMIT[api],
        function=function,
        qualifier=qualifier,
        address=_host(uri) if kind in (ADDRESS, VPC_LINK) else None,
        authorization=_authorization(route.get("AuthorizationType"), route.get("ApiKeyRequired")),
        authorizer=route.get("AuthorizerId"),
    )


def _kind(settings: Answer, uri: str) -> str:
    kind = settings.get("IntegrationType", "")
    if kind.startswith("AWS"):
        return LAMBDA if _FUNCTION.search(uri) and not settings.get("IntegrationSubtype") else SERVICE
    if kind.startswith("HTTP"):
        return VPC_LINK if settings.get("ConnectionType") == "VPC_LINK" else ADDRESS
    return MOCK


def authorizers(answers: Iterable[Answer]) -> tuple[Authorizer, ...]:
    """The authorizers of an HTTP or WebSocket API."""
    return tuple(
        Authorizer(
            id=each.get("AuthorizerId", ""),
            name=each.get("Name", ""),
            kind="jwt" if each.get("AuthorizerType") == "JWT" else "function",
            function=function_in(each.get("AuthorizerUri", ""))[0],
            issuer=each.get("JwtConfiguration", {}).get("Issuer"),
        )
        for each in answers
    )
