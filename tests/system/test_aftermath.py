"""What happens after the alarm: vetoes, approvals, last checks, further alarms, the end; minute by minute."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lab import Fault, Lab
from tests.system.answers import (
    Document,
    action,
    acts,
    all_schema_problems,
    cause,
    decision,
    incidents,
    posted,
    refusing,
    schema_problems,
    stored_documents,
    subjects,
    told,
)
from tests.system.famous import GOOD, NEW, RELEASE, SECURITY_GROUP, changed, with_deployment

PAST_THE_VETO = 3
PAST_THE_SECOND_LOOK = 8
ALL_OVER = 40


def stored_decision(lab: Lab) -> str:
    [document] = stored_documents(lab).values()
    return decision(document)


def answer(invocation: Any) -> str:
    """What the person who pressed a button reads."""
    assert not invocation.failed, invocation.error
    text: str = json.loads(invocation.result["body"])["text"]
    return text


# The incidents of fame, and three more, to their ends


def test_the_release_is_rolled_back_watched_and_told_to_have_recovered() -> None:
    with Lab.stage(RELEASE) as lab:
        document = lab.run_alarm()
        assert (cause(document), decision(document)) == ("target_broke_exchange", "requested")
        assert acts(lab) == []
        lab.run_until(ALL_OVER)
        [created] = lab.created_deployments
        assert created["revision"]["s3Location"]["key"] == GOOD
        assert (action(lab), stored_decision(lab)) == ("recovered", "recovered")
        [kept] = stored_documents(lab).values()
        assert kept["rollback"]["rollback_deployment_id"] == created["deploymentId"]
        assert [each.split(":")[-1].strip() for each in subjects(lab)[1:]] == [
            "rollback started",
            "order-api",
            "recovered after the rollback",
        ]
        assert len(posted(lab)) == 4
        assert created["deploymentId"] in told(lab)
        assert [item["state"]["S"] for item in incidents(lab)] == ["closed"]
        assert all_schema_problems(lab) == []


def test_the_same_minutes_by_a_security_group_are_found_out_and_left_alone() -> None:
    with Lab.stage(SECURITY_GROUP) as lab:
        document = lab.run_alarm()
        assert decision(document) == "refused"
        assert document["trigger"]["kind"] in {"unknown", "configuration_change"}
        lab.run_until(ALL_OVER)
        assert acts(lab) == []
        [kept] = stored_documents(lab).values()
        assert kept["trigger"]["kind"] == "configuration_change"
        assert "RevokeSecurityGroupIngress" in posted(lab)[-1].words()
        assert len(posted(lab)) == len(lab.sns_messages) == 2


def test_a_running_deployment_is_stopped_and_what_codedeploy_then_makes_is_watched() -> None:
    with Lab.stage("release-breaks-responses-one-target-at-a-time") as lab:
        lab.run_alarm()
        lab.run_until(ALL_OVER)
        [stopped] = acts(lab)
        assert stopped["deploymentId"] == lab.scenario.expect.trigger_id
        assert stopped["autoRollbackEnabled"] is True
        assert action(lab) == "recovered"
        [kept] = stored_documents(lab).values()
        assert kept["rollback"]["rollback_deployment_id"] not in (None, "", stopped["deploymentId"])


@pytest.mark.parametrize(
    ("name", "said"),
    [("rollback-will-not-help", "did not help"), ("rollback-deployment-itself-fails", "failed")],
)
def test_a_rollback_that_cures_nothing_is_said_plainly_and_not_repeated(name: str, said: str) -> None:
    with Lab.stage(name) as lab:
        lab.run_alarm()
        lab.run_until(ALL_OVER)
        assert len(acts(lab)) == 1
        assert (action(lab), stored_decision(lab)) == ("did_not_help", "did_not_help")
        assert said in subjects(lab)[-1]
        assert len(posted(lab)) == len(lab.sns_messages) == 3


# People decide


def test_a_veto_in_time_stops_the_rollback_and_everybody_hears_of_it() -> None:
    with Lab.stage(RELEASE) as lab:
        lab.run_alarm()
        assert "vetoed" in answer(lab.press("veto"))
        lab.run_until(PAST_THE_SECOND_LOOK)
        assert acts(lab) == []
        assert (action(lab), stored_decision(lab)) == ("vetoed", "vetoed")
        assert "lab.person" in lab.sns_messages[-1].message
        assert f"{lab.scenario.at:%H:%M} UTC" in lab.sns_messages[-1].message.splitlines()[2]
        assert len(posted(lab)) == 2


def test_a_veto_after_the_rollback_began_comes_too_late_and_says_so() -> None:
    with Lab.stage(RELEASE) as lab:
        lab.run_alarm()
        lab.run_until(PAST_THE_VETO)
        assert answer(lab.press("veto")).startswith("Too late")
        assert len(acts(lab)) == 1


def test_an_approval_pressed_twice_creates_one_deployment() -> None:
    with Lab.stage(RELEASE, mode="approve") as lab:
        document = lab.run_alarm()
        assert decision(document) == "awaiting_approval"
        lab.run_until(1)
        assert acts(lab) == []
        assert "approved" in answer(lab.press("approve"))
        assert "approved" in answer(lab.press("approve"))
        lab.run_until(ALL_OVER)
        assert len(lab.created_deployments) == len(acts(lab)) == 1
        assert "asked for by" in lab.created_deployments[0]["description"]
        assert action(lab) == "recovered"
        assert len([each for each in subjects(lab) if "rollback started" in each]) == 1
        assert watched(lab).count(2) == 1


def watched(lab: Lab) -> list[int]:
    """The number of each look at the rollback that was asked for."""
    bodies = [
        json.loads(record["body"])
        for each in lab.invocations
        if each.function == "FollowUpFunction"
        for record in each.event["Records"]
    ]
    return [body["attempt"] for body in bodies if body["kind"] == "watch_rollback"]


def test_what_was_rejected_cannot_be_approved_any_more() -> None:
    with Lab.stage(RELEASE, mode="approve") as lab:
        lab.run_alarm()
        lab.press("reject")
        assert answer(lab.press("approve")).startswith("Too late")
        lab.run_until(PAST_THE_SECOND_LOOK)
        assert acts(lab) == []
        assert stored_decision(lab) == "vetoed"
        assert "order-api: rollback rejected" in subjects(lab)


def test_without_an_answer_nothing_is_rolled_back() -> None:
    with Lab.stage(RELEASE, mode="approve") as lab:
        lab.run_alarm()
        lab.run_until(ALL_OVER)
        assert acts(lab) == []
        assert action(lab) == "awaiting_approval"


@pytest.mark.parametrize("mode", ["recommend", "off"])
def test_in_the_quieter_modes_there_is_no_button_and_no_rollback(mode: str) -> None:
    with Lab.stage(RELEASE, mode=mode) as lab:
        document = lab.run_alarm()
        lab.run_until(PAST_THE_SECOND_LOOK)
        assert decision(document) == {"recommend": "recommended", "off": "none"}[mode]
        assert [button for message in posted(lab) for button in message.buttons() if "value" in button] == []
        assert acts(lab) == []


# The world changes during the veto


def refused_at_the_last_check(lab: Lab) -> str:
    """The sentence, the same to everybody, by which a requested rollback was refused."""
    assert decision(lab.run_alarm()) == "requested"
    lab.run_until(PAST_THE_VETO)
    assert acts(lab) == []
    assert (action(lab), stored_decision(lab)) == ("refused", "refused")
    assert subjects(lab)[-1] == "order-api: rollback refused at the last check"
    sentence = posted(lab)[-1].text.splitlines()[-1]
    assert sentence in lab.sns_messages[-1].message
    return sentence


@pytest.mark.parametrize("value", ["false", "TRUE!", None])
def test_the_kill_switch_stops_what_is_already_under_way(value: str | None) -> None:
    with Lab.stage(RELEASE) as lab:
        lab.runtime.at(lab.scenario.moment(0.5), lambda: lab.set_kill_switch(value))
        assert "kill switch" in refused_at_the_last_check(lab)


def test_errors_that_stop_during_the_veto_need_no_rollback() -> None:
    with Lab.stage(changed(target_groups={"orders": {"elb_502": "0, -3..-1: 369"}})) as lab:
        assert refused_at_the_last_check(lab) == "The errors do not go on any more."


def test_a_deployment_that_starts_during_the_veto_is_not_overtaken() -> None:
    fix = {
        "id": "d-HOTFIX241",
        "created": "+0.4",
        "started": "+0.5",
        "completed": None,
        "status": "InProgress",
        "revision": {"bucket": "order-api-releases", "key": "order-api-v2.4.1.zip"},
    }
    with Lab.stage(with_deployment(fix)) as lab:
        assert refused_at_the_last_check(lab) == "Another deployment came in between: d-HOTFIX241."


# Events that come again, late, or at the same time


def test_a_second_alarm_joins_the_incident_with_a_short_message_and_no_second_rollback() -> None:
    other = {"name": "order-api-elb-502", "metric": "HTTPCode_ELB_502_Count", "threshold": 50}
    with Lab.stage(changed(alarms=[other])) as lab:
        first = lab.run_alarm()
        lab.clock.advance(20)
        invocation = lab.send(lab.alarms.event(lab.scenario.other_alarms[0], "ALARM", lab.clock.now()))
        assert invocation is not None
        second = invocation.result
        assert second["incident_id"] == first["incident_id"]
        assert len(incidents(lab)) == 1
        assert "not_rolled_back_before" in refusing(second)
        short, whole = posted(lab)[-1], posted(lab)[0]
        assert "order-api-elb-502" in short.text
        assert len(short.words()) < len(whole.words()) / 2
        lab.run_until(ALL_OVER)
        assert len(acts(lab)) == 1


def test_an_incident_ends_with_its_last_alarm() -> None:
    other = {"name": "order-api-elb-502", "metric": "HTTPCode_ELB_502_Count", "threshold": 50}
    with Lab.stage(changed(SECURITY_GROUP, alarms=[other])) as lab:
        lab.run_alarm()
        alarm = lab.scenario.other_alarms[0]
        for state, closed in (("ALARM", "open"), ("OK", "open")):
            lab.clock.advance(20)
            lab.send(lab.alarms.event(alarm, state, lab.clock.now()))
            assert [item["state"]["S"] for item in incidents(lab)] == [closed]
        before = len(posted(lab))
        lab.clock.advance(20)
        resolved = lab.send(lab.alarm_event("OK"))
        assert resolved is not None
        assert resolved.result["outcome"] == "resolved"
        assert [item["state"]["S"] for item in incidents(lab)] == ["closed"]
        assert len(posted(lab)) == before + 1
        assert subjects(lab)[-1] == "Resolved: order-api"
        assert all_schema_problems(lab) == []


def test_the_same_event_twice_is_one_diagnosis_and_one_message() -> None:
    with Lab.stage(RELEASE) as lab:
        event = lab.alarm_event()
        first, second = lab.send(event), lab.send(event)
        assert first is not None
        assert second is not None
        assert (first.result["outcome"], second.result["outcome"]) == ("diagnosed", "duplicate")
        assert second.result["incident_id"] == first.result["incident_id"]
        assert len(posted(lab)) == len(lab.sns_messages) == 1
        lab.run_until(PAST_THE_VETO)
        assert len(acts(lab)) == 1
        assert all_schema_problems(lab) == []


def test_the_same_event_delivered_twice_at_once_is_one_message() -> None:
    """The second delivery comes to the same environment while the first is about to publish."""
    with Lab.stage(RELEASE) as lab:
        event = lab.alarm_event()
        answers: list[Document] = []

        def deliver_again() -> None:
            import handlers.alarm  # the copy that belongs to the function that is running

            answers.append(handlers.alarm.handler(event, Context()))

        _once_before_publishing(lab, deliver_again)
        first = lab.send(event)
        assert first is not None
        assert first.result["outcome"] == "diagnosed"
        assert [document["outcome"] for document in answers] == ["duplicate"]
        assert [problem for document in answers for problem in schema_problems(document)] == []
        assert len(posted(lab)) == len(lab.sns_messages) == 1
        lab.run_until(PAST_THE_VETO)
        assert len(acts(lab)) == 1


class Context:
    """As much of Lambda's context as a function may use."""

    function_name = "alarm"
    function_version = "$LATEST"
    aws_request_id = "another-delivery"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def _once_before_publishing(lab: Lab, act: Callable[[], None]) -> None:
    publish, waiting = lab.wire._checks["sns.Publish"], [act]

    def check(asked: Document) -> None:
        if waiting:
            waiting.pop()()
        publish(asked)

    lab.wire.check("sns", "Publish", check)


