"""The certificates of the HTTPS listeners, kept by AWS Certificate Manager or by IAM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.errors import AwsError
from lab.strict import Section, read
from lab.systems import Stage
from lab.wire import Answer

KEY = "certificates"
KINDS = ("AMAZON_ISSUED", "IMPORTED", "PRIVATE")
STATES = ("ISSUED", "EXPIRED", "REVOKED", "INACTIVE", "PENDING_VALIDATION", "FAILED")
# A certificate lives 13 months and is renewed two months before its end.
MINUTES_A_DAY = 24 * 60
USUAL_EXPIRY, USUAL_ISSUE = 200.0 * MINUTES_A_DAY, -195.0 * MINUTES_A_DAY


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate; minutes count from the alarm."""

    name: str
    domains: tuple[str, ...]
    expires: float
    brought: float
    status: str
    kind: str
    default: bool
    by_iam: bool
    renewal: str | None


def load(section: Section, scenario_name: str) -> tuple[Certificate, ...]:  # noqa: ARG001 - one interface
    """Read the section `certificates`: a mapping of names; every HTTPS listener presents them all."""
    names = section.keys()
    found = tuple(
        read(part, _certificate, name, index == 0)
        for index, (name, part) in enumerate(
            (name, Section(section.source, f"{KEY}.{name}", section.raw(name))) for name in names
        )
    )
    section.finish()
    return found


def _certificate(section: Section, name: str, first: bool) -> Certificate:
    expires = section.number("expires", USUAL_EXPIRY)
    return Certificate(
        name=name,
        domains=section.texts("domains", (f"{name}.example.com",)),
        expires=expires,
        brought=section.number("brought", USUAL_ISSUE),
        status=section.text("status", "EXPIRED" if expires <= 0 else "ISSUED", choices=STATES),
        kind=section.text("kind", "AMAZON_ISSUED", choices=KINDS),
        default=section.flag("default", first),
        by_iam=section.flag("by_iam", False),
        renewal=section.optional_text("renewal"),
    )


def quiet(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a case says; there is nothing else."""
    return given


def series(*_: object) -> None:
    """Nobody here reads the metrics of certificates."""
    return


class Staged:
    """Answers for the certificates of listeners; without a section there is one that is good."""

    def __init__(self, stage: Stage, data: tuple[Certificate, ...] | None) -> None:
        self._stage = stage
        name = stage.scenario.load_balancer.name
        self._certificates = {self._arn(each): each for each in (data or (_usual(name),))}

    def operations(self) -> dict[str, dict[str, Answer]]:
        """The operations by boto3's name of the service."""
        return {
            "elbv2": {"DescribeListenerCertificates": self.describe_listener_certificates},
            "acm": {"DescribeCertificate": self.describe_certificate},
        }

    def describe_listener_certificates(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        """The default certificate comes once more among the others (API reference)."""
        listed = [(arn, each.default) for arn, each in self._certificates.items()]
        again = [(arn, False) for arn, default in listed if default]
        return {
            "Certificates": [
                {"CertificateArn": arn, "IsDefault": default} for arn, default in [*listed, *again]
            ]
        }

    def describe_certificate(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The dates and the state of a certificate."""
        found = self._certificates.get(parameters["CertificateArn"])
        if found is None or found.by_iam:
            raise AwsError("ResourceNotFoundException", "Could not find certificate in account.")
        moment = self._stage.scenario.moment
        brought = "ImportedAt" if found.kind == "IMPORTED" else "IssuedAt"
        described: dict[str, Any] = {
            "CertificateArn": parameters["CertificateArn"],
            "DomainName": found.domains[0],
            "SubjectAlternativeNames": list(found.domains),
            "Status": found.status,
            "Type": found.kind,
            "NotBefore": moment(found.brought),
            "NotAfter": moment(found.expires),
            "InUseBy": [self._balancer_arn()],
            brought: moment(found.brought),
        }
        if found.renewal:
            renewal = {"RenewalStatus": found.renewal, "DomainValidationOptions": []}
            described["RenewalSummary"] = renewal | {"UpdatedAt": moment(found.brought)}
        return {"Certificate": described}

    def _arn(self, certificate: Certificate) -> str:
        scenario = self._stage.scenario
        if certificate.by_iam:
            return f"arn:aws:iam::{scenario.account}:server-certificate/{certificate.name}"
        return f"arn:aws:acm:{scenario.region}:{scenario.account}:certificate/{certificate.name}"

    def _balancer_arn(self) -> str:
        scenario = self._stage.scenario
        dimension = scenario.load_balancer.dimension
        return f"arn:aws:elasticloadbalancing:{scenario.region}:{scenario.account}:loadbalancer/{dimension}"


def _usual(name: str) -> Certificate:
    domains = (f"{name}.example.com",)
    return Certificate(
        name, domains, USUAL_EXPIRY, USUAL_ISSUE, "ISSUED", "AMAZON_ISSUED", default=True, by_iam=False,
        renewal=None,
    )  # fmt: skip
