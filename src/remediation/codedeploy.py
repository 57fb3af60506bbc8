"""The hand on CodeDeploy: checks the world once more, then stops a deployment or installs the one before it.

It can only turn a yes into a no. The ledger is written before and after the act, and an attempt that ended
without a word is found again by the description of the deployment that it made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from diagnosis.evidence import Missing
from diagnosis.guards.question import ROLLBACK_MARK
from remediation import deployments, kill_switch, ledger, live_errors
from remediation.deployments import DeploymentGoneError, World, already_made, read_world
from remediation.last_check import first_objection
from remediation.ledger import Ledger
from remediation.live_errors import Level, read_minutes, still_going_on
from remediation.records import MAY_ACT, ActionStatus, RollbackAction
from remediation.refusals import COMPLETED, UncertainError, code, may_pass, reason

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_codedeploy import CodeDeployClient
    from mypy_boto3_ssm import SSMClient

# CreateDeployment itself checks configuration and revision, and overriding alarms needs UpdateDeploymentGroup
# (CodeDeploy user guide, auth-and-access-control-permissions-reference.md).
PERMISSIONS = (
    *deployments.PERMISSIONS,
    *kill_switch.PERMISSIONS,
    *ledger.PERMISSIONS,
    *live_errors.PERMISSIONS,
    "codedeploy:CreateDeployment",
    "codedeploy:GetApplicationRevision",
    "codedeploy:GetDeploymentConfig",
    "codedeploy:RegisterApplicationRevision",
    "codedeploy:StopDeployment",
    "codedeploy:UpdateDeploymentGroup",
)

LONGEST_DESCRIPTION = 256
# Longer than the function may run, shorter than the queue hides a message: a second delivery of the message
# must not take over from a first that still works on it.
ATTEMPT_LASTS = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: started, refused, vetoed, rejected, or nothing where it was settled before.

    `not_made` is a rollback that CodeDeploy did not make, `uncertain` one that it may or may not have made.
    """

    status: str
    detail: str
    action: RollbackAction | None = None
    rollback_deployment_id: str | None = None


