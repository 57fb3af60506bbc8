"""Reads the load balancer, its target groups, and who is healthy in them; its listeners are next door.

Everything is found by ARNs that the alarm's dimensions already give, so most of it can be asked at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

from collectors.reading import Answer, Reading, Scope, UnreadableAnswerError, in_utc, read_each
from diagnosis.arn import load_balancer_arn, target_group_arn
from diagnosis.evidence import Listener, LoadBalancer, Missing, Target, TargetGroup

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

_SERVICE = "elasticloadbalancing"
# All Describe calls of an account share a bucket of 40 that refills by 10 a second (Elastic Load Balancing
# API reference, "Throttling"). Four calls go before these, so that one diagnosis of a large load balancer
# just fits.
MOST_GROUPS_HEALTH = 20
MOST_GROUPS_ATTRIBUTES = 10


def known_groups(scope: Scope, read: Mapping[str, object]) -> tuple[str, ...]:
    """The ids of the target groups to look at, the most telling first.

    First the alarm's own, even if no rule names it any more, then those that listeners send to by default,
    then the rest. Where the list of groups could not be read, those that the alarm and the listeners name are
    still known.
    """
    groups = cast("tuple[TargetGroup, ...] | Missing", read["target_groups"])
    listeners = cast("tuple[Listener, ...] | Missing", read["listener_list"])
    own = [scope.entry_point.target_group] if scope.entry_point.target_group else []
    named = [] if isinstance(listeners, Missing) else [id for each in listeners for id in _weighted(each)]
    attached = [] if isinstance(groups, Missing) else [group.id for group in groups]
    return tuple(dict.fromkeys([*own, *named, *attached]))


def _weighted(listener: Listener) -> Iterator[str]:
    for action in listener.default_actions:
        yield from action.weights


def _client(scope: Scope) -> ElasticLoadBalancingv2Client:
    return cast("ElasticLoadBalancingv2Client", scope.clients("elbv2"))


def balancer_arn(scope: Scope) -> str:
    """The load balancer's ARN, which its dimension tells."""
    entry_point = scope.entry_point
    return load_balancer_arn(entry_point.region, entry_point.account, entry_point.id)


def collect_load_balancer(scope: Scope, read: Mapping[str, object]) -> LoadBalancer:
    """The load balancer with its zones and security groups."""
    return parse_load_balancer(_client(scope).describe_load_balancers(LoadBalancerArns=[balancer_arn(scope)]))


def parse_load_balancer(answer: Answer) -> LoadBalancer:
    """The one load balancer of a DescribeLoadBalancers answer.

    Raises `UnreadableAnswerError` where there is none, or it has no ARN.
    """
    found: Answer = next(iter(answer.get("LoadBalancers", ())), {})
    if "LoadBalancerArn" not in found:
        raise UnreadableAnswerError("the load balancer was not found")
    return LoadBalancer(
        arn=found["LoadBalancerArn"],
        name=found.get("LoadBalancerName", ""),
        state=found.get("State", {}).get("Code", "unknown"),
        zones=tuple(zone["ZoneName"] for zone in found.get("AvailabilityZones", ()) if "ZoneName" in zone),
        security_groups=tuple(found.get("SecurityGroups", ())),
        created=in_utc(found.get("CreatedTime")),
    )


def collect_attributes(scope: Scope, read: Mapping[str, object]) -> dict[str, str]:
    """The load balancer's attributes, such as `idle_timeout.timeout_seconds`."""
    arn = balancer_arn(scope)
    return parse_attributes(_client(scope).describe_load_balancer_attributes(LoadBalancerArn=arn))


def parse_attributes(answer: Answer) -> dict[str, str]:
    """Attributes of a load balancer or of a target group by their key."""
    return {each["Key"]: each.get("Value", "") for each in answer.get("Attributes", ()) if "Key" in each}


def collect_target_groups(scope: Scope, read: Mapping[str, object]) -> tuple[TargetGroup, ...]:
    """Every target group that a listener or rule of the load balancer names."""
    pages = _client(scope).get_paginator("describe_target_groups")
    return tuple(
        group
        for page in pages.paginate(LoadBalancerArn=balancer_arn(scope))
        for group in parse_target_groups(page)
    )


def parse_target_groups(answer: Answer) -> tuple[TargetGroup, ...]:
    """The target groups of one DescribeTargetGroups page."""
    return tuple(_target_group(each) for each in answer.get("TargetGroups", ()) if "TargetGroupArn" in each)


