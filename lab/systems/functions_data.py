"""What a scenario says of Lambda functions; minutes count from the alarm, times are in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.strict import Section, read
from lab.timeline import ZERO, Timeline, constant

# The principals that call a function for a load balancer and for an API.
USUAL_CALLERS = ("elasticloadbalancing.amazonaws.com", "apigateway.amazonaws.com")
TROUBLES = ("exception", "timeout", "out_of_memory", "exit", "init", "forbidden", "handled")
LONG_AGO = -20_000.0
STATES = ("Active", "Inactive", "Pending", "Failed")
UPDATES = ("Successful", "Failed", "InProgress")


@dataclass(frozen=True, slots=True)
class Logged:
    """Lines of one kind in the log: how many invocations a minute write them, and what they say."""

    kind: str
    count: Timeline
    text: str
    memory_used: int | None


@dataclass(frozen=True, slots=True)
class FunctionData:
    """One function. `errors` are those that come quickly, `timeouts` those that take the whole time-out; the
    metric Errors has both, stamped as given here: at the start of the invocation.

    `shares` is the part of the invocations through the alias that each further version gets, `bad_version`
    the one that makes all the errors. `other_...` is what other callers ask outside the alias.
    """

    name: str
    runtime: str
    memory: int
    timeout: int
    reserved: int | None
    account_limit: int
    invocations: Timeline
    errors: Timeline
    timeouts: Timeline
    throttles: Timeline
    spillover: Timeline
    duration: Timeline
    duration_p99: Timeline
    concurrency: Timeline
    account_concurrency: Timeline
    other_invocations: Timeline
    other_errors: Timeline
    alias: str | None
    version: str
    weights: Mapping[str, float]
    versions: Mapping[str, float]
    shares: Mapping[str, Timeline]
    bad_version: str | None
    modified: float
    role: str
    key: str | None
    environment: Mapping[str, str]
    environment_error: str | None
    callers: tuple[str, ...] | None
    state: str
    state_reason: str | None
    update_status: str
    update_reason: str | None
    log_group: str
    writes_log: bool
    log: tuple[Logged, ...]
    absent: bool


def function(section: Section, name: str) -> FunctionData:
    """Read one function of the section `functions`."""
    timeouts = section.line("timeouts", ZERO)
    errors = section.line("errors", ZERO)
    shares = section.section("shares")
    concurrency = section.line("concurrency", constant(12.0))
    return FunctionData(
        name=name,
        runtime=section.text("runtime", "python3.12"),
        memory=section.whole("memory", 512),
        timeout=section.whole("timeout", 10),
        reserved=_reserved(section),
        account_limit=section.whole("account_limit", 1000),
        invocations=section.line("invocations", ZERO),
        errors=errors,
        timeouts=timeouts,
        throttles=section.line("throttles", ZERO),
        spillover=section.line("spillover", ZERO),
        duration=section.line("duration", constant(0.09)),
        duration_p99=section.line("duration_p99"),
        concurrency=concurrency,
        account_concurrency=section.line("account_concurrency", constant(80.0)),
        other_invocations=section.line("other_invocations", ZERO),
        other_errors=section.line("other_errors", ZERO),
        alias=section.optional_text("alias"),
        version=section.text("version", "41"),
        weights={key: float(value) for key, value in section.text_map("weights").items()},
        versions={key: float(value) for key, value in section.text_map("versions").items()},
        shares={each: shares.line(each) for each in shares.keys()},  # noqa: SIM118 - a section, no mapping
        bad_version=section.optional_text("bad_version"),
        modified=section.number("modified", LONG_AGO),
        role=section.text("role", f"{name}-role"),
        key=section.optional_text("key"),
        environment=section.text_map("environment"),
        environment_error=section.optional_text("environment_error"),
        callers=_callers(section),
        state=section.text("state", "Active", choices=STATES),
        state_reason=section.optional_text("state_reason"),
        update_status=section.text("update_status", "Successful", choices=UPDATES),
        update_reason=section.optional_text("update_reason"),
        log_group=section.text("log_group", f"/aws/lambda/{name}"),
        writes_log=section.flag("writes_log", True),
        log=tuple(read(part, _logged, errors, timeouts) for part in section.sections("log")),
        absent=section.flag("absent", False),
    )


def _reserved(section: Section) -> int | None:
    value = section.whole("reserved", -1)
    return None if value < 0 else value


def _callers(section: Section) -> tuple[str, ...] | None:
    """`none` for a function without a resource policy."""
    found = section.texts("callers", USUAL_CALLERS)
    return None if found == ("none",) else found


def _logged(section: Section, errors: Timeline, timeouts: Timeline) -> Logged:
    kind = section.text("kind", choices=TROUBLES)
    memory = section.whole("memory_used", 0)
    return Logged(
        kind=kind,
        count=section.line("count", timeouts if kind == "timeout" else errors),
        text=section.text("text", ""),
        memory_used=memory or None,
    )
