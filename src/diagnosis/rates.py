"""Whether two rates of events differ, and how much noisier than Poisson a series is.

All tests are exact conditional tests on counts, so they hold at 20 requests a minute as at 200,000, with the
dispersion that real traffic has beyond Poisson taken out. A change must be both significant and material.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from diagnosis.tails import log_binomial_tail, log_incomplete_beta

MATERIAL_RATIO = 1.5
"""A rate must grow (or shrink) by half to matter. At 200,000 requests a minute 3 % is significant; a day's
ordinary drift is up to 30 % in three hours; neither is an incident."""

MATERIAL_SHARE = 5e-5
"""... and by at least one event in 20,000 requests: ten a minute on a very busy service."""

SPIKE_SHARE, SPIKE_CORRECTION = 0.05, 0.80
"""The largest 5 % of squared residuals are left out of the dispersion. What is left of Poisson noise averages
0.76 (many events a minute, the value for a chi-square with one degree of freedom) to 0.89 (few)."""


@dataclass(frozen=True, slots=True)
class RateChange:
    """Two rates (events for each unit of exposure) and the natural logarithms of the one-sided probabilities
    of such a rise, and of such a fall, if both were the same."""

    before_rate: float
    after_rate: float
    log_p_rise: float
    log_p_fall: float


def rate_change(
    before_events: float,
    before_exposure: float,
    after_events: float,
    after_exposure: float,
    dispersion: float = 1.0,
) -> RateChange:
    """Whether two rates differ: an exact conditional test.

    Given the total, the later events are binomial with the later share of the exposure. `dispersion` (1 or
    more) divides the counts (quasi-Poisson). Noise beyond Poisson is skewed as well, so a rise must then also
    be as improbable under a negative binomial of that dispersion: the larger probability counts. Events
    without exposure count as their own exposure; a side without either says nothing, and both probabilities
    are then 1.
    """
    before_exposure = before_exposure or before_events
    after_exposure = after_exposure or after_events
    before_rate = before_events / before_exposure if before_exposure else 0.0
    after_rate = after_events / after_exposure if after_exposure else 0.0
    exposure = before_exposure + after_exposure
    if not before_exposure or not after_exposure:
        return RateChange(before_rate, after_rate, 0.0, 0.0)
    p, q = after_exposure / exposure, before_exposure / exposure
    before, after = before_events / dispersion, after_events / dispersion
    rise = max(
        log_binomial_tail(after, before + after, p, q),
        _log_skewed_tail(after_events, (before_events + 1.0) * after_exposure / before_exposure, dispersion),
    )
    fall = log_binomial_tail(before, before + after, q, p)
    return RateChange(before_rate, after_rate, rise, fall)


def _log_skewed_tail(events: float, expected: float, dispersion: float) -> float:
    """ln P(X >= events) for a negative binomial of that mean whose variance is `dispersion` times the mean;
    its tail is an incomplete beta function too. -inf for dispersion 1, where it is the Poisson already
    tested."""
    if dispersion <= 1.0 or events <= 0.0:
        return -math.inf if events > 0.0 else 0.0
    shape = expected / (dispersion - 1.0)
    return log_incomplete_beta(events, shape, 1.0 - 1.0 / dispersion, 1.0 / dispersion)


def dispersion(counts: Sequence[float], exposures: Sequence[float]) -> float:
    """Pearson's chi-square over its degrees of freedom against one constant rate; never under 1.

    The 5 % of minutes that fit worst are left out, of the rate too, and the rest corrected for it: a few
    spikes must not make a noisy series of a quiet one, which would hide the next one.
    """
    minutes = [(count, exposure) for count, exposure in zip(counts, exposures, strict=True) if exposure > 0.0]
    squares = _squared_residuals(minutes)
    dropped = int(len(minutes) * SPIKE_SHARE)
    if dropped:
        limit = sorted(squares)[-dropped - 1]
        minutes = [minute for minute, square in zip(minutes, squares, strict=True) if square <= limit]
        squares = _squared_residuals(minutes)
    if len(squares) < 2:
        return 1.0
    correction = SPIKE_CORRECTION if dropped else 1.0
    return max(1.0, sum(squares) / (len(squares) - 1) / correction)


def _squared_residuals(minutes: Sequence[tuple[float, float]]) -> list[float]:
    events = sum(count for count, _ in minutes)
    if not events:
        return [0.0] * len(minutes)
    rate = events / sum(exposure for _, exposure in minutes)
    return [(count - rate * exposure) ** 2 / (rate * exposure) for count, exposure in minutes]


def material(lower: float, higher: float) -> bool:
    """Whether a rise from one rate to another matters: see MATERIAL_RATIO and MATERIAL_SHARE."""
    return higher >= MATERIAL_RATIO * lower and higher - lower >= MATERIAL_SHARE
