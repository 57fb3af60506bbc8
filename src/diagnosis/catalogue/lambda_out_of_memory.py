"""The function runs out of memory."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.facts import Facts
from diagnosis.facts.functions import FunctionFacts
from diagnosis.function_context import (
    CALLERS,
    FUNCTION,
    LOG,
    component,
    errors_in_step,
    failing_function,
    log_tells,
    no_function_fails,
    other_routes_fail,
    refused_calls,
    said_by_function_log,
)
from diagnosis.systems.functions import Trouble

# A process is killed at its limit or a little below it.
AT_MEMORY, FAR_BELOW = 0.96, 0.7


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh what the log says: no metric tells how much memory a function used."""
    function = failing_function(facts)
    if function is None:
        yield no_function_fails(facts)
        return
    yield from errors_in_step(facts, function, 3.0)
    yield from refused_calls(facts, function)
    yield from other_routes_fail(facts, function)
    if not log_tells(function):
        yield Signal(-3.5, "without its log, how much memory it used cannot be told", LOG)
        return
    yield from said_by_function_log(function, 5.5, Trouble.OUT_OF_MEMORY)
    yield from _used(function)


def _used(function: FunctionFacts) -> Iterator[Signal]:
    used, memory = function.log.memory_used if function.log else None, function.memory
    if used is None or not memory:
        return
    if used >= AT_MEMORY * memory:
        yield Signal(1.5, f"failed invocations used {used} of {memory} MB", LOG)
    elif used < FAR_BELOW * memory:
        yield Signal(-2.0, f"failed invocations used only {used} of {memory} MB", LOG)


CAUSE = Cause(
    code="lambda_out_of_memory",
    origin=Origin.GATEWAY,
    title="The function runs out of memory",
    why=(
        "An invocation needs more memory than the function is given, so its process is killed: larger"
        " payloads, a leak over warm invocations, or a version that loads more."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Compare Max Memory Used with Memory Size in the REPORT lines over the day.", Look.FUNCTION_LOG
        ),
        Check("Raise the function's memory if it can wait for no better answer.", Look.FUNCTION),
        Check("Check whether payloads grew, or a release loads more than before.", Look.DEPLOYMENTS),
    ),
    prevention="Stream large payloads, and alarm when Max Memory Used comes near the function's memory.",
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=True,
    triggers={"deployment": 0.5},
    touched_by=(Effect.FUNCTION, Effect.CONFIGURATION),
    systems=CALLERS,
    owner=Owner.APPLICATION,
    short="lack of memory",
    component=component,
    sources=(
        "Lambda developer guide, configure function memory",
        "Lambda developer guide, viewing logs: the REPORT line has Memory Size and Max Memory Used",
    ),
    known_problems="Just below its limit a function often becomes slow first and ends in time-outs.",
    cases=(
        Case(
            "exports grew with the catalogue",
            True,
            {
                "target_groups": {
                    "orders": {**FUNCTION, "elb_502": "0, -9: 120", "lambda_user_errors": "0, -9: 120"}
                },
                "functions": {"orders": {"errors": "0, -9: 120", "log": [{"kind": "out_of_memory"}]}},
            },
        ),
        Case(
            "a new version loads a model that does not fit",
            True,
            {
                "alarm": {"metric": "5XXError"},
                "api": {
                    "access_log": "json",
                    "routes": {
                        "POST /orders": {"kind": "lambda", "function": "orders", "exception": "0, -5: 4000"}
                    },
                },
                "functions": {
                    "orders": {"memory": 256, "errors": "0, -5: 4000", "log": [{"kind": "out_of_memory"}]}
                },
            },
        ),
        Case(
            "the function raises with much memory left",
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
