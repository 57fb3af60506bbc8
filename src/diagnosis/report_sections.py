"""The sections of the diagnosis document, each made from one part of the verdict or the decision."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from diagnosis.alarm import Alarm, Ignored
from diagnosis.cause import Origin, Signal
from diagnosis.decision import Decision
from diagnosis.document import (
    AlarmSection,
    AlternativeSection,
    CauseSection,
    ImpactSection,
    ResourceSection,
    RivalSection,
    RollbackSection,
    SignalSection,
    TriggerSection,
    share,
    timestamp,
)
from diagnosis.incident import EntryPoint
from diagnosis.settings import Settings
from diagnosis.verdict import Candidate, Finding, Impact, Trigger, Verdict

INCONCLUSIVE = "inconclusive"
MOST_ALTERNATIVES = 5
MOST_RIVALS = 5
# A button pressed later than this is refused: the world has moved on, and a person should look again.
BUTTONS_VALID = timedelta(hours=1)

ORIGINS = frozenset(origin.value for origin in Origin)
TRIGGERS = frozenset(
    {
        "deployment",
        "other_deployment",
        "configuration_change",
        "vendor_change",
        "traffic_change",
        "infrastructure",
        "schedule",
        "none_found",
        "unknown",
    }
)


def cause(verdict: Verdict) -> CauseSection:
    return {
        "code": verdict.code,
        "origin": verdict.origin if verdict.origin in ORIGINS else Origin.UNKNOWN.value,
        "confidence": share(verdict.confidence),
        "title": verdict.title,
    }


def any_alarm(event: Alarm | Ignored | None) -> AlarmSection:
    if isinstance(event, Alarm):
        return alarm(event)
    return unread_alarm(event or Ignored("The event could not be read."))


def alarm(event: Alarm) -> AlarmSection:
    return {
        "name": event.name,
        "arn": event.arn,
        "state": event.state.value,
        "account": event.account,
        "region": event.region,
        "time": timestamp(event.time),
    }


def unread_alarm(event: Ignored) -> AlarmSection:
    section: AlarmSection = {
        "name": event.alarm_name or "unknown",
        "state": event.state.value if event.state else "INSUFFICIENT_DATA",
    }
    if event.alarm_arn:
        section["arn"] = event.alarm_arn
    if event.account:
        section["account"] = event.account
    if event.region:
        section["region"] = event.region
    if event.time:
        section["time"] = timestamp(event.time)
    return section


def resource(entry_point: EntryPoint, component: str | None) -> ResourceSection:
    section: ResourceSection = {
        "kind": entry_point.kind,
        "id": entry_point.id,
        "name": entry_point.name,
        "component": component,
    }
    if entry_point.arn:
        section["arn"] = entry_point.arn
    if entry_point.dimensions:
        section["dimensions"] = dict(entry_point.dimensions)
    return section


def trigger(trigger: Trigger) -> TriggerSection:
    chosen = trigger.chosen
    return {
        "kind": chosen.kind if chosen.kind in TRIGGERS else "unknown",
        "id": chosen.id,
        "at": timestamp(chosen.at) if chosen.at else None,
        "by": chosen.by,
        "summary": summary(chosen),
        "confidence": share(chosen.confidence),
        "signals": signals(chosen.signals),
        "rivals": [_rival(rival) for rival in trigger.rivals[:MOST_RIVALS]],
    }


def summary(candidate: Candidate) -> str:
    """A deployment with its revision and time, so that nobody has to look; else the candidate's own words."""
    deployment = candidate.deployment
    if deployment is None:
        return candidate.summary
    revision = f" ({deployment.revision.label})" if deployment.revision else ""
    ended = deployment.completed if not deployment.running else None
    when = f"finished {_clock(ended)}" if ended else f"begun {_clock(deployment.begun)}"
    state = "" if deployment.status == "Succeeded" else f", {deployment.status}"
    group = f"{deployment.application}/{deployment.group_name}"
    return f"deployment {deployment.id}{revision} to {group}, {when}{state}"


def _clock(moment: datetime) -> str:
    return f"{timestamp(moment)[11:16]} UTC"


def _rival(rival: Candidate) -> RivalSection:
    return {
        "kind": rival.kind if rival.kind in TRIGGERS else "unknown",
        "id": rival.id,
        "summary": summary(rival),
        "confidence": share(rival.confidence),
        "against": _against(rival.signals),
    }


def impact(impact: Impact) -> ImpactSection:
    return {
        "failed_requests": impact.failed_requests,
        "requests": impact.requests,
        "error_rate": share(impact.error_rate),
        "baseline_error_rate": share(impact.baseline_error_rate),
    }


def signals(signals: Sequence[Signal]) -> list[SignalSection]:
    """The strongest first, whichever way they speak."""
    ranked = sorted(signals, key=lambda signal: (-abs(signal.weight), signal.statement))
    return [
        {"statement": each.statement, "source": each.source, "weight": round(each.weight, 2)}
        for each in ranked
    ]


def _against(signals: Sequence[Signal]) -> list[str]:
    return [signal.statement for signal in sorted(signals, key=lambda each: each.weight) if signal.weight < 0]


def alternatives(verdict: Verdict) -> list[AlternativeSection]:
    """The next best causes; where the verdict is inconclusive, the best candidate is the first of them."""
    others = [each for each in verdict.findings if each.cause.code not in {verdict.code, INCONCLUSIVE}]
    return [_alternative(finding) for finding in others[:MOST_ALTERNATIVES]]


def _alternative(finding: Finding) -> AlternativeSection:
    return {
        "code": finding.cause.code,
        "confidence": share(finding.confidence),
        "against": _against(finding.signals) or [_absent(finding)],
    }


def _absent(finding: Finding) -> str:
    """Why a cause that nothing speaks against is not the one named."""
    if finding.skipped:
        return f"It could not be judged: {finding.skipped}"
    if not finding.signals:
        return "Nothing that was read speaks for it."
    return "Less speaks for it than for others."


def rollback(decision: Decision, settings: Settings, now: datetime) -> RollbackSection:
    section: RollbackSection = {
        "decision": decision.outcome,
        "guards": [
            {"name": each.name, "passed": each.passed, "detail": each.detail} for each in decision.guards
        ],
        "rollback_deployment_id": None,
    }
    plan = decision.plan
    if plan:
        section["action"] = plan.action
        section["deployment_id"] = plan.deployment_id
        section["application"] = plan.application
        section["deployment_group"] = plan.deployment_group
        section["to_revision"] = plan.to_revision.label if plan.to_revision else None
        section["expires_at"] = timestamp(now + BUTTONS_VALID)
    if decision.outcome == "requested":
        section["veto_seconds"] = settings.veto_seconds
    return section
