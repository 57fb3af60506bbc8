"""Which recorded changes can matter to an entry point."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from diagnosis.changes import EFFECTS, Effect, own_identifiers, relevant_changes
from diagnosis.effects import INNOCENT, OF_SERVICE, bare_name, effect_of
from diagnosis.evidence import (
    Change,
    Changes,
    Deployment,
    DeploymentGroup,
    Deployments,
    Evidence,
    Instance,
    Listener,
    LoadBalancer,
    Missing,
    Target,
    TargetGroup,
)
from diagnosis.systems.containers import ContainerService
from diagnosis.systems.edge import Bucket, Distribution, EdgeOrigin
from diagnosis.systems.firewall import WebAcl
from diagnosis.systems.functions import Function, FunctionSettings
from diagnosis.systems.gateway import Api

ONSET = datetime(2026, 11, 20, 14, 44, tzinfo=UTC)
ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333"
GROUP = "targetgroup/orders/0123456789abcdef"
LISTENER = f"{ARN}:listener/app/order-api/50dc6c495c0c9188/1111111111111111"
RULE = f"{ARN}:listener-rule/app/order-api/50dc6c495c0c9188/1111111111111111/2222222222222222"
UNREAD = Missing("not looked up")
SCALED = Deployment(
    "d-1", "order-api", "production", "Succeeded", "user", "Server", ONSET, None, ONSET, None,
    group=DeploymentGroup("order-api", "production", ("orders",), auto_scaling_groups=("orders-asg",)),
)  # fmt: skip
SERVICE = Evidence(
    now=ONSET + timedelta(minutes=3),
    metrics=UNREAD,
    load_balancer=LoadBalancer(
        f"{ARN}:loadbalancer/app/order-api/1", "order-api", "active", (), ("sg-front",)
    ),
    attributes=UNREAD,
    target_groups=(TargetGroup(f"{ARN}:{GROUP}", GROUP, "orders", "instance", "HTTP", None, 8080),),
    target_group_attributes=UNREAD,
    target_health={GROUP: (Target("i-target", 8080, "eu-west-1a", "healthy"),)},
    listeners=(Listener(LISTENER, 443, "HTTPS", ()),),
    deployments=Deployments(ONSET - timedelta(days=1), (SCALED,)),
    changes=UNREAD,
    instances=(Instance("i-target", "eu-west-1a", "running", None, ("sg-target",), "subnet-a"),),
    processor=UNREAD,
)

SOURCES = {"SetDesiredCapacity": "autoscaling.amazonaws.com"}


def change(name: str, *resources: str, minutes: float = -1, **differences: Any) -> Change:
    """A change that many minutes from the onset."""
    at = ONSET + timedelta(minutes=minutes)
    source = SOURCES.get(name, "elasticloadbalancing.amazonaws.com")
    return replace(Change(f"e-{name}-{minutes}", name, source, at, "terraform", resources), **differences)


def seen(*changes: Change, evidence: Evidence = SERVICE) -> Evidence:
    return replace(evidence, changes=Changes(ONSET - timedelta(minutes=45), ONSET, changes))


# --- In time ---


@pytest.mark.parametrize(
    ("minutes", "relevant"), [(-31, False), (-30, True), (-1, True), (0, True), (1.5, True), (1.6, False)]
)
def test_a_change_matters_from_half_an_hour_before_the_onset_to_a_minute_and_a_half_after(
    minutes: float, relevant: bool
) -> None:
    found = relevant_changes(seen(change("ModifyListener", LISTENER, minutes=minutes)), ONSET)
    assert bool(found) is relevant


def test_relevant_changes_come_newest_first() -> None:
    changes = [change("ModifyListener", LISTENER, minutes=minutes) for minutes in (-9, -1, -20)]
    found = relevant_changes(seen(*changes), ONSET)
    assert [each.change.at for each in found] == sorted((each.at for each in changes), reverse=True)


def test_changes_that_could_not_be_read_are_none_to_weigh() -> None:
    assert relevant_changes(SERVICE, ONSET) == ()


# --- What they can break ---


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("RevokeSecurityGroupIngress", Effect.NETWORK),
        ("SetRulePriorities", Effect.ROUTING),
        ("ModifyTargetGroup", Effect.HEALTH_CHECK),
        ("ModifyLoadBalancerAttributes", Effect.TIMEOUT),
        ("DeregisterTargets", Effect.REGISTRATION),
        ("BidEvictedEvent", Effect.CAPACITY),
        ("PutParameter", Effect.CONFIGURATION),
        ("FailoverDBCluster", Effect.DATABASE),
        ("DetachRolePolicy", Effect.PERMISSION),
        ("ImportCertificate", Effect.CERTIFICATE),
        ("UpdateWebACL", Effect.FIREWALL),
    ],
)
def test_what_a_change_can_break_is_known_by_its_name(name: str, effect: Effect) -> None:
    (found,) = relevant_changes(seen(change(name)), ONSET)
    assert found.effect is effect


@pytest.mark.parametrize("name", ["ModifyTargetGroupAttributes", "AddTags", "PutDashboard"])
def test_a_harmless_change_of_the_service_is_shown_as_harmless(name: str) -> None:
    (found,) = relevant_changes(seen(change(name, GROUP)), ONSET)
    assert (found.effect, found.ours) == (Effect.NOTHING, True)


def test_harmless_changes_of_others_or_long_before_are_left_out() -> None:
    foreign, old = change("AddTags", "another"), change("AddTags", GROUP, minutes=-11)
    assert relevant_changes(seen(foreign, old), ONSET) == ()


def test_of_many_harmless_changes_the_nearest_two_are_shown() -> None:
    many = [change("AddTags", GROUP, minutes=-number) for number in range(1, 6)]
    found = relevant_changes(seen(*many), ONSET)
    assert [each.change.id for each in found] == ["e-AddTags--1", "e-AddTags--2"]


def test_a_change_of_which_nothing_is_known_is_left_out() -> None:
    assert relevant_changes(seen(change("CreateWhatever", GROUP)), ONSET) == ()


def test_every_effect_has_a_change_that_makes_it() -> None:
    by_service = {effect for table in OF_SERVICE.values() for effect in table.values()}
    assert {*EFFECTS.values(), *INNOCENT.values()} | by_service == set(Effect)


def test_a_refused_call_changed_nothing() -> None:
    refused = change("RevokeSecurityGroupIngress", "sg-target", error="Client.UnauthorizedOperation")
    assert relevant_changes(seen(refused), ONSET) == ()


def test_capacity_that_was_asked_for_and_refused_matters() -> None:
    refused = change("RunInstances", error="Server.InsufficientInstanceCapacity")
    assert len(relevant_changes(seen(refused), ONSET)) == 1


# --- Whose they are ---


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("ModifyLoadBalancerAttributes", f"{ARN}:loadbalancer/app/order-api/1"),
        ("SetSecurityGroups", "sg-front"),
        ("RevokeSecurityGroupIngress", "sg-target"),
        ("ReplaceNetworkAclAssociation", "subnet-a"),
        ("ModifyTargetGroup", f"{ARN}:{GROUP}"),
        ("ModifyListener", LISTENER),
        ("ModifyRule", RULE),
        ("TerminateInstances", "i-target"),
        ("SetDesiredCapacity", "orders-asg"),
    ],
)
def test_a_change_that_names_a_part_of_the_service_is_ours(name: str, resource: str) -> None:
    (found,) = relevant_changes(seen(change(name, "another", resource)), ONSET)
    assert found.ours is True


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("RevokeSecurityGroupIngress", "sg-of-another"),
        ("ModifyListener", LISTENER.replace("order-api", "billing")),
        ("ModifyRule", RULE.replace("order-api", "billing")),
        ("ModifyTargetGroup", f"{ARN}:targetgroup/billing/1"),
        ("SetDesiredCapacity", "billing-asg"),
    ],
)
def test_a_change_that_names_only_parts_of_others_is_not_ours(name: str, resource: str) -> None:
    (found,) = relevant_changes(seen(change(name, resource)), ONSET)
    assert found.ours is False


@pytest.mark.parametrize(
    ("name", "resources"),
    [
        ("ModifyListener", ()),
        ("PutParameter", ("/billing/flag",)),
        ("FailoverDBCluster", ("billing-db",)),
        ("DetachRolePolicy", ("billing-role",)),
        ("TerminateInstances", ("i-gone",)),
        ("CreateNetworkAclEntry", ("acl-1",)),
    ],
)
def test_whether_it_is_ours_cannot_be_told_where_nothing_links_it_to_a_service(
    name: str, resources: tuple[str, ...]
) -> None:
    (found,) = relevant_changes(seen(change(name, *resources)), ONSET)
    assert found.ours is None


def test_a_foreign_security_group_cannot_be_told_as_foreign_while_ours_are_unknown() -> None:
    assert isinstance(SERVICE.load_balancer, LoadBalancer)
    unknown = replace(
        SERVICE, load_balancer=replace(SERVICE.load_balancer, security_groups=()), instances=UNREAD
    )
    (found,) = relevant_changes(seen(change("RevokeSecurityGroupIngress", "sg-1"), evidence=unknown), ONSET)
    assert found.ours is None


def test_a_scaling_group_is_anothers_only_while_ours_are_known() -> None:
    refresh = change("StartInstanceRefresh", "billing-asg", source="autoscaling.amazonaws.com")
    unknown = replace(SERVICE, deployments=Deployments(ONSET, ()))
    assert [each.ours for each in relevant_changes(seen(refresh), ONSET)] == [False]
    assert [each.ours for each in relevant_changes(seen(refresh, evidence=unknown), ONSET)] == [None]


def test_a_record_of_the_origins_name_is_ours_though_dns_ends_it_with_a_full_stop() -> None:
    edge = Distribution("E1", origins=(EdgeOrigin("web", "origin.example.com"),))
    made = change("ChangeResourceRecordSets", "Z1", "Origin.example.com.", source="route53.amazonaws.com")
    (found,) = relevant_changes(seen(made, evidence=replace(SERVICE, edge=edge)), ONSET)
    assert found.ours is True


def test_own_identifiers_are_gathered_from_what_could_be_read() -> None:
    blind = replace(
        SERVICE,
        load_balancer=UNREAD,
        target_groups=UNREAD,
        listeners=UNREAD,
        target_health={GROUP: UNREAD},
        deployments=UNREAD,
    )
    assert own_identifiers(blind) == {"i-target", "sg-target", "subnet-a"}
    assert own_identifiers(replace(blind, instances=UNREAD)) == frozenset()


# --- Event names ---


@pytest.mark.parametrize(
    ("recorded", "name"),
    [
        ("UpdateFunctionCode20150331v2", "UpdateFunctionCode"),
        ("UpdateAlias20150331", "UpdateAlias"),
        ("PutFunctionConcurrency20171031", "PutFunctionConcurrency"),
        ("UpdateDistribution2020_05_31", "UpdateDistribution"),
        ("UpdateDistribution", "UpdateDistribution"),
        ("ImportApi", "ImportApi"),
    ],
)
def test_the_version_of_an_api_is_no_part_of_a_calls_name(recorded: str, name: str) -> None:
    assert bare_name(recorded) == name


@pytest.mark.parametrize(
    ("source", "name", "effect"),
    [
        ("lambda", "UpdateFunctionConfiguration20150331v2", Effect.FUNCTION),
        ("lambda", "RemovePermission20150331v2", Effect.PERMISSION),
        ("lambda", "PublishVersion20150331", Effect.NOTHING),
        ("lambda", "TagResource20170331v2", Effect.NOTHING),
        ("kms", "UpdateAlias", None),
        ("apigateway", "CreateDeployment", Effect.GATEWAY),
        ("codedeploy", "CreateDeployment", None),
        ("apigateway", "DeleteRoute", Effect.GATEWAY),
        ("ec2", "DeleteRoute", Effect.NETWORK),
        ("cloudfront", "UpdateDistribution2020_05_31", Effect.EDGE),
        ("cloudfront", "PublishFunction2020_05_31", Effect.EDGE),
        ("cloudfront", "UpdateFunction2020_05_31", Effect.NOTHING),
        ("ecs", "UpdateService", Effect.CAPACITY),
        ("ecs", "RegisterTaskDefinition", Effect.NOTHING),
        ("wafv2", "PutManagedRuleSetVersions", Effect.FIREWALL),
        ("s3", "DeleteBucketPolicy", Effect.PERMISSION),
        ("iam", "UpdateServerCertificate", Effect.CERTIFICATE),
        ("monitoring", "PutDashboard", Effect.NOTHING),
        ("s3", "CreateWhatever", None),
    ],
)
def test_a_name_that_several_services_use_means_what_its_service_means(
    source: str, name: str, effect: Effect | None
) -> None:
    assert effect_of(change(name, source=f"{source}.amazonaws.com")) is effect


# --- What belongs to other systems ---

LAMBDA = "arn:aws:lambda:eu-west-1:111122223333:function:pay"
SETTINGS = FunctionSettings(
    "python3.13",
    512,
    10.0,
    "/aws/lambda/pay",
    role="arn:aws:iam::111122223333:role/service/pay-role",
    names=("arn:aws:secretsmanager:eu-west-1:111122223333:secret:pay/db-AbCdEf", "/pay/limit"),
)
FUNCTION = Function("pay", LAMBDA, qualifier="live", settings=SETTINGS)
WEB_ACL = WebAcl(
    "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/site/a1b2c3d4-0000-4000-a000-000000000001",
    "site",
    "site",
    "REGIONAL",
    "allow",
    (),
)
API = Api("a1b2c3d4e5", "orders", "rest", stage="prod")
EDGE = Distribution(
    "E2EXAMPLE",
    domain="d111111abcdef8.cloudfront.net",
    arn="arn:aws:cloudfront::111122223333:distribution/E2EXAMPLE",
    buckets={"assets": Bucket("assets-of-the-shop", True)},
)
CONTAINERS = ContainerService(
    "arn:aws:ecs:eu-west-1:111122223333:service/main/orders", "orders", "main", (GROUP,)
)
MODERN = replace(
    SERVICE,
    functions={"pay": FUNCTION},
    firewall=WEB_ACL,
    gateway=API,
    edge=EDGE,
    services=(CONTAINERS,),
)


@pytest.mark.parametrize(
    ("source", "name", "resource"),
    [
        ("lambda", "UpdateFunctionCode20150331v2", "pay"),
        ("lambda", "UpdateFunctionCode20150331v2", LAMBDA),
        ("lambda", "UpdateAlias20150331", f"{LAMBDA}:live"),
        ("secretsmanager", "PutSecretValue", "pay/db"),
        ("ssm", "PutParameter", "/pay/limit"),
        ("iam", "DetachRolePolicy", "pay-role"),
        ("wafv2", "UpdateWebACL", "a1b2c3d4-0000-4000-a000-000000000001"),
        ("wafv2", "UpdateWebACL", WEB_ACL.arn),
        ("apigateway", "CreateDeployment", "a1b2c3d4e5"),
        ("apigateway", "UpdateStage", "arn:aws:apigateway:eu-west-1::/restapis/a1b2c3d4e5/stages/prod"),
        ("cloudfront", "UpdateDistribution2020_05_31", "E2EXAMPLE"),
        ("s3", "PutBucketPolicy", "assets-of-the-shop"),
        ("ecs", "UpdateService", "orders"),
        ("ecs", "UpdateService", CONTAINERS.arn),
    ],
)
def test_a_part_of_any_system_is_known_by_whatever_its_service_calls_it(
    source: str, name: str, resource: str
) -> None:
    made = change(name, "another", resource, source=f"{source}.amazonaws.com")
    (found,) = relevant_changes(seen(made, evidence=MODERN), ONSET)
    assert (found.ours, found.part) == (True, resource)


@pytest.mark.parametrize(
    ("source", "name", "resource"),
    [
        ("lambda", "UpdateFunctionCode20150331v2", "search"),
        ("apigateway", "CreateDeployment", "zzzzzzzzzz"),
        ("cloudfront", "UpdateDistribution2020_05_31", "E9OTHER"),
        ("wafv2", "UpdateIPSet", "another-set"),
    ],
)
def test_another_thing_of_the_same_kind_is_not_ours_while_ours_are_known(
    source: str, name: str, resource: str
) -> None:
    made = change(name, resource, source=f"{source}.amazonaws.com")
    (known,) = relevant_changes(seen(made, evidence=MODERN), ONSET)
    (unknown,) = relevant_changes(seen(made), ONSET)
    assert (known.ours, unknown.ours) == (False, None)


def test_a_thing_of_another_service_with_the_same_name_is_not_ours() -> None:
    """The target group is called orders, and so is somebody's function."""
    made = change("UpdateFunctionCode20150331v2", "orders", source="lambda.amazonaws.com")
    (found,) = relevant_changes(seen(made), ONSET)
    assert found.ours is None


def test_where_there_is_no_firewall_a_change_of_one_is_not_ours() -> None:
    made = change("UpdateWebACL", "site", source="wafv2.amazonaws.com")
    (found,) = relevant_changes(seen(made, evidence=replace(SERVICE, firewall=None)), ONSET)
    assert found.ours is False


@pytest.mark.parametrize(("stage", "ours"), [("prod", True), ("test", False)])
def test_a_deployment_to_another_stage_of_the_api_is_not_ours(stage: str, ours: bool) -> None:
    made = change(
        "CreateDeployment", "a1b2c3d4e5", source="apigateway.amazonaws.com", parameters={"stageName": stage}
    )
    (found,) = relevant_changes(seen(made, evidence=MODERN), ONSET)
    assert found.ours is ours


def test_what_belongs_to_an_origin_belongs_to_what_stands_before_it() -> None:
    edge = Evidence(now=SERVICE.now, metrics=UNREAD, kind="cloudfront", edge=EDGE, origins={"api": SERVICE})
    (found,) = relevant_changes(seen(change("ModifyListener", LISTENER), evidence=edge), ONSET)
    assert found.ours is True
