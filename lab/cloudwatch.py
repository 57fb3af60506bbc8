"""CloudWatch as the lab answers it: GetMetricData over the lab's own store, and metric images."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.clock import Clock
from lab.errors import AwsError
from lab.metrics import MetricStore, Sample, Series, Spread, percentile
from lab.moments import moment
from lab.paging import page
from lab.wire import Answer, Kept, asking_region

MAX_QUERIES = 500
MAX_DATAPOINTS = 100_800
_ID = re.compile(r"^[a-z][a-zA-Z0-9_]*$")
_PERCENTILE = re.compile(r"^p(\d{1,2}(\.\d{0,10})?|100)$")
_SIMPLE_STATISTICS = ("Sum", "Average", "Minimum", "Maximum", "SampleCount")


@dataclass(frozen=True, slots=True)
class _Result:
    id: str
    label: str
    points: list[tuple[datetime, float]]


class CloudWatch:
    """Answers for the metrics; alarms are in `lab.alarms`."""

    def __init__(self, clock: Clock, store: MetricStore, minute_zero: datetime) -> None:
        self.store = store
        self._clock = clock
        self._zero = minute_zero

    def operations(self) -> dict[str, Answer]:
        """The operations that the lab answers itself."""
        return {
            "GetMetricData": self.get_metric_data,
            "GetMetricStatistics": self.get_metric_statistics,
            "ListMetrics": self.list_metrics,
            "GetMetricWidgetImage": self.get_metric_widget_image,
        }

    def get_metric_data(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer as the API reference says: no fill, newest first by default, paged by data points."""
        start, end = moment(parameters["StartTime"]), moment(parameters["EndTime"])
        now = self._clock.now()
        # Minutes that are over do not change any more.
        seen = None if end <= now.replace(second=0, microsecond=0) else now
        key = (seen, asking_region.get(), repr(parameters))
        if key not in self.store.answers:
            self.store.answers[key] = Kept(self._metric_data(parameters, start, end))
        return self.store.answers[key]

    def _metric_data(self, parameters: Mapping[str, Any], start: datetime, end: datetime) -> dict[str, Any]:
        queries = parameters["MetricDataQueries"]
        _check_queries(queries, start, end)
        oldest_first = parameters.get("ScanBy", "TimestampDescending") == "TimestampAscending"
        results = [
            self._result(query, start, end, oldest_first)
            for query in queries
            if query.get("ReturnData", True)
        ]
        limit = int(parameters.get("MaxDatapoints", MAX_DATAPOINTS))
        return _paged(results, parameters.get("NextToken"), limit)

    def get_metric_statistics(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The older call; points come in no order, so here oldest first."""
        start, end = moment(parameters["StartTime"]), moment(parameters["EndTime"])
        series = self._visible(
            parameters["Namespace"], parameters["MetricName"], parameters.get("Dimensions", [])
        )
        names = [*parameters.get("Statistics", []), *parameters.get("ExtendedStatistics", [])]
        rows: dict[datetime, dict[str, Any]] = {}
        for name in names:
            for when, value in self._points(series, start, end, parameters["Period"], name):
                row = rows.setdefault(
                    when, {"Timestamp": when, "Unit": self.store.unit(parameters["MetricName"])}
                )
                if name in _SIMPLE_STATISTICS:
                    row[name] = value
                else:
                    row.setdefault("ExtendedStatistics", {})[name] = value
        return {"Label": parameters["MetricName"], "Datapoints": [rows[when] for when in sorted(rows)]}

    def list_metrics(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The metrics that have data, filtered."""
        wanted = parameters.get("Dimensions", [])
        found = [
            {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
            }
            for metric in self.store.published()
            if parameters.get("Namespace") in (None, metric.namespace)
            and parameters.get("MetricName") in (None, metric.name)
            and all(
                any(
                    name == one["Name"] and one.get("Value") in (None, value)
                    for name, value in metric.dimensions
                )
                for one in wanted
            )
        ]
        metrics, token = page(found, parameters.get("NextToken"), 500, "InvalidParameterValue")
        return {"Metrics": metrics} | ({"NextToken": token} if token else {})

    def get_metric_widget_image(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """A real, blank PNG of the size the widget asks for."""
        if len(parameters["MetricWidget"]) > 100 * 1024:
            raise AwsError("ValidationError", "MetricWidget must not be larger than 100 KB")
        try:
            widget = json.loads(parameters["MetricWidget"])
        except ValueError:
            raise AwsError("ValidationError", "MetricWidget is not valid JSON") from None
        if len(widget.get("metrics", [])) > 100:
            raise AwsError("ValidationError", "A widget shows at most 100 metrics")
        width, height = int(widget.get("width", 600)), int(widget.get("height", 400))
        if not (1 <= width <= 2000 and 1 <= height <= 2000):
            raise AwsError("ValidationError", "width and height lie between 1 and 2000")
        return {"MetricWidgetImage": blank_png(width, height)}

    def _result(
        self, query: Mapping[str, Any], start: datetime, end: datetime, oldest_first: bool
    ) -> _Result:
        stat = query["MetricStat"]
        metric = stat["Metric"]
        series = self._visible(metric["Namespace"], metric["MetricName"], metric.get("Dimensions", []))
        if stat.get("Unit") not in (None, self.store.unit(metric["MetricName"])):
            series = {}
        points = self._points(series, start, end, stat["Period"], stat["Stat"])
        if not oldest_first:
            points.reverse()
        return _Result(query["Id"], query.get("Label") or metric["MetricName"], points)

    def _visible(self, namespace: str, name: str, dimensions: Sequence[Mapping[str, str]]) -> Series:
        """What has been published by now: the running minute holds only what came so far."""
        now = self._clock.now()
        minute, seconds = divmod((now - self._zero).total_seconds(), 60)
        if not _published_here(namespace, self.store.scenario.region):
            return {}
        series = self.store.series(namespace, name, {one["Name"]: one["Value"] for one in dimensions})
        seen = {key: sample for key, sample in series.items() if key < minute}
        newest = series.get(int(minute))
        part = newest.part(seconds / 60) if newest and seconds else None
        return seen | ({int(minute): part} if part else {})

    def _points(
        self, series: Series, start: datetime, end: datetime, period: int, statistic: str
    ) -> list[tuple[datetime, float]]:
        """Points oldest first; the start is rounded down to the minute and included, the end is not."""
        first = start.replace(second=0, microsecond=0)
        if period == 60:
            moments = ((self._zero + timedelta(minutes=minute), series[minute]) for minute in sorted(series))
            return [
                (when, statistic_of((sample,), statistic)) for when, sample in moments if first <= when < end
            ]
        buckets: dict[int, list[Sample]] = {}
        for minute, sample in series.items():
            when = self._zero + timedelta(minutes=minute)
            bucket = int(when.timestamp()) // period * period
            if first <= when < end:
                buckets.setdefault(bucket, []).append(sample)
        return [
            (datetime.fromtimestamp(bucket, UTC), statistic_of(buckets[bucket], statistic))
            for bucket in sorted(buckets)
        ]


def _published_here(namespace: str, home: str) -> bool:
    """CloudFront publishes in us-east-1 alone, everything else where it lies (CloudFront developer guide)."""
    region = asking_region.get()
    if namespace == "AWS/CloudFront":
        return region in (None, "us-east-1")
    return region in (None, home, "us-east-1" if namespace == "AWS/WAFV2" else home)


def statistic_of(samples: Sequence[Sample], statistic: str) -> float:
    """One statistic over the samples of a period."""
    total = sum(sample.total for sample in samples)
    if statistic == "Sum":
        return total
    count = sum(sample.count for sample in samples)
    if statistic == "SampleCount":
        return count
    if statistic == "Average":
        return total / count
    if statistic == "Minimum":
        return min(sample.low for sample in samples)
    if statistic == "Maximum":
        return max(sample.high for sample in samples)
    return _percentile_of(samples, float(statistic[1:]) / 100)


def _percentile_of(samples: Sequence[Sample], share: float) -> float:
    spreads: list[Spread] = [spread for sample in samples for spread in sample.spreads]
    if spreads:
        return percentile(spreads, share)
    ordered = sorted(samples, key=lambda sample: sample.high)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))].high


