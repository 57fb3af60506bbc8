"""The whole judgement on one page: evidence in, verdict out."""

from collections.abc import Sequence

from diagnosis.catalogue import causes
from diagnosis.cause import Cause
from diagnosis.evidence import Evidence, Missing
from diagnosis.facts import Facts, derive
from diagnosis.judgement import UNDECIDED, findings, leading
from diagnosis.phrase import percent
from diagnosis.severity import severity
from diagnosis.trigger import find_trigger
from diagnosis.verdict import Candidate, Finding, Impact, Trigger, Verdict


def diagnose(evidence: Evidence, alarm_metrics: Sequence[str], alarm_group: str | None = None) -> Verdict:
    """Judge the evidence; the alarm watches metrics of these names, of this target group if it names one."""
    facts = derive(evidence, alarm_metrics, alarm_group)
    if isinstance(facts, Missing):
        return _blind(evidence, facts)
    ranked = _settle(facts)
    named = leading(ranked)
    trigger = find_trigger(facts, named.cause if named else None)
    cause = named.cause if named else _cause(UNDECIDED)
    return Verdict(
        code=cause.code,
        origin=cause.origin.value,
        title=cause.title,
        confidence=named.confidence if named else _confidence(ranked, UNDECIDED),
        leading=named or _best_guess(ranked),
        findings=ranked,
        trigger=trigger,
        onset=facts.onset,
        component=_component(facts, named.cause if named else None),
        impact=_impact(facts),
        severity=severity(facts, cause.code),
        rollback_support=sum(found.confidence for found in ranked if found.cause.rollback_helps),
        missing=evidence.missing(),
        failing_target_groups=tuple(group.id for group in facts.failing_groups),
        errors_continue=facts.onset is not None and not facts.rhythm.over,
        requests_per_minute=facts.attempted.after,
        reasons=() if named else _why_undecided(facts, ranked),
    )


def _component(facts: Facts, cause: Cause | None) -> str | None:
    """What is at fault within the entry point: what the cause says, else the worst target group."""
    if cause and cause.component:
        return cause.component(facts)
    worst = facts.worst
    return worst.name if worst and worst.failing else facts.failing_origin


def _settle(facts: Facts) -> tuple[Finding, ...]:
    return findings(facts, causes())


def _cause(code: str) -> Cause:
    return next(cause for cause in causes() if cause.code == code)


def _confidence(ranked: Sequence[Finding], code: str) -> float:
    return next(found.confidence for found in ranked if found.cause.code == code)


def _best_guess(ranked: Sequence[Finding]) -> Finding:
    return next(found for found in ranked if found.cause.code != UNDECIDED)


def _why_undecided(facts: Facts, ranked: Sequence[Finding]) -> tuple[str, ...]:
    """Which candidates are left, and what would have told them apart."""
    best, next_best = [found for found in ranked if found.cause.code != UNDECIDED][:2]
    lacking = sorted({path.split("[")[0].split(".")[0] for path, _ in facts.evidence.missing()})
    candidates = (f"{found.cause.code} ({percent(found.confidence)})" for found in (best, next_best))
    reasons = [f"Best candidates: {', '.join(candidates)}."]
    if lacking:
        reasons.append(f"Could not be read: {', '.join(lacking)}.")
    against = [signal.statement for signal in best.signals if signal.weight < 0]
    if against:
        reasons.append(f"Against the first speaks: {against[0]}.")
    if facts.onset is None:
        reasons.append("No clear change against the hours before was found.")
    return tuple(reasons)


def _impact(facts: Facts) -> Impact:
    quiet = max(facts.attempted.before, 1 / 60)
    return Impact(
        failed_requests=round(facts.errors.events),
        requests=round(facts.attempted.events),
        error_rate=facts.error_share,
        baseline_error_rate=min(1.0, facts.errors.before / quiet),
    )


def _blind(evidence: Evidence, lacking: Missing) -> Verdict:
    """Without metrics nothing can be said about cause or onset."""
    cause = _cause(UNDECIDED)
    unknown = Candidate("unknown", None, None, None, lacking.reason, 1.0, ())
    return Verdict(
        code=cause.code,
        origin=cause.origin.value,
        title=cause.title,
        confidence=1.0,
        leading=None,
        findings=(),
        trigger=Trigger(unknown, ()),
        onset=None,
        component=None,
        impact=None,
        severity="P2",
        rollback_support=0.0,
        missing=evidence.missing(),
        errors_continue=False,
    )
