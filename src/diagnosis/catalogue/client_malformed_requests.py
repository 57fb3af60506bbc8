"""Requests that break HTTP or the load balancer's limits: 400, 405, 408, 413, 414, 431, 463."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.facts import Facts
from diagnosis.facts.gateway_answers import Reason
from diagnosis.gateway_context import log_tells, rising, said_by_log
from diagnosis.phrase import moved, percent
from diagnosis.refusals import HARDLY_ANY, MOST, Refusals, refusals_of
from diagnosis.symptom import Family


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh refusals by the load balancer itself that no maker with a metric of its own accounts for."""
    if facts.kind == "apigateway":
        yield from _by_the_gateway(facts)
        return
    if facts.is_5xx and facts.part("elb_other_5xx") >= MOST and facts.counts["redirects_too_long"].risen:
        yield from _redirects(facts)
        return
    found = refusals_of(facts)
    if found is None:
        yield Signal(-6.0, "4xx of the load balancer are not what rose", "CloudWatch HTTPCode_ELB_4XX_Count")
        return
    share, maker = found.explained
    if share >= MOST:
        yield Signal(-6.0, f"{maker} accounts for {percent(min(1.0, share))} of them", "CloudWatch")
        return
    yield Signal(
        1.0,
        f"refusals by the load balancer went {moved(facts.parts['elb_4xx'])}",
        "CloudWatch HTTPCode_ELB_4XX_Count",
    )
    yield from _elimination(facts, found)
    if found.share(found.non_compliant) >= MOST:
        yield Signal(
            4.0,
            f"requests that break HTTP went {moved(facts.counts['desync'])}",
            "CloudWatch DesyncMitigationMode_NonCompliant_Request_Count",
        )
    elif found.share(found.odd_headers) >= MOST:
        yield Signal(
            1.5, "requests with invalid headers rose as well", "CloudWatch DroppedInvalidHeaderRequestCount"
        )
    if facts.response_time.raised or facts.slowest.raised:
        yield Signal(
            -1.0, "response time rose as well, and clients may have left", "CloudWatch TargetResponseTime"
        )


def _redirects(facts: Facts) -> Iterator[Signal]:
    """507: the URL that a rule redirects to would be longer than 8K (ALB user guide, troubleshooting)."""
    long, errors = facts.counts["redirects_too_long"], facts.parts["elb_other_5xx"]
    weight = 7.0 if long.excess >= MOST * errors.excess else 1.0
    yield Signal(
        weight,
        f"URLs too long to redirect went {moved(long)}",
        "CloudWatch HTTP_Redirect_Url_Limit_Exceeded_Count",
    )


def _by_the_gateway(facts: Facts) -> Iterator[Signal]:
    """An API refuses what its models and limits do not take; only the access log tells that."""
    if rising(facts, Family.CLIENT_ERRORS) is None:
        yield Signal(-6.0, "4xx of the API are not what rose", "CloudWatch 4XXError")
    elif log_tells(facts):
        yield from said_by_log(facts, 6.0, Reason.BAD_REQUEST)
    else:
        yield Signal(-1.5, "no access log tells why they were refused", "the stage's access log")


def _elimination(facts: Facts, found: Refusals) -> Iterator[Signal]:
    if found.firewall is None:
        yield Signal(-1.5, "whether the firewall refused them cannot be told", "AWS WAF")
    else:
        yield Signal(1.5, "the firewall refused none of them", "AWS WAF")
    if found.given_up is None:
        yield Signal(-0.5, "what became of the targets' requests is not published", "CloudWatch")
    elif found.share(found.given_up) >= MOST:
        yield Signal(-5.0, "they had been sent to a target and were given up by the client", "CloudWatch")
    elif found.share(found.given_up) >= HARDLY_ANY:
        yield Signal(
            -1.0,
            f"{found.given_up:,.0f} of {found.total:,.0f} were given up by clients",
            "CloudWatch RequestCount less HTTPCode_Target_*",
        )
    else:
        yield Signal(1.0, "no target ever got them", "CloudWatch RequestCount less HTTPCode_Target_*")
    for each in facts.changes_of(Effect.ROUTING)[:1]:
        yield Signal(
            -1.5,
            f"{each.change.name} at {each.change.at:%H:%M:%S} changed who gets which requests",
            "CloudTrail",
        )


CAUSE = Cause(
    code="client_malformed_requests",
    origin=Origin.LOAD_BALANCER,
    title="The load balancer refuses requests that break HTTP or its limits",
    why=(
        "Clients send what the load balancer does not take: headers or cookies that are too large, a broken"
        " request line, a body that never comes, too long a URL or too long a chain of proxies."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Split them in the access log by code, user agent and classification_reason.", Look.LOGS),
        Check(
            "Look for a client or proxy that was just released: cookies, headers, length of URLs.", Look.LOGS
        ),
        Check("Check the desync mitigation mode and the dropping of invalid headers.", Look.ATTRIBUTES),
    ),
    prevention="Keep cookies small (16 KB a header, 64 KB in all); turn on access logs, which tell the code.",
    retry=Retry.NOT_UNCHANGED,
    rollback_helps=False,
    triggers={"traffic_change": 0.5, "none_found": 1.0, "deployment": -2.0},
    touched_by=(Effect.TIMEOUT,),
    systems=frozenset({"alb", "clb", "apigateway"}),
    owner=Owner.CLIENTS,
    short="malformed requests",
    sources=(
        "ALB user guide, troubleshooting, HTTP 400, 405, 408, 413, 414 and 463",
        "ALB user guide, CloudWatch metrics: DesyncMitigationMode_NonCompliant_Request_Count",
        "API Gateway developer guide, gateway response types: BAD_REQUEST_BODY, REQUEST_TOO_LARGE",
    ),
    cases=(
        Case(
            "a broken client hammers the load balancer",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "traffic": {"elb_4xx": "5, -6: 400", "desync_non_compliant": "2, -6: 390"},
            },
        ),
        Case(
            "cookies outgrow the limit after a campaign",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {"orders": {"requests": "4421, -25: 4180"}},
                "traffic": {"elb_4xx": "6, -25: 236", "desync_non_compliant": "1, -25: 130"},
            },
        ),
        Case(
            "clients that leave a slow back end",
            False,
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
    ),
)