def _target_group(group: Answer) -> TargetGroup:
    matcher = group.get("Matcher", {})
    id = _dimension(group["TargetGroupArn"])
    return TargetGroup(
        arn=group["TargetGroupArn"],
        id=id,
        name=group.get("TargetGroupName") or id.split("/")[1],
        target_type=group.get("TargetType", "instance"),
        protocol=group.get("Protocol"),
        protocol_version=group.get("ProtocolVersion"),
        port=group.get("Port"),
        health_check_enabled=group.get("HealthCheckEnabled", True),
        health_check_path=group.get("HealthCheckPath"),
        health_check_port=group.get("HealthCheckPort"),
        health_check_protocol=group.get("HealthCheckProtocol"),
        health_check_matcher=matcher.get("HttpCode") or matcher.get("GrpcCode"),
        health_check_interval_seconds=group.get("HealthCheckIntervalSeconds"),
        health_check_timeout_seconds=group.get("HealthCheckTimeoutSeconds"),
        healthy_threshold=group.get("HealthyThresholdCount"),
        unhealthy_threshold=group.get("UnhealthyThresholdCount"),
    )


def _dimension(arn: str) -> str:
    """The last part of an ARN, which CloudWatch uses as dimension: `targetgroup/name/id`."""
    return arn.rsplit(":", 1)[-1]


def collect_target_group_attributes(
    scope: Scope, read: Mapping[str, object]
) -> dict[str, dict[str, str] | Missing] | Missing:
    """The attributes of each target group, such as `deregistration_delay.timeout_seconds`."""
    client = _client(scope)

    def attributes(id: str) -> dict[str, str]:
        arn = _group_arn(scope, id)
        return parse_attributes(client.describe_target_group_attributes(TargetGroupArn=arn))

    groups = _groups_or_missing(scope, read)
    if isinstance(groups, Missing):
        return groups
    return {
        **read_each(_SERVICE, groups[:MOST_GROUPS_ATTRIBUTES], attributes),
        **_too_many(groups, MOST_GROUPS_ATTRIBUTES),
    }


def collect_target_health(
    scope: Scope, read: Mapping[str, object]
) -> dict[str, tuple[Target, ...] | Missing] | Missing:
    """Who is registered in each target group, and how healthy each is now; AWS keeps no history of it."""
    client = _client(scope)

    def health(id: str) -> tuple[Target, ...]:
        return parse_target_health(client.describe_target_health(TargetGroupArn=_group_arn(scope, id)))

    groups = _groups_or_missing(scope, read)
    if isinstance(groups, Missing):
        return groups
    return {
        **read_each(_SERVICE, groups[:MOST_GROUPS_HEALTH], health),
        **_too_many(groups, MOST_GROUPS_HEALTH),
    }


def _groups_or_missing(scope: Scope, read: Mapping[str, object]) -> tuple[str, ...] | Missing:
    """The known groups; Missing only where none is known because the list of them could not be read."""
    listed = cast("tuple[TargetGroup, ...] | Missing", read["target_groups"])
    groups = known_groups(scope, read)
    return listed if isinstance(listed, Missing) and not groups else groups


def _too_many(groups: tuple[str, ...], most: int) -> dict[str, Missing]:
    return {id: Missing(f"only {most} of {len(groups)} target groups were read") for id in groups[most:]}


def _group_arn(scope: Scope, id: str) -> str:
    return target_group_arn(scope.entry_point.region, scope.entry_point.account, id)


def parse_target_health(answer: Answer) -> tuple[Target, ...]:
    """The targets of a DescribeTargetHealth answer; a state that nobody knows yet is kept as it is."""
    return tuple(
        _target(each) for each in answer.get("TargetHealthDescriptions", ()) if "Id" in each.get("Target", {})
    )


def _target(description: Answer) -> Target:
    target, health = description["Target"], description.get("TargetHealth", {})
    # "all" stands for an address outside the VPC, which is in no zone (API reference, TargetDescription).
    zone = target.get("AvailabilityZone")
    return Target(
        id=target["Id"],
        port=target.get("Port"),
        zone=None if zone == "all" else zone,
        state=health.get("State", "unknown"),
        reason=health.get("Reason"),
        description=health.get("Description"),
    )


def _reading(
    name: str,
    collect: Callable[[Scope, Mapping[str, object]], object],
    *actions: str,
    needs: tuple[str, ...] = (),
) -> Reading:
    return Reading(name, "elbv2", needs, tuple(f"{_SERVICE}:{action}" for action in actions), collect)


_GROUPS = ("target_groups", "listener_list")
READINGS = (
    _reading("target_groups", collect_target_groups, "DescribeTargetGroups"),
    _reading("load_balancer", collect_load_balancer, "DescribeLoadBalancers"),
    _reading("attributes", collect_attributes, "DescribeLoadBalancerAttributes"),
    _reading("target_health", collect_target_health, "DescribeTargetHealth", needs=_GROUPS),
    _reading(
        "target_group_attributes",
        collect_target_group_attributes,
        "DescribeTargetGroupAttributes",
        needs=_GROUPS,
    ),
)
PERMISSIONS = tuple(permission for reading in READINGS for permission in reading.permissions)
