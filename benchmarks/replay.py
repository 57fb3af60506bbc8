"""Answers every AWS call from a recording, below botocore, after the same wait: all but the network is real.

botocore checks, writes and signs every request and reads every answer, as it does in Lambda. What is left
out is the TLS connection; a warm function has it open.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.httpsession import URLLib3Session

from benchmarks.answers import Answer, fingerprint


class NotRecordedError(RuntimeError):
    """A call that the recording has no answer to."""


class Body:
    """As much of a urllib3 answer as botocore reads."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        """The whole body in one piece."""
        yield self._content


@dataclass(slots=True)
class Replay:
    """AWS as it was recorded, from `start` until the process ends.

    A call is named by its fingerprint and how often it was made before. `held` names one that takes
    `held_for` seconds longer.
    """

    answers: Mapping[str, Answer]
    latency: float
    held: str = ""
    held_for: float = 0.0
    calls: list[tuple[str, float, float]] = field(default_factory=list)
    not_recorded: list[str] = field(default_factory=list)
    _current: threading.local = field(default_factory=threading.local)
    _made: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Take the network's place."""
        replay, real_call = self, BaseClient._make_api_call  # type: ignore[attr-defined]

        def call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            return replay._call(client, operation, parameters, real_call)

        def send(_: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            return replay._send(request)

        BaseClient._make_api_call = call  # type: ignore[attr-defined]
        URLLib3Session.send = send  # type: ignore[assignment,method-assign]

    def forget(self) -> None:
        """Count the calls anew."""
        self.calls.clear()
        self._made.clear()

    def _call(self, client: BaseClient, operation: str, parameters: dict[str, Any], real_call: Any) -> Any:
        same = fingerprint(client.meta.service_model.service_name, operation, parameters)
        with self._lock:
            name = f"{same}#{self._made[same]}"
            self._made[same] += 1
        self._current.same, self._current.name = same, name
        started = time.perf_counter()
        try:
            return real_call(client, operation, parameters)
        finally:
            self.calls.append((name, started, time.perf_counter()))

    def _send(self, request: AWSPreparedRequest) -> AWSResponse:
        found = self.answers.get(self._current.same)
        if found is None:
            self.not_recorded.append(self._current.same)
            raise NotRecordedError(self._current.same)
        time.sleep(self.latency + (self.held_for if self._current.name == self.held else 0.0))
        return AWSResponse(request.url, found.status, found.headers, Body(found.content()))  # type: ignore[arg-type]
