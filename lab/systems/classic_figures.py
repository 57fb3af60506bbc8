"""What a Classic Load Balancer publishes: AWS/ELB by load balancer, and by load balancer and zone.

Names, units and when a metric is reported are those of the Classic Load Balancer guide, "CloudWatch metrics".
Its codes, hosts and times are drawn as those of a target group are, so they add up in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lab import figures
from lab.figures import TARGET_CODES, Cells, Figures
from lab.metrics import EMPTY, Sample, Series, Spread, percentile
from lab.scenario import Scenario
from lab.systems import levels
from lab.systems.classic_data import Data, as_if_alone

QUEUE_LIMIT = 1024
_DIMENSIONS = {"LoadBalancerName", "AvailabilityZone"}
# Metric -> figures of the instances, figures of the load balancer itself.
_COUNTS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "RequestCount": (("requests",), ()),
    "HTTPCode_Backend_2XX": (("target_2xx",), ()),
    "HTTPCode_Backend_3XX": (("target_3xx",), ()),
    "HTTPCode_Backend_4XX": (("target_4xx",), ()),
    "HTTPCode_Backend_5XX": (("target_5xx",), ()),
    "HTTPCode_ELB_4XX": ((), ("elb_4xx",)),
    "HTTPCode_ELB_5XX": (("elb_502", "elb_504"), ("elb_503", "spillover")),
    "SpilloverCount": ((), ("spillover",)),
    "DesyncMitigationMode_NonCompliant_Request_Count": ((), ("desync_non_compliant",)),
}
_HOSTS = {"HealthyHostCount": "healthy", "UnHealthyHostCount": "unhealthy"}


def classic_series(
    scenario: Scenario, data: Data, name: str, dimensions: Mapping[str, str], recovered_from: int | None
) -> Series:
    """The samples of one metric; unknown combinations of dimensions are empty, as in AWS."""
    known = set(dimensions) <= _DIMENSIONS and dimensions.get("LoadBalancerName") == data.name
    zone = dimensions.get("AvailabilityZone")
    if not known or zone not in (None, *data.zones):
        return EMPTY
    zones = [at for at, each in enumerate(data.zones) if zone in (None, each)]
    drawn = _drawn(scenario, data, recovered_from)
    if name in _COUNTS:
        return _sums(drawn, data, _COUNTS[name], zones)
    if name in _HOSTS:
        return _hosts(getattr(drawn.groups[data.name], _HOSTS[name]), zones, cross_zone=data.cross_zone)
    if name == "SurgeQueueLength":
        return _queue(levels(scenario, "surge_queue", data.queue, recovered_from))
    return _OTHERS[name](drawn, data, zones) if name in _OTHERS else EMPTY


def _drawn(scenario: Scenario, data: Data, recovered_from: int | None) -> Figures:
    """The same figures whenever they are asked for."""
    key = (scenario.name, scenario.noise, recovered_from)
    if key not in data.drawn:
        data.drawn[key] = figures.draw(as_if_alone(scenario, data), recovered_from)
        for zone, minute in data.deserted.items():
            _desert(data.drawn[key], data.name, data.zones.index(zone), minute)
    return data.drawn[key]


def _desert(drawn: Figures, name: str, zone: int, since: int) -> None:
    """From that minute on the zone's node has no instance: what it is asked it answers with 503."""
    group = drawn.groups[name]
    for cells in (*group.counts.values(), group.healthy):
        for minute, row in cells.items():
            if minute >= since:
                row[zone - 1] += row[zone]
                row[zone] = 0
    for minute, row in drawn.traffic["elb_503"].items():
        if minute >= since:
            drawn.traffic["elb_503"][minute] = [sum(row) if at == zone else 0 for at in range(len(row))]


def processor(scenario: Scenario, data: Data, instance: str, recovered_from: int | None) -> Series | None:
    """CPUUtilization of one of the instances; None of others."""
    if instance not in data.group.cpu:
        return None
    drawn = _drawn(scenario, data, recovered_from).cpu[instance]
    return {minute: Sample(value, 1.0, value, value) for minute, value in drawn.items()}


def _sums(
    drawn: Figures, data: Data, named: tuple[tuple[str, ...], tuple[str, ...]], zones: Sequence[int]
) -> Series:
    group = drawn.groups[data.name]
    parts = [*(group.counts[each] for each in named[0]), *(drawn.traffic[each] for each in named[1])]
    return _nonzero(_added(parts, zones))


def _added(parts: Sequence[Cells], zones: Sequence[int]) -> dict[int, float]:
    totals: dict[int, float] = {}
    for cells in parts:
        for minute, row in cells.items():
            totals[minute] = totals.get(minute, 0.0) + sum(row[zone] for zone in zones)
    return totals


def _nonzero(totals: Mapping[int, float]) -> Series:
    """Reported when there is a nonzero value."""
    return {minute: Sample(total, total, 1.0, 1.0) for minute, total in totals.items() if total}


def _connections(drawn: Figures, data: Data, zones: Sequence[int]) -> Series:
    """Those that requests lost, and the health checks' own: a node in each zone asks every ill instance."""
    group = drawn.groups[data.name]
    totals = _added([group.counts["connection_errors"]], zones)
    if data.checks_refused:
        for minute, row in group.unhealthy.items():
            checks = sum(row) * len(zones) * 60 // data.check["Interval"]
            totals[minute] = totals.get(minute, 0.0) + checks
    return _nonzero(totals)


def _hosts(cells: Cells, zones: Sequence[int], *, cross_zone: bool) -> Series:
    """With cross-zone load balancing every node counts all instances, otherwise those of its own zone."""
    found: dict[int, Sample] = {}
    for minute, row in cells.items():
        seen = [float(sum(row[zone] for zone in zones))] if cross_zone else [float(row[z]) for z in zones]
        found[minute] = Sample(sum(seen), float(len(seen)), min(seen), max(seen))
    return found


def _queue(lengths: Mapping[int, float]) -> Series:
    limited = {minute: min(float(QUEUE_LIMIT), round(length)) for minute, length in lengths.items()}
    return {minute: Sample(length, 1.0, 0.0, length) for minute, length in limited.items() if length}


def _latency(drawn: Figures, data: Data, zones: Sequence[int]) -> Series:
    """Of answered requests alone: what is not answered within the idle timeout has no first header."""
    group = drawn.groups[data.name]
    found: dict[int, Sample] = {}
    for minute, row in group.response_time.items():
        spreads = []
        for zone in zones:
            answered = sum(group.counts[code].get(minute, [0] * len(row))[zone] for code in TARGET_CODES)
            shape = row[zone]
            if answered and shape:
                spreads.append(Spread(float(answered), *shape))
        if spreads:
            found[minute] = _measured(spreads, float(data.idle_timeout))
    return found


def _measured(spreads: Sequence[Spread], limit: float) -> Sample:
    count = sum(spread.weight for spread in spreads)
    total = sum(spread.weight * spread.mean for spread in spreads)
    extreme = 1 / (count + 1)
    slowest = min(limit, percentile(spreads, 1 - extreme))
    return Sample(total, count, percentile(spreads, extreme), slowest, tuple(spreads))


_OTHERS: Mapping[str, Callable[[Figures, Data, Sequence[int]], Series]] = {
    "BackendConnectionErrors": _connections,
    "Latency": _latency,
}
