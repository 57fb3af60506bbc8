"""Requests that no longer come: how many were to be expected each minute, and how many of them are missing.

A fault in front of the load balancer, such as a certificate that clients refuse, leaves no error behind, only
silence.
"""

import math
from collections.abc import Sequence
from statistics import median

# A loss is material from this share of the expected on, and stands out of chance by so many deviations.
MATERIAL_SHARE = 0.3
DEVIATIONS = 4.0
# What is expected is the usual rate of the last hour, but no more than that of all minutes before: the end of
# a rush is no loss.
RECENT_MINUTES = 60
# Too few minutes tell no usual rate.
FEWEST_MINUTES = 10


def lost_requests(counts: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """How many requests are missing each minute, and how many were expected; none without a material loss.

    Minutes of a loss do not lower what is expected afterwards.
    """
    usual: list[float] = []
    lost: list[float] = []
    expected: list[float] = []
    for count in counts:
        rate = _expected(usual)
        missing = rate - count
        material = missing >= max(MATERIAL_SHARE * rate, DEVIATIONS * math.sqrt(rate)) and rate > 0.0
        lost.append(missing if material else 0.0)
        expected.append(rate if material else max(count, 0.0))
        if not material:
            usual.append(count)
    return tuple(lost), tuple(expected)


def _expected(usual: Sequence[float]) -> float:
    if len(usual) < FEWEST_MINUTES:
        return 0.0
    return min(median(usual), median(usual[-RECENT_MINUTES:]))
