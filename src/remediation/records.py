"""What the ledger keeps: incidents and the one rollback that an incident may have."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class ActionStatus(StrEnum):
    """Where a rollback stands. Only `planned` (mode auto) and `approved` (by a person) may be acted on.

    `withdrawn` is a plan that nobody could be told of: the incident may plan one anew, as if it had none.
    """

    PLANNED = "planned"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    VETOED = "vetoed"
    ACTING = "acting"
    STARTED = "started"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    RECOVERED = "recovered"
    DID_NOT_HELP = "did_not_help"


MAY_ACT = frozenset({ActionStatus.PLANNED, ActionStatus.APPROVED})
MAY_APPROVE = frozenset({ActionStatus.PLANNED, ActionStatus.AWAITING_APPROVAL})
MAY_VETO = MAY_ACT | MAY_APPROVE


@dataclass(frozen=True, slots=True)
class RollbackAction:
    """The rollback of one incident: what was decided when it was planned, and what became of it.

    `kind` is "stop" or "redeploy". `load_balancer` is the dimension value app/name/id that is watched,
    `error_family` "5xx" or "4xx", the error rates the shares of requests (decimals as text) that failed
    before the onset and after it. Times are seconds since 1970; after `valid_until` nobody can approve it.
    `decided_at` is when a person approved, vetoed or `rejected` it, `watch_attempt` the last look at it.
    """

    incident_id: str
    status: str
    kind: str
    application: str
    deployment_group: str
    deployment_id: str
    revision_id: str
    revision_label: str
    to_deployment_id: str
    to_revision_label: str
    account: str
    region: str
    load_balancer: str
    error_family: str
    baseline_error_rate: str
    error_rate: str
    opt_in_needed: bool
    planned_at: int
    valid_until: int
    requested_by: str = ""
    decided_at: int = 0
    rejected: bool = False
    attempt: str = ""
    acting_since: int = 0
    started_at: int = 0
    rollback_deployment_id: str = ""
    watch_attempt: int = 0
    detail: str = ""

    @property
    def key(self) -> str:
        """Application and deployment group as one name."""
        return f"{self.application}/{self.deployment_group}"


def action_from(item: Mapping[str, Any]) -> RollbackAction:
    """The action that a table item holds; members that a version does not know are left out."""
    known = {each.name: item[each.name] for each in fields(RollbackAction) if each.name in item}
    numbers = ("planned_at", "valid_until", "decided_at", "acting_since", "started_at", "watch_attempt")
    return RollbackAction(**{**known, **{name: int(known[name]) for name in numbers if name in known}})


@dataclass(frozen=True, slots=True)
class Incident:
    """What the table knows of an incident; `alarms` is the state of each by its name."""

    incident_id: str
    entry_point: str
    state: str
    alarms: Mapping[str, str]
    document: Mapping[str, Any] | None
    thread: str | None = None

    @property
    def all_ok(self) -> bool:
        """Whether no alarm of the incident is left in ALARM."""
        return all(state == "OK" for state in self.alarms.values())


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """The incident that an alarm belongs to: opened by it (`is_new`), or with what was known `earlier`."""

    incident_id: str
    is_new: bool
    earlier: Incident | None = None
