"""What set the errors off, weighed against the onset and the failing part. T is the minute of the alarm."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from diagnosis.cause import Cause, Origin, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.evidence import Changes, Missing
from diagnosis.facts import Facts
from diagnosis.facts.edge import EdgeFacts
from diagnosis.facts.firewall import FirewallFacts
from diagnosis.facts.functions import FunctionFacts
from diagnosis.shift import STILL
from diagnosis.systems.firewall import WebAcl
from diagnosis.systems.functions import Function
from diagnosis.systems.health import AlarmInAlarm, HealthEvent
from diagnosis.trigger import find_trigger, is_blind
from diagnosis.verdict import Candidate, Trigger
from tests.diagnosis.sketches import BREAKS, facts_of, release, sketch

ONE_FAILS = {"orders": BREAKS}
NEIGHBOUR_IS_WELL = {"orders": BREAKS, "api": {}}
NEIGHBOUR_FAILS_TOO = {"orders": BREAKS, "api": {"elb_502": "0, -3: 300"}}
LONG_AGO = {"orders": {"elb_502": "0, -12: 369"}}
SURGE = {"orders": {"requests": "4421, -10: 20000", "target_5xx": "0, -8: 2000"}}
ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
ONE_ZONE = {"orders": {**BREAKS, "zone_share": {"eu-west-1a": {"elb_502": 1.0}}}}
FLAG = {"id": "e-flag", "at": "-3.5", "name": "PutParameter", "source": "ssm", "resources": ["/orders/flag"]}
LISTENER = {
    "id": "e-listener",
    "at": "-3.5",
    "name": "ModifyListener",
    "source": "elasticloadbalancing",
    "resources": ["listener/443"],
}


def nothing(facts: Facts) -> Iterable[Signal]:
    return ()


PLAIN = Cause(
    code="made_up",
    origin=Origin.UNKNOWN,
    title="A mechanism of which nothing is known",
    why="",
    prior=0.0,
    needs=(),
    examine=nothing,
    first_look=(),
    prevention="",
    retry=Retry.UNKNOWN,
    rollback_helps=True,
    sources=(),
    cases=(),
)


def weighed(groups: Mapping[str, Any], cause: Cause | None = None, **incident: Any) -> Trigger:
    return find_trigger(facts_of(sketch(target_groups=groups, **incident)), cause)


def candidate(trigger: Trigger, id_: str) -> Candidate:
    return next(each for each in (trigger.chosen, *trigger.rivals) if each.id == id_)


def against(found: Candidate) -> str:
    return "; ".join(signal.statement for signal in found.signals if signal.weight < 0)


# --- Deployments ---


@pytest.mark.parametrize(
    "times",
    [
        {"created": "-4", "started": "-4", "completed": "-2"},
        {"created": "-9", "started": "-4", "completed": None},
        {"created": "-9", "started": "-9", "completed": "-3.5"},
        {"created": "-10", "started": "-10", "completed": "-5"},
    ],
)
def test_a_deployment_whose_window_or_first_minutes_after_hold_the_onset_did_it(
    times: Mapping[str, str | None],
) -> None:
    trigger = weighed(ONE_FAILS, PLAIN, deployments=[release(**times)])
    assert (trigger.chosen.kind, trigger.chosen.id) == ("deployment", "d-NEW")
    assert trigger.chosen.confidence > 0.6
    assert trigger.chosen.deployment is not None


def test_a_deployment_that_ended_25_quiet_minutes_before_is_not_blamed() -> None:
    past = release(created="-40", started="-40", completed="-28")
    trigger = weighed(ONE_FAILS, deployments=[past])
    assert trigger.chosen.kind != "deployment"
    assert "25 quiet minutes passed after it" in against(candidate(trigger, "d-NEW"))


def test_a_deployment_that_began_after_the_onset_is_not_blamed() -> None:
    trigger = weighed(LONG_AGO, deployments=[release(created="-8", started="-8", completed=None)])
    assert trigger.chosen.kind == "none_found"
    assert "the errors began before it" in against(candidate(trigger, "d-NEW"))


def test_a_deployment_of_a_neighbours_group_is_not_blamed() -> None:
    trigger = weighed(ONE_FAILS, deployments=[release(target_groups=["other/billing"])])
    assert trigger.chosen.kind != "other_deployment"
    assert candidate(trigger, "d-NEW").kind == "other_deployment"


def test_a_deployment_whose_own_group_is_clean_is_not_blamed() -> None:
    trigger = weighed(NEIGHBOUR_IS_WELL, deployments=[release(target_groups=["api"])])
    assert trigger.chosen.kind != "other_deployment"
    assert "what it deployed to is clean" in against(candidate(trigger, "d-NEW"))


def test_a_deployment_is_not_blamed_when_a_group_that_it_never_touched_fails_too() -> None:
    trigger = weighed(NEIGHBOUR_FAILS_TOO, deployments=[release()])
    assert trigger.chosen.kind != "deployment"
    assert "api fails too and was not deployed to" in against(candidate(trigger, "d-NEW"))


def test_a_neighbour_that_is_well_makes_the_deployment_more_likely() -> None:
    alone, beside = (weighed(groups, deployments=[release()]) for groups in (ONE_FAILS, NEIGHBOUR_IS_WELL))
    assert beside.chosen.confidence > alone.chosen.confidence


def test_a_deployment_of_the_revision_that_was_there_before_is_not_blamed() -> None:
    before = release(id="d-OLD", created="-2000", started="-2000", completed="-1990")
    trigger = weighed(ONE_FAILS, deployments=[before, release()])
    assert trigger.chosen.kind != "deployment"
    assert "the revision that was there before" in against(candidate(trigger, "d-NEW"))


def test_a_deployment_made_by_auto_scaling_is_not_blamed() -> None:
    trigger = weighed(ONE_FAILS, deployments=[release(creator="autoscaling")])
    assert trigger.chosen.kind != "deployment"
    assert "created by autoscaling" in against(candidate(trigger, "d-NEW"))


def test_a_deployment_whose_group_could_not_be_read_is_less_likely() -> None:
    evidence = sketch(target_groups=NEIGHBOUR_IS_WELL, deployments=[release()])
    assert not isinstance(evidence.deployments, Missing)
    (found,) = evidence.deployments.found
    unread = replace(evidence.deployments, found=(replace(found, group=Missing("AccessDenied")),))
    trigger = find_trigger(facts_of(replace(evidence, deployments=unread)), None)
    whole = find_trigger(facts_of(evidence), None)
    assert candidate(trigger, "d-NEW").confidence < candidate(whole, "d-NEW").confidence
    assert "cannot be told" in against(candidate(trigger, "d-NEW"))


def test_a_deployment_is_not_blamed_for_one_zone_while_its_revision_runs_in_all() -> None:
    trigger = weighed(
        ONE_ZONE, deployments=[release()], load_balancer={"name": "order-api", "zones": list(ZONES)}
    )
    assert "only eu-west-1a fails" in against(candidate(trigger, "d-NEW"))


def test_a_deployment_is_not_blamed_when_more_failed_than_its_updated_targets_could_answer() -> None:
    pending = {f"i-{number}": {"status": "Pending"} for number in range(2, 7)}
    running = release(completed=None, targets={"i-1": {"completed": "-2.5"}, **pending})
    trigger = weighed({"orders": {"elb_502": "0, -3: 4000"}}, deployments=[running])
    assert trigger.chosen.kind != "deployment"
    assert "more requests failed than the targets updated by then" in against(candidate(trigger, "d-NEW"))


def test_how_long_after_its_end_a_deployment_may_do_it_depends_on_the_mechanism() -> None:
    past = release(created="-25", started="-25", completed="-18")
    leak = replace(PLAIN, onset_after_deployment_minutes=20.0)
    prompt, slow = (weighed(ONE_FAILS, cause, deployments=[past]) for cause in (PLAIN, leak))
    assert prompt.chosen.kind != "deployment"
    assert slow.chosen.kind == "deployment"


def test_the_deployment_at_the_onset_beats_one_before_it() -> None:
    before = release(
        id="d-OLD", created="-30", started="-30", completed="-20", revision={"bucket": "b", "key": "1"}
    )
    trigger = weighed(ONE_FAILS, deployments=[before, release()])
    assert trigger.chosen.id == "d-NEW"


# --- Configuration changes ---


def test_a_change_that_fits_the_mechanism_in_the_same_minutes_is_a_rival_of_the_deployment() -> None:
    touchy = replace(PLAIN, touched_by=(Effect.ROUTING,))
    rivals = weighed(ONE_FAILS, touchy, deployments=[release()], changes=[LISTENER])
    alone = weighed(ONE_FAILS, touchy, deployments=[release()])
    assert {"d-NEW", "e-listener"} <= {each.id for each in (rivals.chosen, *rivals.rivals)}
    assert candidate(rivals, "d-NEW").confidence < 0.6 < candidate(alone, "d-NEW").confidence


def test_a_change_just_before_the_onset_did_it_when_nothing_else_happened() -> None:
    touchy = replace(PLAIN, touched_by=(Effect.CONFIGURATION,))
    trigger = weighed(ONE_FAILS, touchy, changes=[FLAG])
    assert (trigger.chosen.kind, trigger.chosen.id) == ("configuration_change", "e-flag")


def test_a_change_that_cannot_do_this_is_not_blamed() -> None:
    trigger = weighed(ONE_FAILS, replace(PLAIN, touched_by=(Effect.NETWORK,)), changes=[FLAG])
    assert trigger.chosen.id != "e-flag"
    assert "does not do this" in against(candidate(trigger, "e-flag"))


def test_a_change_of_another_service_is_not_blamed() -> None:
    foreign = {**LISTENER, "resources": ["arn:aws:elasticloadbalancing:eu-west-1:1:listener/app/billing/1/2"]}
    trigger = weighed(ONE_FAILS, changes=[foreign])
    assert trigger.chosen.id != "e-listener"
    assert "names no part of this service" in against(candidate(trigger, "e-listener"))


def test_the_earlier_of_two_like_changes_is_less_likely() -> None:
    early = {**FLAG, "id": "e-early", "at": "-20"}
    trigger = weighed(ONE_FAILS, changes=[early, FLAG])
    assert candidate(trigger, "e-early").confidence < candidate(trigger, "e-flag").confidence


def test_capacity_taken_by_the_provider_is_infrastructure_and_no_configuration_change() -> None:
    reclaimed = {"id": "e-spot", "at": "-3.5", "name": "BidEvictedEvent", "source": "ec2", "by": "spot"}
    assert candidate(weighed(ONE_FAILS, changes=[reclaimed]), "e-spot").kind == "infrastructure"


def test_of_two_changes_just_before_the_onset_the_nearer_one_is_likelier() -> None:
    earlier = {**FLAG, "id": "e-earlier", "at": "-5.5"}
    trigger = weighed(ONE_FAILS, changes=[earlier, FLAG])
    assert candidate(trigger, "e-flag").confidence > candidate(trigger, "e-earlier").confidence


def test_a_harmless_change_of_the_service_is_a_rival_with_its_reason() -> None:
    tags = {**LISTENER, "id": "e-tags", "name": "AddTags", "resources": ["order-api"]}
    trigger = weighed(ONE_FAILS, changes=[tags])
    assert trigger.chosen.id != "e-tags"
    assert "it changes nothing that serves requests" in against(candidate(trigger, "e-tags"))


def test_a_change_of_a_group_that_is_well_is_not_blamed() -> None:
    touchy = replace(PLAIN, touched_by=(Effect.HEALTH_CHECK,))
    made = {**LISTENER, "name": "ModifyTargetGroup"}
    other = weighed(NEIGHBOUR_IS_WELL, touchy, changes=[{**made, "resources": ["api"]}])
    own = weighed(NEIGHBOUR_IS_WELL, touchy, changes=[{**made, "resources": ["orders"]}])
    assert "which is well" in against(candidate(other, "e-listener"))
    assert candidate(other, "e-listener").confidence < candidate(own, "e-listener").confidence


def test_a_change_that_a_scheduler_made_is_the_schedules() -> None:
    made = {
        **FLAG,
        "by": "scheduler.amazonaws.com",
        "name": "StopInstances",
        "source": "ec2",
        "resources": [],
    }
    trigger = weighed(ONE_FAILS, replace(PLAIN, touched_by=(Effect.CAPACITY,)), changes=[made])
    assert (trigger.chosen.kind, trigger.chosen.id) == ("schedule", "e-flag")
    assert [each.kind for each in trigger.rivals].count("schedule") == 0


def test_changes_that_were_too_many_to_look_at_make_it_unknown() -> None:
    facts = facts_of(sketch(target_groups=LONG_AGO))
    assert facts.onset is not None
    for since, kind in ((timedelta(minutes=9), "unknown"), (timedelta(minutes=11), "none_found")):
        changes = Changes(facts.onset - since, facts.onset, (), truncated=True)
        trigger = find_trigger(replace(facts, evidence=replace(facts.evidence, changes=changes)), None)
        assert trigger.chosen.kind == kind


# --- Native deployments ---


def native(system: str, groups: tuple[str, ...], **differences: Any) -> Facts:
    """The release of a service that deploys by itself, on what fails."""
    facts = facts_of(sketch(target_groups=ONE_FAILS, deployments=[release()], **differences))
    (made,) = facts.rollouts
    group = made.deployment.group
    assert not isinstance(group, Missing)
    deployment = replace(made.deployment, system=system, group=replace(group, target_groups=groups))
    return replace(facts, rollouts=(replace(made, deployment=deployment),))


@pytest.mark.parametrize(
    ("system", "name"), [("ecs", "ECS"), ("lambda", "Lambda"), ("codedeploy", "CodeDeploy")]
)
def test_who_deployed_is_named_as_the_source(system: str, name: str) -> None:
    chosen = find_trigger(native(system, ("orders",)), PLAIN).chosen
    assert (chosen.kind, chosen.id) == ("deployment", "d-NEW")
    assert {name} == {each.source for each in chosen.signals if "replaced targets" in each.statement}


def test_the_call_that_began_a_native_deployment_is_no_rival_of_it() -> None:
    call = {
        "id": "e-update", "at": "-4.2", "name": "UpdateService", "source": "ecs",
        "resources": ["order-api", "arn:aws:ecs:eu-west-1:111122223333:service/main/production"],
    }  # fmt: skip
    deployed = find_trigger(native("ecs", ("orders",), changes=[call]), PLAIN)
    assert "e-update" not in {each.id for each in (deployed.chosen, *deployed.rivals)}
    by_another = find_trigger(native("codedeploy", ("orders",), changes=[call]), PLAIN)
    assert "e-update" in {each.id for each in (by_another.chosen, *by_another.rivals)}


def test_a_function_that_fails_beside_the_one_deployed_to_speaks_against_the_deployment() -> None:
    facts = native("lambda", ("pay",))
    both = tuple(
        FunctionFacts(name, Function(name, f"arn:{name}"), blamed=True) for name in ("pay", "search")
    )
    beside = find_trigger(replace(facts, functions=both), PLAIN)
    alone = find_trigger(replace(facts, functions=both[:1]), PLAIN)
    assert "search fails too and was not deployed to" in against(candidate(beside, "d-NEW"))
    assert candidate(alone, "d-NEW").confidence > candidate(beside, "d-NEW").confidence


# --- What nobody here did ---


def test_a_vendors_change_of_its_rules_is_a_candidate() -> None:
    facts = facts_of(sketch(target_groups=LONG_AGO))
    acl = WebAcl("arn:acl", "site", "site", "REGIONAL", "allow", ())
    said = "the managed group Core began to block, and nobody changed anything"
    vendor = FirewallFacts(acl, STILL, STILL, STILL, STILL, (), None, None, vendor_change=said)
    chosen = find_trigger(
        replace(facts, firewall=vendor), replace(PLAIN, triggers={"vendor_change": 1.0})
    ).chosen
    assert chosen.kind == "vendor_change"
    assert "Core" in chosen.summary


@pytest.mark.parametrize(
    ("begun", "ended", "category", "told"),
    [
        (-30.0, None, "issue", True),
        (5.0, None, "issue", True),
        (-30.0, -20.0, "issue", False),
        (-300.0, None, "issue", False),
        (20.0, None, "issue", False),
        (-30.0, None, "scheduledChange", False),
    ],
)
def test_an_event_of_aws_health_that_was_going_on_at_the_onset_is_infrastructure(
    begun: float, ended: float | None, category: str, told: bool
) -> None:
    facts = facts_of(sketch(target_groups=LONG_AGO))
    assert facts.onset is not None
    event = HealthEvent(
        "arn:event",
        "EC2",
        "AWS_EC2_OPERATIONAL_ISSUE",
        category,
        start=facts.onset + timedelta(minutes=begun),
        end=None if ended is None else facts.onset + timedelta(minutes=ended),
    )
    trigger = find_trigger(
        replace(facts, evidence=replace(facts.evidence, health_events=(event,))),
        replace(PLAIN, triggers={"infrastructure": 1.0}),
    )
    assert ((trigger.chosen.kind, trigger.chosen.id) == ("infrastructure", "arn:event")) is told


@pytest.mark.parametrize(("namespaces", "told"), [(("SQS", "Kinesis", "Lambda"), True), (("SQS",), False)])
def test_much_else_that_fails_in_the_same_minutes_is_trouble_wider_than_the_service(
    namespaces: tuple[str, ...], told: bool
) -> None:
    facts = facts_of(sketch(target_groups=LONG_AGO))
    alarms = tuple(
        AlarmInAlarm(f"{name}-{number}", facts.onset, f"AWS/{name}", "Errors", f"{name}-{number}")
        for name in namespaces
        for number in range(2)
    )
    evidence = replace(facts.evidence, alarms_in_alarm=alarms)
    chosen = find_trigger(replace(facts, evidence=evidence), PLAIN).chosen
    assert ("wider than this service" in chosen.summary) is told


def test_an_instance_refresh_may_break_something_long_after_it_was_started() -> None:
    started = {"at": "-20", "name": "StartInstanceRefresh", "source": "autoscaling", "resources": ["asg"]}
    cause = replace(PLAIN, touched_by=(Effect.CAPACITY,))
    assert weighed(ONE_FAILS, cause, changes=[started]).chosen.kind == "configuration_change"
    resized = {**started, "name": "SetDesiredCapacity"}
    assert weighed(ONE_FAILS, cause, changes=[resized]).chosen.kind == "unknown"


def test_rejections_on_top_of_ordinary_requests_are_traffic_where_the_mechanism_is_such() -> None:
    groups = {"orders": {"requests": "4421, -8: 5300", "target_4xx": "60, -8: 940"}}
    facts = facts_of(sketch(target_groups=groups), "HTTPCode_Target_4XX_Count")
    scanning = replace(PLAIN, triggers={"traffic_change": 2.0})
    assert not facts.surged
    assert find_trigger(facts, scanning).chosen.kind == "traffic_change"
    assert find_trigger(facts, PLAIN).chosen.kind == "none_found"


def test_that_it_returns_by_the_clock_is_a_candidate() -> None:
    hourly = ", ".join(f"{minute}..{minute + 1}: 300" for minute in range(-153, 0, 30))
    trigger = weighed({"orders": {"elb_502": f"0, {hourly}"}}, replace(PLAIN, triggers={"schedule": 1.0}))
    assert "schedule" in {each.kind for each in (trigger.chosen, *trigger.rivals)}


# --- Behind a distribution or an API ---


def before(origin: Facts, **differences: Any) -> Facts:
    """A distribution before this origin, which fails in the same minutes."""
    facts = facts_of(sketch(target_groups=ONE_FAILS))
    edge = EdgeFacts(failing_origin="api")
    return replace(facts, kind="cloudfront", edge=edge, origins={"api": origin}, **differences)


def test_a_deployment_to_the_origin_that_fails_is_a_candidate() -> None:
    origin = facts_of(sketch(target_groups=ONE_FAILS, deployments=[release()]))
    chosen = find_trigger(before(origin), PLAIN).chosen
    assert (chosen.kind, chosen.id) == ("deployment", "d-NEW")


def test_a_change_of_the_origin_is_weighed_though_the_edges_code_does_not_say_what_can_do_it() -> None:
    origin = facts_of(sketch(target_groups=ONE_FAILS, changes=[LISTENER]))
    made = find_trigger(before(origin), PLAIN)
    own = find_trigger(replace(before(origin), origins={}, changes=origin.changes), PLAIN)
    assert candidate(made, "e-listener").confidence > candidate(own, "e-listener").confidence


def test_an_origin_that_noticed_nothing_has_the_onset_of_what_stands_before_it() -> None:
    origin = facts_of(sketch(target_groups={"orders": {}}, changes=[LISTENER]))
    assert origin.onset is None
    trigger = find_trigger(before(origin), PLAIN)
    assert "e-listener" in {each.id for each in (trigger.chosen, *trigger.rivals)}


def test_what_happened_at_an_origin_that_is_well_is_no_candidate() -> None:
    origin = facts_of(sketch(target_groups=ONE_FAILS, deployments=[release()]))
    trigger = find_trigger(replace(before(origin), edge=EdgeFacts(failing_origin="static")), PLAIN)
    assert "d-NEW" not in {each.id for each in (trigger.chosen, *trigger.rivals)}


# --- Traffic, zones, and nothing ---


def test_requests_that_rose_are_a_traffic_change() -> None:
    assert weighed(SURGE).chosen.kind == "traffic_change"


def test_one_failing_zone_is_infrastructure() -> None:
    trigger = weighed(ONE_ZONE, load_balancer={"name": "order-api", "zones": list(ZONES)})
    assert trigger.chosen.kind == "infrastructure"
    assert "eu-west-1a" in trigger.chosen.summary


def test_nothing_is_found_when_all_was_looked_at_and_nothing_changed() -> None:
    trigger = weighed(LONG_AGO)
    assert (trigger.chosen.kind, trigger.chosen.id, trigger.blind) == ("none_found", None, False)


def test_the_last_minutes_before_the_onset_that_cloudtrail_cannot_show_yet_make_it_unknown() -> None:
    trigger = weighed(ONE_FAILS)
    assert (trigger.chosen.kind, trigger.blind) == ("unknown", True)


def test_cloudtrail_that_shows_the_onset_is_not_blind() -> None:
    facts = facts_of(sketch(target_groups=ONE_FAILS))
    assert facts.onset is not None
    for shown, blind in ((facts.onset, False), (facts.onset - timedelta(seconds=1), True)):
        changes = Changes(facts.onset - timedelta(minutes=45), shown, ())
        assert is_blind(replace(facts, evidence=replace(facts.evidence, changes=changes))) is blind


@pytest.mark.parametrize("source", ["deployments", "changes"])
def test_a_source_that_could_not_be_read_makes_it_unknown_and_not_nothing(source: str) -> None:
    unread: dict[str, Any] = {source: Missing("AccessDenied")}
    trigger = find_trigger(facts_of(replace(sketch(target_groups=LONG_AGO), **unread)), None)
    assert trigger.chosen.kind == "unknown"
    assert source in trigger.chosen.summary
    assert "none_found" not in {each.kind for each in trigger.rivals}


def test_a_deployment_is_less_certain_while_changes_could_not_be_read() -> None:
    evidence = sketch(target_groups=ONE_FAILS, deployments=[release()])
    whole = find_trigger(facts_of(evidence), None)
    unread = find_trigger(facts_of(replace(evidence, changes=Missing("AccessDenied"))), None)
    assert candidate(unread, "d-NEW").confidence < candidate(whole, "d-NEW").confidence


# --- All together ---


def test_the_confidences_of_all_candidates_add_up_to_one() -> None:
    trigger = weighed(NEIGHBOUR_IS_WELL, deployments=[release()], changes=[LISTENER, FLAG])
    shares = [each.confidence for each in (trigger.chosen, *trigger.rivals)]
    assert sum(shares) == pytest.approx(1.0)
    assert shares == sorted(shares, reverse=True)


def test_the_mechanism_lends_its_odds_to_the_kinds_of_trigger() -> None:
    fond, shy = (replace(PLAIN, triggers={"deployment": weight}) for weight in (2.0, -2.0))
    likely, unlikely = (weighed(ONE_FAILS, cause, deployments=[release()]) for cause in (fond, shy))
    assert candidate(likely, "d-NEW").confidence > candidate(unlikely, "d-NEW").confidence


def test_no_deployment_and_no_change_is_blamed_for_errors_that_did_not_begin_lately() -> None:
    ordinary = {"orders": {"target_5xx": "40"}}
    trigger = weighed(ordinary, deployments=[release()], changes=[FLAG])
    assert trigger.chosen.kind == "none_found"
    assert [each.id for each in trigger.rivals if each.id] == ["d-NEW"]
