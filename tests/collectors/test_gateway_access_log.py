"""The access log of an API: formats read by the meaning of their keys, lines counted by what was answered."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.gateway_access_log import (
    MOST_ERROR,
    MOST_LINES,
    MOST_TYPE,
    fields_of,
    log_settings,
    parse_lines,
    risen,
)
from diagnosis.series import MetricKey, Metrics, Window
from diagnosis.systems.gateway import LogSettings

SINCE = datetime(2026, 11, 20, 14, 27, tzinfo=UTC)
GROUP = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/apigateway/shop"
# The JSON format of the developer guide, "Set up logging for REST APIs in API Gateway".
DOCUMENTED = (
    '{ "requestId":"$context.requestId", "extendedRequestId":"$context.extendedRequestId",'
    '"ip": "$context.identity.sourceIp", "caller":"$context.identity.caller",'
    '"user":"$context.identity.user", "requestTime":"$context.requestTime",'
    '"httpMethod":"$context.httpMethod", "resourcePath":"$context.resourcePath",'
    '"status":"$context.status", "protocol":"$context.protocol", "responseLength":"$context.responseLength" }'
)
CLF = (
    '$context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime]"'
    '$context.httpMethod $context.resourcePath $context.protocol" $context.status $context.responseLength'
)
XML = '<request id="$context.requestId"> <status>$context.status</status> </request>'
NESTED = (
    '{"req": {"verb": "$context.httpMethod", "path": "$context.resourcePath"}, "code": $context.status,'
    ' "why": "$context.error.responseType", "up": {"code": $context.integration.status},'
    ' "text": $context.error.messageString, "by": "$context.authorizer.principalId"}'
)


def line(at: str = "2026-11-20 14:45:12.345", **content: Any) -> dict[str, str]:
    return {"@timestamp": at, "@message": json.dumps(content)}


def test_a_documented_json_format_is_read_by_the_meaning_of_its_keys() -> None:
    assert fields_of(DOCUMENTED) == {
        "identity.sourceIp": "ip",
        "httpMethod": "httpMethod",
        "resourcePath": "resourcePath",
        "status": "status",
    }


def test_keys_may_be_nested_and_values_without_quotes() -> None:
    assert fields_of(NESTED) == {
        "httpMethod": "req.verb",
        "resourcePath": "req.path",
        "status": "code",
        "error.responseType": "why",
        "integration.status": "up.code",
        "error.messageString": "text",
    }


@pytest.mark.parametrize(
    "layout",
    [
        CLF,
        XML,
        "",
        "null",
        '["$context.status"]',
        '{"id": "$context.requestId"}',
        '{"a/b": "$context.status"}',
    ],
)
def test_a_format_that_does_not_tell_the_status_by_a_key_cannot_be_read(layout: str) -> None:
    assert fields_of(layout) is None


def test_where_a_stage_logs_to() -> None:
    assert log_settings(None, None) is None
    assert log_settings(GROUP, CLF) == LogSettings("/aws/apigateway/shop", None)
    assert log_settings(f"{GROUP}:*", CLF) == LogSettings("/aws/apigateway/shop", None)
    stream = "arn:aws:firehose:eu-west-1:111122223333:deliverystream/amazon-apigateway-logs"
    assert log_settings(stream, CLF) == LogSettings(None, None)


def test_lines_are_counted_by_minute_and_by_what_was_answered() -> None:
    fields = fields_of(NESTED) or {}
    late: dict[str, Any] = {
        "req": {"verb": "GET", "path": "/orders"},
        "code": 504,
        "why": "INTEGRATION_TIMEOUT",
        "up": {"code": "-"},
    }
    log = parse_lines(
        [
            line(**late, text="Endpoint request timed out"),
            line("2026-11-20 14:45:59.999", **late, text="Endpoint request timed out"),
            line("2026-11-20 14:44:00.000", code="429", why="THROTTLED"),
        ],
        fields,
        SINCE,
    )
    throttled, timed_out = log.answers

    assert (throttled.status, throttled.count, throttled.response_type) == (429, 1, "THROTTLED")
    assert throttled.minute == datetime(2026, 11, 20, 14, 44, tzinfo=UTC)
    assert (timed_out.count, timed_out.route, timed_out.error) == (
        2,
        "GET /orders",
        "Endpoint request timed out",
    )
    assert timed_out.integration_status is None
    assert (log.lines, log.unreadable, log.truncated) == (3, 0, False)


def test_a_variable_without_a_value_is_a_bare_dash_and_no_error() -> None:
    text = '{"code": 502, "up": {"code": -}, "why": "-", "text": -}'
    log = parse_lines(
        [{"@timestamp": "2026-11-20 14:45:12.345", "@message": text}], fields_of(NESTED) or {}, SINCE
    )

    assert [(each.status, each.response_type, each.error) for each in log.answers] == [(502, None, None)]


@pytest.mark.parametrize(
    "broken",
    [
        {"@timestamp": "2026-11-20 14:45:12.345", "@message": '{"code": 502, "text": "a "quoted" word"}'},
        {"@timestamp": "yesterday", "@message": '{"code": 502}'},
        {"@message": '{"code": 502}'},
        {"@timestamp": "2026-11-20 14:45:12.345", "@message": "{}"},
        {"@timestamp": "2026-11-20 14:45:12.345", "@message": '{"code": "five hundred"}'},
        {"@timestamp": "2026-11-20 14:45:12.345", "@message": "[502]"},
        {},
    ],
)
def test_a_line_out_of_format_is_counted_and_nothing_more(broken: dict[str, str]) -> None:
    log = parse_lines([broken, line(code=500)], fields_of(NESTED) or {}, SINCE)

    assert (log.unreadable, len(log.answers)) == (1, 1)


def test_callers_and_paths_are_counted_where_the_format_has_them() -> None:
    layout = '{"s": "$context.status", "ip": "$context.identity.sourceIp", "p": "$context.path"}'
    lines = [line(s=403, ip=f"203.0.113.{index % 2}", p=f"/{index}") for index in range(30)]
    log = parse_lines(lines, fields_of(layout) or {}, SINCE)
    without = parse_lines([line(code=403)], fields_of(NESTED) or {}, SINCE)

    assert (log.sources, log.paths) == (2, 30)
    assert (without.sources, without.paths) == (None, None)


def test_long_texts_and_endless_logs_are_cut() -> None:
    lines = [line(code=500, text=f"{index}" + "x" * 5000) for index in range(MOST_LINES + 5)]
    log = parse_lines(lines, fields_of(NESTED) or {}, SINCE)

    assert log.truncated
    assert len(log.answers) <= 200
    assert all(each.error and len(each.error) <= 160 for each in log.answers)


def test_only_errors_that_rose_are_worth_a_search() -> None:
    window = Window(SINCE, 180)

    def metrics(errors: tuple[float, ...]) -> Metrics:
        asked = {MetricKey("Count", "Sum"): (2000.0,) * 180}
        return Metrics(
            window, {**asked, MetricKey("4xx", "Sum"): errors, MetricKey("5xx", "Sum"): (3.0,) * 180}
        )

    assert risen(metrics((20.0,) * 180)) == ""
    assert risen(metrics((20.0,) * 170 + (400.0,) * 10)) == "4"


def test_an_error_text_is_bounded_and_kept_without_secrets() -> None:
    fields = {"status": "status", "error.message": "why", "error.responseType": "type"}
    told = f"Execution failed: password=hunter2 {'x' * 5_000}"
    [answered] = parse_lines([line(status=502, why=told, type="T" * 5_000)], fields, SINCE).answers

    assert answered.error is not None
    assert answered.error.startswith("Execution failed: password=(not kept)")
    assert len(answered.error) == MOST_ERROR
    assert answered.response_type == "T" * MOST_TYPE


def test_a_line_or_format_that_is_nested_without_end_is_out_of_format() -> None:
    assert fields_of("[" * 6_000) is None
    lines = [{"@timestamp": "2026-11-20 14:45:12.345", "@message": '{"a":' * 3_000}]
    assert parse_lines(lines, {"status": "status"}, SINCE).unreadable == 1
