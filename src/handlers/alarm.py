"""AlarmFunction: from the event of an alarm to a diagnosis that people have been told."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLongError
from typing import Any

from diagnosis import report
from diagnosis.document import Document
from diagnosis.evidence import Missing
from diagnosis.incident import (
    Alarm,
    AlarmState,
    EntryPoint,
    Ignored,
    MetricReference,
    entry_point,
    event_identity,
    ignored_reason,
    parse_event,
)
from handlers.diagnosing import TABLE_ERRORS, Diagnosis, Subject, diagnosed
from handlers.early import TOLD_WITHIN_SECONDS, EarlyReading, reading
from handlers.once import UnderWayError, once
from handlers.settling import NobodyToldError, settle, tell
from handlers.telemetry import count_document, logger
from handlers.wiring import Deadline, Wiring, live
from notification import diagnosis_message, update_messages
from notification.message import Message
from remediation.records import Incident


def handler(event: Any, context: Any) -> Document:
    """What Lambda calls: one diagnosis document (contract, diagnosis.schema.json)."""
    wiring = live()
    return handle(event, context, wiring, Deadline(context, wiring.seconds))


def handle(event: Any, context: Any, wiring: Wiring, deadline: Deadline) -> Document:
    """The document of the event; only SNS can deliver several alarms at once, then that of the first."""
    alarms = parse_event(event)
    if isinstance(alarms, Ignored):
        return _counted(report.ignored(alarms))
    documents = [_counted(_one(alarm, event, context, wiring, deadline)) for alarm in alarms]
    return documents[0]


def _one(alarm: Alarm, event: Any, context: Any, wiring: Wiring, deadline: Deadline) -> Document:
    not_for_us = ignored_reason(alarm, wiring.settings().alarm_name_prefix)
    if not_for_us:
        return report.ignored(alarm.ignored(not_for_us))
    found = entry_point(alarm, alarm.metrics) if alarm.metrics else None
    if isinstance(found, Ignored):
        return report.ignored(found)
    early = _early(alarm, found, wiring, deadline)
    try:
        return once(
            event_identity(alarm), lambda: _new(alarm, early, event, wiring, deadline), wiring, context
        )
    except UnderWayError:
        return report.duplicate(report.failed(None, alarm, ""))
    finally:
        if early:
            early.call_off(deadline)


def _early(alarm: Alarm, about: EntryPoint | None, wiring: Wiring, deadline: Deadline) -> EarlyReading | None:
    """Reading begins while the table is still asked whether the event is a new one."""
    if about is None or alarm.state is not AlarmState.ALARM:
        return None
    return reading(_subject(alarm, about, alarm.metrics), wiring, deadline)


def _new(
    alarm: Alarm, early: EarlyReading | None, event: Any, wiring: Wiring, deadline: Deadline
) -> Document:
    """An event that was not handled before. Whatever breaks, the raw alarm still goes out, in time."""
    threads = ThreadPoolExecutor(1, thread_name_prefix="diagnosis")
    diagnosing = threads.submit(_judged, alarm, early, wiring, deadline)
    threads.shutdown(wait=False)
    try:
        judged = diagnosing.result(max(0.0, deadline.left() - TOLD_WITHIN_SECONDS))
        if isinstance(judged, Diagnosis):
            return settle(judged, _message(judged), wiring, deadline, again=True)
        if isinstance(judged, Ignored):
            return report.ignored(judged)
        return _resolved(alarm, judged, wiring, deadline)
    except NobodyToldError:
        raise  # so that Lambda tries again, and keeps the event in the end
    except TookTooLongError:
        return _failed(alarm, event, "The diagnosis took too long.", wiring, deadline)
    except _NoEntryPointError as error:
        return _failed(alarm, event, str(error), wiring, deadline)
    except Exception as error:  # noqa: BLE001 - the edge where an alert must survive our own faults
        logger.exception("the diagnosis failed")
        return _failed(alarm, event, f"Unexpected error: {type(error).__name__}.", wiring, deadline)


class _NoEntryPointError(Exception):
    """What the alarm is about could not be found out; the message is a sentence."""


def _judged(
    alarm: Alarm, early: EarlyReading | None, wiring: Wiring, deadline: Deadline
) -> Diagnosis | Ignored | EntryPoint:
    """The diagnosis; for an alarm that is OK again, the entry point that it was about."""
    metrics = _metrics(alarm, wiring)
    about = entry_point(alarm, metrics)
    if isinstance(about, Ignored) or alarm.state is AlarmState.OK:
        return about
    subject = _subject(alarm, about, metrics)
    under_way = early or reading(subject, wiring, deadline)
    return diagnosed(subject, under_way.gathered, wiring)


def _subject(alarm: Alarm, about: EntryPoint, metrics: Sequence[MetricReference]) -> Subject:
    return Subject(alarm, about, tuple(each.name for each in metrics))


def _metrics(alarm: Alarm, wiring: Wiring) -> tuple[MetricReference, ...]:
    if alarm.metrics:
        return alarm.metrics
    from collectors.alarms import resolve_metrics

    resolved = resolve_metrics(wiring.client("cloudwatch", alarm.region), alarm)
    if isinstance(resolved, Missing):
        raise _NoEntryPointError(resolved.reason)
    return resolved


def _message(diagnosis: Diagnosis) -> Any:
    """The whole message for the first alarm of an incident or a new rollback, else the short one."""
    asked = diagnosis.decision.outcome in {"requested", "awaiting_approval"}
    if diagnosis.memory.is_new or asked:
        return diagnosis_message.diagnosed
    earlier = diagnosis.memory.earlier_document
    return lambda document: update_messages.further_alarm(document, earlier)


def _resolved(alarm: Alarm, about: EntryPoint, wiring: Wiring, deadline: Deadline) -> Document:
    """The alarm is OK again; people are told when no alarm of the incident is left."""
    incident, known = _closed(alarm, about, wiring)
    document = report.resolved(incident.incident_id if incident else "", alarm, _said(incident))
    if incident is None:
        document = {**document, "incident_id": None}
    over = incident.state == "closed" if incident else not known and alarm.previous_state is AlarmState.ALARM
    if not over:
        return document
    thread = incident.thread if incident else None
    notified = tell(document, update_messages.resolved, wiring, deadline, thread)
    return report.with_notified(document, [each.section() for each in notified])


def _closed(alarm: Alarm, about: EntryPoint, wiring: Wiring) -> tuple[Incident | None, bool]:
    """The incident after this alarm's end, and whether the table could say."""
    try:
        return wiring.incidents().resolve_alarm(about.id, alarm.name), True
    except TABLE_ERRORS as error:
        logger.warning("the table of incidents cannot be reached", exc_info=error)
        return None, False


def _said(incident: Incident | None) -> Document | None:
    return incident.document if incident else None  # type: ignore[return-value]


def _failed(alarm: Alarm, event: Any, why: str, wiring: Wiring, deadline: Deadline) -> Document:
    document = report.failed(None, alarm, why)

    def raw(changed: Document) -> Message:
        return update_messages.failed(changed, event)

    notified = tell(document, raw, wiring, deadline)
    if not any(each.ok for each in notified):
        raise NobodyToldError(why)
    return report.with_notified(document, [each.section() for each in notified])


def _counted(document: Document) -> Document:
    if document["outcome"] in {"ignored", "duplicate"}:
        # Nobody sees what an asynchronous call returns, so the reason is kept where people look for it.
        logger.info(document.get("reason", ""), outcome=document["outcome"], alarm=document["alarm"])
    count_document(document)
    return document
