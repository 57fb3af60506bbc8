"""Sending to Slack, through the real slack_sdk and a server on this machine."""

import logging
from collections.abc import Callable

import pytest

from notification.message import Message, Sent
from notification.slack import PERMISSIONS, SlackMouth
from notification.slack_client import reply
from notification.slack_secret import SlackSecret, Unusable
from tests.notification.messages import KINDS
from tests.notification.slack_server import Answer, SlackServer

PATH = "/services/T000/B000/secretsecret"
BOT_TOKEN = "-".join(("xoxb", "not", "a", "token"))


def message(kind: str = "requested") -> Message:
    told, write = KINDS[kind]
    return write(told)


def mouth(secret: SlackSecret | Unusable, time_left: Callable[[], float] = lambda: 60.0) -> SlackMouth:
    return SlackMouth(lambda: secret, time_left)


def by_webhook(slack: SlackServer, time_left: float = 60.0) -> SlackMouth:
    secret = SlackSecret(webhook_url=f"{slack.url}{PATH}", signing_secret="signing")
    return mouth(secret, lambda: time_left)


def by_bot(slack: SlackServer) -> SlackMouth:
    return mouth(SlackSecret(bot_token=BOT_TOKEN, channel="C012345", api_url=f"{slack.url}/api/"))


def test_a_webhook_gets_text_and_blocks_and_fetches_no_links(slack: SlackServer) -> None:
    assert by_webhook(slack).send(message()) == Sent("slack", ok=True)
    (body,) = slack.received
    assert body["text"].startswith("P1 order-api: targets broke the exchange (502)")
    assert body["blocks"][0]["type"] == "header"
    assert body["unfurl_links"] is False
    assert body["unfurl_media"] is False


def test_there_are_buttons_only_where_their_answers_can_be_believed(slack: SlackServer) -> None:
    by_webhook(slack).send(message())
    mouth(SlackSecret(webhook_url=f"{slack.url}{PATH}")).send(message())
    kinds = [{block["type"] for block in body["blocks"]} for body in slack.received]
    assert ["actions" in kind for kind in kinds] == [True, False]


@pytest.mark.parametrize("refusal", ["invalid_blocks", "invalid_payload"])
def test_refused_blocks_are_sent_again_as_plain_text(slack: SlackServer, refusal: str) -> None:
    slack.answer(Answer(400, refusal))
    sent = by_webhook(slack).send(message())
    assert sent == Sent(
        "slack", ok=True, detail=f"sent as plain text, since Slack refused the blocks ({refusal})"
    )
    assert "blocks" not in slack.received[1]
    assert "Confidence 97 %" in slack.received[1]["text"]


def test_a_revoked_webhook_is_told_and_not_tried_again(slack: SlackServer) -> None:
    slack.answer(Answer(404, "no_service"))
    assert by_webhook(slack).send(message()) == Sent("slack", ok=False, detail="HTTP 404: no_service")
    assert len(slack.received) == 1


def test_an_answer_that_is_no_word_is_not_repeated(slack: SlackServer) -> None:
    slack.answer(Answer(403, f"<html>{slack.url}{PATH}</html>"))
    assert by_webhook(slack).send(message()).detail == "HTTP 403"


def test_a_rate_limit_is_waited_for(slack: SlackServer, waits: list[float]) -> None:
    slack.answer(Answer(429, "rate_limited", {"Retry-After": "3"}))
    assert by_webhook(slack).send(message()).ok
    assert [3 <= wait <= 4 for wait in waits] == [True]


@pytest.mark.parametrize("asked", ["30", "a while", "-1", "999999999999", ""])
def test_a_rate_limit_beyond_the_time_left_is_told_at_once(
    slack: SlackServer, waits: list[float], asked: str
) -> None:
    slack.answer(Answer(429, "rate_limited", {"Retry-After": asked}))
    sent = by_webhook(slack, time_left=20).send(message())
    assert (sent.ok, sent.detail) == (False, "HTTP 429: rate_limited")
    assert waits == []


@pytest.mark.parametrize("trouble", [Answer(503, "down"), Answer(500, ""), Answer(hang_up=True)])
def test_passing_trouble_is_tried_again(slack: SlackServer, waits: list[float], trouble: Answer) -> None:
    slack.answer(trouble)
    assert by_webhook(slack).send(message()).ok
    assert len(slack.received) == 2


