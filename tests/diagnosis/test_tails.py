"""The ends of the tails; that they agree with SciPy in between is in test_onset_against_scipy.py."""

import math

import pytest

from diagnosis.tails import binomial_tail, log_binomial_tail, regularized_incomplete_beta


def test_a_probability_too_small_for_a_float_keeps_its_logarithm() -> None:
    assert binomial_tail(4000, 4000, 1e-3) == 0.0
    assert log_binomial_tail(4000, 4000, 1e-3) == pytest.approx(4000 * math.log(1e-3))


def test_an_impossible_count_has_no_probability_and_none_is_certain() -> None:
    assert binomial_tail(11, 10, 0.5) == 0.0
    assert binomial_tail(0, 10, 0.5) == 1.0


def test_the_incomplete_beta_function_ends_at_zero_and_one() -> None:
    assert regularized_incomplete_beta(2.5, 4.0, 0.0) == 0.0
    assert regularized_incomplete_beta(2.5, 4.0, 1.0) == 1.0


def test_a_chance_too_near_one_for_a_float_is_told_by_its_complement() -> None:
    assert log_binomial_tail(10, 10, 1.0, 1e-20) == pytest.approx(-1e-19)
