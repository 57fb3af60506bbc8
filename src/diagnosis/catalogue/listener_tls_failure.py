"""Clients cannot finish the TLS handshake with the listener."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.evidence import Change, Missing
from diagnosis.facts import Facts
from diagnosis.lost_requests import lost_requests
from diagnosis.phrase import moved, percent
from diagnosis.symptom import Family
from diagnosis.systems.certificates import Certificate, CertificateDetails

METRIC = "CloudWatch ClientTLSNegotiationErrorCount"
ACM = "acm DescribeCertificate"
# Requests that are missing, among the expected: a handful of old clients, or most.
SOME_LOST, MOST_LOST = 0.03, 0.3
# An expiry shows with the next handshakes; a certificate just replaced is the suspect for half an hour.
EXPIRY_SHOWS = timedelta(minutes=10)
FRESH = timedelta(minutes=30)
# What a ModifyListener names when it is about TLS (API reference).
ABOUT_TLS = frozenset({"sslPolicy", "certificates", "mutualAuthentication", "alpnPolicy"})


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh handshakes that fail, requests that stay away, and what happened to certificates and policy."""
    if facts.symptom.family not in {Family.HANDSHAKES, Family.LOST} or facts.onset is None:
        yield Signal(-6.0, "clients' handshakes and the number of requests are not what moved", METRIC)
        return
    failed = facts.counts["client_tls"]
    if not failed.risen:
        yield Signal(-4.0, "clients' TLS handshakes fail no more often than before", METRIC)
        return
    yield Signal(2.5, f"failed handshakes of clients went {moved(failed)}", METRIC)
    yield from _lost(facts)
    suspects = [*_suspects(facts, facts.onset)]
    yield from suspects
    if not suspects and not isinstance(facts.evidence.certificates, Missing):
        yield Signal(-0.5, "no certificate expired or was replaced, as far as can be read", ACM)


def _lost(facts: Facts) -> Iterator[Signal]:
    """Handshakes that fail beside unchanged requests are those of scanners and of clients nobody misses."""
    share = _lost_share(facts)
    if share >= MOST_LOST:
        yield Signal(3.0, f"{percent(share)} of the expected requests are missing", "CloudWatch RequestCount")
    elif share >= SOME_LOST:
        yield Signal(1.5, f"{percent(share)} of the usual requests are missing", "CloudWatch RequestCount")
    else:
        yield Signal(-4.0, "as many requests come as before", "CloudWatch RequestCount")


def _lost_share(facts: Facts) -> float:
    metrics = facts.evidence.metrics
    if facts.requests.before <= 0.0 or isinstance(metrics, Missing):
        return 0.0
    lost, expected = lost_requests(metrics.counts("RequestCount"))
    since = slice(facts.span.onset, facts.span.until)
    material = sum(lost[since]) / max(sum(expected[since]), 1.0)
    fewer = 1.0 - facts.requests.after / facts.requests.before
    # Of a small loss only a fall beyond chance counts, in comparison with the minutes just before.
    return max(material, fewer if _fell(facts, metrics.counts("RequestCount")) else 0.0)


