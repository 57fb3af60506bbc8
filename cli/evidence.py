"""The part of the demo about reading: each AWS call of the alarm function, when, and how long it took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from cli.page import BAD, INDENT, QUIET, Page
from lab import Call, Lab

OWN = {
    "dynamodb": "memory and locks",
    "ssm": "kill switch",
    "secretsmanager": "Slack secret",
    "sns": "message",
    "sqs": "queues",
}
NAME, TOOK = 40, 9


def under_way(lab: Lab) -> str:
    """What is being read at this very moment, for the progress line."""
    calls = list(lab.calls)
    open_calls = [call.name for call in calls if not call.ended]
    return f"reading: {len(calls) - len(open_calls)} AWS calls done  {', '.join(dict.fromkeys(open_calls))}"


def show(page: Page, lab: Lab, invocation: int) -> None:
    """Every operation that read evidence, with its calls side by side in time; the others in a sentence."""
    calls = [call for call in lab.calls if call.invocation == invocation]
    read = [call for call in calls if call.service not in OWN]
    page.heading("3  The evidence: every AWS call, how long it took, and when")
    if not read:
        page.text("Nothing was read.")
        return
    begun, ended = min(call.started for call in read), max(call.ended for call in read)
    room = page.width - INDENT - NAME - TOOK - 2
    for operation in _by_operation(read):
        _show_operation(page, operation, begun, ended, room)
    page.blank()
    page.text(_summary(read, ended - begun))
    page.text(_others(call for call in calls if call.service in OWN))
    page.text(
        "Times are of the embedded AWS and this machine; docs/performance.md has them with real distances.",
        QUIET,
    )


def _by_operation(calls: Iterable[Call]) -> list[list[Call]]:
    """The calls of each operation together, in the order in which they began."""
    named = sorted(calls, key=lambda call: (call.name, call.started))
    grouped = [list(group) for _, group in groupby(named, key=lambda call: call.name)]
    return sorted(grouped, key=lambda group: group[0].started)


def _show_operation(page: Page, calls: Sequence[Call], begun: float, ended: float, room: int) -> None:
    longest = 1000 * max(call.seconds for call in calls)
    times = f" x{len(calls)}" if len(calls) > 1 else ""
    asked = sum(_series_asked(call.parameters) for call in calls)
    detail = f" ({asked} series)" if asked else ""
    errors = sorted({call.error for call in calls if call.error})
    page.parts(
        (" " * INDENT, ""),
        (f"{calls[0].name + times + detail:<{NAME}}", ""),
        (f"{longest:>{TOOK - 3},.0f} ms", BAD if errors else ""),
        (f"  {_drawn(calls, begun, ended, room)}", "blue"),
    )
    for error in errors:
        page.text(f"failed: {error}", BAD, indent=INDENT + 2)


def _series_asked(parameters: Mapping[str, Any]) -> int:
    return len(parameters.get("MetricDataQueries", ()))


def _drawn(calls: Sequence[Call], begun: float, ended: float, room: int) -> str:
    """A line of time with a stroke from the start to the end of each call."""
    scale = (room - 1) / max(ended - begun, 1e-6)
    line = [" "] * room
    for call in calls:
        for column in range(round((call.started - begun) * scale), round((call.ended - begun) * scale) + 1):
            line[min(column, room - 1)] = "━"
    return "".join(line)


def _summary(read: Sequence[Call], seconds: float) -> str:
    alone = sum(call.seconds for call in read)
    return (
        f"{len(read)} calls in {1000 * seconds:,.0f} ms, the longest of each operation above; "
        f"one after the other they would have taken {1000 * alone:,.0f} ms."
    )


def _others(calls: Iterable[Call]) -> str:
    found = list(calls)
    services = ", ".join(
        f"{what} ({name})" for name, what in OWN.items() if any(call.service == name for call in found)
    )
    return f"Besides, {len(found)} calls for {services}."