@pytest.mark.parametrize("minutes", [2, 20])
def test_a_rollback_message_delivered_again_makes_no_second_deployment(minutes: int) -> None:
    with Lab.stage(RELEASE) as lab:
        lab.run_alarm()
        lab.run_until(minutes)
        delivered = next(each for each in lab.invocations if each.function == "RollbackFunction")
        again = lab.runtime.invoke("RollbackFunction", delivered.event)
        assert again.result == {"batchItemFailures": []}
        lab.run_until(ALL_OVER)
        assert len(acts(lab)) == 1
        assert len([each for each in subjects(lab) if "rollback started" in each]) == 1
        assert len([each for each in subjects(lab) if "recovered" in each]) == 1
        assert watched(lab).count(2) <= 1


def test_several_alarms_whose_triggers_cannot_be_seen_yet_are_looked_at_again_together() -> None:
    other = {"name": "order-api-elb-502", "metric": "HTTPCode_ELB_502_Count", "threshold": 50}
    with Lab.stage(changed(SECURITY_GROUP, alarms=[other])) as lab:
        lab.run_alarm()
        lab.clock.advance(20)
        lab.send(lab.alarms.event(lab.scenario.other_alarms[0], "ALARM", lab.clock.now()))
        lab.run_until(PAST_THE_SECOND_LOOK)
        looks = [each for each in lab.invocations if each.function == "FollowUpFunction"]
        assert len(looks) == 2  # three and six minutes after the first alarm
        assert "RevokeSecurityGroupIngress" in posted(lab)[-1].words()