def test_lasting_trouble_ends_after_three_attempts(slack: SlackServer, waits: list[float]) -> None:
    slack.answer(*[Answer(503, "down")] * 5)
    assert by_webhook(slack).send(message()) == Sent("slack", ok=False, detail="HTTP 503: down")
    assert len(slack.received) == 3


def test_nothing_is_tried_again_when_no_time_is_left(slack: SlackServer, waits: list[float]) -> None:
    slack.answer(Answer(503, "down"))
    assert not by_webhook(slack, time_left=4).send(message()).ok
    assert len(slack.received) == 1


def test_a_proxy_of_the_environment_is_not_asked_for_the_tests_own_machine(
    slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert by_webhook(slack, time_left=4).send(message()).ok


def test_an_unreachable_slack_is_an_answer(waits: list[float]) -> None:
    secret = SlackSecret(webhook_url=f"http://127.0.0.1:9{PATH}")
    assert mouth(secret).send(message()) == Sent(
        "slack", ok=False, detail="URLError (ConnectionRefusedError)"
    )


@pytest.mark.parametrize("answer", [Answer(400, "invalid_token"), Answer(503, "down"), Answer(hang_up=True)])
def test_the_address_is_in_no_log_and_no_answer(
    slack: SlackServer, waits: list[float], caplog: pytest.LogCaptureFixture, answer: Answer
) -> None:
    caplog.set_level(logging.DEBUG)
    slack.answer(*[answer] * 3)
    sent = by_webhook(slack).send(message())
    assert "secretsecret" not in caplog.text
    assert "secretsecret" not in repr(sent)
    assert not sent.ok


def test_a_bot_posts_to_its_channel_and_the_answer_names_the_thread(slack: SlackServer) -> None:
    slack.answer(Answer(body='{"ok": true, "channel": "C012345", "ts": "1795185840.000100"}'))
    assert by_bot(slack).send(message()) == Sent("slack", ok=True, thread="1795185840.000100")
    assert slack.received[0]["channel"] == "C012345"
    assert slack.authorizations == [f"Bearer {BOT_TOKEN}"]


def test_a_bot_replies_in_the_thread(slack: SlackServer) -> None:
    slack.answer(Answer(body='{"ok": true, "ts": "1795185841.000100"}'))
    by_bot(slack).send(message("resolved"), thread="1795185840.000100")
    assert slack.received[0]["thread_ts"] == "1795185840.000100"


def test_a_bot_that_is_refused_says_why(slack: SlackServer) -> None:
    slack.answer(Answer(body='{"ok": false, "error": "channel_not_found"}'))
    assert by_bot(slack).send(message()) == Sent("slack", ok=False, detail="channel_not_found")


def test_a_bots_refused_blocks_are_sent_again_as_plain_text(slack: SlackServer) -> None:
    slack.answer(
        Answer(body='{"ok": false, "error": "invalid_blocks"}'), Answer(body='{"ok": true, "ts": "1.2"}')
    )
    sent = by_bot(slack).send(message())
    assert (sent.ok, sent.thread) == (True, "1.2")
    assert "blocks" not in slack.received[1]


def test_an_unusable_secret_is_told_without_a_request() -> None:
    assert mouth(Unusable("The Slack secret is not JSON.")).send(message()) == Sent(
        "slack", ok=False, detail="The Slack secret is not JSON."
    )


def test_a_pressed_button_is_answered_at_its_own_address(slack: SlackServer) -> None:
    sent = reply(f"{slack.url}/actions/T0/1/x", "Vetoed by maria.", lambda: 2.0, replace=True)
    assert sent.ok
    assert slack.received[0]["replace_original"] is True


def test_no_other_host_is_answered() -> None:
    sent = reply("https://evil.example/actions", "x", lambda: 2.0)
    assert sent == Sent("slack", ok=False, detail="The response_url is refused: its host is not Slack's.")


def test_only_the_secret_is_read() -> None:
    assert PERMISSIONS == ("secretsmanager:GetSecretValue",)
