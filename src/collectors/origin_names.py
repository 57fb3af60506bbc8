"""What an origin's own domain name is an alias of, as the account's public Route 53 zones tell it.

An origin that speaks TLS is usually named by a domain of one's own, since no certificate is for the name that
AWS gave to the load balancer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

from collectors.reading import Answer, Scope, read_each
from diagnosis.series import Missing

PERMISSIONS = ("route53:ListHostedZones", "route53:ListResourceRecordSets")
# The whole account shares five requests a second (Route 53 developer guide, quotas), so few are made.
MOST_NAMES, MOST_PAGES, RECORDS = 3, 5, 5
HOME = "us-east-1"


def aliases(scope: Scope, domains: Iterable[str]) -> dict[str, str | Missing | None]:
    """The name behind each domain name; None where no public zone of the account has an alias for it."""
    asked = list(dict.fromkeys(domains))[:MOST_NAMES]
    if not asked:
        return {}
    client = scope.client_in("route53", HOME)
    zones = read_each("route53", ["zones"], lambda _: _zones(client))["zones"]
    if isinstance(zones, Missing):
        return dict.fromkeys(asked, zones)
    return dict(read_each("route53", asked, partial(_target, client, zones)))


def _zones(client: Any) -> Mapping[str, str]:
    """The ids of the public zones by name, without the dot at the end."""
    pages: Iterator[Answer] = islice(client.get_paginator("list_hosted_zones").paginate(), MOST_PAGES)
    return {
        each["Name"].rstrip(".").lower(): each["Id"]
        for page in pages
        for each in page.get("HostedZones", ())
        if not each.get("Config", {}).get("PrivateZone", False)
    }


def _target(client: Any, zones: Mapping[str, str], domain: str) -> str | None:
    """What the record of this name points to, of the zone that is nearest to it."""
    name = domain.lower().rstrip(".")
    parents = [".".join(name.split(".")[index:]) for index in range(name.count("."))]
    zone = next((zones[parent] for parent in parents if parent in zones), None)
    if zone is None:
        return None
    answer: Answer = client.list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=name, MaxItems=str(RECORDS)
    )
    own = (each for each in answer.get("ResourceRecordSets", ()) if _is(each, name))
    return next((target for each in own for target in _targets(each)), None)


def _is(record: Answer, name: str) -> bool:
    return bool(record.get("Name", "").rstrip(".").lower() == name)


def _targets(record: Answer) -> Iterator[str]:
    pointed = record.get("AliasTarget", {}).get("DNSName")
    if pointed:
        yield pointed.rstrip(".")
    elif record.get("Type") == "CNAME":
        yield from (each["Value"].rstrip(".") for each in record.get("ResourceRecords", ()))
