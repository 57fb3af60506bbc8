"""Seeded noise: Poisson counts, even splits, gaussian jitter."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

# Above this the normal curve stands in for Poisson and binomial; nobody can tell them apart there.
_MANY = 60


class Draw:
    """A stream of random figures that depends on its seed alone."""

    def __init__(self, *seed: object, noise: bool = True) -> None:
        self.noise = noise
        self._random = random.Random("/".join(map(str, seed)))

    def count(self, expected: float) -> int:
        """A Poisson count; the rounded expectation when noise is off."""
        if expected <= 0:
            return 0
        if not self.noise:
            return round(expected)
        if expected > _MANY:
            return max(0, round(self._random.gauss(expected, math.sqrt(expected))))
        return self._small_count(expected)

    def level(self, value: float, jitter: float) -> float:
        """A level with relative gaussian jitter, never below nought."""
        if not jitter or not self.noise:
            return value
        return max(0.0, value * self._random.gauss(1.0, jitter))

    def split(self, total: int, weights: Sequence[float]) -> list[int]:
        """Whole parts of a total in proportion to the weights; they always add up to it."""
        if not self.noise:
            return even_split(total, weights)
        parts: list[int] = []
        left, weight_left = total, sum(weights)
        for weight in weights[:-1]:
            share = weight / weight_left if weight_left > 0 else 0.0
            part = self._binomial(left, min(1.0, share))
            parts.append(part)
            left -= part
            weight_left -= weight
        return [*parts, left]

    def _small_count(self, expected: float) -> int:
        limit, product, count = math.exp(-expected), self._random.random(), 0
        while product > limit:
            product *= self._random.random()
            count += 1
        return count

    def _binomial(self, total: int, share: float) -> int:
        if total <= 0 or share <= 0:
            return 0
        if share >= 1:
            return total
        if total <= _MANY:
            return sum(self._random.random() < share for _ in range(total))
        drawn = round(self._random.gauss(total * share, math.sqrt(total * share * (1 - share))))
        return max(0, min(total, drawn))


def even_split(total: int, weights: Sequence[float]) -> list[int]:
    """Whole parts by largest remainder; without any weight the parts are equal."""
    whole = sum(weights)
    shares = [weight / whole for weight in weights] if whole > 0 else [1 / len(weights)] * len(weights)
    parts = [math.floor(total * share + 1e-9) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda index: parts[index] - total * shares[index])
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts
