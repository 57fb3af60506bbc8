"""The API answers 429: the limit of the stage, of the account or of a usage plan is reached."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.context import requests_source
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
    served_at_limit,
    shared_series,
)
from diagnosis.phrase import moved, rate
from diagnosis.symptom import Family


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh 429 in the access log, or what gets through lying flat at a limit while more is asked for."""
    api = rising(facts, Family.CLIENT_ERRORS)
    if api is None:
        yield Signal(-6.0, "client errors of an API are not what rose", "CloudWatch 4XXError")
        return
    yield from shared_series(facts)
    yield from firewall_blocks(facts)
    yield from said_by_log(facts, 6.5, Reason.THROTTLED)
    if not log_tells(facts):
        yield from _by_counts(facts, api)
        yield from refused_before_the_back_end(facts, 1.0)
    if facts.surged:
        yield Signal(1.0, f"requests rose {moved(facts.attempted)}", requests_source(facts))
    yield from edited(edits(facts, "Stage", "UsagePlan", "UpdateUsage", "Account"), 1.0)


def _by_counts(facts: Facts, api: GatewayFacts) -> Iterator[Signal]:
    """Whether the requests that got through are as many as the limit lets through."""
    at_limit, asked = served_at_limit(facts), facts.attempted.after
    if at_limit is None or api.limit is None:
        return
    limit = f"the limit of {rate(api.limit.rate * 60)}"
    if at_limit:
        statement = f"of {rate(asked)} requests a minute as many got through as {limit} lets through"
        yield Signal(6.0, statement, requests_source(facts))
    else:
        statement = f"{rate(asked)} requests a minute are far below {limit}"
        yield Signal(-3.0, statement, requests_source(facts))


def component(facts: Facts) -> str | None:
    """The route whose limit it is, where the log names just one; else the API."""
    api = facts.gateway
    routes = api.routes(4, Reason.THROTTLED) if api else ()
    return routes[0] if len(routes) == 1 else api.name if api else None


_LIMITED = {
    "alarm": {"metric": "4XXError"},
    "api": {
        "throttle": {"rate": 100, "burst": 200},
        "routes": {
            "GET /orders": {"requests": "4400, -6: 9800", "backend_4xx": "40", "throttled": "0, -6: 3760"}
        },
    },
}

CAUSE = Cause(
    code="gateway_throttled",
    origin=Origin.GATEWAY,
    title="The API refuses requests above its limit (429)",
    why=(
        "A stage, an account or a usage plan lets only so many requests a second through; the gateway answers"
        " the rest with 429 and the back end never sees them."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Compare requests a second with the limits of stage, method, usage plan and account.", Look.STAGE
        ),
        Check("List the callers with the most requests from the access log.", Look.LOGS),
        Check("See whether a limit or a usage plan was edited.", Look.CHANGES),
    ),
    prevention=(
        "Alarm at 80 % of the limit, give each client a usage plan of its own, and have clients back off on"
        " 429."
    ),
    retry=Retry.SAFE,
    rollback_helps=False,
    triggers={"traffic_change": 3.0, "configuration_change": 1.0, "deployment": -5.0},
    touched_by=(Effect.GATEWAY,),
    systems=API_GATEWAY,
    owner=Owner.PLATFORM,
    short="request limit",
    component=component,
    sources=(
        "API Gateway developer guide, throttle requests to your REST APIs",
        "API Gateway developer guide, gateway response types: THROTTLED, QUOTA_EXCEEDED",
    ),
    known_problems=(
        "API Gateway may leave excessive 429 out of metrics and logs (developer guide, monitoring). Without"
        " an access log a limit in bursts shorter than a minute does not show."
    ),
    cases=(
        Case("twice the requests on a stage with a limit", True, _LIMITED),
        Case(
            "the log says so, whatever the limit is",
            True,
            {
                "alarm": {"metric": "4XXError"},
                "api": {
                    "access_log": "json",
                    "routes": {"GET /orders": {"quota_exceeded": "0, -8: 900"}},
                },
            },
        ),
        Case(
            "tokens are refused",
            False,
            {
                "alarm": {"metric": "4XXError"},
                "api": {
                    "access_log": "json",
                    "throttle": {"rate": 100, "burst": 200},
                    "routes": {"GET /orders": {"unauthorized": "0, -6: 2000"}},
                },
            },
        ),
    ),
)
