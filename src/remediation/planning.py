"""From the decision to the ledger's entry: what the hand must know, and what will be watched afterwards."""

from datetime import datetime, timedelta

from diagnosis.decision import Decision
from diagnosis.incident import EntryPoint
from diagnosis.settings import RollbackMode, Settings
from diagnosis.verdict import Verdict
from remediation.records import ActionStatus, RollbackAction
from remediation.table import seconds

APPROVAL_LASTS = timedelta(hours=1)
# Causes whose errors are the targets' own 4xx; the errors of all others are 5xx (contract, causes.md).
CLIENT_ERRORS = frozenset({"application_rejects_requests"})
STATUSES = {"requested": ActionStatus.PLANNED, "awaiting_approval": ActionStatus.AWAITING_APPROVAL}


def planned(
    incident_id: str,
    decision: Decision,
    verdict: Verdict,
    entry_point: EntryPoint,
    settings: Settings,
    now: datetime,
) -> RollbackAction | None:
    """The rollback to enter into the ledger; None unless the decision asks for one."""
    plan, impact = decision.plan, verdict.impact
    if decision.outcome not in STATUSES or plan is None or impact is None:
        return None
    if plan.from_revision is None or plan.to_revision is None or plan.to_deployment_id is None:
        return None
    return RollbackAction(
        incident_id=incident_id,
        status=STATUSES[decision.outcome],
        kind=plan.action,
        application=plan.application,
        deployment_group=plan.deployment_group,
        deployment_id=plan.deployment_id,
        revision_id=plan.from_revision.id,
        revision_label=plan.from_revision.label,
        to_deployment_id=plan.to_deployment_id,
        to_revision_label=plan.to_revision.label,
        account=entry_point.account,
        region=entry_point.region,
        load_balancer=entry_point.id,
        error_family="4xx" if verdict.code in CLIENT_ERRORS else "5xx",
        baseline_error_rate=repr(impact.baseline_error_rate),
        error_rate=repr(impact.error_rate),
        opt_in_needed=settings.mode is RollbackMode.AUTO,
        planned_at=seconds(now),
        valid_until=seconds(now + APPROVAL_LASTS),
        requested_by="auto" if settings.mode is RollbackMode.AUTO else "",
    )
