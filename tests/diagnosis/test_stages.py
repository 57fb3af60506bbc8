"""When an incident is looked at again, and what was late or missing by then."""

import typing
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from diagnosis.evidence import NOT_LOOKED_UP, Evidence, MetricKey, Metrics, Missing, Window
from diagnosis.stages import (
    BY_THE_MINUTE,
    STAGES,
    awaited,
    next_stage,
    reads_newest_minutes,
    stage_of,
    steadied,
)
from diagnosis.systems.firewall import BlockedRequests, WebAcl
from tests.diagnosis.judged import NOW, ORDERS, evidence

FIRST, SECOND, THIRD = STAGES
DENIED = Missing("AccessDenied")
KNOWN = evidence()


def acl(logged: BlockedRequests | Missing | None, destination: str | None = "arn:aws:s3:::logs") -> WebAcl:
    return WebAcl(
        "arn:acl", "site", "site", "REGIONAL", "allow", (), log_destination=destination, logged=logged
    )


def blocked(*found: Any) -> BlockedRequests:
    return BlockedRequests("log", NOW, NOW, found, complete=True)


# --- When ---


def test_the_stages_are_three_six_and_twelve_minutes_after_the_alarm() -> None:
    assert [each.after for each in STAGES] == [timedelta(minutes=count) for count in (3, 6, 12)]
    assert [each.number for each in STAGES] == [1, 2, 3]


@pytest.mark.parametrize(
    ("minutes", "after", "number"),
    [
        (0, 0, 1),
        (2.9, 0, 1),
        (3, 0, 2),
        (3, 1, 2),
        (7, 1, 3),
        (0, 2, 3),
        (12, 0, None),
        (0, 3, None),
        (600, 0, None),
    ],
)
def test_the_next_stage_is_the_first_that_is_still_to_come(
    minutes: float, after: int, number: int | None
) -> None:
    found = next_stage(NOW, NOW + timedelta(minutes=minutes), after)
    assert (found.number if found else None) == number


def test_a_stage_is_found_by_its_number() -> None:
    assert [stage_of(number) for number in (0, 1, 2, 3, 4)] == [None, *STAGES, None]


# --- What it reads ---


def test_every_field_that_a_stage_reads_is_one_of_the_evidence() -> None:
    names = {each.name for each in fields(Evidence)}
    assert all(stage.reads <= names for stage in STAGES)


def test_whatever_holds_figures_by_the_minute_is_read_together() -> None:
    hints = typing.get_type_hints(Evidence)
    holders = {name for name, hint in hints.items() if Metrics in set(_classes(hint, set()))}
    assert holders <= BY_THE_MINUTE
    assert FIRST.reads >= BY_THE_MINUTE
    assert [stage.newest_minutes for stage in STAGES] == [True, False, False]


def _classes(hint: Any, seen: set[Any]) -> Iterator[Any]:
    """Every class that a value of this type may hold; evidence of origins is left to its own test."""
    for each in typing.get_args(hint):
        yield from _classes(each, seen)
    if isinstance(hint, type) and hint not in seen and hint is not Evidence:
        seen.add(hint)
        yield hint
        if is_dataclass(hint):
            for inner in typing.get_type_hints(hint).values():
                yield from _classes(inner, seen)


def test_a_look_reads_what_was_late_and_nothing_that_is_true_still() -> None:
    assert awaited(FIRST, KNOWN) == {"changes", "metrics", "target_health"}
    assert awaited(SECOND, KNOWN) == {"changes"}
    assert awaited(THIRD, KNOWN) == {"changes"}


def test_what_was_looked_for_and_is_not_there_is_not_looked_for_again() -> None:
    assert "firewall" not in awaited(FIRST, replace(KNOWN, firewall=None))
    assert "functions" not in awaited(FIRST, replace(KNOWN, functions={}))
    assert "services" not in awaited(FIRST, replace(KNOWN, services=()))


def test_what_may_come_later_is_looked_for_again_though_there_was_none() -> None:
    assert "alarms_in_alarm" in awaited(FIRST, replace(KNOWN, alarms_in_alarm=()))
    assert "health_events" in awaited(THIRD, replace(KNOWN, health_events=()))


def test_another_kind_of_entry_points_evidence_is_not_read() -> None:
    assert "edge" not in awaited(FIRST, replace(KNOWN, edge=NOT_LOOKED_UP))


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", ["deployments", "listeners", "instances"])
def test_a_source_that_failed_is_read_at_every_stage(stage: Any, name: str) -> None:
    failed: dict[str, Any] = {name: DENIED}
    assert name in awaited(stage, replace(KNOWN, **failed))


def test_a_source_that_failed_in_part_is_read_again_too() -> None:
    assert "target_health" in awaited(SECOND, replace(KNOWN, target_health={ORDERS: DENIED}))
    unread = Metrics(Window(NOW, 180), {}, {MetricKey("RequestCount", "Sum"): "InternalError"})
    assert "metrics" in awaited(SECOND, replace(KNOWN, metrics=unread))


@pytest.mark.parametrize(
    ("firewall", "late"),
    [
        (acl(None, None), False),
        (acl(NOT_LOOKED_UP), False),
        (acl(Missing("s3: no file of the time of the blocks is there yet")), True),
        (acl(blocked()), True),
        (acl(blocked("one")), False),
    ],
)
def test_a_firewalls_log_is_waited_for_only_where_it_was_asked_and_had_nothing_yet(
    firewall: WebAcl, late: bool
) -> None:
    known = replace(KNOWN, firewall=firewall)
    assert ("firewall" in awaited(SECOND, known)) is late
    assert "firewall" in awaited(FIRST, known)


def test_once_a_rollback_has_begun_the_minutes_that_it_changes_are_left_alone() -> None:
    assert awaited(FIRST, KNOWN, acted=True) == {"changes"}
    assert not reads_newest_minutes(FIRST, KNOWN, acted=True)


def test_figures_that_were_never_read_are_read_up_to_now_at_any_stage() -> None:
    lacking = replace(KNOWN, metrics=DENIED)
    assert all(reads_newest_minutes(stage, lacking, acted=True) for stage in STAGES)
    assert [reads_newest_minutes(stage, KNOWN) for stage in STAGES] == [True, False, False]


# --- What it could not read any more ---


def test_what_was_known_stands_where_a_later_look_could_not_read_it() -> None:
    seen = replace(KNOWN, now=NOW + timedelta(minutes=3), changes=DENIED, attributes={"new": "yes"})
    assert steadied(seen, KNOWN) == replace(seen, changes=KNOWN.changes)


def test_figures_of_different_minutes_are_not_mixed() -> None:
    later = Metrics(Window(NOW, 180), {})
    seen = replace(KNOWN, metrics=later, target_health=DENIED)
    assert steadied(seen, KNOWN) == KNOWN


def test_what_was_missing_before_may_stay_missing() -> None:
    known = replace(KNOWN, deployments=DENIED)
    seen = replace(known, metrics=Metrics(Window(NOW, 180), {}))
    assert steadied(seen, known) == seen
