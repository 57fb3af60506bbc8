"""After the decision: first it is written down, then people are told and the work is handed on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from diagnosis import report
from diagnosis.decision import decide
from diagnosis.document import Document
from diagnosis.evidence import Missing
from handlers.diagnosing import TABLE_ERRORS, Diagnosis, reason, written
from handlers.telemetry import logger
from handlers.wiring import Deadline, Wiring
from notification.message import Message, Sent
from notification.send import composed, send
from notification.update_messages import Progress, Step, rollback_progress
from remediation.queues import LOOK_AGAIN, FollowUp
from remediation.records import RollbackAction

# CloudTrail delivers about five minutes after the call (lambda-ops facts, section 4).
LOOK_AGAIN_AFTER = timedelta(minutes=6)

Write = Callable[[Document], Message]


class NobodyToldError(Exception):
    """No channel took the message; the event must come again."""


def settle(
    diagnosis: Diagnosis, write: Write, wiring: Wiring, deadline: Deadline, *, again: bool
) -> Document:
    """Write down, tell people, hand on; `again` is whether to look again if CloudTrail was blind.

    Raises `NobodyToldError` where no channel took the message; then nothing is rolled back either.
    """
    diagnosis, plan = recorded(diagnosis, wiring)
    document = diagnosis.document()
    with ThreadPoolExecutor(1, thread_name_prefix="handing-on") as threads:
        handed_on = threads.submit(_hand_on, diagnosis, plan, wiring, again=again)
        notified = tell(document, write, wiring, deadline, _thread(diagnosis))
        refused = handed_on.result()
    document = report.with_notified(document, [each.section() for each in notified])
    if not any(each.ok for each in notified):
        _withdraw(plan, "Nobody could be told, so nobody could have stopped it.", wiring)
        raise NobodyToldError("; ".join(f"{each.channel}: {each.detail}" for each in notified))
    if refused and plan:
        document = _not_handed_on(document, plan, refused, wiring, deadline)
    _keep(diagnosis, document, notified, wiring)
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


def _hand_on(diagnosis: Diagnosis, plan: RollbackAction | None, wiring: Wiring, *, again: bool) -> str | None:
    """Ask for the rollback and for another look; a sentence if the rollback could not be asked for."""
    refused = None
    if plan and diagnosis.decision.outcome == "requested":
        try:
            wiring.queues().request_rollback(plan, diagnosis.settings.veto_seconds)
        except TABLE_ERRORS as error:
            refused = f"The rollback could not be handed on: {reason(error)}."
    if again and diagnosis.verdict.trigger.blind:
        _ask_to_look_again(diagnosis, wiring)
    return refused


def _ask_to_look_again(diagnosis: Diagnosis, wiring: Wiring) -> None:
    subject = diagnosis.subject
    due = subject.alarm.time + LOOK_AGAIN_AFTER
    message = FollowUp(diagnosis.memory.incident_id, LOOK_AGAIN, 1, written(subject))
    try:
        wiring.queues().follow_up(message, _seconds_until(due, wiring.now()))
    except TABLE_ERRORS as error:
        logger.error("nobody will look again", exc_info=error)


def _seconds_until(due: datetime, now: datetime) -> int:
    return max(0, round((due - now).total_seconds()))


def _withdraw(plan: RollbackAction | None, detail: str, wiring: Wiring) -> None:
    if plan is None:
        return
    try:
        wiring.ledger().refuse(plan, detail)
    except TABLE_ERRORS as error:
        logger.error("the planned rollback could not be withdrawn", exc_info=error)


def _not_handed_on(
    document: Document, plan: RollbackAction, detail: str, wiring: Wiring, deadline: Deadline
) -> Document:
    """The message promised a rollback that will not come: say so."""
    _withdraw(plan, detail, wiring)
    document = {**report.with_rollback(document, "refused"), "reason": detail}
    progress = Progress(Step.REFUSED, wiring.now(), detail=detail)
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
