"""The ledger: of two who try only one succeeds, and what was stopped stays stopped."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from diagnosis.history import PastRollback
from remediation.incidents import Incidents
from remediation.ledger import Ledger
from remediation.records import ActionStatus, RollbackAction
from remediation.table import Table

ENTRY = "app/order-api/50dc6c495c0c9188"


@pytest.fixture
def incidents(table: Table) -> Incidents:
    return Incidents(table)


@pytest.fixture
def ledger(table: Table, incidents: Incidents, plan: RollbackAction, now: datetime) -> Ledger:
    """A ledger in which the rollback of one open incident is planned."""
    incidents.open(ENTRY, "elb-5xx", plan.incident_id, now)
    assert incidents.record(plan.incident_id, {"outcome": "diagnosed"}, plan)
    return Ledger(table)


def together(attempt: Callable[[str], object], times: int = 2) -> list[object]:
    barrier = Barrier(times)

    def one(number: int) -> object:
        barrier.wait()
        return attempt(f"attempt-{number}")

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(one, range(times)))


def status(ledger: Ledger, plan: RollbackAction) -> str:
    action = ledger.action(plan.incident_id)
    assert action is not None
    return action.status


def test_an_action_is_read_as_it_was_planned(ledger: Ledger, plan: RollbackAction) -> None:
    assert ledger.action(plan.incident_id) == plan
    assert ledger.action("other") is None


def test_an_incident_has_at_most_one_rollback(
    ledger: Ledger, incidents: Incidents, plan: RollbackAction
) -> None:
    assert not incidents.record(plan.incident_id, {"outcome": "second"}, replace(plan, deployment_id="d-2"))
    assert ledger.action(plan.incident_id) == plan
    incident = incidents.get(plan.incident_id)
    assert incident is not None
    assert incident.document == {"outcome": "diagnosed"}


def test_of_two_that_begin_at_once_one_wins(ledger: Ledger, plan: RollbackAction, now: datetime) -> None:
    won = [each for each in together(lambda attempt: ledger.begin(plan, attempt, now), 4) if each]
    assert len(won) == 1
    assert ledger.action(plan.incident_id) == won[0]


def test_a_veto_keeps_it_from_beginning(ledger: Ledger, plan: RollbackAction, now: datetime) -> None:
    assert ledger.veto(plan.incident_id, "ada", now)
    assert ledger.begin(plan, "attempt", now) is None
    assert ledger.approve(plan.incident_id, "bob", now) is None
    assert status(ledger, plan) == ActionStatus.VETOED


def test_a_veto_comes_too_late_once_it_has_begun(ledger: Ledger, plan: RollbackAction, now: datetime) -> None:
    assert ledger.begin(plan, "attempt", now)
    assert ledger.veto(plan.incident_id, "ada", now) is None
    assert status(ledger, plan) == ActionStatus.ACTING


def test_veto_and_begin_at_once_leave_one_of_them(
    ledger: Ledger, plan: RollbackAction, now: datetime
) -> None:
    def attempt(name: str) -> object:
        if name == "attempt-0":
            return ledger.veto(plan.incident_id, "ada", now)
        return ledger.begin(plan, name, now)

    assert len([each for each in together(attempt) if each]) == 1


def test_what_awaits_approval_cannot_begin_without_it(
    table: Table, incidents: Incidents, plan: RollbackAction, now: datetime
) -> None:
    waiting, ledger = replace(plan, status=ActionStatus.AWAITING_APPROVAL), Ledger(table)
    incidents.open(ENTRY, "elb-5xx", plan.incident_id, now)
    incidents.record(plan.incident_id, {}, waiting)
    assert ledger.begin(waiting, "attempt", now) is None
    approved = ledger.approve(plan.incident_id, "ada", now)
    assert approved is not None
    assert (approved.status, approved.requested_by) == (ActionStatus.APPROVED, "ada")
    assert ledger.begin(approved, "attempt", now)


def test_an_approval_expires(ledger: Ledger, plan: RollbackAction, now: datetime) -> None:
    assert ledger.approve(plan.incident_id, "ada", now + timedelta(hours=2)) is None


def test_a_revision_is_rolled_back_from_once_only(
    ledger: Ledger, incidents: Incidents, plan: RollbackAction, now: datetime
) -> None:
    assert ledger.begin(plan, "attempt", now)
    incidents.open("app/other/1", "other", "other-incident", now)
    again = replace(plan, incident_id="other-incident")
    assert incidents.record("other-incident", {}, again)
    assert ledger.begin(again, "attempt", now) is None


def test_a_refusal_after_beginning_frees_the_revision(
    ledger: Ledger, incidents: Incidents, plan: RollbackAction, now: datetime
) -> None:
    begun = ledger.begin(plan, "attempt", now)
    assert begun is not None
    assert ledger.refuse(begun, "CodeDeploy said no.")
    assert status(ledger, plan) == ActionStatus.REFUSED
    incidents.open("app/other/1", "other", "other-incident", now)
    again = replace(plan, incident_id="other-incident")
    incidents.record("other-incident", {}, again)
    assert ledger.begin(again, "attempt", now)


def test_a_vetoed_rollback_is_not_refused_over(ledger: Ledger, plan: RollbackAction, now: datetime) -> None:
    ledger.veto(plan.incident_id, "ada", now)
    assert not ledger.refuse(plan, "too late")
    assert status(ledger, plan) == ActionStatus.VETOED


def test_a_plan_that_was_withdrawn_can_be_made_anew_and_only_once(
    ledger: Ledger, incidents: Incidents, plan: RollbackAction, now: datetime
) -> None:
    assert ledger.withdraw(plan.incident_id, "Nobody could be told.")
    assert ledger.begin(plan, "attempt", now) is None
    assert ledger.approve(plan.incident_id, "ada", now) is None
    attempts = together(lambda _: incidents.record(plan.incident_id, {"outcome": "again"}, plan))
    assert sorted(map(bool, attempts)) == [False, True]
    assert status(ledger, plan) == ActionStatus.PLANNED


def test_what_a_person_decided_on_is_not_withdrawn(
    ledger: Ledger, plan: RollbackAction, now: datetime
) -> None:
    assert ledger.approve(plan.incident_id, "ada", now)
    assert not ledger.withdraw(plan.incident_id, "Nobody could be told.")
    assert status(ledger, plan) == ActionStatus.APPROVED


def test_a_decision_is_remembered_with_its_time(ledger: Ledger, plan: RollbackAction, now: datetime) -> None:
    rejected = ledger.veto(plan.incident_id, "ada", now, rejected=True)
    assert rejected is not None
    assert (rejected.rejected, rejected.decided_at) == (True, int(now.timestamp()))


def test_of_two_chains_of_looks_one_goes_on(ledger: Ledger, plan: RollbackAction, now: datetime) -> None:
    assert ledger.watch(plan.incident_id, 1, "m-1") is None
    begun = ledger.begin(plan, "attempt", now)
    assert begun is not None
    ledger.started(begun, "d-1", "", now)
    won = [each for each in together(lambda name: ledger.watch(plan.incident_id, 1, name), 4) if each]
    assert len(won) == 1
    assert ledger.watch(plan.incident_id, 2, "m-2")
    assert ledger.watch(plan.incident_id, 2, "m-2")  # the same message come back
    assert ledger.watch(plan.incident_id, 2, "m-3") is None
    assert ledger.watch(plan.incident_id, 1, "m-1") is None


def test_one_second_look_is_asked_for_in_an_incident(incidents: Incidents, now: datetime) -> None:
    assert not incidents.claim_looks("inc-1", now)
    incidents.open(ENTRY, "elb-5xx", "inc-1", now)
    claims = together(lambda _: incidents.claim_looks("inc-1", now))
    assert sorted(map(bool, claims)) == [False, True]
    incidents.release_looks("inc-1")
    assert incidents.claim_looks("inc-1", now)


def test_only_one_takes_over_an_attempt_that_went_silent(
    ledger: Ledger, plan: RollbackAction, now: datetime
) -> None:
    begun = ledger.begin(plan, "first", now)
    assert begun is not None
    won = [each for each in together(lambda attempt: ledger.take_over(begun, attempt, now)) if each]
    assert len(won) == 1


def test_what_was_started_is_remembered(ledger: Ledger, plan: RollbackAction, now: datetime) -> None:
    begun = ledger.begin(plan, "attempt", now)
    assert begun is not None
    ledger.started(begun, "d-ROLLBACK", "It was created.", now)
    assert ledger.rollbacks(now) == (
        PastRollback(
            now.isoformat(timespec="seconds"),
            "order-api",
            "production",
            "d-NEW240XYZ",
            plan.revision_id,
            plan.incident_id,
            "d-ROLLBACK",
        ),
    )
    assert ledger.rollbacks(now + timedelta(days=31)) == ()


def test_the_end_of_a_rollback_is_told_once(ledger: Ledger, plan: RollbackAction, now: datetime) -> None:
    begun = ledger.begin(plan, "attempt", now)
    assert begun is not None
    assert not ledger.follow(plan.incident_id, ActionStatus.RECOVERED, "not started yet")
    ledger.started(begun, "", "It was stopped.", now)
    ledger.name_rollback(plan.incident_id, "d-AUTO")
    assert ledger.follow(plan.incident_id, ActionStatus.RECOVERED, "Well again.")
    assert not ledger.follow(plan.incident_id, ActionStatus.DID_NOT_HELP, "too late")
    action = ledger.action(plan.incident_id)
    assert action is not None
    assert (action.status, action.rollback_deployment_id) == (ActionStatus.RECOVERED, "d-AUTO")


def test_alarms_of_one_disturbance_are_one_incident(incidents: Incidents, now: datetime) -> None:
    first = incidents.open(ENTRY, "elb-5xx", "inc-1", now)
    second = incidents.open(ENTRY, "target-5xx", "inc-2", now + timedelta(minutes=2))
    elsewhere = incidents.open("app/cart/1", "cart-5xx", "inc-3", now)
    assert (first.incident_id, first.is_new) == ("inc-1", True)
    assert (second.incident_id, second.is_new) == ("inc-1", False)
    assert (elsewhere.incident_id, elsewhere.is_new) == ("inc-3", True)


def test_alarms_that_open_at_once_are_one_incident(incidents: Incidents, now: datetime) -> None:
    opened = together(lambda name: incidents.open(ENTRY, name, f"inc-{name}", now), 4)
    assert len({each.incident_id for each in opened}) == 1  # type: ignore[attr-defined]
    assert sum(each.is_new for each in opened) == 1  # type: ignore[attr-defined]


def test_the_same_event_come_back_finds_its_own_incident(incidents: Incidents, now: datetime) -> None:
    incidents.open(ENTRY, "elb-5xx", "inc-1", now)
    assert incidents.open(ENTRY, "elb-5xx", "inc-1", now).is_new


def test_after_hours_a_further_alarm_is_another_incident(incidents: Incidents, now: datetime) -> None:
    incidents.open(ENTRY, "elb-5xx", "inc-1", now)
    assert incidents.open(ENTRY, "elb-5xx", "inc-2", now + timedelta(hours=7)).is_new


def test_an_incident_closes_with_its_last_alarm(incidents: Incidents, now: datetime) -> None:
    incidents.open(ENTRY, "elb-5xx", "inc-1", now)
    incidents.open(ENTRY, "weird <name> & #1.x", "inc-2", now)
    still_open = incidents.resolve_alarm(ENTRY, "elb-5xx")
    assert still_open is not None
    assert still_open.state == "open"
    closed = incidents.resolve_alarm(ENTRY, "weird <name> & #1.x")
    assert closed is not None
    assert (closed.incident_id, closed.state) == ("inc-1", "closed")
    assert incidents.resolve_alarm(ENTRY, "elb-5xx") is None
    assert incidents.open(ENTRY, "elb-5xx", "inc-4", now).is_new


def test_a_document_is_kept_only_with_its_incident(incidents: Incidents, now: datetime) -> None:
    assert not incidents.record("inc-1", {"outcome": "diagnosed"})
    incidents.open(ENTRY, "elb-5xx", "inc-1", now)
    assert incidents.record("inc-1", {"outcome": "diagnosed", "confidence": 0.97})
    incidents.keep_thread("inc-1", "1795165210.000100")
    incident = incidents.get("inc-1")
    assert incident is not None
    assert incident.document == {"outcome": "diagnosed", "confidence": 0.97}
    assert incident.thread == "1795165210.000100"


def test_everything_expires(ledger: Ledger, plan: RollbackAction, dynamodb: Any, now: datetime) -> None:
    begun = ledger.begin(plan, "attempt", now)
    assert begun is not None
    ledger.started(begun, "d-1", "", now)
    items = dynamodb.scan(TableName="triage")["Items"]
    assert len(items) == 5
    assert all(int(item["expires_at"]["N"]) > now.timestamp() for item in items)
