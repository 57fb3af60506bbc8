"""What stands behind an API, judged by what the API tells of it: its answers, its times, its own figures."""

from collections.abc import Iterator

from diagnosis.cause import Signal
from diagnosis.context import requests_source
from diagnosis.facts import HARDLY_ANY, Facts
from diagnosis.facts.gateway import GatewayFacts
from diagnosis.facts.gateway_answers import Reason
from diagnosis.gateway_context import (
    ACCESS_LOG,
    MOST,
    firewall_blocks,
    functions_fail,
    log_tells,
    refused_before_the_back_end,
    rising,
    said_by_log,
    shared_series,
    users_refused,
)
from diagnosis.phrase import moved, percent, seconds
from diagnosis.symptom import Family

LATENCY = "CloudWatch IntegrationLatency"
# Codes that a load balancer or proxy in front of the application writes far oftener than the application.
OF_A_PROXY = frozenset({502, 503, 504})


def errors_of_the_back_end(facts: Facts) -> Iterator[Signal]:
    """Whether the application behind the API answers 5xx by itself, and quickly."""
    api = rising(facts, Family.SERVER_ERRORS)
    if api is None:
        yield Signal(-4.0, "server errors of an API are not what rose", "CloudWatch 5XXError")
        return
    yield from shared_series(facts)
    yield from said_by_log(facts, 4.5, Reason.ANSWERED)
    yield from _by_a_proxy(api)
    yield from _judged_by_itself(facts)
    yield from _websocket(facts, api)
    yield from functions_fail(facts)
    if facts.response_time.raised:
        yield Signal(-2.5, f"latency of the back end went {seconds(facts.response_time)}", LATENCY)
    elif facts.response_time.known:
        yield Signal(0.5, "latency of the back end is as before: the errors come quickly", LATENCY)
    if facts.surged:
        yield Signal(-2.5, f"requests rose {moved(facts.attempted)}", requests_source(facts))
    if facts.rhythm.over or facts.rhythm.fading:
        yield Signal(-1.0, "the errors fade by themselves", "CloudWatch 5XXError")


def _by_a_proxy(api: GatewayFacts) -> Iterator[Signal]:
    found = api.of(5, Reason.ANSWERED)
    total = sum(each.count for _, each in found)
    proxied = sum(each.count for _, each in found if each.status in OF_A_PROXY)
    if total and proxied >= MOST * total:
        yield Signal(
            -4.5,
            f"{percent(proxied / total)} of them are 502, 503 or 504, as a load balancer writes them",
            ACCESS_LOG,
        )


def _judged_by_itself(facts: Facts) -> Iterator[Signal]:
    """A load balancer behind the API that could be read is judged by its own figures, which tell more."""
    origin = facts.origins.get(facts.failing_origin or "")
    if origin is None:
        return
    source = f"CloudWatch of {facts.failing_origin}"
    if origin.onset is None:
        yield Signal(-3.0, "the load balancer behind the API sees no more errors than before", source)
    else:
        yield Signal(-6.0, "the load balancer behind the API tells by itself what is wrong there", source)


def _websocket(facts: Facts, api: GatewayFacts) -> Iterator[Signal]:
    """WebSocket APIs count apart what the integration answered and what failed while calling it."""
    if api.api is None or api.api.kind != "websocket" or log_tells(facts):
        return
    share = api.called_wrong.excess / max(1.0, facts.errors.excess)
    if share <= HARDLY_ANY:
        yield Signal(4.0, "the integrations answered the errors themselves", "CloudWatch IntegrationError")
    elif share >= MOST:
        yield Signal(-3.0, "the integrations could not be called", "CloudWatch ExecutionError")


def slow_back_end(facts: Facts) -> Iterator[Signal]:
    """Whether the application behind the API fails slowly, as when it waits for something itself."""
    api = rising(facts, Family.SERVER_ERRORS)
    if api is None:
        yield Signal(-4.0, "server errors of an API are not what rose", "CloudWatch 5XXError")
        return
    yield from _judged_by_itself(facts)
    yield from said_by_log(facts, 2.0, Reason.ANSWERED)
    yield from functions_fail(facts)
    if api.at_limit:
        yield Signal(-3.0, f"requests run into the gateway's own {api.limit_seconds:g} s", LATENCY)
    if not facts.response_time.known:
        return
    if not facts.response_time.raised:
        yield Signal(-3.0, "latency of the back end is as before", LATENCY)
        return
    # Slowness alone is a hint; that the back end answered the errors itself makes it more.
    weight = 2.5 if log_tells(facts) else 1.0
    yield Signal(weight, f"latency of the back end went {seconds(facts.response_time)}", LATENCY)
    steady = not facts.response_time.climbing
    yield Signal(0.5 if steady else -1.0, "it stays at a plateau" if steady else "it still climbs", LATENCY)
    if facts.rollout_at_onset is None and log_tells(facts):
        yield Signal(0.5, "nothing was released to it as it began", "CodeDeploy")
    if facts.surged:
        yield Signal(-2.5, f"requests rose {moved(facts.attempted)}", requests_source(facts))


def rejections_of_the_back_end(facts: Facts) -> Iterator[Signal]:
    """Whether the application behind the API answers 4xx that used to be successes."""
    api = rising(facts, Family.CLIENT_ERRORS)
    if api is None:
        yield Signal(-5.0, "client errors of an API are not what rose", "CloudWatch 4XXError")
        return
    yield from firewall_blocks(facts)
    yield from _judged_by_itself(facts)
    yield from said_by_log(facts, 3.5, Reason.ANSWERED)
    yield from users_refused(facts, 2.5)
    if not log_tells(facts):
        # The very opposite of a refusal by the gateway: the functions were asked.
        for signal in refused_before_the_back_end(facts, 2.5):
            yield Signal(-signal.weight, signal.statement, signal.source)
    if facts.rollout_at_onset:
        yield Signal(1.0, "it began with a release to what stands behind the API", "CodeDeploy")
    if facts.surged:
        yield Signal(-2.5, f"requests rose {moved(facts.attempted)}", requests_source(facts))
