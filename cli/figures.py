"""What AWS shows of an incident: figures by the minute, drawn small."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab import Lab
from lab.metrics import ALB

BARS = "▁▂▃▄▅▆▇█"
MINUTES_DRAWN = 60
MINUTES_A_BAR = 2

# Metric, how to call it, and whether it is of each target group. Those without any figures are left out.
METRICS = (
    ("RequestCount", "requests", False),
    ("HTTPCode_ELB_500_Count", "load balancer 500", False),
    ("HTTPCode_ELB_502_Count", "load balancer 502", False),
    ("HTTPCode_ELB_503_Count", "load balancer 503", False),
    ("HTTPCode_ELB_504_Count", "load balancer 504", False),
    ("HTTPCode_ELB_4XX_Count", "load balancer 4xx", False),
    ("HTTPCode_Target_5XX_Count", "targets 5xx", False),
    ("HTTPCode_Target_4XX_Count", "targets 4xx", False),
    ("TargetConnectionErrorCount", "connection errors", False),
    ("TargetTLSNegotiationErrorCount", "TLS errors to targets", False),
    ("RejectedConnectionCount", "rejected connections", False),
    ("TargetResponseTime", "response time, ms", False),
    ("HealthyHostCount", "healthy", True),
)
ERRORS = tuple(name for name, _, _ in METRICS if name.startswith(("HTTPCode_ELB_5", "HTTPCode_Target_5")))


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, minute by minute, the oldest first; None where CloudWatch has no data point."""

    label: str
    values: tuple[float | None, ...]

    @property
    def flat(self) -> bool:
        """Whether nothing of it ever showed."""
        return not any(self.values)


def rows(lab: Lab, first: int, last: int) -> Iterator[Row]:
    """The figures of the minutes `first` to `last`, counted from the alarm's minute."""
    for metric, label, of_each_group in METRICS:
        if not of_each_group:
            yield Row(label, series(lab, metric, first, last))
            continue
        for name, arn in lab.target_group_arns.items():
            dimension = {"TargetGroup": arn.rsplit(":", 1)[1]}
            yield Row(f"{label}: {name}", series(lab, metric, first, last, dimension))


def series(
    lab: Lab, metric: str, first: int, last: int, dimensions: dict[str, str] | None = None
) -> tuple[float | None, ...]:
    """One metric of the load balancer: its sum a minute, or its mean where it is a level."""
    balancer = {"LoadBalancer": lab.scenario.load_balancer.dimension}
    found = lab.metrics.series(ALB, metric, balancer | (dimensions or {}))
    factor = 1000.0 if metric == "TargetResponseTime" else 1.0
    level = metric in {"TargetResponseTime", "HealthyHostCount"}
    return tuple(
        None
        if (sample := found.get(minute)) is None
        else factor * (sample.total / sample.count if level else sample.total)
        for minute in range(first, last + 1)
    )


def errors(lab: Lab, first: int, last: int) -> tuple[float, ...]:
    """The 5xx of load balancer and targets together, minute by minute."""
    columns = [series(lab, metric, first, last) for metric in ERRORS if metric != "HTTPCode_ELB_5XX_Count"]
    return tuple(sum(value or 0.0 for value in minute) for minute in zip(*columns, strict=True))


def sparkline(values: Sequence[float | None], minutes_a_bar: int = MINUTES_A_BAR) -> str:
    """A bar for so many minutes, as high as the highest of them; blank without a data point."""
    groups = [values[start : start + minutes_a_bar] for start in range(0, len(values), minutes_a_bar)]
    tallest = [max((value for value in group if value is not None), default=None) for group in groups]
    top = max((value for value in tallest if value), default=0.0)
    return "".join(_bar(value, top) for value in tallest)


def _bar(value: float | None, top: float) -> str:
    if value is None:
        return " "
    if value <= 0 or top <= 0:
        return BARS[0]
    return BARS[max(1, round(value / top * (len(BARS) - 1)))]


def number(value: float | None) -> str:
    """4421.0 as `4,421`; a dot where there is no data point."""
    return "." if value is None else f"{value:,.0f}"
