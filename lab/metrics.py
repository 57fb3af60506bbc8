"""The metric store: the figures under every dimension combination that AWS publishes, and under no other.

Combinations and units are those of the Application Load Balancer user guide, "CloudWatch metrics".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

from lab.figures import TARGET_CODES, Cells, Figures, GroupFigures
from lab.loading_aws import LEVELS, TRAFFIC
from lab.scenario import Scenario
from lab.systems import systems

ALB = "AWS/ApplicationELB"
EC2 = "AWS/EC2"

_EVERYWHERE = ("L", "LZ", "LT", "LTZ")
_BALANCER = ("L", "LZ")
_GROUP_ONLY = ("LT", "LTZ")
_FUNCTION = ("T", "LT")

# Metric -> (figure of a target group, combinations).
_GROUP_METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "RequestCount": ("requests", _EVERYWHERE),
    "HTTPCode_Target_2XX_Count": ("target_2xx", _EVERYWHERE),
    "HTTPCode_Target_3XX_Count": ("target_3xx", _EVERYWHERE),
    "HTTPCode_Target_4XX_Count": ("target_4xx", _EVERYWHERE),
    "HTTPCode_Target_5XX_Count": ("target_5xx", _EVERYWHERE),
    "TargetConnectionErrorCount": ("connection_errors", _EVERYWHERE),
    "TargetTLSNegotiationErrorCount": ("tls_errors", _EVERYWHERE),
    "UnhealthyRoutingRequestCount": ("unhealthy_routing", _GROUP_ONLY),
    "LambdaUserError": ("lambda_user_errors", _FUNCTION),
    "LambdaInternalError": ("lambda_internal_errors", _FUNCTION),
}
# Load balancer codes -> (figures of the groups, figures of the load balancer itself).
_CODE_METRICS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "HTTPCode_ELB_3XX_Count": ((), ("elb_3xx",)),
    "HTTPCode_ELB_4XX_Count": (("elb_460",), ("elb_4xx",)),
    "HTTPCode_ELB_500_Count": ((), ("elb_500",)),
    "HTTPCode_ELB_502_Count": (("elb_502",), ("elb_502",)),
    "HTTPCode_ELB_503_Count": ((), ("elb_503",)),
    "HTTPCode_ELB_504_Count": (("elb_504",), ("elb_504",)),
    "HTTPCode_ELB_5XX_Count": (
        ("elb_502", "elb_504"),
        ("elb_500", "elb_502", "elb_503", "elb_504", "elb_5xx_other"),
    ),
}
_OWN_METRICS = {
    metric: key for key, metric in TRAFFIC.items() if metric not in _CODE_METRICS and key not in LEVELS
}
# Published for a zone of a load balancer, and not for the whole.
_NEVER_WHOLE, _ZONE_ONLY = frozenset({"DroppedInvalidHeaderRequestCount"}), ("LZ",)
_LEVEL_METRICS = {TRAFFIC[key]: key for key in LEVELS}
_HOST_METRICS = {"HealthyHostCount": "healthy", "UnHealthyHostCount": "unhealthy"}
_DIMENSIONS = {"LoadBalancer": "L", "AvailabilityZone": "Z", "TargetGroup": "T"}
_UNITS = {
    "TargetResponseTime": "Seconds",
    "ProcessedBytes": "Bytes",
    "CapacityUtilization": "Percent",
    "ELBAuthLatency": "Milliseconds",
}


@dataclass(frozen=True, slots=True)
class Spread:
    """So many measurements of one log-normal shape: mean and 99th percentile."""

    weight: float
    mean: float
    tail: float


@dataclass(frozen=True, slots=True)
class Sample:
    """What CloudWatch keeps of one metric in one minute."""

    total: float
    count: float
    low: float
    high: float
    spreads: tuple[Spread, ...] = ()

    def part(self, fraction: float) -> Sample | None:
        """The sample as it stands after that fraction of its minute; levels are complete at once."""
        if self.spreads or self.count <= 1:
            return self
        count = math.floor(self.count * fraction)
        return Sample(count * self.total / self.count, count, self.low, self.high) if count else None


Series = Mapping[int, Sample]
EMPTY: Series = {}


@dataclass(frozen=True, slots=True)
class Metric:
    """A published metric."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


