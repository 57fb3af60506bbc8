"""Each envelope in which CloudWatch reports an alarm."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from diagnosis.alarm import Alarm, AlarmState, Ignored, MetricReference
from diagnosis.envelope import parse_event

EVENTS = Path(__file__).parents[2] / "events"
ELB_5XX = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:order-api-elb-5xx"
LOAD_BALANCER = {"LoadBalancer": "app/order-api/50dc6c495c0c9188"}
NAMESPACE = "AWS/ApplicationELB"


def event(stem: str) -> Any:
    return json.loads((EVENTS / f"{stem}.json").read_text())


def alarm_of(event: object) -> Alarm:
    parsed = parse_event(event)
    assert isinstance(parsed, tuple), parsed
    (alarm,) = parsed
    return alarm


def ignored(event: object) -> Ignored:
    parsed = parse_event(event)
    assert isinstance(parsed, Ignored)
    return parsed


def with_message(event: Any, **changes: Any) -> Any:
    """An SNS event with fields of its message replaced, or removed where the change is None."""
    changed = copy.deepcopy(event)
    notification = changed["Records"][0]["Sns"]
    message = {**json.loads(notification["Message"]), **changes}
    notification["Message"] = json.dumps({key: value for key, value in message.items() if value is not None})
    return changed


def test_an_eventbridge_event_of_a_metric_alarm_is_read_whole() -> None:
    alarm = alarm_of(event("eventbridge-metric"))
    assert alarm == Alarm(
        name="order-api-elb-5xx",
        arn=ELB_5XX,
        state=AlarmState.ALARM,
        account="123456789012",
        region="eu-west-1",
        time=datetime(2026, 11, 20, 14, 47, 10, 989000, tzinfo=UTC),
        reason=event("eventbridge-metric")["detail"]["state"]["reason"],
        metrics=(MetricReference(NAMESPACE, "HTTPCode_ELB_502_Count", LOAD_BALANCER, "Sum", 60),),
        threshold=50.0,
        previous_state=AlarmState.OK,
        event_id="4f7a1c9e-6b0d-4c57-8a57-1d2c3b4a5f60",
    )


@pytest.mark.parametrize("stem", ["lambda-action-metric", "sns-metric"])
def test_the_other_envelopes_tell_the_same_but_for_the_event_id(stem: str) -> None:
    expected = alarm_of(event("eventbridge-metric"))
    found = alarm_of(event(stem))
    fields = (
        "name",
        "arn",
        "state",
        "account",
        "region",
        "time",
        "reason",
        "metrics",
        "threshold",
        "previous_state",
    )
    assert [getattr(found, name) for name in fields] == [getattr(expected, name) for name in fields]
    assert found.event_id is None


def test_an_old_sns_message_without_an_arn_takes_the_region_from_its_topic() -> None:
    alarm = alarm_of(event("sns-metric-without-arn"))
    assert (alarm.arn, alarm.region) == (ELB_5XX, "eu-west-1")


def test_an_sns_message_without_arn_and_topic_cannot_be_placed() -> None:
    homeless = event("sns-metric-without-arn")
    del homeless["Records"][0]["Sns"]["TopicArn"]
    found = ignored(homeless)
    assert "region is missing" in found.reason
    assert (found.alarm_name, found.state) == ("order-api-elb-5xx", AlarmState.ALARM)


@pytest.mark.parametrize("stem", ["eventbridge-metric-math", "sns-metric-math"])
def test_metric_math_names_every_metric_behind_the_expression(stem: str) -> None:
    alarm = alarm_of(event(stem))
    assert [metric.name for metric in alarm.metrics] == [
        "HTTPCode_ELB_5XX_Count",
        "HTTPCode_Target_5XX_Count",
        "RequestCount",
    ]
    assert all(metric.dimensions == LOAD_BALANCER for metric in alarm.metrics)
    assert alarm.threshold == 1.0


def test_an_anomaly_band_adds_no_metric_and_has_no_threshold() -> None:
    alarm = alarm_of(event("eventbridge-anomaly-detection"))
    assert [metric.name for metric in alarm.metrics] == ["HTTPCode_Target_4XX_Count"]
    assert alarm.threshold is None


@pytest.mark.parametrize("stem", ["eventbridge-composite", "lambda-action-composite", "sns-composite"])
def test_a_composite_alarm_names_the_child_that_triggered_it(stem: str) -> None:
    alarm = alarm_of(event(stem))
    assert alarm.children == (ELB_5XX,)
    assert alarm.rule is not None
    assert alarm.metrics == ()


def test_a_composite_alarm_without_triggers_names_the_children_of_its_rule() -> None:
    alarm = alarm_of(with_message(event("sns-composite"), TriggeringChildren=[]))
    assert alarm.children == ("order-api-elb-5xx", "orders-target-5xx")


def test_suppression_and_muting_are_told() -> None:
    alarm = alarm_of(event("eventbridge-composite-suppressed-muted"))
    assert (alarm.suppressed_by, alarm.muted) == ("WaitPeriod", True)
    plain = alarm_of(event("eventbridge-composite"))
    assert (plain.suppressed_by, plain.muted) == (None, False)


def test_the_end_of_a_suppression_is_an_alarm_after_an_alarm() -> None:
    alarm = alarm_of(event("lambda-action-composite"))
    assert (alarm.previous_state, alarm.suppressed_by) == (AlarmState.ALARM, None)


def test_a_contributors_attributes_are_dimensions_of_the_metric_its_query_selects() -> None:
    alarm = alarm_of(event("eventbridge-contributor"))
    assert alarm.contributor == "6d442278dba546f6"
    assert alarm.metrics == (MetricReference(NAMESPACE, "HTTPCode_ELB_5XX_Count", LOAD_BALANCER, "Sum", 60),)


def test_ok_and_insufficient_data_are_alarms_too() -> None:
    assert alarm_of(event("eventbridge-ok")).state is AlarmState.OK
    assert alarm_of(event("eventbridge-insufficient-data")).state is AlarmState.INSUFFICIENT_DATA


def test_a_configuration_change_is_ignored_and_the_alarm_named() -> None:
    found = ignored(event("eventbridge-configuration-change"))
    assert "configuration changed" in found.reason
    assert found.alarm_arn == ELB_5XX


def test_an_event_of_another_source_is_ignored() -> None:
    foreign = {**event("eventbridge-metric"), "source": "com.example"}
    assert "com.example" in ignored(foreign).reason


def test_an_event_of_another_kind_is_ignored() -> None:
    other = {**event("eventbridge-metric"), "detail-type": "CloudWatch Dashboard Opened"}
    assert "CloudWatch Dashboard Opened" in ignored(other).reason


def test_a_record_of_another_service_is_ignored() -> None:
    assert "aws:s3" in ignored(event("garbage-s3-notification")).reason


def test_an_alarm_without_a_state_is_ignored() -> None:
    assert "in no known state" in ignored(event("garbage-alarm-without-state")).reason


def test_several_records_give_several_alarms_and_garbage_among_them_is_skipped() -> None:
    records = [event(stem)["Records"][0] for stem in ("sns-metric", "garbage-sns-text", "sns-composite")]
    parsed = parse_event({"Records": records})
    assert isinstance(parsed, tuple)
    assert [alarm.name for alarm in parsed] == ["order-api-elb-5xx", "order-api-any-5xx"]


def test_an_eventbridge_event_passed_on_through_sns_is_read() -> None:
    relayed = event("sns-metric")
    relayed["Records"][0]["Sns"]["Message"] = json.dumps(event("eventbridge-metric"))
    assert alarm_of(relayed) == alarm_of(event("eventbridge-metric"))


def test_without_a_state_time_the_envelopes_time_counts() -> None:
    bridged = event("eventbridge-metric")
    del bridged["detail"]["state"]["timestamp"]
    assert alarm_of(bridged).time == datetime(2026, 11, 20, 14, 47, 10, tzinfo=UTC)
    published = with_message(event("sns-metric"), StateChangeTime=None)
    assert alarm_of(published).time == datetime(2026, 11, 20, 14, 47, 11, 38000, tzinfo=UTC)


def test_without_any_time_the_event_is_ignored() -> None:
    timeless = event("eventbridge-metric")
    timeless["time"] = timeless["detail"]["state"]["timestamp"] = "lately"
    assert "does not say when" in ignored(timeless).reason


def test_reason_data_cut_short_costs_only_what_it_held() -> None:
    cut = event("eventbridge-metric")
    cut["detail"]["state"]["reasonData"] = cut["detail"]["state"]["reasonData"][:100]
    assert alarm_of(cut).threshold is None
    assert alarm_of(cut).metrics


def test_the_arn_tells_account_and_region_where_the_envelope_does_not() -> None:
    bare = event("eventbridge-metric")
    del bare["account"], bare["region"]
    assert alarm_of(bare) == alarm_of(event("eventbridge-metric"))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "nothing"),
        ([], "a list"),
        ("x", "a text"),
        (3, "a number"),
        (True, "true or false"),
        ({}, "empty object"),
    ],
)
def test_what_is_no_object_is_called_by_its_kind(value: object, kind: str) -> None:
    assert kind in ignored(value).reason


def test_an_object_of_no_known_form_is_ignored() -> None:
    assert "none of the forms" in ignored({"hello": "world"}).reason
