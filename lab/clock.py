"""The lab's clock: time stands still until it is advanced; sleeping costs virtual seconds only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import time_machine

from lab import waiting

_real_sleep = time.sleep


def really_sleep(seconds: float) -> None:
    """Sleep in real time, whatever the lab does to `time.sleep`."""
    if seconds > 0:
        _real_sleep(seconds)


class Clock:
    """Virtual time, for `time.time` and `datetime`; `monotonic` adds the real time that passed, and
    `perf_counter` is real.
    """

    def __init__(self, start: datetime) -> None:
        self._traveller = time_machine.travel(start, tick=False)
        self._coordinates: Any = None
        self._start = start
        self._real_start = time.perf_counter()

    @contextmanager
    def running(self) -> Iterator[Clock]:
        """Hold the clock for the duration of the block."""
        waiting.forget()
        with ExitStack() as patches:
            self._coordinates = patches.enter_context(self._traveller)
            patches.enter_context(patch("time.sleep", self._sleep))
            patches.enter_context(patch("time.monotonic", self.ticks))
            patches.enter_context(waiting.counted())
            yield self

    def now(self) -> datetime:
        """The virtual time, in UTC."""
        return datetime.now(UTC)

    def advance_to(self, moment: datetime) -> None:
        """Move the clock forward to that moment; it never goes back."""
        if self._coordinates is not None and moment > self.now():
            self._coordinates.move_to(moment, tick=False)

    def advance(self, seconds: float) -> None:
        """Move the clock forward by so many seconds."""
        self.advance_to(self.now() + timedelta(seconds=seconds))

    def spend(self, seconds: float) -> None:
        """Count seconds that this thread waited without letting the clock run: sleeps and time-outs."""
        waiting.spend(seconds)

    def spent(self) -> float:
        """What this thread has waited since `settle`, and what it waited for: threads wait side by side."""
        return waiting.waited()

    def settle(self) -> float:
        """Let the clock catch up with what was waited, and start counting anew."""
        waited = self.spent()
        waiting.forget()
        self.advance(waited)
        return waited

    def ticks(self) -> float:
        """Seconds that only grow: virtual time, real time passed, and what this thread waited."""
        real = time.perf_counter() - self._real_start
        return self.now().timestamp() + real + self.spent()

    def _sleep(self, seconds: float) -> None:
        self.spend(seconds)
