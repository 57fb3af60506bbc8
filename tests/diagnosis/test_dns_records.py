"""What a recorded change of DNS did to names."""

from datetime import UTC, datetime
from typing import Any

import pytest

from diagnosis.dns_records import Record, addresses_of
from diagnosis.evidence import Change


def change(*edits: tuple[str, str, str], name: str = "ChangeResourceRecordSets") -> Change:
    """A change of these records: action, name, type."""
    changes = [
        {"action": action, "resourceRecordSet": {"name": record, "type": kind}}
        for action, record, kind in edits
    ]
    parameters = {"hostedZoneId": "Z1", "changeBatch": {"changes": changes}}
    at = datetime(2026, 11, 20, 14, 44, tzinfo=UTC)
    return Change("e-1", name, "route53.amazonaws.com", at, "tidy", ("Z1",), parameters=parameters)


def test_a_deleted_address_is_told_in_small_letters_and_without_the_full_stop() -> None:
    assert addresses_of(change(("DELETE", "Web.example.com.", "A"))) == (Record("web.example.com", True),)


@pytest.mark.parametrize("kind", ["TXT", "MX", "CAA"])
def test_records_that_lead_nobody_anywhere_are_left_out(kind: str) -> None:
    assert addresses_of(change(("DELETE", "web.example.com.", kind))) == ()


def test_deleted_and_made_anew_in_one_batch_is_an_edit() -> None:
    found = addresses_of(change(("DELETE", "web.example.com.", "A"), ("CREATE", "web.example.com.", "CNAME")))
    assert found == (Record("web.example.com", False),)


def test_changes_of_another_kind_have_no_records() -> None:
    assert addresses_of(change(("DELETE", "web.example.com.", "A"), name="DeleteHostedZone")) == ()


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"changeBatch": "cut"},
        {"changeBatch": {"changes": "cut"}},
        {"changeBatch": {"changes": ["cut", {"action": "DELETE"}, {"resourceRecordSet": {"type": "A"}}]}},
    ],
)
def test_parameters_that_were_cut_or_are_odd_tell_nothing(parameters: dict[str, Any]) -> None:
    at = datetime(2026, 11, 20, 14, 44, tzinfo=UTC)
    made = Change("e-1", "ChangeResourceRecordSets", "route53.amazonaws.com", at, "x", (), None, parameters)
    assert addresses_of(made) == ()
