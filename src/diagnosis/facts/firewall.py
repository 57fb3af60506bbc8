"""The web ACL around the onset."""

from dataclasses import dataclass

from diagnosis.evidence import Evidence
from diagnosis.shift import Span


@dataclass(frozen=True, slots=True)
class FirewallFacts:
    """The web ACL around the onset."""

    vendor_change: str | None = None


def derive_firewall(evidence: Evidence, span: Span) -> FirewallFacts | None:
    """Nothing is known yet."""
    return None
