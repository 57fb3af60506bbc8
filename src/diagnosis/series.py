"""Figures by the minute, and the word for what could not be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

MINUTE = timedelta(minutes=1)
MISSING = "__missing__"


@dataclass(frozen=True, slots=True)
class Missing:
    """A source that could not be read, and why."""

    reason: str


# What nobody asked for is no gap in the evidence; it is told apart from what was asked for in vain.
NOT_LOOKED_UP = Missing("not looked up")


class MetricKey(NamedTuple):
    """One published series: the metric, its statistic, and the dimensions beside the whole.

    `target_group` and `zone` are dimension values (`targetgroup/name/id`, `eu-west-1a`); `part` names the
    rule, function version, stage, route or origin that the series is of; None where absent.
    """

    name: str
    statistic: str
    target_group: str | None = None
    zone: str | None = None
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """The minutes that were read: `minutes` of them from `start`, each named by its first second, all
    complete.
    """

    start: datetime
    minutes: int

    @property
    def end(self) -> datetime:
        """The first instant after the window."""
        return self.start + self.minutes * MINUTE

    def index(self, moment: datetime) -> int:
        """The minute that holds the moment, counted from the start; outside the window it is below 0 or past
        the end.
        """
        return (moment - self.start) // MINUTE

    def minute(self, index: int) -> datetime:
        """The first second of the minute with this index."""
        return self.start + index * MINUTE


@dataclass(frozen=True, slots=True)
class Metrics:
    """Series by key, one value a minute of the window, None where CloudWatch has no data point.

    A key that is absent was asked for and had no data points at all; `unread` holds what could not be read.
    """

    window: Window
    series: Mapping[MetricKey, tuple[float | None, ...]]
    unread: Mapping[MetricKey, str] = field(default_factory=dict)

    def counts(
        self,
        name: str,
        *,
        target_group: str | None = None,
        zone: str | None = None,
        part: str | None = None,
        statistic: str = "Sum",
    ) -> tuple[float, ...]:
        """Sums a minute; a missing data point is zero (most counts are published only when nonzero)."""
        found = self.series.get(MetricKey(name, statistic, target_group, zone, part), ())
        return tuple(value or 0.0 for value in found) if found else (0.0,) * self.window.minutes

    def levels(
        self,
        name: str,
        statistic: str,
        *,
        target_group: str | None = None,
        zone: str | None = None,
        part: str | None = None,
    ) -> tuple[float | None, ...]:
        """A gauge a minute; None where there is no data point."""
        found = self.series.get(MetricKey(name, statistic, target_group, zone, part))
        return found or (None,) * self.window.minutes
