"""The API around the onset."""

from dataclasses import dataclass

from diagnosis.evidence import Evidence
from diagnosis.shift import Span


@dataclass(frozen=True, slots=True)
class GatewayFacts:
    """The API around the onset."""

    failing_origin: str | None = None


def derive_gateway(evidence: Evidence, span: Span) -> GatewayFacts | None:
    """Nothing is known yet."""
    return None
