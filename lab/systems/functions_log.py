"""The log of a function in text: what Lambda and the Python runtime write ("Viewing logs")."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from lab.scenario import Scenario
from lab.systems import counts
from lab.systems.functions_data import FunctionData, Logged

FIRST_LOGGED, LAST_LOGGED = -40, 20
MOST_A_MINUTE, SUCCESSES_A_MINUTE = 40, 3
_TRACE = 'Traceback (most recent call last):\n  File "/var/task/app.py", line 42, in handler'

Event = tuple[datetime, str]


def events(scenario: Scenario, data: FunctionData) -> list[Event]:
    """The lines of all that failed, of very busy minutes a part, and of a few that went well."""
    found: list[Event] = []
    for number, logged in enumerate(data.log):
        drawn = counts(scenario, f"functions/{data.name}/log/{number}", logged.count)
        for minute in range(FIRST_LOGGED, LAST_LOGGED + 1):
            many = min(MOST_A_MINUTE, drawn.get(minute, 0))
            for index in range(many):
                at = scenario.moment(minute) + timedelta(seconds=60 * (index + 0.5) / many)
                found.extend((at, line) for line in _failed(data, logged, at, f"{number}/{minute}/{index}"))
    for minute in range(FIRST_LOGGED, LAST_LOGGED + 1):
        if data.invocations.at(minute):
            for index in range(SUCCESSES_A_MINUTE):
                at = scenario.moment(minute) + timedelta(seconds=20 * index + 7)
                found.extend((at, line) for line in _well(data, f"well/{minute}/{index}"))
    return sorted(found)


def _id(data: FunctionData, key: str) -> str:
    digest = hashlib.sha256(f"{data.name}/{key}".encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"


def _report(data: FunctionData, id_: str, milliseconds: float, memory: int, status: str = "") -> str:
    end = f"\tStatus: {status}" if status else ""
    return (
        f"REPORT RequestId: {id_}\tDuration: {milliseconds:.2f} ms\tBilled Duration: {milliseconds:.0f} ms"
        f"\tMemory Size: {data.memory} MB\tMax Memory Used: {memory} MB{end}"
    )


def _well(data: FunctionData, key: str) -> Iterator[str]:
    id_ = _id(data, key)
    yield f"START RequestId: {id_} Version: {data.version}"
    yield "[INFO]\tan order was accepted"
    yield f"END RequestId: {id_}"
    yield _report(data, id_, 88.0, data.memory // 3)


def _failed(data: FunctionData, logged: Logged, at: datetime, key: str) -> Iterator[str]:
    id_, memory = _id(data, key), logged.memory_used or data.memory // 3
    match logged.kind:
        case "exception":
            yield f"[ERROR] {logged.text or 'RuntimeError: no such order'}\n{_TRACE}"
            yield _report(data, id_, 31.0, memory)
        case "timeout":
            yield f"{at:%Y-%m-%dT%H:%M:%S}.000Z {id_} Task timed out after {data.timeout:.2f} seconds"
            yield _report(data, id_, data.timeout * 1000.0, memory, "timeout")
        case "out_of_memory":
            yield f"RequestId: {id_} Error: Runtime exited with error: signal: killed\nRuntime.ExitError"
            used = logged.memory_used or data.memory
            yield _report(data, id_, 2412.0, used, "error\tError Type: Runtime.OutOfMemory")
        case "exit":
            yield f"RequestId: {id_} Error: Runtime exited with error: exit status 1\nRuntime.ExitError"
            yield _report(data, id_, 412.0, memory, "error\tError Type: Runtime.ExitError")
        case "init":
            text = logged.text or "Unable to import module 'app': No module named 'orders'"
            yield f"[ERROR] Runtime.ImportModuleError: {text}\nTraceback (most recent call last):"
            status = "Status: error\tError Type: Runtime.ImportModuleError"
            yield f"INIT_REPORT Init Duration: 312.11 ms\tPhase: init\t{status}"
        case "forbidden":
            action = logged.text or "secretsmanager:GetSecretValue"
            who = f"arn:aws:sts::123456789012:assumed-role/{data.role}/{data.name}"
            yield (
                f"[ERROR] ClientError: An error occurred (AccessDeniedException): User: {who} is not"
                f" authorized to perform: {action} because no identity-based policy allows it\n{_TRACE}"
            )
            yield _report(data, id_, 95.0, memory)
        case "handled":
            yield f"[WARNING]\t{id_}\t{logged.text or 'RetryException, trying again'}"
