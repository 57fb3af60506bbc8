"""What the causes of functions weigh alike: which function fails, how much of the errors that explains, and
what its log says.
"""

from collections.abc import Iterator

from diagnosis.cause import Signal
from diagnosis.changes import Effect, RelevantChange
from diagnosis.evidence import Missing
from diagnosis.facts import HARDLY_ANY, NEARLY_ALL, Facts
from diagnosis.facts.functions import FunctionFacts
from diagnosis.facts.gateway_answers import Reason
from diagnosis.phrase import moved, percent
from diagnosis.symptom import Family
from diagnosis.systems.functions import Trouble

# A target group whose only target is a function, as the cases of several causes have it.
FUNCTION = {
    "target_type": "lambda",
    "targets": 1,
    "health": {"state": "unavailable", "reason": "Target.HealthCheckDisabled"},
    "healthy": "-",
    "unhealthy": "-",
}

CALLERS = frozenset({"alb", "apigateway"})
# The principals under which they call.
PRINCIPALS = {"alb": "elasticloadbalancing.amazonaws.com", "apigateway": "apigateway.amazonaws.com"}
MOST, SOME = 0.5, 0.1
ERRORS, THROTTLES, DURATION = "CloudWatch Errors", "CloudWatch Throttles", "CloudWatch Duration"
INVOCATIONS, LOG = "CloudWatch Invocations", "the function's log"
# So much of the account's or of its own limit unused is far from it.
FAR_BELOW = 0.6


def failing_function(facts: Facts) -> FunctionFacts | None:
    """The function behind the entry point that fails, worst first, if server errors rose there.

    One that only decides on callers (an authorizer) is another cause's matter.
    """
    if facts.onset is None or facts.symptom.family is not Family.SERVER_ERRORS:
        return None
    serving = _serving(facts)
    return next((each for each in facts.functions if each.failing and each.name in serving), None)


def _serving(facts: Facts) -> frozenset[str]:
    api = facts.gateway.api if facts.gateway else None
    if api is None or isinstance(api.integrations, Missing):
        return frozenset(each.name for each in facts.functions)
    return frozenset(each.function for each in api.integrations if each.function)


def no_function_fails(facts: Facts) -> Signal:
    """What to say where there is nothing to judge."""
    if not facts.functions:
        return Signal(-6.0, "no function is known behind it", "what was read")
    return Signal(-6.0, "no function behind it fails, by all that could be read", ERRORS)


def component(facts: Facts) -> str | None:
    """The name of the function at fault."""
    function = failing_function(facts)
    return function.name if function else None


def explained(facts: Facts, failed: float) -> float:
    """What share of the entry point's additional errors so many failed calls are, at most 1."""
    return min(1.0, failed / facts.errors.excess) if facts.errors.excess else 0.0


def errors_in_step(facts: Facts, function: FunctionFacts, weight: float) -> Iterator[Signal]:
    """How much of the entry point's errors the function's own errors explain."""
    share = explained(facts, function.errors.excess)
    said = f"errors of {function.name} went {moved(function.errors)}"
    if not function.errors.risen or share < SOME:
        yield Signal(-6.0, f"{said}: they are not what rose", ERRORS)
    elif share >= MOST:
        yield Signal(weight, f"{said}, {percent(share)} of what failed in front of it", ERRORS)
    else:
        yield Signal(weight / 2, f"{said}, only {percent(share)} of what failed in front of it", ERRORS)


def refused_calls(facts: Facts, function: FunctionFacts) -> Iterator[Signal]:
    """Calls that were throttled never ran: whatever runs wrong cannot be why most of them fail."""
    share = explained(facts, function.throttles.excess)
    if function.throttles.risen and share >= MOST and function.throttles.excess > function.errors.excess:
        yield Signal(-5.0, f"throttled calls went {moved(function.throttles)}: they never ran", THROTTLES)


def said_by_function_log(function: FunctionFacts, weight: float, *troubles: Trouble) -> Iterator[Signal]:
    """Whether the log tells of this: `weight` if nearly always, much against it if hardly ever."""
    share = function.told(*troubles)
    if share is None:
        return
    what = " or ".join(each.value for each in troubles)
    said = f"{percent(share)} of the failed invocations in the log: {what}"
    sample = function.sample(*troubles)
    if share >= NEARLY_ALL:
        yield Signal(weight, f'{said} ("{sample}")' if sample else said, LOG)
    elif share >= MOST:
        yield Signal(weight * 0.6, f'{said} ("{sample}")' if sample else said, LOG)
    elif share < HARDLY_ANY:
        yield Signal(-7.0, said, LOG)
    else:
        yield Signal(-2.0, said, LOG)


def log_tells(function: FunctionFacts) -> bool:
    """Whether the log says why invocations failed."""
    return function.told(*Trouble) is not None


def one_version(function: FunctionFacts, weight: float) -> Iterator[Signal]:
    """Errors on one version only are made by what that version brought."""
    if function.bad_version:
        yield Signal(
            weight,
            f"nearly all errors are on version {function.bad_version}, others run beside it well",
            f"{ERRORS} by ExecutedVersion",
        )


def gateway_says(facts: Facts, weight: float, *reasons: Reason) -> Iterator[Signal]:
    """What the access log of an API says of the answers that it could not use."""
    share = facts.gateway.share(5, *reasons) if facts.gateway else None
    if share is None or facts.gateway is None:
        return
    quoted = facts.gateway.quoted(5, *reasons)
    said = f"{percent(share)} of the failed requests in the access log: {' or '.join(reasons)}"
    if share >= MOST:
        yield Signal(weight, f'{said} ("{quoted}")' if quoted else said, "API Gateway access log")
    elif share < HARDLY_ANY:
        yield Signal(-weight, said, "API Gateway access log")


def other_routes_fail(facts: Facts, function: FunctionFacts) -> Iterator[Signal]:
    """An API's access log tells on which routes requests fail; a function behind none of them may have its
    errors from other callers.
    """
    api = facts.gateway
    failing = set(api.routes(5)) if api else set()
    own = {each.route for each in (api.integrations if api else ()) if each.function == function.name}
    if failing and own and not failing & own:
        told = f"requests fail on {min(failing)}, which {function.name} does not answer"
        yield Signal(-6.0, told, "API Gateway access log")


def changes_of_function(facts: Facts, *effects: Effect) -> tuple[RelevantChange, ...]:
    """Changes near the onset that can break a function so and that name this one or may be about it."""
    return tuple(each for each in facts.changes_of(*effects) if each.ours)
