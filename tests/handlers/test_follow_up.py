"""FollowUpFunction looking again: when, what is read, who is told, and that no accident multiplies it."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from collectors.gather import READINGS_OF
from diagnosis.evidence import Evidence, Missing
from diagnosis.incident import entry_point, parse_event
from diagnosis.stages import STAGES
from diagnosis.verdict import Trigger, Verdict
from handlers import alarm, follow_up, looking_again
from handlers.diagnosing import Subject, written
from handlers.settling import NobodyToldError
from remediation.kept_evidence import KeptEvidence
from remediation.queues import LOOK_AGAIN
from remediation.records import ActionStatus
from tests.diagnosis.judged import NOW, candidate, evidence, verdict
from tests.handlers.conftest import Context, Stack, Unreachable, event
from tests.remediation.fakes import refusal

DONE: dict[str, Any] = {"batchItemFailures": []}
AGAIN: dict[str, Any] = {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
EVERYTHING = frozenset(each.name for each in READINGS_OF["alb"])


def delivered(message: dict[str, Any], name: str = "m-1") -> dict[str, Any]:
    """The event in which Lambda gets a message."""
    attributes = {"ApproximateReceiveCount": "1"}
    return {"Records": [{"messageId": name, "body": json.dumps(message), "attributes": attributes}]}


def undecided(confidence: float = 0.7) -> Verdict:
    """A release that is suspected, but not with the certainty that a rollback needs."""
    return verdict(trigger=Trigger(candidate(confidence=confidence), (), blind=True))


def by_a_change() -> Verdict:
    change = replace(candidate(None, "configuration_change"), id="e-1")
    return verdict(trigger=Trigger(change, (candidate(confidence=0.01),)))


class Incident:
    """An incident whose alarm was told at `NOW`, and its looks."""

    def __init__(self, stack: Stack, alarm_event: dict[str, Any], first: Verdict) -> None:
        self.stack, self.alarm_event = stack, alarm_event
        stack.verdict = first
        document = alarm.handle(alarm_event, Context(), stack.wiring, stack.deadline)
        self.document, self.id = document, str(document["incident_id"])
        self.alarm_time = datetime.fromisoformat(document["alarm"]["time"])

    @property
    def looks(self) -> list[dict[str, Any]]:
        """The looks that were asked for."""
        return self.stack.follow_ups(LOOK_AGAIN)

    def look(
        self, now: Verdict | None = None, *, stage: int | None = None, name: str = "m-1"
    ) -> dict[str, Any]:
        """What the function answers to the newest message, or to that of a stage, when it is due."""
        message = self.looks[-1]
        if stage is not None:
            message = {**message, "attempt": stage}
        self.stack.now = self.alarm_time + STAGES[message["attempt"] - 1].after
        self.stack.verdict = now or self.stack.verdict
        return follow_up.handle(delivered(message, name), self.stack.wiring, self.stack.deadline)

    def kept(self) -> Evidence | None:
        return self.stack.wiring.kept_evidence().get(self.id)


def begin_rollback(incident: Incident) -> None:
    """The rollback that was planned is being made."""
    ledger = incident.stack.wiring.ledger()
    planned = ledger.action(incident.id)
    assert planned is not None
    assert ledger.begin(planned, "attempt-1", NOW)


@pytest.fixture
def incident(stack: Stack, alarm_event: dict[str, Any]) -> Incident:
    return Incident(stack, alarm_event, undecided())


# --- When ---


def test_each_look_asks_for_the_next_at_three_six_and_twelve_minutes_after_the_alarm(
    incident: Incident,
) -> None:
    for _ in STAGES:
        assert incident.look(name=f"m-{len(incident.looks)}") == DONE
    assert [each["attempt"] for each in incident.looks] == [1, 2, 3]
    due = [timedelta(minutes=3), timedelta(minutes=6), timedelta(minutes=12)]
    sent = [NOW, incident.alarm_time + due[0], incident.alarm_time + due[1]]
    for look, after, at in zip(incident.looks, due, sent, strict=True):
        assert abs(look["delay"] - (incident.alarm_time + after - at).total_seconds()) <= 1


def test_a_diagnosis_that_saw_everything_is_looked_at_again_too(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    assert len(Incident(stack, alarm_event, verdict(trigger=Trigger(candidate(), ()))).looks) == 1


def test_an_alarm_that_comes_late_begins_with_the_stage_that_is_still_to_come(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    stack.now += timedelta(minutes=4)
    assert [each["attempt"] for each in Incident(stack, alarm_event, undecided()).looks] == [2]


def test_an_alarm_that_comes_after_every_stage_is_not_looked_at_again(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    stack.now += timedelta(minutes=13)
    assert Incident(stack, alarm_event, undecided()).looks == []


def test_an_incident_that_is_over_is_not_looked_at_again_and_no_further_look_is_asked_for(
    incident: Incident,
) -> None:
    incident.stack.wiring.incidents().resolve_alarm("app/order-api/50dc6c495c0c9188", "order-api-elb-5xx")
    assert incident.look(by_a_change()) == DONE
    assert (len(incident.stack.told()), len(incident.looks)) == (1, 1)
    assert len(incident.stack.read) == 1


def test_an_incident_that_nobody_knows_is_left_alone(incident: Incident) -> None:
    message = {**incident.looks[-1], "incident_id": "unheard-of"}
    assert follow_up.handle(delivered(message), incident.stack.wiring, incident.stack.deadline) == DONE
    assert len(incident.stack.read) == 1


# --- What is read ---


def test_a_look_reads_what_was_late_and_takes_the_rest_from_what_is_known(incident: Incident) -> None:
    incident.look()
    names, known = incident.stack.read[-1]
    assert known == replace(incident.stack.evidence)
    assert {"changes", "metrics", "target_health"} <= names < EVERYTHING
    assert not names & {"load_balancer", "listeners", "deployments", "attributes", "target_groups"}


def test_only_the_first_look_reads_the_newest_minutes(incident: Incident) -> None:
    for _ in STAGES:
        incident.look(name=f"m-{len(incident.looks)}")
    first, three, six, twelve = (each.window for each in incident.stack.asked)
    assert three.end - first.end == timedelta(minutes=3) - timedelta(seconds=0)
    kept = incident.kept()
    assert kept is not None
    assert (six, twelve) == (kept.metrics.window, kept.metrics.window)  # type: ignore[union-attr]
    assert "metrics" not in incident.stack.read[-1][0]


def test_a_source_that_failed_is_read_again_at_every_look(stack: Stack, alarm_event: dict[str, Any]) -> None:
    stack.evidence = evidence(deployments=Missing("codedeploy:ListDeployments: ThrottlingException"))
    incident = Incident(stack, alarm_event, undecided())
    for _ in STAGES:
        incident.look(name=f"m-{len(incident.looks)}")
        names, _known = stack.read[-1]
        assert {"deployments", "deployment_ids", "deployment_records"} <= names


def test_evidence_that_was_not_kept_is_read_anew_and_wholly(
    incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeptEvidence, "get", lambda *_: None)
    assert incident.look() == DONE
    assert incident.stack.read[-1] == (EVERYTHING, None)


def test_each_look_keeps_its_evidence_for_the_next(incident: Incident) -> None:
    later = replace(incident.stack.evidence, now=NOW + timedelta(minutes=3))
    incident.stack.evidence = later
    incident.look()
    incident.look(name="m-2")
    assert incident.stack.read[-1][1] == later


@pytest.mark.parametrize("error", [TypeError(), ValueError(), refusal("UpdateItem", "InternalServerError")])
def test_evidence_that_cannot_be_kept_takes_nothing_else_with_it(
    stack: Stack, alarm_event: dict[str, Any], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_arguments: Any) -> bool:
        raise error

    monkeypatch.setattr(KeptEvidence, "put", fails)
    incident = Incident(stack, alarm_event, undecided())
    assert incident.document["outcome"] == "diagnosed"
    assert incident.look(by_a_change()) == DONE
    assert len(stack.told()) == 2


def test_older_evidence_does_not_replace_newer(incident: Incident) -> None:
    older = replace(incident.stack.evidence, now=NOW - timedelta(minutes=1))
    assert not incident.stack.wiring.kept_evidence().put(incident.id, older)
    assert incident.kept() == incident.stack.evidence


# --- Who is told what ---


def test_looking_again_is_silent_when_nothing_changed(incident: Incident) -> None:
    for _ in STAGES:
        assert incident.look(name=f"m-{len(incident.looks)}") == DONE
    assert len(incident.stack.told()) == 1


def test_that_still_nothing_is_known_is_no_news(stack: Stack, alarm_event: dict[str, Any]) -> None:
    unknown, nothing = candidate(None, "unknown"), candidate(None, "none_found")
    incident = Incident(stack, alarm_event, verdict(trigger=Trigger(unknown, (), blind=True)))
    assert incident.look(verdict(trigger=Trigger(nothing, ()))) == DONE
    assert len(stack.told()) == 1


def test_what_late_evidence_shows_is_told_once_with_what_has_changed(incident: Incident) -> None:
    assert incident.look(by_a_change()) == DONE
    assert "Not the deployment after all: Something happened" in incident.stack.told()[1]["text"]
    assert incident.look(name="m-2") == DONE
    assert len(incident.stack.told()) == 2
    kept = incident.stack.wiring.incidents().get(incident.id)
    assert kept is not None
    assert kept.document is not None
    assert kept.document["trigger"]["kind"] == "configuration_change"
    assert incident.stack.messages("rollback") == []


def test_a_look_that_sees_less_than_the_one_before_replaces_nothing(incident: Incident) -> None:
    less = replace(by_a_change(), missing=(("changes", "throttled"),))
    assert incident.look(less) == DONE
    assert len(incident.stack.told()) == 1


def test_late_evidence_that_nobody_could_be_told_of_is_told_the_next_time(incident: Incident) -> None:
    incident.stack.fakes["sns"] = Unreachable(refusal("Publish", "AccessDenied"))
    with pytest.raises(NobodyToldError):
        incident.look(by_a_change())
    del incident.stack.fakes["sns"]
    assert incident.look(stage=1) == DONE
    assert "Looked again" in incident.stack.told()[1]["text"]


# --- Rollbacks ---


def test_late_evidence_may_prove_a_release_guilty_on_evidence_read_anew(incident: Incident) -> None:
    assert incident.document["rollback"]["decision"] == "refused"
    assert incident.look(verdict()) == DONE
    [request] = incident.stack.messages("rollback")
    assert (request["deployment_id"], request["incident_id"]) == ("d-NEW", incident.id)
    assert incident.stack.read[-1] == (EVERYTHING, None)


def test_a_look_plans_no_second_rollback(stack: Stack, alarm_event: dict[str, Any]) -> None:
    incident = Incident(stack, alarm_event, verdict())
    assert len(stack.messages("rollback")) == 1
    for _ in STAGES:
        incident.look(name=f"m-{len(incident.looks)}")
    assert len(stack.messages("rollback")) == 1
    assert len(stack.told()) == 1


def test_a_planned_rollback_that_late_evidence_overturns_is_called_off(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    incident = Incident(stack, alarm_event, verdict())
    assert incident.look(by_a_change()) == DONE
    text = " ".join(stack.told()[1]["text"].split())
    assert "Not the deployment after all" in text
    assert "The rollback that was announced is called off" in text
    action = stack.wiring.ledger().action(incident.id)
    assert action is not None
    assert action.status == ActionStatus.REFUSED
    assert incident.look(verdict(), name="m-2") == DONE
    assert len(stack.messages("rollback")) == 1


def test_a_rollback_called_off_of_which_nobody_could_be_told_is_told_the_next_time(
    stack: Stack, alarm_event: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = Incident(stack, alarm_event, verdict())
    with monkeypatch.context() as broken:
        broken.setattr(looking_again, "settle", _breaks)
        with pytest.raises(MemoryError):
            incident.look(by_a_change())
    assert incident.look(stage=1) == DONE
    text = " ".join(stack.told()[1]["text"].split())
    assert "The rollback that was announced is called off" in text
    kept = stack.wiring.incidents().get(incident.id)
    assert kept is not None
    assert kept.document is not None
    assert kept.document["rollback"]["decision"] == "refused"


def _breaks(*_arguments: Any, **_named: Any) -> None:
    raise MemoryError


def test_a_look_that_sees_less_calls_nothing_off(stack: Stack, alarm_event: dict[str, Any]) -> None:
    incident = Incident(stack, alarm_event, verdict())
    assert incident.look(replace(by_a_change(), missing=(("changes", "throttled"),))) == DONE
    action = stack.wiring.ledger().action(incident.id)
    assert action is not None
    assert action.status == ActionStatus.PLANNED
    assert len(stack.told()) == 1


def test_while_a_rollback_is_under_way_the_minutes_that_it_changes_are_not_read(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    incident = Incident(stack, alarm_event, verdict())
    begin_rollback(incident)
    incident.look(by_a_change())
    names, _known = stack.read[-1]
    assert "changes" in names
    assert not names & {"metrics", "target_health", "processor"}
    assert stack.asked[-1].window == stack.asked[0].window
    assert "after all" in stack.told()[1]["text"]
    action = stack.wiring.ledger().action(incident.id)
    assert action is not None
    assert action.status == ActionStatus.ACTING


# --- Accidents ---


def test_a_message_delivered_again_after_its_look_does_nothing(incident: Incident) -> None:
    message = incident.looks[-1]
    incident.look()
    read = len(incident.stack.read)
    assert follow_up.handle(delivered(message), incident.stack.wiring, incident.stack.deadline) == DONE
    assert (len(incident.stack.read), len(incident.looks)) == (read, 2)


def test_another_message_for_the_same_stage_does_nothing(incident: Incident) -> None:
    incident.look(name="m-1")
    read = len(incident.stack.read)
    assert incident.look(by_a_change(), stage=1, name="m-2") == DONE
    assert (len(incident.stack.read), len(incident.stack.told())) == (read, 1)


def test_a_look_that_broke_off_goes_on_with_the_next_delivery(
    incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident.stack.gather_error = MemoryError()
    with pytest.raises(MemoryError):
        incident.look(by_a_change())
    incident.stack.gather_error = None
    assert incident.look(stage=1) == DONE
    assert "after all" in incident.stack.told()[1]["text"]


def test_a_look_that_breaks_off_takes_the_next_one_not_with_it(incident: Incident) -> None:
    incident.stack.gather_error = MemoryError()
    with pytest.raises(MemoryError):
        incident.look()
    assert [each["attempt"] for each in incident.looks] == [1, 2]


def test_a_next_look_that_could_not_be_asked_for_is_asked_for_by_the_next_delivery(
    incident: Incident,
) -> None:
    sqs = incident.stack.fakes
    sqs["sqs"] = Unreachable(refusal("SendMessage", "ServiceUnavailable"))
    assert incident.look() == AGAIN
    del sqs["sqs"]
    assert incident.look(stage=1) == DONE
    assert [each["attempt"] for each in incident.looks] == [1, 2]


def test_further_alarms_multiply_no_looks(incident: Incident) -> None:
    further = json.loads(
        json.dumps(incident.alarm_event).replace("order-api-elb-5xx", "order-api-target-5xx")
    )
    incident.stack.now = NOW + timedelta(minutes=1)
    alarm.handle(further, Context(), incident.stack.wiring, incident.stack.deadline)
    assert len(incident.looks) == 1


def test_a_table_that_cannot_be_reached_lets_the_message_come_again(incident: Incident) -> None:
    incident.stack.fakes["dynamodb"] = Unreachable(refusal("GetItem", "InternalServerError"))
    assert incident.look() == AGAIN
    del incident.stack.fakes["dynamodb"]
    assert incident.look() == DONE


@pytest.mark.parametrize("attempt", [0, 4, 99])
def test_a_stage_that_does_not_exist_is_no_message_of_ours(incident: Incident, attempt: int) -> None:
    message = {**incident.looks[-1], "attempt": attempt}
    assert follow_up.handle(delivered(message), incident.stack.wiring, incident.stack.deadline) == AGAIN


def test_a_message_without_its_subject_is_no_message_of_ours(incident: Incident) -> None:
    message = {**incident.looks[-1], "subject": {"alarm": {}}}
    assert follow_up.handle(delivered(message), incident.stack.wiring, incident.stack.deadline) == AGAIN


def test_what_was_rolled_back_is_not_requested_again_by_late_evidence(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    incident = Incident(stack, alarm_event, verdict())
    begin_rollback(incident)
    alarms = parse_event(event("eventbridge-metric.json"))
    assert isinstance(alarms, tuple)
    about: Any = entry_point(alarms[0], alarms[0].metrics)
    subject = written(Subject(alarms[0], about, ("HTTPCode_ELB_502_Count",)))
    message = {"incident_id": incident.id, "kind": LOOK_AGAIN, "attempt": 1, "subject": subject}
    assert follow_up.handle(delivered(message), stack.wiring, stack.deadline) == DONE
    assert len(stack.messages("rollback")) == 1
