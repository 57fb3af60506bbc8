"""The ledger of rollbacks: what was planned, by whom it was allowed or stopped, and what was done.

Every step is a conditional write, so that of two who try only one succeeds; everything expires. botocore's
ClientError and BotoCoreError pass through: what an unreachable ledger means is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from typing import Any

from diagnosis.history import PastRollback
from remediation.records import MAY_ACT, MAY_APPROVE, MAY_VETO, ActionStatus, RollbackAction, action_from
from remediation.table import NEW, ConditionFailedError, Item, Table, seconds, typed, update

PERMISSIONS = (
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:Query",
)

KEPT = timedelta(days=90)
ROLLBACKS_KEPT = timedelta(days=400)
LOOK_BACK = timedelta(days=30)
MOST_ROLLBACKS_READ = 200


def planning(plan: RollbackAction) -> dict[str, Any]:
    """The write that plans a rollback; it holds only while the incident has none that stands."""
    expires = {"expires_at": plan.planned_at + int(KEPT.total_seconds())}
    return {
        "Item": typed({**_key(plan.incident_id), **asdict(plan), **expires}),
        "ConditionExpression": f"{NEW} OR #status = :withdrawn",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": typed({":withdrawn": ActionStatus.WITHDRAWN}),
    }


class Ledger:
    """The one rollback of each incident, and all that were made."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def action(self, incident_id: str) -> RollbackAction | None:
        """The incident's rollback as it stands now."""
        item = self._table.get(_key(incident_id))
        return action_from(item) if item else None

    def approve(self, incident_id: str, person: str, now: datetime) -> RollbackAction | None:
        """The rollback, allowed by a person; None if it does not wait for that, or its time is over."""
        changes = {"status": ActionStatus.APPROVED, "requested_by": person, "decided_at": seconds(now)}
        return self._step(incident_id, changes, MAY_APPROVE, valid_at=now)

    def veto(
        self, incident_id: str, person: str, now: datetime, *, rejected: bool = False
    ) -> RollbackAction | None:
        """The rollback, stopped or `rejected` by a person; None if it has begun or ended already."""
        changes = {"status": ActionStatus.VETOED, "requested_by": person, "decided_at": seconds(now)}
        return self._step(incident_id, {**changes, "rejected": rejected}, MAY_VETO)

    def withdraw(self, incident_id: str, detail: str) -> bool:
        """Take back a plan that nobody was told of; another may be made. False if somebody decided on it."""
        changes = {"status": ActionStatus.WITHDRAWN, "detail": detail}
        return self._step(incident_id, changes, MAY_APPROVE) is not None

    def call_off(self, incident_id: str, detail: str) -> bool:
        """Take back a plan that late evidence has overturned. False if it has begun or was decided on."""
        changes = {"status": ActionStatus.REFUSED, "detail": detail}
        return self._step(incident_id, changes, MAY_APPROVE) is not None

    def begin(self, action: RollbackAction, attempt: str, now: datetime) -> RollbackAction | None:
        """Take the rollback in hand: for exactly one caller, only if nobody stopped it before; else None.

        The same write locks the revision: it is rolled back from once and never again.
        """
        begun = replace(action, status=ActionStatus.ACTING, attempt=attempt, acting_since=seconds(now))
        changes = {name: getattr(begun, name) for name in ("status", "attempt", "acting_since")}
        lock = {**_lock_key(action), "incident_id": action.incident_id}
        try:
            self._table.write(
                {"Update": _transition(action.incident_id, changes, MAY_ACT)},
                {"Put": {"Item": _expiring(lock, now), "ConditionExpression": NEW}},
            )
        except ConditionFailedError:
            return None
        return begun

    def take_over(self, action: RollbackAction, attempt: str, now: datetime) -> RollbackAction | None:
        """Continue a rollback whose last attempt ended without a word: for exactly one caller; else None."""
        changes = {"attempt": attempt, "acting_since": seconds(now)}
        before = {"status": ActionStatus.ACTING, "attempt": action.attempt}
        condition = "#status = :status AND #attempt = :attempt"
        try:
            item = self._table.change(update(_key(action.incident_id), changes, condition, before))
        except ConditionFailedError:
            return None
        return action_from(item)

    def started(
        self, action: RollbackAction, rollback_deployment_id: str, detail: str, now: datetime
    ) -> None:
        """The rollback was started: kept with its incident and among all rollbacks."""
        changes = {
            "status": ActionStatus.STARTED,
            "rollback_deployment_id": rollback_deployment_id,
            "detail": detail,
            "started_at": seconds(now),
        }
        at = now.isoformat(timespec="seconds")
        past = PastRollback(
            at,
            action.application,
            action.deployment_group,
            action.deployment_id,
            action.revision_id,
            action.incident_id,
            rollback_deployment_id or None,
        )
        remembered = {"pk": "rollbacks", "sk": f"{at}#{action.key}#{action.deployment_id}", **asdict(past)}
        self._table.write(
            {"Update": _transition(action.incident_id, changes, {ActionStatus.ACTING})},
            {"Put": {"Item": _expiring(remembered, now)}},
        )

    def refuse(self, action: RollbackAction, detail: str) -> bool:
        """The rollback was not made. False if somebody else decided in between.

        If it had been taken in hand, its revision is free again: it was not rolled back from.
        """
        changes = {"status": ActionStatus.REFUSED, "detail": detail}
        if action.status != ActionStatus.ACTING:
            return self._step(action.incident_id, changes, MAY_ACT) is not None
        try:
            self._table.write(
                {"Update": _transition(action.incident_id, changes, {ActionStatus.ACTING})},
                {"Delete": {"Key": typed(_lock_key(action))}},
            )
        except ConditionFailedError:
            return False
        return True

    def abandon(self, action: RollbackAction, detail: str) -> bool:
        """It is not known whether it was made: nobody tries again, and the revision stays locked."""
        changes = {"status": ActionStatus.REFUSED, "detail": detail}
        return self._step(action.incident_id, changes, {ActionStatus.ACTING}) is not None

    def watch(self, incident_id: str, attempt: int, message_id: str) -> RollbackAction | None:
        """The started rollback, for one look at it; None if it has ended or another message has this look.

        So of several chains of looks one goes on, while a message that comes again may look again.
        """
        change = _transition(
            incident_id, {"watch_attempt": attempt, "watched_by": message_id}, {ActionStatus.STARTED}
        )
        change["ConditionExpression"] += (
            " AND (attribute_not_exists(watched_by) OR #watch_attempt < :new_watch_attempt"
            " OR (#watch_attempt = :new_watch_attempt AND #watched_by = :new_watched_by))"
        )
        try:
            return action_from(self._table.change(change))
        except ConditionFailedError:
            return None

    def follow(self, incident_id: str, status: ActionStatus, detail: str) -> bool:
        """What became of a started rollback; True for exactly one caller."""
        changes = {"status": status, "detail": detail}
        return self._step(incident_id, changes, {ActionStatus.STARTED}) is not None

    def name_rollback(self, incident_id: str, rollback_deployment_id: str) -> None:
        """The deployment that CodeDeploy made by itself after a stop; its id is known only later."""
        changes = {"rollback_deployment_id": rollback_deployment_id}
        self._step(incident_id, changes, {ActionStatus.STARTED})

    def rollbacks(self, now: datetime) -> tuple[PastRollback, ...]:
        """The rollbacks of the last 30 days, newest first."""
        since = (now - LOOK_BACK).isoformat(timespec="seconds")
        found = self._table.query("rollbacks", since, limit=MOST_ROLLBACKS_READ)
        return tuple(_past(item) for item in found)

    def _step(
        self, incident_id: str, changes: Item, allowed: Collection[str], valid_at: datetime | None = None
    ) -> RollbackAction | None:
        try:
            return action_from(self._table.change(_transition(incident_id, changes, allowed, valid_at)))
        except ConditionFailedError:
            return None


