"""Everything that was measured in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measure import Cold, Warm
from benchmarks.package import Size
from benchmarks.price import Cost
from benchmarks.record import InTheLab

MOST_SECONDS = 0.6
MOST_DEEP = 6


@dataclass(frozen=True, slots=True)
class Result:
    """The figures; times in seconds. `cold` and `bare` by whether the package has bytecode."""

    python: str
    latency: float
    warm: Warm
    without_latency: Warm
    chain: Sequence[str]
    lab: InTheLab
    cold: Mapping[bool, Cold]
    bare: Mapping[bool, Cold]
    first_message: float
    calls: Mapping[str, int]
    costs: Sequence[Cost]
    sizes: Sequence[Size]

    @property
    def fast_enough(self) -> bool:
        """Whether a warm function tells people in time."""
        return self.warm.told <= MOST_SECONDS

    @property
    def shallow_enough(self) -> bool:
        """Whether no chain of calls is too long."""
        return 0 < len(self.chain) <= MOST_DEEP

    @property
    def usd(self) -> float:
        """The price of a diagnosis."""
        return sum(cost.usd for cost in self.costs)
