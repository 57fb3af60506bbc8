"""Figures from results: counts, the confusion between causes, and how far a confidence can be believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cli.accuracy.groups import GROUPS, group_of
from cli.accuracy.result import INCONCLUSIVE, Result

# Where rollbacks begin is a border: at 90 %.
BORDERS = (0.0, 0.55, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True, slots=True)
class Counts:
    """How often a judge was right."""

    scenarios: int
    causes_right: int
    triggers_right: int
    rollbacks_wanted: int
    rollbacks_right: int
    wrong: tuple[Result, ...]
    missed: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Bin:
    """Named causes whose confidence lies from `low` up to `high`: how many, how sure, how many right."""

    low: float
    high: float
    verdicts: int
    mean_confidence: float
    right: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """One cause: how often it was the best expectation, and what was named instead, by scenario."""

    expected: str
    scenarios: int
    right: int
    instead: tuple[Result, ...]


def count(results: Sequence[Result]) -> Counts:
    """The counts of one judge."""
    return Counts(
        scenarios=len(results),
        causes_right=sum(each.right for each in results),
        triggers_right=sum(each.trigger_right for each in results),
        rollbacks_wanted=sum(each.wanted is True for each in results),
        rollbacks_right=sum(each.right_rollback for each in results),
        wrong=tuple(each for each in results if each.wrong_rollback),
        missed=tuple(each for each in results if each.missed_rollback),
    )


def confusion(results: Iterable[Result]) -> tuple[Confusion, ...]:
    """A row for each cause that was expected; another cause that is accepted too counts as right."""
    by_cause: dict[str, list[Result]] = {}
    for result in results:
        by_cause.setdefault(result.expected[0], []).append(result)
    return tuple(
        Confusion(
            code,
            len(found),
            sum(each.right for each in found),
            tuple(
                sorted(
                    (each for each in found if each.named != code),
                    key=lambda each: (each.named, each.scenario),
                )
            ),
        )
        for code, found in sorted(by_cause.items())
    )


def named_too_often(results: Iterable[Result]) -> Counter[str]:
    """How often each cause was named where it is not accepted."""
    return Counter(each.named for each in results if not each.right)


def claims(results: Iterable[Result]) -> tuple[Result, ...]:
    """The verdicts that name a cause: "inconclusive" makes no claim that could be right or wrong."""
    return tuple(each for each in results if each.named != INCONCLUSIVE)


def calibration(results: Sequence[Result]) -> tuple[Bin, ...]:
    """The named causes by confidence; empty bins are left out."""
    return tuple(made for low, high in pairwise(BORDERS) if (made := _bin(results, low, high)).verdicts)


def _bin(results: Sequence[Result], low: float, high: float) -> Bin:
    inside = [
        each for each in claims(results) if low <= each.confidence < high or each.confidence == high == 1.0
    ]
    mean = sum(each.confidence for each in inside) / len(inside) if inside else 0.0
    return Bin(low, high, len(inside), mean, sum(each.right for each in inside))


def calibration_error(results: Sequence[Result]) -> float:
    """The mean distance between confidence and truth over the bins, by their verdicts; 0 is best."""
    made = calibration(results)
    verdicts = sum(each.verdicts for each in made)
    apart = sum(abs(each.mean_confidence * each.verdicts - each.right) for each in made)
    return apart / verdicts if verdicts else 0.0


def by_group(results: Iterable[Result]) -> dict[str, Counts]:
    """The counts by the group of the code that was expected first, in the contract's order."""
    found: dict[str, list[Result]] = {name: [] for name in GROUPS}
    for each in results:
        found[group_of(each.expected[0])].append(each)
    return {name: count(members) for name, members in found.items()}


def brier(results: Iterable[Result]) -> float:
    """The mean squared distance between confidence and truth of the named causes; 0 is best."""
    distances = [(each.confidence - each.right) ** 2 for each in claims(results)]
    return sum(distances) / len(distances) if distances else 0.0
