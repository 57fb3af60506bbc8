"""What happened in each minute, zone and target group: whole requests whose codes add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lab.draw import Draw, even_split
from lab.loading_aws import LEVELS
from lab.scenario import GROUP_COUNTS, Scenario, Target, TargetGroup
from lab.systems import systems
from lab.timeline import FIRST_MINUTE, LAST_MINUTE, Timeline

# Each of these is the answer to one request for which a target was chosen; 2XX is what is left.
CODES = ("target_5xx", "target_4xx", "target_3xx", "elb_502", "elb_504", "elb_460")
TARGET_CODES = ("target_2xx", "target_3xx", "target_4xx", "target_5xx")
ALL_MINUTES = range(FIRST_MINUTE, LAST_MINUTE + 1)

Cells = dict[int, list[int]]
"""Minute -> one figure a zone."""


@dataclass(slots=True)
class GroupFigures:
    """The figures of one target group, by minute and zone, in the order of the load balancer's zones."""

    counts: dict[str, Cells]
    response_time: dict[int, list[tuple[float, float] | None]]
    healthy: Cells
    unhealthy: Cells
    registered: int


@dataclass(slots=True)
class Figures:
    """All that was drawn for a scenario."""

    zones: tuple[str, ...]
    groups: dict[str, GroupFigures] = field(default_factory=dict)
    traffic: dict[str, Cells] = field(default_factory=dict)
    levels: dict[str, dict[int, float]] = field(default_factory=dict)
    cpu: dict[str, dict[int, float]] = field(default_factory=dict)


def draw(scenario: Scenario, recovered_from: int | None = None) -> Figures:
    """Draw the figures of a scenario; from the minute of recovery on every line is at its first level again.

    What lies before that minute is the same with and without a recovery, since each line has its own stream.
    """
    figures = Figures(zones=scenario.load_balancer.zones)
    for group in scenario.target_groups:
        figures.groups[group.name] = _group(scenario, _recovered(group, recovered_from))
        for name, line in group.cpu.items():
            figures.cpu[name] = _levels(
                _line(line, recovered_from), _stream(scenario, group.name, "cpu", name)
            )
    for key, line in scenario.traffic.items():
        healed = _line(line, recovered_from)
        stream = _stream(scenario, "traffic", key)
        if key in LEVELS:
            figures.levels[key] = _levels(healed, stream)
        else:
            figures.traffic[key] = _cells(healed, stream, [1.0] * len(figures.zones))
    for key, data in scenario.systems.items():
        contribute = getattr(systems()[key], "contribute", None)
        if contribute:
            contribute(data, figures, scenario, recovered_from)
    return figures


@dataclass(frozen=True, slots=True)
class _Healed:
    """A target group's lines as they are to be drawn."""

    group: TargetGroup
    figures: Mapping[str, Timeline]
    by_zone: Mapping[str, Timeline]


def _recovered(group: TargetGroup, minute: int | None) -> _Healed:
    return _Healed(
        group,
        {name: _line(line, minute) for name, line in group.figures.items()},
        {zone: _line(line, minute) for zone, line in group.response_time_by_zone.items()},
    )


def _line(line: Timeline, minute: int | None) -> Timeline:
    return line if minute is None else line.returning_to_normal(minute)


def _stream(scenario: Scenario, *names: str) -> Draw:
    return Draw(scenario.name, *names, noise=scenario.noise)


def _group(scenario: Scenario, healed: _Healed) -> GroupFigures:
    group, zones = healed.group, scenario.load_balancer.zones
    counts = {
        name: _cells(healed.figures[name], _stream(scenario, group.name, name), _weights(group, name, zones))
        for name in GROUP_COUNTS
    }
    rest_stream = _stream(scenario, group.name, "requests")
    counts["target_2xx"] = _successes(healed, counts, rest_stream, _weights(group, "requests", zones))
    counts["requests"] = _added({name: counts[name] for name in (*CODES, "target_2xx")}, len(zones))
    return GroupFigures(
        counts=counts,
        response_time=_response_times(scenario, healed),
        healthy=_hosts(healed, "healthy", zones),
        unhealthy=_hosts(healed, "unhealthy", zones),
        registered=len(group.targets),
    )


def _cells(line: Timeline, stream: Draw, weights: Sequence[float]) -> Cells:
    """Counts by minute and zone; minutes without data points are left out."""
    cells: Cells = {}
    for minute in ALL_MINUTES:
        value = line.at(minute)
        if value is None:
            continue
        jittered = stream.level(value, line.jitter)
        total = round(value) if line.is_exact(minute) else stream.count(jittered)
        if total or value:
            cells[minute] = stream.split(total, weights)
    return cells


