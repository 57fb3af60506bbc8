"""The local Slack holds messages to Slack's documented limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from lab.slack import BROKEN, RATE_LIMITED, Slack


@pytest.fixture
def slack() -> Iterator[Slack]:
    with Slack() as server:
        yield server


def post(url: str, body: object) -> tuple[int, str, dict[str, str]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urlopen(Request(url, data, method="POST"), timeout=5) as answer:  # noqa: S310 - our own loopback
            return answer.status, answer.read().decode(), dict(answer.headers)
    except HTTPError as error:
        with error:
            return error.code, error.read().decode(), dict(error.headers)


def text(content: str = "x", kind: str = "mrkdwn") -> dict[str, str]:
    return {"type": kind, "text": content}


def section(**fields: Any) -> dict[str, Any]:
    return {"type": "section", **fields}


def button(**fields: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": "a", "text": text("Go", "plain_text"), **fields}


def test_a_good_message_is_answered_ok_and_kept(slack: Slack) -> None:
    blocks = [
        {"type": "header", "text": text("A headline", "plain_text")},
        section(text=text("*Cause*"), fields=[text("one"), text("two")]),
        {"type": "divider"},
        {"type": "context", "elements": [text("incident 1")]},
        {"type": "actions", "block_id": "act", "elements": [button(style="danger", value="v")]},
    ]
    assert post(slack.webhook_url, {"text": "plain", "blocks": blocks})[:2] == (200, "ok")
    message = slack.messages[0]
    assert message.accepted
    assert message.text == "plain"
    assert message.words().splitlines() == [
        "plain",
        "A headline",
        "*Cause*",
        "one",
        "two",
        "incident 1",
        "Go",
    ]
    assert [one["action_id"] for one in message.buttons()] == ["a"]


CONFIRM = {"title": text("t", "plain_text"), "text": text(), "confirm": text("y", "plain_text")}
BAD_BLOCKS: list[tuple[str, list[dict[str, Any]]]] = [
    ("too many blocks", [{"type": "divider"}] * 51),
    ("unknown type", [{"type": "poem"}]),
    ("empty section", [section()]),
    ("empty text", [section(text=text(""))]),
    ("long section", [section(text=text("x" * 3001))]),
    ("eleven fields", [section(fields=[text()] * 11)]),
    ("long field", [section(fields=[text("x" * 2001)])]),
    ("long header", [{"type": "header", "text": text("x" * 151, "plain_text")}]),
    ("header in mrkdwn", [{"type": "header", "text": text("x")}]),
    ("eleven context elements", [{"type": "context", "elements": [text()] * 11}]),
    ("26 actions", [{"type": "actions", "elements": [button(action_id=str(index)) for index in range(26)]}]),
    ("long button", [{"type": "actions", "elements": [button(text=text("x" * 76, "plain_text"))]}]),
    ("long value", [{"type": "actions", "elements": [button(value="x" * 2001)]}]),
    ("odd style", [{"type": "actions", "elements": [button(style="green")]}]),
    ("double action id", [{"type": "actions", "elements": [button(), button()]}]),
    ("double block id", [{"type": "divider", "block_id": "b"}] * 2),
    ("image without alt text", [{"type": "image", "image_url": "https://example.com/a.png"}]),
    ("confirm without deny", [{"type": "actions", "elements": [button(confirm=CONFIRM)]}]),
]  # fmt: skip


@pytest.mark.parametrize("blocks", [pytest.param(blocks, id=name) for name, blocks in BAD_BLOCKS])
def test_blocks_that_break_a_limit_are_invalid(slack: Slack, blocks: list[dict[str, Any]]) -> None:
    assert post(slack.webhook_url, {"text": "x", "blocks": blocks})[:2] == (400, "invalid_blocks")
    assert not slack.messages[0].accepted


def test_all_blocks_together_have_a_limit_too(slack: Slack) -> None:
    blocks = [section(text=text("x" * 2900))] * 5
    assert post(slack.webhook_url, {"text": "x", "blocks": blocks})[1] == "msg_blocks_too_long"


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"{not json", "invalid_payload"),
        ({}, "no_text"),
        ({"attachments": [{}] * 101}, "too_many_attachments"),
    ],
)
def test_a_bad_body_is_refused_by_its_name(slack: Slack, body: Any, answer: str) -> None:
    assert post(slack.webhook_url, body)[:2] == (400, answer)


def test_another_path_is_no_service(slack: Slack) -> None:
    assert post(slack.url + "/services/X", {"text": "x"})[:2] == (404, "no_service")


def test_it_can_be_made_to_refuse_once_each_and_then_take_again(slack: Slack) -> None:
    slack.refuse(RATE_LIMITED, BROKEN)
    answers = [post(slack.webhook_url, {"text": "x"}) for _ in range(3)]
    assert [status for status, _, _ in answers] == [429, 500, 200]
    assert answers[0][2]["Retry-After"] == "1"


def test_it_can_be_made_to_refuse_always(slack: Slack) -> None:
    slack.refuse(always=BROKEN)
    assert {post(slack.webhook_url, {"text": "x"})[0] for _ in range(2)} == {500}
