"""The function runs into its own time-out."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.facts import Facts
from diagnosis.facts.functions import FunctionFacts
from diagnosis.function_context import (
    CALLERS,
    DURATION,
    FUNCTION,
    MOST,
    component,
    errors_in_step,
    failing_function,
    log_tells,
    no_function_fails,
    other_routes_fail,
    refused_calls,
    said_by_function_log,
)
from diagnosis.phrase import seconds
from diagnosis.systems.functions import Trouble

# The mean rises by the share of invocations that take the whole time-out; it fits within this factor.
FITS = (0.5, 1.7)
SELDOM = 0.25


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh time-outs in the log, or errors with durations that run into the configured time-out."""
    function = failing_function(facts)
    if function is None:
        yield no_function_fails(facts)
        return
    yield from errors_in_step(facts, function, 3.0)
    yield from refused_calls(facts, function)
    yield from other_routes_fail(facts, function)
    yield from said_by_function_log(function, 5.5, Trouble.TIMED_OUT)
    if not log_tells(function):
        yield from _by_duration(function)


def _by_duration(function: FunctionFacts) -> Iterator[Signal]:
    limit = function.timeout
    if limit is None or not function.slowest.known:
        yield Signal(-1.5, "how long it may take, or takes, is not known", DURATION)
        return
    if function.at_timeout < MOST:
        yield Signal(-4.5, f"no invocation takes the {limit:g} s that it may take", DURATION)
        return
    if function.at_timeout_before >= SELDOM:
        yield Signal(-1.0, f"some took all of the {limit:g} s before, too", DURATION)
    else:
        yield Signal(3.5, f"the longest invocations now take all of the {limit:g} s allowed", DURATION)
    yield from _fits(function, limit)


def _fits(function: FunctionFacts, limit: float) -> Iterator[Signal]:
    """Whether the mean duration rose as it must if every error took the whole time-out."""
    share = function.errors.after / max(1.0, function.invocations.after)
    before, after = function.duration.before, function.duration.after
    if before is None or after is None or not share:
        return
    fit = (after - before) / (share * max(0.001, limit - before))
    if FITS[0] <= fit <= FITS[1]:
        yield Signal(
            2.5,
            f"duration went {seconds(function.duration)}, as it must if every error lasts so long",
            DURATION,
        )
    elif fit < FITS[0]:
        yield Signal(-3.0, f"duration went {seconds(function.duration)}: most errors come sooner", DURATION)


CAUSE = Cause(
    code="lambda_timeout",
    origin=Origin.GATEWAY,
    title="The function runs into its own time-out",
    why=(
        "Lambda ends an invocation that takes longer than the function's configured time-out; its caller gets"
        " an error, and what the invocation had begun may be half done."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Find what the invocations wait for: the last lines before the time-out.", Look.FUNCTION_LOG),
        Check("Compare the time-out with those of the calls that the function makes.", Look.FUNCTION),
        Check("Check databases and services behind it that became slow or unreachable.", Look.CHANGES),
    ),
    prevention=(
        "Give every call that the function makes a time-out well below its own, and alarm on the maximum of"
        " Duration."
    ),
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=True,
    triggers={"deployment": 0.5},
    touched_by=(Effect.FUNCTION, Effect.CONFIGURATION, Effect.DATABASE, Effect.NETWORK),
    systems=CALLERS,
    owner=Owner.APPLICATION,
    short="own time-out",
    component=component,
    sources=(
        "Lambda developer guide, configure function timeout: 3 s by default, at most 900 s",
        "Lambda developer guide, types of metrics: Errors are stamped when the function was invoked",
    ),
    known_problems="Where few invocations hang the mean hardly moves, and only the log tells for certain.",
    cases=(
        Case(
            "a table is locked and every tenth order waits",
            True,
            {
                "target_groups": {
                    "orders": {**FUNCTION, "elb_502": "0, -6: 440", "lambda_user_errors": "0, -6: 440"}
                },
                "functions": {"orders": {"timeouts": "0, -6: 440", "log": [{"kind": "timeout"}]}},
            },
        ),
        Case(
            "the same behind an API, without a log",
            True,
            {
                "alarm": {"metric": "5XXError"},
                "api": {
                    "routes": {
                        "POST /orders": {"kind": "lambda", "function": "orders", "exception": "0, -8: 300"}
                    }
                },
                "functions": {"orders": {"timeout": 5, "timeouts": "0, -8: 300", "writes_log": False}},
            },
        ),
        Case(
            "the function raises at once",
            False,
            {
                "target_groups": {
                    "orders": {**FUNCTION, "elb_502": "0, -6: 440", "lambda_user_errors": "0, -6: 440"}
                },
                "functions": {"orders": {"errors": "0, -6: 440", "log": [{"kind": "exception"}]}},
            },
        ),
    ),
)
