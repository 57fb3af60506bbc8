"""An alarm as CloudWatch reported it, whichever way the report came."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class AlarmState(StrEnum):
    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True)
class MetricReference:
    """A metric that an alarm watches.

    `period` is in seconds. `statistic` is spelt as the CloudWatch API spells it (`Sum`, `p99`). `account`
    is the account that owns the metric, None where it is the alarm's own.
    """

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str | None = None
    period: int | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that is not for us: one sentence why, and as much of the alarm as could be read."""

    reason: str
    alarm_name: str | None = None
    alarm_arn: str | None = None
    state: AlarmState | None = None
    account: str | None = None
    region: str | None = None
    time: datetime | None = None
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """One state change of one alarm.

    `time` is when the state changed (UTC). `children` are names or ARNs of other alarms: those that made a
    composite alarm change state or, where the event names none, those in its rule. `contributor` is the one
    time series of a Metrics Insights alarm that this event is about. `suppressed_by` and `muted` mean that
    somebody asked for silence.
    """

    name: str
    arn: str
    state: AlarmState
    account: str
    region: str
    time: datetime
    reason: str = ""
    metrics: tuple[MetricReference, ...] = ()
    rule: str | None = None
    children: tuple[str, ...] = ()
    threshold: float | None = None
    previous_state: AlarmState | None = None
    suppressed_by: str | None = None
    muted: bool = False
    event_id: str | None = None
    contributor: str | None = None

    def ignored(self, reason: str) -> Ignored:
        return Ignored(
            reason, self.name, self.arn, self.state, self.account, self.region, self.time, self.event_id
        )


def event_identity(alarm: Alarm) -> str:
    """The same for every report of one state change, through whichever envelope and however often it comes.

    The time counts in whole seconds, since envelopes disagree about milliseconds. Contributors of one alarm
    change state together, and the end of a suppression is reported as ALARM once more, so both are part of
    the identity.
    """
    moment = alarm.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    parts = [alarm.arn, alarm.state.value, moment]
    if alarm.contributor:
        parts.append(alarm.contributor)
    if alarm.suppressed_by:
        parts.append(f"suppressed by {alarm.suppressed_by}")
    return "|".join(parts)
