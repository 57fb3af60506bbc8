"""What a person types where a rollback that was promised could not be made."""

from __future__ import annotations

from diagnosis import commands, links
from diagnosis.commands import KILL_SWITCH_PARAMETER
from diagnosis.decision import RollbackPlan
from diagnosis.document import Document
from diagnosis.next_steps import step
from remediation.records import RollbackAction


def with_steps_by_hand(document: Document, action: RollbackAction, *, look_first: bool = False) -> Document:
    """The document whose first step is to go back by hand, and no more how to stop what does not come.

    `look_first` is where it is not known whether the rollback was made.
    """
    others = [each for each in document.get("next_steps", []) if KILL_SWITCH_PARAMETER not in each]
    return {**document, "next_steps": [*_steps(action, look_first=look_first), *others]}


def _steps(action: RollbackAction, *, look_first: bool) -> list[str]:
    page = links.deployment_group_page(action.region, action.application, action.deployment_group)
    steps, before = [], ""
    if look_first:
        steps.append(step(f"Look at {action.key} whether the rollback was made:", page))
        before = "If it was not: "
    if action.kind == "stop":
        stop = commands.stop_deployment(_plan(action), action.region)
        steps.append(step(f"{before}While {action.deployment_id} runs, stop it by hand:", stop))
        before = "If it has ended: "
    again = commands.redeploy(_plan(action), action.region, action.incident_id)
    return [*steps, step(f"{before}Go back to {action.to_revision_label} by hand:", again or page)]


def _plan(action: RollbackAction) -> RollbackPlan:
    """The plan as far as a command needs it: it takes the revision from the earlier deployment."""
    return RollbackPlan(
        action=action.kind,
        deployment_id=action.deployment_id,
        application=action.application,
        deployment_group=action.deployment_group,
        to_revision=None,
        to_deployment_id=action.to_deployment_id,
    )
