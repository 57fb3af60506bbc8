"""Reads the certificates of the HTTPS listeners, where clients fail to get through to the load balancer.

It takes a call for each listener and for each certificate, so it is done only when clients' TLS handshakes
fail more often than before, or when requests are missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from collectors.reading import Answer, Reading, Scope, UnreadableAnswerError, in_utc, read_each
from diagnosis import untrusted
from diagnosis.evidence import Listener
from diagnosis.series import NOT_LOOKED_UP, Metrics, Missing
from diagnosis.symptom import clients_stay_away
from diagnosis.systems.certificates import Certificate, CertificateDetails

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

PERMISSIONS = ("elasticloadbalancing:DescribeListenerCertificates", "acm:DescribeCertificate")
MOST_LISTENERS, MOST_CERTIFICATES, MOST_DOMAINS, LONGEST_DOMAIN = 4, 10, 10, 253
_KEPT_BY_IAM = Missing("a server certificate that IAM keeps, whose dates are not read")


@dataclass(frozen=True, slots=True)
class _Presented:
    """A certificate as a listener names it."""

    arn: str
    listener: Listener
    default: bool


def collect_certificates(scope: Scope, read: Mapping[str, object]) -> tuple[Certificate, ...] | Missing:
    """The certificates of the HTTPS listeners, each listener's default first, where clients stay away."""
    metrics = cast("Metrics | Missing", read["metrics"])
    listed = cast("tuple[Listener, ...] | Missing", read["listener_list"])
    if isinstance(metrics, Missing) or not clients_stay_away(metrics, scope.entry_point.kind):
        return NOT_LOOKED_UP
    if isinstance(listed, Missing):
        return listed
    secure = [listener for listener in listed if listener.protocol in {"HTTPS", "TLS"}][:MOST_LISTENERS]
    return _described(scope, _presented(scope, secure))


def _presented(scope: Scope, listeners: Sequence[Listener]) -> tuple[_Presented, ...]:
    client = cast("ElasticLoadBalancingv2Client", scope.clients("elbv2"))
    return tuple(
        _Presented(each["CertificateArn"], listener, each.get("IsDefault", False))
        for listener in listeners
        for each in _default_first(client.describe_listener_certificates(ListenerArn=listener.arn))
        if "CertificateArn" in each
    )[:MOST_CERTIFICATES]


def _default_first(answer: Answer) -> list[Any]:
    """DescribeListenerCertificates may name the default one twice (API reference)."""
    by_arn = {
        each.get("CertificateArn"): each
        for each in sorted(answer.get("Certificates", ()), key=lambda each: bool(each.get("IsDefault")))
    }
    return sorted(by_arn.values(), key=lambda each: not each.get("IsDefault"))


def _described(scope: Scope, presented: Sequence[_Presented]) -> tuple[Certificate, ...]:
    kept = [each.arn for each in presented if ":acm:" in each.arn]
    client = scope.clients("acm") if kept else None

    def details(arn: str) -> CertificateDetails:
        return parse_certificate(cast("Any", client).describe_certificate(CertificateArn=arn))

    found = read_each("acm", dict.fromkeys(kept), details)
    return tuple(
        Certificate(
            arn=each.arn,
            port=each.listener.port,
            default=each.default,
            details=found.get(each.arn, _KEPT_BY_IAM),
        )
        for each in presented
    )


def parse_certificate(answer: Answer) -> CertificateDetails:
    """The certificate of a DescribeCertificate answer.

    Raises `UnreadableAnswerError` where there is none.
    """
    found: Answer = answer.get("Certificate", {})
    if not found:
        raise UnreadableAnswerError("the certificate was not described")
    names = (found.get("DomainName"), *found.get("SubjectAlternativeNames", ()))
    domains = dict.fromkeys(name for each in names if (name := untrusted.text(each, LONGEST_DOMAIN)))
    return CertificateDetails(
        status=found.get("Status", "unknown"),
        kind=found.get("Type", "unknown"),
        domains=tuple(domains)[:MOST_DOMAINS],
        not_before=in_utc(found.get("NotBefore")),
        not_after=in_utc(found.get("NotAfter")),
        brought=in_utc(found.get("ImportedAt") or found.get("IssuedAt")),
        in_use=bool(found.get("InUseBy")),
        renewal=found.get("RenewalSummary", {}).get("RenewalStatus"),
    )


READINGS = (
    Reading(
        "certificates",
        "elbv2",
        ("listener_list", "metrics"),
        PERMISSIONS,
        collect_certificates,
    ),
)
