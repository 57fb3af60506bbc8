"""FollowUpFunction: watches a rollback until it is plain what came of it; looks again at late evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from diagnosis.document import Document
from handlers.deliveries import Delivery, each_delivery
from handlers.diagnosing import Diagnosis, Memory, diagnosed, read_subject, standing
from handlers.early import reading
from handlers.progress import step
from handlers.settling import settle
from handlers.telemetry import count_document, logger
from handlers.wiring import Deadline, Wiring, live
from notification import diagnosis_message, update_messages
from notification.message import Message
from notification.update_messages import Step
from remediation.deployments import read_deployments
from remediation.live_errors import read_minutes
from remediation.queues import LOOK_AGAIN, WATCH_ROLLBACK, FollowUp, UnreadableMessageError, read_follow_up
from remediation.records import ActionStatus, RollbackAction
from remediation.watch import Finding, Progress, judge

LOOK_EVERY_SECONDS = 60
# In place one after another takes hours (codedeploy facts, section 4): after half an hour look less often.
PATIENT_FROM, PATIENT_SECONDS, MOST_LOOKS = 30, 300, 90
ENDS = {
    Progress.RECOVERED: (ActionStatus.RECOVERED, Step.RECOVERED),
    Progress.DID_NOT_HELP: (ActionStatus.DID_NOT_HELP, Step.DID_NOT_HELP),
    Progress.DEPLOYMENT_FAILED: (ActionStatus.DID_NOT_HELP, Step.DEPLOYMENT_FAILED),
}


def handler(event: Any, context: Any) -> dict[str, Any]:
    """What Lambda calls for the follow-up queue."""
    wiring = live()
    return handle(event, wiring, Deadline(context, wiring.seconds))


def handle(event: Any, wiring: Wiring, deadline: Deadline) -> dict[str, Any]:
    """Lambda's partial batch response."""
    return each_delivery(event, lambda delivery: _follow_up(delivery, wiring, deadline))


def _follow_up(delivery: Delivery, wiring: Wiring, deadline: Deadline) -> None:
    message = read_follow_up(delivery.body)
    if message.kind == WATCH_ROLLBACK:
        _watch(message, delivery.message_id, wiring, deadline)
    elif message.kind == LOOK_AGAIN:
        _look_again(message, wiring, deadline)
    else:
        raise UnreadableMessageError(f"nobody knows how to {message.kind}")


# A rollback, until it is plain what came of it


def _watch(message: FollowUp, message_id: str, wiring: Wiring, deadline: Deadline) -> None:
    action = wiring.ledger().watch(message.incident_id, message.attempt, message_id)
    if action is None:
        return
    action, finding = _look(action, wiring)
    if finding.progress is Progress.UNDER_WAY and message.attempt < MOST_LOOKS:
        _look_later(message, wiring)
        return
    ended = finding if finding.progress in ENDS else _given_up(finding)
    status, told = ENDS[ended.progress]
    if wiring.ledger().follow(action.incident_id, status, ended.detail):
        now = wiring.now()
        since = now.timestamp() - action.started_at
        progress = update_messages.Progress(told, now, detail=ended.detail, seconds=since)
        step(action, progress, wiring, deadline)


def _look(action: RollbackAction, wiring: Wiring) -> tuple[RollbackAction, Finding]:
    codedeploy = wiring.client("codedeploy", action.region)
    if not action.rollback_deployment_id:
        action = _named(action, codedeploy, wiring)
    known = action.rollback_deployment_id
    rollback = read_deployments(codedeploy, [known])[known] if known else None
    cloudwatch, now = wiring.client("cloudwatch", action.region), wiring.now()
    minutes = read_minutes(cloudwatch, action.load_balancer, action.error_family, now)
    return action, judge(action, rollback, minutes, now)


def _named(action: RollbackAction, codedeploy: Any, wiring: Wiring) -> RollbackAction:
    """After a stop CodeDeploy makes the rollback by itself, and says its id when it has."""
    stopped = read_deployments(codedeploy, [action.deployment_id])[action.deployment_id]
    made = (stopped.get("rollbackInfo") or {}).get("rollbackDeploymentId")
    if not made:
        return action
    wiring.ledger().name_rollback(action.incident_id, made)
    return replace(action, rollback_deployment_id=made)


def _look_later(message: FollowUp, wiring: Wiring) -> None:
    delay = LOOK_EVERY_SECONDS if message.attempt < PATIENT_FROM else PATIENT_SECONDS
    wiring.queues().follow_up(replace(message, attempt=message.attempt + 1), delay)


def _given_up(finding: Finding) -> Finding:
    return Finding(
        Progress.DID_NOT_HELP, f"It was watched for hours and is watched no longer. {finding.detail}"
    )


# An incident, when late evidence has landed


def _look_again(message: FollowUp, wiring: Wiring, deadline: Deadline) -> None:
    """Diagnose once more; people hear of it only if it changes what they were told."""
    try:
        subject = read_subject(message.subject or {})
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableMessageError(f"what to look at cannot be read: {error}") from error
    incident = wiring.incidents().get(message.incident_id)
    if incident is None or incident.state != "open":
        return
    action = standing(wiring.ledger().action(message.incident_id))
    memory = Memory(message.incident_id, False, incident, action)
    diagnosis = diagnosed(subject, reading(subject, wiring, deadline).gathered, wiring, memory)
    if not _news(diagnosis):
        logger.info("looked again, nothing new", incident_id=message.incident_id)
        return
    count_document(settle(diagnosis, _message, wiring, deadline, again=False))


def _news(diagnosis: Diagnosis) -> bool:
    """Whether cause, trigger or, while nothing was planned, the decision differ from what was told."""
    told, now = diagnosis.memory.earlier_document, diagnosis.document()
    if told is None or _told_nobody(told):
        return True
    if _sources(now) - _sources(told):
        return False  # this look saw less than the first, so it is no better
    if _judgement(told) != _judgement(now):
        return True
    return diagnosis.memory.action is None and _decision(told) != _decision(now)


def _told_nobody(document: Document) -> bool:
    """What is kept before anybody is told has no channels; where none took it, it must be told again."""
    return not any(each["ok"] for each in document.get("notified", []))


def _sources(document: Document) -> set[str]:
    """What could not be read."""
    return {each["source"] for each in document.get("missing", [])}


def _judgement(document: Document) -> tuple[str, str, str]:
    cause, trigger = document.get("cause"), document.get("trigger")
    named = (trigger["kind"], trigger.get("id") or "") if trigger else ("", "")
    return (cause["code"] if cause else "", *named)


def _decision(document: Document) -> str:
    rollback = document.get("rollback")
    return rollback["decision"] if rollback else "none"


def _message(document: Document) -> Message:
    whole = diagnosis_message.diagnosed(document)
    news = "Looked again, now that late evidence has landed: this replaces what was said before."
    return replace(whole, glance=((news,), *whole.glance))
