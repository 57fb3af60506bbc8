"""SlackFunction: approve, reject and veto from Slack's buttons, believed only with Slack's signature."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from handlers.diagnosing import TABLE_ERRORS
from handlers.telemetry import logger
from handlers.wiring import Wiring, live
from notification.slack_request import Interaction, Refused, read
from notification.slack_secret import SlackSecret
from remediation.records import ActionStatus, RollbackAction

TOO_LATE = {
    ActionStatus.APPROVED: "It was approved already.",
    ActionStatus.VETOED: "It was stopped already.",
    ActionStatus.ACTING: "It has begun already.",
    ActionStatus.STARTED: "It was started already.",
    ActionStatus.REFUSED: "It was refused, or could not be made.",
    ActionStatus.WITHDRAWN: "It was withdrawn, since nobody could be told of it.",
    ActionStatus.RECOVERED: "It was made, and the service has recovered.",
    ActionStatus.DID_NOT_HELP: "It was made, and did not help.",
}


def handler(event: Any, _context: Any) -> dict[str, Any]:
    """What Lambda calls for the Function URL."""
    return handle(event, live())


def handle(event: Mapping[str, Any], wiring: Wiring) -> dict[str, Any]:
    """The HTTP answer; Slack waits three seconds for it."""
    secret = wiring.slack_secret()
    if not isinstance(secret, SlackSecret) or not secret.signing_secret:
        return _answer(
            503, "No signature can be verified: the Slack secret has no signing_secret or is out of reach."
        )
    request = read(
        event.get("headers") or {},
        event.get("body") or "",
        is_base64=bool(event.get("isBase64Encoded")),
        signing_secret=secret.signing_secret,
        now=wiring.now(),
    )
    if isinstance(request, Refused):
        return _told(request.status, request.reason, request.response_url)
    try:
        said = _pressed(request, wiring)
    except TABLE_ERRORS as error:
        logger.error("a pressed button could not be acted on", exc_info=error)
        said = "That could not be done: the table or the queue is out of reach. Please press once more."
    return _told(200, said, request.response_url)


def _pressed(pressed: Interaction, wiring: Wiring) -> str:
    action = wiring.ledger().action(pressed.incident_id)
    if action is None or pressed.deployment_id not in (None, action.deployment_id):
        return f"No such rollback is planned in incident {pressed.incident_id}."
    if pressed.action == "approve":
        return _approve(action, pressed, wiring)
    return _stop(action, pressed, wiring)


def _approve(action: RollbackAction, pressed: Interaction, wiring: Wiring) -> str:
    """Approve and hand on. An approval whose message was lost is handed on again: the hand acts only once."""
    approved = wiring.ledger().approve(action.incident_id, pressed.user_name, wiring.now())
    if approved is None:
        current = wiring.ledger().action(action.incident_id)
        if current is None or current.status != ActionStatus.APPROVED:
            return _too_late(current)
        approved = current
    wiring.queues().request_rollback(approved)
    goal, person = approved.to_revision_label, approved.requested_by
    return f"Rollback to {goal} approved by {person}; it is checked once more."


def _stop(action: RollbackAction, pressed: Interaction, wiring: Wiring) -> str:
    rejected = pressed.action == "reject"
    stopped = wiring.ledger().veto(action.incident_id, pressed.user_name, wiring.now(), rejected=rejected)
    if stopped is None:
        return _too_late(wiring.ledger().action(action.incident_id))
    if action.status == ActionStatus.AWAITING_APPROVAL:
        # Nothing is in the queue yet: the rollback function tells the other channels.
        wiring.queues().request_rollback(stopped)
    word = "rejected" if rejected else "vetoed"
    return f"Rollback to {stopped.to_revision_label} {word} by {pressed.user_name}. Nothing is rolled back."


def _too_late(action: RollbackAction | None) -> str:
    known = TOO_LATE.get(ActionStatus(action.status)) if action else None
    return f"Too late. {known or 'The time for it is over.'}"


def _told(status: int, text: str, response_url: str | None) -> dict[str, Any]:
    """Slack shows the answer to a button only if it is sent to the address that came with it."""
    if response_url:
        from notification.slack_client import reply

        sent = reply(response_url, text, lambda: 2.0)
        if not sent.ok:
            logger.warning("Slack did not take the answer to a button", detail=sent.detail)
    return _answer(status, text)


def _answer(status: int, text: str) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"response_type": "ephemeral", "text": text}),
    }
