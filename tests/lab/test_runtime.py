"""Events, queues, retries and time, as AWS moves them; and nothing of it stays behind."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from lab import HandlerFailedError

FAILS = """
def handler(event, context):
    raise RuntimeError("out of order")
"""
REQUEST_ID = """
seen = []

def handler(event, context):
    seen.append(context.aws_request_id)
    if len(seen) < 3:
        raise RuntimeError("not yet")
    return {"ids": seen}
"""
HANDS_ON = """
import json, os, boto3

def handler(event, context):
    body = json.dumps({"incident_id": "i1"})
    url, delay = os.environ["QUEUE_URL"], int(os.environ["VETO"])
    boto3.client("sqs").send_message(QueueUrl=url, MessageBody=body, DelaySeconds=delay)
    boto3.client("sns").publish(
        TopicArn=os.environ["TOPIC_ARN"], Subject="Fire", Message="Look.",
        MessageAttributes={"cause": {"DataType": "String", "StringValue": "target_broke_exchange"}},
    )
    return {"schema_version": "1", "outcome": "diagnosed"}
"""
FAILS_ITS_ITEM = """
import json

def handler(event, context):
    (record,) = event["Records"]
    count, body = record["attributes"]["ApproximateReceiveCount"], json.loads(record["body"])
    print("attempt", count, body["incident_id"])
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
"""


def test_the_alarm_function_gets_the_event_and_its_document_comes_back(application: Any, stage: Any) -> None:
    application.door(
        "alarm",
        """
        def handler(event, context):
            return {"schema_version": "1", "name": event["detail"]["alarmName"]}
        """,
    )
    with stage() as lab:
        assert lab.run_alarm() == {"schema_version": "1", "name": "order-api-elb-5xx"}
        assert lab.documents == [lab.invocations[0].result]


def test_an_event_that_no_rule_matches_wakes_nobody(stage: Any) -> None:
    with stage(alarm={"name": "self-watch"}) as lab:
        assert lab.run_alarm() == {}
        assert [event.kind for event in lab.events] == ["event", "unmatched"]


@pytest.mark.parametrize("envelope", ["lambda_action", "sns"])
def test_the_other_envelopes_go_straight_to_the_function(application: Any, stage: Any, envelope: str) -> None:
    application.door("alarm", "def handler(event, context):\n    return sorted(event)\n")
    with stage(alarm={"envelope": envelope}) as lab:
        lab.run_alarm()
        assert len(lab.invocations) == 1


def test_a_handler_that_raises_is_reported(application: Any, stage: Any) -> None:
    application.door("alarm", FAILS)
    with stage() as lab, pytest.raises(HandlerFailedError, match="out of order"):
        lab.run_alarm()


def test_a_failed_event_is_tried_twice_more_and_then_goes_to_the_dead_letters(
    application: Any, stage: Any
) -> None:
    application.door("alarm", FAILS)
    with stage() as lab:
        lab.run_alarm(raise_errors=False)
        lab.run_until(10)
        times = [event.at for event in lab.events if event.kind == "invocation"]
        assert [round((at - times[0]).total_seconds() / 60) for at in times] == [0, 1, 3]
        url = lab.stack.queues["DeadLetters"]
        letter = json.loads(lab.client("sqs").receive_message(QueueUrl=url)["Messages"][0]["Body"])
    assert letter["requestContext"]["condition"] == "RetriesExhausted"
    assert letter["requestPayload"]["detail"]["alarmName"] == "order-api-elb-5xx"


def test_an_event_is_not_tried_again_once_it_has_gone_well(application: Any, stage: Any) -> None:
    application.door("alarm", REQUEST_ID)
    with stage() as lab:
        lab.run_alarm(raise_errors=False)
        lab.run_until(30)
        assert [invocation.failed for invocation in lab.invocations] == [True, True, False]


def test_a_delayed_message_wakes_its_function_when_it_is_due(application: Any, stage: Any) -> None:
    application.door("alarm", HANDS_ON)
    application.door("rollback", "def handler(event, context):\n    print(event['Records'][0]['body'])\n")
    with stage() as lab:
        lab.run_alarm()
        sent = lab.clock.now()
        assert [invocation.function for invocation in lab.invocations] == ["AlarmFunction"]
        lab.run_until(30)
        (woken,) = [event for event in lab.events if "RollbackFunction" in event.text]
        assert timedelta(seconds=60) <= woken.at - sent < timedelta(seconds=61)
        assert json.loads(lab.invocations[1].output) == {"incident_id": "i1"}
        assert (
            lab.client("sqs").receive_message(QueueUrl=lab.stack.queues["RollbackQueue"]).get("Messages")
            is None
        )


def test_without_delay_the_message_is_delivered_with_the_alarm(application: Any, stage: Any) -> None:
    application.door("alarm", HANDS_ON)
    with stage(options={"parameters": {"VetoSeconds": 0}}) as lab:
        lab.run_alarm()
        assert [invocation.function for invocation in lab.invocations] == [
            "AlarmFunction",
            "RollbackFunction",
        ]


def test_an_item_that_fails_comes_back_and_after_three_times_is_a_dead_letter(
    application: Any, stage: Any
) -> None:
    application.door("alarm", HANDS_ON)
    application.door("rollback", FAILS_ITS_ITEM)
    with stage() as lab:
        lab.run_alarm()
        lab.run_until(30)
        assert [invocation.output for invocation in lab.invocations[1:]] == [
            f"attempt {n} i1\n" for n in (1, 2, 3)
        ]
        times = [event.at for event in lab.events if "RollbackFunction" in event.text]
        assert {round((b - a).total_seconds()) for a, b in pairwise(times)} == {120}
        assert "Messages" in lab.client("sqs").receive_message(QueueUrl=lab.stack.queues["DeadLetters"])


def test_what_is_published_is_read_as_a_subscriber_gets_it(application: Any, stage: Any) -> None:
    application.door("alarm", HANDS_ON)
    with stage() as lab:
        lab.run_alarm()
        (message,) = lab.sns_messages
    assert (message.subject, message.message) == ("Fire", "Look.")
    assert message.attributes == {"cause": "target_broke_exchange"}


@pytest.mark.parametrize("subject", ["x" * 100, "two\nlines", ""])
def test_a_subject_that_sns_refuses_is_refused(application: Any, stage: Any, subject: str) -> None:
    source = f"""
    import os, boto3

    def handler(event, context):
        boto3.client("sns").publish(TopicArn=os.environ["TOPIC_ARN"], Subject={subject!r}, Message="x")
    """
    application.door("alarm", source)
    with stage() as lab:
        lab.run_alarm(raise_errors=False)
        assert lab.calls[0].error == "InvalidParameter"


def test_the_functions_live_on_virtual_time(application: Any, stage: Any) -> None:
    source = """
    import time
    from datetime import datetime, timezone

    def handler(event, context):
        before = context.get_remaining_time_in_millis()
        time.sleep(20)
        gone = before - context.get_remaining_time_in_millis()
        return {"now": datetime.now(timezone.utc).isoformat(), "gone": gone}
    """
    application.door("alarm", source)
    began = time.perf_counter()
    with stage() as lab:
        document = lab.run_alarm()
        after = lab.clock.now()
    assert document["now"] == "2026-11-20T14:47:10+00:00"
    assert document["gone"] >= 20_000
    assert after.isoformat() == "2026-11-20T14:47:30+00:00"
    assert time.perf_counter() - began < 10


def test_a_function_that_takes_too_long_is_timed_out(application: Any, stage: Any) -> None:
    application.door("alarm", "import time\n\ndef handler(event, context):\n    time.sleep(61)\n")
    with stage() as lab, pytest.raises(HandlerFailedError, match=r"Task timed out after 60.00 seconds"):
        lab.run_alarm()


def test_an_answer_that_is_not_json_fails_as_in_lambda(application: Any, stage: Any) -> None:
    application.door("alarm", "def handler(event, context):\n    return {1, 2}\n")
    with stage() as lab, pytest.raises(HandlerFailedError, match=r"Runtime\.MarshalError"):
        lab.run_alarm()


def test_the_context_is_that_of_lambda(application: Any, stage: Any) -> None:
    source = """
    def handler(event, context):
        named = [context.function_name, context.invoked_function_arn]
        return [*named, context.memory_limit_in_mb, context.function_version]
    """
    application.door("alarm", source)
    with stage() as lab:
        lab.run_alarm()
        name, arn, memory, version = lab.invocations[0].result
    assert name.startswith("gateway-triage-AlarmFunction-")
    assert arn == f"arn:aws:lambda:eu-west-1:123456789012:function:{name}"
    assert (memory, version) == (128, "$LATEST")


def test_each_function_has_modules_and_environment_of_its_own_and_stays_warm(
    application: Any, stage: Any
) -> None:
    (application.template.parent / "code" / "doors" / "shared.py").write_text("used = []\n")
    count = """
    import os
    from doors.shared import used

    def handler(event, context):
        used.append(1)
        return [len(used), os.environ["AWS_LAMBDA_FUNCTION_NAME"].split("-")[2]]
    """
    application.door("alarm", count)
    application.door("slack", count)
    with stage() as lab:
        for function in ("AlarmFunction", "AlarmFunction", "SlackFunction"):
            lab.runtime.invoke(function, {})
        assert [one.result for one in lab.invocations] == [
            [1, "AlarmFunction"],
            [2, "AlarmFunction"],
            [1, "SlackFunction"],
        ]


def test_what_functions_print_is_kept_and_not_shown(
    application: Any, stage: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    application.door("alarm", "def handler(event, context):\n    print('a log line')\n")
    with stage() as lab:
        lab.run_alarm()
        assert lab.logs == "a log line\n"
    assert capsys.readouterr().out == ""


def test_a_pressed_button_reaches_the_slack_function_signed(application: Any, stage: Any) -> None:
    application.door(
        "alarm",
        """
        import json, os, urllib.request, boto3

        TEXT = {"type": "plain_text", "text": "Veto"}
        BUTTON = {"type": "button", "action_id": "veto", "value": "i1", "text": TEXT}
        MESSAGE = {"text": "x", "blocks": [{"type": "actions", "elements": [BUTTON]}]}

        def handler(event, context):
            arn = os.environ["SLACK_SECRET_ARN"]
            secret = boto3.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
            request = urllib.request.Request(json.loads(secret)["webhook_url"], json.dumps(MESSAGE).encode())
            with urllib.request.urlopen(request) as answer:
                return answer.read().decode()
        """,
    )
    application.door(
        "slack",
        """
        import json
        from urllib.parse import parse_qs
        from slack_sdk.signature import SignatureVerifier

        def handler(event, context):
            valid = SignatureVerifier("lab-signing-secret").is_valid_request(event["body"], event["headers"])
            (action,) = json.loads(parse_qs(event["body"])["payload"][0])["actions"]
            return {"valid": valid, "value": action["value"]}
        """,
    )
    with stage() as lab:
        lab.run_alarm()
        assert lab.slack_messages[0].accepted
        assert lab.press("veto").result == {"valid": True, "value": "i1"}


def test_deployments_of_the_scenario_show_in_the_story_as_they_go_on(stage: Any) -> None:
    later = {
        "id": "d-LATER",
        "application": "order-api",
        "group": "production",
        "created": "+2",
        "started": "+3",
        "completed": "+5",
    }
    with stage(deployments=[later]) as lab:
        lab.run_until(10)
        story = [
            (event.at - lab.scenario.minute_zero, event.text)
            for event in lab.events
            if event.kind == "deployment"
        ]
    assert [(gone.seconds // 60, text.split()[-1]) for gone, text in story] == [
        (2, "Created"),
        (3, "InProgress"),
        (5, "Succeeded"),
    ]


def test_nothing_of_a_lab_stays_behind(application: Any, stage: Any) -> None:
    application.door("alarm", HANDS_ON)
    environment, modules, path, sleep = dict(os.environ), set(sys.modules), list(sys.path), time.sleep
    with stage() as lab:
        lab.run_alarm()
    assert dict(os.environ) == environment
    assert not [name for name in set(sys.modules) - modules if name.split(".")[0] == "doors"]
    assert sys.path == path
    assert time.sleep is sleep
    assert abs(time.time() - time.clock_gettime(time.CLOCK_REALTIME)) < 1


def test_two_labs_in_turn_know_nothing_of_each_other(application: Any, stage: Any) -> None:
    application.door("alarm", HANDS_ON)
    tables = []
    for _ in range(2):
        with stage() as lab:
            lab.run_alarm()
            tables.append((len(lab.sns_messages), len(lab.calls), lab.invocations[0].number))
    assert tables == [(1, 2, 1)] * 2
