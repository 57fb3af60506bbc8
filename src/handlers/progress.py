"""A step of a rollback: written into the incident's document and told to people."""

from __future__ import annotations

from diagnosis import report
from diagnosis.document import Document
from handlers.by_hand import with_steps_by_hand
from handlers.diagnosing import TABLE_ERRORS
from handlers.settling import tell
from handlers.telemetry import count_rollback, logger
from handlers.wiring import Deadline, Wiring
from notification.message import Sent
from notification.update_messages import DECISIONS, Progress, Step, rollback_progress
from remediation.records import Incident, RollbackAction


def step(action: RollbackAction, progress: Progress, wiring: Wiring, deadline: Deadline) -> tuple[Sent, ...]:
    """Keep and tell a step; a table out of reach keeps nobody from being told. What each channel answered."""
    incident = _incident(action, wiring)
    decision = DECISIONS[progress.step]
    count_rollback(decision)
    before = incident.document if incident and incident.document else _unknown(action)
    document = report.with_rollback(before, decision, action.rollback_deployment_id or None)  # type: ignore[arg-type]
    if progress.step in {Step.NOT_MADE, Step.UNCERTAIN}:
        document = with_steps_by_hand(document, action, look_first=progress.step is Step.UNCERTAIN)
    if incident:
        _keep(action, document, wiring)
    thread = incident.thread if incident else None
    return tell(document, lambda changed: rollback_progress(changed, progress), wiring, deadline, thread)


def _incident(action: RollbackAction, wiring: Wiring) -> Incident | None:
    try:
        return wiring.incidents().get(action.incident_id)
    except TABLE_ERRORS as error:
        logger.warning("the incident could not be read", exc_info=error)
        return None


def _keep(action: RollbackAction, document: Document, wiring: Wiring) -> None:
    try:
        wiring.incidents().record(action.incident_id, document)
    except TABLE_ERRORS as error:
        logger.warning("the step could not be kept", exc_info=error)


def _unknown(action: RollbackAction) -> Document:
    """As much as the ledger knows of an incident whose document is out of reach."""
    return {
        "schema_version": "1",
        "outcome": "diagnosed",
        "incident_id": action.incident_id,
        "alarm": {"name": action.load_balancer, "state": "ALARM"},
        "rollback": {
            "decision": "requested",
            "guards": [],
            "deployment_id": action.deployment_id,
            "application": action.application,
            "deployment_group": action.deployment_group,
            "to_revision": action.to_revision_label,
        },
    }
