"""A series of counts told apart into quiet and disturbed minutes.

Counts are sparse: a minute without a data point is a minute with zero events.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median

from diagnosis.rates import RateChange, dispersion, material

ENTRY_ODDS = 100.0
"""How many times likelier than quiet a stretch must be, beyond the number of candidates, to be set apart."""

LEVELS = 8
"""Rates of disturbance tried between twice the quiet rate and the highest minute, in equal ratios."""

BLOCK_MINUTES = 15
"""The first guess of the quiet rate is the median over blocks of this length (single minutes of a sparse
series are nearly all zero), and rates that wander show it at this length."""

EDGE_SHARE, EDGE_CORRECTION = 0.10, 0.68
"""As `rates.SPIKE_SHARE`, for differences of neighbouring minutes, of which a burst spoils two: what is left
of Poisson noise averages 0.62 to 0.72."""


@dataclass(frozen=True, slots=True)
class Series:
    """Events and exposures a minute, with prefix sums so that any stretch is summed at once."""

    events: Sequence[float]
    exposures: Sequence[float]
    events_before: Sequence[float]
    exposure_before: Sequence[float]

    def sums(self, start: int, stop: int) -> tuple[float, float]:
        """Events and exposure of the minutes from `start` to `stop` (exclusive)."""
        return (
            self.events_before[stop] - self.events_before[start],
            self.exposure_before[stop] - self.exposure_before[start],
        )

    def rate(self, start: int, stop: int) -> float:
        """Events for each unit of exposure; 0.0 where there was none."""
        events, exposure = self.sums(start, stop)
        return events / exposure if exposure else 0.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Disturbed minutes without a quiet one between them: `start` to `stop` (exclusive), and their rate."""

    start: int
    stop: int
    rate: float


def series_of(events: Sequence[float], exposures: Sequence[float]) -> Series:
    """Errors without a request (503 is answered before a target is chosen, so RequestCount lacks it) count as
    their own requests. Raises ValueError when the lengths differ."""
    filled = [exposure or count for count, exposure in zip(events, exposures, strict=True)]
    return Series(
        events, filled, list(accumulate(events, initial=0.0)), list(accumulate(filled, initial=0.0))
    )


def _edge_dispersion(series: Series) -> float:
    """Dispersion from neighbouring minutes only: each pair's chi-square given their sum is 1 on average for
    Poisson counts of any size, and a step or a slow drift spoils next to none of them."""
    squares = []
    for (early, early_exposure), (late, late_exposure) in pairwise(
        zip(series.events, series.exposures, strict=True)
    ):
        weight = (early + late) * early_exposure * late_exposure
        squares.append((early * late_exposure - late * early_exposure) ** 2 / weight if weight else 0.0)
    kept = sorted(squares)[: len(squares) - int(len(squares) * EDGE_SHARE)]
    return max(1.0, sum(kept) / len(kept) / EDGE_CORRECTION) if kept else 1.0


def _best_rise(series: Series) -> RateChange | None:
    """The two rates of the likeliest single upward step, if material: the only way to know the quiet rate
    when most of the series is disturbed."""
    events, exposure = series.sums(0, len(series.events))
    best, rates = 0.0, None
    for count, sofar in zip(series.events_before, series.exposure_before, strict=True):
        if not 0.0 < sofar < exposure:
            continue
        before, after = count / sofar, (events - count) / (exposure - sofar)
        if after <= before:
            continue
        gain = (count * math.log(before) if count else 0.0) + (events - count) * math.log(after)
        if rates is None or gain > best:
            best, rates = gain, RateChange(before, after, 0.0, 0.0)
    return rates if rates and material(rates.before_rate, rates.after_rate) else None


def _first_quiet_rate(series: Series) -> float:
    minutes = len(series.events)
    blocks = [
        series.rate(start, min(start + BLOCK_MINUTES, minutes)) for start in range(0, minutes, BLOCK_MINUTES)
    ]
    rise = _best_rise(series)
    return min(median(blocks), rise.before_rate) if rise else median(blocks)


def _levels(quiet: float, peak: float) -> list[tuple[float, float]]:
    """For each rate of disturbance, ln(rate / quiet rate) and rate - quiet rate."""
    lowest, highest = 2.0 * quiet, max(peak, 2.0 * quiet)
    count = min(LEVELS, 1 + math.ceil(math.log2(highest / lowest)))
    step = (highest / lowest) ** (1.0 / (count - 1)) if count > 1 else 1.0
    rates = [lowest * step**level for level in range(count)]
    return [(math.log(rate / quiet), rate - quiet) for rate in rates]


