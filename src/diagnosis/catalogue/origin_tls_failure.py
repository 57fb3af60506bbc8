"""TLS between edge and origin fails."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect, RelevantChange
from diagnosis.context import began_lately
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
from diagnosis.systems.edge import LOAD_BALANCER

A_PART = 0.15
# What a change of these names has to mention to be about TLS.
TLS_PARAMETERS = ("certificate", "sslpolicy", "originsslprotocols", "originprotocolpolicy", "protocol")


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh refused handshakes, certificates and edits against an origin that sees fewer requests."""
    edge = about_5xx(facts)
    if edge is None:
        yield Signal(-6.0, "server errors of a distribution are not what failed", "CloudWatch 5xxErrorRate")
        return
    yield from said_by_codes(facts, 1.5, "502")
    yield from origin_answers_errors(facts)
    yield from function_fails(facts)
    yield from began_lately(facts)
    yield from edited(_about_tls(facts), 1.5)
    origin = edge.failing
    if origin is None:
        yield Signal(-2.0, "which origin fails is not known", "what could not be read")
        return
    if origin.configuration and not origin.configuration.speaks_tls:
        yield Signal(
            -8.0, f"the edge speaks plain HTTP to {origin.id}", "GetDistribution OriginProtocolPolicy"
        )
        return
    fault = certificate_fault(facts, origin)
    if fault:
        yield Signal(3.5, fault, "DescribeListenerCertificates and DescribeCertificate")
    if origin.read:
        yield from _handshakes(edge, origin)


def _handshakes(edge: EdgeFacts, origin: OriginFacts) -> Iterator[Signal]:
    refused, source = origin.refused_tls, f"CloudWatch of {origin.id}"
    if refused.risen and refused.excess >= A_PART * edge.server_errors.excess:
        yield Signal(4.5, f"{origin.id}'s failed TLS handshakes went {moved(refused)}", source)
    elif origin.kind == LOAD_BALANCER:
        yield Signal(-3.0, f"{origin.id} counts no more failed TLS handshakes than before", source)
    if origin.deserted:
        yield Signal(1.0, f"requests that reach {origin.id} went {moved(origin.requests)}", source)
    elif edge.server_errors.after >= 0.3 * origin.requests.before > 0:
        yield Signal(-3.0, f"as many requests as before reach {origin.id}", source)


def _about_tls(facts: Facts) -> tuple[RelevantChange, ...]:
    return tuple(
        each
        for each in edits(facts, Effect.CERTIFICATE, Effect.ROUTING)
        if each.effect is Effect.CERTIFICATE or _mentions_tls(each)
    )


def _mentions_tls(change: RelevantChange) -> bool:
    """A change of a listener or a distribution may be about anything; its parameters tell."""
    named = str(change.change.parameters).lower()
    return not change.change.parameters or any(word in named for word in TLS_PARAMETERS)


CAUSE = Cause(
    code="origin_tls_failure",
    origin=Origin.EDGE,
    title="TLS between the edge and its origin fails (502)",
    why=(
        "The edge reaches the origin and the handshake fails: the certificate has expired or is for another"
        " name, the chain is incomplete, or no protocol or cipher fits. No request is sent."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Look at what the origin presents: openssl s_client -connect <origin>:443 -servername <host>.",
            Look.CERTIFICATES,
        ),
        Check(
            "Compare names and expiry of the listener's certificates with the distribution's origin domain.",
            Look.CERTIFICATES,
        ),
        Check(
            "See who changed the listener, the certificate or the distribution's origin protocols last.",
            Look.CHANGES,
        ),
    ),
    prevention="Let ACM renew the origin's certificate, and alarm on DaysToExpiry and on failed handshakes.",
    retry=Retry.SAFE,
    rollback_helps=False,
    triggers={"configuration_change": 1.0, "deployment": -2.0},
    touched_by=(Effect.CERTIFICATE, Effect.ROUTING, Effect.EDGE),
    systems=CLOUDFRONT,
    owner=Owner.PLATFORM,
    short="listener certificate",
    component=failing_origin,
    sources=(
        (
            "CloudFront developer guide, HTTP 502 status code (Bad Gateway): SSL/TLS negotiation failure"
            " between CloudFront and a custom origin server"
        ),
    ),
    known_problems="Origins outside the account show neither handshakes nor certificates.",
    cases=(
        Case(
            "the listener got a certificate for another name",
            True,
            {
                "distribution": {"errors": {"502": "0, -5: 9800"}},
                "target_groups": {"orders": {"requests": "4421, -5: 0", "target_4xx": "60, -5: 0"}},
                "traffic": {"client_tls_errors": "0, -5: 4400"},
            },
        ),
        Case(
            "only new handshakes fail, without rates by code",
            True,
            {
                "distribution": {"additional_metrics": False, "errors": {"502": "0, -8: 5200"}},
                "target_groups": {"orders": {"requests": "4421, -8: 1700", "target_4xx": "60, -8: 20"}},
                "traffic": {"client_tls_errors": "0, -8: 2600"},
            },
        ),
        Case(
            "packets to the load balancer are dropped",
            False,
            {
                "distribution": {"errors": {"504": "0, -5: 9800"}},
                "target_groups": {"orders": {"requests": "4421, -5: 0", "target_4xx": "60, -5: 0"}},
            },
        ),
    ),
)
