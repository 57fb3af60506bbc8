"""Reads the evidence, from before it is known whether the event is a new one; it can be called off."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Event

from collectors.gather import READINGS_OF, Gathered, gather
from collectors.reading import Reading, Scope, complete_minutes
from diagnosis.evidence import Evidence, Window
from diagnosis.incident import Alarm
from diagnosis.stages import steadied
from handlers.diagnosing import Subject
from handlers.telemetry import logger
from handlers.wiring import Deadline, Wiring

# Events may be delivered late or be replayed long after; then the world is looked at as it was.
REPLAYED_AFTER = timedelta(hours=6)
CLOCKS_DIFFER_BY = timedelta(minutes=5)
# Reading takes a second or two; what takes longer than this is not waited for.
LONGEST_READING_SECONDS = 20.0
TOLD_WITHIN_SECONDS = 15.0
# A call that is under way cannot be called off: it has this long to end, and the answer is sent after it.
ENDS_WITHIN_SECONDS, ANSWERED_WITHIN_SECONDS = 8.0, 3.0


class _CalledOffError(Exception):
    """Nobody waits for this reading any more."""


@dataclass(frozen=True, slots=True)
class EarlyReading:
    """The evidence, under way."""

    gathered: Future[Gathered]
    called_off: Event

    def call_off(self, deadline: Deadline) -> None:
        """Begin nothing more, and wait for what is under way: a thread left to itself would go on in the next
        invocation, since Lambda only halts the process in between. A second call does nothing.
        """
        self.called_off.set()
        wait([self.gathered], min(ENDS_WITHIN_SECONDS, max(0.0, deadline.left() - ANSWERED_WITHIN_SECONDS)))


@dataclass(frozen=True, slots=True)
class Again:
    """What a later look reads: these readings beside what is known, about these minutes (None: up to now)."""

    known: Evidence
    readings: tuple[Reading, ...]
    window: Window | None


def reading(subject: Subject, wiring: Wiring, deadline: Deadline, again: Again | None = None) -> EarlyReading:
    """Begin to read the evidence. It only reads, so it may begin before the event is known to be new."""
    threads, called_off = ThreadPoolExecutor(1, thread_name_prefix="gathering"), Event()
    try:
        gathered = threads.submit(_gathered, subject, wiring, deadline, wiring.now(), called_off, again)
        return EarlyReading(gathered, called_off)
    finally:
        threads.shutdown(wait=False)


def as_of(alarm: Alarm, now: datetime) -> datetime:
    """The time to look at the world at: now, or just after the alarm where the event is a replay."""
    age = now - alarm.time
    return now if -CLOCKS_DIFFER_BY <= age <= REPLAYED_AFTER else alarm.time + timedelta(minutes=1)


def _gathered(
    subject: Subject,
    wiring: Wiring,
    deadline: Deadline,
    now: datetime,
    called_off: Event,
    again: Again | None,
) -> Gathered:
    moment, entry_point = as_of(subject.alarm, now), subject.entry_point
    scope = Scope(
        clients=lambda service: wiring.client(service, entry_point.region),
        elsewhere=wiring.client,
        entry_point=entry_point,
        now=moment,
        window=(again.window if again else None) or complete_minutes(moment),
        alarm_time=subject.alarm.time,
    )
    longest = min(LONGEST_READING_SECONDS, max(1.0, deadline.left() - TOLD_WITHIN_SECONDS))
    chosen = again.readings if again else READINGS_OF[entry_point.kind]
    readings = tuple(_unless(called_off, each) for each in chosen)
    gathered = gather(
        scope,
        deadline_seconds=longest,
        clock=wiring.seconds,
        readings=readings,
        known=again.known if again else None,
    )
    for name, error in gathered.unexpected.items():
        if not isinstance(error, _CalledOffError):
            logger.error("a collector failed unexpectedly", collector=name, exc_info=error)
    return replace(gathered, evidence=steadied(gathered.evidence, again.known)) if again else gathered


def _unless(called_off: Event, reading: Reading) -> Reading:
    def collect(scope: Scope, answers: Mapping[str, object]) -> object:
        if called_off.is_set():
            raise _CalledOffError
        # Who asks again and again, or gathers by himself, sees by this that nobody waits any more.
        waited_for = replace(scope, left=lambda: 0.0 if called_off.is_set() else scope.left())
        return reading.collect(waited_for, answers)

    return replace(reading, collect=collect)
