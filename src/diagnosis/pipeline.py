"""The whole judgement on one page: evidence in, verdict out."""

from collections.abc import Sequence

from diagnosis.catalogue import causes
from diagnosis.cause import Cause
from diagnosis.chain import chain, component_of
from diagnosis.evidence import Evidence, Missing
from diagnosis.facts import Facts, derive
from diagnosis.judgement import UNDECIDED, findings, leading
from diagnosis.phrase import percent
from diagnosis.places import places
from diagnosis.settings import SeverityLimits
from diagnosis.severity import severity
from diagnosis.trigger import find_trigger
from diagnosis.verdict import Candidate, Finding, Impact, Trigger, Verdict

USUAL_LIMITS = SeverityLimits()
# The edge's errors are its origin's own; what is wrong there is the next link.
PASSED_ON = "origin_errors"


def diagnose(
    evidence: Evidence,
    alarm_metrics: Sequence[str],
    alarm_group: str | None = None,
    limits: SeverityLimits = USUAL_LIMITS,
) -> Verdict:
    """Judge the evidence; the alarm watches metrics of these names, of this target group if it names one."""
    facts = derive(evidence, alarm_metrics, alarm_group)
    if isinstance(facts, Missing):
        return _blind(evidence, facts)
    ranked = _settle(facts)
    named, deeper = leading(ranked), _at_the_origin(facts)
    at_fault = facts
    if named is None and deeper and (facts.edge is None or facts.edge.passes_on):
        # The entry point only passes on what its origin does, and has no word of its own for it.
        named, deeper, at_fault = deeper, None, facts.origins[facts.failing_origin or ""]
    elif named is None or named.cause.code != PASSED_ON:
        deeper = None
    cause = named.cause if named else _cause(UNDECIDED)
    component = component_of(at_fault, named.cause if named else None)
    trigger = find_trigger(facts, deeper.cause if deeper else named.cause if named else None)
    return Verdict(
        code=cause.code,
        origin=cause.origin.value,
        title=cause.title,
        confidence=named.confidence if named else _confidence(ranked, UNDECIDED),
        leading=named or _best_guess(ranked),
        findings=ranked,
        trigger=trigger,
        onset=facts.onset,
        component=component,
        impact=_impact(facts),
        severity=severity(facts, cause.code, limits),
        rollback_support=sum(found.confidence for found in ranked if found.cause.rollback_helps),
        missing=evidence.missing(),
        failing_target_groups=tuple(group.id for group in facts.failing_groups),
        errors_continue=facts.onset is not None and not facts.rhythm.over,
        requests_per_minute=facts.attempted.after,
        reasons=() if named else _why_undecided(facts, ranked),
        deeper=deeper,
        chain=chain(facts, cause, component, deeper, trigger.chosen),
        places=places(facts),
    )


def _at_the_origin(facts: Facts) -> Finding | None:
    """What is wrong at the origin that fails behind a distribution or an API, judged by its own evidence."""
    origin = facts.origins.get(facts.failing_origin or "")
    return leading(_settle(origin)) if origin else None


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
