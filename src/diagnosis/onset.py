"""When the errors began, and whether that is a change at all.

Counts are sparse: a minute without a data point is a minute with zero events. A change must be both
significant and material to be called one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from diagnosis.bursts import Reading, Series, Stretch, log_candidates, read, series_of
from diagnosis.rates import MATERIAL_RATIO, RateChange, material, rate_change

SIGNIFICANCE = 1e-3
"""Largest probability, corrected for the candidates tried, at which a change is believed. One alarm looks at
dozens of series, so the customary 0.05 would find something in every one of them."""

GRADUAL_RATIO = 2.0
GRADUAL_MINUTES = 15
"""... and a rate that came up gradually, so that the 15 minutes before and after do not differ so by
themselves, must double: what drifts 30 % up and down nearly does."""

MINIMUM_EVENTS = 3
"""One or two failed requests are never an onset, however few there were before."""

JOIN_MINUTES = 10
"""Bursts with at most this many quiet minutes between them are one disturbance (processes that die of memory
every eight minutes)."""

COMPARABLE = 0.1
"""... unless the earlier one is under a tenth of the later: then it is a stray, not the beginning."""

RECURRING = 2
"""With this many earlier bursts of like strength (within a factor of RECURRING_LIKENESS) they are a pattern,
such as an hourly job, and the pattern, not its latest stroke, has the onset."""
RECURRING_LIKENESS = 3.0

MINIMUM_BASELINE_MINUTES = 5
"""Without this many quiet minutes with traffic before it, nobody saw it begin."""

ELEVATED = 0.01
"""Probability below which the minute just before the change point is itself elevated and so belongs to it."""

OVER = 1e-3
"""Probability, were the disturbance going on, below which the quiet since is believed to be its end."""

SUSTAINED_MINUTES, SUSTAINED_LEAST = 3, 2
"""A gauge is up while it is above its baseline in two of three minutes; a single minute may be a stray."""


@dataclass(frozen=True, slots=True)
class Onset:
    """The current or the last disturbance: minutes `index` to `until` (exclusive; None: it goes on).

    Rates are errors for each request in the quiet minutes before and in the whole disturbance, its gaps
    included; of a gauge they are the medians. `log_p` is corrected for the number of candidates tried, and
    0.0 for a gauge, which is not tested against chance.
    """

    index: int
    before_rate: float
    after_rate: float
    log_p: float
    until: int | None


def find_onset(errors: Sequence[float], exposures: Sequence[float]) -> Onset | None:
    """The minute the current disturbance, or else the last one, began; None when there is no change.

    Both series are per minute, oldest first, complete minutes only, about three hours. With requests as
    exposures more traffic at a constant share of errors is no change; with 1.0 a minute the traffic itself
    can be examined. A level that already holds in the first minutes has no onset here. Raises ValueError when
    the lengths differ.
    """
    series = series_of(errors, exposures)
    if series.events_before[-1] < MINIMUM_EVENTS:
        return None
    reading = read(series)
    disturbances = _disturbances(reading.stretches())
    while disturbances:
        start = _pattern_start(series, disturbances)
        onset = _judge(reading, start, disturbances[-1])
        if onset:
            return onset
        disturbances = [earlier for earlier in disturbances if earlier[0].start < start]
    return None


def _disturbances(stretches: Sequence[Stretch]) -> list[list[Stretch]]:
    """Stretches of bursts joined to disturbances: see JOIN_MINUTES and COMPARABLE."""
    joined: list[list[Stretch]] = []
    for stretch in reversed(stretches):
        near = bool(joined) and joined[-1][0].start - stretch.stop <= JOIN_MINUTES
        if near and stretch.rate >= COMPARABLE * max(burst.rate for burst in joined[-1]):
            joined[-1].insert(0, stretch)
        else:
            joined.append([stretch])
    return joined[::-1]


def _judge(reading: Reading, start: int, bursts: Sequence[Stretch]) -> Onset | None:
    """The disturbance as an onset, if it is significant, material and was seen to begin."""
    series = reading.series
    start = _first_elevated(reading, start)
    until = _end(reading, bursts)
    stop = len(series.events) if until is None else until
    events, exposure = series.sums(start, stop)
    change = rate_change(*reading.quiet_sums(0, start), events, exposure, reading.noise_over(stop - start))
    log_p = min(0.0, change.log_p_rise + log_candidates(len(series.events)))
    watched = reading.quiet_minutes(start) >= MINIMUM_BASELINE_MINUTES
    if not watched or events < MINIMUM_EVENTS or log_p > math.log(SIGNIFICANCE):
        return None
    if not material(change.before_rate, change.after_rate) or _drifted(reading, change, start, stop):
        return None
    return Onset(start, change.before_rate, change.after_rate, log_p, until)


def _drifted(reading: Reading, change: RateChange, start: int, stop: int) -> bool:
    """See GRADUAL_RATIO."""
    if change.after_rate >= GRADUAL_RATIO * change.before_rate:
        return False
    before = reading.quiet_sums(max(0, start - GRADUAL_MINUTES), start)
    after = reading.series.sums(start, min(stop, start + GRADUAL_MINUTES))
    near = rate_change(*before, *after, reading.noise)
    sharp = near.after_rate >= MATERIAL_RATIO * near.before_rate and near.log_p_rise <= math.log(SIGNIFICANCE)
    return before[1] > 0.0 and not sharp


def _pattern_start(series: Series, disturbances: Sequence[Sequence[Stretch]]) -> int:
    """Where the last disturbance began, or the pattern of like ones it belongs to: see RECURRING."""
    last = disturbances[-1]
    strength = series.rate(last[0].start, last[-1].stop)
    alike = [
        earlier[0].start
        for earlier in disturbances[:-1]
        if 1.0 / RECURRING_LIKENESS
        <= series.rate(earlier[0].start, earlier[-1].stop) / strength
        <= RECURRING_LIKENESS
    ]
    return alike[0] if len(alike) >= RECURRING else last[0].start


def _first_elevated(reading: Reading, start: int) -> int:
    """Back over the minutes directly before that are elevated by themselves.

    So a ramp's foot is found, and the part minute in which a step came.
    """
    series = reading.series
    quiet = reading.quiet_sums(0, start)
    while start > 0 and series.events[start - 1]:
        minute = series.sums(start - 1, start)
        if rate_change(*quiet, *minute, reading.noise).log_p_rise > math.log(ELEVATED):
            break
        start -= 1
    return start


def _end(reading: Reading, bursts: Sequence[Stretch]) -> int | None:
    """The minute after the last burst, if the quiet since is longer than any pause between bursts and would
    be improbable were the disturbance going on."""
    stop, minutes = bursts[-1].stop, len(reading.series.events)
    pauses = [later.start - earlier.stop for earlier, later in pairwise(bursts)]
    if minutes - stop <= max(pauses, default=0):
        return None
    disturbance, tail = reading.series.sums(bursts[0].start, stop), reading.series.sums(stop, minutes)
    return stop if rate_change(*disturbance, *tail, reading.noise).log_p_fall < math.log(OVER) else None


def find_level_onset(values: Sequence[float | None]) -> Onset | None:
    """The minute from which a gauge, such as the number of unhealthy targets, stays above its baseline.

    The baseline is the median of all minutes before. None is a minute without a data point; it is not above.
    Like `find_onset` this is the current disturbance or else the last one, and None when there is no change.
    A gauge is not counts: two unhealthy targets in each of ten minutes are not twenty events.
    """
    found, minute = None, 0
    while minute < len(values):
        baseline = _baseline(values[:minute])
        if baseline is None or not _begins(values, minute, baseline):
            minute += 1
            continue
        until = _sustained_until(values, minute, baseline)
        level = median(value for value in values[minute:until] if value is not None)
        found = Onset(minute, baseline, level, 0.0, until)
        minute = until or len(values)
    return found


def _baseline(before: Sequence[float | None]) -> float | None:
    """The median, or None where it was watched for too few minutes."""
    known = [value for value in before if value is not None]
    return median(known) if len(known) >= MINIMUM_BASELINE_MINUTES else None


def _begins(values: Sequence[float | None], minute: int, baseline: float) -> bool:
    """Whether the gauge is above its baseline from this minute on, sustains that, and was not so before."""
    before, now = _above(values[minute - 1 : minute], baseline), _above(values[minute : minute + 1], baseline)
    sustained = _above(values[minute : minute + SUSTAINED_MINUTES], baseline) >= SUSTAINED_LEAST
    return sustained and now > before


def _sustained_until(values: Sequence[float | None], start: int, baseline: float) -> int | None:
    """The minute after the last one above, once fewer than two of three were; None while it goes on."""
    for minute in range(start + SUSTAINED_MINUTES, len(values)):
        if _above(values[minute + 1 - SUSTAINED_MINUTES : minute + 1], baseline) < SUSTAINED_LEAST:
            return minute if _above(values[minute - 1 : minute], baseline) else minute - 1
    return None


def _above(values: Sequence[float | None], baseline: float) -> int:
    return sum(1 for value in values if value is not None and value > baseline)
