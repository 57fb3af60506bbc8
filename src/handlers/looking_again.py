"""An incident looked at again when late evidence has landed, at the stages of `diagnosis.stages`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from collectors.later import later_readings
from diagnosis.document import Document
from diagnosis.evidence import Evidence, Metrics
from diagnosis.stages import Stage, next_stage, reads_newest_minutes, stage_of
from handlers.diagnosing import TABLE_ERRORS, Diagnosis, Memory, Subject, diagnosed, read_subject, standing
from handlers.early import Again, reading
from handlers.settling import keep_evidence, seconds_until, settle
from handlers.telemetry import count_document, logger
from handlers.wiring import Deadline, Wiring
from notification.second_look import looked_again
from remediation.queues import FollowUp, UnreadableMessageError
from remediation.records import MAY_APPROVE, ActionStatus, Incident, RollbackAction

# A rollback that these words stand for has begun: what the newest minutes tell is its doing.
BEGUN = frozenset(
    {ActionStatus.ACTING, ActionStatus.STARTED, ActionStatus.RECOVERED, ActionStatus.DID_NOT_HELP}
)
OVERTURNED = "Late evidence has overturned it."
# Decisions by which something would be changed, or a person be asked to; they rest on nothing old.
ACTS = frozenset({"requested", "awaiting_approval"})


def look_again(message: FollowUp, message_id: str, wiring: Wiring, deadline: Deadline) -> None:
    """One look; people hear of it only if it changes what they were told.

    The next one is asked for first, so that a look that breaks takes none with it.
    """
    subject, stage = _asked(message)
    incident = wiring.incidents().get(message.incident_id)
    if incident is None or incident.state != "open":
        return
    if not wiring.incidents().begin_look(message.incident_id, stage.number, message_id):
        return
    _ask_for_the_next(message, stage, subject.alarm.time, wiring)
    _look(subject, stage, incident, wiring, deadline)
    wiring.incidents().end_look(message.incident_id, stage.number)


def _asked(message: FollowUp) -> tuple[Subject, Stage]:
    stage = stage_of(message.attempt)
    if stage is None:
        raise UnreadableMessageError(f"there is no stage {message.attempt}")
    try:
        return read_subject(message.subject or {}), stage
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableMessageError(f"what to look at cannot be read: {error}") from error


def _ask_for_the_next(message: FollowUp, stage: Stage, alarm: datetime, wiring: Wiring) -> None:
    now = wiring.now()
    following = next_stage(alarm, now, stage.number)
    if following:
        again = FollowUp(message.incident_id, message.kind, following.number, message.subject)
        wiring.queues().follow_up(again, seconds_until(alarm + following.after, now))


def _look(subject: Subject, stage: Stage, incident: Incident, wiring: Wiring, deadline: Deadline) -> None:
    action = standing(wiring.ledger().action(incident.incident_id))
    diagnosis = _judged_again(subject, stage, incident, action, wiring, deadline)
    keep_evidence(diagnosis, wiring)
    called_off = (
        action is not None and _is_pending(action, incident) and _calls_off(diagnosis, action, wiring)
    )
    if not called_off:
        diagnosis = replace(diagnosis, memory=replace(diagnosis.memory, action=action))
        if not _news(diagnosis):
            logger.info("looked again, nothing new", incident_id=incident.incident_id, stage=stage.number)
            return
    write = partial(looked_again, told=diagnosis.memory.earlier_document, called_off=called_off)
    count_document(settle(diagnosis, write, wiring, deadline, again=False))


def _judged_again(
    subject: Subject,
    stage: Stage,
    incident: Incident,
    action: RollbackAction | None,
    wiring: Wiring,
    deadline: Deadline,
) -> Diagnosis:
    """The judgement on what is known by now; a rollback that is only planned counts as none and must stand
    the guards once more. Before anything new is done, everything is read anew.
    """
    begun = None if action is None or _is_pending(action, incident) else action
    memory = Memory(incident.incident_id, False, incident, begun)
    known = _known(incident.incident_id, wiring)
    again = _again(subject, stage, known, begun) if known else None
    diagnosis = diagnosed(subject, reading(subject, wiring, deadline, again).gathered, wiring, memory)
    if again and action is None and diagnosis.decision.outcome in ACTS:
        diagnosis = diagnosed(subject, reading(subject, wiring, deadline).gathered, wiring, memory)
    return diagnosis


def _is_pending(action: RollbackAction, incident: Incident) -> bool:
    """Whether it is only planned; or was called off by a look that broke off before people were told."""
    said = (incident.document or {}).get("rollback") or {}
    untold = action.detail == OVERTURNED and said.get("decision") in ACTS
    return action.status in MAY_APPROVE or (action.status == ActionStatus.REFUSED and untold)


def _calls_off(diagnosis: Diagnosis, action: RollbackAction, wiring: Wiring) -> bool:
    """Whether the rollback that was announced is not right any more, and could still be taken back."""
    plan = diagnosis.decision.plan
    stands = diagnosis.decision.outcome in ACTS and plan and plan.deployment_id == action.deployment_id
    told = diagnosis.memory.earlier_document
    if stands or (told is not None and _sources(diagnosis.document()) - _sources(told)):
        return False
    if action.status == ActionStatus.REFUSED:
        return True
    return wiring.ledger().call_off(action.incident_id, OVERTURNED)


def _known(incident_id: str, wiring: Wiring) -> Evidence | None:
    """The evidence of the look before; without it everything is read anew."""
    try:
        return wiring.kept_evidence().get(incident_id)
    except TABLE_ERRORS as error:
        logger.warning("the evidence kept could not be read", exc_info=error)
        return None


def _again(subject: Subject, stage: Stage, known: Evidence, action: RollbackAction | None) -> Again:
    acted = action is not None and action.status in BEGUN
    readings = later_readings(subject.entry_point.kind, known, stage, acted=acted)
    keeps = isinstance(known.metrics, Metrics) and not reads_newest_minutes(stage, known, acted=acted)
    window = known.metrics.window if keeps and isinstance(known.metrics, Metrics) else None
    return Again(known, readings, window)


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
    """Cause and trigger; that nothing was found is no news for people who know that nothing is known."""
    cause, trigger = document.get("cause"), document.get("trigger")
    if trigger is None or trigger["kind"] in {"none_found", "unknown"}:
        named = ("", "")
    else:
        named = (trigger["kind"], trigger.get("id") or "")
    return (cause["code"] if cause else "", *named)


def _decision(document: Document) -> str:
    rollback = document.get("rollback")
    return rollback["decision"] if rollback else "none"
