"""What is to be done: the rollback judged by its guards, each of which can only refuse, with one sentence."""

from dataclasses import dataclass

from diagnosis.evidence import Deployment, Evidence, Revision
from diagnosis.guards import Guard, ask_all, ask_without_deployment
from diagnosis.guards.question import Question, Situation, last_good
from diagnosis.history import History, PastRollback
from diagnosis.settings import RollbackMode, Settings
from diagnosis.verdict import Trigger, Verdict

__all__ = ["Decision", "Guard", "History", "PastRollback", "RollbackPlan", "decide"]

OUTCOMES = {
    RollbackMode.RECOMMEND: "recommended",
    RollbackMode.APPROVE: "awaiting_approval",
    RollbackMode.AUTO: "requested",
}


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """What going back would be: stop a running deployment with rollback, or deploy an earlier revision.

    `action` is "stop" or "redeploy"; `to_revision` is None when nothing to go back to is known.
    """

    action: str
    deployment_id: str
    application: str
    deployment_group: str
    to_revision: Revision | None
    to_deployment_id: str | None
    from_revision: Revision | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """`outcome`: none, recommended, refused, awaiting_approval or requested (diagnosis.schema.json)."""

    outcome: str
    guards: tuple[Guard, ...]
    plan: RollbackPlan | None


def decide(verdict: Verdict, evidence: Evidence, history: History, settings: Settings) -> Decision:
    """Whether to roll back the deployment that is in question, if there is one.

    A plan is shown whenever a deployment is in question, so that people see what a rollback would be.
    """
    deployment = in_question(verdict.trigger)
    if deployment is None:
        situation = Situation(verdict, evidence, history, settings)
        return Decision("none", ask_without_deployment(situation), None)
    question = Question(verdict, evidence, history, settings, deployment)
    guards = ask_all(question)
    return Decision(_outcome(guards, settings.mode), guards, _plan(question))


def in_question(trigger: Trigger) -> Deployment | None:
    """The deployment held responsible, or else the likeliest that was considered."""
    candidates = (trigger.chosen, *trigger.rivals)
    considered = [each for each in candidates if each.kind == "deployment" and each.deployment]
    if trigger.chosen in considered:
        return trigger.chosen.deployment
    ranked = sorted(considered, key=lambda each: (-each.confidence, each.id or ""))
    return ranked[0].deployment if ranked else None


def _outcome(guards: tuple[Guard, ...], mode: RollbackMode) -> str:
    if mode is RollbackMode.OFF:
        return "none"
    return OUTCOMES[mode] if all(guard.passed for guard in guards) else "refused"


def _plan(question: Question) -> RollbackPlan:
    deployment, good = question.deployment, last_good(question)
    return RollbackPlan(
        action="stop" if deployment.running else "redeploy",
        deployment_id=deployment.id,
        application=deployment.application,
        deployment_group=deployment.group_name,
        to_revision=good.revision if good else None,
        to_deployment_id=good.id if good else None,
        from_revision=deployment.revision,
    )
