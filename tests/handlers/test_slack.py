"""SlackFunction: only Slack's signature opens it, and a button does at most one thing once."""

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.exceptions import EndpointConnectionError

from handlers import alarm, rollback, slack
from remediation.records import ActionStatus
from tests.diagnosis.judged import NOW
from tests.handlers.conftest import Context, Stack
from tests.remediation.fakes import FakeCloudWatch, FakeCodeDeploy, info

SECRET = "signed by slack"


class Secrets:
    def __init__(self, **values: str) -> None:
        self.values = values

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        assert SecretId
        return {"SecretString": json.dumps(self.values)}


@pytest.fixture
def waiting(stack: Stack, alarm_event: dict[str, Any]) -> Stack:
    """A stack in which a rollback awaits approval, its message sent by SNS alone."""
    stack.environment["ROLLBACK_MODE"] = "approve"
    document = alarm.handle(alarm_event, Context(), stack.wiring, stack.deadline)
    assert document["rollback"]["decision"] == "awaiting_approval"
    stack.environment["SLACK_SECRET_ARN"] = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:slack"
    # A port where nobody listens: messages to Slack fail at once, those to SNS go.
    secret = Secrets(webhook_url="http://127.0.0.1:9/hook", signing_secret=SECRET)
    stack.fakes["secretsmanager"] = secret
    return stack


def incident_id(stack: Stack) -> str:
    item = stack.item("incident")
    assert item is not None
    return str(item["incident_id"]["S"])


def pressed(stack: Stack, action: str, **value: Any) -> dict[str, Any]:
    """The request that Slack sends when somebody presses a button of the message."""
    expires = (NOW + timedelta(hours=1)).isoformat()
    button = {"incident_id": incident_id(stack), "deployment_id": "d-NEW", "expires_at": expires, **value}
    payload = {
        "type": "block_actions",
        "user": {"id": "U1", "username": "ada"},
        "team": {"id": "T1"},
        "channel": {"id": "C1"},
        "actions": [{"action_id": action, "value": json.dumps(button)}],
    }
    body, at = urlencode({"payload": json.dumps(payload)}), str(int(stack.now.timestamp()))
    signature = hmac.new(SECRET.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"x-slack-signature": f"v0={signature}", "x-slack-request-timestamp": at}
    return {"headers": headers, "body": body, "isBase64Encoded": False}


def answer(stack: Stack, request: dict[str, Any]) -> tuple[int, str]:
    response = slack.handle(request, stack.wiring)
    return response["statusCode"], json.loads(response["body"])["text"]


def status(stack: Stack) -> str:
    action = stack.wiring.ledger().action(incident_id(stack))
    assert action is not None
    return action.status


def test_an_approval_is_kept_and_handed_on(waiting: Stack) -> None:
    code, text = answer(waiting, pressed(waiting, "approve"))
    assert (code, text) == (200, "Rollback to v2.3.1 approved by ada; it is checked once more.")
    assert status(waiting) == ActionStatus.APPROVED
    [request] = waiting.messages("rollback")
    assert (request["requested_by"], request["delay"]) == ("ada", 0)


def test_an_approved_rollback_is_made(waiting: Stack) -> None:
    answer(waiting, pressed(waiting, "approve"))
    deployments = {"d-NEW": info("d-NEW", -11, "v2.4.0"), "d-OLD": info("d-OLD", -2890, "v2.3.1")}
    codedeploy = FakeCodeDeploy(deployments, account="123456789012", tags={})
    waiting.fakes |= {"codedeploy": codedeploy, "cloudwatch": FakeCloudWatch([369, 369, 369])}
    records = [{"messageId": "m", "body": json.dumps(waiting.messages("rollback")[0])}]
    del waiting.environment["SLACK_SECRET_ARN"]
    rollback.handle({"Records": records}, waiting.wiring, waiting.deadline)
    assert [each["description"].endswith("asked for by ada") for each in codedeploy.orders] == [True]


def test_pressing_twice_hands_on_again_and_changes_nothing(waiting: Stack) -> None:
    answer(waiting, pressed(waiting, "approve"))
    assert answer(waiting, pressed(waiting, "approve"))[0] == 200
    assert status(waiting) == ActionStatus.APPROVED


@pytest.mark.parametrize(("button", "word"), [("reject", "rejected"), ("veto", "vetoed")])
def test_a_rejection_stops_it_for_good_and_the_others_hear_of_it(
    waiting: Stack, button: str, word: str
) -> None:
    assert word in answer(waiting, pressed(waiting, button))[1]
    assert answer(waiting, pressed(waiting, "approve"))[1] == "Too late. It was stopped already."
    assert status(waiting) == ActionStatus.VETOED
    [request] = waiting.messages("rollback")
    records = [{"messageId": "m", "body": json.dumps(request)}]
    del waiting.environment["SLACK_SECRET_ARN"]
    rollback.handle({"Records": records}, waiting.wiring, waiting.deadline)
    assert waiting.told()[-1]["rollback"] == "vetoed"
    assert waiting.told()[-1]["subject"] == f"order-api: rollback {word}"


def test_an_approval_after_its_time_is_refused(waiting: Stack) -> None:
    waiting.now += timedelta(hours=2)
    assert "too old" in answer(waiting, pressed(waiting, "approve"))[1]
    forged = (waiting.now + timedelta(hours=9)).isoformat()
    assert "Too late" in answer(waiting, pressed(waiting, "approve", expires_at=forged))[1]
    assert status(waiting) == ActionStatus.AWAITING_APPROVAL


def test_a_button_about_another_deployment_does_nothing(waiting: Stack) -> None:
    assert "No such rollback" in answer(waiting, pressed(waiting, "approve", deployment_id="d-OTHER"))[1]
    assert "No such rollback" in answer(waiting, pressed(waiting, "approve", incident_id="other"))[1]
    assert status(waiting) == ActionStatus.AWAITING_APPROVAL


def test_a_wrong_signature_is_refused(waiting: Stack) -> None:
    request = pressed(waiting, "approve")
    request["body"] += "&x=1"
    assert answer(waiting, request)[0] == 401
    assert answer(waiting, {"headers": {}, "body": ""})[0] == 401
    assert answer(waiting, {})[0] == 401
    assert status(waiting) == ActionStatus.AWAITING_APPROVAL


def test_an_old_request_is_refused(waiting: Stack) -> None:
    request = pressed(waiting, "approve")
    waiting.now += timedelta(minutes=6)
    assert answer(waiting, request)[0] == 401


@pytest.mark.parametrize("secret", [{"webhook_url": "http://127.0.0.1:9/hook"}, {}])
def test_without_a_signing_secret_nothing_can_be_verified(waiting: Stack, secret: dict[str, str]) -> None:
    waiting.fakes["secretsmanager"] = Secrets(**secret)
    assert answer(waiting, pressed(waiting, "approve"))[0] == 503


def test_when_the_queue_is_out_of_reach_people_are_asked_to_press_again(waiting: Stack) -> None:
    class Nowhere:
        def send_message(self, **_request: Any) -> None:
            raise EndpointConnectionError(endpoint_url="https://sqs")

    waiting.fakes["sqs"] = Nowhere()
    assert "press once more" in answer(waiting, pressed(waiting, "approve"))[1]
    del waiting.fakes["sqs"]
    answer(waiting, pressed(waiting, "approve"))
    assert len(waiting.messages("rollback")) == 1
