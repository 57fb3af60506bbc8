"""Hand-made series: three hours of minutes, as CloudWatch would show them."""

import math
import random

import pytest

from diagnosis.onset import SIGNIFICANCE, find_level_onset, find_onset
from diagnosis.rates import MATERIAL_SHARE, rate_change

MINUTES = 180


def noisy(means: list[float], seed: int = 1) -> list[float]:
    """Whole counts around the means, with Poisson's spread (by a normal draw, which is near enough here)."""
    source = random.Random(seed)  # noqa: S311 - seeded noise, nothing secret
    return [float(max(0, round(source.gauss(mean, math.sqrt(mean))))) for mean in means]


def quiet_then(
    minutes_ago: int, *counts: float, before: float = 0.0, after: float | None = None
) -> list[float]:
    """`before`, then the counts from `minutes_ago` on, then `after` (default: the last count) to the end."""
    rest = counts[-1] if after is None else after
    series = [before] * (MINUTES - minutes_ago) + list(counts)
    return series + [rest] * (MINUTES - len(series))


def requests(a_minute: float) -> list[float]:
    return [a_minute] * MINUTES


# --- Steps, bursts, ramps ---


def test_a_step_from_nothing_begins_in_its_first_minute_and_goes_on() -> None:
    onset = find_onset(quiet_then(3, 369, 371, 366), requests(4421))
    assert onset is not None
    assert (onset.index, onset.until, onset.before_rate) == (MINUTES - 3, None, 0.0)
    assert onset.after_rate == pytest.approx(1106 / (3 * 4421))
    assert onset.log_p < -1000


def test_a_step_above_an_ordinary_rate_begins_in_its_first_minute() -> None:
    errors = noisy([4.0] * 156 + [34.0] * 24)
    onset = find_onset(errors, requests(4000))
    assert onset is not None
    assert (onset.index, onset.until) == (156, None)
    assert onset.before_rate == pytest.approx(sum(errors[:156]) / (156 * 4000))


def test_a_burst_that_is_over_tells_where_it_ended() -> None:
    onset = find_onset(quiet_then(12, 60, 75, 62, after=0), requests(4000))
    assert onset is not None
    assert (onset.index, onset.until) == (168, 171)


def test_a_single_quiet_minute_ends_a_strong_disturbance() -> None:
    onset = find_onset(quiet_then(6, 60, 60, 60, 60, 60, 0), requests(4000))
    assert onset is not None
    assert onset.until == MINUTES - 1


def test_a_single_quiet_minute_does_not_end_a_weak_disturbance() -> None:
    onset = find_onset(quiet_then(8, 2, 1, 3, 2, 1, 2, 2, 0), requests(4000))
    assert onset is not None
    assert (onset.index, onset.until) == (172, None)


def test_an_ordinary_minute_after_a_burst_is_not_its_tail() -> None:
    errors = noisy([2.0] * 80 + [300.0] * 5 + [2.0] * 95)
    onset = find_onset(errors, requests(4000))
    assert onset is not None
    assert (onset.index, onset.until) == (80, 85)


def test_saw_tooth_bursts_are_one_disturbance_that_began_with_the_first() -> None:
    tooth = [70.0, 20.0, 0, 0, 0, 0, 0, 0]
    onset = find_onset([0.0] * 155 + (tooth * 4)[:25], requests(4000))
    assert onset is not None
    assert (onset.index, onset.until) == (155, None)


def test_a_pause_like_those_between_the_bursts_is_not_the_end() -> None:
    tooth = [70.0, 20.0, 0, 0, 0, 0, 0, 0]
    onset = find_onset([0.0] * 156 + tooth * 3, requests(4000))
    assert onset is not None
    assert (onset.index, onset.until) == (156, None)


def test_a_pause_longer_than_those_between_the_bursts_is_the_end() -> None:
    tooth = [70.0, 20.0, 0, 0, 0, 0, 0, 0]
    onset = find_onset([0.0] * 146 + tooth * 3 + [0.0] * 10, requests(4000))
    assert onset is not None
    assert (onset.index, onset.until) == (146, 164)


