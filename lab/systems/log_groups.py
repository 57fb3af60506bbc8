"""CloudWatch Logs: the log groups that the systems of a scenario write to, and Logs Insights over them.

Of the query language it knows one form, see lab.insights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lab.errors import AwsError
from lab.insights import parse_query
from lab.loading import stable_hex
from lab.strict import Section
from lab.systems import Stage, systems
from lab.wire import Answer

KEY = "log_groups"
# Events can be searched some seconds after they happened, and a query takes a while to end.
SEARCHABLE_AFTER_SECONDS = 5.0
SCHEDULED_SECONDS, RUNNING_SECONDS = 0.4, 1.2
# CloudWatch Logs API reference, StartQuery: 50 log groups; quotas: 100 at a time.
MOST_GROUPS, MOST_AT_ONCE = 50, 100
USUAL_LIMIT, MOST_LIMIT = 10_000, 100_000

Event = tuple[datetime, str]


@dataclass(frozen=True, slots=True)
class Data:
    """Log groups by name: further lines as minute and text, and those that do not exist (any more)."""

    lines: Mapping[str, tuple[tuple[float, str], ...]] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    queries_running: int = 0


def load(section: Section, scenario_name: str) -> Data:  # noqa: ARG001 - one interface for all systems
    """Read the section `log_groups`."""
    named = section.named_sections("lines")
    data = Data(
        lines={name: tuple(_lines(part)) for name, part in named.items()},
        absent=section.texts("absent"),
        queries_running=section.whole("queries_running", 0),
    )
    section.finish()
    return data


def _lines(section: Section) -> Iterable[tuple[float, str]]:
    minutes = section.keys()
    for minute in minutes:
        try:
            at = float(minute)
        except ValueError:
            raise section.error(minute, "expected a minute, counted from the alarm") from None
        for text in section.texts(minute):
            yield at, text


def quiet(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a case says; there is nothing else."""
    return given


def series(*_: object) -> None:
    """Log groups have no metrics that anybody asks for."""
    return


@dataclass(slots=True)
class _Query:
    """A query under way: when it began, by the clock's ticks, and what it will have found."""

    began: float
    rows: list[list[dict[str, str]]]
    cancelled: bool = False


class Staged:
    """What CloudWatch Logs answers."""

    def __init__(self, stage: Stage, data: Data | None) -> None:
        self._stage = stage
        self._data = data or Data()
        self._queries: dict[str, _Query] = {}
        self._known: Mapping[str, Sequence[Event]] | None = None

    def operations(self) -> dict[str, dict[str, Answer]]:
        """The operations by boto3's name of the service."""
        return {
            "logs": {
                "StartQuery": self.start_query,
                "GetQueryResults": self.get_query_results,
                "StopQuery": self.stop_query,
                "DescribeLogGroups": self.describe_log_groups,
            }
        }

    @property
    def _groups(self) -> Mapping[str, Sequence[Event]]:
        """The events of every log group that exists, oldest first."""
        if self._known is None:
            self._known = _all_events(self._stage, self._data)
        return self._known

    def start_query(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Begin a query; times are seconds since 1970, both ends included."""
        query = parse_query(asked["queryString"])
        names = asked.get("logGroupNames") or [asked.get("logGroupName", "")]
        self._check(names, asked)
        limit = min(query.limit or asked.get("limit", USUAL_LIMIT), MOST_LIMIT)
        until = min(asked["endTime"], self._stage.clock.now().timestamp() - SEARCHABLE_AFTER_SECONDS)
        found = [
            (at, message)
            for name in names
            for at, message in self._groups[name]
            if asked["startTime"] <= int(at.timestamp()) <= until and query.condition(message)
        ]
        found.sort(key=lambda event: event[0], reverse=True)
        query_id = stable_hex("query", f"{self._stage.scenario.name}/{len(self._queries)}")
        rows = [_row(at, message) for at, message in found[:limit]]
        self._queries[query_id] = _Query(self._stage.clock.ticks(), rows)
        return {"queryId": query_id}

    def _check(self, names: Sequence[str], asked: Mapping[str, Any]) -> None:
        if len(names) > MOST_GROUPS:
            raise AwsError("InvalidParameterException", f"At most {MOST_GROUPS} log groups can be queried.")
        if asked["endTime"] < asked["startTime"]:
            raise AwsError("InvalidParameterException", "The end time must not be before the start time.")
        for name in names:
            if name not in self._groups:
                raise AwsError("ResourceNotFoundException", f"Log group '{name}' does not exist.")
        now = self._stage.clock.ticks()
        ours = sum(
            not each.cancelled and now - each.began < RUNNING_SECONDS for each in self._queries.values()
        )
        if self._data.queries_running + ours >= MOST_AT_ONCE:
            raise AwsError("LimitExceededException", "The maximum number of concurrent queries is reached.")

    def get_query_results(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """How far the query is, and what it found so far."""
        query = self._query(asked)
        passed = self._stage.clock.ticks() - query.began
        if query.cancelled:
            return {"status": "Cancelled", "results": []}
        if passed < SCHEDULED_SECONDS:
            return {"status": "Scheduled", "results": []}
        if passed < RUNNING_SECONDS:
            return {"status": "Running", "results": query.rows[: len(query.rows) // 2]}
        return {"status": "Complete", "results": query.rows}

    def stop_query(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Cancel a query that has not ended."""
        query = self._query(asked)
        if query.cancelled or self._stage.clock.ticks() - query.began >= RUNNING_SECONDS:
            raise AwsError("InvalidParameterException", "Query is not in a running or scheduled state.")
        query.cancelled = True
        return {"success": True}

    def _query(self, asked: Mapping[str, Any]) -> _Query:
        if asked["queryId"] not in self._queries:
            raise AwsError("ResourceNotFoundException", "The query does not exist.")
        return self._queries[asked["queryId"]]

    def describe_log_groups(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """The log groups whose names begin as asked."""
        names = sorted(name for name in self._groups if name.startswith(asked.get("logGroupNamePrefix", "")))
        place = f"arn:aws:logs:{self._stage.scenario.region}:{self._stage.scenario.account}:log-group"
        groups = [{"logGroupName": name, "arn": f"{place}:{name}:*"} for name in names]
        return {"logGroups": groups[: asked.get("limit", 50)]}


def _all_events(stage: Stage, own: Data) -> dict[str, Sequence[Event]]:
    """What every system wrote, without the groups that do not exist."""
    found: dict[str, list[Event]] = {}
    for key, system in systems().items():
        data = stage.data_of(key)
        if data is not None and hasattr(system, "log_events"):
            for name, events in system.log_events(stage.scenario, data).items():
                found.setdefault(name, []).extend(events)
    for name, lines in own.lines.items():
        found.setdefault(name, []).extend((stage.scenario.moment(at), text) for at, text in lines)
    return {
        name: sorted(events, key=lambda event: event[0])
        for name, events in found.items()
        if name not in own.absent
    }


def _row(at: datetime, message: str) -> list[dict[str, str]]:
    shown = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03}"
    pointer = stable_hex("event", f"{shown}/{message}")
    values = {"@timestamp": shown, "@message": message, "@ptr": pointer}
    return [{"field": name, "value": value} for name, value in values.items()]
