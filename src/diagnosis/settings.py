"""What the owner of the stack decides: safety settings only, everything else is a named constant beside its
use.
"""

from dataclasses import dataclass
from enum import StrEnum


class RollbackMode(StrEnum):
    """How far the tool may go by itself."""

    OFF = "off"
    RECOMMEND = "recommend"
    APPROVE = "approve"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class SeverityLimits:
    """From where on an incident is P1 or P2; shares are of the attempted requests, 0 to 1.

    5xx over 1 %, a spike of 503 or 504, or a drop of 2xx is P1, 5xx over 0.1 % is P2 (causes facts,
    section 12).
    """

    p1_error_share: float = 0.01
    p2_error_share: float = 0.001
    p1_spike_per_minute: float = 10.0
    p1_lost_share: float = 0.5


@dataclass(frozen=True, slots=True)
class Settings:
    """The stack's parameters that judgement depends on (contract, stack.md)."""

    mode: RollbackMode = RollbackMode.RECOMMEND
    veto_seconds: int = 60
    minimum_confidence: float = 0.9
    alarm_name_prefix: str = ""
    severity: SeverityLimits = SeverityLimits()