@pytest.mark.parametrize("length", [5, 10, 30])
@pytest.mark.parametrize("ordinary", [0.0, 0.5, 4.0])
def test_a_ramp_begins_at_its_foot(length: int, ordinary: float) -> None:
    climb = [ordinary + 200.0 * step / length for step in range(1, length + 1)]
    onset = find_onset(noisy([ordinary] * (MINUTES - length) + climb), requests(4000))
    assert onset is not None
    assert MINUTES - length <= onset.index <= MINUTES - length + 1


def test_a_slow_ramp_above_many_ordinary_errors_is_found_while_it_is_small() -> None:
    climb = [40.0 + 160.0 * step / 30 for step in range(1, 31)]
    onset = find_onset(noisy([40.0] * 150 + climb), requests(4000))
    assert onset is not None
    assert 150 <= onset.index <= 155


def test_errors_that_come_in_steps_with_a_roll_out_begin_with_the_first_step() -> None:
    onset = find_onset(quiet_then(10, 60, 125, 180, 240, 310, 369), requests(4421))
    assert onset is not None
    assert onset.index == MINUTES - 10


def test_the_part_minute_in_which_a_step_came_belongs_to_it() -> None:
    onset = find_onset(quiet_then(5, 7, 369), requests(4421))
    assert onset is not None
    assert onset.index == MINUTES - 5


# --- What is not the beginning ---


def test_an_earlier_burst_is_another_incident() -> None:
    errors = [2.0] * 80 + [300.0] * 5 + [2.0] * 89 + [60.0] * 6
    onset = find_onset(errors, requests(4000))
    assert onset is not None
    assert (onset.index, onset.until) == (174, None)
    assert onset.before_rate == pytest.approx(2 / 4000)


def test_the_earlier_burst_is_found_when_nothing_came_after_it() -> None:
    onset = find_onset([2.0] * 80 + [300.0] * 5 + [2.0] * 95, requests(4000))
    assert onset is not None
    assert (onset.index, onset.until) == (80, 85)


@pytest.mark.parametrize("minutes_before", [2, 3, 8, 20])
def test_a_stray_error_before_the_step_is_not_the_beginning(minutes_before: int) -> None:
    errors = quiet_then(6, 60)
    errors[MINUTES - 6 - minutes_before] = 1.0
    onset = find_onset(errors, requests(4000))
    assert onset is not None
    assert onset.index == MINUTES - 6


def test_a_blip_under_a_tenth_of_what_follows_is_not_the_beginning() -> None:
    errors = quiet_then(6, 2000)
    errors[MINUTES - 14] = 40.0
    onset = find_onset(errors, requests(4000))
    assert onset is not None
    assert onset.index == MINUTES - 6


def test_bursts_that_recur_begin_with_the_first_of_them() -> None:
    errors = [0.0] * MINUTES
    for start in (40, 100, 160):
        errors[start : start + 2] = [60.0, 55.0]
    onset = find_onset(errors, requests(4000))
    assert onset is not None
    assert (onset.index, onset.until) == (40, 162)


def test_bursts_that_recurred_all_along_are_no_change() -> None:
    errors = [60.0 if minute % 20 == 2 else 0.0 for minute in range(MINUTES)]
    assert find_onset(errors, requests(4000)) is None


def test_a_disturbance_longer_than_the_quiet_before_it_is_found() -> None:
    onset = find_onset(noisy([2.0] * 50 + [30.0] * 130), requests(4000))
    assert onset is not None
    assert onset.index == 50


# --- No change at all ---


@pytest.mark.parametrize("ordinary", [0.05, 3.0, 86.0, 2000.0])
def test_a_chronic_rate_has_no_onset(ordinary: float) -> None:
    assert find_onset(noisy([ordinary] * MINUTES), requests(20_000)) is None


def test_more_requests_at_the_same_share_of_errors_are_no_onset() -> None:
    growing = [1000.0 + 4000.0 * minute / MINUTES for minute in range(MINUTES)]
    assert find_onset(noisy([0.01 * count for count in growing]), growing) is None


