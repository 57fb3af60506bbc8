"""Whether events come more evenly than chance lets them: the mark of a machine that asks on the minute."""

import math
from collections.abc import Sequence
from itertools import pairwise

# Below this many minutes, or beats, evenness is luck.
FEWEST_MINUTES, FEWEST_BEATS = 8, 5
SHORTEST_BEAT = 2
# A prober asks once, and perhaps again when it is refused; a job fails many times at a stroke.
MOST_AT_A_BEAT = 3.0


def evenness(counts: Sequence[float]) -> float:
    """By how many standard deviations counts a minute vary less than Poisson counts of their mean would.

    Zero or less where they vary as chance would have it, or where there are too few to tell. The chi-square
    of dispersion is taken to a normal deviate by Wilson and Hilferty's cube root (1931).
    """
    mean = sum(counts) / max(1, len(counts))
    if len(counts) < FEWEST_MINUTES or mean <= 0.0:
        return 0.0
    freedom = len(counts) - 1
    squares = sum((count - mean) ** 2 for count in counts) / mean
    spread = 2.0 / (9.0 * freedom)
    return ((1.0 - spread) - math.cbrt(squares / freedom)) / math.sqrt(spread)


def beat(counts: Sequence[float]) -> int | None:
    """The distance in minutes of events that come one by one at equal distances; None where they do not."""
    times = [minute for minute, count in enumerate(counts) if count > 0]
    distances = [later - earlier for earlier, later in pairwise(times)]
    if len(times) < FEWEST_BEATS or max(counts) > MOST_AT_A_BEAT:
        return None
    usual = sorted(distances)[len(distances) // 2]
    even = all(abs(distance - usual) <= (1 if usual > SHORTEST_BEAT else 0) for distance in distances)
    return usual if even and usual >= SHORTEST_BEAT else None