def _disturbed(series: Series, quiet: float, noise: float) -> list[bool]:
    """Which minutes are disturbed: the cheapest path of Kleinberg's burst automaton (2002).

    Its states are rates. Each climb to a higher rate costs the logarithm of the candidates tried times
    ENTRY_ODDS, so that one stray event cannot pay for it and a ramp pays for a few; becoming quiet is free; a
    fall to a lower rate of disturbance costs its choice among the minutes, so that an ordinary minute after a
    burst is not its tail.
    """
    minutes = len(series.events)
    peak = max(
        count / (exposure or 1.0) for count, exposure in zip(series.events, series.exposures, strict=True)
    )
    levels = [(0.0, 0.0), *_levels(quiet, peak)]
    climb = noise * (log_candidates(minutes) + math.log(ENTRY_ODDS))
    fall = noise * math.log(minutes)
    costs = [0.0] + [climb] * (len(levels) - 1)
    steps: list[list[int]] = []
    for count, exposure in zip(series.events, series.exposures, strict=True):
        cheapest, origins = _cheapest_moves(costs, climb, fall)
        steps.append(origins)
        costs = [
            cost + exposure * excess - count * log_ratio
            for cost, (log_ratio, excess) in zip(cheapest, levels, strict=True)
        ]
    return _trace(steps, costs.index(min(costs)))


def _cheapest_moves(costs: list[float], climb: float, fall: float) -> tuple[list[float], list[int]]:
    """For each state what it costs to be in it next, and from which state.

    To stay or to become quiet is free, a lower rate costs a fall, a higher one a climb.
    """
    cheapest, origins = costs.copy(), list(range(len(costs)))
    above = len(costs) - 1
    for state in range(above - 1, 0, -1):
        if costs[above] + fall < costs[state]:
            cheapest[state], origins[state] = costs[above] + fall, above
        elif costs[state] < costs[above]:
            above = state
    if costs[above] < costs[0]:
        cheapest[0], origins[0] = costs[above], above
    below = 0
    for state in range(1, len(costs)):
        if costs[below] + climb < cheapest[state]:
            cheapest[state], origins[state] = costs[below] + climb, below
        if costs[state] < costs[below]:
            below = state
    return cheapest, origins


def _trace(steps: Sequence[Sequence[int]], state: int) -> list[bool]:
    path = []
    for origins in reversed(steps):
        path.append(state > 0)
        state = origins[state]
    return path[::-1]


def log_candidates(minutes: int) -> float:
    """ln of the stretches tried: every minute a start, times the lengths that differ by a factor of two."""
    return math.log(minutes * max(1.0, math.ceil(math.log2(minutes))))


@dataclass(frozen=True, slots=True)
class Reading:
    """A series told apart, with the dispersion of its quiet minutes, singly and in blocks."""

    series: Series
    disturbed: Sequence[bool]
    noise: float
    block_noise: float

    def quiet_sums(self, start: int, stop: int) -> tuple[float, float]:
        """Events and exposure of the quiet minutes among those from `start` to `stop` (exclusive)."""
        return _quiet_sums(self.series, self.disturbed, start, stop)

    def quiet_minutes(self, stop: int) -> int:
        """How many quiet minutes with traffic there were before `stop`."""
        minutes = zip(self.series.exposures[:stop], self.disturbed, strict=False)
        return sum(1 for exposure, loud in minutes if exposure and not loud)

    def stretches(self) -> list[Stretch]:
        """The disturbed stretches, oldest first."""
        edges = [minute for minute, (a, b) in enumerate(pairwise([False, *self.disturbed, False])) if a != b]
        pairs = zip(edges[::2], edges[1::2], strict=True)
        return [Stretch(start, stop, self.series.rate(start, stop)) for start, stop in pairs]

    def noise_over(self, minutes: int) -> float:
        """Dispersion of the sum over so many minutes: rates that wander are noisier the longer the sum."""
        share = min(1.0, minutes / BLOCK_MINUTES)
        return self.noise + share * max(0.0, self.block_noise - self.noise)


def _quiet_sums(series: Series, disturbed: Sequence[bool], start: int, stop: int) -> tuple[float, float]:
    quiet = [minute for minute in range(start, stop) if not disturbed[minute]]
    return sum(series.events[minute] for minute in quiet), sum(series.exposures[minute] for minute in quiet)


def read(series: Series) -> Reading:
    """Tell the series apart, twice: with a guess of the quiet rate, then with the rate and dispersion of the
    minutes found quiet. The series must have some exposure."""
    quiet, noise = _first_quiet_rate(series), _edge_dispersion(series)
    disturbed: list[bool] = []
    for _ in range(2):
        disturbed = _disturbed(series, max(quiet, 0.5 / series.exposure_before[-1]), noise)
        events, exposure = _quiet_sums(series, disturbed, 0, len(disturbed))
        quiet, noise = events / exposure if exposure else quiet, _quiet_dispersion(series, disturbed, 1)
    return Reading(series, disturbed, noise, _quiet_dispersion(series, disturbed, BLOCK_MINUTES))


def _quiet_dispersion(series: Series, disturbed: Sequence[bool], block: int) -> float:
    """Dispersion of the quiet minutes summed over blocks of so many minutes."""
    events = [0.0 if loud else count for count, loud in zip(series.events, disturbed, strict=True)]
    exposures = [
        0.0 if loud else exposure for exposure, loud in zip(series.exposures, disturbed, strict=True)
    ]
    starts = range(0, len(events), block)
    return dispersion(
        [sum(events[start : start + block]) for start in starts],
        [sum(exposures[start : start + block]) for start in starts],
    )
