"""Probing of paths that do not exist."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import EVERYWHERE, LOAD_BALANCERS, Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.context import requests_source, successes, successes_source
from diagnosis.facts import Facts
from diagnosis.facts.gateway_answers import Reason
from diagnosis.gateway_context import ACCESS_LOG, served_at_limit
from diagnosis.phrase import moved, percent
from diagnosis.symptom import Family


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh 4xx that come on top of unchanged successes."""
    rejected = facts.errors
    if facts.symptom.family is not Family.CLIENT_ERRORS or facts.onset is None or not rejected.risen:
        yield Signal(-6.0, "4xx are not what rose", "CloudWatch HTTPCode_Target_4XX_Count")
        return
    if facts.kind in LOAD_BALANCERS and facts.part("target_4xx") < 0.5:
        yield Signal(
            -4.0,
            "most were answered by the load balancer: a firewall, malformed requests or impatient clients",
            "CloudWatch HTTPCode_ELB_4XX_Count",
        )
    more = (facts.attempted.after - facts.attempted.before) * facts.span.minutes
    good = successes(facts)
    lost = max(0.0, (good.before - good.after) * facts.span.minutes)
    if 0.6 * rejected.excess <= more <= 1.6 * rejected.excess:
        yield Signal(
            3.5,
            f"as many more requests came as were rejected, {moved(facts.attempted)}",
            requests_source(facts),
        )
    elif more < 0.3 * rejected.excess:
        yield Signal(-3.5, "no more requests came than before", requests_source(facts))
    if lost < 0.2 * rejected.excess:
        yield Signal(2.0, f"successes are as before, {moved(good)}", successes_source(facts))
    else:
        yield Signal(-3.0, f"successes fell, {moved(good)}", successes_source(facts))
    if facts.gateway and served_at_limit(facts):
        yield Signal(-4.0, "as many got through as the API's limit lets through", requests_source(facts))
    yield from _said_by_log(facts)


def _said_by_log(facts: Facts) -> Iterator[Signal]:
    """What an API's access log tells: probes ask for no route, those who are throttled ask for real ones."""
    api = facts.gateway
    probing = api.share(4, Reason.NO_ROUTE, Reason.ANSWERED, Reason.BAD_REQUEST) if api else None
    if api is None or probing is None:
        return
    if probing < 0.5:
        yield Signal(-5.0, f"only {percent(probing)} of the refused ask for what is not there", ACCESS_LOG)
    elif api.paths is not None and api.paths >= 30 and api.sources is not None and api.sources <= 20:
        yield Signal(2.0, f"{api.sources} callers ask for {api.paths} paths", ACCESS_LOG)


CAUSE = Cause(
    code="scanner_noise",
    origin=Origin.CLIENT,
    title="Somebody probes paths that do not exist; users are not affected",
    why=(
        "A scanner asks for well-known weak paths; each is answered with 404 or 403 on top of ordinary"
        " traffic."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("List the paths and sources of the new 4xx from the access log.", Look.METRICS),
        Check("Make sure that none of the probes succeeded.", Look.LOGS),
        Check("Block the sources at the firewall if they cost anything.", Look.WEB_ACL),
    ),
    prevention="Alarm on 4xx by share and on successes lost rather than on the count of 4xx.",
    retry=Retry.NOT_UNCHANGED,
    rollback_helps=False,
    systems=EVERYWHERE,
    owner=Owner.SECURITY,
    short="probing by scanners",
    triggers={"traffic_change": 4.0, "deployment": -3.0},
    sources=("ALB user guide, CloudWatch metrics: HTTPCode_Target_4XX_Count",),
    cases=(
        Case(
            "a scanner asks for odd paths",
            True,
            {
                "alarm": {"metric": "HTTPCode_Target_4XX_Count"},
                "target_groups": {"orders": {"requests": "4421, -7: 5121", "target_4xx": "60, -7: 760"}},
            },
        ),
        Case(
            "on a small service",
            True,
            {
                "alarm": {"metric": "HTTPCode_Target_4XX_Count"},
                "target_groups": {"orders": {"requests": "120, -4: 320", "target_4xx": "2, -4: 202"}},
            },
        ),
        Case(
            "a release lost a route",
            False,
            {
                "alarm": {"metric": "HTTPCode_Target_4XX_Count"},
                "target_groups": {"orders": {"target_4xx": "60, -7: 700"}},
            },
        ),
        Case(
            "odd paths of an API",
            True,
            {
                "alarm": {"metric": "4xx"},
                "api": {
                    "kind": "http",
                    "routes": {
                        "GET /orders": {},
                        "GET /admin": {
                            "missing": True,
                            "odd_paths": True,
                            "backend_4xx": "0",
                            "requests": "0, -6: 900",
                            "route_missing": "0, -6: 900",
                        },
                    },
                },
            },
        ),
    ),
)
