"""What several causes of an API weigh alike: what rose, what the access log says, who saw the requests."""

from collections.abc import Iterator

from diagnosis.cause import Signal
from diagnosis.changes import Effect, RelevantChange
from diagnosis.context import requests_source
from diagnosis.facts import NEARLY_ALL, Facts
from diagnosis.facts.gateway import GatewayFacts
from diagnosis.facts.gateway_answers import Reason
from diagnosis.phrase import moved, percent
from diagnosis.symptom import Family

API_GATEWAY = frozenset({"apigateway"})
ACCESS_LOG = "API Gateway access log"
MOST, HARDLY_ANY = 0.5, 0.2
# What gets through lies this close to a limit that refuses the rest, and is no limit when this far below it.
FLAT, FAR_BELOW = 0.12, 0.5
# This share of the failed requests and the functions behind were not asked for: the gateway refused them.
SEEN_BY_NOBODY = 0.7
INVOKED = "CloudWatch Invocations"


def first_digit(facts: Facts) -> int:
    """4 or 5: the family of the errors that the alarm is about."""
    return 4 if facts.symptom.family is Family.CLIENT_ERRORS else 5


def rising(facts: Facts, *families: Family) -> GatewayFacts | None:
    """The API, if errors of one of these families rose at it."""
    return facts.gateway if facts.onset is not None and facts.symptom.family in families else None


def said_by_log(facts: Facts, weight: float, *reasons: Reason) -> Iterator[Signal]:
    """Whether the access log gives these reasons: `weight` if for nearly all, as much against if for hardly
    any.
    """
    api, digit = facts.gateway, first_digit(facts)
    share = api.share(digit, *reasons) if api else None
    if api is None or share is None:
        return
    said = f"{percent(share)} of the failed requests in the log: {' or '.join(reasons)}"
    quoted = api.quoted(digit, *reasons)
    if share >= NEARLY_ALL:
        yield Signal(weight, f'{said} ("{quoted}")' if quoted else said, ACCESS_LOG)
    elif share >= MOST:
        yield Signal(weight / 2, said, ACCESS_LOG)
    elif share < HARDLY_ANY:
        yield Signal(-6.0, said, ACCESS_LOG)


def shared_series(facts: Facts) -> Iterator[Signal]:
    """CloudWatch adds up REST APIs of one name, so the figures need not be this API's."""
    api = facts.gateway.api if facts.gateway else None
    if api and api.namesakes:
        told = f"{len(api.namesakes)} further API with the name {api.name} shares these figures"
        yield Signal(-0.3, told, "GetRestApis")


def log_tells(facts: Facts) -> bool:
    """Whether the access log tells why the requests failed."""
    api = facts.gateway
    unknown = api.share(first_digit(facts), Reason.UNKNOWN) if api else None
    return unknown is not None and unknown < MOST


def replaced(facts: Facts) -> float | None:
    """How many successes were lost for each additional error, 0 to 1: 1 where users are refused, 0 where the
    failed requests came on top.
    """
    errors = facts.errors.excess
    if not errors:
        return None
    good_before = facts.attempted.before - facts.errors.before
    good_after = facts.attempted.after - facts.errors.after
    return min(1.0, max(0.0, (good_before - good_after) * facts.span.minutes / errors))


def users_refused(facts: Facts, weight: float) -> Iterator[Signal]:
    """Whether those who failed are those who succeeded before."""
    share = replaced(facts)
    source = requests_source(facts)
    if share is None or facts.surged:
        return
    if share >= MOST:
        yield Signal(weight, f"{percent(share)} of the failed requests used to succeed", source)
    elif share < HARDLY_ANY:
        yield Signal(-1.5 * weight, "successes are as before: the failed requests came on top", source)


def served_at_limit(facts: Facts) -> bool | None:
    """Whether as many requests got through as the limit lets through while more were asked for; None where
    the limit is not known, or where it is neither reached nor far away.
    """
    api = facts.gateway
    if api is None or api.limit is None:
        return None
    allowed, asked = api.limit.rate * 60, facts.attempted.after
    through = asked - facts.errors.excess / max(1, facts.span.minutes)
    if asked > allowed and abs(through - allowed) <= FLAT * allowed:
        return True
    return False if asked < FAR_BELOW * allowed else None


def edits(facts: Facts, *words: str) -> tuple[RelevantChange, ...]:
    """Edits of the API near the onset whose name has one of these words."""
    return tuple(
        each for each in facts.changes_of(Effect.GATEWAY) if any(word in each.change.name for word in words)
    )


def edited(found: tuple[RelevantChange, ...], weight: float) -> Iterator[Signal]:
    """The newest edit that names this API, or less for one of which that cannot be told."""
    best = next((each for each in found if each.ours), next(iter(found), None))
    if best:
        change = best.change
        yield Signal(
            weight if best.ours else weight / 2,
            f"{change.name} by {change.by} at {change.at:%H:%M:%S}",
            "CloudTrail",
        )


def refused_before_the_back_end(facts: Facts, weight: float) -> Iterator[Signal]:
    """The functions behind the API see fewer requests than it gets: the gateway refused the rest itself."""
    seen = facts.gateway.invoked if facts.gateway else None
    if seen is None or not facts.errors.excess:
        return
    missing = (facts.attempted.after - facts.attempted.before) - (seen.after - seen.before)
    share = missing * facts.span.minutes / facts.errors.excess
    if share >= SEEN_BY_NOBODY:
        told = f"the functions behind it were not asked for {percent(min(1.0, share))} of the failed requests"
        yield Signal(weight, told, INVOKED)
    elif share < HARDLY_ANY:
        yield Signal(-3.0, "the functions behind it were asked for the failed requests too", INVOKED)


def firewall_blocks(facts: Facts) -> Iterator[Signal]:
    """Requests that the firewall blocks are answered 403 before the API looks at them."""
    firewall = facts.firewall
    if firewall and facts.errors.excess and firewall.blocked.excess >= MOST * facts.errors.excess:
        told = f"the firewall blocked as many, {moved(firewall.blocked)}"
        yield Signal(-6.0, told, "CloudWatch BlockedRequests")


def functions_fail(facts: Facts, weight: float = -6.0) -> Iterator[Signal]:
    """A function behind the API that fails has mechanisms of its own."""
    api = facts.gateway
    behind = {each.function for each in (api.integrations if api else ())}
    for name, errors in sorted(api.raising.items() if api else ()):
        if name in behind:
            yield Signal(weight, f"errors of the function {name} went {moved(errors)}", "CloudWatch Errors")
            return


def failing_route(facts: Facts, *reasons: Reason) -> str | None:
    """The route with the most failures, as far as the log or the routes' own metrics tell."""
    api = facts.gateway
    if api is None:
        return None
    serving = {each.route for each in api.integrations if each.kind != "mock"}
    only = serving if len(serving) == 1 else ()
    routes = (*api.routes(first_digit(facts), *reasons), *api.failing_parts, *only)
    return next(iter(routes), None) or api.name
