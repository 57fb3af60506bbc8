"""Reading early: what turns out not to be wanted leaves nothing running behind."""

from collections.abc import Mapping
from threading import Event
from typing import Any

import pytest

from collectors import gather as gathering
from collectors.reading import Reading, Scope
from handlers import early
from handlers.alarm import handle
from tests.handlers.conftest import Context, Stack

PATIENCE_SECONDS = 10


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> "Slow":
    """Two readings, the second after the first; the first ends when it is allowed to."""
    made = Slow()
    readings = (
        Reading("first", "ec2", (), ("ec2:DescribeInstances",), made.first),
        Reading("second", "ec2", ("first",), ("ec2:DescribeInstances",), made.second),
    )
    monkeypatch.setattr(early, "READINGS_OF", {"alb": readings})
    monkeypatch.setattr(early, "gather", gathering.gather)
    return made


class Slow:
    def __init__(self) -> None:
        self.began, self.may_end = Event(), Event()
        self.ended: list[str] = []

    def first(self, _scope: Scope, _answers: Mapping[str, object]) -> object:
        self.began.set()
        assert self.may_end.wait(PATIENCE_SECONDS)
        self.ended.append("first")
        return None

    def second(self, _scope: Scope, _answers: Mapping[str, object]) -> object:
        self.ended.append("second")
        return None


def test_a_duplicate_begins_nothing_more_and_leaves_nothing_running(
    stack: Stack, alarm_event: dict[str, Any], slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow.may_end.set()
    first = handle(alarm_event, Context(), stack.wiring, stack.deadline)
    assert (first["outcome"], slow.ended) == ("diagnosed", ["first", "second"])
    slow.began.clear()
    slow.may_end.clear()
    call_off = early.EarlyReading.call_off

    def while_the_first_is_under_way(under_way: early.EarlyReading, deadline: Any) -> None:
        assert slow.began.wait(PATIENCE_SECONDS)
        under_way.called_off.set()
        slow.may_end.set()
        call_off(under_way, deadline)

    monkeypatch.setattr(early.EarlyReading, "call_off", while_the_first_is_under_way)
    again = handle(alarm_event, Context(), stack.wiring, stack.deadline)
    assert (again["outcome"], slow.ended) == ("duplicate", ["first", "second", "first"])


def test_what_does_not_end_is_not_waited_for_beyond_the_functions_time(
    stack: Stack, alarm_event: dict[str, Any], slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow.may_end.set()
    handle(alarm_event, Context(), stack.wiring, stack.deadline)
    slow.may_end.clear()
    monkeypatch.setattr(early, "ENDS_WITHIN_SECONDS", 0.01)
    again = handle(alarm_event, Context(), stack.wiring, stack.deadline)
    slow.may_end.set()
    assert again["outcome"] == "duplicate"
