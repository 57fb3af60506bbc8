"""The lab's web ACL: answers of botocore's shapes, figures that add up, samples and files as in AWS."""

import gzip
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import botocore.session
import pytest

from lab import shapes
from lab.clock import Clock
from lab.errors import AwsError
from lab.figures import draw
from lab.loading import parse
from lab.metrics import MetricStore
from lab.scenario import Scenario
from lab.strict import ScenarioError
from lab.systems import Stage, firewall
from lab.systems.firewall_data import acl_arn

MODELS = {name: botocore.session.get_session().get_service_model(name) for name in ("wafv2", "s3")}
STORY = """
title: blocks
at: 2026-11-20T14:47:10Z
noise: none
alarm: {name: order-api-4xx, metric: HTTPCode_ELB_4XX_Count}
load_balancer: {name: order-api, zones: [eu-west-1a, eu-west-1b]}
target_groups: {orders: {targets: 2, requests: "1000, -5: 800"}}
traffic: {elb_4xx: "5"}
web_acl:
  name: orders-acl
  log_to: LOG
  rules:
    - {name: common, kind: managed, blocked: "0, -5: 200", inner: {SizeRestrictions_BODY: 1.0}}
    - {name: quiet, kind: ip set, sampled: false, blocked: "3"}
    - {name: robots, kind: own, action: captcha, captcha: "0, -5: 50"}
    - {name: outage, kind: own, response: 503, blocked: "0, -5: 7"}
"""


def story(log: str = "s3") -> Scenario:
    return parse(STORY.replace("LOG", log), name="blocks")


class Still(Clock):
    """The alarm's moment."""

    def now(self) -> datetime:
        return self._start


def staged(scenario: Scenario) -> firewall.Staged:
    return firewall.Staged(Stage(scenario, Still(scenario.at)), scenario.systems["web_acl"])


def ask(scenario: Scenario, service: str, operation: str, **asked: Any) -> Mapping[str, Any]:
    """The answer, held to botocore's model."""
    answer = staged(scenario).operations()[service][operation](asked)
    assert not shapes.problems(MODELS[service].operation_model(operation), answer)
    return answer


def arn(scenario: Scenario) -> str:
    return acl_arn(scenario, scenario.systems["web_acl"])


def store(scenario: Scenario) -> MetricStore:
    return MetricStore(scenario, draw(scenario), {"orders": "targetgroup/orders/1"})


def total(scenario: Scenario, name: str, minute: int, **dimensions: str) -> float:
    place = {"WebACL": "ordersaclMetric", "Region": "eu-west-1", **dimensions}
    sample = store(scenario).series("AWS/WAFV2", name, place).get(minute)
    return sample.total if sample else 0.0


def test_the_web_acl_is_found_by_its_load_balancer_and_by_no_other() -> None:
    scenario = story()
    ours = (
        f"arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/{scenario.load_balancer.dimension}"
    )
    answer = ask(scenario, "wafv2", "GetWebACLForResource", ResourceArn=ours)
    assert [each["Name"] for each in answer["WebACL"]["Rules"]] == ["common", "quiet", "robots", "outage"]
    assert not ask(scenario, "wafv2", "GetWebACLForResource", ResourceArn="arn:x:loadbalancer/app/other/1")


def test_without_a_web_acl_there_is_none() -> None:
    scenario = story()
    nothing = firewall.Staged(Stage(scenario, Still(scenario.at)), None).operations()["wafv2"]
    assert nothing["GetWebACLForResource"]({"ResourceArn": "arn"}) == {}
    with pytest.raises(AwsError, match="WAFNonexistentItemException"):
        nothing["GetWebACL"]({"Name": "orders-acl", "Scope": "REGIONAL", "Id": "x"})


def test_blocks_and_puzzles_are_4xx_of_the_load_balancer_and_a_custom_503_is_a_5xx() -> None:
    scenario = story()
    figures = draw(scenario)
    assert sum(figures.traffic["elb_4xx"][-3]) == 5 + 200 + 3 + 50
    assert sum(figures.traffic["elb_5xx_other"][-3]) == 7


def test_the_figures_of_all_rules_are_the_sum_of_each() -> None:
    scenario = story()
    assert total(scenario, "BlockedRequests", -3, Rule="ALL") == 210
    assert total(scenario, "BlockedRequests", -3, Rule="commonRule") == 200
    assert total(scenario, "CaptchaRequests", -3, Rule="robotsRule") == 50
    assert total(scenario, "AllowedRequests", -3, Rule="ALL") == 800
    assert total(scenario, "BlockedRequests", -9, Rule="commonRule") == 0


