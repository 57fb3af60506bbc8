"""The errors of the last minutes, read anew: do they still go on, are they over?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from diagnosis.evidence import MINUTE

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

PERMISSIONS = ("cloudwatch:GetMetricData",)

MINUTES_READ = 30
MINUTES_JUDGED = 3
FEWEST_ERRORS = 3
PATIENCE = 1.5

# The total and its parts: either may be all there is of a code that is published for itself.
TOTALS = {"5xx": "HTTPCode_ELB_5XX_Count", "4xx": "HTTPCode_ELB_4XX_Count"}
PARTS = {"5xx": tuple(f"HTTPCode_ELB_{code}_Count" for code in (500, 502, 503, 504)), "4xx": ()}
TARGETS = {"5xx": "HTTPCode_Target_5XX_Count", "4xx": "HTTPCode_Target_4XX_Count"}


@dataclass(frozen=True, slots=True)
class Minute:
    """One complete minute that has data points."""

    start: datetime
    requests: float
    errors: float

    @property
    def share(self) -> float:
        """The share of requests that failed; those for which no target was chosen are not in RequestCount."""
        return self.errors / max(self.requests, self.errors, 1.0)


@dataclass(frozen=True, slots=True)
class Level:
    """The share of requests that failed before the onset and after it."""

    before: float
    after: float

    def reached(self, minute: Minute, part: float) -> bool:
        """Whether the minute's errors are above this part of the rise."""
        return minute.errors >= FEWEST_ERRORS and minute.share > self.before + part * (
            self.after - self.before
        )


def still_going_on(minutes: Sequence[Minute], level: Level) -> bool:
    """Whether the newest minute and one more of three have a quarter of the rise, or bursts recur."""
    failing = [level.reached(minute, 0.25) for minute in minutes]
    newest = failing[-MINUTES_JUDGED:]
    return (len(newest) >= 2 and newest[-1] and sum(newest) >= 2) or _recur(failing)


def are_over(minutes: Sequence[Minute], level: Level) -> bool:
    """Whether each of the newest three minutes is within a tenth of the rise of what it was before.

    Where the errors came in bursts it must have been quiet for longer than between them.
    """
    failing = [level.reached(minute, 0.1) for minute in minutes]
    newest = failing[-MINUTES_JUDGED:]
    return len(newest) == MINUTES_JUDGED and not any(newest) and not _recur(failing)


def _recur(failing: Sequence[bool]) -> bool:
    """Whether failing minutes come again and again, and the last were no longer ago than one could expect.

    Processes that run out of memory die at intervals: between two bursts all looks well.
    """
    at = [number for number, failed in enumerate(failing) if failed]
    quiet = [later - earlier - 1 for earlier, later in pairwise(at) if later - earlier > 1]
    return bool(quiet) and len(failing) - 1 - at[-1] <= PATIENCE * max(quiet)


def read_minutes(
    client: CloudWatchClient, load_balancer: str, family: str, now: datetime
) -> tuple[Minute, ...]:
    """The last complete minutes that have data points, oldest first.

    A minute without any was not published yet, or had no traffic: neither says that errors go on or are over.
    Raises botocore's ClientError and BotoCoreError.
    """
    end = now.replace(second=0, microsecond=0)
    answer = client.get_metric_data(
        MetricDataQueries=[_query(name, load_balancer) for name in _names(family)],
        StartTime=end - MINUTES_READ * MINUTE,
        EndTime=end,
        ScanBy="TimestampAscending",
    )
    return tuple(_minutes(answer.get("MetricDataResults", ()), family, end))


def _names(family: str) -> tuple[str, ...]:
    return ("RequestCount", TOTALS[family], *PARTS[family], TARGETS[family])


def _query(name: str, load_balancer: str) -> MetricDataQueryTypeDef:
    return {
        "Id": name.lower(),
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/ApplicationELB",
                "MetricName": name,
                "Dimensions": [{"Name": "LoadBalancer", "Value": load_balancer}],
            },
            "Period": 60,
            "Stat": "Sum",
        },
    }


def _minutes(results: Sequence[Mapping[str, Any]], family: str, end: datetime) -> Iterator[Minute]:
    series = {result["Id"]: _by_minute(result) for result in results}
    for number in range(MINUTES_READ, 0, -1):
        at = end - number * MINUTE
        values = {name: series.get(name.lower(), {}).get(at) for name in _names(family)}
        if any(value is not None for value in values.values()):
            yield _minute(at, {name: value or 0.0 for name, value in values.items()}, family)


def _by_minute(result: Mapping[str, Any]) -> dict[datetime, float]:
    pairs = zip(result.get("Timestamps", ()), result.get("Values", ()), strict=False)
    return {at.replace(second=0, microsecond=0): float(value) for at, value in pairs}


def _minute(at: datetime, values: Mapping[str, float], family: str) -> Minute:
    own = max(values[TOTALS[family]], sum(values[part] for part in PARTS[family]))
    return Minute(at, values["RequestCount"], own + values[TARGETS[family]])
