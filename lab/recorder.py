"""What was asked of AWS: by which function, with which parameters, how long it took, how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Call:
    """One AWS call as the function made it; retries of the client are attempts of the same call."""

    function: str
    service: str
    operation: str
    parameters: Mapping[str, Any]
    region: str
    invocation: int
    started: float
    ended: float = 0.0
    attempts: int = 0
    error: str | None = None
    read_timeout: float = field(default=60.0, repr=False)
    endpoint: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """Service and operation, as in `codedeploy.GetDeployment`."""
        return f"{self.service}.{self.operation}"

    @property
    def seconds(self) -> float:
        """How long the call took, in real seconds, retries and added latency included."""
        return self.ended - self.started


def depth(calls: Iterable[Call]) -> int:
    """The longest chain of calls of which each began after the one before it had ended."""
    chain, free_at = 0, float("-inf")
    for call in sorted(calls, key=lambda call: call.ended):
        if call.started >= free_at:
            chain += 1
            free_at = call.ended
    return chain
