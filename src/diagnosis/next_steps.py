"""What a person does next, in order: each a sentence, with the very command or address on a line below it."""

from collections.abc import Sequence

from diagnosis import commands, links
from diagnosis.alarm import Alarm
from diagnosis.arn import target_group_arn
from diagnosis.decision import Decision, in_question
from diagnosis.guards.deployment import platform_supported
from diagnosis.incident import EntryPoint
from diagnosis.looks import Place, where
from diagnosis.verdict import Candidate, Finding, Verdict

MOST_GROUPS = 3
_BY_HAND = {
    "recommended": "Go back to {goal} by hand:",
    "awaiting_approval": "Approve in Slack, or go back to {goal} by hand:",
    "refused": "Only if you know better than the guards, go back to {goal} by hand:",
}
PLATFORM_GUARD = platform_supported.__name__


def next_steps(
    incident_id: str, alarm: Alarm, entry_point: EntryPoint, verdict: Verdict, decision: Decision
) -> list[str]:
    """First the rollback if recommended, then where to look, and last the rollback if it was refused."""
    by_hand = _by_hand(incident_id, entry_point, verdict, decision)
    parts = {**verdict.places, "alarm": alarm.name}
    place = Place(entry_point, verdict.onset or alarm.time, parts)
    checks = _checks(verdict.deeper or verdict.leading, place)
    return [
        *(by_hand if decision.outcome != "refused" else []),
        *checks,
        *_groups(entry_point, verdict, checks),
        *_trigger(entry_point.region, verdict.trigger.chosen),
        *(by_hand if decision.outcome == "refused" else []),
    ]


def step(sentence: str, line: str | None = None) -> str:
    """One step; its sentence is kept to one line, so that a second line is always a command or an address."""
    told = " ".join(sentence.split())
    return f"{told}\n{line}" if line else told


def _by_hand(incident_id: str, entry_point: EntryPoint, verdict: Verdict, decision: Decision) -> list[str]:
    plan, region = decision.plan, entry_point.region
    if plan is None:
        return []
    if decision.outcome == "requested":
        sentence = "To stop this and every other automatic rollback, turn the kill switch:"
        return [step(sentence, commands.stop_every_rollback(region))]
    if decision.outcome not in _BY_HAND:
        return []
    deployment = in_question(verdict.trigger)
    system = deployment.system if deployment else ""
    line = _roll_back(incident_id, region, decision) or _group_page(
        region, system, plan.application, plan.deployment_group
    )
    return [step(_BY_HAND[decision.outcome].format(goal=_goal(decision)), line)]


def _group_page(region: str, system: str, application: str, group: str) -> str | None:
    """Where a person goes back: in CodeDeploy, or in the system that deployed by itself."""
    pages = {"ecs": links.service_page, "lambda": links.alias_page}
    return pages.get(system, links.deployment_group_page)(region, application, group)


def _roll_back(incident_id: str, region: str, decision: Decision) -> str | None:
    """The command, unless a guard says that this platform does not go back that way."""
    unsupported = any(guard.name == PLATFORM_GUARD and not guard.passed for guard in decision.guards)
    return (
        None if unsupported or not decision.plan else commands.roll_back(decision.plan, region, incident_id)
    )


def _goal(decision: Decision) -> str:
    revision = decision.plan.to_revision if decision.plan else None
    return revision.label if revision else "the revision before"


def _checks(finding: Finding | None, place: Place) -> list[str]:
    """The three first things to check, each with the command or the address for this very incident."""
    if finding is None:
        return []
    return [step(check.sentence, where(check.look, place)) for check in finding.cause.first_look]


def _groups(entry_point: EntryPoint, verdict: Verdict, checks: Sequence[str]) -> list[str]:
    """For each failing target group the command that shows its targets' health, unless a check has it."""
    steps = []
    for group in verdict.failing_target_groups[:MOST_GROUPS]:
        arn = target_group_arn(entry_point.region, entry_point.account, group)
        name = group.split("/")[1] if "/" in group else group
        command = commands.target_health(entry_point.region, arn)
        if command and not any(command in check for check in checks):
            steps.append(step(f"Look at the targets of {name}:", command))
    return steps


def _deployment_page(region: str, chosen: Candidate) -> str | None:
    deployment = chosen.deployment
    if deployment is None or deployment.system == "codedeploy":
        return links.deployment_page(region, chosen.id or "")
    return _group_page(region, deployment.system, deployment.application, deployment.group_name)


def _trigger(region: str, chosen: Candidate) -> list[str]:
    if not chosen.id:
        return []
    if chosen.kind in {"deployment", "other_deployment"}:
        return [step(f"Look at the deployment {chosen.id}:", _deployment_page(region, chosen))]
    if chosen.kind == "configuration_change":
        page = links.change_page(region, chosen.id)
        return [step("Look at the change, and undo it if it is not meant:", page)]
    return []
