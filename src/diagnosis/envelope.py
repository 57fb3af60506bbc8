"""From an event in any envelope to the alarms it reports.

Read are the EventBridge events `CloudWatch Alarm State Change` (of metric, metric-math, anomaly-detection
and composite alarms) and `CloudWatch Alarm Contributor State Change`, the direct Lambda action of an alarm,
and an alarm published to SNS. The names of fields are those of the CloudWatch user guide, "Alarm events and
EventBridge".

The signature of an SNS message is not verified: Lambda is invoked by SNS under IAM, so the message cannot
come from elsewhere, unlike one that arrives at a public URL.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from diagnosis.alarm import Alarm, AlarmState, Ignored, MetricReference
from diagnosis.alarm_configuration import children_of_rule, read_dimensions, read_metrics, triggering_children
from diagnosis.arn import AlarmAddress, account_id, alarm_address, alarm_arn, region_code, region_of
from diagnosis.untrusted import decoded, first, mapping, moment, number, sequence, text

_STATE_CHANGES = ("CloudWatch Alarm State Change", "CloudWatch Alarm Contributor State Change")
_CONFIGURATION_CHANGE = "CloudWatch Alarm Configuration Change"


@dataclass(frozen=True, slots=True)
class _Report:
    """The parts of an alarm event under the names that EventBridge gives them, before anything is checked."""

    name: object
    arn: object
    account: object
    region: object
    time: object
    state: Mapping[str, Any]
    previous_state: Mapping[str, Any]
    configuration: Mapping[str, Any]
    muted: bool = False
    contributor: Mapping[str, Any] = field(default_factory=dict)
    event_id: object = None


def parse_event(event: object) -> tuple[Alarm, ...] | Ignored:
    """The alarms that an event reports, or why it is ignored. Never raises, whatever the event is.

    Only SNS can deliver several at once. Alarms of any state are returned: what to do about OK is for the
    caller.
    """
    body = mapping(event)
    if not body:
        return Ignored(f"The event is no alarm: it is {_described(event)}.")
    if "Records" in body:
        return _from_records(body["Records"])
    alarm = _from_body(body, {})
    return alarm if isinstance(alarm, Ignored) else (alarm,)


def _from_records(records: object) -> tuple[Alarm, ...] | Ignored:
    read = [_from_record(mapping(record)) for record in sequence(records)]
    alarms = tuple(item for item in read if isinstance(item, Alarm))
    if alarms:
        return alarms
    ignored = (item for item in read if isinstance(item, Ignored))
    return next(ignored, Ignored("The event holds no records."))


def _from_record(record: Mapping[str, Any]) -> Alarm | Ignored:
    notification = mapping(first(record, "Sns", "sns"))
    if not notification:
        source = text(first(record, "EventSource", "eventSource"), 80) or "an unknown source"
        return Ignored(f"The event's record comes from {source}, not from an SNS topic.")
    message = mapping(decoded(notification.get("Message")))
    if not message:
        return Ignored("The SNS message is no alarm: its text is not a JSON object.")
    return _from_body(message, notification)


def _from_body(body: Mapping[str, Any], notification: Mapping[str, Any]) -> Alarm | Ignored:
    if "detail-type" in body:
        return _from_event_bridge(body)
    if "alarmData" in body:
        return _from_lambda_action(body)
    if "NewStateValue" in body:
        return _alarm(_report_of_notification(body, notification))
    return Ignored("The event is no alarm: it has none of the forms in which CloudWatch reports one.")


def _from_event_bridge(event: Mapping[str, Any]) -> Alarm | Ignored:
    kind, source = text(event.get("detail-type"), 120), text(event.get("source"), 120)
    detail = mapping(event.get("detail"))
    resources = sequence(event.get("resources"))
    arn = next((item for item in resources if alarm_address(item)), None)
    report = _report_of_detail(detail, arn, event.get("account"), event.get("region"), event.get("time"))
    report = replace(report, event_id=event.get("id"))
    if source != "aws.cloudwatch":
        return _ignored(report, f"The event comes from {source or 'an unknown source'}, not from CloudWatch.")
    if kind == _CONFIGURATION_CHANGE:
        return _ignored(report, "The event says that the alarm's configuration changed, not its state.")
    if kind not in _STATE_CHANGES:
        return _ignored(report, f"The event's kind, {kind or 'missing'}, is not an alarm's change of state.")
    return _alarm(report)


def _from_lambda_action(event: Mapping[str, Any]) -> Alarm | Ignored:
    data = mapping(event.get("alarmData"))
    account, region = event.get("accountId"), event.get("region")
    return _alarm(_report_of_detail(data, event.get("alarmArn"), account, region, event.get("time")))


def _report_of_detail(
    detail: Mapping[str, Any], arn: object, account: object, region: object, time: object
) -> _Report:
    return _Report(
        name=detail.get("alarmName"),
        arn=arn,
        account=account,
        region=region,
        time=time,
        state=mapping(detail.get("state")),
        previous_state=mapping(detail.get("previousState")),
        configuration=mapping(detail.get("configuration")),
        muted=bool(mapping(detail.get("muteDetail"))),
        contributor=mapping(detail.get("alarmContributor")),
    )


def _report_of_notification(message: Mapping[str, Any], notification: Mapping[str, Any]) -> _Report:
    """An SNS message's fields, under the names of the other envelopes.

    Its `Region` is a display name such as `EU (Ireland)` and of no use. Where the alarm's ARN is missing,
    as in very old messages, the topic tells the region: an alarm can publish only to topics of its own
    region.
    """
    trigger = mapping(message.get("Trigger"))
    return _Report(
        name=message.get("AlarmName"),
        arn=message.get("AlarmArn"),
        account=message.get("AWSAccountId"),
        region=region_of(notification.get("TopicArn")),
        time=notification.get("Timestamp"),
        state={
            "value": message.get("NewStateValue"),
            "reason": message.get("NewStateReason"),
            "timestamp": message.get("StateChangeTime"),
            "reasonData": {
                "threshold": trigger.get("Threshold"),
                "triggeringAlarms": message.get("TriggeringChildren"),
            },
            "actionsSuppressedBy": message.get("ActionsSuppressedBy"),
        },
        previous_state={"value": message.get("OldStateValue")},
        configuration={**trigger, "alarmRule": message.get("AlarmRule")},
    )


def _alarm(report: _Report) -> Alarm | Ignored:
    """The alarm, if the report has at least its name, its state, its place and the time of the change."""
    address = _address(report)
    if address is None:
        return _ignored(report, "The event names no alarm: its name, account or region is missing.")
    state = _state(report.state)
    if state is None:
        return _ignored(report, f"The alarm {address.name} is in no known state.")
    time = _time(report)
    if time is None:
        return _ignored(report, f"The event does not say when the alarm {address.name} changed state.")
    return _described_alarm(report, address, state, time)


def _described_alarm(report: _Report, address: AlarmAddress, state: AlarmState, time: datetime) -> Alarm:
    reason_data = mapping(decoded(report.state.get("reasonData")))
    rule = text(report.configuration.get("alarmRule"), 10_240)
    return Alarm(
        name=address.name,
        arn=alarm_arn(address),
        state=state,
        account=address.account,
        region=address.region,
        time=time,
        reason=text(report.state.get("reason")) or "",
        metrics=_metrics(report),
        rule=rule,
        children=triggering_children(reason_data) or children_of_rule(rule),
        threshold=number(reason_data.get("threshold")),
        previous_state=_state(report.previous_state),
        suppressed_by=text(report.state.get("actionsSuppressedBy"), 80),
        muted=report.muted,
        event_id=text(report.event_id, 128),
        contributor=text(report.contributor.get("id"), 64),
    )


def _metrics(report: _Report) -> tuple[MetricReference, ...]:
    """The alarm's metrics; those of one contributor are of the dimensions that tell it from the others."""
    metrics = read_metrics(report.configuration)
    own = read_dimensions(report.contributor.get("attributes"))
    return tuple(replace(metric, dimensions={**metric.dimensions, **own}) for metric in metrics)


def _address(report: _Report) -> AlarmAddress | None:
    written = alarm_address(text(report.arn))
    name = text(report.name, 255) or (written.name if written else None)
    account = written.account if written else account_id(report.account)
    region = written.region if written else region_code(report.region)
    return AlarmAddress(account, region, name) if name and account and region else None


def _state(state: Mapping[str, Any]) -> AlarmState | None:
    value = text(state.get("value"), 32)
    return next((known for known in AlarmState if known.value == value), None)


def _time(report: _Report) -> datetime | None:
    return moment(report.state.get("timestamp")) or moment(report.time)


def _ignored(report: _Report, reason: str) -> Ignored:
    address = _address(report)
    return Ignored(
        reason,
        alarm_name=address.name if address else text(report.name, 255),
        alarm_arn=alarm_arn(address) if address else None,
        state=_state(report.state),
        account=address.account if address else account_id(report.account),
        region=address.region if address else region_code(report.region),
        time=_time(report),
        event_id=text(report.event_id, 128),
    )


def _described(value: object) -> str:
    """What kind of JSON value this is, without quoting any of it."""
    if isinstance(value, Mapping):
        return "an empty object"
    kinds = {list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return kinds.get(type(value), "nothing")
