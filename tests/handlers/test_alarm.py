"""AlarmFunction: one document for every event, one message for every incident, one rollback at most."""

import json
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from jsonschema import Draft202012Validator

from diagnosis.verdict import Trigger, Verdict
from handlers.alarm import handle
from handlers.settling import NobodyToldError
from handlers.wiring import Deadline
from tests.diagnosis.judged import candidate, verdict
from tests.handlers.conftest import EVENTS, Context, Stack, Unreachable, event

SCHEMA = json.loads((EVENTS.parent / "tests/diagnosis/diagnosis.schema.json").read_text())


def handled(stack: Stack, body: Any, context: Context | None = None) -> dict[str, Any]:
    context = context or Context()
    document = handle(body, context, stack.wiring, Deadline(context, stack.wiring.seconds))
    Draft202012Validator(SCHEMA).validate(document)
    return dict(document)


def renamed(body: dict[str, Any], name: str) -> dict[str, Any]:
    """The same alarm under another name."""
    text = json.dumps(body).replace("order-api-elb-5xx", name)
    changed: dict[str, Any] = json.loads(text)
    return changed


DENIED = ClientError({"Error": {"Code": "AccessDenied"}}, "Call")
UNREACHABLE = EndpointConnectionError(endpoint_url="https://nowhere")


def test_a_proven_release_is_diagnosed_told_and_handed_on(stack: Stack, alarm_event: dict[str, Any]) -> None:
    document = handled(stack, alarm_event)
    assert (document["outcome"], document["cause"]["code"]) == ("diagnosed", "target_broke_exchange")
    assert document["rollback"]["decision"] == "requested"
    assert document["incident_id"].startswith("order-api-20261120T1447-")
    [told] = stack.told()
    assert (told["cause"], told["rollback"], told["outcome"]) == (
        "target_broke_exchange",
        "requested",
        "diagnosed",
    )
    [request] = stack.messages("rollback")
    assert (request["deployment_id"], request["requested_by"], request["delay"]) == ("d-NEW", "auto", 60)
    assert request["incident_id"] == document["incident_id"]
    action = stack.wiring.ledger().action(document["incident_id"])
    assert action is not None
    assert (action.status, action.to_deployment_id, action.opt_in_needed) == ("planned", "d-OLD", True)
    incident = stack.wiring.incidents().get(document["incident_id"])
    assert incident is not None
    assert incident.document == document


@pytest.mark.parametrize(("mode", "decision"), [("recommend", "recommended"), ("off", "none")])
def test_only_auto_hands_a_rollback_on(
    stack: Stack, alarm_event: dict[str, Any], mode: str, decision: str
) -> None:
    stack.environment["ROLLBACK_MODE"] = mode
    document = handled(stack, alarm_event)
    assert document["rollback"]["decision"] == decision
    assert stack.messages("rollback") == []
    assert stack.wiring.ledger().action(document["incident_id"]) is None


def test_what_awaits_approval_is_planned_and_not_handed_on(stack: Stack, alarm_event: dict[str, Any]) -> None:
    stack.environment["ROLLBACK_MODE"] = "approve"
    document = handled(stack, alarm_event)
    assert document["rollback"]["decision"] == "awaiting_approval"
    assert stack.messages("rollback") == []
    action = stack.wiring.ledger().action(document["incident_id"])
    assert action is not None
    assert (action.status, action.opt_in_needed) == ("awaiting_approval", False)


def test_the_same_event_twice_is_one_diagnosis(stack: Stack, alarm_event: dict[str, Any]) -> None:
    first = handled(stack, alarm_event)
    second = handled(stack, {**alarm_event, "id": "another-delivery"})
    assert (second["outcome"], second["incident_id"]) == ("duplicate", first["incident_id"])
    assert len(stack.told()) == len(stack.messages("rollback")) == 1


def test_an_event_under_way_is_a_duplicate(stack: Stack, alarm_event: dict[str, Any]) -> None:
    inner: list[str] = []

    def meanwhile() -> Verdict:
        inner.append(handled(stack, alarm_event)["outcome"])
        return verdict()

    stack.judge = meanwhile  # type: ignore[method-assign]
    handled(stack, alarm_event)
    assert inner == ["duplicate"]