def _check_queries(queries: Sequence[Mapping[str, Any]], start: datetime, end: datetime) -> None:
    if len(queries) > MAX_QUERIES:
        raise AwsError(
            "ValidationError",
            f"The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}.",
        )
    if start >= end:
        raise AwsError("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
    ids = [query["Id"] for query in queries]
    if len(set(ids)) < len(ids):
        raise AwsError("ValidationError", "The values for parameter id in MetricDataQueries are not unique.")
    for index, query in enumerate(queries, start=1):
        _check_query(query, f"MetricDataQueries.member.{index}")


def _check_query(query: Mapping[str, Any], place: str) -> None:
    if not _ID.match(query["Id"]):
        raise AwsError(
            "ValidationError",
            f"The value {query['Id']} for parameter {place}.Id is not matched to the pattern {_ID.pattern}.",
        )
    if ("MetricStat" in query) == ("Expression" in query):
        raise AwsError("ValidationError", f"{place} must have exactly one of MetricStat and Expression.")
    if "Expression" in query:
        raise NotImplementedError("the lab does no metric math; ask for the metrics and calculate")
    stat = query["MetricStat"]
    if stat["Period"] not in (1, 5, 10, 20, 30) and stat["Period"] % 60:
        raise AwsError(
            "ValidationError", f"The parameter {place}.MetricStat.Period must be a multiple of 60."
        )
    if stat["Stat"] not in _SIMPLE_STATISTICS and not _PERCENTILE.match(stat["Stat"]):
        raise AwsError(
            "ValidationError",
            f"The value {stat['Stat']} for parameter {place}.MetricStat.Stat is not supported.",
        )


def _paged(results: Sequence[_Result], token: str | None, limit: int) -> dict[str, Any]:
    """So many data points a page, through the results in their order."""
    flat = [(index, point) for index, result in enumerate(results) for point in result.points]
    if limit < 1:
        raise AwsError("ValidationError", "The parameter MaxDatapoints must be at least 1.")
    shown, following = page(flat, token, limit, "InvalidNextToken")
    ends = following is None
    last_shown = shown[-1][0] if shown else len(results)
    points_of: dict[int, list[tuple[datetime, float]]] = {}
    for index, point in shown:
        points_of.setdefault(index, []).append(point)
    answer: list[dict[str, Any]] = []
    for index, result in enumerate(results):
        points = points_of.get(index, [])
        if not points and (token or result.points):
            continue
        whole = ends or index < last_shown
        answer.append(_entry(result, points, whole))
    return {"MetricDataResults": answer, "Messages": []} | ({"NextToken": following} if following else {})


def _entry(result: _Result, points: Sequence[tuple[datetime, float]], whole: bool) -> dict[str, Any]:
    return {
        "Id": result.id,
        "Label": result.label,
        "Timestamps": [when for when, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": "Complete" if whole else "PartialData",
    }


def blank_png(width: int, height: int) -> bytes:
    """A white PNG (8-bit greyscale)."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\x00" + b"\xff" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
