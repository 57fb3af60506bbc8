"""Which deployments get a closer look."""

from datetime import datetime
from typing import Any

from collectors.codedeploy_answers import parse_deployments, target_groups_of
from collectors.codedeploy_plan import (
    MOST_GROUPS,
    MOST_HISTORIES,
    MOST_SUSPECTS,
    DeploymentRecords,
    Plan,
    plan,
)
from collectors.elastic_load_balancing import parse_target_groups
from collectors.reading import complete_minutes
from diagnosis.evidence import Missing
from tests.collectors.fake_aws import NOW, ORDERS, before, deployment, target_group

GROUPS = parse_target_groups({"TargetGroups": [target_group(ORDERS)]})


def _plan(*infos: dict[str, Any], groups: Any = GROUPS) -> Plan:
    named = {info["deploymentId"]: target_groups_of(info) for info in infos}
    records = DeploymentRecords(parse_deployments({"deploymentsInfo": infos}), named, complete=True)
    return plan(records, groups, complete_minutes(NOW), NOW)


def _other(id: str, created: datetime, **changed: Any) -> dict[str, Any]:
    """A deployment of another service."""
    balancing = {"targetGroupInfoList": [{"name": "search"}]}
    return deployment(id, created, applicationName=id, loadBalancerInfo=balancing, **changed)


def test_a_fresh_deployment_of_ours_gets_targets_history_group_and_tags() -> None:
    planned = _plan(deployment("d-NEW", before(minutes=10)))

    pair = ("order-api", "production")
    assert planned.suspects == ("d-NEW",)
    assert planned.described == planned.tagged == planned.histories == (pair,)


def test_a_deployment_that_ended_before_the_window_is_left_alone() -> None:
    assert _plan(deployment("d-OLD", before(hours=5))).around == ()


def test_an_old_deployment_that_still_runs_gets_a_look_and_so_does_all_that_came_after() -> None:
    running = deployment("d-SLOW", before(hours=30), status="InProgress", completeTime=before(hours=29))
    planned = _plan(running, _other("d-LATER", before(hours=6)), deployment("d-EARLY", before(hours=40)))

    assert [each.id for each in planned.around] == ["d-LATER", "d-SLOW"]
    assert planned.suspects == ("d-SLOW",)


def test_a_deployment_elsewhere_gets_its_group_read_but_no_more() -> None:
    planned = _plan(_other("d-OTHER", before(minutes=10)))

    assert planned.described == (("d-OTHER", "production"),)
    assert (planned.tagged, planned.histories, planned.suspects) == ((), (), ())


def test_where_a_deployment_does_not_tell_its_target_groups_it_may_be_ours() -> None:
    assert _plan(deployment("d-NEW", before(minutes=10), loadBalancerInfo={})).suspects == ("d-NEW",)


def test_where_our_target_groups_are_unknown_any_deployment_may_be_ours() -> None:
    assert _plan(_other("d-OTHER", before(minutes=10)), groups=Missing("AccessDenied")).suspects == (
        "d-OTHER",
    )


def test_targets_are_read_only_of_deployments_that_ended_just_before_the_alarm() -> None:
    planned = _plan(deployment("d-NEW", before(minutes=70)))

    assert planned.suspects == ()
    assert planned.histories == (("order-api", "production"),)


def test_a_crowd_of_deployments_is_looked_at_within_bounds_ours_first() -> None:
    crowd = [_other(f"d-{number:02}", before(minutes=number + 1)) for number in range(20)]
    ours = [
        deployment(f"d-ORDERS-{number}", before(minutes=30 + number), applicationName=f"orders-{number}")
        for number in range(7)
    ]
    planned = _plan(*crowd, *ours)

    assert len(planned.around) == 27
    assert len(planned.described) == MOST_GROUPS
    assert planned.described[0] == ("orders-0", "production")
    assert len(planned.tagged) == 7
    assert len(planned.histories) == MOST_HISTORIES
    assert len(planned.suspects) == MOST_SUSPECTS
