"""Pressed buttons: believed only if Slack signed them."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notification.rollback_message import buttons
from notification.slack_request import Interaction, Refused, read
from tests.notification.incidents import INCIDENT, document

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW = datetime(2026, 11, 20, 14, 48, tzinfo=UTC)


def payload(action: str = "approve", **changes: Any) -> dict[str, Any]:
    """What Slack sends when a button of our own message is pressed."""
    made = {button.action: button for button in buttons(document("awaiting_approval"))}
    value = made["approve"].value
    return {
        "type": "block_actions",
        "user": {"id": "U012AB3CD", "username": "maria", "team_id": "T01"},
        "team": {"id": "T01", "domain": "example"},
        "channel": {"id": "C012345", "name": "alerts"},
        "message": {"ts": "1795185840.000100"},
        "response_url": "https://hooks.slack.com/actions/T01/1/x",
        "actions": [{"action_id": action, "block_id": "b", "value": value, "action_ts": "1795185900.1"}],
        **changes,
    }


def body(told: object) -> str:
    return urlencode({"payload": json.dumps(told)})


def signed(text: str, *, at: datetime = NOW, secret: str = SECRET) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{text}".encode(), hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}"}


def reading(told: object, now: datetime = NOW) -> Interaction | Refused:
    text = body(told)
    return read(signed(text, at=now), text, is_base64=False, signing_secret=SECRET, now=now)


def test_a_pressed_button_says_who_wants_what() -> None:
    assert reading(payload()) == Interaction(
        action="approve",
        incident_id=INCIDENT,
        deployment_id="d-NEW240XYZ",
        user_id="U012AB3CD",
        user_name="maria",
        team_id="T01",
        channel_id="C012345",
        message_ts="1795185840.000100",
        expires_at=datetime(2026, 11, 20, 15, 47, 10, 40_000, tzinfo=UTC),
        response_url="https://hooks.slack.com/actions/T01/1/x",
    )


def test_a_body_in_base64_is_read_as_slack_signed_it() -> None:
    text = body(payload("veto"))
    encoded = base64.b64encode(text.encode()).decode()
    told = read(signed(text), encoded, is_base64=True, signing_secret=SECRET, now=NOW)
    assert isinstance(told, Interaction)
    assert told.action == "veto"


def test_header_names_may_be_written_in_any_case() -> None:
    text = body(payload())
    headers = {name.title(): value for name, value in signed(text).items()}
    assert isinstance(read(headers, text, is_base64=False, signing_secret=SECRET, now=NOW), Interaction)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(body(payload()), secret="another"),
        signed(body(payload("veto"))),
        signed(body(payload()), at=NOW - timedelta(minutes=6)),
        signed(body(payload()), at=NOW + timedelta(minutes=6)),
        {**signed(body(payload())), "x-slack-request-timestamp": "yesterday"},
        {**signed(body(payload())), "x-slack-signature": "v0=é"},
    ],
    ids=["no headers", "other secret", "other body", "too old", "from the future", "no time", "no ascii"],
)
def test_what_slack_did_not_sign_just_now_is_refused(headers: dict[str, str]) -> None:
    told = read(headers, body(payload()), is_base64=False, signing_secret=SECRET, now=NOW)
    assert isinstance(told, Refused)
    assert told.status == 401


def test_an_empty_signing_secret_lets_nobody_in() -> None:
    text = body(payload())
    told = read(signed(text, secret=""), text, is_base64=False, signing_secret="", now=NOW)
    assert isinstance(told, Refused)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "view_submission"},
        {"actions": []},
        {"actions": [{"action_id": "delete_everything", "value": "{}"}]},
        {"actions": [{"action_id": "approve", "value": "not json"}]},
        {"actions": [{"action_id": "approve", "value": "[]"}]},
        {"user": {}},
        {"user": "U012AB3CD"},
    ],
)
def test_what_is_none_of_our_buttons_is_refused(changes: dict[str, Any]) -> None:
    assert isinstance(reading(payload(**changes)), Refused)


def test_an_approval_is_refused_when_the_button_is_old_but_a_veto_is_not() -> None:
    late = NOW + timedelta(hours=2)
    refused = reading(payload("approve"), now=late)
    assert isinstance(refused, Refused)
    assert refused.response_url == "https://hooks.slack.com/actions/T01/1/x"
    assert isinstance(reading(payload("veto"), now=late), Interaction)
    assert isinstance(reading(payload("reject"), now=late), Interaction)


def test_an_approval_without_a_readable_expiry_is_refused() -> None:
    value = json.dumps({"incident_id": INCIDENT, "expires_at": "soon"})
    told = reading(payload(actions=[{"action_id": "approve", "value": value}]))
    assert isinstance(told, Refused)


def test_an_answer_goes_to_slack_only() -> None:
    told = reading(payload(response_url="https://evil.example/collect"))
    assert isinstance(told, Interaction)
    assert told.response_url is None


@pytest.mark.parametrize(
    "text", ["", "payload", "payload=", "a=b&" * 40, "payload=%5B%5D", "\ud800", "x" * 300_000]
)
def test_garbage_is_refused(text: str) -> None:
    headers = signed(text.encode("utf-8", "replace").decode())
    assert isinstance(read(headers, text, is_base64=False, signing_secret=SECRET, now=NOW), Refused)


def test_broken_base64_is_refused() -> None:
    assert isinstance(read({}, "%%%", is_base64=True, signing_secret=SECRET, now=NOW), Refused)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.sampled_from(["type", "user", "team", "channel", "message", "actions", "response_url"]))
def test_any_payload_is_read_or_refused(value: Any, name: str) -> None:
    assert isinstance(reading(payload(**{name: value})), Interaction | Refused)
    assert isinstance(reading(value), Refused)
