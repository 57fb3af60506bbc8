"""A deployed stack: functions, roles, and what wakes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STACK_NAME = "gateway-triage"


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the stack as Lambda would run it."""

    name: str
    physical_name: str
    arn: str
    handler: str
    code: Path
    environment: Mapping[str, str]
    timeout: float
    memory: int
    role: str
    retries: int = 2
    on_failure: str | None = None
    reserved_concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class QueueSource:
    """A queue that wakes a function."""

    function: str
    queue_arn: str
    queue_url: str
    batch_size: int
    reports_failures: bool


@dataclass(frozen=True, slots=True)
class EventRule:
    """A rule of EventBridge and the functions it wakes."""

    pattern: str
    functions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Role:
    """An execution role: its statements, and the managed policies it carries."""

    name: str
    statements: tuple[Mapping[str, Any], ...]
    managed: tuple[str, ...]


@dataclass(slots=True)
class Stack:
    """A deployed stack."""

    functions: dict[str, Function] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    rules: list[EventRule] = field(default_factory=list)
    sources: list[QueueSource] = field(default_factory=list)
    references: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    topics: list[str] = field(default_factory=list)
    queues: dict[str, str] = field(default_factory=dict)

    def role_of(self, function: str) -> Role:
        """The role of that function."""
        return self.roles[self.functions[function].role]
