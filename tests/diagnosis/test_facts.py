"""What the evidence says, derived from whole sketches of an incident. T is the minute of the alarm."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from diagnosis.changes import Effect
from diagnosis.evidence import Missing
from diagnosis.facts import Facts, derive
from diagnosis.rollout import FLAT
from diagnosis.symptom import Family
from tests.diagnosis.sketches import ALARM_METRIC, BREAKS, facts_of, release, sketch

T = datetime(2026, 11, 20, 14, 47, tzinfo=UTC)
ZONES = {"name": "order-api", "zones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"]}
ONE_ZONE = {**BREAKS, "zone_share": {"eu-west-1a": {"elb_502": 1.0}}}


def orders(**figures: Any) -> Facts:
    """One group, orders, of six targets with 4,421 requests a minute, that differs in this."""
    return facts_of(sketch(target_groups={"orders": figures}))


def unhealthy(count: int, reason: str = "Target.Timeout") -> dict[str, Any]:
    return {"health": {"unhealthy": count, "reason": reason}, "unhealthy": f"0, -3: {count}"}


# --- The onset and the errors ---


def test_without_metrics_there_are_no_facts() -> None:
    blind = replace(sketch(), metrics=Missing("AccessDenied"))
    assert derive(blind, [ALARM_METRIC]) == Missing("no metrics: AccessDenied")


def test_a_quiet_service_has_no_onset_and_nothing_fails() -> None:
    facts = orders()
    assert facts.onset is None
    assert facts.failing_groups == ()
    assert facts.changes == ()
    assert facts.all_healthy
    assert (facts.errors.risen, facts.surged, facts.hosts_fell) == (False, False, False)


def test_the_onset_is_the_minute_in_which_the_errors_began() -> None:
    facts = orders(**BREAKS)
    assert facts.onset == T - timedelta(minutes=3)
    assert facts.errors.after == 369.0
    assert facts.error_share == pytest.approx(369 / 4421, rel=0.01)


def test_the_baseline_reaches_back_two_hours_from_the_onset() -> None:
    facts = orders(target_5xx="400, -150: 0, -3: 300")
    assert facts.span.onset - facts.span.first == 120
    assert facts.errors.before == 0.0


def test_a_disturbance_that_is_over_is_measured_to_its_end() -> None:
    facts = orders(elb_502="0, -20..-15: 300")
    assert facts.span.minutes == 6
    assert facts.rhythm.over


def test_the_parts_of_the_errors_are_shares_of_what_came_on_top() -> None:
    facts = orders(elb_502="30, -5: 330", elb_504="0, -5: 100")
    assert facts.part("elb_502") == pytest.approx(0.75, abs=0.02)
    assert facts.part("elb_502", "elb_504") == pytest.approx(1.0)
    assert facts.part("target_5xx") == 0.0


def test_without_an_onset_the_parts_are_shares_of_all_errors() -> None:
    assert orders(target_5xx="40").part("target_5xx") == pytest.approx(1.0)


def test_events_are_told_for_each_additional_error() -> None:
    facts = orders(elb_502="0, -5: 300", connection_errors="0, -5: 330")
    assert facts.ratio("connection_errors", "elb_502") == pytest.approx(1.1, rel=0.02)
    assert facts.ratio("tls_errors", "elb_504") == 0.0


def test_without_an_onset_a_ratio_is_of_all_there_is() -> None:
    facts = orders(elb_502="9", connection_errors="9")
    assert facts.onset is None
    assert facts.ratio("connection_errors", "elb_502") == pytest.approx(1.0, rel=0.02)


def test_more_requests_are_a_surge_from_half_as_many_again() -> None:
    assert orders(requests="4421, -10: 9000", target_5xx="0, -8: 900").surged
    assert not orders(requests="4421, -10: 5500", target_5xx="0, -8: 900").surged


@pytest.mark.parametrize(("told", "seconds"), [("30", 30.0), ("soon", 60.0), (None, 60.0)])
def test_the_idle_time_out_is_a_minute_unless_the_load_balancer_says_otherwise(
    told: str | None, seconds: float
) -> None:
    attributes = {} if told is None else {"idle_timeout.timeout_seconds": told}
    assert facts_of(replace(sketch(), attributes=attributes)).idle_timeout == seconds
    assert facts_of(replace(sketch(), attributes=Missing("AccessDenied"))).idle_timeout == 60.0


def test_client_errors_are_the_symptom_of_an_alarm_on_them() -> None:
    facts = facts_of(
        sketch(target_groups={"orders": {"target_4xx": "60, -5: 900"}}), "HTTPCode_Target_4XX_Count"
    )
    assert facts.symptom.family is Family.CLIENT_ERRORS
    assert not facts.is_5xx
    assert [group.name for group in facts.failing_groups] == ["orders"]


# --- Groups ---


def test_the_group_that_left_requests_unanswered_fails_and_its_neighbour_does_not() -> None:
    facts = facts_of(sketch(target_groups={"orders": BREAKS, "api": {}}))
    assert [group.name for group in facts.failing_groups] == ["orders"]
    assert facts.worst is not None
    assert facts.worst.name == "orders"
    assert {group.name for group in facts.busy_groups} == {"orders", "api"}


def test_failing_groups_come_worst_first() -> None:
    facts = facts_of(sketch(target_groups={"api": {"elb_502": "0, -3: 100"}, "orders": BREAKS}))
    assert [group.name for group in facts.failing_groups] == ["orders", "api"]


def test_a_group_without_traffic_before_is_not_busy() -> None:
    facts = facts_of(sketch(target_groups={"orders": BREAKS, "spare": {"requests": "0", "target_4xx": "0"}}))
    assert [group.name for group in facts.busy_groups] == ["orders"]


def test_the_only_group_is_the_worst_also_when_it_does_not_fail() -> None:
    assert getattr(orders().worst, "name", None) == "orders"
    assert facts_of(sketch(target_groups={"orders": {}, "api": {}})).worst is None


def test_a_group_known_from_its_metrics_alone_is_judged_too() -> None:
    evidence = sketch(target_groups={"orders": BREAKS})
    facts = facts_of(replace(evidence, target_groups=Missing("AccessDenied")))
    assert [group.name for group in facts.failing_groups] == ["orders"]
    assert facts.failing_groups[0].configuration is None


def test_the_failing_share_is_of_the_failing_groups_own_requests() -> None:
    facts = facts_of(sketch(target_groups={"orders": BREAKS, "api": {"requests": "40000"}}))
    assert facts.failing_share == pytest.approx(369 / 4421, rel=0.02)
    assert facts.error_share == pytest.approx(369 / 44_421, rel=0.02)


# --- Targets ---


def test_targets_that_turned_unhealthy_are_told_with_their_reason() -> None:
    facts = orders(**BREAKS, **unhealthy(2), healthy="6, -3: 4")
    assert facts.turned_unhealthy
    assert facts.hosts_fell
    assert not facts.all_healthy
    assert len(facts.unhealthy()) == len(facts.unhealthy("Target.Timeout")) == 2
    assert facts.unhealthy("Target.ResponseCodeMismatch") == ()
    assert len(facts.in_state("healthy")) == 4


def test_targets_of_the_failing_groups_alone_are_looked_at() -> None:
    facts = facts_of(sketch(target_groups={"orders": {**BREAKS, "targets": 2}, "api": {"targets": 9}}))
    assert len(facts.targets) == 2


def test_health_that_could_not_be_read_is_not_known_and_not_healthy() -> None:
    facts = facts_of(replace(sketch(target_groups={"orders": BREAKS}), target_health=Missing("AccessDenied")))
    assert not facts.health_known
    assert not facts.all_healthy
    assert facts.targets == ()


def test_the_target_that_a_running_roll_out_takes_out_has_not_fallen() -> None:
    figures = {**BREAKS, "healthy": "6, -4: 5"}
    one_of_six = {
        "i-1": {"completed": "-2.5"},
        **{f"i-{each}": {"status": "Pending"} for each in range(2, 7)},
    }
    running = facts_of(
        sketch(target_groups={"orders": figures}, deployments=[release(completed=None, targets=one_of_six)])
    )
    assert not running.hosts_fell
    assert running.hosts_dipped
    assert orders(**figures).hosts_fell


def test_a_group_whose_host_counts_vanished_has_no_target_left() -> None:
    facts = orders(requests="4421, -4: 0", target_4xx="60, -4: 0", healthy="6, -4: -")
    (group,) = facts.groups
    assert group.hosts.vanished
    assert group.hosts.lost == 6.0


def test_one_ill_target_among_three_is_the_lone_one() -> None:
    facts = orders(**BREAKS, **unhealthy(1))
    assert facts.lone_target is not None
    assert facts.lone_target.state == "unhealthy"


def test_of_two_targets_none_is_alone() -> None:
    assert orders(**BREAKS, **unhealthy(1), targets=2).lone_target is None


def test_a_target_that_drains_is_no_ill_one() -> None:
    assert orders(**BREAKS, health={"draining": 1}).lone_target is None


def test_the_instance_whose_processor_left_its_neighbours_is_odd() -> None:
    names = [target.id for target in orders().targets]
    loads = dict.fromkeys(names, "35") | {names[2]: "35, -4: 98"}
    facts = orders(**BREAKS, cpu=loads)
    assert facts.odd_processor == names[2]
    assert facts.lone_target is not None
    assert facts.lone_target.id == names[2]


def test_an_instance_that_was_always_odd_is_not() -> None:
    names = [target.id for target in orders().targets]
    loads = dict.fromkeys(names, "35") | {names[2]: "98"}
    assert orders(**BREAKS, cpu=loads).odd_processor is None


def test_processor_load_is_the_mean_of_the_failing_groups_instances() -> None:
    facts = orders(**BREAKS, cpu="30, -4: 96")
    assert facts.processor_before == pytest.approx(30, abs=1)
    assert facts.processor_peak == pytest.approx(96, abs=1)


# --- Zones ---


def test_the_one_failing_zone_is_named() -> None:
    facts = facts_of(sketch(target_groups={"orders": ONE_ZONE}, load_balancer=ZONES))
    assert facts.lone_zone is not None
    assert facts.lone_zone.name == "eu-west-1a"


def test_no_zone_is_alone_when_all_fail() -> None:
    assert facts_of(sketch(target_groups={"orders": BREAKS}, load_balancer=ZONES)).lone_zone is None


def test_the_only_zone_is_not_alone() -> None:
    single = {"name": "order-api", "zones": ["eu-west-1a"]}
    assert facts_of(sketch(target_groups={"orders": BREAKS}, load_balancer=single)).lone_zone is None


# --- Roll-outs and changes ---


def test_the_roll_out_that_was_going_on_as_the_errors_began_is_known() -> None:
    facts = facts_of(sketch(target_groups={"orders": BREAKS}, deployments=[release()]))
    assert facts.rollout_at_onset is not None
    assert facts.rollout_at_onset.deployment.id == "d-NEW"


@pytest.mark.parametrize(
    "differences",
    [
        {"target_groups": ["api"]},
        {"creator": "autoscaling"},
        {"created": "-20", "started": "-20", "completed": "-10"},
        {"created": "-1", "started": "-1", "completed": None},
    ],
)
def test_a_roll_out_to_others_of_the_same_version_or_at_another_time_was_not_going_on(
    differences: dict[str, Any],
) -> None:
    incident = {"target_groups": {"orders": BREAKS, "api": {}}, "deployments": [release(**differences)]}
    assert facts_of(sketch(**incident)).rollout_at_onset is None


def test_roll_outs_that_ended_over_three_quarters_of_an_hour_before_are_left_out() -> None:
    times = {"d-1": ("-49", "-47.5"), "d-2": ("-50", "-48.5")}
    past = [
        release(id=name, created=start, started=start, completed=end) for name, (start, end) in times.items()
    ]
    facts = facts_of(sketch(target_groups={"orders": BREAKS}, deployments=past))
    assert [each.deployment.id for each in facts.rollouts] == ["d-1"]


def test_roll_outs_come_newest_first() -> None:
    before = release(id="d-OLD", created="-30", started="-30", completed="-20")
    facts = facts_of(sketch(target_groups={"orders": BREAKS}, deployments=[before, release()]))
    assert [each.deployment.id for each in facts.rollouts] == ["d-NEW", "d-OLD"]


def test_deployments_that_could_not_be_read_give_no_roll_outs() -> None:
    evidence = sketch(target_groups={"orders": BREAKS}, deployments=[release()])
    assert facts_of(replace(evidence, deployments=Missing("AccessDenied"))).rollouts == ()


def test_there_is_no_staircase_without_an_onset() -> None:
    facts = facts_of(sketch(deployments=[release()]))
    assert facts.staircase(facts.rollouts[0]) == FLAT


def test_errors_that_grow_with_the_targets_make_a_staircase() -> None:
    slow = release(created="-12", started="-12", completed="0")
    steps = "0, -10: 120, -8: 240, -6: 360, -4: 480, -2: 600"
    facts = facts_of(sketch(target_groups={"orders": {"elb_502": steps}}, deployments=[slow]))
    found = facts.staircase(facts.rollouts[0])
    assert found.visible
    assert found.gain > 2


def test_changes_are_found_by_what_they_can_break_unless_known_to_be_somebody_elses() -> None:
    flag = {"id": "e-1", "at": "-4", "name": "PutParameter", "source": "ssm", "resources": ["/orders/flag"]}
    rule = {
        "id": "e-2",
        "at": "-4",
        "name": "ModifyRule",
        "source": "elasticloadbalancing",
        "resources": ["a"],
    }
    facts = facts_of(sketch(target_groups={"orders": BREAKS}, changes=[flag, rule]))
    assert {each.change.id for each in facts.changes} == {"e-1", "e-2"}
    assert [each.change.id for each in facts.changes_of(Effect.CONFIGURATION)] == ["e-1"]
    assert facts.changes_of(Effect.ROUTING) == ()
