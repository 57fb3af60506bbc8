"""Requests that no longer come, told from the breath of traffic."""

import pytest

from diagnosis.lost_requests import lost_requests

USUAL = [4000.0] * 120


def lost(*counts: float, before: list[float] | None = None) -> tuple[float, ...]:
    """What is missing in these minutes after two hours of four thousand a minute."""
    quiet = USUAL if before is None else before
    return lost_requests([*quiet, *counts])[0][len(quiet) :]


def test_what_stays_away_is_missing_minute_by_minute() -> None:
    assert lost(1000, 900) == (3000, 3100)


def test_a_long_loss_does_not_become_the_usual() -> None:
    assert set(lost(*[400.0] * 90)) == {3600.0}


@pytest.mark.parametrize("count", [3990, 3200, 2900, 4000, 9000])
def test_ordinary_ups_and_downs_are_no_loss(count: float) -> None:
    assert lost(count) == (0.0,)


def test_the_end_of_a_rush_is_no_loss() -> None:
    rush = [2000.0] * 80 + [6000.0] * 60
    assert lost(2050, 1950, before=rush) == (0.0, 0.0)


def test_of_few_requests_only_a_clear_loss_counts() -> None:
    few = [20.0, 17.0, 24.0, 19.0] * 30
    assert lost(11, 9, before=few) == (0.0, 0.0)
    assert lost(0, before=few)[0] > 15.0


def test_a_decline_over_hours_is_no_loss() -> None:
    evening = [4000.0 - 12 * minute for minute in range(180)]
    assert not any(lost_requests(evening)[0])


def test_nothing_is_expected_of_too_few_minutes() -> None:
    assert lost_requests([4000.0] * 5 + [0.0] * 5)[0] == (0.0,) * 10


def test_what_came_or_was_expected_is_what_was_attempted() -> None:
    _, expected = lost_requests([*USUAL, 1000.0, 5000.0])
    assert expected[-2:] == (4000.0, 5000.0)
