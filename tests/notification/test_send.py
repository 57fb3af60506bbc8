"""Both mouths at once, neither of them in the other's way."""

import subprocess
import sys
from pathlib import Path
from threading import Barrier

import pytest

from diagnosis.alarm import Ignored
from diagnosis.document import Document
from diagnosis.report import failed, ignored
from notification import update_messages
from notification.diagnosis_message import diagnosed
from notification.message import Message, Sent
from notification.send import composed, send
from notification.sns_message import rendered
from tests.notification.incidents import document

MESSAGE = Message("headline", (("line",),))


class Speaking:
    """A mouth that keeps what it said."""

    def __init__(self, channel: str, barrier: Barrier | None = None) -> None:
        self.channel = channel
        self.said: list[tuple[Message, str | None]] = []
        self._barrier = barrier

    def send(self, message: Message, thread: str | None = None) -> Sent:
        if self._barrier:
            self._barrier.wait(timeout=5)
        self.said.append((message, thread))
        return Sent(self.channel, ok=True)


class Broken:
    channel = "slack"

    def send(self, message: Message, thread: str | None = None) -> Sent:
        raise KeyError("a fault nobody thought of, with a secret in its text")


def test_the_answers_come_in_the_order_of_the_mouths() -> None:
    sent = send(MESSAGE, [Speaking("sns"), Speaking("slack")], thread="1.2")
    assert [each.channel for each in sent] == ["sns", "slack"]
    assert sent[0].section() == {"channel": "sns", "ok": True, "detail": ""}


def test_all_speak_at_the_same_time() -> None:
    together = Barrier(2)
    assert all(each.ok for each in send(MESSAGE, [Speaking("sns", together), Speaking("slack", together)]))


def test_a_broken_mouth_does_not_silence_the_other() -> None:
    other = Speaking("sns")
    assert send(MESSAGE, [Broken(), other]) == (
        Sent("slack", ok=False, detail="unexpected: KeyError"),
        Sent("sns", ok=True),
    )
    assert other.said == [(MESSAGE, None)]


def test_without_mouths_nothing_is_said() -> None:
    assert send(MESSAGE, []) == ()


def test_a_message_that_cannot_be_written_becomes_one_that_passes_everything_on() -> None:
    broken: Document = {**document(), "onset": "not a time"}
    message = composed(lambda: diagnosed(broken), document())
    text = rendered(message).text
    assert "The message could not be written (ValueError)." in text
    assert "target_broke_exchange" in text


@pytest.mark.parametrize("event", [None, "", 7, {}, {"a": {1, 2}}, b"\xff", ["<!channel>"] * 9_000])
def test_a_failure_is_told_whatever_the_event_was(event: object) -> None:
    told = failed(None, None, "The event could not be read.")
    published = rendered(update_messages.failed(told, event))
    assert published.subject == "ALARM unknown: passed on without a diagnosis"
    assert published.attributes["cause"] == "unknown"


def test_an_event_that_holds_itself_is_told_too() -> None:
    event: list[object] = []
    event.append(event)
    assert "passed on" in rendered(update_messages.failed(ignored(Ignored("x")), event)).text


def test_slack_sdk_is_not_imported_until_slack_is_spoken_to() -> None:
    source = Path(__file__).parents[2] / "src"
    modules = "import sys, notification.send, notification.slack, notification.sns"
    told = subprocess.run(  # noqa: S603 # our own program, without anything from outside
        [sys.executable, "-c", f"{modules}; print('slack_sdk' in sys.modules)"],
        env={"PYTHONPATH": str(source)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert told.stdout.strip() == "False"
