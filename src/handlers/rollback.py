"""RollbackFunction: checks once more, rolls back, and tells people what came of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from handlers.deliveries import MAY_PASS, Delivery, each_delivery
from handlers.progress import step
from handlers.telemetry import logger
from handlers.wiring import Deadline, Wiring, live
from notification.update_messages import Progress, Step
from remediation.codedeploy import Hand, Outcome
from remediation.queues import WATCH_ROLLBACK, FollowUp, RollbackRequest, read_rollback_request
from remediation.records import ActionStatus, RollbackAction
from remediation.refusals import reason

WATCH_AFTER_SECONDS = 120
STEPS = {
    "started": Step.STARTED,
    "refused": Step.REFUSED,
    "not_made": Step.NOT_MADE,
    "uncertain": Step.UNCERTAIN,
    "vetoed": Step.VETOED,
    "rejected": Step.REJECTED,
}


def handler(event: Any, context: Any) -> dict[str, Any]:
    """What Lambda calls for the rollback queue."""
    wiring = live()
    return handle(event, wiring, Deadline(context, wiring.seconds))


def handle(event: Any, wiring: Wiring, deadline: Deadline) -> dict[str, Any]:
    """Lambda's partial batch response."""
    return each_delivery(event, lambda delivery: _roll_back(delivery, wiring, deadline))


def _roll_back(delivery: Delivery, wiring: Wiring, deadline: Deadline) -> None:
    request = read_rollback_request(delivery.body)
    hand, now = _hand(request, wiring), wiring.now()
    try:
        outcome = hand.roll_back(request.incident_id, request.deployment_id, delivery.name, now)
        _settle(request, outcome, wiring, deadline)
    except MAY_PASS as error:
        if not delivery.is_last:
            raise
        logger.warning("the last delivery failed", incident_id=request.incident_id, exc_info=error)
        given_up = hand.give_up(request.incident_id, request.deployment_id, delivery.name, reason(error), now)
        if not _settle(request, given_up, wiring, deadline):
            raise  # the dead-letter queue and its alarm are what is left


def _settle(request: RollbackRequest, outcome: Outcome, wiring: Wiring, deadline: Deadline) -> bool:
    """Tell people and have it watched; False if there was something to tell and nobody took it."""
    logger.info("rollback", incident_id=request.incident_id, status=outcome.status, detail=outcome.detail)
    action = outcome.action
    if action is None:
        return True
    nobody = False
    if outcome.status in STEPS:
        sent = step(_named(action, outcome), _progress(action, outcome, wiring), wiring, deadline)
        nobody = not any(each.ok for each in sent)
    # A delivery that comes again after the start may be the one whose watch was never asked for.
    if outcome.status == "started" or (action.status == ActionStatus.STARTED and not action.watch_attempt):
        wiring.queues().follow_up(FollowUp(action.incident_id, WATCH_ROLLBACK), WATCH_AFTER_SECONDS)
    return not nobody


def _hand(request: RollbackRequest, wiring: Wiring) -> Hand:
    region = request.region or None
    return Hand(
        codedeploy=wiring.client("codedeploy", region),
        cloudwatch=wiring.client("cloudwatch", region),
        ssm=wiring.client("ssm"),
        ledger=wiring.ledger(),
        kill_switch_parameter=wiring.kill_switch_parameter,
    )


def _named(action: RollbackAction, outcome: Outcome) -> RollbackAction:
    return replace(action, rollback_deployment_id=outcome.rollback_deployment_id or "")


def _progress(action: RollbackAction, outcome: Outcome, wiring: Wiring) -> Progress:
    """A veto has the time at which it was pressed, everything else the time at which it happens here."""
    if outcome.status not in {"vetoed", "rejected"}:
        return Progress(STEPS[outcome.status], wiring.now(), detail=outcome.detail)
    pressed = datetime.fromtimestamp(action.decided_at, UTC) if action.decided_at else wiring.now()
    return Progress(STEPS[outcome.status], pressed, by=action.requested_by)
