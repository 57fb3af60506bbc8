"""GetMetricData: many series at one-minute grain in one call, and which of them could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from collectors.reading import Answer, Scope
from diagnosis.series import MetricKey, Metrics, Missing, Window

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

PERMISSION = "cloudwatch:GetMetricData"
# GetMetricData API reference: 500 queries a call, and 100,800 data points, which 500 times 180 minutes stay
# below.
MOST_QUERIES = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """A published series: exactly these dimensions, since CloudWatch adds nothing up across them."""

    namespace: str
    name: str
    statistic: str
    dimensions: Mapping[str, str]


def read_series(
    scope: Scope, asked: Mapping[MetricKey, Asked], region: str | None = None
) -> Metrics | Missing:
    """The series of the window's minutes in one call; what is beyond the limit of a call is named as unread.

    `region` is another than the entry point's. Missing where nothing at all could be read.
    """
    if not asked:
        return Metrics(scope.window, {})
    keys = tuple(asked)
    queries = [_query(index, asked[key]) for index, key in enumerate(keys[:MOST_QUERIES])]
    series, unread = parse_metric_data(scope.window, keys[:MOST_QUERIES], _pages(scope, queries, region))
    if len(unread) == len(queries):
        return all_unread(unread)
    beyond = f"not asked for: {len(keys)} series are more than the {MOST_QUERIES} of a GetMetricData call"
    return Metrics(scope.window, series, {**unread, **dict.fromkeys(keys[MOST_QUERIES:], beyond)})


def _query(index: int, asked: Asked) -> MetricDataQueryTypeDef:
    named = [{"Name": each, "Value": value} for each, value in asked.dimensions.items()]
    metric = {"Namespace": asked.namespace, "MetricName": asked.name, "Dimensions": named}
    return cast(
        "MetricDataQueryTypeDef",
        {"Id": f"m{index}", "MetricStat": {"Metric": metric, "Period": 60, "Stat": asked.statistic}},
    )


def _pages(scope: Scope, queries: Sequence[MetricDataQueryTypeDef], region: str | None) -> Iterator[Answer]:
    client = cast(
        "CloudWatchClient",
        scope.client_in("cloudwatch", region) if region else scope.clients("cloudwatch"),
    )
    yield from client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries,
        StartTime=scope.window.start,
        EndTime=scope.window.end,
        ScanBy="TimestampAscending",
    )


def parse_metric_data(
    window: Window, asked: Sequence[MetricKey], pages: Iterable[Answer]
) -> tuple[dict[MetricKey, tuple[float | None, ...]], dict[MetricKey, str]]:
    """The series that have data points, by minute of the window, and why others could not be read.

    A result may be spread over pages and is PartialData until its last one. One that stays so is unread: half
    a series of counts would pass for zeros.
    """
    values: dict[str, list[float | None]] = {}
    states: dict[str, str] = {}
    for page in pages:
        for result in page.get("MetricDataResults", ()):
            states[result["Id"]] = result.get("StatusCode", "Complete")
            points = zip(result.get("Timestamps", ()), result.get("Values", ()), strict=False)
            for moment, value in points:
                series = values.setdefault(result["Id"], [None] * window.minutes)
                minute = window.index(moment)
                if 0 <= minute < window.minutes:
                    series[minute] = value
    names = {f"m{index}": key for index, key in enumerate(asked)}
    unread = {key: states.get(id, "no answer") for id, key in names.items() if states.get(id) != "Complete"}
    return {key: tuple(values[id]) for id, key in names.items() if id in values and key not in unread}, unread


def all_unread(unread: Mapping[MetricKey, str]) -> Missing:
    """What to say where no series could be read."""
    return Missing(f"{PERMISSION}: {next(iter(unread.values()))}")
