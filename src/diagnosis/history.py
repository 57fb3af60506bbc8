"""What was done before and how things stand around the alarm: what the guards need beside the evidence."""

from dataclasses import dataclass
from datetime import timedelta

from diagnosis.evidence import Missing

AGE_NOT_GIVEN = Missing("the age of the alarm was not given")


@dataclass(frozen=True, slots=True)
class PastRollback:
    """One rollback that the ledger remembers; `at` is ISO 8601 with an offset."""

    at: str
    application: str
    deployment_group: str
    deployment_id: str
    revision_id: str
    incident_id: str
    rollback_deployment_id: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """What was done before, from the ledger, and the kill switch; Missing where it could not be read.

    `incident_action` is the status of a rollback already planned in this incident, None if there is none.
    `alarm_age` is how long ago the alarm changed its state by the function's clock, not by the evidence: a
    replayed event is judged as of its own time, but is not fresh.
    """

    kill_switch_allows: bool | Missing
    incident_action: str | Missing | None
    rollbacks: tuple[PastRollback, ...] | Missing
    alarm_age: timedelta | Missing = AGE_NOT_GIVEN
