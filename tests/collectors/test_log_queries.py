"""Logs Insights: one query at a time, waited for within bounds, and stopped where it does not end."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from collectors.log_queries import MOST_CHARACTERS, WAITS_SECONDS, search
from collectors.reading import Scope, UnreadableAnswerError, complete_minutes
from tests.collectors.fake_aws import ENTRY_POINT, NOW, error

QUERY = "fields @timestamp, @message | filter @message like /x/ | sort @timestamp desc | limit 100"
ROW = [
    {"field": "@timestamp", "value": "2026-11-20 14:46:02.123"},
    {"field": "@message", "value": "Task timed out after 3.00 seconds"},
    {"field": "@ptr", "value": "CmEKJgoiMTIzNDU2"},
]


class Logs:
    """CloudWatch Logs that answers with these states, one after the other; the last one stays."""

    def __init__(self, *states: Mapping[str, Any], refused: Exception | None = None) -> None:
        self.states = list(states)
        self.refused = refused
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.waited: list[float] = []

    def start_query(self, **asked: Any) -> Mapping[str, Any]:
        self.calls.append(("StartQuery", asked))
        if self.refused:
            raise self.refused
        return {"queryId": "q-1"}

    def get_query_results(self, **asked: Any) -> Mapping[str, Any]:
        self.calls.append(("GetQueryResults", asked))
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def stop_query(self, **asked: Any) -> Mapping[str, Any]:
        self.calls.append(("StopQuery", asked))
        raise error("StopQuery", "InvalidParameterException")

    def scope(self) -> Scope:
        return Scope(lambda _: self, ENTRY_POINT, NOW, complete_minutes(NOW), NOW, wait=self.waited.append)

    @property
    def asked(self) -> list[str]:
        return [name for name, _ in self.calls]


def found(logs: Logs, limit: int = 100) -> tuple[Mapping[str, str], ...]:
    return search(logs.scope(), ["/aws/lambda/orders"], QUERY, NOW - timedelta(minutes=10), NOW, limit)


def test_a_row_maps_the_fields_to_their_values_without_the_pointer() -> None:
    logs = Logs({"status": "Complete", "results": [ROW]})

    assert found(logs) == (
        {"@timestamp": "2026-11-20 14:46:02.123", "@message": "Task timed out after 3.00 seconds"},
    )


def test_the_time_is_asked_in_whole_seconds() -> None:
    logs = Logs({"status": "Complete", "results": []})

    assert found(logs) == ()
    _, asked = logs.calls[0]
    assert asked["startTime"] == int((NOW - timedelta(minutes=10)).timestamp())
    assert asked["endTime"] == int(NOW.timestamp())
    assert asked["logGroupNames"] == ["/aws/lambda/orders"]


def test_an_answer_is_waited_for_until_the_query_is_complete() -> None:
    logs = Logs(
        {"status": "Scheduled", "results": []},
        {"status": "Running", "results": [ROW]},
        {"status": "Complete", "results": [ROW, ROW]},
    )

    assert len(found(logs)) == 2
    assert logs.asked == ["StartQuery", *["GetQueryResults"] * 3]
    assert logs.waited == list(WAITS_SECONDS[:3])


def test_a_query_that_does_not_end_is_stopped_and_its_partial_rows_are_not_taken() -> None:
    logs = Logs({"status": "Running", "results": [ROW]})

    with pytest.raises(UnreadableAnswerError, match=r"did not end in time"):
        found(logs)
    assert logs.asked[-1] == "StopQuery"
    assert logs.waited == list(WAITS_SECONDS)


@pytest.mark.parametrize(("left", "waited"), [(1.4, 2), (0.7, 0), (0.0, 0)])
def test_a_query_is_given_up_before_nobody_waits_for_it_any_more(left: float, waited: int) -> None:
    """What else is known of the function or the firewall would be lost with it."""
    logs = Logs({"status": "Running"})
    scope = replace(logs.scope(), left=lambda: left - sum(logs.waited))

    with pytest.raises(UnreadableAnswerError, match=r"did not end in time"):
        search(scope, ("/aws/lambda/orders",), QUERY, NOW, NOW, 100)
    assert len(logs.waited) == waited
    assert logs.asked[-1] == "StopQuery"


def test_a_query_is_stopped_when_its_results_cannot_be_fetched() -> None:
    logs = Logs({"status": "Running"})
    logs.get_query_results = lambda **_: (_ for _ in ()).throw(error("GetQueryResults", "Throttling"))  # type: ignore[method-assign]

    with pytest.raises(ClientError):
        found(logs)
    assert logs.asked == ["StartQuery", "StopQuery"]


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout"])
def test_a_query_that_ended_otherwise_is_unreadable(status: str) -> None:
    logs = Logs({"status": status, "results": [ROW]})

    with pytest.raises(UnreadableAnswerError, match=f"ended as {status}"):
        found(logs)
    assert "StopQuery" not in logs.asked


def test_too_many_queries_in_the_region_come_out_as_the_usual_error() -> None:
    logs = Logs({"status": "Complete"}, refused=error("StartQuery", "LimitExceededException"))

    with pytest.raises(ClientError) as raised:
        found(logs)
    assert raised.value.response["Error"]["Code"] == "LimitExceededException"
    assert logs.asked == ["StartQuery"]


def test_rows_and_values_are_bounded() -> None:
    long = [{"field": "@message", "value": "x" * (MOST_CHARACTERS + 1)}]
    logs = Logs({"status": "Complete", "results": [long] * 5})

    rows = found(logs, limit=3)

    assert len(rows) == 3
    assert len(rows[0]["@message"]) == MOST_CHARACTERS
