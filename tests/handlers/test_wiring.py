"""The wiring: what the environment says, and the least where it says nothing that can be read."""

from typing import Any

import pytest

from diagnosis.settings import RollbackMode
from handlers import wiring
from handlers.wiring import Deadline, Wiring
from notification.slack_secret import SlackSecret, Unusable


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_settings_are_read_anew_every_time() -> None:
    environment = {
        "ROLLBACK_MODE": "auto",
        "ROLLBACK_VETO_SECONDS": "90",
        "ROLLBACK_MINIMUM_CONFIDENCE": "0.95",
    }
    made = Wiring(environment)
    settings = made.settings()
    assert (settings.mode, settings.veto_seconds, settings.minimum_confidence) == (
        RollbackMode.AUTO,
        90,
        0.95,
    )
    environment["ROLLBACK_MODE"] = "off"
    assert made.settings().mode is RollbackMode.OFF


@pytest.mark.parametrize("number", ["", "high", "nan", "inf", "-inf"])
def test_what_cannot_be_read_allows_the_least(number: str) -> None:
    settings = Wiring({"ROLLBACK_MODE": "AUTO!", "ROLLBACK_MINIMUM_CONFIDENCE": number}).settings()
    assert settings.mode is RollbackMode.RECOMMEND
    assert settings.minimum_confidence == 1.0


def test_nothing_is_set_up_by_default_that_acts() -> None:
    assert Wiring({}).settings().mode is RollbackMode.RECOMMEND


@pytest.mark.parametrize(("given", "seconds"), [("-5", 0), ("100000", 900), ("soon", 60)])
def test_the_veto_time_stays_within_what_a_queue_can_wait(given: str, seconds: int) -> None:
    assert Wiring({"ROLLBACK_VETO_SECONDS": given}).settings().veto_seconds == seconds


def test_a_client_is_made_once_for_each_region(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, str]] = []

    class Session:
        def client(self, service: str, *, region_name: str, config: Any) -> object:
            assert config.read_timeout <= 5
            made.append((service, region_name))
            return object()

    here = Wiring({"AWS_REGION": "eu-west-1"})
    monkeypatch.setattr(here, "_session", Session())
    assert here.client("sns") is here.client("sns", "eu-west-1")
    here.client("sns", "us-east-1")
    assert made == [("sns", "eu-west-1"), ("sns", "us-east-1")]


def test_a_secret_is_kept_for_a_while_and_a_failure_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, answers = Seconds(), ["{}", '{"webhook_url": "http://127.0.0.1:9/hook"}', "{}"]

    class Secrets:
        def get_secret_value(self, **_request: Any) -> dict[str, str]:
            return {"SecretString": answers.pop(0)}

    made = Wiring({"SLACK_SECRET_ARN": "arn"}, seconds=seconds)
    monkeypatch.setattr(made, "client", lambda *_: Secrets())
    assert isinstance(made.slack_secret(), Unusable)
    assert isinstance(made.slack_secret(), SlackSecret)
    assert isinstance(made.slack_secret(), SlackSecret)
    seconds.now = wiring.SECRET_LASTS_SECONDS
    assert isinstance(made.slack_secret(), Unusable)


def test_a_deadline_without_a_context_is_the_functions_own() -> None:
    seconds = Seconds()
    deadline = Deadline(None, seconds)
    assert deadline.left() == Deadline.UNKNOWN_SECONDS
    seconds.now = 100.0
    assert deadline.left() == 0.0
