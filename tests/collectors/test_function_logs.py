"""What lines of a function's log tell: every runtime's way to fail, each invocation once."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from collectors.function_logs import MOST_LINES, MOST_SAMPLE, WANTED, parse_log
from diagnosis.systems.functions import Trouble

SINCE = datetime(2026, 11, 20, 14, 27, 10, tzinfo=UTC)
ID = "8f1b2c3d-0000-4111-a222-333344445555"
REPORT = (
    f"REPORT RequestId: {ID}\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 512 MB"
    "\tMax Memory Used: "
)

LINES = {
    Trouble.TIMED_OUT: (
        f"2026-11-20T14:40:01.000Z {ID} Task timed out after 3.00 seconds",
        f"{REPORT}99 MB\tStatus: timeout",
        '{"type":"platform.report","record":{"status":"timeout","metrics":{"maxMemoryUsedMB":99}}}',
    ),
    Trouble.OUT_OF_MEMORY: (
        f"RequestId: {ID} Error: Runtime exited with error: signal: killed\nRuntime.ExitError",
        f"{REPORT}512 MB\tStatus: error\tError Type: Runtime.OutOfMemory",
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        "java.lang.OutOfMemoryError: Java heap space",
        "[ERROR] MemoryError\nTraceback (most recent call last):",
    ),
    Trouble.EXCEPTION: (
        "[ERROR] KeyError: 'sku'\nTraceback (most recent call last):",
        f'2026-11-20T14:40:01.000Z\t{ID}\tERROR\tInvoke Error \t{{"errorType":"TypeError"}}',
        f'2026-11-20T14:40:01.000Z\t{ID}\tERROR\tUncaught Exception \t{{"errorType":"Error"}}',
        '{"level":"ERROR","errorType":"KeyError","errorMessage":"sku"}',
        "java.lang.IllegalStateException: no such order",
    ),
    Trouble.NOT_STARTED: (
        "[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'x'",
        "INIT_REPORT Init Duration: 312.11 ms\tPhase: init\tStatus: error\tError Type: x",
    ),
    Trouble.FORBIDDEN: (
        "[ERROR] ClientError: (AccessDeniedException) User: x is not authorized to perform: y",
    ),
    Trouble.EXITED: (f"RequestId: {ID} Error: Runtime exited with error: exit status 1\nRuntime.ExitError",),
}
INNOCENT = (
    f"START RequestId: {ID} Version: 42",
    "INIT_START Runtime Version: python:3.12.v36\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:07",
    f"{REPORT}99 MB",
    "[INFO]\tan order was accepted",
)


def rows(*messages: str, at: str = "2026-11-20 14:40:01.000") -> list[dict[str, str]]:
    return [{"@timestamp": at, "@message": message} for message in messages]


@pytest.mark.parametrize(
    ("line", "trouble"), [(line, trouble) for trouble, lines in LINES.items() for line in lines]
)
def test_a_line_tells_of_one_kind_of_trouble_and_the_query_finds_it(line: str, trouble: Trouble) -> None:
    log = parse_log(rows(line), "/aws/lambda/orders", SINCE)

    assert [(each.trouble, each.count) for each in log.found] == [(trouble, 1)]
    assert re.search(WANTED, line)


@pytest.mark.parametrize("line", INNOCENT)
def test_lines_of_what_goes_well_tell_of_nothing_and_are_not_asked_for(line: str) -> None:
    assert parse_log(rows(line), "/aws/lambda/orders", SINCE).found == ()
    assert not re.search(WANTED, line)


def test_an_invocation_counts_once_by_the_surest_of_its_lines() -> None:
    killed = f"RequestId: {ID} Error: Runtime exited with error: signal: killed\nRuntime.ExitError"
    report = f"{REPORT}512 MB\tStatus: error\tError Type: Runtime.ExitError"

    log = parse_log(rows(report, killed), "/aws/lambda/orders", SINCE)

    assert [(each.trouble, each.count) for each in log.found] == [(Trouble.OUT_OF_MEMORY, 1)]
    assert log.memory_used == 512


def test_minutes_are_counted_apart_and_the_sample_is_the_first_that_was_written() -> None:
    log = parse_log(
        [
            *rows("[ERROR] newest", at="2026-11-20 14:42:30.000"),
            *rows("[ERROR] oldest\n  with a trace", at="2026-11-20 14:41:59.900"),
        ],
        "/aws/lambda/orders",
        SINCE,
    )

    assert [each.minute.minute for each in log.found] == [41, 42]
    assert log.samples == {"exceptions": "[ERROR] oldest with a trace"}


def test_what_is_kept_is_bounded() -> None:
    log = parse_log(rows(*[f"[ERROR] {'x' * 9000} {n}" for n in range(MOST_LINES)]), "/g", SINCE)

    assert log.truncated
    assert len(log.samples["exceptions"]) == MOST_SAMPLE


def test_lines_without_a_time_are_left_out() -> None:
    assert parse_log([{"@message": "[ERROR] x"}], "/g", SINCE + timedelta(0)).found == ()


def test_a_line_is_quoted_without_what_may_be_a_secret_or_may_name_a_person() -> None:
    line = (
        "[ERROR] KeyError: postgres://orders:hunter2@db/orders, key AKIAIOSFODNN7EXAMPLE, by jane@example.com"
        f" password=hunter2 {'-' * MOST_SAMPLE}"
    )
    [sample] = parse_log(rows(line), "/g", SINCE).samples.values()

    assert sample.startswith("[ERROR] KeyError: postgres://orders:")
    assert not any(each in sample for each in ("hunter2", "AKIA", "jane"))


def test_a_secret_at_the_end_of_what_is_quoted_is_masked_before_the_line_is_cut() -> None:
    line = f"[ERROR] {'x' * (MOST_SAMPLE - 25)} AKIAIOSFODNN7EXAMPLE"
    assert "AKIA" not in parse_log(rows(line), "/g", SINCE).samples["exceptions"]
