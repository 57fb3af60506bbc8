"""The systems of AWS besides Application Load Balancers that a scenario may hold: a module each.

A module has KEY (the key in the scenario file), `load` (reads that section strictly), `quiet` (a catalogue
case's section over a quiet one), `series` (the figures it publishes) and the class `Staged` (what it answers,
also where a scenario has no such section: its data is None then).
One that can be an entry point also has ENTRY (the namespace of its alarms) and `alarm_dimensions`; one that
writes logs has `log_events`; one whose requests are another's figures has `contribute`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from lab.clock import Clock
from lab.draw import Draw
from lab.scenario import Scenario
from lab.timeline import FIRST_MINUTE, LAST_MINUTE, Timeline

System = Any
"""A module of this package."""


@cache
def systems() -> Mapping[str, System]:
    """Every module by its KEY."""
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return {module.KEY: module for module in modules if hasattr(module, "KEY")}


@dataclass(frozen=True, slots=True)
class Stage:
    """What a system's answers may rest on: the scenario, and the time."""

    scenario: Scenario
    clock: Clock

    def data_of(self, key: str) -> Any:
        """The data of another system of the scenario; None where it has none."""
        return self.scenario.systems.get(key)


def counts(scenario: Scenario, key: str, line: Timeline, recovered_from: int | None = None) -> dict[int, int]:
    """Poisson counts by minute, drawn from a stream of their own; minutes without data points are left out.

    What lies before the recovery is the same with and without one.
    """
    drawn = line if recovered_from is None else line.returning_to_normal(recovered_from)
    stream = Draw(scenario.name, key, noise=scenario.noise)
    found: dict[int, int] = {}
    for minute in range(FIRST_MINUTE, LAST_MINUTE + 1):
        value = drawn.at(minute)
        if value is not None:
            jittered = stream.level(value, drawn.jitter)
            found[minute] = round(value) if drawn.is_exact(minute) else stream.count(jittered)
    return found


def levels(
    scenario: Scenario, key: str, line: Timeline, recovered_from: int | None = None
) -> dict[int, float]:
    """A gauge by minute with the line's own jitter."""
    drawn = line if recovered_from is None else line.returning_to_normal(recovered_from)
    stream = Draw(scenario.name, key, noise=scenario.noise)
    found = {minute: drawn.at(minute) for minute in range(FIRST_MINUTE, LAST_MINUTE + 1)}
    return {minute: stream.level(value, drawn.jitter) for minute, value in found.items() if value is not None}
