"""The lab's distribution: percentages of its requests, its configuration, and the services behind it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab import ScenarioError, parse
from lab.clock import Clock
from lab.errors import AwsError
from lab.scenario import Scenario
from lab.systems import Stage
from lab.systems import edge as system
from lab.systems.edge import Staged, alarm_dimensions, load_balancer_origins, series

SMALL: dict[str, Any] = {
    "title": "a small distribution",
    "at": "2026-11-20T14:47:10Z",
    "noise": "none",
    "alarm": {"name": "edge-5xx", "metric": "5xxErrorRate", "statistic": "Average", "threshold": 1},
    "load_balancer": {"name": "order-api"},
    "target_groups": {"orders": {"targets": 2, "requests": "4000"}},
    "distribution": {
        "requests": "10000",
        "errors": {"500": "10", "502": "0, -5: 500", "403": "20", "other_4xx": "30"},
        "error_caching": {"502": 300},
        "functions": {"rewrite": {"execution_errors": "0, -5: 7"}},
    },
}


def scenario(**distribution: Any) -> Scenario:
    return parse(json.dumps({**SMALL, "distribution": {**SMALL["distribution"], **distribution}}), "small")


def published(staged: Scenario, name: str, **dimensions: str) -> dict[int, float]:
    data = staged.systems["distribution"]
    found = series(staged, data, "AWS/CloudFront", name, dimensions or alarm_dimensions(data), None)
    assert found is not None
    sums = name == "Requests" or name.startswith("Function")
    return {minute: each.total if sums else each.total / each.count for minute, each in found.items()}


def answers(staged: Scenario) -> dict[str, Any]:
    operations = Staged(Stage(staged, Clock(staged.at)), staged.systems["distribution"]).operations()
    return {name: answer for each in operations.values() for name, answer in each.items()}


def test_the_alarm_is_about_the_distribution() -> None:
    staged = scenario(id="E1SMALL0000001")
    assert staged.alarm.namespace == "AWS/CloudFront"
    assert staged.alarm.dimensions == {"DistributionId": "E1SMALL0000001", "Region": "Global"}


def test_rates_are_percentages_of_all_requests() -> None:
    staged = scenario()
    assert published(staged, "5xxErrorRate")[-1] == pytest.approx(5.1)
    assert published(staged, "4xxErrorRate")[-1] == pytest.approx(0.5)
    assert published(staged, "502ErrorRate")[-1] == pytest.approx(5.0)
    assert published(staged, "502ErrorRate")[-6] == 0.0
    assert published(staged, "TotalErrorRate")[-1] == pytest.approx(5.6)
    assert published(staged, "Requests")[-1] == 10_000


def test_without_additional_metrics_there_are_no_codes_and_no_latency() -> None:
    staged = scenario(additional_metrics=False)
    for name in ("502ErrorRate", "403ErrorRate", "OriginLatency", "CacheHitRate"):
        assert published(staged, name) == {}
    assert published(staged, "5xxErrorRate")[-1] == pytest.approx(5.1)
    with pytest.raises(AwsError, match="NoSuchMonitoringSubscription"):
        answers(staged)["GetMonitoringSubscription"]({"DistributionId": staged.systems["distribution"].id})


def test_only_the_published_dimensions_have_figures() -> None:
    staged = scenario()
    assert published(staged, "5xxErrorRate", DistributionId=staged.systems["distribution"].id) == {}
    assert published(staged, "FunctionExecutionErrors", FunctionName="rewrite", Region="Global")[-1] == 7
    assert published(staged, "FunctionExecutionErrors", FunctionName="other", Region="Global") == {}
    data = staged.systems["distribution"]
    assert series(staged, data, "AWS/ApplicationELB", "RequestCount", {}, None) is None


def test_minutes_without_requests_have_no_rate() -> None:
    assert -1 not in published(scenario(requests="10000, -2: 0"), "5xxErrorRate")


def test_latency_is_in_milliseconds() -> None:
    staged = scenario(latency="0.2", latency_p99="1.4")
    assert published(staged, "OriginLatency")[-1] == pytest.approx(200.0)


def test_the_configuration_says_what_the_file_says() -> None:
    staged = scenario(aliases=["shop.example.com"])
    id_ = staged.systems["distribution"].id
    found = answers(staged)["GetDistribution"]({"Id": id_})["Distribution"]
    configuration = found["DistributionConfig"]
    assert configuration["Aliases"]["Items"] == ["shop.example.com"]
    assert configuration["CustomErrorResponses"]["Items"] == [{"ErrorCode": 502, "ErrorCachingMinTTL": 300}]
    [origin] = configuration["Origins"]["Items"]
    balancers = answers(staged)["DescribeLoadBalancers"]({})["LoadBalancers"]
    assert origin["DomainName"] == balancers[0]["DNSName"]
    assert origin["DomainName"].endswith(".eu-west-1.elb.amazonaws.com")
    with pytest.raises(AwsError, match="NoSuchDistribution"):
        answers(staged)["GetDistribution"]({"Id": "E9"})


def test_a_load_balancer_is_described_by_its_own_arn_only() -> None:
    found = answers(scenario())["DescribeLoadBalancers"]
    with pytest.raises(AwsError, match="LoadBalancerNotFound"):
        found({"LoadBalancerArns": ["arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/x/y"]})


@pytest.mark.parametrize(
    ("policy", "effects"),
    [("this", ["Allow"]), ("other", ["Allow"]), ("public", ["Allow"]), ("denied", ["Allow", "Deny"])],
)
def test_a_bucket_has_the_policy_that_was_asked_for(policy: str, effects: list[str]) -> None:
    staged = scenario(origins={"assets": {"bucket": "small-assets", "policy": policy}})
    text = answers(staged)["GetBucketPolicy"]({"Bucket": "small-assets"})["Policy"]
    assert [each["Effect"] for each in json.loads(text)["Statement"]] == effects


def test_a_bucket_may_have_no_policy_or_not_be_there() -> None:
    bare = scenario(origins={"assets": {"bucket": "small-assets", "policy": "none"}})
    with pytest.raises(AwsError, match="NoSuchBucketPolicy"):
        answers(bare)["GetBucketPolicy"]({"Bucket": "small-assets"})
    gone = scenario(origins={"assets": {"bucket": "small-assets", "there": False}})
    with pytest.raises(AwsError, match="404"):
        answers(gone)["HeadBucket"]({"Bucket": "small-assets"})


def test_the_origins_that_are_the_scenarios_load_balancer_are_known() -> None:
    origins = {"assets": {"bucket": "x"}, "api": {"load_balancer": True}}
    assert load_balancer_origins(scenario(origins=origins).systems["distribution"]) == ("api",)


def test_without_a_distribution_nothing_is_answered() -> None:
    staged = scenario()
    assert Staged(Stage(staged, Clock(staged.at)), None).operations() == {}


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"origins": {"a": {}}}, "one of load_balancer, classic, api, bucket"),
        ({"origins": {"a": {"bucket": "x", "host": "y"}}}, "one of load_balancer, classic, api, bucket"),
        ({"origins": {"a": {"bucket": "x", "policy": "mine"}}}, "'mine' is not one of this, other"),
        ({"errors": {"418": "1"}}, "418: is not a key here"),
        ({"latancy": "1"}, "latancy: is not a key here"),
        ({"functions": {"f": {"error": "1"}}}, "error: is not a key here"),
        ({"lambda_edge": {"errors": "1"}}, "errors: is not a key here"),
    ],
)
def test_a_mistake_in_the_section_is_refused(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ScenarioError, match=complaint):
        scenario(**given)


def test_the_key_is_that_of_the_files() -> None:
    assert (system.KEY, system.ENTRY) == ("distribution", "AWS/CloudFront")
