"""An authorizer, a token or a key keeps callers out."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.facts import Facts
from diagnosis.facts.gateway import GatewayFacts
from diagnosis.facts.gateway_answers import Reason
from diagnosis.gateway_context import (
    API_GATEWAY,
    edited,
    edits,
    firewall_blocks,
    log_tells,
    refused_before_the_back_end,
    rising,
    said_by_log,
    shared_series,
    users_refused,
)
from diagnosis.symptom import Family

EDITED = ("Authorizer", "ApiKey", "UsagePlanKey")


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh 401 and 403 of the gateway's own, or an authorizer that fails, in step with the errors."""
    api = rising(facts, Family.CLIENT_ERRORS, Family.SERVER_ERRORS)
    if api is None:
        yield Signal(-6.0, "errors of an API are not what rose", "CloudWatch 4XXError")
        return
    yield from shared_series(facts)
    yield from firewall_blocks(facts)
    yield from said_by_log(facts, 6.5 if facts.is_5xx else 5.5, Reason.REJECTED, Reason.AUTHORIZER)
    authorizer = failing_authorizer(api)
    if authorizer:
        yield Signal(4.0, f"errors of the authorizer {authorizer} rose in step", "CloudWatch Errors")
    if facts.is_5xx:
        if not authorizer and not log_tells(facts):
            yield Signal(-4.0, "no authorizer is known to fail", "CloudWatch Errors")
        return
    if not log_tells(facts):
        yield from _without_log(facts, api)
    yield from users_refused(facts, 1.5)
    yield from edited(edits(facts, *EDITED), 3.5)


def _without_log(facts: Facts, api: GatewayFacts) -> Iterator[Signal]:
    if not api.api or not (api.api.known_authorizers or _keyed(api)):
        yield Signal(-3.0, "no route is known to ask who calls", "GetAuthorizers and GetResources")
    yield from refused_before_the_back_end(facts, 1.0)
    if api.lost_routes:
        yield Signal(-2.0, f"the last deployment took {api.lost_routes[0]} away", "GetDeployment")


def _keyed(api: GatewayFacts) -> bool:
    return any(each.authorization not in ("NONE", "") for each in api.integrations)


def failing_authorizer(api: GatewayFacts) -> str | None:
    """The function that authorizes callers and fails itself."""
    deciding = {each.function for each in (api.api.known_authorizers if api.api else ())}
    return next((name for name in sorted(api.raising) if name in deciding), None)


def component(facts: Facts) -> str | None:
    """The authorizer at fault, or the only one there is."""
    api = facts.gateway
    if api is None:
        return None
    known = api.api.known_authorizers if api.api else ()
    failing = failing_authorizer(api)
    return failing or (known[0].name if len(known) == 1 else api.name)


CAUSE = Cause(
    code="gateway_auth_rejected",
    origin=Origin.GATEWAY,
    title="The API's authorizer, token check or key check rejects callers",
    why=(
        "Tokens expired or are of another issuer, a key was taken away, or the authorizer itself fails; the"
        " back end never sees these requests."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("See which gateway responses callers get, and on which routes, in the access log.", Look.LOGS),
        Check(
            "Read the authorizer's log, or try a fresh token against its issuer and audience.",
            Look.FUNCTION_LOG,
        ),
        Check(
            "Check keys, issuer, secrets and permissions of the authorizer that changed or expired.",
            Look.CHANGES,
        ),
    ),
    prevention="Alarm on the authorizer's own errors, and rotate keys with both old and new ones valid.",
    retry=Retry.NOT_UNCHANGED,
    rollback_helps=False,
    triggers={"configuration_change": 0.5, "deployment": -1.0},
    touched_by=(Effect.GATEWAY, Effect.FUNCTION, Effect.CONFIGURATION, Effect.PERMISSION),
    systems=API_GATEWAY,
    owner=Owner.IDENTITY,
    short="rejection of callers",
    component=component,
    sources=(
        "API Gateway developer guide, gateway response types: UNAUTHORIZED, AUTHORIZER_FAILURE and others",
        "API Gateway developer guide, troubleshooting JWT authorizers",
    ),
    known_problems="Without an access log 401 and 403 of the gateway look like those of the back end.",
    cases=(
        Case(
            "tokens of a new issuer are refused",
            True,
            {
                "alarm": {"metric": "4xx"},
                "api": {
                    "kind": "http",
                    "access_log": "json",
                    "authorizers": {"people": {"kind": "jwt", "issuer": "https://login.example.com/"}},
                    "routes": {"GET /orders": {"authorizer": "people", "unauthorized": "20, -7: 4100"}},
                },
            },
        ),
        Case(
            "an authorizer was edited and there is no log",
            True,
            {
                "alarm": {"metric": "4XXError"},
                "api": {
                    "authorizers": {"keys": {"kind": "function", "function": "check-keys"}},
                    "routes": {"GET /orders": {"authorizer": "keys", "access_denied": "12, -5: 3900"}},
                },
                "changes": [
                    {
                        "at": "-6",
                        "name": "UpdateAuthorizer",
                        "source": "apigateway",
                        "by": "terraform",
                        "resources": ["a1b2c3d4e5"],
                    }
                ],
            },
        ),
        Case(
            "a route is gone",
            False,
            {
                "alarm": {"metric": "4XXError"},
                "api": {
                    "access_log": "json",
                    "deployed": -5,
                    "lost_routes": ["GET /prices"],
                    "routes": {
                        "GET /orders": {},
                        "GET /prices": {"missing": True, "requests": "700", "route_missing": "0, -5: 700"},
                    },
                },
            },
        ),
    ),
)
