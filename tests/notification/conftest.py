"""A Slack to send to, and no waiting between attempts."""

from collections.abc import Iterator

import pytest

from tests.notification.slack_server import SlackServer, slack_server


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with slack_server() as server:
        yield server


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that slack_sdk would have waited between its attempts."""
    waited: list[float] = []
    monkeypatch.setattr("slack_sdk.http_retry.handler.time.sleep", waited.append)
    return waited
