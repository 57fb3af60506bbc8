"""The lab's CloudWatch Logs: what a query finds, when it ends, and what it refuses."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.loading import parse
from lab.staging import Lab

GROUP = "/aws/lambda/orders"
LINES = """
title: a log group
at: 2026-11-20T14:47:10Z
alarm: {name: errors, metric: HTTPCode_ELB_5XX_Count}
load_balancer: {name: order-api}
target_groups: {orders: {targets: 2, requests: "100"}}
log_groups:
  absent: [/aws/lambda/deleted]
  lines:
    /aws/lambda/orders:
      "-30": "old: Task timed out after 3.00 seconds"
      "-4": ['{"action": "BLOCK", "inner": {"code": 502}}', "a line with | in it"]
      "-3": "2026 Task timed out after 3.00 seconds"
      "0.1": "Task timed out after 3.00 seconds, a moment ago"
    /aws/lambda/deleted:
      "-3": nobody reads this
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.stage(parse(LINES, name="a-log-group")) as staged:
        yield staged


def ask(lab: Lab, condition: str, groups: tuple[str, ...] = (GROUP,), **changed: Any) -> list[str]:
    """The messages that a query finds."""
    logs = lab.client("logs")
    query = f"fields @timestamp, @message | filter {condition} | sort @timestamp desc | limit 10"
    asked = {
        "logGroupNames": list(groups),
        "queryString": query,
        "startTime": int((lab.clock.now() - timedelta(minutes=20)).timestamp()),
        "endTime": int(lab.clock.now().timestamp()),
        **changed,
    }
    query_id = logs.start_query(**asked)["queryId"]
    assert logs.get_query_results(queryId=query_id)["status"] in {"Scheduled", "Running"}
    lab.clock.advance(2)
    answer = logs.get_query_results(queryId=query_id)
    assert answer["status"] == "Complete"
    return [each["value"] for row in answer["results"] for each in row if each["field"] == "@message"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (
            "@message like /Task timed out after \\d+\\.\\d\\d seconds/",
            ["2026 Task timed out after 3.00 seconds"],
        ),
        ("@message like /with \\| in/", ["a line with | in it"]),
        ('action = "BLOCK"', ['{"action": "BLOCK", "inner": {"code": 502}}']),
        ('inner.code = "502" and action = "BLOCK"', ['{"action": "BLOCK", "inner": {"code": 502}}']),
        ('inner.code = "503" or @message like /2026/', ["2026 Task timed out after 3.00 seconds"]),
        ('inner.code = "503" and @message like /2026/', []),
    ],
)
def test_a_condition_picks_the_events_of_the_time_that_can_be_searched_already(
    lab: Lab, condition: str, found: list[str]
) -> None:
    assert ask(lab, condition)[-1:] == found


@pytest.mark.parametrize(
    "query",
    [
        "stats count(*) by bin(1m)",
        "fields @timestamp, @message | stats count(*)",
        "fields @timestamp, @message | filter (a = 'b')",
        "fields @timestamp, @message | filter @message like /(/",
        'fields @timestamp, @message | filter a = "b" and',
        "fields @timestamp | limit 3",
    ],
)
def test_what_it_does_not_understand_is_refused_and_not_guessed(lab: Lab, query: str) -> None:
    with pytest.raises(ClientError, match="MalformedQueryException"):
        ask(lab, "", queryString=query)


def test_a_log_group_that_does_not_exist_is_an_error_of_its_own(lab: Lab) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        ask(lab, 'action = "BLOCK"', ("/aws/lambda/deleted",))


def test_a_running_query_can_be_stopped_once(lab: Lab) -> None:
    logs = lab.client("logs")
    now = int(lab.clock.now().timestamp())
    query = "fields @timestamp, @message | limit 3"
    id = logs.start_query(logGroupName=GROUP, queryString=query, startTime=now - 60, endTime=now)["queryId"]

    assert logs.stop_query(queryId=id)["success"]
    assert logs.get_query_results(queryId=id)["status"] == "Cancelled"
    with pytest.raises(ClientError, match="InvalidParameterException"):
        logs.stop_query(queryId=id)


def test_the_log_groups_that_exist_can_be_listed(lab: Lab) -> None:
    groups = lab.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]

    assert [each["logGroupName"] for each in groups] == [GROUP]
