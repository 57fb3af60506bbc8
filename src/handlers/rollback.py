"""RollbackFunction: checks once more, rolls back, and tells people what came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from handlers.deliveries import each_delivery
from handlers.progress import step
from handlers.telemetry import logger
from handlers.wiring import Deadline, Wiring, live
from notification.update_messages import Progress, Step
from remediation.codedeploy import Hand, Outcome
from remediation.queues import WATCH_ROLLBACK, FollowUp, RollbackRequest, read_rollback_request
from remediation.records import ActionStatus, RollbackAction

WATCH_AFTER_SECONDS = 120
STEPS = {"started": Step.STARTED, "refused": Step.REFUSED, "vetoed": Step.VETOED}


def handler(event: Any, context: Any) -> dict[str, Any]:
    """What Lambda calls for the rollback queue."""
    wiring = live()
    return handle(event, wiring, Deadline(context, wiring.seconds))


def handle(event: Any, wiring: Wiring, deadline: Deadline) -> dict[str, Any]:
    """Lambda's partial batch response."""
    return each_delivery(event, lambda body, name: _roll_back(body, name, wiring, deadline))


def _roll_back(body: str, delivery: str, wiring: Wiring, deadline: Deadline) -> None:
    request = read_rollback_request(body)
    now = wiring.now()
    outcome = _hand(request, wiring).roll_back(request.incident_id, request.deployment_id, delivery, now)
    logger.info("rollback", incident_id=request.incident_id, status=outcome.status, detail=outcome.detail)
    action = outcome.action
    if action is None:
        return
    # A delivery that comes again after the start may be the one whose watch was never asked for.
    if outcome.status == "started" or action.status == ActionStatus.STARTED:
        wiring.queues().follow_up(FollowUp(action.incident_id, WATCH_ROLLBACK), WATCH_AFTER_SECONDS)
    if outcome.status in STEPS:
        step(_named(action, outcome), _progress(action, outcome, wiring), wiring, deadline)


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
    vetoed = outcome.status == "vetoed"
    return Progress(
        STEPS[outcome.status],
        wiring.now(),
        by=action.requested_by if vetoed else "",
        detail="" if vetoed else outcome.detail,
    )
