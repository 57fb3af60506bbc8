"""Following the chain from a distribution to what stands behind it, in its own region, bounded."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from collectors.gather import gather
from collectors.origins import (
    MOST_ORIGINS,
    NOBODY_WAITS,
    collect_origins_of_api,
    collect_origins_of_edge,
    seconds,
    while_waited_for,
)
from collectors.reading import Reading, Scope, complete_minutes
from diagnosis.evidence import Changes, Evidence, Metrics, to_json
from diagnosis.incident import EntryPoint
from diagnosis.series import NOT_LOOKED_UP, Missing
from diagnosis.systems.edge import Behaviour, Bucket, Distribution, EdgeOrigin
from lab import Lab
from lab.loading import load
from lab.straight import entry_point_of, evidence_of

NOW = datetime(2026, 11, 20, 14, 47, 10, tzinfo=UTC)
EDGE = EntryPoint("cloudfront", "E1SHOP00000001", "E1SHOP00000001", None, "111122223333", "us-east-1")
DOMAIN = "order-api-123456789.eu-west-1.elb.amazonaws.com"
ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/order-api/50dc6c495c0c9188"
HOME_CHANGES = Changes(NOW, NOW, ())


class Clients:
    """Load balancers of one region, and a CloudTrail that shows nothing; every call is remembered."""

    def __init__(self, balancers: Any = None, classic: Any = None) -> None:
        self.found: dict[str, Any] = {
            "elbv2": {"LoadBalancers": balancers or []},
            "elb": {"LoadBalancerDescriptions": classic or []},
            "route53": {"HostedZones": [{"Id": "/hostedzone/Z1", "Name": "example.com."}]},
        }
        self.records: list[Any] = []
        self.calls: list[tuple[str, str]] = []

    def scope(self, entry_point: EntryPoint = EDGE) -> Scope:
        def client(service: str, region: str) -> "Client":
            return Client(self, service, region)

        return Scope(
            lambda service: client(service, entry_point.region),
            entry_point,
            NOW,
            complete_minutes(NOW),
            NOW,
            elsewhere=client,
        )


class Client:
    def __init__(self, clients: Clients, service: str, region: str) -> None:
        self._clients, self._service, self._region = clients, service, region

    def get_paginator(self, _: str) -> "Client":
        return self

    def paginate(self) -> Iterator[Any]:
        self._clients.calls.append((self._service, self._region))
        found = self._clients.found[self._service]
        if isinstance(found, Exception):
            raise found
        yield found

    def list_resource_record_sets(self, **_: Any) -> Any:
        return {"ResourceRecordSets": self._clients.records}

    def lookup_events(self, **_: Any) -> Any:
        self._clients.calls.append((self._service, self._region))
        return {"Events": []}


def behind(scope: Scope) -> Evidence:
    """What a gathering of its own would find: only that it was asked about this."""
    return Evidence(
        NOW, Missing(f"{scope.entry_point.kind} {scope.entry_point.id}"), kind=scope.entry_point.kind
    )


def edge(*origins: EdgeOrigin, **differences: Any) -> Distribution:
    used = tuple(Behaviour("*", (each.id,)) for each in origins)
    return Distribution(EDGE.id, origins=origins, behaviours=used, **differences)


def origins_of(distribution: Distribution, clients: Clients) -> Any:
    read = {"edge": distribution, "changes": HOME_CHANGES}
    return collect_origins_of_edge(clients.scope(), read, behind)


def balancer(domain: str = DOMAIN, arn: str = ARN, kind: str = "application") -> dict[str, str]:
    return {"LoadBalancerArn": arn, "DNSName": domain, "Type": kind}


def test_a_load_balancer_is_found_by_its_name_in_its_own_region() -> None:
    clients = Clients([balancer(DOMAIN.replace("order", "Order"))])
    found = origins_of(edge(EdgeOrigin("api", DOMAIN, "load_balancer")), clients)
    assert found["api"].metrics == Missing("alb app/order-api/50dc6c495c0c9188")
    assert ("elbv2", "eu-west-1") in clients.calls
    assert ("cloudtrail", "eu-west-1") in clients.calls
    assert ("cloudtrail", "us-east-1") not in clients.calls


def test_a_classic_load_balancer_is_looked_for_last() -> None:
    clients = Clients([], [{"LoadBalancerName": "order-api", "DNSName": DOMAIN}])
    found = origins_of(edge(EdgeOrigin("api", DOMAIN, "load_balancer")), clients)
    assert (found["api"].kind, found["api"].metrics) == ("clb", Missing("clb order-api"))


def test_a_network_load_balancer_is_nobody_of_these() -> None:
    clients = Clients([balancer(kind="network")])
    found = origins_of(edge(EdgeOrigin("api", DOMAIN, "load_balancer")), clients)
    assert "no load balancer of this account" in found["api"].reason


def test_a_refused_list_is_missing_and_not_an_origin_that_is_not_there() -> None:
    clients = Clients()
    told: Any = {"Error": {"Code": "AccessDenied", "Message": ""}}
    clients.found["elbv2"] = ClientError(told, "DescribeLoadBalancers")
    found = origins_of(edge(EdgeOrigin("api", DOMAIN, "load_balancer")), clients)
    assert found["api"] == Missing("elasticloadbalancing:DescribeLoadBalancers: AccessDenied")


def test_two_origins_of_one_region_are_listed_once() -> None:
    other = DOMAIN.replace("order-api", "search")
    clients = Clients([balancer(), balancer(other, ARN.replace("order-api", "search"))])
    found = origins_of(
        edge(EdgeOrigin("api", DOMAIN, "load_balancer"), EdgeOrigin("search", other, "load_balancer")),
        clients,
    )
    assert set(found) == {"api", "search"}
    assert clients.calls.count(("elbv2", "eu-west-1")) == 1


def test_an_api_is_an_entry_point_of_its_own() -> None:
    found = origins_of(
        edge(EdgeOrigin("api", "a1b2c3.execute-api.eu-west-1.amazonaws.com", "api")), Clients()
    )
    assert found["api"].metrics == Missing("apigateway a1b2c3")


def test_of_a_bucket_only_the_changes_in_its_region_are_read() -> None:
    stored = EdgeOrigin("assets", "shop-assets.s3.amazonaws.com", "bucket")
    known = {"assets": Bucket("shop-assets", found=True, region="eu-central-1")}
    clients = Clients()
    found = origins_of(edge(stored, buckets=known), clients)
    assert (found["assets"].kind, found["assets"].metrics) == ("bucket", NOT_LOOKED_UP)
    assert isinstance(found["assets"].changes, Changes)
    assert {region for _, region in clients.calls} == {"eu-central-1"}


def test_changes_of_the_entry_points_own_region_are_not_asked_for_twice() -> None:
    here = DOMAIN.replace("eu-west-1", "us-east-1")
    clients = Clients([balancer(here)])
    found = origins_of(edge(EdgeOrigin("api", here, "load_balancer")), clients)
    assert found["api"].changes is HOME_CHANGES
    assert "cloudtrail" not in {service for service, _ in clients.calls}


def test_what_is_elsewhere_is_named_as_not_readable() -> None:
    found = origins_of(edge(EdgeOrigin("partner", "api.partner.example")), Clients())
    assert found["partner"] == Missing("api.partner.example names nothing of this account that could be read")


def test_a_name_of_ones_own_is_followed_to_the_load_balancer_it_is_an_alias_of() -> None:
    clients = Clients([balancer()])
    clients.records = [
        {"Name": "origin.example.com.", "Type": "A", "AliasTarget": {"DNSName": f"dualstack.{DOMAIN}."}}
    ]
    found = origins_of(edge(EdgeOrigin("api", "origin.example.com")), clients)
    assert found["api"].metrics == Missing("alb app/order-api/50dc6c495c0c9188")
    assert ("route53", "us-east-1") in clients.calls


def test_a_refused_look_at_the_zones_is_missing_with_its_reason() -> None:
    clients = Clients()
    told: Any = {"Error": {"Code": "AccessDenied", "Message": ""}}
    clients.found["route53"] = ClientError(told, "ListHostedZones")
    found = origins_of(edge(EdgeOrigin("api", "origin.example.com")), clients)
    assert found["api"] == Missing("route53:ListHostedZones: AccessDenied")


def test_only_a_few_origins_are_followed_the_used_ones_first() -> None:
    many = tuple(
        EdgeOrigin(f"o{index}", f"a{index}.execute-api.eu-west-1.amazonaws.com", "api") for index in range(6)
    )
    distribution = replace(edge(*many), behaviours=(Behaviour("*", ("o5",)),))
    found = origins_of(distribution, Clients())
    read = [name for name, each in found.items() if isinstance(each, Evidence)]
    assert "o5" in read
    assert len(read) == MOST_ORIGINS
    assert found["o4"] == Missing(f"only {MOST_ORIGINS} of 6 origins were read")


def test_without_the_distribution_there_is_nothing_to_follow() -> None:
    lacking = Missing("cloudfront:GetDistribution: AccessDenied")
    assert collect_origins_of_edge(Clients().scope(), {"edge": lacking, "changes": HOME_CHANGES}) == lacking


def test_an_api_is_followed_to_the_listener_behind_its_vpc_link() -> None:
    class Known:
        origins = (ARN.replace("loadbalancer", "listener") + "/f2f7dc8efc522ab2",)

    entry_point = EntryPoint("apigateway", "a1b2c3", "orders", None, "111122223333", "eu-west-1")
    clients = Clients()
    found = collect_origins_of_api(
        clients.scope(entry_point), {"api": Known(), "changes": HOME_CHANGES}, behind
    )
    assert not isinstance(found, Missing)
    [each] = found.values()
    assert isinstance(each, Evidence)
    assert each.metrics == Missing("alb app/order-api/50dc6c495c0c9188")
    assert clients.calls == []


def test_an_api_without_addresses_has_no_origins() -> None:
    class Known:
        origins = ()

    scope = Clients().scope()
    assert collect_origins_of_api(scope, {"api": Known(), "changes": HOME_CHANGES}) == NOT_LOOKED_UP


# --- the whole way, over the wire ---


@contextmanager
def gathered(name: str) -> Iterator[tuple[Evidence, list[tuple[str, str, str]]]]:
    """What the real clients read of a staged incident, and every call they made."""
    with Lab.stage(name) as lab:
        made: dict[tuple[str, str], Any] = {}

        def client(service: str, region: str) -> Any:
            if (service, region) not in made:
                session: Any = boto3.session.Session("LAB", "lab", region_name=region)
                made[service, region] = session.client(service)
            return made[service, region]

        about, now = entry_point_of(lab.scenario), lab.clock.now()
        scope = Scope(
            lambda service: client(service, about.region), about, now, complete_minutes(now), now,
            elsewhere=client,
        )  # fmt: skip
        lab.wire.function = "AlarmFunction"
        found = gather(scope, deadline_seconds=60, clock=lab.clock.ticks)
        lab.wire.function = None
        assert not found.unexpected
        yield found.evidence, [(each.region, each.service, each.operation) for each in lab.calls]


def test_the_chain_is_read_from_the_edge_to_the_listeners_change() -> None:
    with gathered("edge-502-after-the-origins-certificate-was-swapped") as (evidence, calls):
        assert not isinstance(evidence.origins, Missing)
        origin = evidence.origins["order-api"]
    assert isinstance(origin, Evidence)
    assert isinstance(origin.metrics, Metrics)
    assert sum(origin.metrics.counts("ClientTLSNegotiationErrorCount")) > 0
    assert isinstance(origin.changes, Changes)
    assert "ModifyListener" in {each.name for each in origin.changes.found}
    assert isinstance(evidence.changes, Changes)
    assert evidence.changes.found == ()
    assert ("us-east-1", "cloudwatch", "GetMetricData") in calls
    assert ("eu-west-1", "cloudwatch", "GetMetricData") in calls


def test_the_bucket_is_read_where_it_lies() -> None:
    with gathered("bucket-policy-deleted-by-an-audit") as (evidence, calls):
        assert not isinstance(evidence.edge, Missing)
        bucket = evidence.edge.buckets["press"]
        assert not isinstance(evidence.origins, Missing)
        origin = evidence.origins["press"]
    assert isinstance(bucket, Bucket)
    assert (bucket.found, bucket.policy, bucket.region) == (True, None, "eu-central-1")
    assert isinstance(origin, Evidence)
    assert isinstance(origin.changes, Changes)
    assert [each.name for each in origin.changes.found] == ["DeleteBucketPolicy"]
    assert ("eu-central-1", "s3", "HeadBucket") in calls


@pytest.mark.parametrize("name", ["edge-5xx-while-the-origin-may-not-be-read"])
def test_a_denied_origin_leaves_the_rest_readable(name: str) -> None:
    with gathered(name) as (evidence, _):
        assert not isinstance(evidence.origins, Missing)
        lacking = evidence.origins["labs"]
    assert isinstance(lacking, Missing)
    assert "AccessDenied" in lacking.reason
    assert isinstance(evidence.metrics, Metrics)


@pytest.mark.parametrize(
    "name",
    [
        "edge-502-as-the-origins-imported-certificate-expires",
        "bucket-policy-written-for-another-distribution",
        "edge-function-throws-on-a-missing-header",
    ],
)
def test_straight_evidence_of_a_distribution_is_what_the_collectors_read(name: str) -> None:
    with gathered(name) as (read, _):
        straight = evidence_of(load(name))
    assert read.edge == straight.edge
    assert read.metrics == straight.metrics
    assert not isinstance(read.origins, Missing)
    assert not isinstance(straight.origins, Missing)
    assert set(read.origins) == set(straight.origins)
    for id_, origin in read.origins.items():
        other = straight.origins[id_]
        assert isinstance(origin, Evidence)
        assert isinstance(other, Evidence)
        assert (origin.kind, origin.changes) == (other.kind, other.changes)
        assert to_json(origin.metrics) == to_json(other.metrics)


@pytest.mark.parametrize(("left", "given"), [(math.inf, 12.0), (20.0, 12.0), (7.25, 6.2), (0.4, 0.0)])
def test_an_origins_own_gathering_ends_before_that_of_the_entry_point(left: float, given: float) -> None:
    scope = replace(Clients().scope(), left=lambda: left)
    assert seconds(scope) == pytest.approx(given, abs=0.06)


@pytest.mark.parametrize("left", [5.0, 0.0])
def test_nothing_of_an_origin_is_begun_when_nobody_waits_any_more(left: float) -> None:
    reading = Reading("metrics", "cloudwatch", (), ("cloudwatch:GetMetricData",), lambda *_: "read")
    scope = replace(Clients().scope(), left=lambda: left)
    [guarded] = while_waited_for(scope, [reading])

    assert guarded.collect(Clients().scope(), {}) == ("read" if left else NOBODY_WAITS)
