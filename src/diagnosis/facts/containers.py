"""An ECS service around the onset."""

from dataclasses import dataclass

from diagnosis.evidence import Deployment, Evidence
from diagnosis.shift import Span


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """An ECS service around the onset."""

    name: str


def derive_services(evidence: Evidence, span: Span) -> tuple[ServiceFacts, ...]:
    """Nothing is known yet."""
    return ()


def native_deployments(evidence: Evidence) -> tuple[Deployment, ...]:
    """Deployments that the service makes by itself."""
    return ()
