"""Reads an API of API Gateway: which one it is, its stages, what stands behind its routes, and its metrics.

The reading "api" has the configuration and comes early, for whoever wants the functions and addresses behind
the routes; "gateway" adds what the access log says, which is searched only when errors rose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, cast

from botocore.exceptions import ClientError

from collectors import codedeploy
from collectors import gateway_access_log as access_log
from collectors import gateway_answers as answers
from collectors.gateway_metrics import collect_metrics
from collectors.gateway_pages import PAGE, SERVICE, pages
from collectors.gateway_rest import MOST_STAGES, named, rest_api
from collectors.metric_data import PERMISSION as METRICS_PERMISSION
from collectors.reading import (
    READ_ERRORS,
    Answer,
    Reading,
    Scope,
    ask_all,
    in_utc,
)
from diagnosis.evidence import Deployments
from diagnosis.series import NOT_LOOKED_UP, Metrics, Missing
from diagnosis.systems.gateway import HTTP, WEBSOCKET, Api, Stage

PERMISSIONS = ("apigateway:GET",)


def collect_api(scope: Scope, read: Mapping[str, object]) -> Api | Missing:
    """The API with all but its access log. Alarms on REST APIs carry only the name, all others the id."""
    dimensions = scope.entry_point.dimensions
    if "ApiName" in dimensions:
        return rest_api(scope, named(scope), dimensions.get("Stage"))
    try:
        api = scope.clients("apigatewayv2").get_api(ApiId=scope.entry_point.id)
    except ClientError as error:
        if "ApiId" in dimensions or error.response.get("Error", {}).get("Code") != "NotFoundException":
            raise
        found = scope.clients("apigateway").get_rest_api(restApiId=scope.entry_point.id)
        return rest_api(scope, [found], None)
    return _api(scope, api, dimensions.get("Stage"))


# --- HTTP and WebSocket APIs ---


def _api(scope: Scope, api: Answer, stage: str | None) -> Api:
    client, id_ = scope.clients("apigatewayv2"), scope.entry_point.id
    kind = WEBSOCKET if api.get("ProtocolType") == "WEBSOCKET" else HTTP
    questions: dict[str, Callable[[], list[Answer]]] = {
        name: partial(_items, getattr(client, f"get_{name}"), id_)
        for name in ("stages", "routes", "integrations", "authorizers")
    }
    found = ask_all(SERVICE, questions)
    return Api(
        id=id_,
        name=str(api.get("Name", id_)),
        kind=kind,
        stage=stage,
        stages=_stages(client, id_, found["stages"], scope),
        integrations=_integrations(kind, found, stage),
        authorizers=_each(found["authorizers"], answers.authorizers),
    )


def _items(ask: Callable[..., Answer], id_: str) -> list[Answer]:
    return pages(ask, "NextToken", "Items", ApiId=id_, MaxResults=str(PAGE))


def _stages(
    client: Any, id_: str, found: list[Answer] | Missing, scope: Scope
) -> tuple[Stage, ...] | Missing:
    if isinstance(found, Missing):
        return found
    stages = tuple(answers.stage(each) for each in found[:MOST_STAGES])
    if not any(each.updated and each.updated >= scope.window.start for each in stages):
        return stages
    try:
        deployments = _items(client.get_deployments, id_)
    except READ_ERRORS:
        return stages
    times = {each.get("DeploymentId"): in_utc(each.get("CreatedDate")) for each in deployments}
    return tuple(replace(each, deployed=times.get(each.deployment)) for each in stages)


def _integrations(kind: str, found: Mapping[str, list[Answer] | Missing], stage: str | None) -> Any:
    routes, behind, stages = found["routes"], found["integrations"], found["stages"]
    if isinstance(routes, Missing) or isinstance(behind, Missing):
        return routes if isinstance(routes, Missing) else behind
    meant = [] if isinstance(stages, Missing) else [each for each in stages if each.get("StageName") == stage]
    variables = meant[0].get("StageVariables", {}) if meant else {}
    return answers.integrations(kind, routes, behind, variables)


def _each(found: list[Answer] | Missing, parse: Callable[[Iterable[Answer]], Any]) -> Any:
    return found if isinstance(found, Missing) else parse(found)


def collect_gateway(scope: Scope, read: Mapping[str, object]) -> Api | Missing:
    """The API with what its access log says of the errors that rose lately."""
    api = cast("Api | Missing", read["api"])
    if isinstance(api, Missing):
        return api
    found = access_log.read_access_log(scope, api, cast("Metrics | Missing", read["metrics"]))
    return replace(api, access_log=NOT_LOOKED_UP if found is None else found)


READINGS_FOR_API = (
    Reading("api", "apigateway", (), PERMISSIONS, collect_api, on_demand=True),
    Reading("metrics", "cloudwatch", ("api",), (METRICS_PERMISSION,), collect_metrics),
    Reading("gateway", "logs", ("api", "metrics"), access_log.PERMISSIONS, collect_gateway, on_demand=True),
)


def _collect_deployments(scope: Scope, read: Mapping[str, object]) -> Deployments | Missing:
    """CodeDeploy's deployments around the alarm: an API has no target groups of its own."""
    return codedeploy.collect_deployments(scope, {**read, "target_groups": ()})


DEPLOYMENTS = tuple(
    replace(each, needs=("deployment_records",), collect=_collect_deployments)
    if each.name == "deployments"
    else each
    for each in codedeploy.READINGS
)
