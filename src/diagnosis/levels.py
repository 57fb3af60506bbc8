"""How a gauge such as response time moved, in its own ordinary spread."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

ORDINARY_SPREAD = 0.01
"""A gauge that never moved is taken to vary by 1 %, so that its first move has a finite size."""

NORMAL_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True, slots=True)
class LevelChange:
    """Medians of a gauge before and after, and how far apart they are.

    `ratio` is inf from a zero and 1 between two zeros. `z` is the difference in units of the ordinary
    minute-to-minute spread before, not of the error of the mean: long series do not make small differences
    large, and neighbouring minutes need not be independent.
    """

    before: float
    after: float
    ratio: float
    z: float


def level_change(before: Sequence[float | None], after: Sequence[float | None]) -> LevelChange:
    """How a gauge such as response time moved, by medians, so that a few wild minutes change nothing.

    None is a minute without a data point and is left out: a gauge has no value then, not zero. Raises
    ValueError when a side has no data point at all: nothing can be said about the change, which is not the
    same as none.
    """
    early, late = list(_present(before)), list(_present(after))
    if not early or not late:
        raise ValueError("a gauge without data points on one side cannot be compared")
    centre, level = median(early), median(late)
    spread = NORMAL_MAD * median([abs(value - centre) for value in early])
    spread = max(spread, ORDINARY_SPREAD * max(abs(centre), abs(level)))
    z = (level - centre) / spread if spread else 0.0
    return LevelChange(centre, level, _ratio(centre, level), z)


def _present(values: Sequence[float | None]) -> Iterator[float]:
    return (value for value in values if value is not None)


def _ratio(before: float, after: float) -> float:
    if before:
        return after / before
    return 1.0 if not after else math.copysign(math.inf, after)
