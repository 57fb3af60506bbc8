"""Certificates of listeners: read only where clients stay away, and never more than a few."""

from datetime import timedelta
from typing import Any

import pytest

from collectors.listener_certificates import MOST_CERTIFICATES, collect_certificates, parse_certificate
from collectors.reading import UnreadableAnswerError
from diagnosis.evidence import (
    NOT_LOOKED_UP,
    Evidence,
    Listener,
    MetricKey,
    Metrics,
    Missing,
    from_json,
    to_json,
)
from diagnosis.systems.certificates import Certificate, CertificateDetails
from tests.collectors.fake_aws import LISTENER, NOW, FakeAws, before, error, scope

ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/shop"
BY_IAM = "arn:aws:iam::111122223333:server-certificate/old-shop"
EXPIRES = NOW + timedelta(days=3)
WINDOW = scope(FakeAws()).window


def _metrics(requests: float = 4000.0, failed: float = 0.0) -> Metrics:
    """Four thousand requests a minute, and these in the last six minutes."""
    quiet = WINDOW.minutes - 6
    return Metrics(
        WINDOW,
        {
            MetricKey("RequestCount", "Sum"): (4000.0,) * quiet + (requests,) * 6,
            MetricKey("ClientTLSNegotiationErrorCount", "Sum"): (5.0,) * quiet + (failed,) * 6,
        },
    )


def _read(metrics: Metrics | Missing, protocol: str = "HTTPS") -> dict[str, object]:
    return {"metrics": metrics, "listener_list": (Listener(LISTENER, 443, protocol, ()),)}


def _aws(*certificates: tuple[str, bool], **changed: Any) -> FakeAws:
    described = {
        "CertificateArn": ARN,
        "DomainName": "shop.example.com",
        "SubjectAlternativeNames": ["shop.example.com", "www.shop.example.com"],
        "Status": "ISSUED",
        "Type": "IMPORTED",
        "NotBefore": before(days=300),
        "NotAfter": EXPIRES,
        "ImportedAt": before(days=300),
        "InUseBy": ["arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/order-api/1"],
    }
    listed = [
        {"CertificateArn": arn, "IsDefault": default} for arn, default in certificates or ((ARN, True),)
    ]
    return FakeAws(
        **{
            "DescribeListenerCertificates": {"Certificates": listed},
            "DescribeCertificate": {"Certificate": described},
            **changed,
        }
    )


@pytest.mark.parametrize(
    "metrics", [_metrics(failed=5.0), Missing("AccessDenied")], ids=["all is as before", "no metrics"]
)
def test_nothing_is_asked_while_clients_come_as_before(metrics: Metrics | Missing) -> None:
    aws = _aws()

    assert collect_certificates(scope(aws), _read(metrics)) == NOT_LOOKED_UP
    assert not aws.calls


@pytest.mark.parametrize("metrics", [_metrics(failed=900.0), _metrics(requests=300.0, failed=5.0)])
def test_certificates_are_read_when_handshakes_fail_or_requests_are_missing(metrics: Metrics) -> None:
    assert collect_certificates(scope(_aws()), _read(metrics)) == (
        Certificate(
            arn=ARN,
            port=443,
            default=True,
            details=CertificateDetails(
                status="ISSUED",
                kind="IMPORTED",
                domains=("shop.example.com", "www.shop.example.com"),
                not_before=before(days=300),
                not_after=EXPIRES,
                brought=before(days=300),
                in_use=True,
            ),
        ),
    )


def test_a_listener_without_tls_has_none() -> None:
    aws = _aws()

    assert collect_certificates(scope(aws), _read(_metrics(failed=900.0), "HTTP")) == ()
    assert not aws.calls


def test_the_default_certificate_comes_first_and_each_once() -> None:
    aws = _aws((f"{ARN}-2", False), (ARN, True), (ARN, False))
    found = collect_certificates(scope(aws), _read(_metrics(failed=900.0)))

    assert isinstance(found, tuple)
    assert [(each.arn, each.default) for each in found] == [(ARN, True), (f"{ARN}-2", False)]


def test_a_certificate_that_iam_keeps_is_named_as_not_read() -> None:
    aws = _aws((BY_IAM, True))
    found = collect_certificates(scope(aws), _read(_metrics(failed=900.0)))

    assert isinstance(found, tuple)
    assert isinstance(found[0].details, Missing)
    assert "IAM" in found[0].details.reason
    assert not aws.asked("DescribeCertificate")


def test_a_certificate_that_may_not_be_described_is_missing_for_itself() -> None:
    denied = error("DescribeCertificate", "AccessDeniedException")
    found = collect_certificates(scope(_aws(DescribeCertificate=denied)), _read(_metrics(failed=900.0)))

    assert isinstance(found, tuple)
    assert found[0].details == Missing("acm:DescribeCertificate: AccessDeniedException")


def test_of_a_great_many_certificates_a_few_are_read() -> None:
    aws = _aws(*((f"{ARN}-{number}", number == 0) for number in range(60)))
    found = collect_certificates(scope(aws), _read(_metrics(failed=900.0)))

    assert isinstance(found, tuple)
    assert len(found) == len(aws.asked("DescribeCertificate")) == MOST_CERTIFICATES


def test_an_answer_without_a_certificate_is_unreadable() -> None:
    with pytest.raises(UnreadableAnswerError):
        parse_certificate({})


def test_what_was_read_survives_being_stored() -> None:
    aws = _aws((ARN, True), (BY_IAM, False))
    metrics = _metrics(failed=900.0)
    read = Evidence(now=NOW, metrics=metrics, certificates=collect_certificates(scope(aws), _read(metrics)))

    assert from_json(Evidence, to_json(read)) == read
    assert [path for path, _ in read.missing()] == [f"certificates[{BY_IAM}].details"]
