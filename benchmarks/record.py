"""Runs the incident once on the lab and keeps what AWS answered, call by call."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient
from moto.core.botocore_stubber import BotocoreStubber

from benchmarks.answers import Answer, Recording, answer, fingerprint
from lab import Lab
from lab.recorder import Call
from lab.staging import ALARM_FUNCTION

SCENARIO = "release-breaks-responses"
MODE = "auto"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "BENCHMARK", "AWS_SECRET_ACCESS_KEY": "none"}


@dataclass(frozen=True, slots=True)
class Recorded:
    """The recording, where Slack was, and the calls that the diagnosis made."""

    recording: Recording
    slack_url: str
    calls: tuple[Call, ...]
    memory_megabytes: int

    def counts(self) -> Mapping[str, int]:
        """How often each operation was called."""
        return Counter(call.name for call in self.calls)

    def metrics_requested(self) -> int:
        """How many metrics GetMetricData was asked for; a query is one."""
        return sum(len(call.parameters.get("MetricDataQueries", ())) for call in self.calls)


def record() -> Recorded:
    """The incident's diagnosis, from its alarm to its messages."""
    with Lab.stage(SCENARIO, mode=MODE) as lab, _answers() as answers:
        event = lab.alarm_event()
        invocation = lab.send(event)
        assert invocation is not None
        assert not invocation.failed, invocation.error
        function = lab.stack.functions[ALARM_FUNCTION]
        region = {"AWS_REGION": lab.scenario.region, "AWS_DEFAULT_REGION": lab.scenario.region}
        environment = {**function.environment, **region, **CREDENTIALS}
        recording = Recording(event, lab.scenario.at.isoformat(), environment, dict(answers))
        calls = tuple(call for call in lab.calls if call.invocation == invocation.number)
        return Recorded(recording, lab.slack.url, calls, function.memory)


@dataclass(frozen=True, slots=True)
class InTheLab:
    """Seconds of the same event on the lab: until it had been published, and spent by the lab answering."""

    told: float
    answering: float


def in_the_lab(latency: float) -> InTheLab:
    """The event on a function of the lab that is warm; the lab answers on the same processors, in Python."""
    with Lab.stage(SCENARIO, mode=MODE, latency=latency) as lab:
        lab.send(lab.alarm_event())
        _forget(lab)
        known = len(lab.calls)
        with _timed() as spent:
            began = time.perf_counter()
            lab.send(lab.alarm_event())
        told = max(call.ended for call in lab.calls[known:] if call.name == "sns.Publish")
        return InTheLab(told - began, sum(spent) - latency * len(spent))


def _forget(lab: Lab) -> None:
    """Empty the table, so that the same event is a new one."""
    table = lab.stack.references["Table"]
    for item in lab.items():
        lab.client("dynamodb").delete_item(TableName=table, Key={name: item[name] for name in ("pk", "sk")})


@contextmanager
def _timed() -> Iterator[list[float]]:
    """Seconds that each answer took while the block lasts, added latency included."""
    spent, real_stub = list[float](), BotocoreStubber.__call__

    def stub(stubber: BotocoreStubber, event_name: str, request: Any, **rest: Any) -> Any:
        began = time.perf_counter()
        try:
            return real_stub(stubber, event_name, request, **rest)
        finally:
            spent.append(time.perf_counter() - began)

    with patch.object(BotocoreStubber, "__call__", stub):
        yield spent


@contextmanager
def _answers() -> Iterator[dict[str, Answer]]:
    """What is answered while the block lasts, by fingerprint."""
    found: dict[str, Answer] = {}
    current = threading.local()
    real_call, real_stub = BaseClient._make_api_call, BotocoreStubber.__call__  # type: ignore[attr-defined]

    def call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        current.call = fingerprint(client.meta.service_model.service_name, operation, parameters)
        return real_call(client, operation, parameters)

    def stub(stubber: BotocoreStubber, event_name: str, request: Any, **rest: Any) -> Any:
        name, response = getattr(current, "call", ""), real_stub(stubber, event_name, request, **rest)
        if response is not None:
            found[name] = answer(response.status_code, response.headers, response.content)
        return response

    with patch.object(BaseClient, "_make_api_call", call), patch.object(BotocoreStubber, "__call__", stub):
        yield found
