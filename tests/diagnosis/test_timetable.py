"""Trouble that the clock set off."""

from typing import Any

import pytest

from diagnosis.timetable import clock_bound, timetable
from tests.diagnosis.sketches import facts_of, sketch

AT_SEVEN_PAST = "2026-11-20T15:07:10Z"


def scaled(at: str, by: str) -> dict[str, Any]:
    """Machines that this service took away."""
    gone = "i-0c4d5e6f708192a31"
    return {"at": at, "name": "TerminateInstances", "source": "ec2", "by": by, "resources": [gone]}


def sentence(target_5xx: str, **incident: Any) -> str | None:
    groups = {"orders": {"target_5xx": target_5xx}}
    return clock_bound(facts_of(sketch(at=AT_SEVEN_PAST, target_groups=groups, **incident)))


def test_bursts_at_the_same_minute_of_three_hours_are_a_timetable() -> None:
    found = sentence("0, -127..-124: 90, -67..-64: 95, -7..-4: 90")
    assert found == "it returns every 60 minutes: 13:00, 14:00, 15:00"


def test_bursts_every_twenty_minutes_need_a_fourth() -> None:
    assert sentence("0, -62..-60: 90, -42..-40: 90, -22..-20: 90, -2: 90") is not None
    assert "returns" not in str(sentence("0, -51..-49: 90, -31..-29: 90, -11..-9: 90"))


def test_a_rhythm_that_no_clock_has_weighs_less_than_nothing_found() -> None:
    groups = {"orders": {"target_5xx": "0, -83..-81: 90, -56..-54: 90, -29..-27: 90, -2: 90"}}
    found = timetable(facts_of(sketch(at=AT_SEVEN_PAST, target_groups=groups)))
    assert found is not None
    assert found.sentence.startswith("it returns every 27 minutes")
    assert found.weight <= 0.0


def test_bursts_at_odd_distances_are_none() -> None:
    assert sentence("0, -119..-117: 90, -83..-81: 90, -31..-29: 95") is None


def test_two_bursts_are_no_pattern() -> None:
    assert sentence("0, -64..-61: 90, -4: 95") is None


def test_errors_that_begin_on_the_hour_are_told_but_weigh_little() -> None:
    facts = facts_of(sketch(at=AT_SEVEN_PAST, target_groups={"orders": {"target_5xx": "0, -7: 90"}}))
    found = timetable(facts)
    assert found is not None
    assert found.sentence == "it began on the stroke of 15:00"
    assert found.weight < 0.0


def test_errors_that_begin_at_another_minute_are_not() -> None:
    assert sentence("0, -4: 90") is None


@pytest.mark.parametrize(
    ("at", "by", "bound"),
    [
        ("-4.5", "scheduler.amazonaws.com", True),
        ("-4.5", "events.amazonaws.com", True),
        ("-4.5", "autoscaling.amazonaws.com", False),
        ("-4.5", "terraform", False),
        ("-25", "scheduler.amazonaws.com", False),
    ],
)
def test_a_change_that_a_schedule_made_is_bound_to_the_clock(at: str, by: str, bound: bool) -> None:
    assert (sentence("0, -4: 90", changes=[scaled(at, by)]) is not None) is bound


def test_auto_scaling_on_the_quarter_of_an_hour_follows_its_schedule() -> None:
    found = sentence("0, -6: 90", changes=[scaled("-6.8", "autoscaling.amazonaws.com")])
    assert found is not None
    assert "TerminateInstances" in found


def test_auto_scaling_just_before_the_quarter_of_an_hour_follows_the_load() -> None:
    found = sentence("0, -7: 90", changes=[scaled("-7.6", "autoscaling.amazonaws.com")])
    assert "TerminateInstances" not in str(found)


def test_errors_without_an_onset_have_no_timetable() -> None:
    assert sentence("20") is None
