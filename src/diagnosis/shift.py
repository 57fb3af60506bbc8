"""How a count, a share or a gauge moved at the onset."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from diagnosis.levels import level_change
from diagnosis.rates import dispersion, rate_change

# A rise must be unlikely by chance, large enough to matter, and more than a stray event.
CHANCE = math.log(1e-4)
MATERIAL_FACTOR = 1.5
FEWEST_EVENTS = 3.0

# Requests in flight cross the minute's edge, so a response time must move clearly before it counts as raised.
RAISED_FACTOR = 1.5
RAISED_SECONDS = 0.03
RAISED_DEVIATIONS = 4.0
# Within the disturbance: what still grows by half is climbing, the rest has reached a plateau.
CLIMBING_FACTOR = 1.5
# A ramp that started just before the errors must not count as the baseline.
LEAD_MINUTES = 10


@dataclass(frozen=True, slots=True)
class Span:
    """The minutes before the disturbance and those of it, as slices of the window: [first, onset) and [onset,
    until).
    """

    first: int
    onset: int
    until: int

    @property
    def minutes(self) -> int:
        """How long the disturbance has lasted."""
        return self.until - self.onset


@dataclass(frozen=True, slots=True)
class Shift:
    """A count around the onset, in events a minute; `excess` is how many more there were than the baseline
    explains.
    """

    before: float
    after: float
    events: float
    excess: float
    risen: bool
    fallen: bool

    @property
    def factor(self) -> float:
        """After over before; the baseline is taken as at least one event in an hour."""
        return self.after / max(self.before, 1 / 60)


STILL = Shift(0.0, 0.0, 0.0, 0.0, risen=False, fallen=False)


def count_shift(counts: Sequence[float], exposures: Sequence[float], span: Span) -> Shift:
    """Compare events per exposure (requests, or 1.0 a minute) before and since the onset."""
    quiet, quiet_exposure = counts[span.first : span.onset], exposures[span.first : span.onset]
    events, exposure = sum(counts[span.onset : span.until]), sum(exposures[span.onset : span.until])
    if not quiet or not span.minutes:
        return STILL
    # Where nobody asked before, as in a group that was empty, the baseline is taken to have had as many
    # requests and no errors.
    asked_before = sum(quiet_exposure) or exposure
    change = rate_change(
        sum(quiet), max(asked_before, 1.0), events, max(exposure, 1.0), dispersion(quiet, quiet_exposure)
    )
    expected = change.before_rate * exposure
    rose = change.log_p_rise < CHANCE and events >= FEWEST_EVENTS and events >= MATERIAL_FACTOR * expected
    fell = change.log_p_fall < CHANCE and events * MATERIAL_FACTOR <= expected
    return Shift(
        before=sum(quiet) / len(quiet),
        after=events / span.minutes,
        events=events,
        excess=max(0.0, events - expected) if rose else 0.0,
        risen=rose,
        fallen=fell,
    )


@dataclass(frozen=True, slots=True)
class Level:
    """A gauge around the onset (seconds for response times); None where it had no data points."""

    before: float | None
    after: float | None
    peak: float | None
    raised: bool
    climbing: bool

    @property
    def known(self) -> bool:
        """Whether it can be compared."""
        return self.before is not None and self.after is not None


UNKNOWN_LEVEL = Level(None, None, None, raised=False, climbing=False)


def level_shift(values: Sequence[float | None], span: Span) -> Level:
    """Compare a gauge's median before (leaving out the last minutes before the onset) and since."""
    before = values[span.first : max(span.first + 1, span.onset - LEAD_MINUTES)]
    after = values[span.onset : span.until]
    known = [value for value in after if value is not None]
    if not known or all(value is None for value in before):
        return UNKNOWN_LEVEL
    change = level_change(before, after)
    grown = change.after - change.before
    return Level(
        before=change.before,
        after=change.after,
        peak=max(known),
        raised=change.ratio >= RAISED_FACTOR and grown >= RAISED_SECONDS and change.z >= RAISED_DEVIATIONS,
        climbing=_climbs(known),
    )


def _climbs(known: Sequence[float]) -> bool:
    if len(known) < 3:
        return False
    third = max(1, len(known) // 3)
    early, late = sum(known[:third]) / third, sum(known[-third:]) / third
    return late >= CLIMBING_FACTOR * early


def present(values: Sequence[float | None]) -> list[float]:
    """The minutes that have a data point."""
    return [value for value in values if value is not None]


def middle(values: Sequence[float | None]) -> float | None:
    """The upper median of a gauge; None without a data point."""
    known = sorted(present(values))
    return known[len(known) // 2] if known else None


def newest(values: Sequence[float | None]) -> float | None:
    """The last data point."""
    known = present(values)
    return known[-1] if known else None
