"""The lab's API Gateway: answers of botocore's shapes, figures in the published dimensions, and its log."""

import json
from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest

from lab import shapes
from lab.clock import Clock
from lab.errors import AwsError
from lab.loading import parse
from lab.scenario import Scenario
from lab.strict import ScenarioError
from lab.systems import Stage, gateway

FILE = """
title: an API
at: 2026-11-20T14:47:10Z
alarm: {{name: errors, metric: 5XXError}}
api:
  name: shop
  kind: {kind}
  namesakes: [t3st000001]
  access_log: json
  detailed_metrics: true
  throttle: {{rate: 50}}
  usage_plans: {{silver: {{rate: 10, quota: 1000}}}}
  authorizers: {{keys: {{function: check-keys}}, pool: {{kind: cognito, issuer: eu-west-1_A}}}}
  deployed: -4
  lost_routes: [GET /old]
  routes:
    GET /orders:
      {{function: orders, alias: live, authorizer: keys, requests: "1000", exception: "0, -3: 300"}}
    GET /files:
      {{kind: vpc_link, address: files.example, requests: "[40]", integration_timeout: "0, -3: [10]"}}
    GET /old: {{missing: true, requests: "7", route_missing: "0, -3: 7"}}
    GET /queue: {{kind: aws, requests: "1"}}
    GET /mock: {{kind: mock, requests: "1"}}
"""


def scenario(kind: str = "rest") -> Scenario:
    authorizers = "keys: {function: check-keys}, pool: {kind: cognito, issuer: eu-west-1_A}"
    text = FILE.format(kind=kind)
    if kind != "rest":
        text = text.replace(authorizers, "keys: {kind: jwt, issuer: https://login.example.com}")
    return parse(text, name=f"an-api-{kind}")


def operations(staged: Scenario, service: str) -> Mapping[str, Any]:
    stage = Stage(staged, Clock(staged.at))
    return gateway.Staged(stage, staged.systems["api"]).operations()[service]


def series(staged: Scenario, name: str, **dimensions: str) -> Mapping[int, Any]:
    found: Mapping[int, Any] = gateway.series(
        staged, staged.systems["api"], "AWS/ApiGateway", name, dimensions, None
    )
    return found


@pytest.mark.parametrize(("kind", "service"), [("rest", "apigateway"), ("http", "apigatewayv2")])
def test_every_answer_has_the_shape_of_botocores_model(kind: str, service: str) -> None:
    model = botocore.session.get_session().get_service_model(service)
    id_ = {"restApiId": "a1b2c3d4e5", "deploymentId": "depold", "stageName": "prod", "ApiId": "a1b2c3d4e5"}
    for name, answer in operations(scenario(kind), service).items():
        embed = {"embed": ["apisummary"]}
        assert shapes.problems(model.operation_model(name), answer({**id_, **embed})) == []


def test_an_alarm_names_a_rest_api_by_its_name_and_the_others_by_their_id() -> None:
    assert scenario().alarm.dimensions == {"ApiName": "shop", "Stage": "prod"}
    assert scenario("http").alarm.dimensions == {"ApiId": "a1b2c3d4e5", "Stage": "prod"}


def test_the_average_of_an_error_metric_is_its_rate() -> None:
    sample = series(scenario(), "5XXError", ApiName="shop", Stage="prod")[-1]

    assert sample.total == pytest.approx(310, abs=60)
    assert sample.total / sample.count == pytest.approx(0.29, abs=0.06)


def test_routes_add_up_to_the_stage() -> None:
    staged = scenario()
    whole = series(staged, "Count", ApiName="shop")[-1].total
    known = ("/orders", "/files", "/queue", "/mock")
    parts = [
        series(staged, "Count", ApiName="shop", Stage="prod", Method="GET", Resource=each) for each in known
    ]

    missing = series(staged, "4XXError", ApiName="shop", Stage="prod")[-1].total
    assert sum(part[-1].total for part in parts if -1 in part) + missing == whole


def test_a_combination_of_dimensions_that_is_not_published_has_no_data() -> None:
    staged = scenario()

    assert not series(staged, "Count", ApiName="shop", Method="GET", Resource="/orders")
    assert not series(staged, "Count", ApiId="a1b2c3d4e5")
    assert not series(staged, "5xx", ApiName="shop")
    assert not series(staged, "Count", ApiName="another")


def test_what_is_cut_off_takes_the_whole_limit() -> None:
    of_files = {"ApiName": "shop", "Stage": "prod", "Method": "GET", "Resource": "/files"}
    staged = scenario()
    latency = series(staged, "IntegrationLatency", **of_files)

    assert latency[-1].high == pytest.approx(29_000, rel=0.01)
    assert latency[-10].high < 2_000


def test_failed_requests_stand_in_the_log_with_what_the_gateway_answered() -> None:
    staged = scenario()
    ((group, events),) = gateway.log_events(staged, staged.systems["api"]).items()
    lines = [json.loads(text) for moment, text in events if moment >= staged.moment(-3)]

    assert group == "/aws/apigateway/shop"
    assert {"502", "504", "403", "200"} == {line["status"] for line in lines}
    late = next(line for line in lines if line["status"] == "504")
    assert (late["responseType"], late["resourcePath"]) == ("INTEGRATION_TIMEOUT", "/files")
    raised = next(line for line in lines if line["status"] == "502")
    assert (raised["integrationStatus"], raised["lambdaStatus"]) == ("-", "200")


def test_an_http_api_answers_an_exception_with_500() -> None:
    staged = scenario("http")
    ((_, events),) = gateway.log_events(staged, staged.systems["api"]).items()
    statuses = {json.loads(text)["status"] for moment, text in events if moment >= staged.moment(-3)}

    assert statuses == {"500", "503", "404", "200"}


def test_an_api_of_another_kind_or_id_is_not_found() -> None:
    with pytest.raises(AwsError, match="NotFoundException"):
        operations(scenario("rest"), "apigatewayv2")["GetApi"]({"ApiId": "a1b2c3d4e5"})
    with pytest.raises(AwsError, match="NotFoundException"):
        operations(scenario("rest"), "apigateway")["GetStages"]({"restApiId": "another"})


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("access_log: json", "access_log: apache", "apache"),
        ("exception:", "exeption:", "exeption"),
        ("kind: mock", "kind: mocked", "mocked"),
        ("throttle: {rate: 50}", "throttle: {rat: 50}", "rat"),
    ],
)
def test_a_misspelt_key_or_word_is_refused(old: str, new: str, told: str) -> None:
    text = FILE.format(kind="rest")
    assert old in text
    with pytest.raises(ScenarioError, match=told):
        parse(text.replace(old, new), name="misspelt")
