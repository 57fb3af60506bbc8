"""The lab's Lambda: figures under the published dimensions, settings, and a log that fits them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.loading import parse
from lab.staging import Lab
from lab.strict import ScenarioError

STORY = """
title: two versions behind an alias
at: 2026-11-20T14:47:10Z
noise: none
alarm: {name: errors, metric: HTTPCode_ELB_5XX_Count}
load_balancer: {name: order-api}
target_groups: {orders: {targets: 2, requests: "100"}}
functions:
  orders:
    alias: live
    version: "41"
    weights: {"42": 0.1}
    versions: {"41": -9000, "42": -5}
    shares: {"42": "0, -5: 0.1"}
    bad_version: "42"
    invocations: "1000"
    errors: "0, -5: 40"
    timeouts: "0, -5: 60"
    throttles: "0, -5: 7"
    other_invocations: "50"
    timeout: 3
    reserved: 30
    callers: none
    environment: {STAGE: prod}
    log: [{kind: exception, text: "KeyError: 'sku'"}, {kind: timeout}]
  mute: {invocations: "1", writes_log: false}
  gone: {absent: true}
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.stage(parse(STORY, name="two-versions")) as staged:
        yield staged


def figure(lab: Lab, name: str, statistic: str = "Sum", **dimensions: str) -> float | None:
    """The figure of two minutes before the alarm."""
    start = lab.scenario.moment(-2)
    named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    metric = {"Namespace": "AWS/Lambda", "MetricName": name, "Dimensions": named}
    query: Any = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}}
    answer = lab.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime=start, EndTime=start + timedelta(minutes=1)
    )
    values = answer["MetricDataResults"][0]["Values"]
    return float(values[0]) if values else None


def test_figures_are_there_for_the_whole_the_alias_and_each_version(lab: Lab) -> None:
    live = {"FunctionName": "orders", "Resource": "orders:live"}

    assert figure(lab, "Invocations", FunctionName="orders") == 1050
    assert figure(lab, "Invocations", **live) == 1000
    assert figure(lab, "Invocations", **live, ExecutedVersion="42") == 100
    assert figure(lab, "Errors", **live, ExecutedVersion="42") == 100
    assert figure(lab, "Errors", **live, ExecutedVersion="41") == 0
    assert figure(lab, "Throttles", FunctionName="orders") == 7
    assert figure(lab, "Errors", FunctionName="orders", Resource="orders:beta") is None


def test_an_invocation_that_times_out_lasts_as_long_as_it_may(lab: Lab) -> None:
    longest = figure(lab, "Duration", "Maximum", FunctionName="orders")

    assert longest is not None
    assert 2990 <= longest <= 3010


def test_settings_are_told_by_alias_and_versions_page_by_page(lab: Lab) -> None:
    client = lab.client("lambda")
    found = client.get_function_configuration(FunctionName="orders", Qualifier="live")
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName="orders")
    numbers = [each["Version"] for page in pages for each in page["Versions"]]

    assert (found["Version"], found["Timeout"]) == ("41", 3)
    assert numbers == ["$LATEST", "41", "42"]
    reserved = client.get_function_concurrency(FunctionName="orders")
    assert reserved["ReservedConcurrentExecutions"] == 30
    assert client.list_aliases(FunctionName="orders")["Aliases"][0]["RoutingConfig"] == {
        "AdditionalVersionWeights": {"42": 0.1}
    }


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("get_function_configuration", {"FunctionName": "gone"}),
        ("get_function_configuration", {"FunctionName": "orders", "Qualifier": "beta"}),
        ("get_policy", {"FunctionName": "orders"}),
    ],
)
def test_what_is_not_there_is_not_found(lab: Lab, operation: str, asked: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        getattr(lab.client("lambda"), operation)(**asked)


def test_a_function_that_logs_has_a_log_group_which_outlives_it(lab: Lab) -> None:
    groups = lab.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]

    assert [each["logGroupName"] for each in groups] == ["/aws/lambda/gone", "/aws/lambda/orders"]


def test_a_key_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"functions\.orders"):
        parse(STORY.replace("throttles:", "throttled:"), name="a-typing-error")
