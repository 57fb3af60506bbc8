"""What a guard is asked: may this deployment be rolled back?"""

from dataclasses import dataclass

from diagnosis.evidence import Deployment, DeploymentGroup, Deployments, Evidence, Missing, TargetGroup
from diagnosis.history import History
from diagnosis.settings import Settings
from diagnosis.verdict import Verdict

OPT_IN_TAG = "gateway-triage:auto-rollback"
OPT_IN_VALUE = "enabled"
OPT_OUT_TAG = "gateway-triage:no-rollback"
# Begins the description of every deployment that the rollback function creates.
ROLLBACK_MARK = "Gateway Triage rollback"

# They follow the group's current revision and change no version (codedeploy facts, section 2).
FOLLOWING_CREATORS = frozenset({"autoscaling", "autoscalingTermination", "CodeDeployAutoUpdate"})
ROLLBACK_CREATORS = frozenset({"codeDeployRollback", "CloudFormationRollback"})


@dataclass(frozen=True, slots=True)
class Answer:
    """A guard's answer, with the sentence for people."""

    passed: bool
    detail: str


def passed(detail: str) -> Answer:
    """The guard has no objection."""
    return Answer(True, detail)


def refused(detail: str) -> Answer:
    """The guard objects."""
    return Answer(False, detail)


@dataclass(frozen=True, slots=True)
class Situation:
    """What a guard may look at when no deployment is in question."""

    verdict: Verdict
    evidence: Evidence
    history: History
    settings: Settings

    @property
    def failing_groups(self) -> tuple[TargetGroup, ...]:
        """The failing target groups as they were read; empty when none is named or none was read."""
        if isinstance(self.evidence.target_groups, Missing):
            return ()
        named = {*self.verdict.failing_target_groups, self.verdict.component} - {None}
        return tuple(each for each in self.evidence.target_groups if named & {each.id, each.name, each.arn})


@dataclass(frozen=True, slots=True)
class Question(Situation):
    """May `deployment` be rolled back?"""

    deployment: Deployment

    @property
    def group(self) -> DeploymentGroup | Missing:
        """The deployment group of the deployment in question."""
        return self.deployment.group


def same_group(one: Deployment, other: Deployment) -> bool:
    """Whether both belong to one deployment group."""
    return (one.application, one.group_name) == (other.application, other.group_name)


def is_rollback(deployment: Deployment) -> bool:
    """Whether it is itself a step back: CodeDeploy's, CloudFormation's, or ours (creator "user")."""
    return (
        deployment.is_rollback
        or deployment.creator in ROLLBACK_CREATORS
        or deployment.description.startswith(ROLLBACK_MARK)
    )


def last_good(question: Question) -> Deployment | None:
    """The deployment whose revision a rollback would install, or None.

    A finished deployment is answered with the newest earlier success of another revision that was never
    rolled back from and reached most of its targets. A running one is stopped by CodeDeploy, which goes back
    to the newest earlier success whatever it is: that one must qualify. Never `previousRevision`, which is
    relative to the group's latest success and not to this deployment (codedeploy facts, section 2).
    """
    earlier = _earlier_successes(question)
    if question.deployment.running:
        earlier = earlier[:1]
    return next((each for each in earlier if _qualifies(each, question)), None)


def _earlier_successes(question: Question) -> list[Deployment]:
    suspect, deployments = question.deployment, question.evidence.deployments
    found = deployments.found if isinstance(deployments, Deployments) else ()
    earlier = [
        each
        for each in found
        if same_group(each, suspect)
        and each.id != suspect.id
        and each.created < suspect.created
        and each.status == "Succeeded"
        and each.creator not in FOLLOWING_CREATORS
    ]
    return sorted(earlier, key=lambda each: (each.created, each.id), reverse=True)


def _qualifies(deployment: Deployment, question: Question) -> bool:
    suspect = question.deployment.revision
    if deployment.revision is None or suspect is None or deployment.revision.id == suspect.id:
        return False
    return not (_rolled_back_from(deployment, question) or _mostly_failed(deployment))


def _rolled_back_from(deployment: Deployment, question: Question) -> bool:
    past = question.history.rollbacks
    remembered = () if isinstance(past, Missing) else past
    return deployment.rolled_back_by is not None or any(
        (each.application, each.deployment_group) == (deployment.application, deployment.group_name)
        and deployment.revision is not None
        and each.revision_id == deployment.revision.id
        for each in remembered
    )


def _mostly_failed(deployment: Deployment) -> bool:
    """Whether most targets missed it: all at once succeeds if one did (codedeploy facts, section 5)."""
    succeeded, total = deployment.succeeded_targets, deployment.total_targets
    return succeeded is not None and total is not None and succeeded * 2 < total
