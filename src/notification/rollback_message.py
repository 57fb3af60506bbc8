"""What a message says of the rollback: the line of the glance, the guards, the buttons."""

import json

from diagnosis.document import Document, RollbackSection
from notification.figures import duration
from notification.message import Button, Code, Line, Part
from notification.text import one_line

MOST_REFUSALS = 2
# Slack takes 2,000 characters (Block Kit reference, button). A cut id would be another's: then no button.
LONGEST_VALUE = 1_900


def rollback_line(document: Document) -> Line:
    """What is done about it, in a sentence; empty where no rollback was ever in question."""
    rollback = document.get("rollback")
    if rollback is None:
        return ()
    decision, goal = rollback["decision"], goal_of(rollback)
    if decision == "requested":
        return ("Rolling back to ", goal, _when(rollback.get("veto_seconds", 0)))
    if decision == "refused":
        return (f"Not rolled back: {_objections(rollback)}",)
    if decision == "none":
        return (f"No rollback: {_objections(rollback)}",)
    if decision == "started":
        return ("Rolling back to ", goal, *_by_deployment(rollback), ".")
    return _settled(decision, goal)


def _settled(decision: str, goal: Part) -> Line:
    sentences: dict[str, Line] = {
        "recommended": ("Recommended: roll back to ", goal, "; the command is below."),
        "awaiting_approval": ("Waiting for approval to roll back to ", goal, "."),
        "vetoed": ("The rollback to ", goal, " was vetoed."),
        "recovered": ("Rolled back to ", goal, ", and the service has recovered."),
        "did_not_help": ("Rolled back to ", goal, ", but it did not help."),
    }
    return sentences.get(decision, (f"Rollback: {decision}.",))


def goal_of(rollback: RollbackSection) -> Part:
    revision = rollback.get("to_revision")
    return Code(revision) if revision else "the revision before"


def guard_lines(document: Document) -> tuple[Line, ...]:
    """How many guards agree, and every objection in full."""
    rollback = document.get("rollback")
    guards = rollback["guards"] if rollback else []
    if not guards:
        return ()
    refused = [guard for guard in guards if not guard["passed"]]
    if not refused:
        return ((f"All {len(guards)} agree.",),)
    objections = [(Code(guard["name"]), f": {guard['detail']}") for guard in refused]
    return ((f"{len(guards) - len(refused)} of {len(guards)} agree. Against it:",), *objections)


def buttons(document: Document) -> tuple[Button, ...]:
    """Approve and reject while approval is awaited, veto while the rollback waits for one; else none."""
    rollback = document.get("rollback")
    if rollback is None or not document["incident_id"]:
        return ()
    value = _value(document["incident_id"], rollback)
    if len(value) > LONGEST_VALUE:
        return ()
    if rollback["decision"] == "awaiting_approval":
        return (
            Button("approve", "Approve rollback", value, "primary", _question(rollback)),
            Button("reject", "Reject", value),
        )
    if rollback["decision"] == "requested" and rollback.get("veto_seconds", 0) > 0:
        return (Button("veto", "Veto rollback", value, "danger"),)
    return ()


def _value(incident_id: str, rollback: RollbackSection) -> str:
    return json.dumps(
        {
            "incident_id": incident_id,
            "deployment_id": rollback.get("deployment_id"),
            "expires_at": rollback.get("expires_at"),
        }
    )


def _question(rollback: RollbackSection) -> str:
    group = f"{rollback.get('application')}/{rollback.get('deployment_group')}"
    return f"Roll back {group} to {rollback.get('to_revision') or 'the revision before'}?"


def _when(veto_seconds: int) -> str:
    return f" in {duration(veto_seconds)} unless vetoed." if veto_seconds > 0 else " now."


def _by_deployment(rollback: RollbackSection) -> Line:
    deployment = rollback.get("rollback_deployment_id")
    return (" by deployment ", Code(deployment)) if deployment else ()


def _objections(rollback: RollbackSection) -> str:
    details = [one_line(guard["detail"]) for guard in rollback["guards"] if not guard["passed"]]
    if not details:
        return "no deployment is in question."
    more = len(details) - MOST_REFUSALS
    rest = f" ({more} more below.)" if more > 0 else ""
    return " ".join(details[:MOST_REFUSALS]) + rest