def _fell(facts: Facts, asked: tuple[float, ...]) -> bool:
    near = asked[max(facts.span.first, facts.span.onset - 30) : facts.span.onset]
    since = asked[facts.span.onset : facts.span.until]
    if not near or not since:
        return False
    lowest = sorted(near)[len(near) // 10]
    return sum(since) / len(since) < lowest


def _suspects(facts: Facts, onset: datetime) -> Iterator[Signal]:
    for each in _read(facts):
        yield from _of_certificate(each, onset, facts.evidence.now)
    for relevant in facts.changes_of(Effect.CERTIFICATE, Effect.ROUTING):
        change = relevant.change
        if relevant.effect is Effect.CERTIFICATE or touches_tls(change):
            yield Signal(3.5, f"{change.name} at {change.at:%H:%M:%S} by {change.by}", "CloudTrail")
            return


def touches_tls(change: Change) -> bool:
    """Whether a change of a listener is about its certificates or its security policy."""
    return not ABOUT_TLS.isdisjoint(change.parameters)


def _of_certificate(certificate: Certificate, onset: datetime, now: datetime) -> Iterator[Signal]:
    details = certificate.details
    if isinstance(details, Missing):
        return
    name, ended = _name(certificate, details), details.not_after
    which = "the default certificate" if certificate.default else "a certificate"
    if details.status == "REVOKED":
        yield Signal(4.0, f"{which} of port {certificate.port}, {name}, is revoked", ACM)
    elif ended is not None and ended <= now:
        near = onset - EXPIRY_SHOWS <= ended <= onset + EXPIRY_SHOWS
        yield Signal(
            5.5 if near else 2.0,
            f"{which} of port {certificate.port}, {name}, expired at {ended:%d %b %H:%M}",
            ACM,
        )
    elif details.brought is not None and onset - FRESH <= details.brought <= onset + EXPIRY_SHOWS:
        yield Signal(
            3.0, f"{which} of port {certificate.port}, {name}, was replaced at {details.brought:%H:%M}", ACM
        )


def _name(certificate: Certificate, details: CertificateDetails) -> str:
    return next(iter(details.domains), certificate.arn.rsplit("/", 1)[-1])


def _read(facts: Facts) -> tuple[Certificate, ...]:
    certificates = facts.evidence.certificates
    return () if isinstance(certificates, Missing) else certificates


CAUSE = Cause(
    code="listener_tls_failure",
    origin=Origin.LOAD_BALANCER,
    title="Clients cannot finish the TLS handshake with the listener",
    why=(
        "The listener's certificate has expired, was replaced by one that clients do not accept, or the"
        " security policy no longer has what they speak. There is no HTTP response and no line in the access"
        " log: requests just stay away."
    ),
    prior=-2.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Compare expiry, names and chain of the certificate with what clients ask for.", Look.CERTIFICATES
        ),
        Check(
            "See who changed certificate or security policy of the listener, and put the one before back.",
            Look.CHANGES,
        ),
        Check(
            "Read in the connection log which protocol and cipher fail, and why; turn it on if it is off.",
            Look.ATTRIBUTES,
        ),
    ),
    prevention="Let ACM renew certificates, alarm on DaysToExpiry, try a policy on a second listener first.",
    retry=Retry.SAFE,
    rollback_helps=False,
    triggers={"configuration_change": 2.0, "none_found": 1.5, "schedule": 0.5, "deployment": -4.0},
    touched_by=(Effect.CERTIFICATE, Effect.ROUTING),
    owner=Owner.PLATFORM,
    short="listener certificate",
    component=lambda _: "listener",
    sources=(
        "ALB user guide, CloudWatch metrics: ClientTLSNegotiationErrorCount",
        "ALB user guide, connection logs",
        "ACM user guide, managed renewal",
    ),
    cases=(
        Case(
            "the certificate expired",
            True,
            {
                "alarm": {"metric": "ClientTLSNegotiationErrorCount"},
                "target_groups": {"orders": {"requests": "4421, -7: 260"}},
                "traffic": {"client_tls_errors": "9, -7: 5200"},
                "certificates": {"orders": {"expires": "-7", "kind": "IMPORTED"}},
            },
        ),
        Case(
            "old clients are shut out by a new security policy",
            True,
            {
                "alarm": {"metric": "RequestCount"},
                "target_groups": {"orders": {"requests": "4421, -11: 2400"}},
                "traffic": {"client_tls_errors": "9, -11: 2100"},
                "changes": [
                    {
                        "at": "-11.4",
                        "name": "ModifyListener",
                        "source": "elasticloadbalancing",
                        "by": "platform-admin",
                        "resources": ["order-api"],
                        "parameters": {"sslPolicy": "ELBSecurityPolicy-TLS13-1-3-2021-06"},
                    }
                ],
            },
        ),
        Case(
            "a scanner tries old versions of TLS and nobody is missing",
            False,
            {
                "alarm": {"metric": "ClientTLSNegotiationErrorCount"},
                "traffic": {"client_tls_errors": "9, -7: 800"},
            },
        ),
        Case(
            "requests fall without a failed handshake",
            False,
            {
                "alarm": {"metric": "RequestCount"},
                "target_groups": {"orders": {"requests": "4421, -9: 1300"}},
                "traffic": {"client_tls_errors": "9"},
            },
        ),
    ),
)
