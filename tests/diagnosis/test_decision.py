"""The decision and its guards: each can refuse alone, and the order of the evidence decides nothing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from diagnosis.decision import Decision, History, PastRollback, decide
from diagnosis.evidence import (
    Change,
    Changes,
    Deployment,
    Evidence,
    MetricKey,
    Metrics,
    Missing,
    TargetGroup,
    Window,
)
from diagnosis.guards import GUARDS
from diagnosis.settings import RollbackMode, Settings
from diagnosis.verdict import Finding, Impact, Trigger, Verdict
from tests.diagnosis.judged import (
    AUTO,
    BALANCER,
    GROUP,
    HISTORY,
    NEW,
    OLD,
    ORDERS,
    candidate,
    cause,
    deployment,
    evidence,
    found,
    minutes,
    verdict,
)

DENIED = Missing("AccessDenied")


def blamed(suspect: Deployment, *others: Deployment) -> dict[str, Any]:
    """The verdict and evidence in which this deployment is held responsible."""
    return {
        "verdict": verdict(trigger=Trigger(candidate(suspect), ())),
        "evidence": evidence(deployments=found(suspect, *others)),
    }


def decided(
    *,
    verdict: Verdict = verdict(),  # noqa: B008 - immutable
    evidence: Evidence = evidence(),  # noqa: B008 - immutable
    history: History = HISTORY,
    settings: Settings = AUTO,
) -> Decision:
    return decide(verdict, evidence, history, settings)


def refused_by(decision: Decision) -> set[str]:
    return {guard.name for guard in decision.guards if not guard.passed}


def grouped(**changes: Any) -> dict[str, Any]:
    """The deployment in question belongs to a group that differs so."""
    suspect = replace(NEW, group=replace(GROUP, **changes))
    return blamed(suspect, OLD)


def past(**changes: Any) -> PastRollback:
    made = PastRollback(minutes(-600).isoformat(), "order-api", "production", "d-X", "v1", "inc-1")
    return replace(made, **changes)


def change(
    at: float, *resources: str, name: str = "ModifyTargetGroup", error: str | None = None
) -> dict[str, Any]:
    made = Change("e-1", name, "elasticloadbalancing", minutes(at), "terraform", resources, error)
    return {"evidence": evidence(changes=Changes(minutes(-60), minutes(-5), (made,)))}


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [("recommend", "recommended"), ("approve", "awaiting_approval"), ("auto", "requested"), ("off", "none")],
)
def test_a_proven_release_is_answered_as_the_mode_says(mode: str, outcome: str) -> None:
    decision = decided(settings=Settings(mode=RollbackMode(mode)))
    assert decision.outcome == outcome
    assert [guard.name for guard in decision.guards] == [guard.__name__ for guard in GUARDS]


def test_the_plan_of_a_finished_deployment_is_to_deploy_the_last_good_revision() -> None:
    plan = decided().plan
    assert plan is not None
    assert (plan.action, plan.deployment_id, plan.to_deployment_id) == ("redeploy", "d-NEW", "d-OLD")
    assert plan.to_revision == OLD.revision
    assert plan.from_revision == NEW.revision


def test_the_plan_of_a_running_deployment_is_to_stop_it() -> None:
    decision = decided(**blamed(deployment("d-RUN", -6, None, "v3"), OLD))
    assert decision.outcome == "requested"
    assert decision.plan is not None
    assert decision.plan.action == "stop"


LATER = deployment("d-LATER", -1, None, "v2.4.1")
SAME = deployment("d-SAME", -100, -95, "v2.4.0")
BETWEEN = deployment("d-BETWEEN", -300, -290, "v2.3.9")
OTHER_GROUP = replace(GROUP, application="cart", name="blue")

REFUSALS: dict[str, tuple[str, dict[str, Any]]] = {
    "rolling back is off": ("mode_allows", {"settings": Settings(mode=RollbackMode.OFF)}),
    "the cause is not decided": ("proven_cause", {"verdict": verdict(code="inconclusive")}),
    "the cause is not sure enough": ("proven_cause", {"verdict": verdict(rollback_support=0.89)}),
    "the support is not a number": ("proven_cause", {"verdict": verdict(rollback_support=float("nan"))}),
    "the trigger is not sure enough": (
        "proven_trigger",
        {"verdict": verdict(trigger=Trigger(candidate(confidence=0.7), ()))},
    ),
    "a change is likelier than the deployment": (
        "proven_trigger",
        {
            "verdict": verdict(
                trigger=Trigger(candidate(None, "configuration_change"), (candidate(confidence=0.1),))
            )
        },
    ),
    "going back does not help": (
        "rollback_helps",
        {"verdict": verdict(leading=Finding(cause(helps=False), 0.97, ()))},
    ),
    "no cause leads": ("rollback_helps", {"verdict": verdict(leading=None)}),
    "metrics are missing": ("evidence_complete", {"evidence": evidence(metrics=DENIED)}),
    "a count could not be read": (
        "evidence_complete",
        {
            "evidence": evidence(
                metrics=Metrics(
                    Window(minutes(-180), 180), {}, {MetricKey("RequestCount", "Sum"): "InternalError"}
                )
            )
        },
    ),
    "target health is missing": ("evidence_complete", {"evidence": evidence(target_health=DENIED)}),
    "health of the failing group is missing": (
        "evidence_complete",
        {"evidence": evidence(target_health={ORDERS: DENIED})},
    ),
    "deployments are missing": ("evidence_complete", {"evidence": evidence(deployments=DENIED)}),
    "there were too many deployments": (
        "evidence_complete",
        {"evidence": evidence(deployments=found(NEW, OLD, truncated=True))},
    ),
    "changes are missing": ("evidence_complete", {"evidence": evidence(changes=DENIED)}),
    "there were too many changes": (
        "evidence_complete",
        {"evidence": evidence(changes=Changes(minutes(-5), minutes(-5), (), truncated=True))},
    ),
    "changes of roles are recorded where nobody may look": (
        "evidence_complete",
        {
            "evidence": evidence(
                changes=Changes(
                    minutes(-60), minutes(-5), (), unread={"iam.amazonaws.com in us-east-1": DENIED}
                )
            )
        },
    ),
    "the group could not be read": ("evidence_complete", blamed(replace(NEW, group=DENIED), OLD)),
    "the errors have stopped": ("errors_continue", {"verdict": verdict(errors_continue=False)}),
    "hardly anything failed": ("enough_traffic", {"verdict": verdict(impact=Impact(19, 22104, 0.0, 0.0))}),
    "hardly anything was asked": ("enough_traffic", {"verdict": verdict(requests_per_minute=19.0)}),
    "the impact is not known": ("enough_traffic", {"verdict": verdict(impact=None)}),
    "the event is a replay": ("alarm_is_fresh", {"history": replace(HISTORY, alarm_age=timedelta(hours=7))}),
    "the alarm comes from the future": (
        "alarm_is_fresh",
        {"history": replace(HISTORY, alarm_age=-timedelta(hours=7))},
    ),
    "the age of the alarm is not known": ("alarm_is_fresh", {"history": History(True, None, ())}),
    "the alarm is about an API": ("entry_point_watched", {"evidence": evidence(kind="apigateway")}),
    "it is a deployment to ECS": ("platform_supported", blamed(replace(NEW, platform="ECS"), OLD)),
    "CloudFormation drives it": ("platform_supported", blamed(replace(NEW, creator="CloudFormation"), OLD)),
    "another group fails too": (
        "owns_failing_group",
        {
            "verdict": verdict(failing_target_groups=(ORDERS, "targetgroup/cart/1")),
            "evidence": evidence(
                target_groups=(
                    TargetGroup(f"arn:{ORDERS}", ORDERS, "orders", "instance", "HTTP", "HTTP1", 8080),
                    TargetGroup("arn:c", "targetgroup/cart/1", "cart", "instance", "HTTP", "HTTP1", 8080),
                )
            ),
        },
    ),
    "it deploys to another group": ("owns_failing_group", grouped(target_groups=("cart",))),
    "no failing group is known": (
        "owns_failing_group",
        {"verdict": verdict(component=None, failing_target_groups=())},
    ),
    "a later deployment is there": (
        "newest_deployment",
        {"evidence": evidence(deployments=found(LATER, NEW, OLD))},
    ),
    "another group deployed to the same targets later": (
        "newest_deployment",
        {
            "evidence": evidence(
                deployments=found(
                    replace(LATER, application="cart", group_name="blue", group=OTHER_GROUP), NEW, OLD
                )
            )
        },
    ),
    "a later deployment's targets are not known": (
        "newest_deployment",
        {"evidence": evidence(deployments=found(replace(LATER, group_name="blue", group=DENIED), NEW, OLD))},
    ),
    "an instance is being scaled out": (
        "no_deployment_under_way",
        {"evidence": evidence(deployments=found(replace(LATER, creator="autoscaling"), NEW, OLD))},
    ),
    "it is CodeDeploy's own rollback": (
        "not_itself_a_rollback",
        blamed(replace(NEW, creator="codeDeployRollback"), OLD),
    ),
    "it is our own rollback": (
        "not_itself_a_rollback",
        blamed(replace(NEW, description="Gateway Triage rollback of d-1 for inc-1"), OLD),
    ),
    "CodeDeploy rolled it back": ("not_itself_a_rollback", blamed(replace(NEW, rolled_back_by="d-9"), OLD)),
    "its revision is not known": ("something_to_go_back_to", blamed(replace(NEW, revision=None), OLD)),
    "it is the first deployment": ("something_to_go_back_to", blamed(NEW)),
    "only the same revision came before": ("something_to_go_back_to", blamed(NEW, SAME)),
    "what came before failed": ("something_to_go_back_to", blamed(NEW, replace(OLD, status="Failed"))),
    "what came before reached few targets": (
        "something_to_go_back_to",
        blamed(NEW, replace(OLD, succeeded_targets=1)),
    ),
    "what came before was rolled back": (
        "something_to_go_back_to",
        blamed(NEW, replace(OLD, rolled_back_by="d-8")),
    ),
    "a running one would go back to itself": (
        "something_to_go_back_to",
        blamed(deployment("d-RUN", -6, None, "v2.4.0"), SAME, OLD),
    ),
    "the target group was changed as well": ("no_later_change", change(-4, ORDERS)),
    "the load balancer was changed as well": ("no_later_change", change(-2, BALANCER)),
    "it did not opt in": ("opted_in", grouped(tags={})),
    "it opted in with another word": ("opted_in", grouped(tags={"gateway-triage:auto-rollback": "Enabled"})),
    "its tags could not be read": ("opted_in", grouped(tags=DENIED)),
    "it opted out": (
        "not_opted_out",
        grouped(tags={"gateway-triage:auto-rollback": "enabled", "gateway-triage:no-rollback": "migration"}),
    ),
    "its application opted out": (
        "not_opted_out",
        grouped(application_tags={"gateway-triage:no-rollback": ""}),
    ),
    "its application's tags could not be read": ("not_opted_out", grouped(application_tags=DENIED)),
    "its description opts out": (
        "not_opted_out",
        blamed(replace(NEW, description="schema 12, gateway-triage:no-rollback"), OLD),
    ),
    "the kill switch is thrown": ("kill_switch", {"history": replace(HISTORY, kill_switch_allows=False)}),
    "the kill switch is not readable": (
        "kill_switch",
        {"history": replace(HISTORY, kill_switch_allows=DENIED)},
    ),
    "this incident has a rollback": (
        "not_rolled_back_before",
        {"history": replace(HISTORY, incident_action="planned")},
    ),
    "this incident could not be read": (
        "not_rolled_back_before",
        {"history": replace(HISTORY, incident_action=DENIED)},
    ),
    "the ledger could not be read": ("not_too_many", {"history": replace(HISTORY, rollbacks=DENIED)}),
    "this revision was rolled back from": (
        "not_rolled_back_before",
        {"history": replace(HISTORY, rollbacks=(past(at=minutes(-9000).isoformat(), revision_id="v2.4.0"),))},
    ),
    "this deployment was made by a rollback": (
        "not_rolled_back_before",
        {"history": replace(HISTORY, rollbacks=(past(rollback_deployment_id="d-NEW"),))},
    ),
    "three of the group in a day": ("not_too_many", {"history": replace(HISTORY, rollbacks=(past(),) * 3)}),
    "six in a day": (
        "not_too_many",
        {"history": replace(HISTORY, rollbacks=(past(application="cart"),) * 6)},
    ),
    "rollbacks at unreadable times": (
        "not_too_many",
        {"history": replace(HISTORY, rollbacks=(past(at="?"),) * 3)},
    ),
}


@pytest.mark.parametrize("title", REFUSALS)
def test_refused_when(title: str) -> None:
    guard, world = REFUSALS[title]
    decision = decided(**world)
    assert guard in refused_by(decision)
    assert decision.outcome in {"refused", "none"}
    assert next(each for each in decision.guards if each.name == guard).detail.strip()


def test_every_guard_is_shown_to_refuse() -> None:
    assert {guard for guard, _ in REFUSALS.values()} == {guard.__name__ for guard in GUARDS}


def test_every_guard_documents_itself() -> None:
    assert all(guard.__doc__ for guard in GUARDS)


def test_what_is_skipped_back_over_is_what_was_rolled_back_from() -> None:
    history = replace(HISTORY, rollbacks=(past(revision_id="v2.3.9"),))
    plan = decided(**blamed(NEW, BETWEEN, OLD), history=history).plan
    assert plan is not None
    assert plan.to_deployment_id == "d-OLD"


def test_a_running_deployment_is_not_stopped_when_codedeploy_would_go_back_to_a_bad_revision() -> None:
    history = replace(HISTORY, rollbacks=(past(revision_id="v2.3.9"),))
    decision = decided(**blamed(deployment("d-RUN", -6, None, "v3"), BETWEEN, OLD), history=history)
    assert refused_by(decision) == {"something_to_go_back_to"}


def test_another_hand_on_the_failing_part_after_the_onset_stands_in_the_way() -> None:
    assert "no_later_change" in refused_by(decided(**change(-0.2, ORDERS)))


@pytest.mark.parametrize(
    ("name", "by", "outcome"),
    [
        ("ModifyTargetGroup", "codedeploy-administrators/jane", "refused"),
        ("ModifyRule", "CodeDeployServiceRole/d-NEW", "requested"),
        ("ModifyRule", "terraform", "refused"),
    ],
)
def test_a_role_that_is_named_like_a_service_is_one_only_in_what_services_do(
    name: str, by: str, outcome: str
) -> None:
    made = Change("e-1", name, "elasticloadbalancing", minutes(-0.2), by, (ORDERS,))
    changes = Changes(minutes(-60), minutes(-5), (made,))
    assert decided(evidence=evidence(changes=changes)).outcome == outcome


@pytest.mark.parametrize(
    "innocent",
    [
        change(-20, ORDERS),  # before the deployment
        change(-4, "sg-unrelated"),
        change(-4, ORDERS, name="DeregisterTargets"),
        change(-4, ORDERS, error="AccessDenied"),
    ],
)
def test_a_change_that_cannot_have_done_it_does_not_stand_in_the_way(innocent: dict[str, Any]) -> None:
    assert decided(**innocent).outcome == "requested"


def test_a_look_up_that_the_sweep_made_needless_does_not_stand_in_the_way() -> None:
    unread = {"ec2.amazonaws.com": DENIED}
    whole = evidence(changes=Changes(minutes(-60), minutes(-5), (), truncated=True, unread=unread))
    assert decided(evidence=whole).outcome == "requested"


def test_scaling_deployments_that_ended_do_not_stand_in_the_way() -> None:
    scaled = deployment("d-SCALE", -2, -1, "v2.4.0", creator="autoscaling")
    assert decided(evidence=evidence(deployments=found(scaled, NEW, OLD))).outcome == "requested"


def test_without_a_deployment_in_question_there_is_nothing_to_decide() -> None:
    trigger = Trigger(candidate(None, "none_found"), (candidate(NEW, "other_deployment"),))
    decision = decided(verdict=verdict(trigger=trigger))
    assert (decision.outcome, decision.plan) == ("none", None)


def test_without_a_deployment_in_question_the_guards_of_the_incident_still_answer() -> None:
    trigger = Trigger(candidate(None, "none_found"), ())
    decision = decided(verdict=verdict(trigger=trigger, code="inconclusive"))
    assert decision.outcome == "none"
    assert refused_by(decision) == {"proven_cause"}
    assert {guard.name for guard in decision.guards} < {guard.__name__ for guard in GUARDS}


def test_a_deployment_that_was_considered_and_is_not_held_responsible_is_shown_as_refused() -> None:
    trigger = Trigger(candidate(None, "traffic_change"), (candidate(confidence=0.02),))
    decision = decided(verdict=verdict(trigger=trigger))
    assert decision.outcome == "refused"
    assert decision.plan is not None
    assert "proven_trigger" in refused_by(decision)


@pytest.mark.parametrize("mode", ["recommend", "approve"])
def test_where_a_person_decides_no_opt_in_tag_is_asked_for(mode: str) -> None:
    assert decided(**grouped(tags={}), settings=Settings(mode=RollbackMode(mode))).outcome != "refused"


DEPLOYMENTS = (NEW, OLD, SAME, BETWEEN, LATER, replace(BETWEEN, id="d-TWIN"))
CHANGES = tuple(
    Change(f"e-{at}", "ModifyRule", "elb", minutes(at), "x", (ORDERS,)) for at in (-9, -4, -4.1, -30)
)


@given(
    order=st.permutations(DEPLOYMENTS),
    changed=st.permutations(CHANGES),
    kept=st.integers(0, len(DEPLOYMENTS)),
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_the_order_of_the_evidence_decides_nothing(
    order: list[Deployment], changed: list[Change], kept: int
) -> None:
    subset = {each.id for each in order[:kept]}

    def judged(deployments: tuple[Deployment, ...], changes: tuple[Change, ...]) -> Decision:
        present = tuple(each for each in deployments if each.id in subset)
        seen = Changes(minutes(-60), minutes(-5), changes)
        return decided(evidence=evidence(deployments=found(*present), changes=seen))

    assert judged(tuple(order), tuple(changed)) == judged(DEPLOYMENTS, CHANGES)


@given(
    title=st.sampled_from(sorted(REFUSALS)),
    other=st.sampled_from(sorted(REFUSALS)),
    mode=st.sampled_from(RollbackMode),
)
@hypothesis_settings(max_examples=120, deadline=None)
def test_any_refusal_alone_or_with_another_keeps_a_rollback_from_happening(
    title: str, other: str, mode: RollbackMode
) -> None:
    world = {"settings": Settings(mode=mode)} | REFUSALS[other][1] | REFUSALS[title][1]
    if mode is not RollbackMode.AUTO and REFUSALS[title][0] == "opted_in":
        return
    assert decided(**world).outcome in {"refused", "none"}
