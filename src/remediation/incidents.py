"""The open incidents: several alarms of one disturbance of one entry point are one incident.

botocore's ClientError and BotoCoreError pass through: what an unreachable table means is the caller's to say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from remediation.ledger import planning
from remediation.records import Incident, OpenIncident, RollbackAction
from remediation.table import NEW, ConditionFailedError, Item, Table, is_conflict, seconds, typed, update

PERMISSIONS = (
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
)

# After so long a further alarm is another disturbance, even if the first was never seen to end.
STAYS_OPEN = timedelta(hours=6)
KEPT = timedelta(days=90)
ATTEMPTS = 3
# No message of SQS has this id.
DONE = "done"


class Incidents:
    """Incidents in the table, found by their entry point while they are open."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def open(self, entry_point: str, alarm: str, proposed_id: str, now: datetime) -> OpenIncident:
        """The incident that this alarm of the entry point belongs to: the open one, or a new one by this id.

        The id must belong to this one change of this alarm: found again, it is the same event come back.
        """
        for _ in range(ATTEMPTS - 1):
            try:
                return self._open(entry_point, alarm, proposed_id, now)
            except ClientError as error:
                # Another alarm of the same disturbance is opening it at this very moment.
                if not is_conflict(error):
                    raise
        return self._open(entry_point, alarm, proposed_id, now)

    def _open(self, entry_point: str, alarm: str, proposed_id: str, now: datetime) -> OpenIncident:
        new = _new_incident(entry_point, alarm, proposed_id, now)
        try:
            self._table.write(
                {"Put": _pointer(entry_point, proposed_id, now)},
                {"Put": {"Item": typed(new), "ConditionExpression": NEW}},
            )
        except ConditionFailedError as error:
            pointer = error.found[0] or {}
            incident_id = str(pointer.get("incident_id", proposed_id))
            known = self._set_alarm(incident_id, alarm, "ALARM")
            return OpenIncident(incident_id, incident_id == proposed_id, known)
        return OpenIncident(proposed_id, True)

    def _set_alarm(self, incident_id: str, alarm: str, state: str) -> Incident | None:
        change = {
            "Key": typed(_key(incident_id)),
            "UpdateExpression": "SET alarms.#alarm = :state",
            "ConditionExpression": "attribute_exists(alarms)",
            "ExpressionAttributeNames": {"#alarm": alarm},
            "ExpressionAttributeValues": typed({":state": state}),
        }
        try:
            return _incident(self._table.change(change))
        except ConditionFailedError:
            return None

    def resolve_alarm(self, entry_point: str, alarm: str) -> Incident | None:
        """The open incident after one of its alarms is OK again, closed if it was the last.

        None if no incident of the entry point is open.
        """
        pointer = self._table.get(_pointer_key(entry_point))
        if pointer is None:
            return None
        incident = self._set_alarm(str(pointer["incident_id"]), alarm, "OK")
        return self._close(incident) if incident and incident.all_ok else incident

    def _close(self, incident: Incident) -> Incident:
        pointer = {
            "Key": typed(_pointer_key(incident.entry_point)),
            "ConditionExpression": "incident_id = :id",
            "ExpressionAttributeValues": typed({":id": incident.incident_id}),
        }
        still = {"alarms": dict(incident.alarms)}
        closed = update(_key(incident.incident_id), {"state": "closed"}, "#alarms = :alarms", still)
        try:
            self._table.write({"Delete": pointer}, {"Update": closed})
        except ConditionFailedError:
            return incident  # an alarm joined in between
        return replace(incident, state="closed")

    def get(self, incident_id: str) -> Incident | None:
        """What is known of an incident."""
        item = self._table.get(_key(incident_id))
        return _incident(item) if item else None

    def record(
        self, incident_id: str, document: Mapping[str, Any], plan: RollbackAction | None = None
    ) -> bool:
        """Keep the document and, at most once an incident, plan its rollback.

        False, with nothing written, if the incident has a rollback already that was not withdrawn.
        """
        kept = update(_key(incident_id), {"document": json.dumps(document)}, "attribute_exists(pk)", {})
        try:
            if plan is None:
                self._table.change(kept)
            else:
                self._table.write({"Update": kept}, {"Put": planning(plan)})
        except ConditionFailedError:
            return False
        return True

    def claim_looks(self, incident_id: str, due: datetime) -> bool:
        """Whether nobody has asked yet to look at the incident again; from now on somebody has."""
        condition = "attribute_exists(pk) AND attribute_not_exists(look_asked_for)"
        try:
            self._table.change(update(_key(incident_id), {"look_asked_for": seconds(due)}, condition, {}))
        except ConditionFailedError:
            return False
        return True

    def release_looks(self, incident_id: str) -> None:
        """After all nobody was asked; the next alarm may ask."""
        self._table.change(
            {
                "Key": typed(_key(incident_id)),
                "UpdateExpression": "REMOVE look_asked_for",
                "ConditionExpression": "attribute_exists(pk)",
            }
        )

    def begin_look(self, incident_id: str, stage: int, message_id: str) -> bool:
        """Whether this message is the one that looks at this stage.

        A message that comes again may go on where it broke off; one that has ended, or another message for
        the same stage, may not.
        """
        name = f"look_{stage}"
        condition = f"attribute_exists(pk) AND (attribute_not_exists({name}) OR #{name} = :{name})"
        change = update(_key(incident_id), {name: message_id}, condition, {name: message_id})
        try:
            self._table.change(change)
        except ConditionFailedError:
            return False
        return True

    def end_look(self, incident_id: str, stage: int) -> None:
        """The look of this stage is done, whoever delivers its message again."""
        change = update(_key(incident_id), {f"look_{stage}": DONE}, "attribute_exists(pk)", {})
        self._table.change(change)

    def keep_thread(self, incident_id: str, thread: str) -> None:
        """Remember under which message the incident's later messages belong."""
        self._table.change(update(_key(incident_id), {"thread": thread}, "attribute_exists(pk)", {}))


def _key(incident_id: str) -> dict[str, str]:
    return {"pk": f"incident#{incident_id}", "sk": "incident"}


def _pointer_key(entry_point: str) -> dict[str, str]:
    return {"pk": f"entry#{entry_point}", "sk": "open"}


def _pointer(entry_point: str, incident_id: str, now: datetime) -> dict[str, Any]:
    opened = {"incident_id": incident_id, "opened_at": seconds(now), "expires_at": seconds(now + STAYS_OPEN)}
    return {
        "Item": typed({**_pointer_key(entry_point), **opened}),
        "ConditionExpression": f"{NEW} OR opened_at < :stale",
        "ExpressionAttributeValues": typed({":stale": seconds(now - STAYS_OPEN)}),
    }


def _new_incident(entry_point: str, alarm: str, incident_id: str, now: datetime) -> Item:
    return {
        **_key(incident_id),
        "incident_id": incident_id,
        "entry_point": entry_point,
        "state": "open",
        "alarms": {alarm: "ALARM"},
        "opened_at": seconds(now),
        "expires_at": seconds(now + KEPT),
    }


def _incident(item: Item) -> Incident:
    document = item.get("document")
    return Incident(
        incident_id=item["incident_id"],
        entry_point=item["entry_point"],
        state=item["state"],
        alarms=item["alarms"],
        document=json.loads(document) if document else None,
        thread=item.get("thread"),
    )
