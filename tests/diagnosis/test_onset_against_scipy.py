"""The tails against SciPy, and the onset on thousands of drawn series. All draws are seeded."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats

from diagnosis.onset import find_onset
from diagnosis.rates import dispersion, rate_change
from diagnosis.tails import binomial_tail, log_binomial_tail, regularized_incomplete_beta

MINUTES = 180
POISSON = math.inf
Series = NDArray[np.float64]

# Requests a minute and share of errors of a service in which nothing happens.
ORDINARY = [
    (20, 0.01),
    (20, 0.05),
    (400, 0.01),
    (4000, 0.001),
    (4000, 0.02),
    (200_000, 1e-4),
    (200_000, 0.001),
]

# Requests a minute, share of errors before and after: changes that nobody would call small.
MATERIAL_STEPS = [
    (20, 0.0, 0.5),
    (400, 0.001, 0.02),
    (400, 0.0, 0.05),
    (4000, 0.0005, 0.005),
    (4000, 0.001, 0.0835),
    (4000, 0.0, 0.002),
    (4000, 0.01, 0.03),
    (200_000, 0.0005, 0.002),
    (200_000, 0.0, 0.0002),
    (200_000, 0.001, 1.0),
]


def counts(source: np.random.Generator, means: Series, shape: float) -> Series:
    """Poisson counts, or negative binomial ones: their rate varies by 22 % (`shape` 20) or 45 % (5)."""
    if shape == POISSON:
        return source.poisson(means).astype(float)
    return source.negative_binomial(shape, shape / (shape + means)).astype(float)


# --- Tails ---


def test_the_incomplete_beta_function_agrees_with_scipy() -> None:
    source = np.random.default_rng(1)
    a, b = 10 ** source.uniform(-2, 6, 3000), 10 ** source.uniform(-2, 6, 3000)
    near = np.clip(a / (a + b) * np.exp(source.normal(0, 0.5, 3000)), 1e-12, 1 - 1e-12)
    for alpha, beta, x, expected in zip(a, b, near, special.betainc(a, b, near), strict=True):
        if expected > 1e-290:
            assert regularized_incomplete_beta(alpha, beta, x) == pytest.approx(expected, rel=1e-9)


def test_the_binomial_tail_agrees_with_scipy_from_one_event_to_millions() -> None:
    source = np.random.default_rng(2)
    n = np.floor(10 ** source.uniform(0, 7, 3000))
    p = 10 ** source.uniform(-5, -0.01, 3000)
    k = np.clip(np.round(n * p + source.normal(0, 4, 3000) * np.sqrt(n * p * (1 - p))), 0, n)
    for number, chance, least, expected in zip(n, p, k, stats.binom.sf(k - 1, n, p), strict=True):
        if expected > 1e-290:
            assert binomial_tail(least, number, chance) == pytest.approx(expected, rel=1e-9)


def test_far_tails_lie_between_their_first_term_and_its_geometric_sum() -> None:
    """SciPy underflows there; the sum of the terms from k on is bounded by the ratio of the first two."""
    source = np.random.default_rng(3)
    for n in np.floor(10 ** source.uniform(2, 6, 500)):
        p = 10 ** source.uniform(-6, -1.5)
        k = float(np.ceil(n * min(0.95, 20 * p + source.uniform(0, 0.9))))
        first = float(stats.binom.logpmf(k, n, p))
        ratio = (n - k) / (k + 1) * p / (1 - p)
        slack = 1e-9 * abs(first)
        assert first - slack <= log_binomial_tail(k, n, p) <= first - math.log1p(-ratio) + slack


def test_two_rates_are_compared_as_by_the_exact_binomial_test() -> None:
    source = np.random.default_rng(4)
    for _ in range(300):
        before_exposure, after_exposure = np.round(10 ** source.uniform(2, 6, 2))
        rate = 10 ** source.uniform(-3, -1)
        before = int(source.poisson(rate * before_exposure))
        after = int(source.poisson(rate * source.choice([0.5, 1, 2]) * after_exposure))
        if not before + after:
            continue
        share = after_exposure / (before_exposure + after_exposure)
        change = rate_change(before, before_exposure, after, after_exposure)
        for log_p, side in ((change.log_p_rise, "greater"), (change.log_p_fall, "less")):
            expected = stats.binomtest(after, before + after, share, alternative=side).pvalue
            assert math.exp(log_p) == pytest.approx(expected, rel=1e-9, abs=1e-290)


def test_a_rise_in_dispersed_counts_is_at_least_as_probable_as_under_the_negative_binomial() -> None:
    source = np.random.default_rng(5)
    for noise in source.uniform(1.2, 30, 200):
        expected = source.uniform(5, 500)
        after = math.ceil(expected * source.uniform(1, 5))
        shape = expected / (noise - 1)
        skewed = stats.nbinom.logsf(after - 1, shape, 1 / noise)
        change = rate_change(expected * 1e6, 1e9, after, 1e3, noise)
        assert change.log_p_rise >= skewed - 1e-3


@pytest.mark.parametrize("shape", [POISSON, 20.0, 5.0])
def test_the_dispersion_of_drawn_counts_is_found(shape: float) -> None:
    source = np.random.default_rng(6)
    found = [
        dispersion(counts(source, np.full(MINUTES, 50.0), shape).tolist(), [1.0] * MINUTES)
        for _ in range(200)
    ]
    assert np.mean(found) == pytest.approx(1 + 50 / shape, rel=0.15)


# --- False alarms ---


def false_alarms(seed: int, shape: float, series: int) -> float:
    source = np.random.default_rng(seed)
    alarms = 0
    for requests_a_minute, share in ORDINARY:
        for _ in range(series):
            requests = source.poisson(requests_a_minute, MINUTES).astype(float)
            errors = counts(source, requests * share, shape)
            alarms += find_onset(errors.tolist(), requests.tolist()) is not None
    return alarms / (series * len(ORDINARY))


def test_poisson_noise_raises_a_false_alarm_in_less_than_one_series_of_a_thousand() -> None:
    assert false_alarms(seed=7, shape=POISSON, series=200) < 0.001


def test_noise_with_a_spread_of_twenty_percent_raises_fewer_than_three_in_a_thousand() -> None:
    assert false_alarms(seed=8, shape=20.0, series=200) < 0.003


def test_noise_with_a_spread_of_forty_five_percent_raises_fewer_than_one_in_a_hundred() -> None:
    assert false_alarms(seed=9, shape=5.0, series=200) < 0.01


def test_a_wave_of_thirty_percent_raises_fewer_than_one_false_alarm_in_fifty() -> None:
    source = np.random.default_rng(10)
    minutes = np.arange(MINUTES)
    alarms = 0
    for _ in range(500):
        wave = 1 + 0.3 * np.sin(2 * np.pi * (minutes / MINUTES + source.uniform()))
        errors = source.poisson(source.choice([4.0, 40.0, 2000.0]) * wave)
        alarms += find_onset(errors.tolist(), [200_000.0 / 10] * MINUTES) is not None
    assert alarms / 500 < 0.02


# --- Power and place ---


@pytest.mark.parametrize("shape", [POISSON, 20.0])
@pytest.mark.parametrize(("requests_a_minute", "before", "after"), MATERIAL_STEPS)
def test_a_material_step_is_found_within_a_minute(
    requests_a_minute: int, before: float, after: float, shape: float
) -> None:
    source = np.random.default_rng(requests_a_minute + int(1e4 * after))
    found = []
    for _ in range(100):
        start = MINUTES - int(source.integers(3, 60))
        requests = source.poisson(requests_a_minute, MINUTES).astype(float)
        means = requests * np.where(np.arange(MINUTES) < start, before, after)
        onset = find_onset(np.minimum(counts(source, means, shape), requests).tolist(), requests.tolist())
        found.append(onset is not None and abs(onset.index - start) <= 1 and onset.until is None)
    assert np.mean(found) >= 0.95


def test_the_end_of_a_burst_is_found_within_a_minute() -> None:
    source = np.random.default_rng(12)
    found = []
    for _ in range(500):
        start, length = int(source.integers(60, 150)), int(source.integers(1, 25))
        means = np.full(MINUTES, source.choice([0.0, 0.5, 4.0]))
        means[start : start + length] = 60.0
        onset = find_onset(source.poisson(means).tolist(), [4000.0] * MINUTES)
        found.append(
            onset is not None
            and abs(onset.index - start) <= 1
            and onset.until is not None
            and abs(onset.until - start - length) <= 1
        )
    assert np.mean(found) >= 0.99
