"""The edge cannot connect to the origin, or cannot find it."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect, RelevantChange
from diagnosis.context import began_lately
from diagnosis.dns_records import addresses_of
from diagnosis.edge_context import (
    CLOUDFRONT,
    about_5xx,
    certificate_fault,
    edited,
    edits,
    failing_origin,
    function_fails,
    origin_answers_errors,
    said_by_codes,
)
from diagnosis.facts import Facts
from diagnosis.facts.behind import OriginFacts
from diagnosis.facts.edge import EdgeFacts
from diagnosis.phrase import moved

NEARLY_ALL, A_PART = 0.9, 0.15
DNS_CHANGES = frozenset({"ChangeResourceRecordSets"})


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh 502 and 504 without a trace of the requests at the origin."""
    edge = about_5xx(facts)
    if edge is None:
        yield Signal(-6.0, "server errors of a distribution are not what failed", "CloudWatch 5xxErrorRate")
        return
    yield from said_by_codes(facts, 1.0, "502", "504")
    yield from origin_answers_errors(facts)
    yield from function_fails(facts)
    yield from began_lately(facts)
    yield from edited(_on_the_way(facts), 1.5)
    origin = edge.failing
    yield from _renamed(facts, edge)
    if origin is None or not origin.read:
        yield Signal(-2.5, "whether requests still reach the origin is not known", "what could not be read")
        return
    yield from _traces(edge, origin)
    if certificate_fault(facts, origin):
        yield Signal(-3.0, "its certificate explains it: the origin is reached", "DescribeCertificate")


def _traces(edge: EdgeFacts, origin: OriginFacts) -> Iterator[Signal]:
    source = f"CloudWatch of {origin.id}"
    if origin.refused_tls.risen and origin.refused_tls.excess >= A_PART * edge.server_errors.excess:
        yield Signal(-5.0, f"the edge reaches {origin.id}: TLS handshakes fail there", source)
    if origin.deserted:
        gone = origin.requests.after <= (1 - NEARLY_ALL) * origin.requests.before
        yield Signal(
            4.5 if gone else 3.0,
            f"requests that reach {origin.id} went {moved(origin.requests)}, and it answers no errors",
            source,
        )
    else:
        yield Signal(-4.0, f"requests reach {origin.id} as before", source)


def _renamed(facts: Facts, edge: EdgeFacts) -> Iterator[Signal]:
    """A record of the very name under which the edge looks for its origin."""
    origins = (edge.failing,) if edge.failing else edge.origins
    names = {each.configuration.domain.lower() for each in origins if each.configuration}
    for each in facts.changes:
        found = [record for record in addresses_of(each.change) if record.name in names]
        if not found:
            continue
        at = f"at {each.change.at:%H:%M:%S}"
        if all(record.deleted for record in found):
            yield Signal(5.0, f"the record of {found[0].name} was deleted {at}", "CloudTrail")
        else:
            yield Signal(2.0, f"the record of {found[0].name} was edited {at}", "CloudTrail")
        return


def _on_the_way(facts: Facts) -> tuple[RelevantChange, ...]:
    network = edits(facts, Effect.NETWORK, Effect.ROUTING, Effect.REGISTRATION)
    named = tuple(
        each for each in facts.changes if each.change.name in DNS_CHANGES and each.ours is not False
    )
    return (*network, *named)


CAUSE = Cause(
    code="origin_unreachable",
    origin=Origin.EDGE,
    title="The edge cannot reach its origin (502 or 504)",
    why=(
        "Nothing of the requests arrives: packets are dropped by a security group or network ACL, nothing"
        " listens on the port, or the origin's name does not resolve."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Resolve the origin's domain name and connect to its port from outside the VPC.", Look.METRICS),
        Check(
            "See whether its security group lets in com.amazonaws.global.cloudfront.origin-facing.",
            Look.NETWORK_CHANGES,
        ),
        Check("See who changed listener, security group or DNS record last.", Look.NETWORK_CHANGES),
    ),
    prevention="Name CloudFront's managed prefix list in the origin's security group, and guard that rule.",
    retry=Retry.SAFE,
    rollback_helps=False,
    triggers={"configuration_change": 1.0, "deployment": -2.0},
    touched_by=(Effect.NETWORK, Effect.ROUTING, Effect.REGISTRATION, Effect.CONFIGURATION, Effect.EDGE),
    systems=CLOUDFRONT,
    owner=Owner.NETWORK,
    short="network path",
    component=failing_origin,
    sources=(
        (
            "CloudFront developer guide, HTTP 504 status code (Gateway Timeout): the firewall or security"
            " group drops CloudFront's traffic, the origin is not accessible on the internet"
        ),
        (
            "CloudFront developer guide, HTTP 502 status code (Bad Gateway): DNS failure, origin is not"
            " responding with the ports configured"
        ),
    ),
    known_problems="An origin in another account cannot be seen; 504 alone does not tell it from a slow one.",
    cases=(
        Case(
            "the security group's rule for the edge was removed",
            True,
            {
                "distribution": {"errors": {"504": "0, -5: 9800"}},
                "target_groups": {"orders": {"requests": "4421, -5: 0", "target_4xx": "60, -5: 0"}},
            },
        ),
        Case(
            "the listener's port is gone, without rates by code",
            True,
            {
                "distribution": {"additional_metrics": False, "errors": {"502": "0, -7: 9600"}},
                "target_groups": {"orders": {"requests": "4421, -7: 0", "target_4xx": "60, -7: 0"}},
            },
        ),
        Case(
            "the record of the origin's name was deleted, and the origin is of another account",
            True,
            {
                "distribution": {
                    "errors": {"502": "0, -6: 2400"},
                    "origins": {"web": {"host": "web.internal.example.org", "protocol": "https-only"}},
                },
                "changes": [
                    {
                        "at": "-7.5",
                        "name": "ChangeResourceRecordSets",
                        "source": "route53",
                        "by": "tidy",
                        "resources": ["Z0PUBLIC"],
                        "parameters": {
                            "hostedZoneId": "Z0PUBLIC",
                            "changeBatch": {
                                "changes": [
                                    {
                                        "action": "DELETE",
                                        "resourceRecordSet": {
                                            "name": "web.internal.example.org.",
                                            "type": "A",
                                        },
                                    }
                                ]
                            },
                        },
                    }
                ],
            },
        ),
        Case(
            "the origin gets the requests and is slow",
            False,
            {
                "distribution": {
                    "errors": {"504": "0, -8: 260"},
                    "latency": "0.11, -8: 2.3",
                    "latency_p99": "0.9, -8: 30.2",
                },
                "target_groups": {
                    "orders": {"response_time": "0.09, -8: 2.2", "response_time_p99": "0.42, -8: 38"}
                },
            },
        ),
    ),
)