@dataclass(frozen=True, slots=True)
class Hand:
    """Everything it needs to look and to act; the clients are of the deployment's region."""

    codedeploy: CodeDeployClient
    cloudwatch: CloudWatchClient
    ssm: SSMClient
    ledger: Ledger
    kill_switch_parameter: str

    def roll_back(self, incident_id: str, deployment_id: str, attempt: str, now: datetime) -> Outcome:
        """Roll back the deployment that was decided about, if that is still right.

        `attempt` names this very delivery. Raises `UncertainError`, and botocore's errors where the ledger
        cannot be reached: then nothing was done that the ledger does not know to be under way.
        """
        action = self.ledger.action(incident_id)
        if action is None or action.deployment_id != deployment_id:
            return Outcome("refused", f"No rollback of {deployment_id} was planned in this incident.")
        if action.status == ActionStatus.ACTING:
            return self._resume(action, attempt, now)
        if action.status not in MAY_ACT:
            return _settled(action)
        checked = self._check(action, now)
        if isinstance(checked, str):
            return self._refuse(action, checked)
        begun = self.ledger.begin(action, attempt, now)
        return self._act(begun, checked, now) if begun else self._lost(action)

    def give_up(self, incident_id: str, deployment_id: str, attempt: str, why: str, now: datetime) -> Outcome:
        """After the last delivery: look once more whether it was made, and settle it; `why` it failed.

        Raises `UncertainError` where another attempt is still at it, and botocore's errors where the ledger
        cannot be reached: then nothing is settled.
        """
        action = self.ledger.action(incident_id)
        if action is None or action.deployment_id != deployment_id:
            return Outcome("nothing", "No such rollback was planned.")
        if action.status in MAY_ACT:
            return self._refuse(action, f"The last error: {why}.", "not_made")
        if action.status != ActionStatus.ACTING:
            return _settled(action)
        if action.attempt != attempt:
            action = self._taken_over(action, attempt, now)
        try:
            done = self._find_done(action, now)
        except UncertainError as error:
            return self._abandon(action, f"The last error: {why}. Looked once more: {error}.")
        return done or self._refuse(action, f"The last error: {why}.", "not_made")

    def _abandon(self, action: RollbackAction, detail: str) -> Outcome:
        if self.ledger.abandon(action, detail):
            return Outcome("uncertain", detail, action)
        return _settled(self.ledger.action(action.incident_id) or action)

    def _check(self, action: RollbackAction, now: datetime) -> World | str:
        """The world as it is just before the act, or why the rollback must not be made."""
        allowed = kill_switch.read_kill_switch(self.ssm, self.kill_switch_parameter)
        if isinstance(allowed, Missing):
            return f"The kill switch could not be read, which means stopped: {allowed.reason}."
        if not allowed:
            return "The kill switch stops every rollback."
        try:
            world = read_world(self.codedeploy, action)
            minutes = read_minutes(self.cloudwatch, action.load_balancer, action.error_family, now)
        except DeploymentGoneError as error:
            return str(error)
        except (ClientError, BotoCoreError) as error:
            return f"What a rollback depends on could not be read once more: {reason(error)}."
        level = Level(float(action.baseline_error_rate), float(action.error_rate))
        if not still_going_on(minutes, level):
            return "The errors do not go on any more."
        return first_objection(world, action) or world

    def _act(self, action: RollbackAction, world: World, now: datetime) -> Outcome:
        try:
            return self._stop(action, now) if world.running else self._redeploy(action, world, now)
        except (ClientError, BotoCoreError) as error:
            return self._after_error(action, error, now)

    def _stop(self, action: RollbackAction, now: datetime) -> Outcome:
        """Stop it; CodeDeploy then installs the last good revision by itself, in a deployment of its own."""
        try:
            self.codedeploy.stop_deployment(deploymentId=action.deployment_id, autoRollbackEnabled=True)
        except ClientError as error:
            if code(error) != COMPLETED:
                raise
            return self._stopped_too_late(action, now)
        return self._started(action, "", "The running deployment was stopped; CodeDeploy goes back.", now)

    def _stopped_too_late(self, action: RollbackAction, now: datetime) -> Outcome:
        """It ended while we were about to stop it: from now on it is one that has ended."""
        checked = self._check(action, now)
        if isinstance(checked, str):
            return self._refuse(action, checked)
        if checked.running:
            raise UncertainError(
                f"CodeDeploy says both that {action.deployment_id} has ended and that it runs."
            )
        return self._redeploy(action, checked, now)

    def _redeploy(self, action: RollbackAction, world: World, now: datetime) -> Outcome:
        """Install the revision of the last good deployment, even while the group's own alarms are red."""
        created = self.codedeploy.create_deployment(**_order(action, world))
        return self._started(action, created["deploymentId"], "The deployment was created.", now)

    def _started(self, action: RollbackAction, made: str, detail: str, now: datetime) -> Outcome:
        self.ledger.started(action, made, detail, now)
        return Outcome("started", detail, action, made or None)

    def _after_error(
        self, action: RollbackAction, error: ClientError | BotoCoreError, now: datetime
    ) -> Outcome:
        """After an error the act may have happened all the same: look before saying so."""
        done = self._find_done(action, now)
        if done:
            return done
        if isinstance(error, ClientError) and not may_pass(error):
            return self._refuse(action, f"CodeDeploy refused: {reason(error)}.", "not_made")
        raise UncertainError(reason(error)) from error

    def _find_done(self, action: RollbackAction, now: datetime) -> Outcome | None:
        try:
            world = read_world(self.codedeploy, action)
        except (ClientError, BotoCoreError, DeploymentGoneError) as error:
            raise UncertainError(f"what CodeDeploy did could not be read: {reason(error)}") from error
        made = already_made(world, action)
        if made is None:
            return None
        return self._started(action, made, "It had been started by an earlier attempt.", now)

    def _resume(self, action: RollbackAction, attempt: str, now: datetime) -> Outcome:
        """Find out what an earlier attempt did, which ended without a word, and do what is left."""
        taken = self._taken_over(action, attempt, now)
        done = self._find_done(taken, now)
        if done:
            return done
        checked = self._check(taken, now)
        return self._refuse(taken, checked) if isinstance(checked, str) else self._act(taken, checked, now)

    def _taken_over(self, action: RollbackAction, attempt: str, now: datetime) -> RollbackAction:
        if now.timestamp() - action.acting_since < ATTEMPT_LASTS.total_seconds():
            raise UncertainError("another attempt is still at it")
        taken = self.ledger.take_over(action, attempt, now)
        if taken is None:
            raise UncertainError("another attempt has taken over")
        return taken

    def _lost(self, action: RollbackAction) -> Outcome:
        """Somebody else was first: a veto, another delivery, or another incident with the same revision."""
        current = self.ledger.action(action.incident_id)
        if current and current.status in MAY_ACT:
            return self._refuse(current, "This revision was rolled back from before.")
        return _settled(current or action)

    def _refuse(self, action: RollbackAction, detail: str, status: str = "refused") -> Outcome:
        if self.ledger.refuse(action, detail):
            return Outcome(status, detail, action)
        return _settled(self.ledger.action(action.incident_id) or action)


def _settled(action: RollbackAction) -> Outcome:
    if action.status == ActionStatus.VETOED:
        word = "rejected" if action.rejected else "vetoed"
        return Outcome(word, f"It was {word} by {action.requested_by}.", action)
    return Outcome("nothing", f"The rollback of this incident is settled: {action.status}.", action)


def _order(action: RollbackAction, world: World) -> dict[str, Any]:
    asked = f", asked for by {action.requested_by}" if action.requested_by else ""
    said = f"{ROLLBACK_MARK} of {action.deployment_id}, incident {action.incident_id}{asked}"
    return {
        "applicationName": action.application,
        "deploymentGroupName": action.deployment_group,
        "revision": world.good["revision"],
        "description": said[:LONGEST_DESCRIPTION],
        # The bad revision's own stop script runs first, and may be what is broken.
        "ignoreApplicationStopFailures": True,
        "fileExistsBehavior": "OVERWRITE",
        # The alarm that woke us is probably one of the group's: it must not stop the rollback itself.
        "overrideAlarmConfiguration": {"enabled": False},
        # A rollback that fails must not bring the bad revision back.
        "autoRollbackConfiguration": {"enabled": False},
    }
