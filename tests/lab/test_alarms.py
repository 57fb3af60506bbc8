"""Alarms: DescribeAlarms through a real client, and the events they send."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Lab
from lab.loading import ROOT

COMPOSITE = {
    "kind": "composite",
    "name": "front-door",
    "children": [
        {"name": "elb-502", "metric": "HTTPCode_ELB_502_Count", "threshold": 100},
        {
            "name": "latency",
            "metric": "TargetResponseTime",
            "threshold": 2,
            "target_group": "orders",
            "state": "OK",
        },
    ],
}


def test_without_types_only_metric_alarms_come_back(stage: Any, client: Callable[..., Any]) -> None:
    with stage(alarm=COMPOSITE) as lab:
        cloudwatch = client(lab, "cloudwatch")
        answer = cloudwatch.describe_alarms(AlarmNames=["front-door"])
        assert (answer["MetricAlarms"], answer["CompositeAlarms"]) == ([], [])
        both = cloudwatch.describe_alarms(
            AlarmNames=["front-door"], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        assert [alarm["AlarmName"] for alarm in both["CompositeAlarms"]] == ["front-door"]


def test_a_composite_tells_its_rule_and_its_children_are_found(
    stage: Any, client: Callable[..., Any]
) -> None:
    with stage(alarm=COMPOSITE) as lab:
        cloudwatch = client(lab, "cloudwatch")
        parent = cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"][0]
        assert parent["AlarmRule"] == 'ALARM("elb-502") OR ALARM("latency")'
        children = cloudwatch.describe_alarms(ChildrenOfAlarmName="front-door")["MetricAlarms"]
        states = {child["AlarmName"]: child["StateValue"] for child in children}
        assert states == {"elb-502": "ALARM", "latency": "OK"}


def test_a_metric_alarm_tells_what_the_event_does_not(staged: Lab, client: Callable[..., Any]) -> None:
    alarm = client(staged, "cloudwatch").describe_alarms()["MetricAlarms"][0]
    assert (alarm["Threshold"], alarm["ComparisonOperator"], alarm["TreatMissingData"]) == (
        50,
        "GreaterThanThreshold",
        "notBreaching",
    )
    assert alarm["Dimensions"] == [{"Name": "LoadBalancer", "Value": "app/order-api/50dc6c495c0c9188"}]


def test_alarms_come_in_pages(stage: Any, client: Callable[..., Any]) -> None:
    with stage(alarms=[{"name": f"other-{index}"} for index in range(5)]) as lab:
        pages = (
            client(lab, "cloudwatch")
            .get_paginator("describe_alarms")
            .paginate(PaginationConfig={"PageSize": 2})
        )
        found = [[alarm["AlarmName"] for alarm in page["MetricAlarms"]] for page in pages]
    assert [len(page) for page in found] == [2, 2, 2]


def test_more_than_100_names_are_refused(staged: Lab, client: Callable[..., Any]) -> None:
    with pytest.raises(ClientError, match="ValidationError"):
        client(staged, "cloudwatch").describe_alarms(AlarmNames=[f"a{index}" for index in range(101)])


@pytest.mark.parametrize("kind", ["metric", "metric_math", "anomaly"])
def test_every_kind_of_metric_alarm_is_described(stage: Any, client: Callable[..., Any], kind: str) -> None:
    with stage(alarm={"kind": kind}) as lab:
        alarm = client(lab, "cloudwatch").describe_alarms()["MetricAlarms"][0]
    assert ("Metrics" in alarm) == (kind != "metric")
    assert ("ThresholdMetricId" in alarm) == (kind == "anomaly")


def test_the_event_is_one_the_rule_matches_and_bears_every_field(stage: Any) -> None:
    with stage() as lab:
        event = lab.alarm_event()
        assert lab.runtime.matching(event) == ["AlarmFunction"]
    assert event["source"] == "aws.cloudwatch"
    assert event["time"] == "2026-11-20T14:47:10Z"
    assert event["resources"] == ["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:order-api-elb-5xx"]
    state = event["detail"]["state"]
    data = json.loads(state["reasonData"])
    assert (state["value"], event["detail"]["previousState"]["value"]) == ("ALARM", "OK")
    assert data["recentDatapoints"] == [370.0]
    assert data["threshold"] == 50
    assert data["startDate"] == "2026-11-20T14:46:00.000+0000"
    assert datetime.fromisoformat(state["timestamp"]).utcoffset() is not None


def test_an_alarm_on_a_target_group_names_it_in_its_dimensions(stage: Any) -> None:
    with stage(alarm={"metric": "HTTPCode_Target_5XX_Count", "target_group": "orders"}) as lab:
        metric = lab.alarm_event()["detail"]["configuration"]["metrics"][0]["metricStat"]["metric"]
        assert metric["dimensions"]["TargetGroup"] == lab.balancer.dimensions["orders"]


def test_a_math_alarm_has_its_expression_first(stage: Any) -> None:
    metrics = {"errors": "HTTPCode_ELB_5XX_Count", "all": "RequestCount"}
    with stage(
        alarm={"kind": "metric_math", "expression": "100 * FILL(errors, 0) / all", "metrics": metrics}
    ) as lab:
        entries = lab.alarm_event()["detail"]["configuration"]["metrics"]
    assert [entry["id"] for entry in entries] == ["e1", "errors", "all"]
    assert [entry["returnData"] for entry in entries] == [True, False, False]


def test_an_anomaly_alarm_has_its_band(stage: Any) -> None:
    with stage(alarm={"kind": "anomaly"}) as lab:
        detail = lab.alarm_event()["detail"]
    assert "ANOMALY_DETECTION_BAND(m1, 2)" in [
        entry.get("expression") for entry in detail["configuration"]["metrics"]
    ]
    assert "recentUpperThresholds" in json.loads(detail["state"]["reasonData"])


def test_a_composite_event_names_the_children_that_caused_it(stage: Any) -> None:
    with stage(alarm=COMPOSITE) as lab:
        detail = lab.alarm_event()["detail"]
    assert "metrics" not in detail["configuration"]
    triggering = json.loads(detail["state"]["reasonData"])["triggeringAlarms"]
    assert [one["arn"].rsplit(":", 1)[1] for one in triggering] == ["elb-502"]


def test_the_direct_action_has_no_envelope(stage: Any) -> None:
    with stage(alarm={"envelope": "lambda_action"}) as lab:
        event = lab.alarm_event()
    assert "detail" not in event
    assert event["alarmData"]["alarmName"] == "order-api-elb-5xx"


@pytest.mark.parametrize("kind", ["metric", "metric_math", "composite"])
def test_by_sns_the_alarm_is_json_in_a_string(stage: Any, kind: str) -> None:
    with stage(alarm=(COMPOSITE if kind == "composite" else {"kind": kind}) | {"envelope": "sns"}) as lab:
        message = json.loads(lab.alarm_event()["Records"][0]["Sns"]["Message"])
    assert message["NewStateValue"] == "ALARM"
    assert ("Trigger" in message) == (kind != "composite")


@pytest.mark.parametrize("path", sorted((ROOT / "events").glob("*.json")), ids=lambda path: path.stem)
def test_every_event_of_the_project_can_wake_a_scenario(stage: Any, path: Path) -> None:
    with stage(alarm={"name": None, "event": f"events/{path.name}"}) as lab:
        assert lab.alarm_event() == json.loads(path.read_text())


def test_after_the_alarm_has_cleared_it_is_ok(stage: Any, client: Callable[..., Any]) -> None:
    with stage(alarm_clears="+8") as lab:
        lab.run_until(9)
        assert client(lab, "cloudwatch").describe_alarms()["MetricAlarms"][0]["StateValue"] == "OK"
        assert [event.data["detail"]["state"]["value"] for event in lab.events if event.kind == "event"] == [
            "OK"
        ]
