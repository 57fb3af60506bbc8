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
class Settings:
    """The stack's parameters that judgement depends on (contract, stack.md)."""

    mode: RollbackMode = RollbackMode.RECOMMEND
    veto_seconds: int = 60
    minimum_confidence: float = 0.9
    alarm_name_prefix: str = ""
