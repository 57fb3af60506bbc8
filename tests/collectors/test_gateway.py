"""Reading an API: found by name or id, whole but for what is denied, with the metrics of what is watched."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from collectors.gateway import collect_api, collect_gateway
from collectors.gateway_answers import function_in, integrations, rest_integrations, usage_plans
from collectors.gateway_metrics import collect_metrics
from collectors.reading import Scope, UnreadableAnswerError, complete_minutes
from diagnosis.incident import EntryPoint
from diagnosis.series import NOT_LOOKED_UP, MetricKey, Metrics, Missing
from diagnosis.systems.gateway import Api, Authorizer, Integration, Limit
from lab.clock import Clock
from lab.cloudwatch import CloudWatch
from lab.direct import DirectClient
from lab.errors import AwsError
from lab.figures import draw
from lab.loading import parse
from lab.metrics import MetricStore
from lab.scenario import Scenario
from lab.systems import Stage, gateway

FILE = """
title: an API
at: 2026-11-20T14:47:10Z
alarm: {name: errors, metric: 5XXError}
api:
  name: shop
  kind: rest
  namesakes: [t3st000001]
  detailed_metrics: true
  throttle: {rate: 50, burst: 80}
  usage_plans: {silver: {rate: 10, quota: 1000}}
  authorizers: {keys: {function: check-keys}}
  deployed: -4
  lost_routes: [GET /old]
  routes:
    GET /orders: {function: orders, alias: live, authorizer: keys, requests: "1000", exception: "0, -3: 300"}
    GET /files: {kind: vpc_link, address: files.internal.example, timeout: 5000, requests: "40"}
"""
REST = {"ApiName": "shop", "Stage": "prod"}


def staged(kind: str = "rest", **changed: str) -> Scenario:
    text = FILE.replace("kind: rest", f"kind: {kind}")
    for old, new in changed.items():
        text = text.replace(old, new)
    return parse(text, name=f"an-api-{kind}-{len(changed)}")


class Standing(Clock):
    """The alarm's moment, outside the lab's own time."""

    def now(self) -> datetime:
        return self._start


class Aws:
    """The lab's answers as clients; what is denied raises as botocore does."""

    def __init__(self, scenario: Scenario, *denied: str) -> None:
        self.scenario = scenario
        self.calls: list[str] = []
        clock = Standing(scenario.at)
        stage = Stage(scenario, clock)
        store = MetricStore(scenario, draw(scenario), {})
        self._answers: dict[str, Mapping[str, Any]] = {
            **gateway.Staged(stage, scenario.systems["api"]).operations(),
            "cloudwatch": CloudWatch(clock, store, scenario.minute_zero).operations(),
        }
        for service, operations in self._answers.items():
            self._answers[service] = {
                name: self._noted(name, answer, name in denied) for name, answer in operations.items()
            }

    def _noted(self, name: str, answer: Any, denied: bool) -> Any:
        def noted(asked: Mapping[str, Any]) -> Any:
            self.calls.append(name)
            if denied:
                raise AwsError("AccessDeniedException", "denied", 403)
            return answer(asked)

        return noted

    def client(self, service: str) -> Any:
        return DirectClient(service, self._answers[service])

    def scope(self, **dimensions: str) -> Scope:
        id_ = dimensions.get("ApiId") or dimensions.get("ApiName") or "a1b2c3d4e5"
        about = EntryPoint("apigateway", id_, id_, None, "123456789012", "eu-west-1", dimensions)
        now = self.scenario.at
        return Scope(self.client, about, now, complete_minutes(now), now)


def api(aws: Aws, **dimensions: str) -> Api:
    found = collect_api(aws.scope(**dimensions), {})
    assert isinstance(found, Api)
    return found


# --- Which API ---


def test_a_rest_api_is_found_by_its_name_on_whichever_page() -> None:
    aws = Aws(staged())
    found = api(aws, **REST)

    assert (found.id, found.name, found.kind, found.stage) == ("a1b2c3d4e5", "shop", "rest", "prod")
    assert aws.calls.count("GetRestApis") == 3


def test_of_two_apis_with_one_name_it_is_the_one_that_has_the_stage() -> None:
    assert api(Aws(staged()), **REST).namesakes == ("t3st000001",)
    other = api(Aws(staged()), ApiName="shop", Stage="test")
    assert (other.id, other.namesakes) == ("t3st000001", ("a1b2c3d4e5",))


def test_a_name_that_no_api_has_is_told() -> None:
    with pytest.raises(UnreadableAnswerError, match="no REST API named nobody"):
        collect_api(Aws(staged()).scope(ApiName="nobody"), {})


@pytest.mark.parametrize(
    ("name", "published"), [("küche", "kche"), ("снабжение", "a1b2c3d4e5"), ("shop", "shop")]
)
def test_a_name_is_published_without_what_is_not_ascii(name: str, published: str) -> None:
    aws = Aws(staged(**{"name: shop": f"name: {name}"}))
    assert api(aws, ApiName=published).id == "a1b2c3d4e5"


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_the_others_are_found_by_their_id(kind: str) -> None:
    found = api(Aws(staged(kind)), ApiId="a1b2c3d4e5", Stage="prod")
    assert (found.name, found.kind) == ("shop", kind)


