"""Reads what the log of a function says of failed invocations, only when its errors rose.

The lines are those of the runtimes and of Lambda itself (Lambda developer guide, "Viewing logs", and
"Troubleshoot invocation issues"), in text or JSON.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from collectors.log_queries import PERMISSIONS as LOG_PERMISSIONS
from collectors.log_queries import search
from collectors.masking import masked
from collectors.reading import READ_ERRORS, Scope, failure
from diagnosis.onset import find_onset
from diagnosis.series import NOT_LOOKED_UP, Metrics, Missing
from diagnosis.systems.functions import Function, FunctionLog, LogLines, Trouble

__all__ = ["LOG_PERMISSIONS", "parse_log", "read_log"]

LOOK_BACK = timedelta(minutes=20)
MOST_LINES, MOST_SAMPLE, MOST_LINE = 500, 240, 4000

# What to look for, the surest first: a line, and with it the invocation that it is of, counts as the first
# kind that fits.
TROUBLES: tuple[tuple[Trouble, re.Pattern[str]], ...] = (
    (
        Trouble.OUT_OF_MEMORY,
        re.compile(
            r"Runtime\.OutOfMemory|signal: killed|heap out of memory|OutOfMemoryError|OutOfMemoryException"
            r"|\bMemoryError\b|fatal error: runtime: out of memory"
        ),
    ),
    (Trouble.TIMED_OUT, re.compile(r'Task timed out after|Status: timeout|"status":\s*"timeout"')),
    (
        Trouble.FORBIDDEN,
        re.compile(
            r"is not authorized to perform|AccessDenied|UnrecognizedClientException|AccessDeniedException"
        ),
    ),
    (
        Trouble.NOT_STARTED,
        re.compile(
            r"Runtime\.(?:ImportModuleError|HandlerNotFound|InvalidEntrypoint|UserCodeSyntaxError|MalformedHandlerName)"
            r"|Phase: init\s+Status: (?:error|timeout)|Unable to import module|Extension\.\w+Error"
        ),
    ),
    (
        Trouble.EXCEPTION,
        re.compile(
            r"\[ERROR\]|Traceback \(most recent|Invoke Error|Uncaught Exception|[Uu]nhandled"
            r'|"?error(?:Type|Message)"?\s*:|Exception\b'
        ),
    ),
    (
        Trouble.EXITED,
        re.compile(r'Runtime exited|Runtime\.ExitError|Process exited|Status: error|"status":\s*"error"'),
    ),
)
# One expression for the query: what any of them needs to be found.
WANTED = "|".join(
    (
        "Task timed out", "Status: timeout", "Status: error", r"Runtime\.[A-Z]", "Runtime exited",
        "signal: killed", "out of memory",
        "OutOfMemory", "MemoryError", "not authorized to perform", "AccessDenied", "UnrecognizedClient",
        "Unable to import module", "Extension", r"\[ERROR\]", "Traceback", "Invoke Error", "Uncaught",
        "[Uu]nhandled", "errorType", "errorMessage", "Exception", "Process exited",
        r'"status":\s*"(error|timeout)"',
    )
)  # fmt: skip
QUERY = (
    f"fields @timestamp, @message | filter @message like /{WANTED}/"
    f" | sort @timestamp desc | limit {MOST_LINES}"
)
_INVOCATION = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_MEMORY = re.compile(r'Max Memory Used: (\d{1,6}) MB|"maxMemoryUsedMB":\s*(\d{1,6})')


def read_log(
    scope: Scope, function: Function, read: Mapping[str, object], region: str | None = None
) -> FunctionLog | Missing:
    """What the log says since some minutes before; not looked up where the function's errors did not rise.

    Searching costs money by the gigabyte.
    """
    settings = function.known
    if settings is None or not _called_for(function.metrics):
        return NOT_LOOKED_UP
    since = scope.now - LOOK_BACK
    try:
        lines = search(scope, (settings.log_group,), QUERY, since, scope.now, MOST_LINES, region)
    except READ_ERRORS as error:
        return failure("logs", error)
    return parse_log(lines, settings.log_group, since)


def _called_for(metrics: Metrics | Missing) -> bool:
    if isinstance(metrics, Missing):
        return False
    return find_onset(metrics.counts("Errors"), metrics.counts("Invocations")) is not None


def parse_log(lines: Iterable[Mapping[str, str]], log_group: str, since: datetime) -> FunctionLog:
    """The lines counted by minute and by what they tell, each invocation once."""
    seen: dict[str, tuple[datetime, Trouble]] = {}
    samples: dict[Trouble, str] = {}
    memory: list[int] = []
    count = 0
    for count, line in enumerate(lines, start=1):
        text, at = line.get("@message", "")[:MOST_LINE], _moment(line.get("@timestamp", ""))
        trouble = _trouble(text)
        if trouble is None or at is None:
            continue
        memory += [int(used) for found in _MEMORY.findall(text) for used in found if used]
        # The first line is the one that was written first: they come newest first.
        samples[trouble] = text
        invocation = _INVOCATION.search(text)
        _note(seen, invocation.group() if invocation else f"line {count}", at, trouble)
    counted = Counter((at.replace(second=0, microsecond=0), trouble) for at, trouble in seen.values())
    return FunctionLog(
        log_group=log_group,
        since=since,
        lines=count,
        truncated=count >= MOST_LINES,
        found=tuple(
            LogLines(minute, trouble, number) for (minute, trouble), number in sorted(counted.items())
        ),
        samples={trouble.value: _shown(samples[trouble]) for trouble in Trouble if trouble in samples},
        memory_used=max(memory, default=None),
    )


def _note(seen: dict[str, tuple[datetime, Trouble]], invocation: str, at: datetime, trouble: Trouble) -> None:
    """Keep the surest of what the lines of an invocation tell."""
    known = seen.get(invocation)
    if known is None or _ORDER[trouble] < _ORDER[known[1]]:
        seen[invocation] = (at, trouble)


_ORDER = {trouble: index for index, (trouble, _) in enumerate(TROUBLES)}


def _trouble(text: str) -> Trouble | None:
    return next((trouble for trouble, pattern in TROUBLES if pattern.search(text)), None)


def _shown(text: str) -> str:
    """One line of it, short enough to be quoted, without what may be a secret or may name a person."""
    return " ".join(masked(text).split())[:MOST_SAMPLE]


def _moment(text: str) -> datetime | None:
    """Logs Insights writes 2026-11-20 14:46:02.123, in UTC."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
