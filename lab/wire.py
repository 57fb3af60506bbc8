"""The lab's place between botocore and moto: records, delays, breaks, answers itself, or lets moto answer.

Real clients build every request and parse every answer: validation, retries and errors are the real ones.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from botocore.retries.standard import ExponentialBackoff
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model

from lab import errors, shapes
from lab.clock import Clock, really_sleep
from lab.errors import AwsError
from lab.recorder import Call

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]
Check = Callable[[Mapping[str, Any]], None]

# A pool's tasks inherit them from the thread that hands them in (lab.waiting).
_function: ContextVar[str | None] = ContextVar("function", default=None)
_invocation: ContextVar[int] = ContextVar("invocation", default=0)
# The region of the client that asks, for answers that differ by region (CloudFront's metrics).
asking_region: ContextVar[str | None] = ContextVar("asking_region", default=None)

FAULT_KINDS = ("AccessDenied", "Throttling", "ServerError", "Timeout", "Unreachable")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with an operation; `times` attempts fail (None: every one)."""

    kind: str
    times: int | None = None
    function: str | None = None


class Kept(dict[str, Any]):
    """A long answer that is given again, so it is checked and written for the wire only once."""

    reply: tuple[int, dict[str, str], bytes] | None = None

    def as_json(self) -> bytes:
        """As the JSON protocols have it: times in seconds since 1970."""
        return json.dumps(self, default=datetime.timestamp).encode()


class UnknownToLabError(NotImplementedError):
    """An operation that neither the lab nor moto can answer truthfully."""


class Wire:
    """Stands between the clients and moto for as long as `connected` lasts."""

    def __init__(self, clock: Clock, latency: float, faults: Mapping[str, Fault]) -> None:
        self.calls: list[Call] = []
        self.latency = latency
        self.faults = dict(faults)
        self.function, self.invocation = None, 0
        self._clock = clock
        self._answers: dict[str, Answer] = {}
        self._checks: dict[str, Check] = {}
        self._owned: set[str] = set()
        self._current = threading.local()
        self._lock = threading.Lock()

    @property
    def function(self) -> str | None:
        """The function that this thread works for, also when it outlives the invocation; None: the lab."""
        return _function.get()

    @function.setter
    def function(self, name: str | None) -> None:
        _function.set(name)

    @property
    def invocation(self) -> int:
        """The number of the invocation that this thread works for."""
        return _invocation.get()

    @invocation.setter
    def invocation(self, number: int) -> None:
        _invocation.set(number)

    def answer(self, service: str, operations: Mapping[str, Answer], *, whole_service: bool = False) -> None:
        """Let the lab answer these operations; with `whole_service` no other one of it reaches moto."""
        self._answers.update({f"{service}.{name}": handler for name, handler in operations.items()})
        if whole_service:
            self._owned.add(service)

    def answered(self) -> list[str]:
        """The operations that the lab answers itself, as `service.Operation`."""
        return sorted(self._answers)

    def check(self, service: str, operation: str, check: Check) -> None:
        """Look at the parameters before moto answers; the check raises AwsError."""
        self._checks[f"{service}.{operation}"] = check

    @contextmanager
    def connected(self) -> Iterator[Wire]:
        """Stand between the clients and moto."""
        real_call, real_stub = BaseClient._make_api_call, BotocoreStubber.__call__  # type: ignore[attr-defined]

        def call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            return self._record(client, operation, parameters, real_call)

        def send(stubber: BotocoreStubber, event_name: str, request: AWSPreparedRequest, **rest: Any) -> Any:
            return self._send(request, lambda: real_stub(stubber, event_name, request, **rest))

        with ExitStack() as patches:
            patches.enter_context(patch.object(BaseClient, "_make_api_call", call))
            patches.enter_context(patch.object(BotocoreStubber, "__call__", send))
            patches.enter_context(patch.object(ExponentialBackoff, "delay_amount", _usual_delay))
            patches.enter_context(_models_read_once())
            yield self

    def _record(
        self, client: BaseClient, operation: str, parameters: Mapping[str, Any], real_call: Callable[..., Any]
    ) -> Any:
        call = self._begin(client, operation, parameters)
        before, self._current.call = getattr(self._current, "call", None), (call, client.meta.service_model)
        try:
            return real_call(client, operation, parameters)
        except ClientError as error:
            call.error = error.response.get("Error", {}).get("Code", "Unknown")
            raise
        except Exception as error:
            call.error = type(error).__name__
            raise
        finally:
            call.ended = time.perf_counter()
            self._current.call = before

    def _begin(self, client: BaseClient, operation: str, parameters: Mapping[str, Any]) -> Call:
        call = Call(
            function=self.function or "",
            service=client.meta.service_model.service_name,
            operation=operation,
            parameters=dict(parameters),
            region=client.meta.region_name,
            invocation=self.invocation,
            started=time.perf_counter(),
            read_timeout=float(client.meta.config.read_timeout or 60),  # type: ignore[attr-defined]
            endpoint=client.meta.endpoint_url,
        )
        if self.function is not None:
            with self._lock:
                self.calls.append(call)
        return call

    def _send(
        self, request: AWSPreparedRequest, ask_moto: Callable[[], AWSResponse | None]
    ) -> AWSResponse | None:
        current = getattr(self._current, "call", None)
        if current is None:
            return ask_moto()
        call, model = current
        call.attempts += 1
        operation = model.operation_model(call.operation)
        try:
            if call.function:
                self._hinder(call)
            answered = self._answered(call, operation)
        except AwsError as error:
            return _reply(request, errors.response(error, model))
        if answered is None:
            return ask_moto()
        if not isinstance(answered, Kept):
            return _reply(request, _serialised(operation, answered))
        if answered.reply is None:
            answered.reply = _serialised(operation, answered)
        return _reply(request, answered.reply)

    def _hinder(self, call: Call) -> None:
        """Add the latency, then the fault that is set for the operation, if any is left."""
        really_sleep(self.latency)
        fault = self._fault_for(call)
        if fault is None:
            return
        if fault.kind == "Timeout":
            self._clock.spend(call.read_timeout)
            raise ReadTimeoutError(endpoint_url=call.endpoint)
        if fault.kind == "Unreachable":
            raise EndpointConnectionError(endpoint_url=call.endpoint, error="the lab's network is down")
        if fault.kind == "AccessDenied":
            from lab.permissions import iam_action

            raise errors.access_denied(call.service, iam_action(call.service, call.operation), call.function)
        raise errors.throttled(call.service) if fault.kind == "Throttling" else errors.server_error()

    def _fault_for(self, call: Call) -> Fault | None:
        with self._lock:
            for name in (call.name, f"{call.service}.*"):
                fault = self.faults.get(name)
                if fault is None or fault.function not in (None, call.function):
                    continue
                if fault.times is not None:
                    if fault.times <= 0:
                        continue
                    self.faults[name] = replace(fault, times=fault.times - 1)
                return fault
        return None

    def _answered(self, call: Call, operation: OperationModel) -> Mapping[str, Any] | None:
        if call.name in self._checks:
            self._checks[call.name](call.parameters)
        handler = self._answers.get(call.name)
        if handler is None:
            if call.service in self._owned:
                raise UnknownToLabError(
                    f"the lab has no {call.name}; add it where the lab answers {call.service}"
                )
            return None
        asking_region.set(call.region)
        answer = handler(call.parameters)
        if isinstance(answer, Kept) and answer.reply:
            return answer
        wrong = shapes.problems(operation, answer)
        if wrong:
            raise AssertionError(f"the lab's answer to {call.name} has the wrong shape: {'; '.join(wrong)}")
        return answer