def test_an_id_without_dimensions_may_be_of_either_kind() -> None:
    assert api(Aws(staged())).kind == "rest"
    assert api(Aws(staged("http"))).kind == "http"


# --- What it is made of ---


@pytest.mark.parametrize(("kind", "dimensions"), [("rest", REST), ("http", {"ApiId": "a1b2c3d4e5"})])
def test_functions_addresses_limits_and_authorizers(kind: str, dimensions: dict[str, str]) -> None:
    found = api(Aws(staged(kind)), **dimensions)
    (stage,) = found.known_stages

    orders, files = found.known_integrations
    assert (orders.route, orders.kind, orders.function, orders.qualifier) == (
        "GET /orders",
        "lambda",
        "orders",
        "live",
    )
    assert orders.authorizer == "keys"
    assert (files.kind, files.address, files.limit_milliseconds) == (
        "vpc_link",
        "files.internal.example",
        5000,
    )
    assert stage.limit == Limit(50.0, 80)
    assert found.authorizers == (Authorizer("keys", "keys", "function", "check-keys"),)
    assert found.functions == ("orders", "check-keys")


def test_the_routes_that_the_last_deployment_took_away() -> None:
    scenario = staged()
    (stage,) = api(Aws(scenario), **REST).known_stages

    assert stage.lost_routes == ("GET /old",)
    assert stage.deployed == scenario.moment(-4)


def test_a_stage_that_was_not_touched_lately_is_not_compared() -> None:
    aws = Aws(staged(**{"deployed: -4": "deployed: -4000"}))
    (stage,) = api(aws, **REST).known_stages

    assert stage.lost_routes == NOT_LOOKED_UP
    assert "GetDeployments" not in aws.calls


def test_a_stage_pointed_back_at_an_older_deployment_serves_it_since_then() -> None:
    scenario = staged(**{"deployed: -4": "deployed: -200000\n  updated: -6"})
    (stage,) = api(Aws(scenario), **REST).known_stages

    assert stage.deployed == scenario.moment(-6)


def test_the_accounts_limit_and_the_plans_of_this_api_only() -> None:
    found = api(Aws(staged()), **REST)

    assert found.account_limit == Limit(10_000.0, 5000)
    assert not isinstance(found.usage_plans, Missing)
    assert [(plan.name, plan.limit, plan.quota) for plan in found.usage_plans] == [
        ("silver", Limit(10.0, 10), 1000)
    ]


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        ("GetStages", "stages"),
        ("GetResources", "integrations"),
        ("GetAuthorizers", "authorizers"),
        ("GetAccount", "account_limit"),
        ("GetUsagePlans", "usage_plans"),
    ],
)
def test_a_part_that_is_denied_is_missing_and_the_others_stand(operation: str, field: str) -> None:
    found = api(Aws(staged(), operation), **REST)
    parts = {
        name: getattr(found, name) for name in ("stages", "integrations", "authorizers", "account_limit")
    }

    assert getattr(found, field) == Missing(f"apigateway:{operation}: AccessDeniedException")
    assert [name for name, part in parts.items() if isinstance(part, Missing) and name != field] == []


@pytest.mark.parametrize("operation", ["GetRoutes", "GetIntegrations"])
def test_of_an_http_api_routes_and_integrations_are_needed_for_either(operation: str) -> None:
    found = api(Aws(staged("http"), operation), ApiId="a1b2c3d4e5")

    assert found.integrations == Missing(f"apigateway:{operation}: AccessDeniedException")
    assert not isinstance(found.stages, Missing)


def test_an_api_that_may_not_be_read_raises_for_the_reading_to_tell() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        collect_api(Aws(staged("http"), "GetApi").scope(ApiId="a1b2c3d4e5"), {})


# --- Metrics ---


def metrics(aws: Aws, found: Api | Missing, **dimensions: str) -> Metrics:
    read = collect_metrics(aws.scope(**dimensions), {"api": found})
    assert isinstance(read, Metrics)
    return read


def test_the_metrics_are_those_of_what_the_alarm_is_about_and_of_each_route() -> None:
    aws = Aws(staged())
    read = metrics(aws, api(aws, **REST), **REST)

    assert read.counts("5XXError")[-1] > 200
    assert read.counts("Count", statistic="SampleCount")[-1] > 900
    assert read.counts("5XXError", part="GET /orders")[-1] > 200
    assert read.counts("5XXError", part="GET /files")[-1] == 0
    assert read.levels("IntegrationLatency", "Average")[-1] is not None


def test_an_alarm_on_one_route_is_about_that_route() -> None:
    aws = Aws(staged())
    of_files = {**REST, "Method": "GET", "Resource": "/files"}
    read = metrics(aws, api(aws, **of_files), **of_files)

    assert not any(read.counts("5XXError"))
    assert {key.part for key in read.series} == {None}


