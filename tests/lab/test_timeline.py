"""Compact timelines: what they mean, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.timeline import FIRST_MINUTE, LAST_MINUTE, MINUTES, TimelineError, parse


def around(text: str, *minutes: int) -> list[float | None]:
    line = parse(text)
    return [line.at(minute) for minute in minutes]


def test_a_bare_number_is_constant() -> None:
    assert set(parse("4421").values) == {4421.0}
    assert parse(4421).values == parse("4421").values
    assert len(parse("0").values) == MINUTES


def test_a_change_holds_from_its_minute_on() -> None:
    assert around("0, -3: 369", -4, -3, 0, 40) == [0, 369, 369, 369]


def test_a_range_is_a_burst_and_what_was_before_returns() -> None:
    assert around("5, -3..-1: 60", -4, -3, -1, 0) == [5, 60, 60, 5]


def test_a_burst_on_a_changed_level_returns_to_that_level() -> None:
    assert around("0, -10: 7, -3..-1: 60", -11, -4, -2, 0) == [0, 7, 60, 7]


def test_a_ramp_is_straight_and_stays_at_its_end() -> None:
    assert around("0, -10..-5: 0->200", -11, -10, -9, -5, 0) == [0, 0, 40, 200, 200]


def test_listed_figures_come_one_by_one_and_the_last_stays() -> None:
    assert around("0, -3: [369 369 370 369 371]", -4, -3, -1, 1, 2, 40) == [0, 369, 370, 371, 371, 371]


def test_listed_figures_are_exact_and_others_are_not() -> None:
    line = parse("0, -3: [369 370]")
    assert [line.is_exact(minute) for minute in (-4, -3, -2, -1)] == [False, True, True, False]


def test_a_list_over_a_range_gives_way_to_what_was_before() -> None:
    assert around("1, -2..0: [5 6 7]", -3, -2, 0, 1) == [1, 5, 7, 1]


def test_a_dash_means_no_data_points() -> None:
    assert around("6, -4: -, +5: 6", -5, -4, 4, 5) == [6, None, None, 6]


def test_jitter_is_written_at_the_end() -> None:
    line = parse("0.09, -9..-4: 0.09->2.9 ~ 5%")
    assert line.jitter == 0.05
    assert line.at(0) == 2.9


def test_returning_to_normal_keeps_the_past_and_restores_the_first_level() -> None:
    line = parse("3, -3: 369").returning_to_normal(5)
    assert [line.at(minute) for minute in (-4, -3, 4, 5, 40)] == [3, 369, 369, 3, 3]


def test_beyond_the_ends_the_figure_stays_as_it_was_there() -> None:
    line = parse("1, -3: 2")
    assert (line.at(-100_000), line.at(100_000)) == (1, 2)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("many", "'many' is not a number"),
        ("0, -3 369", "is not a change"),
        ("0, -1..-3: 5", "ends before it begins"),
        ("0, -3: 0->200", "a ramp needs a range"),
        ("0, -500: 5", "outside -180..40"),
        ("0, +41: 5", "outside -180..40"),
        ("0, -3: [1 2", "ends with ']'"),
        ("0, -3: []", "at least one"),
        ("0, -3..-1: [1 2]", "2 figures for the 3 minutes"),
        ("0,, -3: 1", "an empty part"),
        ("0 ~ much", "jitter is written"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(text: str, complaint: str) -> None:
    with pytest.raises(TimelineError, match=complaint.replace("[", r"\[").replace("(", r"\(")):
        parse(text)


def test_true_is_not_a_number() -> None:
    with pytest.raises(TimelineError):
        parse(True)


@given(st.floats(0, 1e6), st.integers(FIRST_MINUTE, LAST_MINUTE), st.floats(0, 1e6))
def test_any_single_change_splits_the_line_in_two(before: float, minute: int, after: float) -> None:
    line = parse(f"{before:f}, {minute}: {after:f}")
    at = minute - FIRST_MINUTE
    assert set(line.values[:at]) <= {float(f"{before:f}")}
    assert set(line.values[at:]) == {float(f"{after:f}")}