def _successes(healed: _Healed, counts: Mapping[str, Cells], stream: Draw, weights: Sequence[float]) -> Cells:
    """The 2XX: requests less every other code, so that each zone has its share of the requests."""
    line = healed.figures["requests"]
    cells: Cells = {}
    for minute in ALL_MINUTES:
        value = line.at(minute)
        if value is None:
            continue
        others = [
            sum(counts[code].get(minute, [0] * len(weights))[zone] for code in CODES)
            for zone in range(len(weights))
        ]
        if line.is_exact(minute):
            rest = max(0, round(value) - sum(others))
        else:
            planned = sum(healed.figures[code].at(minute) or 0.0 for code in CODES)
            rest = stream.count(max(0.0, stream.level(value, line.jitter) - planned))
        wanted = _shares(value, weights)
        room = [max(0.0, want - other) for want, other in zip(wanted, others, strict=True)]
        cells[minute] = stream.split(rest, room) if sum(room) > 0 else even_split(rest, weights)
    return cells


def _shares(total: float, weights: Sequence[float]) -> list[float]:
    whole = sum(weights) or 1.0
    return [total * weight / whole for weight in weights]


def _added(parts: Mapping[str, Cells], zones: int) -> Cells:
    minutes = {minute for cells in parts.values() for minute in cells}
    return {
        minute: [
            sum(cells[minute][zone] for cells in parts.values() if minute in cells) for zone in range(zones)
        ]
        for minute in minutes
    }


def _weights(group: TargetGroup, figure: str, zones: Sequence[str]) -> list[float]:
    """What share of a figure falls in each zone: as given, the rest evenly over the other zones."""
    given = group.zone_share.get(figure, {})
    others = [zone for zone in zones if zone not in given]
    rest = max(0.0, 1.0 - sum(given.values()))
    return [given[zone] if zone in given else rest / len(others) for zone in zones]


def _levels(line: Timeline, stream: Draw) -> dict[int, float]:
    found = {minute: line.at(minute) for minute in ALL_MINUTES}
    return {minute: stream.level(value, line.jitter) for minute, value in found.items() if value is not None}


def _response_times(scenario: Scenario, healed: _Healed) -> dict[int, list[tuple[float, float] | None]]:
    """Mean and 99th percentile by minute and zone, in seconds."""
    stream = _stream(scenario, healed.group.name, "response_time")
    usual, tail = healed.figures["response_time"], healed.figures["response_time_p99"]
    found: dict[int, list[tuple[float, float] | None]] = {}
    for minute in ALL_MINUTES:
        row: list[tuple[float, float] | None] = []
        for zone in scenario.load_balancer.zones:
            line = healed.by_zone.get(zone, usual)
            mean = line.at(minute)
            row.append(_mean_and_tail(mean, line, tail if line is usual else None, minute, stream))
        found[minute] = row
    return found


def _mean_and_tail(
    mean: float | None, line: Timeline, tail: Timeline | None, minute: int, stream: Draw
) -> tuple[float, float] | None:
    """Without a line of its own the 99th percentile is four times the mean, as of many services."""
    if not mean:
        return None
    jittered = stream.level(mean, line.jitter)
    given = tail.at(minute) if tail is not None else None
    return jittered, given or jittered * 4


def _hosts(healed: _Healed, state: str, zones: Sequence[str]) -> Cells:
    """Hosts by minute and zone, spread as the targets are spread now."""
    line = healed.figures[state]
    group = healed.group
    cells: Cells = {}
    for minute in ALL_MINUTES:
        value = line.at(minute)
        if value is not None:
            cells[minute] = even_split(round(value), _host_weights(group, state, round(value), zones))
    return cells


def _host_weights(group: TargetGroup, state: str, count: int, zones: Sequence[str]) -> list[float]:
    if state in group.zone_share:
        return _weights(group, state, zones)
    everyone = _by_zone(group.targets, zones)
    in_state = _by_zone([target for target in group.targets if target.state == state], zones)
    return in_state if count == sum(in_state) and count else everyone if any(everyone) else [1.0] * len(zones)


def _by_zone(targets: Sequence[Target], zones: Sequence[str]) -> list[float]:
    return [float(sum(target.zone == zone for target in targets)) for zone in zones]