def test_without_the_api_the_alarms_dimensions_tell_what_to_read() -> None:
    denied = Missing("apigateway:GetRestApis: AccessDeniedException")
    assert metrics(Aws(staged()), denied, **REST).counts("5XXError")[-1] > 200
    by_id = {"ApiId": "a1b2c3d4e5", "Stage": "prod"}
    assert metrics(Aws(staged("http")), denied, **by_id).counts("5xx")[-1] > 200
    websocket = metrics(Aws(staged("websocket")), denied, **by_id)
    assert websocket.counts("ExecutionError")[-1] > 200
    assert MetricKey("MessageCount", "Sum") in websocket.series


def test_the_access_log_is_not_searched_where_nothing_rose() -> None:
    scenario = staged(**{"exception": "backend_4xx", '"0, -3: 300"': '"30"'})
    aws = Aws(scenario)
    found = api(aws, **REST)
    read = {"api": found, "metrics": metrics(aws, found, **REST)}

    assert collect_gateway(aws.scope(**REST), read) == replace(found, access_log=NOT_LOOKED_UP)


def test_that_there_is_no_access_log_is_said_where_one_would_help() -> None:
    aws = Aws(staged())
    found = api(aws, **REST)
    read = {"api": found, "metrics": metrics(aws, found, **REST)}
    whole = collect_gateway(aws.scope(**REST), read)

    assert isinstance(whole, Api)
    assert whole.access_log == Missing("the stage writes no access log")
    assert collect_gateway(aws.scope(**REST), {**read, "api": Missing("denied")}) == Missing("denied")


# --- Answers ---


def test_a_function_is_found_in_an_arn_and_in_an_invocation_path() -> None:
    arn = "arn:aws:lambda:eu-west-1:111122223333:function:orders"
    path = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions"
    assert function_in(f"{path}/{arn}/invocations") == ("orders", None)
    assert function_in(f"{path}/{arn}:live/invocations") == ("orders", "live")
    assert function_in(f"{arn}:17") == ("orders", "17")
    assert function_in("https://orders.example.com") == (None, None)


def _method(**settings: Any) -> Integration:
    resource = {"path": "/orders", "resourceMethods": {"GET": {"methodIntegration": settings}}}
    (found,) = rest_integrations([resource], {"host": "blue.example.com", "fn": "orders:live"})
    return found


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"type": "MOCK"}, ("mock", None, None)),
        ({"type": "HTTP_PROXY", "uri": "https://a.example.com:8443/x"}, ("http", None, "a.example.com")),
        ({"type": "HTTP", "uri": "http://${stageVariables.host}/x"}, ("http", None, "blue.example.com")),
        (
            {"type": "HTTP_PROXY", "uri": "http://nlb.example.com", "connectionType": "VPC_LINK"},
            ("vpc_link", None, "nlb.example.com"),
        ),
        (
            {
                "type": "HTTP_PROXY",
                "uri": "http://anything",
                "connectionType": "VPC_LINK",
                "integrationTarget": "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/a/1",
            },
            ("vpc_link", None, "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/a/1"),
        ),
        ({"type": "AWS", "uri": "arn:aws:apigateway:eu-west-1:sqs:path/1/queue"}, ("aws", None, None)),
        (
            {
                "type": "AWS_PROXY",
                "uri": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/"
                "arn:aws:lambda:eu-west-1:1:function:${stageVariables.fn}/invocations",
            },
            ("lambda", "orders", None),
        ),
    ],
)
def test_what_stands_behind_a_method(settings: dict[str, Any], expected: tuple[str | None, ...]) -> None:
    found = _method(**settings)
    assert (found.kind, found.function, found.address) == expected
    assert found.limit_milliseconds == 29_000


def test_a_route_of_an_http_api_without_integration_is_left_out() -> None:
    queue = {"IntegrationId": "i1", "IntegrationType": "AWS_PROXY", "IntegrationSubtype": "SQS-SendMessage"}
    routes = [{"RouteKey": "POST /queue", "Target": "integrations/i1"}, {"RouteKey": "GET /nothing"}]
    (found,) = integrations("http", routes, [queue], {})

    assert (found.route, found.kind, found.limit_milliseconds) == ("POST /queue", "aws", 30_000)


def test_plans_of_another_stage_are_not_this_apis() -> None:
    plans: list[dict[str, Any]] = [{"id": "p1", "apiStages": [{"apiId": "a", "stage": "test"}]}, {"id": "p2"}]

    assert usage_plans(plans, "a", "prod") == ()
    assert [each.id for each in usage_plans(plans, "a", None)] == ["p1"]


@pytest.mark.parametrize(
    ("method", "asked_for"),
    [
        ({}, "NONE"),
        ({"authorizationType": "NONE", "apiKeyRequired": False}, "NONE"),
        ({"authorizationType": "NONE", "apiKeyRequired": True}, "API_KEY"),
        ({"authorizationType": "AWS_IAM", "apiKeyRequired": True}, "AWS_IAM"),
    ],
)
def test_what_a_method_asks_callers_for(method: dict[str, Any], asked_for: str) -> None:
    (found,) = rest_integrations([{"path": "/", "resourceMethods": {"GET": method}}], {})
    assert found.authorization == asked_for
