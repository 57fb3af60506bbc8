"""The invocation is not permitted, or the function cannot start for a permission."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.facts import Facts
from diagnosis.facts.functions import FunctionFacts
from diagnosis.facts.gateway_answers import Reason
from diagnosis.function_context import (
    CALLERS,
    FUNCTION,
    INVOCATIONS,
    LOG,
    PRINCIPALS,
    SOME,
    THROTTLES,
    changes_of_function,
    component,
    explained,
    failing_function,
    gateway_says,
    no_function_fails,
)
from diagnosis.phrase import moved
from diagnosis.systems.functions import Trouble

# What Lambda says of a function that cannot start for a permission (API reference, StateReasonCode).
FOR_A_PERMISSION = (
    "KMSKeyAccessDenied", "KMSKeyNotFound", "InvalidStateKMSKey", "DisabledKMSKey", "ImageAccessDenied",
    "InsufficientRolePermissions", "FunctionError.PermissionDenied", "KMS", "AccessDenied",
)  # fmt: skip
# Init that fails counts as an error of the invocation, so a share of both is enough.
STARTS_SELDOM = 0.3


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh calls that never became invocations, and permissions that are missing or were changed."""
    function = failing_function(facts)
    if function is None:
        yield no_function_fails(facts)
        return
    if function.throttles.risen:
        yield Signal(-6.0, f"throttled calls went {moved(function.throttles)}", THROTTLES)
        return
    if _stopped_at_start(function):
        yield Signal(5.0, "it does not start: it lacks a permission while it is being loaded", LOG)
    elif not function.starved:
        yield from _runs(facts, function)
        return
    else:
        told = f"invocations went {moved(function.invocations)} while as many requests came"
        yield Signal(5.5, f"{told}: the calls are refused", INVOCATIONS)
    yield from _permissions(facts, function)
    yield from _held_back(facts)
    yield from gateway_says(facts, 2.0, Reason.MISCONFIGURED)


def _stopped_at_start(function: FunctionFacts) -> bool:
    unstarted, forbidden = function.told(Trouble.NOT_STARTED), function.told(Trouble.FORBIDDEN)
    return (unstarted or 0.0) >= STARTS_SELDOM and (forbidden or 0.0) >= STARTS_SELDOM


def _runs(facts: Facts, function: FunctionFacts) -> Iterator[Signal]:
    """A part of the callers may be refused: another alias, another route, while most are let in."""
    if explained(facts, function.errors.excess) >= SOME or not function.read:
        yield Signal(-6.0, "it is invoked as before", INVOCATIONS)
        return
    yield Signal(-2.5, f"invocations went {moved(function.invocations)}: most calls are let in", INVOCATIONS)
    yield from gateway_says(facts, 5.0, Reason.MISCONFIGURED)


def _held_back(facts: Facts) -> Iterator[Signal]:
    """Whoever decides on callers may have failed before the function was to be called."""
    api = facts.gateway
    deciding = {each.function for each in (api.api.known_authorizers if api and api.api else ())}
    failing = [each.name for each in facts.functions if each.breaks and each.name in deciding]
    share = api.share(5, Reason.AUTHORIZER) if api else None
    if failing:
        yield Signal(-7.0, f"{failing[0]}, which decides on callers, fails itself", "CloudWatch Errors")
    elif share is not None and share >= SOME:
        yield Signal(-7.0, "the authorizer fails, so the function is not asked", "API Gateway access log")
    elif share is None and deciding:
        yield Signal(
            -1.0, "an authorizer stands before it, and no log tells whether it fails", "GetAuthorizers"
        )


def _permissions(facts: Facts, function: FunctionFacts) -> Iterator[Signal]:
    principal = PRINCIPALS[facts.kind]
    lets_in = function.lets_in(principal)
    if lets_in is False:
        yield Signal(3.0, f"its resource policy does not let {principal} in", "GetPolicy")
    elif lets_in:
        yield Signal(-1.5, f"its resource policy lets {principal} in", "GetPolicy")
    settings = function.function.known
    if function.function.settings is None:
        yield Signal(
            1.0, "there is no such function, alias or version (any more)", "GetFunctionConfiguration"
        )
    told = [settings.environment_error, settings.state_reason, settings.update_reason] if settings else []
    for reason in filter(None, told):
        if reason.startswith(FOR_A_PERMISSION):
            yield Signal(3.0, f"Lambda says {reason}", "GetFunctionConfiguration")
            break
    for each in changes_of_function(facts, Effect.PERMISSION)[:1]:
        change = each.change
        yield Signal(2.0, f"{change.name} by {change.by} at {change.at:%H:%M:%S}", "CloudTrail")


CAUSE = Cause(
    code="lambda_access_denied",
    origin=Origin.GATEWAY,
    title="Calls of the function are not permitted",
    why=(
        "The function's resource policy does not let its caller in (any more), or Lambda may not use what the"
        " function needs to start, such as the key of its environment. Nothing runs, and nothing is logged."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Read the function's resource policy: the caller, the alias, the source ARN.", Look.FUNCTION),
        Check("Look for changed permissions, roles and key policies since the onset.", Look.CHANGES),
        Check(
            "Check state and last update of the function: they name a key or role it may not use.",
            Look.FUNCTION,
        ),
    ),
    prevention=(
        "Keep permission and alias in one template, so that neither is replaced without the other, and alarm"
        " when Invocations fall while requests do not."
    ),
    retry=Retry.SAFE,
    rollback_helps=False,
    triggers={"configuration_change": 2.0, "deployment": -0.5, "traffic_change": -2.0},
    touched_by=(Effect.PERMISSION, Effect.FUNCTION, Effect.GATEWAY),
    systems=CALLERS,
    owner=Owner.PLATFORM,
    short="lacking permission",
    component=component,
    sources=(
        "Lambda developer guide, types of metrics: an invocation error is no Invocation",
        "ALB user guide, access logs, error reason codes: LambdaAccessDenied, LambdaKMSAccessDeniedException",
    ),
    cases=(
        Case(
            "a permission was removed",
            True,
            {
                "alarm": {"metric": "5XXError"},
                "api": {
                    "routes": {
                        "POST /orders": {"kind": "lambda", "function": "orders", "forbidden": "0, -9: 4400"}
                    }
                },
                "functions": {
                    "orders": {
                        "invocations": "4421, -9: 0",
                        "callers": "none",
                    }
                },
            },
        ),
        Case(
            "the key of its environment may not be used any more",
            True,
            {
                "target_groups": {
                    "orders": {**FUNCTION, "elb_502": "0, -9: 4400", "lambda_user_errors": "0, -9: 4400"}
                },
                "functions": {
                    "orders": {
                        "invocations": "4421, -9: 0",
                        "key": "1234abcd-12ab-34cd-56ef-1234567890ab",
                        "state": "Inactive",
                        "state_reason": "KMSKeyAccessDenied: Lambda was unable to decrypt the environment",
                    }
                },
            },
        ),
        Case(
            "the function raises whenever it is called",
            False,
            {
                "target_groups": {
                    "orders": {**FUNCTION, "elb_502": "0, -9: 4400", "lambda_user_errors": "0, -9: 4400"}
                },
                "functions": {"orders": {"errors": "0, -9: 4400", "log": [{"kind": "exception"}]}},
            },
        ),
    ),
)
