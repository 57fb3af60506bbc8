"""The secret that leads to Slack, and to nowhere else."""

import json

import pytest

from notification.slack_secret import SlackSecret, Unusable, hook_refused, is_loopback, parse


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T0/B0/x",
        "https://hooks.slack.com:443/services/T0/B0/x",
        "https://HOOKS.slack.com/services/T0/B0/x",
        "https://hooks.slack-gov.com/services/T0/B0/x",
        "http://127.0.0.1:8080/services/T0/B0/x",
        "http://localhost:8080/x",
        "http://[::1]:8080/x",
    ],
)
def test_slack_and_the_tests_own_machine_are_addressed(url: str) -> None:
    assert hook_refused(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.slack.com/services/T0/B0/x",
        "https://hooks.slack.com.evil.example/x",
        "https://hooks.slack.com@evil.example/x",
        "https://evil.example/hooks.slack.com",
        "https://evil.example\\@hooks.slack.com/x",
        "https://hooks.slack.com:8443/x",
        "https://hooks.slack.com\n.evil.example/x",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1@evil.example/x",
        "http://127.0.0.1.evil.example/x",
        "https://127.0.0.1/x",
        "http://10.0.0.1/x",
        "http://0.0.0.0/x",
        "http://[fe80::1%eth0]/x",
        "http://127.0.0.1:99999/x",
        "file:///etc/passwd",
        "ftp://hooks.slack.com/x",
        "//hooks.slack.com/x",
        "https://hооks.slack.com/x",  # noqa: RUF001 # two Cyrillic letters
        "",
    ],
)
def test_no_other_host_is_addressed(url: str) -> None:
    assert hook_refused(url) is not None
    assert not is_loopback(url)


def test_a_webhook_is_enough() -> None:
    secret = parse('{"webhook_url": " https://hooks.slack.com/services/T0/B0/x "}')
    assert secret == SlackSecret(webhook_url="https://hooks.slack.com/services/T0/B0/x")
    assert not secret.interactive


def test_a_bot_needs_its_channel() -> None:
    secret = parse('{"bot_token": "t", "channel": "C1", "signing_secret": "s"}')
    assert isinstance(secret, SlackSecret)
    assert secret.interactive
    assert isinstance(parse('{"bot_token": "t"}'), Unusable)


@pytest.mark.parametrize(
    "text", ["", "https://hooks.slack.com/x", "[]", "null", "{}", '{"webhook_url": 7}', "[" * 100_000]
)
def test_what_is_no_secret_is_unusable(text: str) -> None:
    assert isinstance(parse(text), Unusable)


@pytest.mark.parametrize(
    "values",
    [
        {"webhook_url": "https://evil.example/topsecret"},
        {"bot_token": "topsecret", "channel": "C1", "api_url": "https://evil.example/topsecret"},
        {"bot_token": "topsecret"},
    ],
)
def test_a_refusal_repeats_nothing_of_the_secret(values: dict[str, str]) -> None:
    refused = parse(json.dumps(values))
    assert isinstance(refused, Unusable)
    assert "topsecret" not in refused.reason
    assert refused.sent().ok is False


def test_a_secret_shows_nothing_of_itself() -> None:
    assert "topsecret" not in repr(
        SlackSecret("topsecret", "topsecret", "topsecret", "topsecret", "topsecret")
    )
