"""Which load balancer, API or bucket of the account stands behind a domain name or an ARN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from collectors.edge_answers import place
from collectors.origin_names import PERMISSIONS as NAME_PERMISSIONS
from collectors.origin_names import aliases
from collectors.reading import Answer, Scope, read_each
from diagnosis.incident import EntryPoint
from diagnosis.series import Missing
from diagnosis.systems.edge import API, BUCKET, LOAD_BALANCER, Bucket

PERMISSIONS = ("elasticloadbalancing:DescribeLoadBalancers", *NAME_PERMISSIONS)
# Pages of 400 load balancers; an account has 50 in a region unless its quota was raised.
MOST_PAGES = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where an origin is: its kind by its name, its name there, its region."""

    kind: str
    name: str
    region: str
    domain: str


def place_of(domain: str, bucket: Bucket | Missing | None, home: str = "us-east-1") -> Place | Missing:
    if domain.startswith("arn:") and ":elasticloadbalancing:" in domain:
        return Place(LOAD_BALANCER, _balancer_id(domain), domain.split(":")[3], domain)
    kind, name, region = place(domain)
    if kind == BUCKET:
        region = bucket.region if isinstance(bucket, Bucket) and bucket.region else region
        return Place(kind, name, region or home, domain)
    if kind in {LOAD_BALANCER, API} and region:
        return Place(kind, name, region, domain)
    return Missing(f"{domain[:120]} names nothing of this account that could be read")


def aliased(scope: Scope, unknown: Mapping[str, str]) -> dict[str, Place | Missing]:
    """Where the names of one's own lead to, as far as Route 53 tells."""
    told = aliases(scope, unknown.values())
    found: dict[str, Place | Missing] = {}
    for id_, domain in unknown.items():
        target = told.get(domain)
        if isinstance(target, Missing):
            found[id_] = target
        elif target:
            found[id_] = place_of(target, None)
    return found


def _balancer_id(arn: str) -> str:
    """`app/name/id`, of a load balancer's ARN or of its listener's."""
    return "/".join(
        arn.split("loadbalancer/" if ":loadbalancer/" in arn else "listener/", 1)[-1].split("/")[:3]
    )


def entry_points(scope: Scope, asked: Mapping[str, Place]) -> dict[str, EntryPoint | Missing | None]:
    """The entry point behind each name; None where it is none of its own, as of a bucket."""
    balancers = {each.region for each in asked.values() if each.kind == LOAD_BALANCER}
    listed = {each: _Balancers(scope, each) for each in sorted(balancers)}
    return {id_: _entry_point(scope, each, listed) for id_, each in asked.items()}


def _entry_point(scope: Scope, at: Place, listed: Mapping[str, _Balancers]) -> EntryPoint | Missing | None:
    if at.kind == BUCKET:
        return None
    account = scope.entry_point.account
    if at.kind == API:
        return EntryPoint("apigateway", at.name, at.name, None, account, at.region)
    if at.name.count("/") == 2:
        return EntryPoint("alb", at.name, at.name.split("/")[1], None, account, at.region)
    return listed[at.region].named(at.domain)


class _Balancers:
    """The load balancers of a region, each kind listed once: a DNS name tells no ARN."""

    def __init__(self, scope: Scope, region: str) -> None:
        self._scope, self._region = scope, region
        self._listed: dict[str, dict[str, str] | Missing] = {}

    def named(self, domain: str) -> EntryPoint | Missing:
        """The load balancer with this DNS name, the Classic ones last."""
        wanted = domain.lower().removeprefix("dualstack.")
        for kind, service in (("alb", "elbv2"), ("clb", "elb")):
            if service not in self._listed:
                self._listed[service] = read_each("elasticloadbalancing", [service], self._list)[service]
            found = self._listed[service]
            if isinstance(found, Missing):
                return found
            if wanted in found:
                return self._entry_point(kind, found[wanted])
        return Missing(f"no load balancer of this account has the name {wanted[:120]}")

    def _entry_point(self, kind: str, id_: str) -> EntryPoint:
        name = id_.split("/")[1] if kind == "alb" else id_
        return EntryPoint(kind, id_, name, None, self._scope.entry_point.account, self._region)

    def _list(self, service: str) -> dict[str, str]:
        """The name CloudWatch knows each by, by its DNS name."""
        client = self._scope.client_in(service, self._region)
        pages = islice(client.get_paginator("describe_load_balancers").paginate(), MOST_PAGES)
        return {name: id_ for page in pages for name, id_ in _names(page)}


def _names(page: Answer) -> Iterator[tuple[str, str]]:
    described: Sequence[Answer] = [*page.get("LoadBalancers", ()), *page.get("LoadBalancerDescriptions", ())]
    for each in described:
        arn = each.get("LoadBalancerArn")
        id_ = arn.split(":loadbalancer/", 1)[-1] if arn else each.get("LoadBalancerName", "")
        if each.get("Type", "application") == "application":
            yield each.get("DNSName", "").lower(), id_
