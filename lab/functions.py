"""Runs the very handlers, each as if in a process of its own: modules, environment, context, output."""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from lab.clock import Clock
from lab.stack import Function

# A developer's own settings must not reach the functions.
_FOREIGN = (
    "AWS_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_ENDPOINT_URL",
    "AWS_SESSION_TOKEN",
)


class TimedOutError(Exception):
    """The function took longer than its time-out allows."""


class NotJsonError(TypeError):
    """The handler returned something that Lambda cannot turn into JSON."""


@dataclass(frozen=True)
class LambdaContext:
    """The context object of the Python runtime (developer guide, "Lambda context object in Python")."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    aws_request_id: str
    timeout: float
    waited: Callable[[], float]
    started: float = field(default_factory=time.perf_counter)
    function_version: str = "$LATEST"

    @property
    def log_group_name(self) -> str:
        """The log group, by its usual name."""
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        """A log stream."""
        return "lab/[$LATEST]0"

    def get_remaining_time_in_millis(self) -> int:
        """What is left of the time-out, by real time and by what was waited without the clock running."""
        return max(0, int((self.timeout - self.elapsed()) * 1000))

    def elapsed(self) -> float:
        """Seconds since the invocation began."""
        return time.perf_counter() - self.started + self.waited()

    def check_time(self) -> None:
        """Raise TimedOutError when the function took longer than it may."""
        if self.elapsed() > self.timeout:
            raise TimedOutError(f"Task timed out after {self.timeout:.2f} seconds")


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a function: what went in, what came out, what it printed."""

    number: int
    function: str
    event: Any
    seconds: float
    result: Any = None
    error: str | None = None
    error_type: str | None = None
    output: str = ""

    @property
    def failed(self) -> bool:
        """Whether the handler raised."""
        return self.error is not None


class _Output(io.TextIOBase):
    """Standard output of the functions; outlives a lab, since loggers keep the stream they began with."""

    def __init__(self) -> None:
        self.sink: io.StringIO | None = None

    def write(self, text: str) -> int:
        return (self.sink or sys.__stdout__ or io.StringIO()).write(text)

    def flush(self) -> None:
        """Nothing is held back."""


_output = _Output()


class Functions:
    """The functions of one lab, each with its own copy of the handlers' modules, and kept warm."""

    def __init__(self, clock: Clock, account: str, region: str) -> None:
        self._clock = clock
        self._account = account
        self._region = region
        self._modules: dict[str, dict[str, ModuleType]] = {}
        self.invocations: list[Invocation] = []

    def invoke(self, function: Function, event: Any, request_id: str | None = None) -> Invocation:
        """Run the handler; what it raises is in the invocation, as Lambda reports it."""
        event = json.loads(json.dumps(event))
        context = LambdaContext(
            function_name=function.physical_name,
            invoked_function_arn=function.arn,
            memory_limit_in_mb=function.memory,
            aws_request_id=request_id or str(uuid.uuid4()),
            timeout=function.timeout,
            waited=self._clock.spent,
        )
        result, error, kind, output = None, None, None, io.StringIO()
        with self._process(function, output):
            try:
                result = _jsonable(self._handler(function)(event, context))
                context.check_time()
            except Exception as raised:  # noqa: BLE001 - Lambda, too, turns whatever a handler raises into a report
                result, error, kind = None, "".join(traceback.format_exception(raised)), type(raised).__name__
        invocation = Invocation(
            len(self.invocations) + 1,
            function.name,
            event,
            context.elapsed(),
            result,
            error,
            kind,
            output.getvalue(),
        )
        self.invocations.append(invocation)
        self._clock.settle()
        return invocation

    def _handler(self, function: Function) -> Callable[[Any, LambdaContext], Any]:
        module, _, name = function.handler.rpartition(".")
        handler: Callable[[Any, LambdaContext], Any] = getattr(importlib.import_module(module), name)
        return handler

    @contextmanager
    def _process(self, function: Function, output: io.StringIO) -> Iterator[None]:
        with (
            patch.dict(os.environ, self._environment(function)),
            _code_on_path(function.code),
            self._own_modules(function),
            redirect_stdout(_output),
        ):
            for name in _FOREIGN:
                os.environ.pop(name, None)
            before, _output.sink = _output.sink, output
            try:
                yield
            finally:
                _output.sink = before

    def _environment(self, function: Function) -> dict[str, str]:
        return {
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,
            "AWS_ACCESS_KEY_ID": "LABACCESSKEY",
            "AWS_SECRET_ACCESS_KEY": "lab",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_LAMBDA_FUNCTION_NAME": function.physical_name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "_X_AMZN_TRACE_ID": "Root=1-00000000-000000000000000000000000",
        } | dict(function.environment)

    @contextmanager
    def _own_modules(self, function: Function) -> Iterator[None]:
        """Give the function its own copy of its handler's package: that is where clients are kept."""
        package = function.handler.split(".", 1)[0]
        outside = _taken_out(package)
        sys.modules.update(self._modules.get(function.name, {}))
        try:
            yield
        finally:
            self._modules[function.name] = _taken_out(package)
            sys.modules.update(outside)


def _taken_out(package: str) -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name == package or name.startswith(f"{package}.")]
    return {name: sys.modules.pop(name) for name in names}


@contextmanager
def _code_on_path(code: Path) -> Iterator[None]:
    """The code's directory first on the import path, as in Lambda."""
    sys.path.insert(0, str(code))
    try:
        yield
    finally:
        sys.path.remove(str(code))


def _jsonable(result: Any) -> Any:
    try:
        return json.loads(json.dumps(result))
    except (TypeError, ValueError) as error:
        raise NotJsonError(f"Runtime.MarshalError: {error}") from error


def environment_of(function: Function) -> Mapping[str, str]:
    """The environment variables that the template gives the function."""
    return function.environment
