"""The function raises."""

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
    one_version,
    other_routes_fail,
    refused_calls,
    said_by_function_log,
)
from diagnosis.phrase import seconds
from diagnosis.systems.functions import Trouble

RAISED = (Trouble.EXCEPTION, Trouble.FORBIDDEN, Trouble.NOT_STARTED, Trouble.EXITED)


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh the function's errors against the entry point's, and against time-outs and memory."""
    function = failing_function(facts)
    if function is None:
        yield no_function_fails(facts)
        return
    yield from errors_in_step(facts, function, 5.0)
    yield from refused_calls(facts, function)
    yield from other_routes_fail(facts, function)
    yield from said_by_function_log(function, 3.0, *RAISED)
    yield from one_version(function, 0.5)
    if not log_tells(function):
        yield from _by_duration(function)


def _by_duration(function: FunctionFacts) -> Iterator[Signal]:
    if function.timeout is None or not function.slowest.known:
        return
    limit = f"the {function.timeout:g} s that it may take"
    if function.at_timeout >= MOST > function.at_timeout_before:
        yield Signal(-3.5, f"the longest invocations now take all of {limit}", DURATION)
    elif function.at_timeout < MOST:
        yield Signal(1.0, f"the longest invocations stay below {limit}", DURATION)
    if function.duration.raised:
        yield Signal(-0.5, f"duration went {seconds(function.duration)}", DURATION)


CAUSE = Cause(
    code="lambda_function_error",
    origin=Origin.GATEWAY,
    title="The function raises an error",
    why=(
        "The code of the function ends with an exception or its runtime exits, so whoever called it answers"
        " 502 (a REST API, a load balancer) or 500 (an HTTP API)."
    ),
    prior=-1.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Read the first exception after the onset, and which requests raise it.", Look.FUNCTION_LOG),
        Check("See when code, configuration or alias of the function was last changed.", Look.FUNCTION),
        Check("Check secrets, parameters and permissions that the failing code needs.", Look.CHANGES),
    ),
    prevention=(
        "Shift the alias to a new version in steps that an alarm on Errors by ExecutedVersion takes back."
    ),
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=True,
    triggers={"deployment": 1.5},
    touched_by=(Effect.FUNCTION, Effect.CONFIGURATION, Effect.PERMISSION, Effect.DATABASE),
    systems=CALLERS,
    owner=Owner.APPLICATION,
    short="errors",
    component=component,
    sources=(
        "Lambda developer guide, types of metrics: Errors are invocations that result in a function error",
        "API Gateway developer guide, set up Lambda proxy integrations; troubleshooting HTTP APIs",
    ),
    known_problems=(
        "Without the function's log an error for lack of memory cannot be told from one that the code raises."
    ),
    cases=(
        Case(
            "a release of the function raises on every tenth order",
            True,
            {
                "target_groups": {
                    "orders": {**FUNCTION, "elb_502": "0, -6: 440", "lambda_user_errors": "0, -6: 440"}
                },
                "functions": {
                    "orders": {
                        "errors": "0, -6: 440",
                        "log": [{"kind": "exception", "text": "KeyError: 'sku'"}],
                    }
                },
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
                "functions": {"orders": {"errors": "0, -8: 300", "writes_log": False}},
            },
        ),
        Case(
            "its invocations run into the time-out",
            False,
            {
                "target_groups": {
                    "orders": {**FUNCTION, "elb_502": "0, -6: 440", "lambda_user_errors": "0, -6: 440"}
                },
                "functions": {"orders": {"timeouts": "0, -6: 440", "log": [{"kind": "timeout"}]}},
            },
        ),
        Case(
            "its answers cannot be used, though it succeeds",
            False,
            {
                "target_groups": {
                    "orders": {**FUNCTION, "elb_502": "0, -6: 440", "lambda_user_errors": "0, -6: 440"}
                },
                "functions": {"orders": {}},
            },
        ),
    ),
)
