"""What there is to look at around an incident, by name: for commands and console links."""

from diagnosis.evidence import Missing
from diagnosis.facts import Facts


def places(facts: Facts) -> dict[str, str]:
    """Names and identifiers of the parts involved, as far as they are known."""
    known = {"target_group": _worst_group(facts), "load_balancer": _load_balancer(facts)}
    return {name: value for name, value in known.items() if value}


def _worst_group(facts: Facts) -> str | None:
    return facts.worst.id if facts.worst else None


def _load_balancer(facts: Facts) -> str | None:
    balancer = facts.evidence.load_balancer
    return None if isinstance(balancer, Missing) else balancer.arn
