"""The shape of a disturbance in time."""

import pytest

from diagnosis.rhythm import correlation, in_bursts, rhythm
from diagnosis.shift import Span

QUIET = (0.0,) * 100
TOOTH = (70.0, 20.0, 0.0, 0.0, 0.0, 0.0)


def after(*counts: float, baseline: tuple[float, ...] = QUIET) -> tuple[tuple[float, ...], Span]:
    """A series whose onset is the first of these counts."""
    return baseline + counts, Span(0, len(baseline), len(baseline) + len(counts))


def test_steady_errors_are_one_burst_that_goes_on() -> None:
    found = rhythm(*after(*[369.0] * 8))
    assert (found.bursts, found.busy_share, found.quiet_minutes) == (1, 1.0, 0)
    assert (found.over, found.sawtooth, found.fading) == (False, False, False)


def test_errors_that_stopped_for_three_minutes_are_over() -> None:
    found = rhythm(*after(60, 75, 62, 0, 0, 0))
    assert found.over
    assert (found.last_elevated, found.quiet_minutes) == (102, 3)


def test_two_quiet_minutes_are_not_yet_the_end() -> None:
    assert not rhythm(*after(60, 75, 62, 0, 0)).over


def test_three_bursts_with_pauses_are_a_sawtooth_even_in_a_pause() -> None:
    found = rhythm(*after(*TOOTH * 3))
    assert (found.bursts, found.sawtooth, found.over) == (3, True, False)


def test_two_bursts_are_no_sawtooth() -> None:
    found = rhythm(*after(*TOOTH * 2))
    assert (found.bursts, found.sawtooth) == (2, False)


def test_a_single_quiet_minute_does_not_part_two_bursts() -> None:
    assert rhythm(*after(60, 0, 60, 0, 60)).bursts == 1


def test_a_minute_under_a_fifth_of_the_worst_is_not_elevated() -> None:
    assert rhythm(*after(1000, 1000, 150, 150, 150)).quiet_minutes == 3


def test_ordinary_errors_are_not_elevated() -> None:
    found = rhythm(*after(200, 200, 44, 38, 41, baseline=(40.0,) * 100))
    assert (found.bursts, found.quiet_minutes) == (1, 3)


@pytest.mark.parametrize(
    ("counts", "fading"),
    [((400, 390, 210, 200, 90, 80), True), ((400, 390, 400, 410, 400, 395), False), ((400, 200, 10), False)],
)
def test_errors_fade_when_the_last_third_is_under_half_of_the_first(
    counts: tuple[float, ...], fading: bool
) -> None:
    assert rhythm(*after(*counts)).fading is fading


def test_a_series_without_any_minute_since_the_onset_has_no_shape() -> None:
    found = rhythm(*after())
    assert (found.bursts, found.busy_share, found.quiet_minutes) == (0, 0.0, 0)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ((1, 2, 3, 4), (10, 20, 30, 40), 1.0),
        ((1, 2, 3, 4), (4, 3, 2, 1), -1.0),
        ((1, 1, 1, 1), (4, 3, 2, 1), 0.0),
        ((1, 2), (1, 2), 0.0),
    ],
)
def test_correlation_is_pearsons_and_none_without_variation_or_three_points(
    left: tuple[float, ...], right: tuple[float, ...], expected: float
) -> None:
    assert correlation(left, right) == pytest.approx(expected)


def test_of_a_gauge_only_the_minutes_of_bursts_count_since_the_onset() -> None:
    counts, span = after(*TOOTH * 3)
    levels = (0.2,) * 100 + (3.0, 3.0, 0.2, 0.2, 0.2, 0.2) * 3
    kept = in_bursts(levels, counts, span)
    assert kept[:100] == (0.2,) * 100
    assert {level for level in kept[100:] if level is not None} == {3.0}
