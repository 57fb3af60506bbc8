"""How a gauge moved."""

import math

import pytest

from diagnosis.levels import level_change


def test_a_response_time_that_climbed_is_many_ordinary_spreads_away() -> None:
    change = level_change([0.085, 0.09, 0.095] * 40, [3.1, 3.4, 3.6])
    assert (change.before, change.after) == (0.09, 3.4)
    assert change.ratio == pytest.approx(3.4 / 0.09)
    assert change.z > 50


def test_a_missing_point_of_a_gauge_is_not_a_zero() -> None:
    change = level_change([None, 0.09, None, 0.09], [None, 0.09, None, None])
    assert (change.before, change.after, change.ratio, change.z) == (0.09, 0.09, 1.0, 0.0)


def test_a_few_wild_minutes_do_not_move_a_level() -> None:
    change = level_change([0.09, 0.1, 0.08, 0.09, 60.0] * 10, [0.09, 0.1, 60.0])
    assert abs(change.z) < 2


def test_the_first_move_of_a_constant_gauge_has_a_finite_size() -> None:
    change = level_change([6.0] * 60, [5.0] * 3)
    assert -100 < change.z < -10


def test_a_gauge_that_left_zero_rose_without_bound() -> None:
    change = level_change([0.0] * 60, [2.0] * 3)
    assert change.ratio == math.inf
    assert 0 < change.z < math.inf


def test_a_gauge_that_stays_at_zero_did_not_change() -> None:
    change = level_change([0.0] * 60, [0.0] * 3)
    assert (change.ratio, change.z) == (1.0, 0.0)


def test_a_gauge_without_data_on_one_side_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="without data points"):
        level_change([0.09] * 60, [None, None])
