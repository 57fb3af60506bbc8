"""Probing of paths that do not exist."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.facts import Facts
from diagnosis.phrase import moved
from diagnosis.symptom import Family


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh 4xx that come on top of unchanged successes."""
    rejected = facts.errors
    if facts.symptom.family is not Family.CLIENT_ERRORS or facts.onset is None or not rejected.risen:
        yield Signal(-6.0, "4xx are not what rose", "CloudWatch HTTPCode_Target_4XX_Count")
        return
    if facts.part("target_4xx") < 0.5:
        yield Signal(
            -4.0,
            "most were answered by the load balancer: a firewall, malformed requests or impatient clients",
            "CloudWatch HTTPCode_ELB_4XX_Count",
        )
    more = (facts.attempted.after - facts.attempted.before) * facts.span.minutes
    successes = facts.counts["target_2xx"]
    lost = max(0.0, (successes.before - successes.after) * facts.span.minutes)
    if 0.6 * rejected.excess <= more <= 1.6 * rejected.excess:
        yield Signal(
            3.5,
            f"as many more requests came as were rejected, {moved(facts.attempted)}",
            "CloudWatch RequestCount",
        )
    elif more < 0.3 * rejected.excess:
        yield Signal(-3.5, "no more requests came than before", "CloudWatch RequestCount")
    if lost < 0.2 * rejected.excess:
        yield Signal(
            2.0, f"successes are as before, {moved(successes)}", "CloudWatch HTTPCode_Target_2XX_Count"
        )
    else:
        yield Signal(-3.0, f"successes fell, {moved(successes)}", "CloudWatch HTTPCode_Target_2XX_Count")


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
    ),
)
