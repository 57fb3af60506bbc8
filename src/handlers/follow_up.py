"""FollowUpFunction: watches a rollback until it is plain what came of it; looks again at late evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from handlers.deliveries import Delivery, each_delivery
from handlers.looking_again import look_again
from handlers.progress import step
from handlers.wiring import Deadline, Wiring, live
from notification import update_messages
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
        look_again(message, delivery.message_id, wiring, deadline)
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
