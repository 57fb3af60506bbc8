"""The figures of functions, under the combinations of dimensions in which Lambda publishes them.

Each invocation is a sample of Errors, 1 or 0 (Lambda developer guide, "Types of metrics"); refused calls are
in Throttles alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lab.metrics import EMPTY, Sample, Series, Spread, percentile
from lab.scenario import Scenario
from lab.systems import counts, levels
from lab.systems.functions_data import FunctionData
from lab.timeline import Timeline

NAMESPACE = "AWS/Lambda"
USUAL_TAIL = 4.0
_SHARED = {
    "ConcurrentExecutions": "account_concurrency",
    "UnreservedConcurrentExecutions": "account_concurrency",
}

Counts = dict[int, int]


class Figures:
    """The series of one function."""

    def __init__(self, scenario: Scenario, data: FunctionData, recovered_from: int | None) -> None:
        self._scenario, self._data, self._recovered_from = scenario, data, recovered_from

    def series(self, name: str, dimensions: Mapping[str, str]) -> Series:
        """The samples of a metric; nothing for dimensions in which it is not published."""
        data = self._data
        resource, version = dimensions.get("Resource"), dimensions.get("ExecutedVersion")
        if resource is None and version is None:
            return self._of(name, whole=True)
        if resource != f"{data.name}:{data.alias}" or data.alias is None:
            return EMPTY
        if version is None:
            return self._of(name, whole=False)
        return self._of_version(name, version)

    def _count(self, figure: str) -> Counts:
        line: Timeline = getattr(self._data, figure)
        return counts(self._scenario, f"functions/{self._data.name}/{figure}", line, self._recovered_from)

    def _level(self, figure: str) -> dict[int, float]:
        line: Timeline = getattr(self._data, figure)
        return levels(self._scenario, f"functions/{self._data.name}/{figure}", line, self._recovered_from)

    def _of(self, name: str, *, whole: bool) -> Series:
        match name:
            case "Invocations":
                return _sums(self._asked(whole=whole))
            case "Errors":
                return _sums(self._failed(whole=whole), self._asked(whole=whole))
            case "Throttles":
                return _sums(self._count("throttles"))
            case "ProvisionedConcurrencySpilloverInvocations":
                return _sums(self._count("spillover"))
            case "Duration":
                return self._durations(self._asked(whole=whole))
            case "ConcurrentExecutions" if whole:
                return _gauge(self._level("concurrency"))
        return EMPTY

    def _asked(self, *, whole: bool) -> Counts:
        """Invocations; those that fail are among them."""
        asked, failed = self._count("invocations"), self._failed(whole=False)
        own = {minute: max(asked.get(minute, 0), failed.get(minute, 0)) for minute in {*asked, *failed}}
        return _added(own, self._count("other_invocations")) if whole else own

    def _failed(self, *, whole: bool) -> Counts:
        own = _added(self._count("errors"), self._count("timeouts"))
        return _added(own, self._count("other_errors")) if whole else own

    def _durations(self, asked: Counts) -> Series:
        data = self._data
        mean, tail, late = self._level("duration"), self._level("duration_p99"), self._count("timeouts")
        found: dict[int, Sample] = {}
        for minute, number in asked.items():
            spreads = []
            if number > late.get(minute, 0) and mean.get(minute):
                slow = tail.get(minute) or mean[minute] * USUAL_TAIL
                spreads.append(Spread(float(number - late.get(minute, 0)), mean[minute] * 1000, slow * 1000))
            if late.get(minute):
                spreads.append(Spread(float(late[minute]), data.timeout * 1000.0, data.timeout * 1001.0))
            if spreads:
                found[minute] = _measured(spreads, most=data.timeout * 1001.0)
        return found

    def _of_version(self, name: str, version: str) -> Series:
        """A version's part of what went through the alias."""
        data, asked = self._data, self._asked(whole=False)
        share = {minute: self._share(version, minute) for minute in asked}
        own = {minute: round(number * share[minute]) for minute, number in asked.items() if share[minute]}
        if name == "Invocations":
            return _sums(own)
        if name != "Errors":
            return EMPTY
        failed = self._failed(whole=False)
        if data.bad_version is None:
            return _sums({each: round(failed.get(each, 0) * share[each]) for each in own}, own)
        return _sums({each: failed.get(each, 0) if version == data.bad_version else 0 for each in own}, own)

    def _share(self, version: str, minute: int) -> float:
        """What the routing gives to a version; the alias's main one gets the rest."""
        if version in self._data.shares:
            return self._data.shares[version].at(minute) or 0.0
        if version != self._data.version:
            return 0.0
        return 1.0 - sum(line.at(minute) or 0.0 for line in self._data.shares.values())


def of_account(scenario: Scenario, functions: Iterable[FunctionData], name: str) -> Series:
    """What all functions of the account and region run at once."""
    for data in functions:
        if name in _SHARED:
            line: Timeline = getattr(data, _SHARED[name])
            return _gauge(levels(scenario, f"functions/{name}", line))
    return EMPTY


def _added(one: Counts, other: Counts) -> Counts:
    return {minute: one.get(minute, 0) + other.get(minute, 0) for minute in {*one, *other}}


def _sums(totals: Counts, asked: Counts | None = None) -> Series:
    """Sums a minute; with the number of invocations each minute that had one has a data point."""
    minutes = totals if asked is None else asked
    return {
        minute: Sample(float(totals.get(minute, 0)), float(max(1, minutes[minute])), 0.0, 1.0)
        for minute in sorted(minutes)
        if minutes[minute]
    }


def _gauge(found: Mapping[int, float]) -> Series:
    return {minute: Sample(value, 1.0, value, value) for minute, value in found.items()}


def _measured(spreads: list[Spread], most: float) -> Sample:
    count = sum(spread.weight for spread in spreads)
    total = sum(spread.weight * spread.mean for spread in spreads)
    slow = 1 - 1 / (count + 1)
    high = min(most, percentile(spreads, slow))
    return Sample(total, count, percentile(spreads, 1 - slow), high, tuple(spreads))
