"""Which certificates of an origin can satisfy the edge, and which edits count."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from diagnosis.catalogue import origin_tls_failure
from diagnosis.edge_context import certificate_fault, edits, said_by_codes, share_of
from diagnosis.effects import Effect
from diagnosis.evidence import Evidence, Missing
from diagnosis.facts import Facts
from diagnosis.systems.certificates import Certificate, CertificateDetails
from tests.diagnosis.sketches import facts_of, sketch

DAY = timedelta(days=1)


def certificate(evidence: Evidence, *domains: str, days: float = 200, status: str = "ISSUED") -> Certificate:
    until = evidence.now + days * DAY
    details = CertificateDetails(status, "IMPORTED", domains, evidence.now - 100 * DAY, until)
    return Certificate(f"arn:{domains[0]}", 443, default=True, details=details)


def facts_with(*given: Any, refused: bool = True, **differences: Any) -> Facts:
    """The facts of an edge whose origin presents these certificates (domains, days left, status)."""
    evidence = sketch(
        distribution={"aliases": ["shop.example.com"], "errors": {"502": "0, -5: 900"}, **differences},
        traffic={"client_tls_errors": "0, -5: 400"} if refused else {},
    )
    assert not isinstance(evidence.origins, Missing)
    origin = evidence.origins["order-api"]
    assert isinstance(origin, Evidence)
    made = tuple(certificate(evidence, *domains, **rest) for domains, rest in given)
    return facts_of(
        replace(evidence, origins={"order-api": replace(origin, certificates=made)}), "5xxErrorRate"
    )


def fault(facts: Facts) -> str | None:
    assert facts.edge is not None
    assert facts.edge.failing is not None
    return certificate_fault(facts, facts.edge.failing)


@pytest.mark.parametrize("domain", ["shop.example.com", "*.example.com", "SHOP.example.com"])
def test_a_certificate_for_the_viewers_name_will_do(domain: str) -> None:
    assert fault(facts_with(((domain,), {}))) is None


@pytest.mark.parametrize("domain", ["wholesale.example.com", "*.shop.example.com", "example.com"])
def test_a_certificate_for_another_name_will_not(domain: str) -> None:
    assert "no certificate of order-api is for" in (fault(facts_with(((domain,), {}))) or "")


def test_a_name_that_never_fitted_counts_only_where_handshakes_fail() -> None:
    assert fault(facts_with((("other.example.com",), {}), refused=False)) is None


def test_a_certificate_that_ended_days_ago_did_no_harm_before_either() -> None:
    assert fault(facts_with((("shop.example.com",), {"days": -3}))) is None


def test_an_expired_certificate_is_told_with_its_date() -> None:
    sentence = fault(facts_with((("shop.example.com",), {"days": -0.01})))
    assert sentence is not None
    assert "not valid any more, since 20 November" in sentence


def test_a_revoked_certificate_is_not_valid() -> None:
    assert "not valid" in (fault(facts_with((("shop.example.com",), {"status": "REVOKED"}))) or "")


def test_one_good_certificate_among_expired_ones_is_enough() -> None:
    names, none = ("shop.example.com",), dict[str, Any]()
    assert fault(facts_with((names, {"days": -3}), (names, none))) is None


def test_without_any_certificate_that_could_be_read_nothing_is_claimed() -> None:
    assert fault(facts_with()) is None
    facts = facts_with((("other.example.com",), {}))
    assert not isinstance(facts.evidence.origins, Missing)
    origin = facts.evidence.origins["order-api"]
    assert isinstance(origin, Evidence)
    [known] = origin.certificates if not isinstance(origin.certificates, Missing) else ()
    hidden = replace(origin, certificates=(replace(known, details=Missing("acm: AccessDenied")),))
    assert fault(facts_of(replace(facts.evidence, origins={"order-api": hidden}), "5xxErrorRate")) is None


def test_an_expired_certificate_speaks_for_tls_and_against_a_dropped_packet() -> None:
    facts = facts_with((("shop.example.com",), {"days": -0.01}))
    statements = [signal.statement for signal in origin_tls_failure.examine(facts) if signal.weight > 0]
    assert any("not valid any more" in each for each in statements)


# --- codes and edits ---


def test_shares_of_codes_are_unknown_without_additional_metrics() -> None:
    assert share_of(facts_with(additional_metrics=False), "502") is None
    assert share_of(facts_with(), "502") == pytest.approx(1.0)
    assert list(said_by_codes(facts_with(additional_metrics=False), 2.0, "502")) == []


def test_a_code_that_is_not_there_speaks_against() -> None:
    [signal] = said_by_codes(facts_with(), 2.0, "504")
    assert signal.weight < 0


def test_an_edit_of_the_distribution_counts_whatever_effect_is_asked_for() -> None:
    change = {
        "at": "-6",
        "name": "UpdateDistribution2020_05_31",
        "source": "cloudfront",
        "resources": ["E1SHOP00000001"],
    }
    evidence = sketch(
        distribution={"id": "E1SHOP00000001", "errors": {"502": "0, -5: 900"}}, changes=[change]
    )
    facts = facts_of(evidence, "5xxErrorRate")
    assert [each.ours for each in edits(facts, Effect.CERTIFICATE)] == [True]
