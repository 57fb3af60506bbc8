"""Figures as people read them."""

from datetime import datetime, timedelta, timezone

import pytest

from notification.figures import clock, count, date_and_clock, duration, percent, sureness


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, "0 %"),
        (0.00001, "under 0.01 %"),
        (0.0004, "0.04 %"),
        (0.0042, "0.42 %"),
        (0.00996, "1.0 %"),
        (0.0836, "8.4 %"),
        (0.0996, "10 %"),
        (0.5, "50 %"),
        (1.0, "100 %"),
    ],
)
def test_a_share_has_two_digits_that_matter(share: float, expected: str) -> None:
    assert percent(share) == expected


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [(0.97, "97 %"), (0.996, "over 99 %"), (1.0, "100 %"), (0.004, "under 1 %"), (0.0, "0 %")],
)
def test_only_certainty_is_a_hundred_per_cent(confidence: float, expected: str) -> None:
    assert sureness(confidence) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (60, "60 s"), (119.6, "2 min"), (372, "6 min 12 s"), (7260, "2 h 1 min"), (-5, "0 s")],
)
def test_a_duration_is_short(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_times_are_told_in_utc() -> None:
    moment = datetime(2026, 11, 20, 16, 44, tzinfo=timezone(timedelta(hours=2)))
    assert clock(moment) == "14:44 UTC"
    assert date_and_clock(moment) == "2026-11-20 14:44 UTC"
    assert count(1847) == "1,847"
