"""What a later look reads: what was late or missing, also of the origins behind a distribution."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from collectors.gather import READINGS_OF, gather, readings_again
from collectors.later import later_readings
from collectors.reading import Reading, complete_minutes
from diagnosis.evidence import Changes, Evidence, LoadBalancer, Metrics, Missing
from diagnosis.incident import EntryPoint
from diagnosis.stages import STAGES
from diagnosis.systems.edge import Bucket, Distribution, EdgeOrigin
from tests.collectors.fake_aws import BALANCER, ELB_ARN, NOW, FakeAws, error, scope

FIRST, SECOND, _THIRD = STAGES
LATER = NOW + timedelta(minutes=3)
ALB = READINGS_OF["alb"]


def known(**changed: Any) -> Evidence:
    """What the first look read."""
    read = gather(scope(FakeAws()), deadline_seconds=5, clock=lambda: 0.0, readings=_of_load_balancers())
    return replace(read.evidence, **changed)


def _of_load_balancers() -> tuple[Reading, ...]:
    """Without what the fake does not answer."""
    return tuple(
        each
        for each in ALB
        if each.service in {"elbv2", "cloudwatch", "codedeploy", "cloudtrail", "ec2"}
        and each.name not in {"certificates", "alarms_in_alarm"}
    )


def look(aws: FakeAws, stage: Any, evidence: Evidence) -> Evidence:
    """What a look at this stage knows after it."""
    later = replace(scope(aws), now=LATER, window=complete_minutes(LATER))
    readings = later_readings("alb", evidence, stage)
    return gather(later, deadline_seconds=5, clock=lambda: 0.0, readings=readings, known=evidence).evidence


def operations(aws: FakeAws) -> set[str]:
    return {operation for _, operation, _ in aws.calls}


def test_a_look_asks_for_nothing_that_is_true_still() -> None:
    evidence, aws = known(), FakeAws()
    seen = look(aws, FIRST, evidence)
    assert operations(aws) == {"GetMetricData", "DescribeTargetHealth", "LookupEvents"}
    assert isinstance(seen.metrics, Metrics)
    assert seen.metrics.window.end == complete_minutes(LATER).end
    same = ("load_balancer", "listeners", "target_groups", "deployments", "instances", "attributes")
    assert all(getattr(seen, name) == getattr(evidence, name) for name in same)


def test_the_second_look_asks_cloudtrail_alone() -> None:
    aws = FakeAws()
    look(aws, SECOND, known())
    assert operations(aws) == {"LookupEvents"}


def test_what_failed_is_read_with_what_it_builds_on() -> None:
    aws = FakeAws()
    seen = look(aws, SECOND, known(deployments=Missing("codedeploy:ListDeployments: ThrottlingException")))
    assert {"ListDeployments", "BatchGetDeployments"} <= operations(aws)
    assert not isinstance(seen.deployments, Missing)


def test_a_reading_takes_what_it_needs_from_what_is_known() -> None:
    names = {"metrics"}
    assert [each.name for each in readings_again(ALB, names, known())] == ["metrics"]
    unknown = known(listeners=Missing("denied"))
    assert {each.name for each in readings_again(ALB, names, unknown)} == {"metrics", "listener_list"}


def test_what_could_not_be_read_again_is_missing_and_not_what_it_was() -> None:
    """It is for the caller to put what was known in its place."""
    refused: Any = error("DescribeTargetHealth", "ThrottlingException")
    seen = look(FakeAws(DescribeTargetHealth=refused), FIRST, known())
    assert isinstance(seen.target_health, Mapping)
    assert all(isinstance(each, Missing) for each in seen.target_health.values())


def test_each_region_is_looked_up_once_however_many_origins_are_in_it() -> None:
    evidence = known()
    _, aws, _ = look_at_edge(SECOND, before_origins(api=evidence, api2=evidence, api3=evidence))
    sources = [_source(each) for each in aws.asked("LookupEvents")]
    assert sorted(sources) == [
        "cloudfront.amazonaws.com",
        "elasticloadbalancing.amazonaws.com",
        "false",
        "false",
    ]


def _source(asked: Mapping[str, Any]) -> str:
    source: str = asked["LookupAttributes"][0]["AttributeValue"]
    return source


# --- Behind a distribution ---

ORIGIN = EdgeOrigin("api", "order-api-123456789.eu-west-1.elb.amazonaws.com", "load_balancer")
ASSETS = EdgeOrigin("assets", "assets.s3.eu-central-1.amazonaws.com", "bucket")
EDGE = Distribution(
    "E2EXAMPLE", origins=(ORIGIN, ASSETS), buckets={"assets": Bucket("assets", True, "eu-central-1")}
)
ABOUT_EDGE = EntryPoint("cloudfront", "E2EXAMPLE", "E2EXAMPLE", None, "111122223333", "us-east-1")
OLD = Changes(NOW - timedelta(minutes=45), NOW - timedelta(minutes=5), ())


def before_origins(**origins: Evidence | Missing) -> Evidence:
    return Evidence(
        now=NOW,
        metrics=Metrics(complete_minutes(NOW), {}),
        kind="cloudfront",
        edge=EDGE,
        changes=OLD,
        origins=origins,
    )


def look_at_edge(stage: Any, evidence: Evidence) -> tuple[Evidence, FakeAws, list[tuple[str, str]]]:
    """What is known after the look, what was asked, and where."""
    aws, asked = FakeAws(), list[tuple[str, str]]()

    def client(service: str, region: str) -> Any:
        asked.append((service, region))
        return aws.client(service)

    later = replace(
        scope(aws, ABOUT_EDGE),
        now=LATER,
        window=complete_minutes(LATER),
        clients=lambda service: client(service, "us-east-1"),
        elsewhere=client,
    )
    readings = [
        each for each in later_readings("cloudfront", evidence, stage) if each.name in {"origins", "changes"}
    ]
    seen = gather(later, deadline_seconds=5, clock=lambda: 0.0, readings=readings, known=evidence)
    return seen.evidence, aws, asked


def test_an_origin_is_looked_at_again_in_its_own_region_and_only_for_what_was_late() -> None:
    evidence = before_origins(api=known())
    seen, aws, asked = look_at_edge(FIRST, evidence)
    assert isinstance(seen.origins, Mapping)
    origin = seen.origins["api"]
    assert isinstance(origin, Evidence)
    assert isinstance(origin.metrics, Metrics)
    assert origin.metrics.window.end == complete_minutes(LATER).end
    assert operations(aws) == {"GetMetricData", "DescribeTargetHealth", "LookupEvents"}
    assert {region for service, region in asked if service == "elbv2"} == {"eu-west-1"}


def test_of_a_bucket_only_the_changes_in_its_region_are_read_again() -> None:
    bucket = Evidence(now=NOW, metrics=Missing("not looked up"), changes=OLD, kind="bucket")
    seen, aws, asked = look_at_edge(SECOND, before_origins(assets=bucket))
    assert operations(aws) == {"LookupEvents"}
    assert ("cloudtrail", "eu-central-1") in asked
    assert isinstance(seen.origins, Mapping)
    origin = seen.origins["assets"]
    assert isinstance(origin, Evidence)
    assert isinstance(origin.changes, Changes)
    assert origin.changes.shown_until == LATER - timedelta(minutes=5)


def test_an_origin_that_could_not_be_read_stays_so() -> None:
    nobody = Missing("no load balancer of this account has the name")
    seen, _, _ = look_at_edge(FIRST, before_origins(api=nobody))
    assert seen.origins == {"api": nobody}


@pytest.mark.parametrize("kind", ["alb", "clb"])
def test_a_load_balancer_behind_a_distribution_is_known_by_what_was_read_of_it(kind: str) -> None:
    evidence = known(
        kind=kind,
        load_balancer=LoadBalancer(f"{ELB_ARN}loadbalancer/{BALANCER}", "order-api", "active", (), ()),
    )
    seen, aws, _ = look_at_edge(SECOND, before_origins(api=evidence))
    assert operations(aws) == {"LookupEvents"}
    assert isinstance(seen.origins, Mapping)
    assert seen.origins["api"].changes.shown_until == LATER - timedelta(minutes=5)  # type: ignore[union-attr]