class MetricStore:
    """Answers with the series of a metric, minute by minute; unknown combinations are empty, as in AWS."""

    def __init__(
        self,
        scenario: Scenario,
        figures: Figures,
        target_group_dimensions: Mapping[str, str],
        recovered_from: int | None = None,
    ) -> None:
        self.scenario = scenario
        self._recovered_from = recovered_from
        self._figures = figures
        self._names = {dimension: name for name, dimension in target_group_dimensions.items()}
        self._known: dict[tuple[str, str, frozenset[tuple[str, str]]], Series] = {}
        self.answers: dict[object, Mapping[str, object]] = {}
        """Answers about these series that were given before, by what was asked."""

    def series(self, namespace: str, name: str, dimensions: Mapping[str, str]) -> Series:
        """The samples by minute."""
        key = (namespace, name, frozenset(dimensions.items()))
        if key not in self._known:
            self._known[key] = self._read(namespace, name, dimensions)
        return self._known[key]

    def published(self) -> Iterator[Metric]:
        """Every metric that has at least one sample, as ListMetrics shows them."""
        for namespace, name, dimensions in self._candidates():
            if self.series(namespace, name, dimensions):
                yield Metric(namespace, name, tuple(sorted(dimensions.items())))

    def unit(self, name: str) -> str:
        """The unit in which AWS publishes the metric."""
        return "Percent" if name == "CPUUtilization" else _UNITS.get(name, "Count")

    def _read(self, namespace: str, name: str, dimensions: Mapping[str, str]) -> Series:
        for key, data in self.scenario.systems.items():
            found: Series | None = systems()[key].series(
                self.scenario, data, namespace, name, dict(dimensions), self._recovered_from
            )
            if found is not None:
                return found
        if namespace == EC2 and name == "CPUUtilization" and set(dimensions) == {"InstanceId"}:
            return _levels(self._figures.cpu.get(dimensions["InstanceId"], {}))
        if namespace != ALB or not set(dimensions) <= set(_DIMENSIONS):
            return EMPTY
        if (
            dimensions.get("LoadBalancer", self.scenario.load_balancer.dimension)
            != self.scenario.load_balancer.dimension
        ):
            return EMPTY
        letters = "".join(letter for dimension, letter in _ORDER if dimension in dimensions)
        groups, zones = self._groups(dimensions), self._zones(dimensions)
        if not zones or (not groups and "T" in letters):
            return EMPTY
        return self._balancer_series(name, letters, groups, zones)

    def _groups(self, dimensions: Mapping[str, str]) -> list[GroupFigures]:
        if "TargetGroup" not in dimensions:
            return list(self._figures.groups.values())
        name = self._names.get(dimensions["TargetGroup"])
        return [self._figures.groups[name]] if name else []

    def _zones(self, dimensions: Mapping[str, str]) -> list[int]:
        names = self._figures.zones
        wanted = dimensions.get("AvailabilityZone")
        return [index for index, zone in enumerate(names) if wanted in (None, zone)]

    def _balancer_series(
        self, name: str, letters: str, groups: Sequence[GroupFigures], zones: Sequence[int]
    ) -> Series:
        if name in _GROUP_METRICS and letters in _GROUP_METRICS[name][1]:
            return _counts([group.counts[_GROUP_METRICS[name][0]] for group in groups], zones)
        if name in _CODE_METRICS and letters in _BALANCER:
            of_groups, own = _CODE_METRICS[name]
            cells = [group.counts[figure] for group in groups for figure in of_groups]
            return _counts([*cells, *(self._figures.traffic[key] for key in own)], zones)
        if name in _OWN_METRICS and letters in (_ZONE_ONLY if name in _NEVER_WHOLE else _BALANCER):
            return _counts([self._figures.traffic[_OWN_METRICS[name]]], zones)
        if name in _HOST_METRICS and letters in _GROUP_ONLY:
            return _hosts(getattr(groups[0], _HOST_METRICS[name]), zones)
        if name == "TargetResponseTime" and letters in _EVERYWHERE:
            return _response_times(groups, zones)
        if name == "RequestCountPerTarget" and letters in ("T", "TZ", "LT", "LTZ"):
            return _per_target(groups[0], zones)
        if name in _LEVEL_METRICS and letters == "L":
            return _levels(self._figures.levels[_LEVEL_METRICS[name]])
        return EMPTY

    def _candidates(self) -> Iterator[tuple[str, str, dict[str, str]]]:
        balancer = {"LoadBalancer": self.scenario.load_balancer.dimension}
        names = {
            *(*_GROUP_METRICS, *_CODE_METRICS, *_OWN_METRICS, *_HOST_METRICS, *_SPECIAL),
            *_LEVEL_METRICS,
        }
        zoned: list[dict[str, str]] = [{}, *({"AvailabilityZone": zone} for zone in self._figures.zones)]
        grouped: list[dict[str, str]] = [{}, *({"TargetGroup": dimension} for dimension in self._names)]
        for name in sorted(names):
            for zone in zoned:
                for group in grouped:
                    yield ALB, name, balancer | zone | group
                    yield ALB, name, zone | group
        for instance in self._figures.cpu:
            yield EC2, "CPUUtilization", {"InstanceId": instance}


