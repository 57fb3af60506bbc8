"""The commands that a person would type, for this very resource, quoted for a POSIX shell."""

import shlex
import string

from diagnosis.arn import region_code
from diagnosis.decision import RollbackPlan
from diagnosis.guards.question import ROLLBACK_MARK

KILL_SWITCH_PARAMETER = "/gateway-triage/rollback-enabled"

# A name with anything else is not put into a command: some displays swallow or change such characters (the
# backtick ends code in Slack), and a command that is shown otherwise than it was made is a trap.
_SHOWABLE = frozenset(string.ascii_letters + string.digits + string.punctuation + " ") - {"`"}
_LONGEST_WORD = 256


def roll_back(plan: RollbackPlan, region: str, incident_id: str) -> str | None:
    """What does by hand what the plan would do; None where no safe command can be written."""
    if plan.action == "stop":
        return stop_deployment(plan, region)
    return redeploy(plan, region, incident_id)


def stop_deployment(plan: RollbackPlan, region: str) -> str | None:
    if not _safe(region, plan.deployment_id):
        return None
    return _command(
        "deploy stop-deployment", region, deployment_id=plan.deployment_id, auto_rollback_enabled=True
    )


def redeploy(plan: RollbackPlan, region: str, incident_id: str) -> str | None:
    """A deployment of the very revision that the good deployment installed, whatever its kind.

    The group's alarms are still red and would stop it, and a broken stop script of the bad revision must not
    stand in the way (CodeDeploy API, CreateDeployment, overrideAlarmConfiguration and
    ignoreApplicationStopFailures).
    """
    good, bad = plan.to_deployment_id, plan.deployment_id
    if not good or not _safe(region, good, bad, plan.application, plan.deployment_group, incident_id):
        return None
    revision = _command(
        "deploy get-deployment", region, deployment_id=good, query="deploymentInfo.revision", output="json"
    )
    start = _command(
        "deploy create-deployment",
        region,
        application_name=plan.application,
        deployment_group_name=plan.deployment_group,
        description=f"{ROLLBACK_MARK} of {bad} by hand, incident {incident_id}"[:_LONGEST_WORD],
        ignore_application_stop_failures=True,
        override_alarm_configuration="enabled=false",
    )
    return f'{start} --revision "$({revision})"'


def stop_every_rollback(region: str) -> str | None:
    """The kill switch, off."""
    if not _safe(region):
        return None
    return _command("ssm put-parameter", region, name=KILL_SWITCH_PARAMETER, value="false", overwrite=True)


def target_health(region: str, target_group_arn: str) -> str | None:
    if not _safe(region, target_group_arn):
        return None
    return _command("elbv2 describe-target-health", region, target_group_arn=target_group_arn)


def command(operation: str, region: str, **options: str) -> str | None:
    """A command of the AWS CLI that only reads; None where a word cannot be shown as it is."""
    return _command(operation, region, **options) if _safe(region, *options.values()) else None


def _command(operation: str, region: str, **options: str | bool) -> str:
    """A command of the AWS CLI; an option that is True stands alone."""
    words = ["aws", *operation.split(), "--region", region]
    for name, value in options.items():
        words.append(f"--{name.replace('_', '-')}")
        if isinstance(value, str):
            words.append(value)
    return shlex.join(words)


def _safe(region: str, *words: str) -> bool:
    """Whether every word can be shown as it is, and none would be taken for an option or a file to load."""
    return region_code(region) is not None and all(map(_safe_word, words))


def _safe_word(word: str) -> bool:
    if not 0 < len(word) <= _LONGEST_WORD or word.startswith("-") or "://" in word:
        return False
    return _SHOWABLE.issuperset(word)
