"""What a name of one's own is an alias of, as public zones tell it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.origin_names import MOST_NAMES, aliases
from collectors.reading import Scope, complete_minutes
from diagnosis.incident import EntryPoint

NOW = datetime(2026, 11, 20, 14, 47, 10, tzinfo=UTC)
EDGE = EntryPoint("cloudfront", "E1SHOP00000001", "E1SHOP00000001", None, "111122223333", "us-east-1")
BALANCER = "order-api-1.eu-west-1.elb.amazonaws.com"


class Zones:
    """Route 53 with these zones and records; every question is remembered."""

    def __init__(self, zones: list[Any], **records: list[Any]) -> None:
        self._zones, self._records = zones, records
        self.asked: list[str] = []

    def get_paginator(self, _: str) -> "Zones":
        return self

    def paginate(self) -> Iterator[Any]:
        self.asked.append("zones")
        yield {"HostedZones": self._zones}

    def list_resource_record_sets(self, HostedZoneId: str, **_: Any) -> Any:  # noqa: N803 - as boto3 has it
        self.asked.append(HostedZoneId)
        return {"ResourceRecordSets": self._records.get(HostedZoneId.rsplit("/", 1)[-1], [])}

    def scope(self) -> Scope:
        return Scope(lambda _: self, EDGE, NOW, complete_minutes(NOW), NOW)


def zone(id: str, name: str, *, private: bool = False) -> dict[str, Any]:
    return {"Id": f"/hostedzone/{id}", "Name": name, "Config": {"PrivateZone": private}}


def alias(name: str, target: str) -> dict[str, Any]:
    return {"Name": name, "Type": "A", "AliasTarget": {"DNSName": target}}


def cname(name: str, target: str) -> dict[str, Any]:
    return {"Name": name, "Type": "CNAME", "ResourceRecords": [{"Value": target}]}


@pytest.mark.parametrize(
    "record", [alias("origin.shop.example.com.", f"{BALANCER}."), cname("ORIGIN.shop.example.com.", BALANCER)]
)
def test_an_alias_and_a_cname_lead_on(record: Any) -> None:
    zones = Zones([zone("Z1", "example.com.")], Z1=[record])
    assert aliases(zones.scope(), ["Origin.shop.example.com"]) == {"Origin.shop.example.com": BALANCER}


def test_the_nearest_public_zone_is_asked() -> None:
    zones = Zones(
        [
            zone("Z1", "example.com."),
            zone("Z2", "shop.example.com."),
            zone("Z3", "origin.shop.example.com.", private=True),
        ],
        Z2=[alias("origin.shop.example.com.", BALANCER)],
    )
    assert aliases(zones.scope(), ["origin.shop.example.com"]) == {"origin.shop.example.com": BALANCER}
    assert zones.asked == ["zones", "/hostedzone/Z2"]


def test_a_record_of_another_name_does_not_count() -> None:
    zones = Zones([zone("Z1", "example.com.")], Z1=[alias("origin2.example.com.", BALANCER)])
    assert aliases(zones.scope(), ["origin.example.com"]) == {"origin.example.com": None}


def test_an_address_leads_nowhere() -> None:
    record = {"Name": "origin.example.com.", "Type": "A", "ResourceRecords": [{"Value": "203.0.113.9"}]}
    zones = Zones([zone("Z1", "example.com.")], Z1=[record])
    assert aliases(zones.scope(), ["origin.example.com"]) == {"origin.example.com": None}


def test_a_name_of_nobodys_zone_is_not_asked_for() -> None:
    zones = Zones([zone("Z1", "example.com.")])
    assert aliases(zones.scope(), ["api.partner.example"]) == {"api.partner.example": None}
    assert zones.asked == ["zones"]


def test_nothing_is_asked_where_there_is_no_name() -> None:
    zones = Zones([])
    assert aliases(zones.scope(), []) == {}
    assert zones.asked == []


def test_only_a_few_names_are_looked_up() -> None:
    zones = Zones([zone("Z1", "example.com.")])
    found = aliases(zones.scope(), [f"o{index}.example.com" for index in range(9)])
    assert len(found) == MOST_NAMES
