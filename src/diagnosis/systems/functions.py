"""A Lambda function: how it is set up, who may call it, what its figures say, and what its log says.

Words are those of the Lambda API reference (GetFunctionConfiguration, AliasConfiguration).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from diagnosis.series import NOT_LOOKED_UP, Metrics, Missing

# Parts of a function's figures: of the whole, of what one alias got, and of one version behind it.
ALIAS, VERSION = "alias:", "version:"


class Trouble(StrEnum):
    """What a line of a function's log tells of an invocation that failed."""

    EXCEPTION = "exceptions"
    TIMED_OUT = "time-outs"
    OUT_OF_MEMORY = "out of memory"
    EXITED = "exits of the runtime"
    NOT_STARTED = "failures to start"
    FORBIDDEN = "permissions that it lacks"


@dataclass(frozen=True, slots=True)
class LogLines:
    """How many lines of one minute tell of one kind of trouble."""

    minute: datetime
    trouble: Trouble
    count: int


@dataclass(frozen=True, slots=True)
class FunctionLog:
    """What the log says since `since`: lines that tell of trouble, newest first as far as `lines` reach.

    `samples` are the first line of each kind, cut short. `memory_used` is the most that a failed invocation
    used, in MB, None where no line tells it. `truncated` means that there were more lines.
    """

    log_group: str
    since: datetime
    lines: int
    truncated: bool
    found: tuple[LogLines, ...] = ()
    samples: Mapping[str, str] = field(default_factory=dict)
    memory_used: int | None = None


@dataclass(frozen=True, slots=True)
class Alias:
    """An alias: the version that it points to, and the shares (0 to 1) that go to others instead."""

    name: str
    version: str
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def versions(self) -> tuple[str, ...]:
        """Every version that gets requests through it, the main one first."""
        return (self.version, *(each for each, weight in self.weights.items() if weight > 0))


@dataclass(frozen=True, slots=True)
class Version:
    """A published version; `code` is the digest of its package."""

    number: str
    published: datetime | None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """How a function is set up. `modified` is the last change of its code or configuration.

    `names` are what its environment names of secrets and parameters: names and ARNs, never their values.
    `environment_error` is why Lambda cannot decrypt the environment, if it cannot.
    """

    runtime: str | None
    memory_megabytes: int
    timeout_seconds: float
    log_group: str
    modified: datetime | None = None
    version: str | None = None
    role: str | None = None
    key: str | None = None
    layers: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    state: str | None = None
    state_reason: str | None = None
    update_status: str | None = None
    update_reason: str | None = None
    environment_error: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A function, and the alias or version of it that is asked (`qualifier`, None for the newest code).

    `settings` are None where there is no such function. `reserved` is its reserved concurrency, None where
    it has none; `account_limit` is what all functions of the account and region share. `callers` are whom its
    resource policy lets in (services, accounts), None where it has no policy. `groups` are the ids of target
    groups that it is registered in. The account's own figures are in `metrics` with the part "account".
    """

    name: str
    arn: str
    qualifier: str | None = None
    settings: FunctionSettings | Missing | None = NOT_LOOKED_UP
    reserved: int | Missing | None = NOT_LOOKED_UP
    account_limit: int | Missing = NOT_LOOKED_UP
    aliases: tuple[Alias, ...] | Missing = NOT_LOOKED_UP
    versions: tuple[Version, ...] | Missing = NOT_LOOKED_UP
    callers: tuple[str, ...] | Missing | None = NOT_LOOKED_UP
    groups: tuple[str, ...] = ()
    metrics: Metrics | Missing = NOT_LOOKED_UP
    log: FunctionLog | Missing = NOT_LOOKED_UP

    @property
    def known(self) -> FunctionSettings | None:
        """How it is set up, as far as that could be read."""
        return None if isinstance(self.settings, Missing) else self.settings

    @property
    def alias(self) -> Alias | None:
        """The alias that is asked, where it is one."""
        aliases = () if isinstance(self.aliases, Missing) else self.aliases
        return next((each for each in aliases if each.name == self.qualifier), None)

    def identifiers(self) -> Iterator[str]:
        """By what a recorded change may name it, its role and key, and what its environment names."""
        yield from (self.arn, f"function:{self.name}")
        settings = self.known
        if settings:
            yield from filter(None, (settings.role, settings.key))
            yield from (*settings.layers, *settings.security_groups, *settings.names)
