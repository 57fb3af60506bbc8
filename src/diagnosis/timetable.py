"""Whether the clock set it off: trouble that returns at the same minute, or a change that a schedule made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from diagnosis.bursts import read, series_of
from diagnosis.changes import RelevantChange
from diagnosis.evidence import Missing
from diagnosis.facts import Facts

# A job takes up to so long from its minute until it shows in a series of whole minutes.
STARTS_WITHIN_MINUTES = 1
# So many bursts at equal distances are a pattern; shorter distances need more of them.
FEWEST_BURSTS, FEWEST_SHORT_BURSTS = 3, 4
SHORTEST_PERIOD, SHORT_PERIOD = 9, 25
PERIOD_TOLERANCE = 1
# First and last burst may each show a minute late; what a clock sets off does not drift from it further.
ENDS_TOLERANCE = 2
# Bursts of one job are alike in strength.
ALIKE = 3.0
# A change that a schedule made shows in its minute; it breaks something soon after.
AFTER_CHANGE = timedelta(minutes=5)
MOST_LATE = timedelta(seconds=90)
SCHEDULERS = ("scheduler.amazonaws.com", "events.amazonaws.com", "amazoneventbridge")
SCALERS = ("autoscaling", "auto-scaling")
# The log-odds that each kind of evidence lends to a schedule.
BY_A_SCHEDULER, RETURNS, SCALED_ON_TIME = 4.0, 4.0, 3.0
# Trouble with a rhythm of its own, as of a leak that fills memory, returns too, but by no clock.
RETURNS_BY_NO_CLOCK = 0.0
# One beginning in thirty falls there by chance; that is more than schedules set off, so it is a hint only.
BEGINS_ON_THE_HOUR = -1.0


@dataclass(frozen=True, slots=True)
class Timetable:
    """Why the clock is held to have set it off, as a sentence, and how much that weighs (log-odds)."""

    sentence: str
    weight: float
    by: str | None = None


def clock_bound(facts: Facts) -> str | None:
    """The sentence for the clock as trigger; None where nothing speaks for it."""
    found = timetable(facts)
    return found.sentence if found else None


def timetable(facts: Facts) -> Timetable | None:
    """The strongest evidence that the clock set it off; None where there is none."""
    if facts.onset is None:
        return None
    found = (_scheduled_change(facts, facts.onset), _returns(facts), _begins_on_the_hour(facts.onset))
    return next((each for each in found if each), None)


def _scheduled_change(facts: Facts, onset: datetime) -> Timetable | None:
    for relevant in facts.changes:
        change, before = relevant.change, onset - relevant.change.at
        if relevant.ours is False or not timedelta(minutes=-2) <= before <= AFTER_CHANGE:
            continue
        made = f"{change.name} was made at {change.at:%H:%M:%S} by {change.by}"
        if any(name in change.by.lower() for name in SCHEDULERS):
            return Timetable(f"{made}, which acts on a schedule", BY_A_SCHEDULER, change.by)
        if _is_scaling_on_time(relevant):
            return Timetable(f"{made}, on the stroke of a scheduled action", SCALED_ON_TIME, change.by)
    return None


def _is_scaling_on_time(relevant: RelevantChange) -> bool:
    """Auto Scaling acts on load at any second, on a schedule at the quarters of an hour.

    A scheduled action is never early, and as a rule late by seconds (EC2 Auto Scaling user guide, "Scheduled
    scaling").
    """
    change = relevant.change
    late = (change.at.minute * 60 + change.at.second) % 900
    return any(name in change.by.lower() for name in SCALERS) and late <= MOST_LATE.total_seconds()


def _returns(facts: Facts) -> Timetable | None:
    metrics, starts = facts.evidence.metrics, _bursts(facts.symptom.errors, facts.symptom.attempted)
    period = _period(starts)
    if period is None or isinstance(metrics, Missing):
        return None
    minutes = [f"{metrics.window.minute(start):%H:%M}" for start in starts[-4:]]
    weight = RETURNS if _keeps_to_a_clock(starts) else RETURNS_BY_NO_CLOCK
    return Timetable(f"it returns every {period} minutes: {', '.join(minutes)}", weight)


def _keeps_to_a_clock(starts: Sequence[int]) -> bool:
    """Whether the distance is one that schedules have: a part of an hour, or whole half hours."""
    times, whole = len(starts) - 1, starts[-1] - starts[0]
    nearest = {round(whole / times / 30) * 30, *(60 // parts for parts in (2, 3, 4, 5, 6))}
    return any(period and abs(whole - period * times) <= ENDS_TOLERANCE for period in nearest)


def _bursts(errors: Sequence[float], attempted: Sequence[float]) -> list[int]:
    """The first minutes of the disturbances that are about as strong as the newest one."""
    if not any(errors):
        return []
    stretches = read(series_of(errors, attempted)).stretches()
    if not stretches:
        return []
    last = stretches[-1].rate
    return [each.start for each in stretches if last / ALIKE <= each.rate <= last * ALIKE]


def _period(starts: Sequence[int]) -> int | None:
    """The distance of bursts that come at equal distances, in minutes."""
    distances = [later - earlier for earlier, later in pairwise(starts)]
    if not distances:
        return None
    period = round(sum(distances) / len(distances))
    fewest = FEWEST_SHORT_BURSTS if period < SHORT_PERIOD else FEWEST_BURSTS
    equal = all(abs(distance - period) <= PERIOD_TOLERANCE for distance in distances)
    return period if equal and period >= SHORTEST_PERIOD and len(starts) >= fewest else None


def _begins_on_the_hour(onset: datetime) -> Timetable | None:
    """The stroke of an hour: told, and outweighed by nothing found (see BEGINS_ON_THE_HOUR)."""
    if onset.minute > STARTS_WITHIN_MINUTES:
        return None
    return Timetable(f"it began on the stroke of {onset:%H}:00", BEGINS_ON_THE_HOUR)
