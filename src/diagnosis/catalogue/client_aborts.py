"""Clients leave before the answer."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.facts import NEARLY_ALL, Facts
from diagnosis.phrase import moved, percent, seconds
from diagnosis.refusals import HARDLY_ANY, MOST, refusals_of


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh refusals of requests that a target had got against slowness, which makes clients leave."""
    found = refusals_of(facts)
    if found is None:
        yield Signal(-6.0, "4xx of the load balancer are not what rose", "CloudWatch HTTPCode_ELB_4XX_Count")
        return
    share, maker = found.explained
    if share >= MOST:
        yield Signal(-6.0, f"{maker} accounts for {percent(min(1.0, share))} of them", "CloudWatch")
    slow = facts.slowest if facts.slowest.raised else facts.response_time
    if slow.raised:
        yield Signal(2.5, f"response time went {seconds(slow)}", "CloudWatch TargetResponseTime")
    else:
        yield Signal(-1.0, "response time is as before", "CloudWatch TargetResponseTime")
    if found.given_up is None:
        yield Signal(-0.5, "what became of the targets' requests is not published", "CloudWatch")
    elif found.share(found.given_up) >= MOST:
        yield Signal(
            6.5 if found.share(found.given_up) >= NEARLY_ALL else 5.0,
            f"{found.given_up:,.0f} requests were with a target and got no answer: 460",
            "CloudWatch RequestCount less HTTPCode_Target_*",
        )
    elif found.share(found.given_up) < HARDLY_ANY:
        yield Signal(
            -5.0,
            "every request that a target got was answered",
            "CloudWatch RequestCount less HTTPCode_Target_*",
        )
    if found.share(found.non_compliant) >= MOST:
        yield Signal(
            -4.0,
            f"requests that break HTTP went {moved(facts.counts['desync'])}",
            "CloudWatch DesyncMitigationMode_NonCompliant_Request_Count",
        )


CAUSE = Cause(
    code="client_aborts",
    origin=Origin.CLIENT,
    title="Clients leave before they are answered (460)",
    why=(
        "The answer takes longer than the clients wait, so they close the connection; a target may still work"
        " on the request. It is the sign of a slow back end, or of a client's new, shorter time-out."
    ),
    prior=-2.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Find out what became slow: response time by target group, and what the targets wait for.",
            Look.METRICS,
        ),
        Check(
            "Compare the clients' time-out with the slowest answers (p99), to see who leaves and when.",
            Look.METRICS,
        ),
        Check("See in the access log whether status 460 is one client, one route or all.", Look.LOGS),
    ),
    prevention="Alarm on response time before it reaches the clients' time-out; answer slow work with 202.",
    retry=Retry.IF_IDEMPOTENT,
    # Where a release made the answers slow, the revision before answers in time.
    rollback_helps=True,
    # Clients are released too, and most clients of an internal service are services nearby.
    triggers={"traffic_change": 0.5, "other_deployment": 1.0},
    touched_by=(Effect.DATABASE, Effect.CONFIGURATION, Effect.CAPACITY),
    owner=Owner.CLIENTS,
    short="impatient clients",
    sources=("ALB user guide, troubleshooting, HTTP 460", "ALB user guide, CloudWatch metrics"),
    cases=(
        Case(
            "a slow search and impatient clients",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {
                    "orders": {
                        "elb_460": "1, -8: 210",
                        "response_time": "0.09, -8: 4.1",
                        "response_time_p99": "0.42, -8: 9.7",
                    }
                },
            },
        ),
        Case(
            "a new app waits two seconds only",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {"orders": {"elb_460": "2, -12: 160", "response_time_p99": "2.4"}},
            },
        ),
        Case(
            "malformed requests",
            False,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "traffic": {"elb_4xx": "5, -6: 400", "desync_non_compliant": "2, -6: 390"},
            },
        ),
    ),
)
