"""Which recorded changes can matter to an entry point: what each kind can break, and whether it touches this
service.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from diagnosis.evidence import Change, Evidence, Missing

# A change explains errors that begin after it, and seldom later than this.
BEFORE_ONSET = timedelta(minutes=30)
# Metrics have whole minutes, so a change may seem to come up to a minute and a half after the onset.
AFTER_ONSET = timedelta(seconds=90)


class Effect(StrEnum):
    """What a change can break."""

    NETWORK = "network"
    ROUTING = "routing"
    HEALTH_CHECK = "health check"
    TIMEOUT = "timeout"
    REGISTRATION = "registration"
    CAPACITY = "capacity"
    CONFIGURATION = "application configuration"
    DATABASE = "database"
    PERMISSION = "permission"
    CERTIFICATE = "certificate"
    FIREWALL = "firewall"


# CloudTrail event names by what they can break (the services' API references).
# ModifyTargetGroupAttributes and the like are left out on purpose: slow start, stickiness and tags make no
# errors by themselves.
EFFECTS: dict[str, Effect] = {
    **dict.fromkeys(
        (
            "RevokeSecurityGroupIngress", "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupEgress",
            "AuthorizeSecurityGroupEgress", "ModifySecurityGroupRules", "DeleteSecurityGroup",
            "CreateNetworkAclEntry",
            "ReplaceNetworkAclEntry", "DeleteNetworkAclEntry", "ReplaceNetworkAclAssociation", "CreateRoute",
            "ReplaceRoute",
            "DeleteRoute", "ReplaceRouteTableAssociation", "DisassociateRouteTable",
            "ModifyNetworkInterfaceAttribute",
            "ModifyInstanceAttribute", "SetSecurityGroups", "DeleteNatGateway", "DetachInternetGateway",
            "DeleteVpcEndpoints", "ModifyVpcEndpoint", "DeleteVpcPeeringConnection",
        ),
        Effect.NETWORK,
    ),
    **dict.fromkeys(
        ("ModifyListener", "ModifyRule", "CreateRule", "DeleteRule", "SetRulePriorities", "CreateListener",
        "DeleteListener"),
        Effect.ROUTING,
    ),
    **dict.fromkeys(("ModifyTargetGroup",), Effect.HEALTH_CHECK),
    **dict.fromkeys(("ModifyLoadBalancerAttributes",), Effect.TIMEOUT),
    **dict.fromkeys(("RegisterTargets", "DeregisterTargets", "DeleteTargetGroup", "SetSubnets"),
    Effect.REGISTRATION),
    **dict.fromkeys(
        (
            "TerminateInstances", "StopInstances", "TerminateInstanceInAutoScalingGroup",
            "SetDesiredCapacity",
            "UpdateAutoScalingGroup", "DetachInstances", "EnterStandby", "BidEvictedEvent", "RunInstances",
            "SuspendProcesses",
            "StartInstanceRefresh", "RebootInstances", "CreateFleet",
        ),
        Effect.CAPACITY,
    ),
    **dict.fromkeys(
        (
            "PutParameter", "DeleteParameter", "DeleteParameters", "PutSecretValue", "UpdateSecret",
            "RotateSecret",
            "DeleteSecret", "UpdateSecretVersionStage", "StartConfigurationSession", "StartDeployment",
            "CreateHostedConfigurationVersion", "UpdateFunctionConfiguration", "ChangeResourceRecordSets",
            "SendCommand",
        ),
        Effect.CONFIGURATION,
    ),
    **dict.fromkeys(
        (
            "ModifyDBInstance", "RebootDBInstance", "FailoverDBCluster", "ModifyDBCluster",
            "ModifyDBParameterGroup",
            "StopDBInstance", "DeleteDBInstance", "ModifyCacheCluster", "ModifyReplicationGroup",
            "RebootCacheCluster",
            "UpdateTable", "DeleteTable", "RestoreDBInstanceFromDBSnapshot",
        ),
        Effect.DATABASE,
    ),
    **dict.fromkeys(
        (
            "PutRolePolicy", "DeleteRolePolicy", "DetachRolePolicy", "AttachRolePolicy",
            "UpdateAssumeRolePolicy",
            "PutBucketPolicy", "PutKeyPolicy", "DisableKey", "ScheduleKeyDeletion",
            "DisassociateIamInstanceProfile",
            "CreatePolicyVersion", "RevokeGrant",
        ),
        Effect.PERMISSION,
    ),
    **dict.fromkeys(
        ("ImportCertificate", "DeleteCertificate", "AddListenerCertificates", "RemoveListenerCertificates"),
        Effect.CERTIFICATE
    ),
    **dict.fromkeys(
        ("UpdateWebACL", "UpdateRuleGroup", "UpdateIPSet", "AssociateWebACL", "DisassociateWebACL"),
        Effect.FIREWALL
    ),
}  # fmt: skip

# These effects reach the application without naming the load balancer or its targets.
INDIRECT = frozenset({Effect.CONFIGURATION, Effect.DATABASE, Effect.PERMISSION})


@dataclass(frozen=True, slots=True)
class RelevantChange:
    """A change near the onset: what it can break, and whether it names a part of this service (None: cannot
    be told).
    """

    change: Change
    effect: Effect
    ours: bool | None


def relevant_changes(evidence: Evidence, onset: datetime) -> tuple[RelevantChange, ...]:
    """The changes that came just before the onset and can break something, newest first.

    A refused call changed nothing and is left out, unless it is capacity that was asked for and not given.
    """
    if isinstance(evidence.changes, Missing):
        return ()
    own = own_identifiers(evidence)
    found = (
        RelevantChange(change, EFFECTS[change.name], touches(change, evidence, own))
        for change in evidence.changes.found
        if change.name in EFFECTS
        and not _part_of_a_deployment(change)
        and onset - BEFORE_ONSET <= change.at <= onset + AFTER_ONSET
        and (change.error is None or EFFECTS[change.name] is Effect.CAPACITY)
    )
    return tuple(sorted(found, key=lambda each: (each.change.at, each.change.id), reverse=True))


def _part_of_a_deployment(change: Change) -> bool:
    """Whether CodeDeploy made it while it replaced targets: it is then the deployment's act and no rival of
    it.
    """
    return "codedeploy" in change.by.lower()


def own_identifiers(evidence: Evidence, groups: frozenset[str] | None = None) -> frozenset[str]:
    """Every identifier of the load balancer, its groups, listeners, targets and their security groups.

    With `groups` (ids such as targetgroup/name/hash) only of these groups, besides the load balancer itself.
    """
    return frozenset(identifier for identifier in _identifiers(evidence, groups) if identifier)


def touches(change: Change, evidence: Evidence, own: frozenset[str]) -> bool | None:
    """Whether the change names a part of this service; None where that cannot be told."""
    effect = EFFECTS.get(change.name)
    if any(_names_ours(resource, own) for resource in change.resources):
        return True
    if not change.resources or effect in INDIRECT:
        return None
    if effect is Effect.CAPACITY and all(resource.startswith("i-") for resource in change.resources):
        # A terminated instance has left the group and cannot be told from a stranger.
        return None
    parts = (evidence.load_balancer, evidence.target_groups, evidence.listeners, evidence.instances)
    if any(isinstance(part, Missing) for part in parts):
        return None
    return None if effect is Effect.NETWORK and not _names_a_guard(change.resources, own) else False


def _identifiers(evidence: Evidence, groups: frozenset[str] | None) -> Iterable[str]:
    if not isinstance(evidence.load_balancer, Missing):
        balancer = evidence.load_balancer
        yield from (balancer.arn, balancer.name, *balancer.security_groups)
    if not isinstance(evidence.listeners, Missing):
        yield from (listener.arn for listener in evidence.listeners)
    if not isinstance(evidence.instances, Missing):
        for instance in evidence.instances:
            yield from (instance.id, instance.subnet or "", *instance.security_groups)
    yield from _group_identifiers(evidence, groups)
    yield from _deployment_identifiers(evidence)


def _group_identifiers(evidence: Evidence, groups: frozenset[str] | None) -> Iterable[str]:
    if not isinstance(evidence.target_groups, Missing):
        for group in evidence.target_groups:
            if groups is None or group.id in groups:
                yield from (group.arn, group.name, group.id)
    if not isinstance(evidence.target_health, Missing):
        for id_, targets in evidence.target_health.items():
            if not isinstance(targets, Missing) and (groups is None or id_ in groups):
                yield from (target.id for target in targets)


def _deployment_identifiers(evidence: Evidence) -> Iterable[str]:
    if isinstance(evidence.deployments, Missing):
        return
    for deployment in evidence.deployments.found:
        if not isinstance(deployment.group, Missing):
            yield from deployment.group.auto_scaling_groups


def _names_ours(resource: str, own: frozenset[str]) -> bool:
    """Whether it is ours: listeners and rules carry the load balancer's id (app/name/hash) in their ARN."""
    return resource in own or any(f"/{balancer}/" in resource for balancer in _balancers(own))


def _balancers(own: frozenset[str]) -> Iterable[str]:
    for each in own:
        if ":loadbalancer/" in each:
            yield each.split(":loadbalancer/", 1)[1]
        elif ":listener/" in each:
            yield each.split(":listener/", 1)[1].rsplit("/", 1)[0]


def _names_a_guard(resources: Iterable[str], own: frozenset[str]) -> bool:
    """Whether a security group is named while ours are known, so that a foreign one can be told."""
    return any(resource.startswith("sg-") for resource in resources) and any(
        mine.startswith("sg-") for mine in own
    )