def test_a_second_look_that_sees_less_than_the_first_replaces_nothing() -> None:
    """As it may where the evidence of the first look was lost, so that all must be read again."""
    blind = {"codedeploy.ListDeployments": Fault("AccessDenied", function="FollowUpFunction")}
    with Lab.stage(SECURITY_GROUP, faults=blind) as lab:
        lab.run_alarm()
        [kept] = [each for each in lab.items() if each["sk"]["S"] == "evidence"]
        lab.client("dynamodb").delete_item(
            TableName=lab.stack.references["Table"], Key={name: kept[name] for name in ("pk", "sk")}
        )
        lab.run_until(4)
        assert [each.function for each in lab.invocations].count("FollowUpFunction") == 1
        assert len(posted(lab)) == 1


def test_an_alarm_that_fires_again_after_the_rollback_blames_nothing_twice() -> None:
    """The revision was rolled back from: whatever comes next, it is not done again."""
    with Lab.stage("rollback-will-not-help") as lab:
        lab.run_alarm()
        lab.run_until(15)
        made = len(acts(lab))
        lab.send(lab.alarm_event("OK"))
        lab.clock.advance(60)
        again = lab.send(lab.alarm_event("ALARM"))
        assert again is not None
        assert again.result["outcome"] == "diagnosed"
        lab.run_until(ALL_OVER)
        assert made == len(acts(lab)) == 1


def test_an_event_replayed_after_a_day_moves_nothing() -> None:
    with Lab.stage(RELEASE) as lab:
        event = lab.alarm_event()
        lab.clock.advance(86_400)
        invocation = lab.send(event)
        assert invocation is not None
        assert "alarm_is_fresh" in refusing(invocation.result) or decision(invocation.result) == "none"
        lab.runtime.run_until(lab.scenario.moment(24 * 60 + 10))
        assert acts(lab) == []


def test_the_deployment_is_named_with_the_command_to_go_back_by_hand() -> None:
    with Lab.stage(RELEASE, mode="recommend") as lab:
        lab.run_alarm()
        for text in (posted(lab)[0].words(), lab.sns_messages[0].message):
            assert NEW in text
            assert "aws deploy create-deployment" in text
            assert GOOD in text
