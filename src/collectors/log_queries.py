"""Searches log groups with Logs Insights: one bounded query, waited for no longer than it is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from collectors.reading import Answer, Scope, UnreadableAnswerError

PERMISSIONS = ("logs:StartQuery", "logs:GetQueryResults", "logs:StopQuery")
# CloudWatch Logs API reference: GetQueryResults gives at most 10,000 rows a page, StartQuery takes at most 50
# log groups. A log event has up to 256 KB; what is read of it is enough for a record of the firewall.
MOST_ROWS, MOST_GROUPS = 10_000, 50
MOST_CHARACTERS = 65_536
# Most queries over some minutes of a log group end within two seconds. One that takes longer than all of this
# together is given up: it counts against what everybody in the region may run at a time.
WAITS_SECONDS = (0.3, 0.5, *(1.0,) * 9)
# A query ends so much before nobody waits any more, so that what else is known of the function is not lost.
ENDS_BEFORE = 0.5
RUNNING = frozenset({"Scheduled", "Running", "Unknown"})


def search(
    scope: Scope,
    log_groups: Sequence[str],
    query: str,
    start: datetime,
    end: datetime,
    limit: int,
    region: str | None = None,
) -> tuple[Mapping[str, str], ...]:
    """The rows of a query over those groups from `start` to `end`, both ends included, to the second.

    Each row maps the query's fields to their values. `region` is another than the entry point's. Raises
    `ClientError` (LimitExceededException where too many queries run already, ResourceNotFoundException where
    a group does not exist), and `UnreadableAnswerError` where it fails or is not answered in time.
    """
    client = scope.client_in("logs", region) if region else scope.clients("logs")
    started = client.start_query(
        logGroupNames=list(log_groups[:MOST_GROUPS]),
        queryString=query,
        startTime=int(start.timestamp()),
        endTime=int(end.timestamp()),
        limit=min(limit, MOST_ROWS),
    )
    query_id, answer = started.get("queryId", ""), cast("Answer", {"status": "Scheduled"})
    try:
        for seconds in WAITS_SECONDS:
            if scope.left() < seconds + ENDS_BEFORE:
                break
            scope.wait(seconds)
            answer = cast("Answer", client.get_query_results(queryId=query_id))
            if answer.get("status", "Unknown") not in RUNNING:
                break
        return _rows(answer, limit)
    finally:
        if answer.get("status", "Unknown") in RUNNING:
            _stop(client, query_id)


def _stop(client: Any, query_id: str) -> None:
    """Give its place to somebody else's query; one that has just ended cannot be stopped."""
    with suppress(ClientError, BotoCoreError):
        client.stop_query(queryId=query_id)


def _rows(answer: Answer, limit: int) -> tuple[Mapping[str, str], ...]:
    status = answer.get("status", "Unknown")
    if status in RUNNING:
        raise UnreadableAnswerError("the query did not end in time")
    if status != "Complete":
        raise UnreadableAnswerError(f"the query ended as {status}")
    return tuple(_row(each) for each in answer.get("results", ())[:limit])


def _row(fields: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """One row by field; @ptr, a pointer to the event, is of no use to anybody here."""
    return {
        each["field"]: each.get("value", "")[:MOST_CHARACTERS]
        for each in fields
        if each.get("field", "@ptr") != "@ptr"
    }
