"""Findings: every cause of the catalogue examined and ranked."""

import math
from collections.abc import Iterable, Sequence

from diagnosis.cause import Cause
from diagnosis.evidence import Evidence, Missing
from diagnosis.facts import Facts
from diagnosis.verdict import Finding

# The code is named when it is at least this likely; below, the honest answer is "inconclusive".
NAMED_FROM = 0.55
UNDECIDED = "inconclusive"


def findings(facts: Facts, catalogue: Sequence[Cause]) -> tuple[Finding, ...]:
    """Judge every cause that such an entry point can have, likeliest first.

    The causes are exclusive, and one of them, "inconclusive", stands for all that nobody thought of, so the
    confidences add up to one. A cause whose evidence is missing keeps its prior and says what it lacked.
    """
    judged = [_judge(cause, facts) for cause in catalogue if facts.kind in cause.systems]
    scores = [found.cause.prior + sum(signal.weight for signal in found.signals) for found in judged]
    ranked = (
        Finding(found.cause, confidence, found.signals, found.skipped)
        for found, confidence in zip(judged, softmax(scores), strict=True)
    )
    return tuple(sorted(ranked, key=lambda found: (-found.confidence, found.cause.code)))


def leading(ranked: Sequence[Finding]) -> Finding | None:
    """The finding that can be named: likely enough, and not the stand-in for the unknown."""
    best = ranked[0] if ranked else None
    if best is None or best.cause.code == UNDECIDED or best.confidence < NAMED_FROM:
        return None
    return best


def softmax(scores: Iterable[float]) -> tuple[float, ...]:
    """Log-odds to probabilities that add up to one."""
    values = tuple(scores)
    top = max(values, default=0.0)
    grown = [math.exp(value - top) for value in values]
    return tuple(value / math.fsum(grown) for value in grown)


def _judge(cause: Cause, facts: Facts) -> Finding:
    lacking = _lacking(cause, facts.evidence)
    if lacking:
        return Finding(cause, 0.0, (), lacking)
    signals = tuple(sorted(cause.examine(facts), key=lambda signal: (-abs(signal.weight), signal.statement)))
    return Finding(cause, 0.0, signals)


def _lacking(cause: Cause, evidence: Evidence) -> str | None:
    for need in cause.needs:
        source = getattr(evidence, need)
        if isinstance(source, Missing):
            return f"{need} could not be read: {source.reason}"
    return None