_ORDER = (("LoadBalancer", "L"), ("TargetGroup", "T"), ("AvailabilityZone", "Z"))
_SPECIAL = ("TargetResponseTime", "RequestCountPerTarget")


def _counts(parts: Iterable[Cells], zones: Sequence[int]) -> Series:
    """Sums by minute, nonzero only: "reported when there is a nonzero value"."""
    totals: dict[int, int] = {}
    for cells in parts:
        for minute, row in cells.items():
            totals[minute] = totals.get(minute, 0) + sum(row[zone] for zone in zones)
    return {minute: Sample(float(total), float(total), 1.0, 1.0) for minute, total in totals.items() if total}


def _hosts(cells: Cells, zones: Sequence[int]) -> Series:
    return _levels({minute: float(sum(row[zone] for zone in zones)) for minute, row in cells.items()})


def _levels(levels: Mapping[int, float]) -> Series:
    return {minute: Sample(value, 1.0, value, value) for minute, value in levels.items()}


def _response_times(groups: Sequence[GroupFigures], zones: Sequence[int]) -> Series:
    """Only answered requests count: one that times out never has a first header."""
    found: dict[int, list[Spread]] = {}
    for group in groups:
        for minute, row in group.response_time.items():
            for zone in zones:
                answered = sum(
                    group.counts[code][minute][zone] for code in TARGET_CODES if minute in group.counts[code]
                )
                shape = row[zone]
                if answered and shape:
                    found.setdefault(minute, []).append(Spread(float(answered), *shape))
    return {minute: _measured(spreads) for minute, spreads in found.items()}


def _measured(spreads: Sequence[Spread]) -> Sample:
    count = sum(spread.weight for spread in spreads)
    total = sum(spread.weight * spread.mean for spread in spreads)
    slow = 1 - 1 / (count + 1)
    low, high = percentile(spreads, 1 - slow), percentile(spreads, slow)
    return Sample(total, count, low, high, tuple(spreads))


def _per_target(group: GroupFigures, zones: Sequence[int]) -> Series:
    """Requests by healthy targets, or by all registered ones when none is healthy."""
    found: dict[int, Sample] = {}
    for minute, row in group.counts["requests"].items():
        hosts = sum(group.healthy.get(minute, [0] * len(row))) or group.registered
        requests = sum(row[zone] for zone in zones)
        if hosts and requests:
            found[minute] = Sample(requests / hosts, float(requests), 0.0, 1.0)
    return found


def percentile(spreads: Sequence[Spread], share: float) -> float:
    """The value below which that share of the measurements lies, of a mixture of log-normal shapes."""
    weights: dict[tuple[float, float], float] = {}
    for spread in spreads:
        shape = _log_normal(spread.mean, spread.tail)
        weights[shape] = weights.get(shape, 0.0) + spread.weight
    if len(weights) == 1:
        [(centre, width)] = weights
        return math.exp(centre + width * _NORMAL.inv_cdf(min(max(share, 1e-9), 1 - 1e-9)))
    return _mixed_percentile([(weight, *shape) for shape, weight in weights.items()], share)


_NORMAL = NormalDist()
_Z99 = _NORMAL.inv_cdf(0.99)


@lru_cache(maxsize=4096)
def _log_normal(mean: float, tail: float) -> tuple[float, float]:
    """Centre and width of the logarithm, from the mean and the 99th percentile."""
    ratio = max(1.001, min(tail / mean, math.exp(_Z99 * _Z99 / 2) * 0.99))
    width = _Z99 - math.sqrt(max(0.0, _Z99 * _Z99 - 2 * math.log(ratio)))
    return math.log(mean) - width * width / 2, width


def _mixed_percentile(shapes: Sequence[tuple[float, float, float]], share: float) -> float:
    """By Newton's method, and by halving where that would leave the bracket."""
    goal = share * sum(weight for weight, _, _ in shapes)
    low, high = (
        fn(centre + sign * 7 * width for _, centre, width in shapes) for fn, sign in ((min, -1), (max, 1))
    )
    at = (low + high) / 2
    for _ in range(60):
        below, slope = -goal, 0.0
        for weight, centre, width in shapes:
            x = (at - centre) / width
            below += weight * (1 + math.erf(x / math.sqrt(2))) / 2
            slope += weight / width * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        low, high = (at, high) if below < 0 else (low, at)
        before, at = at, at - below / slope if slope else low - 1
        if not low < at < high:
            at = (low + high) / 2
        if abs(at - before) < 1e-13:
            break
    return math.exp(at)
