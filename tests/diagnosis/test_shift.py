"""How counts and gauges move at the onset."""

from collections.abc import Sequence

import pytest

from diagnosis.shift import STILL, UNKNOWN_LEVEL, Span, count_shift, level_shift

QUIET_MINUTES = 120
SPAN = Span(0, QUIET_MINUTES, QUIET_MINUTES + 10)


def series(before: float, *since: float) -> tuple[float, ...]:
    """The same count in every minute before the onset, then these ten."""
    return (before,) * QUIET_MINUTES + since


def flat(count: float) -> tuple[float, ...]:
    return (count,) * (QUIET_MINUTES + 10)


# --- Counts ---


def test_errors_from_nothing_have_risen_and_all_of_them_are_excess() -> None:
    shift = count_shift(series(0, *[369] * 10), flat(4421), SPAN)
    assert (shift.risen, shift.fallen) == (True, False)
    assert (shift.before, shift.after, shift.events, shift.excess) == (0.0, 369.0, 3690.0, 3690.0)


def test_the_excess_is_what_the_baseline_does_not_explain() -> None:
    shift = count_shift(series(60, *[160] * 10), flat(4000), SPAN)
    assert shift.excess == pytest.approx(1000)


def test_the_same_share_of_more_requests_has_not_risen() -> None:
    shift = count_shift(series(40, *[200] * 10), series(4000, *[20_000] * 10), SPAN)
    assert not shift.risen
    assert shift.excess == 0.0


@pytest.mark.parametrize(
    ("before", "since"),
    [
        (100, [120] * 10),  # likely no chance, but a fifth is no matter
        (0, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]),  # two events
        (5, [9, 4, 6, 7, 5, 8, 4, 6, 5, 7]),  # chance
    ],
)
def test_little_more_is_not_risen(before: float, since: Sequence[float]) -> None:
    shift = count_shift(series(before, *since), flat(4000), SPAN)
    assert (shift.risen, shift.excess) == (False, 0.0)


def test_a_count_that_went_away_has_fallen() -> None:
    shift = count_shift(series(4421, *[100] * 10), flat(1), SPAN)
    assert (shift.risen, shift.fallen) == (False, True)


def test_only_the_minutes_of_the_disturbance_are_counted_as_after() -> None:
    burst = Span(0, QUIET_MINUTES, QUIET_MINUTES + 2)
    shift = count_shift(series(0, 60, 60, 0, 0, 0, 0, 0, 0, 0, 0), flat(4000), burst)
    assert (shift.after, shift.events) == (60.0, 120.0)


def test_a_group_that_had_no_requests_before_is_judged_as_if_it_had_had_as_many_without_error() -> None:
    shift = count_shift(series(0, *[200] * 10), series(0, *[400] * 10), SPAN)
    assert shift.risen


@pytest.mark.parametrize("span", [Span(0, 0, 10), Span(0, 10, 10)])
def test_without_minutes_on_either_side_nothing_moved(span: Span) -> None:
    assert count_shift(flat(5), flat(100), span) == STILL


def test_the_factor_of_a_rise_from_nothing_is_taken_against_one_event_an_hour() -> None:
    shift = count_shift(series(0, *[3] * 10), flat(4000), SPAN)
    assert shift.factor == pytest.approx(180)


# --- Gauges ---


def test_a_response_time_that_rose_clearly_is_raised_by_its_medians() -> None:
    level = level_shift(series(0.09, *[2.9] * 10), SPAN)
    assert level.raised
    assert (level.before, level.after, level.peak, level.climbing) == (0.09, 2.9, 2.9, False)


def test_the_minutes_just_before_the_onset_are_no_baseline() -> None:
    ramp = [0.09] * (QUIET_MINUTES - 10) + [0.09 + 0.3 * step for step in range(10)] + [3.0] * 10
    assert level_shift(ramp, SPAN).before == 0.09


def test_a_response_time_that_still_grows_is_climbing() -> None:
    level = level_shift(series(0.09, *[0.1 * minute for minute in range(1, 11)]), SPAN)
    assert level.climbing


@pytest.mark.parametrize(
    "after",
    [
        0.012,  # hardly longer in seconds
        0.0139,  # under half longer
    ],
)
def test_a_little_slower_is_not_raised(after: float) -> None:
    assert not level_shift(series(0.01, *[after] * 10), SPAN).raised


def test_a_move_within_the_ordinary_spread_is_not_raised() -> None:
    restless = tuple(0.05 + 0.1 * (minute % 5) for minute in range(QUIET_MINUTES)) + (0.5,) * 10
    assert not level_shift(restless, SPAN).raised


@pytest.mark.parametrize(
    "values",
    [(None,) * QUIET_MINUTES + (0.09,) * 10, (0.09,) * QUIET_MINUTES + (None,) * 10],
)
def test_a_gauge_without_data_points_on_one_side_is_unknown_and_not_still(
    values: Sequence[float | None],
) -> None:
    assert level_shift(values, SPAN) == UNKNOWN_LEVEL
