"""Scenario files: every one of the project loads; mistakes are refused by file, key and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lab import Scenario, ScenarioError, load, parse, scenarios


@pytest.mark.parametrize("path", scenarios(), ids=lambda path: path.stem)
def test_every_scenario_of_the_project_loads(path: Path) -> None:
    assert load(path).title


def test_a_scenario_is_found_by_name() -> None:
    assert load(scenarios()[0].stem).name == scenarios()[0].stem


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ScenarioError, match=scenarios()[0].stem):
        load("no-such-incident")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"titel": "x"}, "small-incident.yaml: titel: is not a key here; allowed are .*title"),
        ({"target_groups": {"orders": {"request": "1"}}}, r"target_groups.orders.request: is not a key here"),
        (
            {"target_groups": {"orders": {"requests": "x"}}},
            r"target_groups.orders.requests: 'x' is not a number",
        ),
        ({"target_groups": {"orders": {"requests": [1]}}}, r"target_groups.orders.requests: "),
        ({"target_groups": {"orders": {"protocol": "TCP"}}}, "protocol: 'TCP' is not one of HTTP, HTTPS"),
        (
            {"target_groups": {"orders": {"health": {"unhealthy": 7}}}},
            "7 targets are given a state, but there are 6",
        ),
        (
            {"target_groups": {"orders": {"health": {"state": "ill"}}}},
            "'ill' is not one of healthy, unhealthy",
        ),
        (
            {"target_groups": {"orders": {"health": {"unhealthy": 1, "reason": "Bad"}}}},
            "'Bad' is not one of Elb",
        ),
        (
            {"target_groups": {"orders": {"zone_share": {"eu-west-1z": {"elb_502": 1}}}}},
            "zone_share.eu-west-1z",
        ),
        (
            {"target_groups": {"orders": {"zone_share": {"eu-west-1a": {"elb_503": 1}}}}},
            "elb_503: is not one of",
        ),
        (
            {"target_groups": {"orders": {"zone_share": {"eu-west-1a": {"elb_502": 2}}}}},
            "not a share between",
        ),
        ({"target_groups": {"orders": {"cpu": {"i-1": "97"}}}}, "cpu.i-1: is not one of the instances"),
        ({"alarm": {"kind": "complex"}}, "alarm.kind: 'complex' is not one of metric, metric_math"),
        ({"alarm": {"target_group": "carts"}}, "'carts' is not one of orders, search"),
        ({"alarm": {"event": "events/none.json"}}, "there is no file events/none.json"),
        ({"load_balancer": {"zones": ["eu-west-1a", "us-east-1a"]}}, "one region"),
        ({"listeners": [{"default": {"forward": "carts"}}]}, "'carts' is not one of the target groups"),
        ({"listeners": [{"default": {"forward": "orders", "fixed": 503}}]}, "exactly one of"),
        ({"traffic": {"elb_599": "0"}}, "traffic.elb_599: is not a key here"),
        ({"faults": {"LookupEvents": "AccessDenied"}}, "write service.Operation"),
        ({"faults": {"cloudtrail.LookupEvents": "Fire"}}, "'Fire' is not one of AccessDenied"),
        ({"mode": "always"}, "mode: 'always' is not one of off"),
        ({"after_rollback": "maybe"}, "'maybe' is not one of recovers"),
        ({"noise": "loud"}, "'loud' is not one of poisson, none"),
        ({"expect": {"outcome": "guessed"}}, "expect.outcome"),
        ({"expect": {"rollback": "perhaps"}}, "expect.rollback: expected true or false"),
        ({"at": "noon"}, "at: 'noon' is not a time"),
        ({"changes": [{"name": "X", "source": "ec2"}]}, r"changes\[0\].at: is required"),
        ({"deployments": [{"id": "d-1", "application": "a", "group": "g"}]}, "created: is required"),
    ],
)
def test_a_mistake_is_refused_by_file_key_and_what_is_allowed(
    incident: Callable[..., Scenario], changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ScenarioError, match=complaint):
        incident(**changes)


def deployment(**changes: Any) -> dict[str, Any]:
    return {"id": "d-1", "application": "a", "group": "g", "created": "-5", "completed": "-1"} | changes


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (deployment(status="InProgress"), "InProgress and completed -1.0 contradict"),
        (deployment(completed=None, status="Succeeded"), "contradict"),
        (deployment(creator="me"), "'me' is not one of user"),
        (deployment(target_groups=["carts"]), "other/carts"),
        (deployment(overview={"Done": 1}), "overview.Done"),
        (deployment(revision={"name": "x"}), "revision.name: is not a key here"),
        (deployment(targets={"i-1": {"state": "x"}}), "targets.i-1.state: is not a key here"),
        (deployment(auto_rollback=["ALWAYS"]), "'ALWAYS' is not one of DEPLOYMENT_FAILURE"),
    ],
)
def test_a_mistake_in_a_deployment_is_refused(
    incident: Callable[..., Scenario], given: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ScenarioError, match=complaint):
        incident(deployments=[given])


def test_two_deployments_of_one_id_are_refused(incident: Callable[..., Scenario]) -> None:
    with pytest.raises(ScenarioError, match="'d-1' is given twice"):
        incident(deployments=[deployment(), deployment()])


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(ScenarioError, match="line 2: the key 'title' is given twice"):
        parse("title: a\ntitle: b\n")


def test_a_file_that_is_not_a_mapping_is_refused() -> None:
    with pytest.raises(ScenarioError, match="expected a mapping"):
        parse("- a\n")


def test_a_bare_off_is_the_mode_off(incident: Callable[..., Scenario]) -> None:
    assert incident(mode=False).mode == "off"


def test_a_missing_kill_switch_differs_from_one_not_mentioned(incident: Callable[..., Scenario]) -> None:
    assert incident().kill_switch == "true"
    assert incident(kill_switch=None).kill_switch is None
    assert incident(kill_switch=False).kill_switch == "false"


def test_targets_are_spread_over_the_zones_with_lasting_ids(incident: Callable[..., Scenario]) -> None:
    targets = incident().group("orders").targets
    assert [target.zone[-1] for target in targets] == list("abcabc")
    assert targets == incident().group("orders").targets
    assert all(target.id.startswith("i-0") and len(target.id) == 19 for target in targets)


def test_the_first_targets_take_the_states_given_by_number(incident: Callable[..., Scenario]) -> None:
    health = {"unhealthy": 1, "draining": 2, "reason": "Target.Timeout"}
    states = [
        (t.state, t.reason)
        for t in incident(target_groups={"orders": {"health": health}}).group("orders").targets
    ]
    assert states[0] == ("unhealthy", "Target.Timeout")
    assert [state for state, _ in states[1:]] == ["draining", "draining", "healthy", "healthy", "healthy"]
    assert states[-1] == ("healthy", None)


def test_minutes_count_from_the_minute_of_the_alarm(incident: Callable[..., Scenario]) -> None:
    assert incident().moment(-3.5) == datetime(2026, 11, 20, 14, 43, 30, tzinfo=UTC)
