"""The integration takes longer than the gateway waits."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.facts import Facts
from diagnosis.facts.gateway import GatewayFacts
from diagnosis.facts.gateway_answers import Reason
from diagnosis.gateway_context import (
    API_GATEWAY,
    failing_route,
    functions_fail,
    log_tells,
    rising,
    said_by_log,
    shared_series,
)
from diagnosis.phrase import moved, seconds
from diagnosis.symptom import Family

# The mean rises by the share that waits the whole limit; it fits within this factor.
FITS = (0.6, 1.6)
LATENCY = "CloudWatch IntegrationLatency"


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh time-outs in the access log, or latency that runs into the limit in step with the errors."""
    api = rising(facts, Family.SERVER_ERRORS)
    if api is None:
        yield Signal(-6.0, "server errors of an API are not what rose", "CloudWatch 5XXError")
        return
    yield from shared_series(facts)
    yield from said_by_log(facts, 6.5, Reason.TIMED_OUT)
    if not log_tells(facts):
        yield from _by_latency(facts, api)
    yield from functions_fail(facts)
    if facts.surged:
        yield Signal(-2.5, f"requests rose {moved(facts.attempted)}", "CloudWatch Count")


def _by_latency(facts: Facts, api: GatewayFacts) -> Iterator[Signal]:
    if not api.latency.known:
        return
    if not api.at_limit:
        yield Signal(-4.0, f"no request takes the {api.limit_seconds:g} s that the gateway waits", LATENCY)
        return
    yield Signal(3.5, f"the slowest take all of the {api.limit_seconds:g} s that the gateway waits", LATENCY)
    waited = facts.errors.excess / max(1.0, facts.attempted.events) * api.limit_seconds
    rise = (api.latency.after or 0.0) - (api.latency.before or 0.0)
    if waited and FITS[0] <= rise / waited <= FITS[1]:
        yield Signal(
            2.5, f"latency went {seconds(api.latency)}, as it must if every error waits that long", LATENCY
        )
    elif waited and rise < FITS[0] * waited:
        yield Signal(-3.0, f"latency went {seconds(api.latency)}: most errors come sooner", LATENCY)


def component(facts: Facts) -> str | None:
    """The route that is late."""
    api = facts.gateway
    slow = api.slow_routes if api else ()
    return failing_route(facts, Reason.TIMED_OUT) if len(slow) != 1 else slow[0]


CAUSE = Cause(
    code="gateway_integration_timeout",
    origin=Origin.GATEWAY,
    title="What stands behind the API answers later than the gateway waits",
    why=(
        "The gateway gives an integration a fixed time, 29 or 30 seconds by default, and then answers 504"
        " (503 on some HTTP APIs); the integration may go on and finish."
    ),
    prior=-1.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Find what the slow requests wait for, in the integration's own log or traces.", Look.LOGS),
        Check(
            "Compare the integration's time-out with what it calls and with its own time-outs.", Look.ROUTES
        ),
        Check("Check databases and services behind the integration that became slow.", Look.CHANGES),
    ),
    prevention=(
        "Give what takes long a queue and answer 202 at once; time out calls behind the integration well"
        " before the gateway does."
    ),
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=True,
    triggers={"deployment": 0.5},
    touched_by=(
        Effect.GATEWAY,
        Effect.FUNCTION,
        Effect.CONFIGURATION,
        Effect.DATABASE,
        Effect.NETWORK,
        Effect.CAPACITY,
    ),
    systems=API_GATEWAY,
    owner=Owner.APPLICATION,
    short="integration time-out",
    component=component,
    sources=(
        "API Gateway developer guide, quotas: integration timeout",
        "API Gateway developer guide, gateway response types: INTEGRATION_TIMEOUT",
    ),
    known_problems="Few time-outs among many requests hardly move the mean; then only the access log tells.",
    cases=(
        Case(
            "the back end hangs on every eighth request",
            True,
            {
                "alarm": {"metric": "5XXError"},
                "api": {"routes": {"GET /orders": {"integration_timeout": "0, -6: 550"}}},
            },
        ),
        Case(
            "an integration with a limit of its own, as the log tells",
            True,
            {
                "alarm": {"metric": "5XXError"},
                "api": {
                    "access_log": "json",
                    "routes": {
                        "GET /orders": {},
                        "POST /reports": {
                            "requests": "90",
                            "backend_4xx": "0",
                            "timeout": 5000,
                            "latency": "1.2",
                            "integration_timeout": "0, -9: 60",
                        },
                    },
                },
            },
        ),
        Case(
            "the back end answers errors at once",
            False,
            {
                "alarm": {"metric": "5XXError"},
                "api": {"access_log": "json", "routes": {"GET /orders": {"backend_5xx": "0, -6: 550"}}},
            },
        ),
    ),
)
