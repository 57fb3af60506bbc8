"""Starts the processes that are measured and reads what they report."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import answers
from benchmarks.chain import late, longest_chain
from benchmarks.package import ROOT, Package
from benchmarks.record import Recorded
from lab.slack import Refusal, Slack

LATENCY = 0.05
WARM_RUNS = 15
COLD_RUNS = 9
HELD_SECONDS = 0.5


class MeasuredWrongError(RuntimeError):
    """The process failed or left the recording, so that its figures mean nothing."""


@dataclass(frozen=True, slots=True)
class Warm:
    """A warm function, medians in seconds: until the last message, until its end, and processor time."""

    told: float
    slowest: float
    returned: float
    processor: float
    calls: int


@dataclass(frozen=True, slots=True)
class Cold:
    """A function's first event, medians in seconds; `processor` is processor time of both together."""

    imports: float
    event: float
    processor: float

    @property
    def total(self) -> float:
        """From the first import to the answer."""
        return self.imports + self.event


class SlowSlack(Slack):
    """Slack, as far away as AWS is."""

    def __init__(self, latency: float) -> None:
        super().__init__()
        self._latency = latency

    def take(self, path: str, body: bytes, headers: Mapping[str, str]) -> Refusal:
        """Take the post after a while."""
        time.sleep(self._latency)
        return super().take(path, body, headers)


def warm(recorded: Recorded, package: Package, latency: float, runs: int = WARM_RUNS) -> Warm:
    """The median of several events after the first."""
    figures = _report("warm", recorded, package, latency, str(runs))["runs"]
    return Warm(
        told=median(run["told"] for run in figures),
        slowest=max(run["told"] for run in figures),
        returned=median(run["returned"] for run in figures),
        processor=median(run["processor"] for run in figures),
        calls=sum(not name.startswith("slack") for name, _, _ in figures[0]["calls"]),
    )


def chain(recorded: Recorded, package: Package) -> Sequence[str]:
    """The longest chain of calls that wait for one another, from the event to the last message.

    Each call is held up in turn; what then begins later waits for it. Twice, because a busy machine holds
    calls up as well.
    """
    rounds = [_report("held", recorded, package, HELD_SECONDS) for _ in range(2)]
    base = rounds[0]["base"]
    waits_for: dict[str, set[str]] = {call: set() for call in base}
    for call in base:
        for waiting in set.intersection(
            *(late(each["base"], each["held"][call], HELD_SECONDS / 2) for each in rounds)
        ):
            waits_for[waiting].add(call)
    return longest_chain(base, waits_for)


def first_events(recorded: Recorded, package: Package, runs: int = COLD_RUNS) -> dict[tuple[str, bool], Cold]:
    """The `cold` alarm function and the `bare` one, with bytecode (True) and without.

    They take turns, so that a busy moment of the machine hits all alike.
    """
    kinds = [(what, bytecode) for bytecode in (True, False) for what in ("bare", "cold")]
    found: dict[tuple[str, bool], list[dict[str, float]]] = {kind: [] for kind in kinds}
    for _ in range(runs):
        for what, bytecode in kinds:
            report = _report(what, recorded, package, 0.0, bytecode=bytecode)
            found[what, bytecode].append(report)
    return {kind: _cold(reports) for kind, reports in found.items()}


def first_message(recorded: Recorded, package: Package, latency: float, runs: int = COLD_RUNS) -> float:
    """Median seconds from the first import of a new function to its last message."""
    told: list[float] = [_report("cold", recorded, package, latency)["told"] for _ in range(runs)]
    return median(told)


def _cold(reports: Sequence[Mapping[str, float]]) -> Cold:
    return Cold(*(median(each[name] for each in reports) for name in ("imports", "event", "processor")))


def _report(
    what: str, recorded: Recorded, package: Package, latency: float, *more: str, bytecode: bool = True
) -> dict[str, Any]:
    code = package.compiled if bytecode else package.plain
    with _staged(recorded, latency) as (recording, report):
        command = [package.python, "-S", "-B", "-m", "benchmarks.invocation", what]
        arguments = [str(recording), str(report), str(latency), *more]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{code}{os.pathsep}{ROOT}"}
        done = subprocess.run(
            [*command, *arguments],
            env=environment,
            cwd=report.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise MeasuredWrongError(done.stderr)
        figures: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    if figures["not_recorded"]:
        raise MeasuredWrongError(f"not as recorded: {figures['not_recorded']}")
    return figures


@contextmanager
def _staged(recorded: Recorded, latency: float) -> Iterator[tuple[Path, Path]]:
    """The files for the recording, which leads to a Slack that is open now, and for the report."""
    secret = "secretsmanager.GetSecretValue"  # noqa: S105 - the name of an operation
    with tempfile.TemporaryDirectory() as folder, SlowSlack(latency) as slack:
        recording = answers.moved(recorded.recording, secret, recorded.slack_url, slack.url)
        path = Path(folder) / "recording.json"
        answers.write(recording, path)
        yield path, Path(folder) / "report.json"