def test_a_surge_of_requests_at_the_same_share_of_errors_is_no_onset() -> None:
    surging = [4000.0] * 150 + [20_000.0] * 30
    assert find_onset(noisy([0.01 * count for count in surging]), surging) is None


def test_the_same_surge_is_an_onset_of_the_traffic_itself() -> None:
    onset = find_onset(noisy([4000.0] * 150 + [20_000.0] * 30), requests(1.0))
    assert onset is not None
    assert onset.index == 150


@pytest.mark.parametrize("a_minute", [400, 4000, 200_000])
def test_a_drift_of_thirty_percent_is_no_onset(a_minute: int) -> None:
    drifting = [0.01 * a_minute * (1 + 0.3 * minute / MINUTES) for minute in range(MINUTES)]
    assert find_onset(noisy(drifting), requests(a_minute)) is None


@pytest.mark.parametrize("phase", range(8))
def test_a_wave_of_thirty_percent_up_and_down_is_no_onset(phase: int) -> None:
    wave = [math.sin(2 * math.pi * (minute / MINUTES + phase / 8)) for minute in range(MINUTES)]
    assert find_onset(noisy([2000.0 * (1 + 0.3 * height) for height in wave]), requests(200_000)) is None


def test_a_significant_but_immaterial_step_is_no_onset() -> None:
    errors = [2000.0] * 150 + [2400.0] * 30
    change = rate_change(sum(errors[:150]), 150 * 200_000, sum(errors[150:]), 30 * 200_000)
    assert change.log_p_rise < math.log(SIGNIFICANCE)
    assert find_onset(errors, requests(200_000)) is None


def test_a_handful_of_errors_among_millions_of_requests_is_no_onset() -> None:
    assert MATERIAL_SHARE > 4 / 200_000
    assert find_onset(quiet_then(10, 4), requests(200_000)) is None


def test_errors_that_only_fell_have_no_onset() -> None:
    assert find_onset(noisy([200.0] * 150 + [2.0] * 30), requests(4000)) is None


def test_a_level_that_holds_since_the_first_minutes_has_no_onset() -> None:
    assert find_onset([0.0] * 2 + [200.0] * 178, requests(4000)) is None


# --- Little traffic ---


def test_one_error_in_twenty_requests_is_no_onset() -> None:
    assert find_onset(quiet_then(1, 1), requests(20)) is None


def test_two_errors_in_twenty_requests_are_no_onset() -> None:
    assert find_onset(quiet_then(1, 2), requests(20)) is None


def test_three_errors_in_twenty_requests_against_none_in_3600_are_an_onset() -> None:
    onset = find_onset(quiet_then(1, 3), requests(20))
    assert onset is not None
    assert (onset.index, onset.until) == (MINUTES - 1, None)
    assert onset.log_p < math.log(SIGNIFICANCE)


def test_an_occasional_error_in_a_quiet_service_is_no_onset() -> None:
    errors = [1.0 if minute in (11, 52, 53, 120, 171, 178) else 0.0 for minute in range(MINUTES)]
    assert find_onset(errors, requests(20)) is None


def test_a_single_bad_minute_at_the_very_end_is_an_onset() -> None:
    onset = find_onset(noisy([4.0] * 179 + [120.0]), requests(4000))
    assert onset is not None
    assert (onset.index, onset.until) == (179, None)


# --- Odd exposures ---


def test_every_request_failing_is_an_onset() -> None:
    onset = find_onset(quiet_then(4, 4000), requests(4000))
    assert onset is not None
    assert (onset.index, onset.after_rate) == (MINUTES - 4, 1.0)


def test_errors_without_any_request_count_as_their_own_requests() -> None:
    onset = find_onset(quiet_then(4, 1600), [4000.0] * 176 + [0.0] * 4)
    assert onset is not None
    assert (onset.index, onset.after_rate, onset.until) == (MINUTES - 4, 1.0, None)


def test_traffic_that_vanished_does_not_end_a_disturbance() -> None:
    onset = find_onset(quiet_then(8, 900, 900, 900, 0), [4000.0] * 175 + [0.0] * 5)
    assert onset is not None
    assert (onset.index, onset.until) == (MINUTES - 8, None)