def test_figures_are_published_under_metric_names_and_region_alone() -> None:
    scenario = story()
    assert total(scenario, "BlockedRequests", -3, Rule="common") == 0
    assert not store(scenario).series(
        "AWS/WAFV2", "BlockedRequests", {"WebACL": "ordersaclMetric", "Rule": "ALL"}
    )


def sample(scenario: Scenario, rule: str, minutes: int, most: int = 500) -> Mapping[str, Any]:
    end = scenario.minute_zero
    window = {"StartTime": end - timedelta(minutes=minutes), "EndTime": end}
    asked = {"WebAclArn": arn(scenario), "RuleMetricName": rule, "Scope": "REGIONAL", "MaxItems": most}
    return ask(scenario, "wafv2", "GetSampledRequests", **asked, TimeWindow=window)


def test_a_sample_is_of_the_first_five_thousand_requests_and_says_of_when() -> None:
    scenario = story()
    whole = sample(scenario, "commonRule", 2)
    assert whole["PopulationSize"] == pytest.approx(2020, abs=20)
    busy = parse(STORY.replace("LOG", "s3").replace("1000, -5: 800", "20000"), name="busy")
    short = sample(busy, "commonRule", 5)
    assert short["PopulationSize"] == 5000
    window = short["TimeWindow"]
    assert window["EndTime"] - window["StartTime"] < timedelta(seconds=30)


def test_a_sample_holds_no_more_than_asked_for_and_names_the_rule_inside_the_group() -> None:
    answer = sample(story(), "commonRule", 3, most=100)
    assert len(answer["SampledRequests"]) == 100
    assert {each["Weight"] for each in answer["SampledRequests"]} == {6}
    assert answer["SampledRequests"][0]["RuleNameWithinRuleGroup"].endswith("#SizeRestrictions_BODY")


def test_a_rule_whose_sampling_is_off_gives_nothing() -> None:
    assert sample(story(), "quietRule", 5)["SampledRequests"] == []


@pytest.mark.parametrize(("log", "service"), [("s3", "s3"), ("cloudwatch", "logs"), ("firehose", "firehose")])
def test_where_it_logs_to_is_told(log: str, service: str) -> None:
    scenario = story(log)
    answer = ask(scenario, "wafv2", "GetLoggingConfiguration", ResourceArn=arn(scenario))
    (destination,) = answer["LoggingConfiguration"]["LogDestinationConfigs"]
    assert destination.split(":")[2] == service


def test_without_logging_there_is_no_configuration() -> None:
    scenario = story("none")
    with pytest.raises(AwsError, match="WAFNonexistentItemException"):
        ask(scenario, "wafv2", "GetLoggingConfiguration", ResourceArn=arn(scenario))


def test_files_hold_five_minutes_and_come_when_these_are_over() -> None:
    scenario = story()
    prefix = "security/AWSLogs/123456789012/WAFLogs/eu-west-1/orders-acl/2026/11/20/14/"
    listed = ask(scenario, "s3", "ListObjectsV2", Bucket="aws-waf-logs-orders-acl", Prefix=prefix)
    newest = listed["Contents"][-1]["Key"]
    assert newest.startswith(f"{prefix}40/")
    content = ask(scenario, "s3", "GetObject", Bucket="aws-waf-logs-orders-acl", Key=newest)["Body"]
    records = [json.loads(line) for line in gzip.decompress(content).splitlines()]
    assert sum(each["terminatingRuleId"] == "common" for each in records) == 3 * 200
    assert {"ALLOW", "BLOCK"} == {each["action"] for each in records}


def test_a_file_that_is_not_there_is_no_such_key() -> None:
    with pytest.raises(AwsError, match="NoSuchKey"):
        ask(story(), "s3", "GetObject", Bucket="aws-waf-logs-orders-acl", Key="x")


def test_a_log_group_has_the_records_as_events() -> None:
    scenario = story("cloudwatch")
    events = firewall.log_events(scenario, scenario.systems["web_acl"])
    assert list(events) == ["aws-waf-logs-orders-acl"]
    at, message = events["aws-waf-logs-orders-acl"][0]
    assert json.loads(message)["timestamp"] == round(at.timestamp() * 1000)
    assert not firewall.log_events(story(), story().systems["web_acl"])


@pytest.mark.parametrize("wrong", ["kind: vendor", "log_to: kafka", "colour: red", "blocked: often"])
def test_what_nobody_knows_is_refused_with_its_place(wrong: str) -> None:
    text = STORY.replace("LOG", "s3").replace("kind: own, action: captcha", f"{wrong}, action: captcha")
    if wrong.startswith("log_to"):
        text = STORY.replace("log_to: LOG", wrong)
    with pytest.raises(ScenarioError, match="web_acl"):
        parse(text, name="wrong")
