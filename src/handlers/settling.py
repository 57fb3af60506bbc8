"""After the decision: first it is written down, then people are told and the work is handed on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from diagnosis import report
from diagnosis.decision import decide
from diagnosis.document import Document
from diagnosis.evidence import Missing
from diagnosis.stages import next_stage
from handlers.by_hand import with_steps_by_hand
from handlers.diagnosing import TABLE_ERRORS, Diagnosis, reason, written
from handlers.telemetry import logger
from handlers.wiring import Deadline, Wiring
from notification.message import Message, Sent
from notification.send import composed, send
from notification.update_messages import Progress, Step, rollback_progress
from remediation.queues import LOOK_AGAIN, FollowUp
from remediation.records import RollbackAction
from remediation.table import ConditionFailedError

Write = Callable[[Document], Message]


class NobodyToldError(Exception):
    """No channel took the message; the event must come again."""


def settle(
    diagnosis: Diagnosis, write: Write, wiring: Wiring, deadline: Deadline, *, again: bool
) -> Document:
    """Write down, tell people, hand on; `again` is whether to have the incident looked at again.

    Raises `NobodyToldError` where no channel took the message; then nothing is rolled back either.
    """
    diagnosis, plan = recorded(diagnosis, wiring)
    document = diagnosis.document()
    with ThreadPoolExecutor(1, thread_name_prefix="looking-again") as threads:
        asking = threads.submit(_ask_to_look_again, diagnosis, wiring) if again else None
        notified = tell(document, write, wiring, deadline, _thread(diagnosis))
    document = report.with_notified(document, [each.section() for each in notified])
    if not any(each.ok for each in notified):
        _withdraw(document, plan, wiring)
        raise NobodyToldError("; ".join(f"{each.channel}: {each.detail}" for each in notified))
    # Only now: the time for a veto begins when people have been told, and nothing is asked for before.
    if plan and diagnosis.decision.outcome == "requested":
        document = _requested(document, diagnosis, plan, wiring, deadline)
    _keep(diagnosis, document, notified, wiring)
    if asking:
        keep_evidence(diagnosis, wiring)  # only now that people have been told: it takes some time
        if asking.exception():
            logger.error("asking to look again failed unexpectedly", exc_info=asking.exception())
    return document


def recorded(diagnosis: Diagnosis, wiring: Wiring) -> tuple[Diagnosis, RollbackAction | None]:
    """The diagnosis as it can be kept: with no rollback if the ledger has one or is out of reach."""
    plan = diagnosis.plan(wiring.now())
    if isinstance(diagnosis.memory.action, Missing):
        return diagnosis, None
    try:
        if wiring.incidents().record(diagnosis.memory.incident_id, stored(diagnosis), plan):
            return diagnosis, plan
        standing: str | Missing = "planned by another alarm of this incident"
    except TABLE_ERRORS as error:
        logger.warning("the incident could not be kept", exc_info=error)
        standing = Missing(f"dynamodb: {reason(error)}")
    return (_decided_again(diagnosis, standing) if plan else diagnosis), None


def _decided_again(diagnosis: Diagnosis, incident_action: str | Missing) -> Diagnosis:
    history = replace(diagnosis.history, incident_action=incident_action)
    decision = decide(diagnosis.verdict, diagnosis.evidence, history, diagnosis.settings)
    return replace(diagnosis, history=history, decision=decision)


def stored(diagnosis: Diagnosis) -> Document:
    """The document to keep: where the incident has its rollback, that of an earlier alarm stays in it."""
    document, earlier = diagnosis.document(), diagnosis.memory.earlier_document
    return _with_standing_rollback(document, diagnosis, earlier)


def _with_standing_rollback(document: Document, diagnosis: Diagnosis, earlier: Document | None) -> Document:
    if isinstance(diagnosis.memory.action, RollbackAction) and earlier and "rollback" in earlier:
        return {**document, "rollback": earlier["rollback"]}
    return document


def tell(
    document: Document, write: Write, wiring: Wiring, deadline: Deadline, thread: str | None = None
) -> tuple[Sent, ...]:
    """What each channel answered."""
    message = composed(lambda: write(document), document)
    sent = send(message, wiring.mouths(deadline.left), thread)
    for each in sent:
        if not each.ok:
            logger.error("a channel did not take the message", channel=each.channel, detail=each.detail)
    return sent


def _thread(diagnosis: Diagnosis) -> str | None:
    earlier = diagnosis.memory.earlier
    return earlier.thread if earlier else None


def _requested(
    document: Document, diagnosis: Diagnosis, plan: RollbackAction, wiring: Wiring, deadline: Deadline
) -> Document:
    try:
        wiring.queues().request_rollback(plan, diagnosis.settings.veto_seconds)
    except TABLE_ERRORS as error:
        detail = f"The rollback could not be handed on: {reason(error)}."
        return _not_handed_on(document, plan, detail, wiring, deadline)
    return document


def _ask_to_look_again(diagnosis: Diagnosis, wiring: Wiring) -> None:
    """Once an incident; its further alarms are looked at again together with the first."""
    subject, incident_id, now = diagnosis.subject, diagnosis.memory.incident_id, wiring.now()
    stage = next_stage(subject.alarm.time, now)
    if stage is None:
        return
    due = subject.alarm.time + stage.after
    if not _is_first_to_ask(incident_id, due, wiring):
        return
    message = FollowUp(incident_id, LOOK_AGAIN, stage.number, written(subject))
    try:
        wiring.queues().follow_up(message, seconds_until(due, now))
    except TABLE_ERRORS as error:
        logger.error("nobody will look again", exc_info=error)
        _let_others_ask(incident_id, wiring)


def _let_others_ask(incident_id: str, wiring: Wiring) -> None:
    try:
        wiring.incidents().release_looks(incident_id)
    except (*TABLE_ERRORS, ConditionFailedError) as error:
        logger.warning("no further alarm will ask to look again", exc_info=error)


def _is_first_to_ask(incident_id: str, due: datetime, wiring: Wiring) -> bool:
    """Where the table cannot say, a look too many is better than none."""
    try:
        return wiring.incidents().claim_looks(incident_id, due)
    except TABLE_ERRORS as error:
        logger.warning("whether somebody looks again already is not known", exc_info=error)
        return True


def seconds_until(due: datetime, now: datetime) -> int:
    """Whole seconds, none if it is due already."""
    return max(0, round((due - now).total_seconds()))


def keep_evidence(diagnosis: Diagnosis, wiring: Wiring) -> None:
    """Keep the evidence for the next look, which reads everything anew where there is none."""
    incident_id = diagnosis.memory.incident_id
    try:
        if not wiring.kept_evidence().put(incident_id, diagnosis.evidence):
            logger.info("the evidence was not kept: too much, or older", incident_id=incident_id)
    except TABLE_ERRORS as error:
        logger.warning("the evidence could not be kept", exc_info=error)
    except (TypeError, ValueError) as error:  # people have been told; our own fault must not undo that
        logger.error("the evidence could not be written down", exc_info=error)


def _withdraw(document: Document, plan: RollbackAction | None, wiring: Wiring) -> None:
    """Nobody knows of the plan: it is as if there were none, until the event comes again."""
    if plan is None:
        return
    detail = "Nobody could be told, so nobody could have stopped it."
    try:
        if wiring.ledger().withdraw(plan.incident_id, detail):
            kept: Document = {**report.with_rollback(document, "refused"), "reason": detail}
            wiring.incidents().record(plan.incident_id, kept)
    except TABLE_ERRORS as error:
        logger.error("the planned rollback could not be withdrawn", exc_info=error)


def _not_handed_on(
    document: Document, plan: RollbackAction, detail: str, wiring: Wiring, deadline: Deadline
) -> Document:
    """The message promised a rollback that will not come: say so."""
    try:
        wiring.ledger().refuse(plan, detail)
    except TABLE_ERRORS as error:
        logger.error("the planned rollback could not be refused", exc_info=error)
    document = {**report.with_rollback(with_steps_by_hand(document, plan), "refused"), "reason": detail}
    progress = Progress(Step.NOT_MADE, wiring.now(), detail=detail)
    tell(document, lambda changed: rollback_progress(changed, progress), wiring, deadline)
    return document


def _keep(diagnosis: Diagnosis, document: Document, notified: Sequence[Sent], wiring: Wiring) -> None:
    """Keep who was told, and where Slack's thread is, for the messages to come."""
    if isinstance(diagnosis.memory.action, Missing):
        return
    incident_id = diagnosis.memory.incident_id
    kept = _with_standing_rollback(document, diagnosis, diagnosis.memory.earlier_document)
    thread = next((each.thread for each in notified if each.thread), None)
    try:
        wiring.incidents().record(incident_id, kept)
        if thread and not _thread(diagnosis):
            wiring.incidents().keep_thread(incident_id, thread)
    except TABLE_ERRORS as error:
        logger.warning("who was told could not be kept", exc_info=error)