def test_minutes_without_requests_say_nothing_about_before() -> None:
    assert find_onset([0.0] * 175 + [50.0] * 5, [0.0] * 175 + [400.0] * 5) is None


@pytest.mark.parametrize("length", [0, 1, 2, 6])
def test_a_series_too_short_for_a_baseline_has_no_onset(length: int) -> None:
    assert find_onset([100.0] * length, [200.0] * length) is None


def test_series_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="is shorter than"):
        find_onset([1.0, 2.0], [100.0])


def test_a_clear_step_makes_its_foregoing_noise_irrelevant_to_scale() -> None:
    """The same shares at 400 and at 400,000 requests a minute begin at the same minute."""
    steps = [find_onset(quiet_then(7, 0.1 * size), requests(size)) for size in (400.0, 400_000.0)]
    assert [step.index for step in steps if step] == [MINUTES - 7] * 2


# --- Gauges ---


def test_unhealthy_targets_begin_with_the_first_minute_that_they_stay() -> None:
    onset = find_level_onset([0.0] * 170 + [1.0, 2.0, 2.0, 3.0] + [3.0] * 6)
    assert onset is not None
    assert (onset.index, onset.until) == (170, None)
    assert (onset.before_rate, onset.after_rate) == (0.0, 3.0)


def test_a_level_above_a_chronic_one_begins_when_it_leaves_that() -> None:
    onset = find_level_onset([1.0] * 175 + [2.0] * 5)
    assert onset is not None
    assert (onset.index, onset.before_rate) == (175, 1.0)


def test_a_chronic_level_has_no_onset() -> None:
    assert find_level_onset([2.0] * MINUTES) is None


def test_a_single_minute_above_the_baseline_is_a_stray() -> None:
    assert find_level_onset([0.0] * 100 + [3.0] + [0.0] * 79) is None
    assert find_level_onset([0.0] * 179 + [3.0]) is None


def test_two_of_three_minutes_are_enough_and_a_stray_before_them_is_not_the_beginning() -> None:
    onset = find_level_onset([0.0] * 150 + [1.0] + [0.0] * 20 + [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    assert onset is not None
    assert (onset.index, onset.until) == (171, None)


def test_a_minute_back_at_the_baseline_at_the_very_end_is_not_the_end() -> None:
    onset = find_level_onset([0.0] * 170 + [1.0] * 9 + [0.0])
    assert onset is not None
    assert (onset.index, onset.until) == (170, None)


@pytest.mark.parametrize("tail", [[0.0, 0.0], [0.0] * 30, [None, None]])
def test_a_level_that_came_back_tells_where_it_ended(tail: list[float | None]) -> None:
    onset = find_level_onset([*[0.0] * 140, *[2.0] * 6, *tail])
    assert onset is not None
    assert (onset.index, onset.until) == (140, 146)


def test_a_level_whose_last_minutes_flicker_ends_after_the_last_minute_above() -> None:
    onset = find_level_onset([0.0] * 140 + [2.0, 2.0, 0.0, 2.0] + [0.0] * 20)
    assert onset is not None
    assert (onset.index, onset.until) == (140, 144)


def test_of_two_disturbances_of_a_gauge_the_last_is_found() -> None:
    onset = find_level_onset([0.0] * 100 + [2.0] * 5 + [0.0] * 60 + [1.0] * 15)
    assert onset is not None
    assert (onset.index, onset.until, onset.before_rate) == (165, None, 0.0)


def test_a_gauge_that_fell_has_no_onset() -> None:
    assert find_level_onset([6.0] * 170 + [4.0] * 10) is None


def test_minutes_without_data_points_are_neither_baseline_nor_above_it() -> None:
    onset = find_level_onset([None] * 100 + [0.0] * 5 + [None, 1.0, None, 1.0, 1.0])
    assert onset is not None
    assert (onset.index, onset.until) == (106, None)


@pytest.mark.parametrize("values", [[], [None] * MINUTES, [0.0] * 4 + [2.0] * 10, [None] * 60 + [2.0] * 20])
def test_a_gauge_not_watched_before_has_no_onset(values: list[float | None]) -> None:
    assert find_level_onset(values) is None
