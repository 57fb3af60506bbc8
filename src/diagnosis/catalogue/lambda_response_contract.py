"""The function succeeds, and its caller cannot use the answer."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.facts import Facts
from diagnosis.facts.functions import FunctionFacts
from diagnosis.facts.gateway_answers import Reason
from diagnosis.function_context import (
    CALLERS,
    ERRORS,
    FUNCTION,
    INVOCATIONS,
    MOST,
    component,
    explained,
    failing_function,
    gateway_says,
    no_function_fails,
)
from diagnosis.phrase import moved, percent

USER_ERRORS = "CloudWatch LambdaUserError"
NEARLY_NONE = 0.2


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh answers that were not usable against a function that ran without an error."""
    function = failing_function(facts)
    if function is None:
        yield no_function_fails(facts)
        return
    if not function.read or not function.invocations.events:
        yield Signal(-1.0, "whether the function ran cannot be told by its own figures", INVOCATIONS)
        return
    share = explained(facts, function.errors.excess + function.throttles.excess)
    if share >= NEARLY_NONE:
        yield Signal(-6.0, f"errors of {function.name} went {moved(function.errors)}", ERRORS)
        return
    if function.starved:
        yield Signal(-5.0, f"invocations went {moved(function.invocations)}: it is not run", INVOCATIONS)
        return
    if facts.kind == "alb":
        yield from _by_load_balancer(facts, function)
    else:
        yield from _by_api(facts, function)


def _by_load_balancer(facts: Facts, function: FunctionFacts) -> Iterator[Signal]:
    groups = [each for each in facts.groups if each.id in function.function.groups]
    share = explained(facts, sum(each.lambda_errors.excess for each in groups))
    if share >= MOST:
        yield Signal(4.0, f"LambdaUserError is {percent(share)} of what failed", USER_ERRORS)
        yield Signal(2.5, f"{function.name} itself counts no more errors: it ran and returned", ERRORS)
    else:
        yield Signal(-4.0, "the load balancer could use what the function answered", USER_ERRORS)


def _by_api(facts: Facts, function: FunctionFacts) -> Iterator[Signal]:
    yield Signal(1.0, f"{function.name} itself counts no more errors: it ran and returned", ERRORS)
    yield from gateway_says(facts, 6.0, Reason.UNUSABLE)
    if facts.gateway and facts.gateway.at_limit:
        yield Signal(-5.0, "requests take as long as the API waits", "CloudWatch IntegrationLatency")


CAUSE = Cause(
    code="lambda_response_contract",
    origin=Origin.GATEWAY,
    title="The function succeeds, and what it returns cannot be used",
    why=(
        "The function ends without an error and returns something else than a status code, headers and a body"
        " in the form that its caller expects, or more than the caller takes."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Invoke the function with one failing request and look at what it returns.", Look.FUNCTION),
        Check("Compare with the last version: its framework, adapter or payload format.", Look.DEPLOYMENTS),
        Check("Check how large the answers are: a load balancer takes 1 MB, an API 6 MB.", Look.METRICS),
    ),
    prevention="Test the deployed version through its real caller before the alias is shifted to it.",
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=True,
    triggers={"deployment": 2.0},
    touched_by=(Effect.FUNCTION, Effect.GATEWAY, Effect.CONFIGURATION),
    systems=CALLERS,
    owner=Owner.APPLICATION,
    short="unusable answers",
    component=component,
    sources=(
        "ALB user guide, access logs, error reason codes: LambdaInvalidResponse, LambdaResponseTooLarge",
        "API Gateway developer guide, set up Lambda proxy integrations: output format",
    ),
    known_problems=(
        "An API's metrics alone do not tell a malformed answer from a well-formed 500 of the function."
    ),
    cases=(
        Case(
            "an adapter returns headers as null",
            True,
            {
                "target_groups": {
                    "orders": {**FUNCTION, "elb_502": "0, -3: 4300", "lambda_user_errors": "0, -3: 4300"}
                },
                "functions": {"orders": {}},
            },
        ),
        Case(
            "a number as the body, as the log of the API tells",
            True,
            {
                "alarm": {"metric": "5XXError"},
                "api": {
                    "access_log": "json",
                    "routes": {
                        "POST /orders": {"kind": "lambda", "function": "orders", "malformed": "0, -7: 250"}
                    },
                },
                "functions": {"orders": {}},
            },
        ),
        Case(
            "the function raises",
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