def _key(incident_id: str) -> dict[str, str]:
    return {"pk": f"incident#{incident_id}", "sk": "action#rollback"}


def _lock_key(action: RollbackAction) -> dict[str, str]:
    return {"pk": f"lock#{action.key}", "sk": f"revision#{action.revision_id}"}


def _expiring(item: Item, now: datetime) -> dict[str, Any]:
    return typed({**item, "expires_at": seconds(now + ROLLBACKS_KEPT)})


def _transition(
    incident_id: str, changes: Item, allowed: Collection[str], valid_at: datetime | None = None
) -> dict[str, Any]:
    """Change the action if it stands at one of these statuses and, where asked, its time is not over."""
    choices = {f":from_{number}": status for number, status in enumerate(sorted(allowed))}
    condition = f"#status IN ({', '.join(choices)})"
    built = update(_key(incident_id), changes, condition, {})
    built["ExpressionAttributeNames"]["#status"] = "status"
    built["ExpressionAttributeValues"] |= typed(choices)
    if valid_at is not None:
        built["ConditionExpression"] += " AND valid_until >= :now"
        built["ExpressionAttributeValues"] |= typed({":now": seconds(valid_at)})
    return built


def _past(item: Mapping[str, Any]) -> PastRollback:
    members: dict[str, Any] = {each.name: item.get(each.name) for each in fields(PastRollback)}
    return PastRollback(**members)