def _serialised(operation: OperationModel, answer: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """The answer on the wire, in the protocol that the client chose, written by moto's serializers."""
    model: ServiceModel = operation.service_model
    if isinstance(answer, Kept) and model.resolved_protocol == "json":
        return 200, {"Content-Type": "application/x-amz-json-1.0"}, answer.as_json()
    for_moto = get_service_model(model.service_name).operation_model(operation.name)
    reply = get_serializer_class(model.service_name, model.resolved_protocol)(for_moto).serialize(answer)
    body = reply["body"]
    return reply["status_code"], dict(reply["headers"]), body.encode() if isinstance(body, str) else body


def _reply(request: AWSPreparedRequest, reply: tuple[int, dict[str, str], bytes]) -> AWSResponse:
    status, headers, body = reply
    return AWSResponse(request.url, status, headers, MockRawResponse(body))  # type: ignore[arg-type]


_drawn_delay = ExponentialBackoff.delay_amount


def _usual_delay(backoff: ExponentialBackoff, context: Any) -> float:
    """What a client waits before it tries again: a fifth of the most, so that a run can be repeated."""
    backoff._random = lambda: 0.2  # type: ignore[attr-defined]
    delay: float = _drawn_delay(backoff, context)
    return delay


_models: dict[tuple[object, ...], Any] = {}


@contextmanager
def _models_read_once() -> Iterator[None]:
    """Read each of botocore's models once in a process: each function has sessions of its own, as in AWS."""
    with ExitStack() as patches:
        for name in ("load_service_model", "load_data_with_path", "load_data"):
            patches.enter_context(patch.object(Loader, name, _remembered(getattr(Loader, name))))
        yield


def _remembered(read: Callable[..., Any]) -> Callable[..., Any]:
    def remembered(loader: Loader, *names: Any, **options: Any) -> Any:
        key = (read.__name__, tuple(loader.search_paths), names, tuple(sorted(options.items())))
        if key not in _models:
            _models[key] = read(loader, *names, **options)
        return _models[key]

    return remembered
