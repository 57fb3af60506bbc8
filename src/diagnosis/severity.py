"""How bad it is: P1 to P3."""

from diagnosis.facts import Facts
from diagnosis.settings import SeverityLimits

# Below so many successes a minute a drop may be chance.
FEWEST_SUCCESSES = 10.0
NO_INCIDENT = frozenset({"base_rate", "low_traffic", "scanner_noise", "synthetic_only"})


def severity(facts: Facts, code: str, limits: SeverityLimits) -> str:
    """P1: many users fail now. P2: some do. P3: it can wait for the morning."""
    if code in NO_INCIDENT:
        return "P3"
    if facts.onset and _successes_fell(facts, limits):
        return "P1"
    if not facts.is_5xx:
        return "P2" if facts.errors.risen else "P3"
    if facts.onset and (facts.error_share > limits.p1_error_share or _spikes(facts, limits)):
        return "P1"
    return "P2" if facts.error_share > limits.p2_error_share else "P3"


def _successes_fell(facts: Facts, limits: SeverityLimits) -> bool:
    """Whether far fewer requests succeed: those that never arrive leave no error behind."""
    successes = facts.successes
    return (
        successes.before >= FEWEST_SUCCESSES
        and successes.after <= (1 - limits.p1_lost_share) * successes.before
    )


def _spikes(facts: Facts, limits: SeverityLimits) -> bool:
    """Whether 503 or 504 come in numbers, and are a visible share."""
    spikes = facts.part("elb_503", "elb_504", "edge_503", "edge_504") * facts.errors.after
    return spikes >= limits.p1_spike_per_minute and facts.error_share > limits.p2_error_share
