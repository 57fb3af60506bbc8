"""A concurrency limit refuses calls of the function."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.context import requests_source
from diagnosis.facts import Facts
from diagnosis.facts.functions import FunctionFacts
from diagnosis.function_context import (
    CALLERS,
    FAR_BELOW,
    FUNCTION,
    MOST,
    SOME,
    THROTTLES,
    component,
    explained,
    failing_function,
    no_function_fails,
)
from diagnosis.phrase import moved, percent, rate

CONCURRENCY = "CloudWatch ConcurrentExecutions"


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh throttled calls against the entry point's errors, and concurrency against its limit."""
    function = failing_function(facts)
    if function is None:
        yield no_function_fails(facts)
        return
    share, said = explained(facts, function.throttles.excess), moved(function.throttles)
    if not function.throttles.risen or share < SOME:
        yield Signal(-6.0, f"throttled calls of {function.name} went {said}: not what rose", THROTTLES)
        return
    weight = 6.0 if share >= MOST else 2.5
    yield Signal(weight, f"throttled calls went {said}, {percent(share)} of what failed", THROTTLES)
    if function.errors.excess > function.throttles.excess:
        yield Signal(-3.0, "more invocations fail than calls are refused", "CloudWatch Errors")
    yield from _limit(function)
    if facts.surged:
        yield Signal(0.5, f"requests rose {moved(facts.attempted)}", requests_source(facts))
    if function.duration.raised:
        yield Signal(0.5, "invocations last longer, so more run at once", "CloudWatch Duration")


def _limit(function: FunctionFacts) -> Iterator[Signal]:
    limit, running = function.limit, function.concurrency
    if limit is None or running is None:
        return
    whose = "reserved for it" if function.limit_is_reserved else "of the account"
    if limit == 0:
        yield Signal(2.5, "its reserved concurrency is 0: nothing may run", "GetFunctionConcurrency")
    elif function.at_limit:
        yield Signal(2.5, f"{rate(running)} run at once, the limit {whose} is {limit}", CONCURRENCY)
    elif running < FAR_BELOW * limit:
        # Concurrency also grows by only so much in ten seconds, which no figure shows.
        yield Signal(
            -0.5, f"{rate(running)} run at once, far below the limit {whose} of {limit}", CONCURRENCY
        )


CAUSE = Cause(
    code="lambda_throttled",
    origin=Origin.GATEWAY,
    title="A concurrency limit refuses calls of the function",
    why=(
        "As many invocations run as may: by the function's reserved concurrency, or by what all functions of"
        " the account share. Further calls are refused without being run."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Compare concurrency with the reserved and the account's limit.", Look.CONCURRENCY),
        Check("See whether invocations became slow: the same requests then need more at once.", Look.METRICS),
        Check("Check who else in the account uses up the shared concurrency.", Look.CHANGES),
    ),
    prevention=(
        "Reserve concurrency for what must not starve, cap what may starve others, and alarm on Throttles."
    ),
    retry=Retry.SAFE,
    rollback_helps=False,
    triggers={"traffic_change": 2.0, "configuration_change": 0.5, "deployment": -1.0},
    touched_by=(Effect.FUNCTION,),
    systems=CALLERS,
    owner=Owner.PLATFORM,
    short="concurrency limit",
    component=component,
    sources=(
        "Lambda developer guide, function scaling: reserved and unreserved concurrency",
        "Lambda developer guide, types of metrics: throttled requests are neither Invocations nor Errors",
    ),
    known_problems="What other functions of the account run at once is known only in sum.",
    cases=(
        Case(
            "more orders than the reserved concurrency allows",
            True,
            {
                "target_groups": {
                    "orders": {
                        **FUNCTION,
                        "requests": "4421, -7: 9000",
                        "elb_502": "0, -7: 3000",
                        "lambda_user_errors": "0, -7: 3000",
                    }
                },
                "functions": {
                    "orders": {
                        "invocations": "4421, -7: 6000",
                        "throttles": "0, -7: 3000",
                        "reserved": 50,
                        "concurrency": "20, -7: 50",
                    }
                },
            },
        ),
        Case(
            "another function uses up what the account shares",
            True,
            {
                "alarm": {"metric": "5XXError"},
                "api": {
                    "routes": {
                        "POST /orders": {
                            "kind": "lambda",
                            "function": "orders",
                            "lambda_throttled": "0, -8: 900",
                        }
                    }
                },
                "functions": {
                    "orders": {
                        "invocations": "4421, -8: 3521",
                        "throttles": "0, -8: 900",
                        "account_concurrency": "300, -8: 998",
                    }
                },
            },
        ),
        Case(
            "the function raises while a few calls are throttled as ever",
            False,
            {
                "target_groups": {
                    "orders": {**FUNCTION, "elb_502": "3, -6: 440", "lambda_user_errors": "3, -6: 440"}
                },
                "functions": {
                    "orders": {"errors": "0, -6: 437", "throttles": "3", "log": [{"kind": "exception"}]}
                },
            },
        ),
    ),
)
