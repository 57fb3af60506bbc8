"""How busy the processors behind what fails are, and whether targets left because fewer were wanted."""

from typing import Any

import pytest

from diagnosis.capacity import busiest_processor, taken_away
from diagnosis.facts import Facts
from tests.diagnosis.sketches import facts_of, sketch

SLOW = {"target_5xx": "0, -8: 300", "response_time": "0.09, -8: 3"}
TASKS = {**SLOW, "target_type": "ip", "targets": 3, "healthy": "9, -10: 3"}
WANTED = {"at": "-11", "name": "SetDesiredCapacity", "source": "autoscaling", "resources": ["orders"]}


def orders(group: dict[str, Any], **incident: Any) -> Facts:
    return facts_of(sketch(target_groups={"orders": group}, **incident))


def test_the_busiest_of_instances_and_tasks_counts() -> None:
    assert busiest_processor(orders({**SLOW, "cpu": "40, -8: 92"})) == pytest.approx(92, abs=1)
    tasks = orders({**SLOW, "target_type": "ip"}, services={"orders": {"cpu": "40, -8: 97"}})
    assert busiest_processor(tasks) == pytest.approx(97, abs=1)


def test_what_is_not_measured_is_neither_busy_nor_idle() -> None:
    assert busiest_processor(orders({**SLOW, "target_type": "ip"})) is None


def test_a_service_that_runs_all_it_wants_has_fewer_targets_because_fewer_are_wanted() -> None:
    cut = orders(TASKS, services={"orders": {"desired": "9, -10: 3", "running": "9, -10: 3"}})
    assert taken_away(cut) == "3 of 9 targets of orders are left"


def test_tasks_that_are_wanted_and_do_not_run_were_not_taken_away() -> None:
    short = orders(TASKS, services={"orders": {"desired": "9", "running": "9, -10: 3"}})
    assert taken_away(short) is None


def test_tasks_that_were_reclaimed_were_not_taken_away() -> None:
    stops = [{"at": [-10, -10, -10], "code": "SpotInterruption", "reason": "Your Spot Task was interrupted."}]
    running = {"desired": "9, -10: 3", "running": "9, -10: 3", "stopped": stops}
    assert taken_away(orders(TASKS, services={"orders": running})) is None


def test_instances_were_taken_away_where_somebody_set_how_many_there_are_to_be() -> None:
    fleet = {**SLOW, "targets": 3, "healthy": "6, -10: 3"}
    assert taken_away(orders(fleet)) is None
    assert taken_away(orders(fleet, changes=[WANTED])) == "3 of 6 targets of orders are left"
    assert taken_away(orders(fleet, changes=[{**WANTED, "error": "AccessDenied"}])) is None


@pytest.mark.parametrize(
    "group",
    [
        {**SLOW, "targets": 5, "healthy": "6, -10: 5"},
        {**SLOW, "targets": 6, "healthy": "6, -10: 3", "unhealthy": "0, -10: 3"},
        {**SLOW, "targets": 0, "healthy": "6, -10: 0"},
    ],
    ids=["one of six", "unhealthy instead", "none is left"],
)
def test_only_many_that_left_and_not_all_count(group: dict[str, Any]) -> None:
    assert taken_away(orders(group, changes=[WANTED])) is None
