"""A function around the onset."""

from dataclasses import dataclass

from diagnosis.evidence import Deployment, Evidence
from diagnosis.shift import Span


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """A function around the onset."""

    name: str
    failing: bool = False


def derive_functions(evidence: Evidence, span: Span) -> tuple[FunctionFacts, ...]:
    """Nothing is known yet."""
    return ()


def native_deployments(evidence: Evidence) -> tuple[Deployment, ...]:
    """Deployments that the service makes by itself."""
    return ()
