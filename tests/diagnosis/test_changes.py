"""Which recorded changes can matter to an entry point."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from diagnosis.changes import EFFECTS, Effect, own_identifiers, relevant_changes
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


def change(name: str, *resources: str, minutes: float = -1, **differences: Any) -> Change:
    """A change that many minutes from the onset."""
    at = ONSET + timedelta(minutes=minutes)
    return replace(Change(f"e-{name}-{minutes}", name, "service", at, "terraform", resources), **differences)


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
