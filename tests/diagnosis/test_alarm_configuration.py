"""The metrics and children of an alarm, in each spelling."""

import json
from typing import Any

import pytest

from diagnosis.alarm import MetricReference
from diagnosis.alarm_configuration import children_of_rule, read_metrics, triggering_children

LOAD_BALANCER = {"LoadBalancer": "app/order-api/50dc6c495c0c9188"}
EXPECTED = MetricReference("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", LOAD_BALANCER, "Sum", 60)
AS_IN_THE_API = [{"Name": "LoadBalancer", "Value": "app/order-api/50dc6c495c0c9188"}]
AS_IN_SNS = [{"name": "LoadBalancer", "value": "app/order-api/50dc6c495c0c9188"}]


def api_metric(dimensions: list[dict[str, str]]) -> dict[str, Any]:
    return {"Namespace": EXPECTED.namespace, "MetricName": EXPECTED.name, "Dimensions": dimensions}


@pytest.mark.parametrize(
    "configuration",
    [
        {
            "metrics": [
                {
                    "metricStat": {
                        "metric": {
                            "namespace": EXPECTED.namespace,
                            "name": EXPECTED.name,
                            "dimensions": LOAD_BALANCER,
                        },
                        "period": 60,
                        "stat": "Sum",
                    }
                }
            ]
        },
        {"Metrics": [{"MetricStat": {"Metric": api_metric(AS_IN_THE_API), "Period": 60, "Stat": "Sum"}}]},
        {"Metrics": [{"MetricStat": {"Metric": api_metric(AS_IN_SNS), "Period": 60, "Stat": "Sum"}}]},
        {**api_metric(AS_IN_THE_API), "Period": 60, "Statistic": "Sum"},
        {**api_metric(AS_IN_SNS), "Period": 60, "Statistic": "SUM", "StatisticType": "Statistic"},
    ],
)
def test_every_spelling_gives_the_same_metric(configuration: dict[str, Any]) -> None:
    assert read_metrics(configuration) == (EXPECTED,)


def test_a_percentile_is_kept_as_written() -> None:
    (metric,) = read_metrics({**api_metric(AS_IN_THE_API), "ExtendedStatistic": "p99", "Period": 60})
    assert metric.statistic == "p99"


def test_a_metric_of_another_account_says_so() -> None:
    entry = {"AccountId": "222222222222", "MetricStat": {"Metric": api_metric(AS_IN_THE_API)}}
    (metric,) = read_metrics({"Metrics": [entry]})
    assert metric.account == "222222222222"


def test_a_query_fixed_to_one_load_balancer_names_it() -> None:
    query = (
        'SELECT SUM(HTTPCode_ELB_5XX_Count) FROM SCHEMA("AWS/ApplicationELB", LoadBalancer) '
        "WHERE LoadBalancer = 'app/order-api/50dc6c495c0c9188' AND AvailabilityZone != 'eu-west-1a'"
    )
    assert read_metrics({"Metrics": [{"Expression": query, "Period": 60}]}) == (EXPECTED,)


def test_a_query_over_several_load_balancers_names_none() -> None:
    query = (
        'select avg("RequestCount") from "AWS/ApplicationELB" '
        "where LoadBalancer = 'app/a/1' or LoadBalancer = 'app/b/2'"
    )
    assert read_metrics({"metrics": [{"expression": query}]}) == (
        MetricReference("AWS/ApplicationELB", "RequestCount", {}, "Average"),
    )


@pytest.mark.parametrize("expression", ["m1 + m2", "ANOMALY_DETECTION_BAND(m1, 2)", "SELECT", 3, None])
def test_an_expression_over_other_entries_names_no_metric(expression: object) -> None:
    assert read_metrics({"metrics": [{"id": "e1", "expression": expression}]}) == ()


@pytest.mark.parametrize(
    ("rule", "children"),
    [
        ("ALARM(a) OR ALARM(b)", ("a", "b")),
        ('ALARM("name with (brackets), commas") AND ALARM(b)', ("name with (brackets), commas", "b")),
        (
            "ALARM(arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a)",
            ("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a",),
        ),
        ("ALARM(a) AND NOT ALARM(deployment)", ("a",)),
        ("(ALARM(a) OR ALARM(b)) AND OK(network)", ("a", "b")),
        ("NOT OK(a)", ("a",)),
        ("NOT (OK(a) AND NOT ALARM(b))", ("a", "b")),
        ("INSUFFICIENT_DATA(a) OR NOT INSUFFICIENT_DATA(b)", ()),
        ("ALARM(a) OR ALARM(a)", ("a",)),
        ("TRUE OR ALARM(a)", ("a",)),
        ("ALARM(ALARM) OR ALARM(NOT)", ("ALARM", "NOT")),
        ("AT_LEAST(2, ALARM, (a, b, c))", ("a", "b", "c")),
        ('AT_LEAST("50%", NOT OK, ("a", "b")) AND ALARM(c)', ("a", "b", "c")),
        ("NOT AT_LEAST(2, ALARM, (a, b)) OR ALARM(c)", ("c",)),
        ("AT_LEAST(1, OK, (a, b))", ()),
        ("", ()),
        (None, ()),
        (")) ALARM(a", ("a",)),
        ('ALARM("a', ("a",)),
    ],
)
def test_the_children_of_a_rule_are_those_whose_trouble_it_waits_for(
    rule: str | None, children: tuple[str, ...]
) -> None:
    assert children_of_rule(rule) == children


def child(arn: object, state: str, spelling: str = "arn state value") -> dict[str, Any]:
    first, second, third = spelling.split()
    return {first: arn, second: {third: state}}


@pytest.mark.parametrize(
    ("data", "children"),
    [
        ({"triggeringAlarms": [child("a", "ALARM"), child("b", "OK")]}, ("a",)),
        ({"triggeringAlarms": [child("a", "OK"), child("b", "OK")]}, ("a", "b")),
        ({"TriggeringChildren": [child("a", "ALARM", "Arn State Value")]}, ("a",)),
        (json.dumps({"triggeringAlarms": [child("a", "ALARM")]}), ("a",)),
        ({"triggeringAlarms": [child(None, "ALARM"), "b", None]}, ()),
        ("{", ()),
        (None, ()),
    ],
)
def test_the_triggering_children_are_read_in_each_spelling(data: object, children: tuple[str, ...]) -> None:
    assert triggering_children(data) == children
