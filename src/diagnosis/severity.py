"""How bad it is: P1 to P3."""

from diagnosis.facts import Facts

# 5xx over 1 % is P1, over 0.1 % is P2; a jump of 4xx is P2 (project's brief, alert tiers; causes facts,
# section 12).
P1_SHARE = 0.01
P2_SHARE = 0.001
# A spike of 503 or 504: this many a minute, and a visible share.
SPIKE = 10.0
NO_INCIDENT = frozenset({"base_rate", "low_traffic", "scanner_noise", "synthetic_only"})


def severity(facts: Facts, code: str) -> str:
    """P1: many users fail now. P2: some do. P3: it can wait for the morning."""
    if code in NO_INCIDENT:
        return "P3"
    if not facts.is_5xx:
        return "P2" if facts.errors.risen else "P3"
    spikes = facts.part("elb_503", "elb_504") * facts.errors.after
    if facts.onset and (facts.error_share > P1_SHARE or (spikes >= SPIKE and facts.error_share > P2_SHARE)):
        return "P1"
    return "P2" if facts.error_share > P2_SHARE else "P3"