def test_a_second_alarm_joins_the_incident_and_rolls_nothing_back_twice(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    first = handled(stack, alarm_event)
    second = handled(stack, renamed(alarm_event, "order-api-target-5xx"))
    assert (second["outcome"], second["incident_id"]) == ("diagnosed", first["incident_id"])
    assert second["rollback"]["decision"] == "refused"
    assert [each["name"] for each in second["rollback"]["guards"] if not each["passed"]] == [
        "not_rolled_back_before"
    ]
    assert len(stack.messages("rollback")) == 1
    assert "further alarm" in stack.told()[1]["subject"]
    incident = stack.wiring.incidents().get(first["incident_id"])
    assert incident is not None
    assert incident.document is not None
    assert incident.document["rollback"]["decision"] == "requested"


def test_an_alarm_that_is_ok_again_closes_the_incident(stack: Stack, alarm_event: dict[str, Any]) -> None:
    first = handled(stack, alarm_event)
    stack.now += timedelta(minutes=11)
    resolved = handled(stack, event("eventbridge-ok.json"))
    assert (resolved["outcome"], resolved["incident_id"]) == ("resolved", first["incident_id"])
    assert "Resolved" in stack.told()[1]["subject"]
    assert stack.item("open") is None


def test_people_hear_of_the_end_only_when_no_alarm_is_left(stack: Stack, alarm_event: dict[str, Any]) -> None:
    handled(stack, alarm_event)
    handled(stack, renamed(alarm_event, "order-api-target-5xx"))
    assert handled(stack, event("eventbridge-ok.json"))["outcome"] == "resolved"
    assert len(stack.told()) == 2
    handled(stack, renamed(event("eventbridge-ok.json"), "order-api-target-5xx"))
    assert len(stack.told()) == 3


@pytest.mark.parametrize(
    "name",
    [
        "garbage-list.json",
        "garbage-empty-object.json",
        "garbage-sns-text.json",
        "garbage-s3-notification.json",
        "garbage-alarm-without-state.json",
        "eventbridge-configuration-change.json",
        "eventbridge-insufficient-data.json",
        "eventbridge-rds.json",
    ],
)
def test_what_is_not_for_us_is_ignored_with_a_reason_and_no_call(stack: Stack, name: str) -> None:
    stack.wiring.client = lambda *_: pytest.fail("nothing may be called")  # type: ignore[method-assign]
    document = handled(stack, event(name))
    assert document["outcome"] == "ignored"
    assert document["reason"]


def test_alarms_of_another_prefix_are_ignored(stack: Stack, alarm_event: dict[str, Any]) -> None:
    stack.environment["ALARM_NAME_PREFIX"] = "prod-"
    assert handled(stack, alarm_event)["outcome"] == "ignored"


@pytest.mark.parametrize(
    "name", ["lambda-action-metric.json", "sns-metric.json", "eventbridge-metric-math.json"]
)
def test_every_envelope_leads_to_a_diagnosis(stack: Stack, name: str) -> None:
    assert handled(stack, event(name))["outcome"] == "diagnosed"


def test_a_composite_alarm_is_resolved_through_its_children(stack: Stack) -> None:
    class Alarms:
        def get_paginator(self, _operation: str) -> "Alarms":
            return self

        def paginate(self, **request: Any) -> Any:
            names = request["AlarmNames"]
            dimensions = [{"Name": "LoadBalancer", "Value": "app/order-api/50dc6c495c0c9188"}]
            metric = {
                "Namespace": "AWS/ApplicationELB",
                "MetricName": "HTTPCode_ELB_5XX_Count",
                "Dimensions": dimensions,
            }
            yield {"MetricAlarms": [{"AlarmName": name, "StateValue": "ALARM", **metric} for name in names]}

    stack.fakes["cloudwatch"] = Alarms()
    document = handled(stack, event("eventbridge-composite.json"))
    assert document["outcome"] == "diagnosed"
    assert document["resource"]["name"] == "order-api"


def test_a_composite_alarm_that_cannot_be_resolved_is_passed_on(stack: Stack) -> None:
    stack.fakes["cloudwatch"] = Unreachable(DENIED)
    document = handled(stack, event("eventbridge-composite.json"))
    assert document["outcome"] == "failed"
    assert "AccessDenied" in document["reason"]
    [told] = stack.told()
    assert told["outcome"] == "failed"


def test_a_broken_diagnosis_passes_the_raw_alarm_on(stack: Stack, alarm_event: dict[str, Any]) -> None:
    stack.gather_error = ZeroDivisionError()
    document = handled(stack, alarm_event)
    assert (document["outcome"], document["reason"]) == ("failed", "Unexpected error: ZeroDivisionError.")
    [told] = stack.told()
    assert "order-api-elb-5xx" in told["text"]
    assert stack.messages("rollback") == []


def test_a_diagnosis_that_takes_too_long_passes_the_raw_alarm_on(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    waiting = Event()

    def slowly() -> Verdict:
        waiting.wait(5)
        return verdict()

    stack.judge = slowly  # type: ignore[method-assign]
    document = handled(stack, alarm_event, Context(milliseconds=15_100))
    waiting.set()
    assert (document["outcome"], document["reason"]) == ("failed", "The diagnosis took too long.")
    assert len(stack.told()) == 1


@pytest.mark.parametrize("error", [DENIED, UNREACHABLE])
def test_without_the_table_people_are_told_and_nothing_is_rolled_back(
    stack: Stack, alarm_event: dict[str, Any], error: Exception
) -> None:
    stack.fakes["dynamodb"] = Unreachable(error)
    document = handled(stack, alarm_event)
    assert (document["outcome"], document["rollback"]["decision"]) == ("diagnosed", "refused")
    refused = {each["name"] for each in document["rollback"]["guards"] if not each["passed"]}
    assert refused == {"not_rolled_back_before", "not_too_many"}
    assert len(stack.told()) == 1
    assert stack.messages("rollback") == []


@pytest.mark.parametrize("error", [DENIED, UNREACHABLE])
def test_without_the_kill_switch_nothing_is_rolled_back(
    stack: Stack, alarm_event: dict[str, Any], error: Exception
) -> None:
    stack.fakes["ssm"] = Unreachable(error)
    document = handled(stack, alarm_event)
    assert document["rollback"]["decision"] == "refused"
    assert len(stack.told()) == 1


def test_a_rollback_that_cannot_be_handed_on_is_taken_back_and_said(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    stack.fakes["sqs"] = Unreachable(DENIED)
    document = handled(stack, alarm_event)
    assert document["rollback"]["decision"] == "refused"
    assert [each["rollback"] for each in stack.told()] == ["requested", "refused"]
    assert "could not be made" in stack.told()[1]["subject"]
    assert "aws deploy create-deployment" in stack.told()[1]["text"]
    assert in_ledger_and_table(stack) == ("refused", "refused")
    action = stack.wiring.ledger().action(document["incident_id"])
    assert action is not None
    assert action.status == "refused"


def test_when_nobody_can_be_told_nothing_is_rolled_back_and_the_event_comes_again(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    stack.fakes["sns"] = Unreachable(UNREACHABLE)
    with pytest.raises(NobodyToldError):
        handled(stack, alarm_event)
    assert stack.messages("rollback") == []
    assert in_ledger_and_table(stack) == ("withdrawn", "refused")


def test_when_people_can_be_told_again_the_rollback_is_planned_anew(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    stack.fakes["sns"] = Unreachable(UNREACHABLE)
    with pytest.raises(NobodyToldError):
        handled(stack, alarm_event)
    del stack.fakes["sns"]
    stack.now += timedelta(minutes=1)
    again = handled(stack, alarm_event)
    assert (again["outcome"], again["rollback"]["decision"]) == ("diagnosed", "requested")
    assert in_ledger_and_table(stack) == ("planned", "requested")
    assert [each["rollback"] for each in stack.told()] == ["requested"]
    [request] = stack.messages("rollback")
    assert (request["incident_id"], request["delay"]) == (again["incident_id"], 60)


def in_ledger_and_table(stack: Stack) -> tuple[str, str]:
    """How the one rollback stands in the ledger, and what the incident's document says of it."""
    action, incident = stack.item("action#rollback"), stack.item("incident")
    assert action is not None
    assert incident is not None
    document = json.loads(incident["document"]["S"])
    return action["status"]["S"], document["rollback"]["decision"]


def test_an_event_replayed_after_hours_is_judged_as_of_its_time_and_moves_nothing(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    stack.now += timedelta(days=3)
    document = handled(stack, alarm_event)
    assert stack.asked[0].now.isoformat().startswith("2026-11-20T14:48")
    assert document["rollback"]["decision"] == "refused"
    refused = [each["name"] for each in document["rollback"]["guards"] if not each["passed"]]
    assert refused == ["alarm_is_fresh"]


def test_an_incident_is_looked_at_again_three_minutes_after_its_alarm(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    stack.verdict = verdict(trigger=Trigger(candidate(), (), blind=True))
    document = handled(stack, alarm_event)
    [asked] = stack.messages("follow-up")
    assert (asked["kind"], asked["incident_id"]) == ("look_again", document["incident_id"])
    assert 170 <= asked["delay"] <= 181


def test_further_alarms_of_an_incident_are_looked_at_again_with_the_first(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    stack.verdict = verdict(trigger=Trigger(candidate(), (), blind=True))
    handled(stack, alarm_event)
    handled(stack, renamed(alarm_event, "order-api-target-5xx"))
    assert len(stack.told()) == 2
    assert len(stack.messages("follow-up")) == 1


def test_a_look_again_that_could_not_be_asked_for_is_asked_for_by_the_next_alarm(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    stack.verdict = verdict(trigger=Trigger(candidate(), (), blind=True))
    stack.fakes["sqs"] = Unreachable(DENIED)
    handled(stack, alarm_event)
    del stack.fakes["sqs"]
    handled(stack, renamed(alarm_event, "order-api-target-5xx"))
    assert len(stack.messages("follow-up")) == 1


def test_a_metric_is_no_wall_time_and_the_identity_no_envelope(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    handled(stack, alarm_event)
    stack.now += timedelta(minutes=3)
    assert handled(stack, deepcopy(alarm_event))["outcome"] == "duplicate"
    assert handled(stack, event("lambda-action-metric.json"))["outcome"] == "duplicate"


def test_a_first_refusal_can_be_followed_by_a_rollback_from_a_second_alarm(
    stack: Stack, alarm_event: dict[str, Any]
) -> None:
    stack.verdict = replace(stack.verdict, rollback_support=0.5)
    assert handled(stack, alarm_event)["rollback"]["decision"] == "refused"
    stack.verdict = verdict()
    second = handled(stack, renamed(alarm_event, "order-api-target-5xx"))
    assert second["rollback"]["decision"] == "requested"
    assert len(stack.messages("rollback")) == 1
    assert "further alarm" not in stack.told()[1]["subject"]
