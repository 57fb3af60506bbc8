"""Reads the access log of a stage: which gateway responses the failed requests got, and why.

The format is the customer's own. A JSON format is understood by the $context variables that it puts under its
keys (API Gateway developer guide, "Variables for access logging"); CLF, XML and CSV lines are not.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.log_queries import PERMISSIONS, search
from collectors.masking import masked
from collectors.reading import READ_ERRORS, Answer, Scope, failure
from diagnosis.series import Metrics, Missing
from diagnosis.symptom import Family, find_symptom
from diagnosis.systems.gateway import AccessLog, Answered, Api, LogSettings, Stage

__all__ = ["PERMISSIONS", "fields_of", "log_settings", "parse_lines", "read_access_log", "risen"]

LOOK_BACK = timedelta(minutes=20)
# The newest failed requests are enough to tell what they are; the metrics tell how many there were.
MOST_LINES = 1000
MOST_ANSWERS = 200
MOST_CHARACTERS, MOST_FORMAT, MOST_TYPE, MOST_ERROR = 16_000, 6_000, 64, 160
# Of an error text so much is looked through for secrets before it is cut.
MOST_MASKED = 2_000

# What is wanted of a line: the variables that tell it, the best first.
WANTED: Mapping[str, tuple[str, ...]] = {
    "status": ("status",),
    "response_type": ("error.responseType",),
    "integration_status": ("integration.status", "integrationStatus", "integration.integrationStatus"),
    "error": (
        "integrationErrorMessage", "integration.error", "authorizer.error", "authorize.error",
        "authenticate.error", "error.messageString", "error.message",
    ),
    "route": ("routeKey", "resourcePath"),
    "method": ("httpMethod",),
    "source": ("identity.sourceIp",),
    "path": ("path",),
}  # fmt: skip

_LOG_GROUP = re.compile(r":log-group:([^:]{1,512})")
_BARE_VARIABLE = re.compile(r'(?<!")\$context\.[\w.]+(?!["\w.])')
_VARIABLE = re.compile(r"\$context\.([\w.]+)")
_NAMED_KEY = re.compile(r"[\w.@ -]{1,64}")
_BARE_DASH = re.compile(r"(?<=:)\s*-(?=\s*[,}])")


def log_settings(destination: str | None, layout: str | None) -> LogSettings | None:
    """Where a stage logs to, and what the keys of its format mean; None where it does not log."""
    if not destination:
        return None
    group = _LOG_GROUP.search(destination)
    return LogSettings(group.group(1) if group else None, fields_of(layout or ""))


def fields_of(layout: str) -> Mapping[str, str] | None:
    """The keys by variable; None unless the format is JSON that tells the status."""
    try:
        content = json.loads(_BARE_VARIABLE.sub(lambda found: f'"{found.group()}"', layout[:MOST_FORMAT]))
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    meant = {
        found.group(1): key
        for key, value in _flat(content)
        if isinstance(value, str) and (found := _VARIABLE.fullmatch(value)) and _NAMED_KEY.fullmatch(key)
    }
    known = {variable for variables in WANTED.values() for variable in variables}
    fields = {variable: key for variable, key in meant.items() if variable in known}
    return fields if "status" in fields else None


def _flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        if isinstance(value, Mapping) and above.count(".") < 3:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def read_access_log(scope: Scope, api: Api, metrics: Metrics | Missing) -> AccessLog | Missing | None:
    """What the log says of the errors that rose; None where there is nothing to ask.

    Searching costs money by the gigabyte, so it is done only for errors that began lately.
    """
    digits = "" if isinstance(metrics, Missing) else risen(metrics)
    if not digits or isinstance(api.stages, Missing):
        return None
    stage = logging_stage(api)
    if stage is None or stage.log is None:
        return Missing("the stage writes no access log")
    if stage.log.log_group is None:
        return Missing("the access log goes to a stream, not to a log group")
    if stage.log.fields is None:
        return Missing("the access log's format is not JSON with $context.status, so it cannot be read")
    since = scope.now - LOOK_BACK
    try:
        lines = _lines(scope, stage.log, digits, since)
    except READ_ERRORS as error:
        return failure("logs", error)
    return parse_lines(lines, stage.log.fields, since)


def risen(metrics: Metrics) -> str:
    """The first digits of the status codes that rose: 4, 5 or both."""
    families = {"5": Family.SERVER_ERRORS, "4": Family.CLIENT_ERRORS}
    found = {
        digit: find_symptom(metrics, (family.value,), "apigateway") for digit, family in families.items()
    }
    return "".join(digit for digit, each in found.items() if each.onset and each.family is families[digit])


def logging_stage(api: Api) -> Stage | None:
    """The stage whose log to read: of those in question one that logs, the last changed first."""
    oldest = datetime.min.replace(tzinfo=UTC)
    stages = sorted(api.known_stages, key=lambda each: each.updated or oldest, reverse=True)
    return next((each for each in stages if each.log), next(iter(stages), None))


def _lines(scope: Scope, log: LogSettings, digits: str, since: datetime) -> Sequence[Mapping[str, str]]:
    key = re.escape((log.fields or {})["status"].rpartition(".")[2])
    query = (
        f'fields @timestamp, @message | filter @message like /"{key}"\\s*:\\s*"?[{digits}]\\d\\d/'
        f" | sort @timestamp desc | limit {MOST_LINES}"
    )
    return search(scope, (log.log_group or "",), query, since, scope.now, MOST_LINES)


def parse_lines(lines: Sequence[Mapping[str, str]], fields: Mapping[str, str], since: datetime) -> AccessLog:
    """The failed requests counted by what they were answered; lines out of format are counted apart."""
    counted: Counter[Answered] = Counter()
    sources, paths, unreadable = set[str](), set[str](), 0
    for line in lines[:MOST_LINES]:
        content = _content(line.get("@message", ""))
        answered = content and _answered(content, fields, _moment(line.get("@timestamp", "")))
        if not content or not answered:
            unreadable += 1
            continue
        counted[answered] += 1
        sources.add(str(_value(content, fields, "source")))
        paths.add(str(_value(content, fields, "path")))
    answers = (replace(each, count=count) for each, count in counted.most_common(MOST_ANSWERS))
    return AccessLog(
        since=since,
        lines=len(lines),
        truncated=len(lines) >= MOST_LINES,
        answers=tuple(sorted(answers, key=lambda each: (each.minute, -each.count, each.status))),
        unreadable=unreadable,
        sources=len(sources) if "identity.sourceIp" in fields else None,
        paths=len(paths) if "path" in fields else None,
    )


def _content(message: str) -> Answer | None:
    """The line as JSON, flat; a variable without a value is a bare dash, which JSON does not know."""
    text = message[:MOST_CHARACTERS]
    for written in (text, _BARE_DASH.sub("null", text)):
        try:
            found = json.loads(written)
        except (ValueError, RecursionError):
            continue
        return dict(_flat(found)) if isinstance(found, dict) else None
    return None


def _answered(content: Answer, fields: Mapping[str, str], moment: datetime | None) -> Answered | None:
    status = _number(_value(content, fields, "status"))
    if status is None or moment is None:
        return None
    response_type, error = _value(content, fields, "response_type"), _value(content, fields, "error")
    return Answered(
        minute=moment.replace(second=0, microsecond=0),
        status=status,
        count=1,
        response_type=response_type[:MOST_TYPE] if response_type else None,
        integration_status=_number(_value(content, fields, "integration_status")),
        route=_route(content, fields),
        error=masked(error[:MOST_MASKED])[:MOST_ERROR] if error else None,
    )


def _value(content: Answer, fields: Mapping[str, str], wanted: str) -> str | None:
    """The first of the variables that has a value; API Gateway writes a dash where there is none."""
    for variable in WANTED[wanted]:
        value = content.get(fields.get(variable, ""))
        if value not in (None, "", "-"):
            return str(value)
    return None


def _route(content: Answer, fields: Mapping[str, str]) -> str | None:
    route, method = _value(content, fields, "route"), _value(content, fields, "method")
    if route is None:
        return None
    return route[:128] if " " in route or method is None else f"{method} {route}"[:128]


def _number(value: str | None) -> int | None:
    return int(value) if value and value.isdecimal() and len(value) == 3 else None


def _moment(text: str) -> datetime | None:
    """Logs Insights writes 2026-11-20 14:46:02.123, in UTC."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
