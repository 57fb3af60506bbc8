"""Two rates compared, and the noise of a series."""

import math
import random

import pytest

from diagnosis.rates import dispersion, material, rate_change

MINUTES = 180


def noisy(means: list[float], seed: int = 1) -> list[float]:
    """Whole counts around the means, with Poisson's spread (by a normal draw, which is near enough here)."""
    source = random.Random(seed)  # noqa: S311 - seeded noise, nothing secret
    return [float(max(0, round(source.gauss(mean, math.sqrt(mean))))) for mean in means]


def test_the_probability_of_a_rise_is_the_exact_binomial() -> None:
    assert rate_change(0, 3600, 3, 20).log_p_rise == pytest.approx(3 * math.log(20 / 3620))


def test_equal_rates_speak_neither_for_a_rise_nor_for_a_fall() -> None:
    change = rate_change(1000, 100_000, 100, 10_000)
    assert change.log_p_rise > math.log(0.4)
    assert change.log_p_fall > math.log(0.4)


def test_a_rise_read_backwards_is_a_fall() -> None:
    rise, fall = rate_change(40, 10_000, 90, 9_000), rate_change(90, 9_000, 40, 10_000)
    assert rise.log_p_rise == pytest.approx(fall.log_p_fall)


def test_dispersion_makes_a_change_less_certain() -> None:
    certainty = [rate_change(400, 10_000, 90, 1_000, noise).log_p_rise for noise in (1.0, 1.5, 4.0, 20.0)]
    assert certainty == sorted(certainty)


def test_a_side_without_exposure_says_nothing() -> None:
    change = rate_change(0, 0, 50, 100)
    assert (change.log_p_rise, change.log_p_fall) == (0.0, 0.0)


def test_no_events_on_either_side_are_no_change() -> None:
    change = rate_change(0, 1000, 0, 100)
    assert (change.before_rate, change.after_rate, change.log_p_rise, change.log_p_fall) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("lower", "higher", "matters"),
    [(0.0, 5e-5, True), (0.0, 4e-5, False), (0.01, 0.015, True), (0.01, 0.0149, False), (1e-5, 2e-5, False)],
)
def test_a_rise_matters_by_half_and_by_one_request_in_twenty_thousand(
    lower: float, higher: float, matters: bool
) -> None:
    assert material(lower, higher) is matters


# --- Dispersion ---


def test_poisson_noise_has_a_dispersion_near_one() -> None:
    assert dispersion(noisy([40.0] * MINUTES), [4000.0] * MINUTES) == pytest.approx(1.0, abs=0.25)


def test_dispersion_is_never_under_one() -> None:
    assert dispersion([5.0] * MINUTES, [4000.0] * MINUTES) == 1.0
    assert dispersion([], []) == 1.0
    assert dispersion([0.0] * 5, [0.0] * 5) == 1.0


def test_noise_of_four_times_the_variance_is_measured_as_such() -> None:
    source = random.Random(3)  # noqa: S311 - seeded noise, nothing secret
    counts = [source.gauss(400, 40) for _ in range(MINUTES)]
    assert dispersion(counts, [40_000.0] * MINUTES) == pytest.approx(4.0, rel=0.3)


def test_a_few_spikes_do_not_change_the_dispersion() -> None:
    counts = noisy([40.0] * MINUTES)
    spiked = [4000.0 if minute in (20, 90, 150) else count for minute, count in enumerate(counts)]
    ordinary = dispersion(counts, [4000.0] * MINUTES)
    assert dispersion(spiked, [4000.0] * MINUTES) == pytest.approx(ordinary, abs=0.2)
