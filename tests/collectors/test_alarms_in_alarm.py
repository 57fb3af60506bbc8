"""Which other alarms of the account are in ALARM."""

from typing import Any

from collectors.alarms_in_alarm import collect_alarms_in_alarm, parse_alarms
from diagnosis.systems.health import AlarmInAlarm
from tests.collectors.fake_aws import FakeAws, before, scope


def _alarm(name: str, minutes: float, **changed: Any) -> dict[str, Any]:
    """One of DescribeAlarms."""
    return {
        "AlarmName": name,
        "StateValue": "ALARM",
        "StateTransitionedTimestamp": before(minutes=minutes),
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [
            {"Name": "Resource", "Value": "routes:live"},
            {"Name": "FunctionName", "Value": "routes"},
        ],
        **changed,
    }


def test_alarms_come_newest_first_with_what_they_watch() -> None:
    aws = FakeAws(DescribeAlarms={"MetricAlarms": [_alarm("old", 90), _alarm("new", 2)]})

    assert collect_alarms_in_alarm(scope(aws), {}) == (
        AlarmInAlarm("new", before(minutes=2), "AWS/Lambda", "Errors", "routes"),
        AlarmInAlarm("old", before(minutes=90), "AWS/Lambda", "Errors", "routes"),
    )
    (asked,) = aws.asked("DescribeAlarms")
    assert (asked["StateValue"], asked["AlarmTypes"]) == ("ALARM", ["MetricAlarm"])


def test_at_most_two_pages_are_read() -> None:
    def answer(_: Any) -> dict[str, Any]:
        return {"MetricAlarms": [_alarm(f"a-{number}", number) for number in range(100)], "NextToken": "more"}

    aws = FakeAws(DescribeAlarms=answer)

    assert len(collect_alarms_in_alarm(scope(aws), {})) == 200
    assert len(aws.asked("DescribeAlarms")) == 2


def test_alarms_of_scaling_policies_are_left_out() -> None:
    assert not parse_alarms({"MetricAlarms": [_alarm("TargetTracking-service/shop-AlarmLow-1", 5)]})


def test_an_alarm_of_metric_math_is_told_by_its_first_metric() -> None:
    stat = {
        "Metric": {
            "Namespace": "AWS/SQS",
            "MetricName": "Age",
            "Dimensions": [{"Name": "QueueName", "Value": "q"}],
        }
    }
    metrics = [
        {"Id": "e1", "Expression": "m1 * 2"},
        {"Id": "m1", "MetricStat": {**stat, "Period": 60, "Stat": "Maximum"}},
    ]
    described = {"AlarmName": "age", "Metrics": metrics, "StateUpdatedTimestamp": before(minutes=1)}

    assert parse_alarms({"MetricAlarms": [described]}) == (
        AlarmInAlarm("age", before(minutes=1), "AWS/SQS", "Age", "q"),
    )


def test_an_alarm_without_a_readable_metric_keeps_its_name() -> None:
    described = {"AlarmName": "query", "Metrics": [{"Id": "q1", "Expression": "SELECT nothing"}]}

    assert parse_alarms({"MetricAlarms": [described]}) == (AlarmInAlarm("query", None),)
