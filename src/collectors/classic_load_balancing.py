"""Reads a Classic Load Balancer as if it were an Application Load Balancer with one target group, itself.

What it does not have stays away: rules, per-code 5xx, reasons of failed health checks. Its deployment groups
name it in CodeDeploy's `elbInfoList` and so deploy to that one group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from collectors import codedeploy, ec2
from collectors.classic_answers import (
    parse_attributes,
    parse_instance_health,
    parse_listeners,
    parse_load_balancer,
    parse_target_group,
    to_load_balancers,
)
from collectors.cloudtrail import READINGS as CHANGES
from collectors.cloudwatch import READINGS as LOAD_BALANCER_METRICS
from collectors.metric_data import PERMISSION, Asked, read_series
from collectors.reading import Answer, Reading, Scope, UnreadableAnswerError
from diagnosis.arn import load_balancer_arn
from diagnosis.classic import translate
from diagnosis.evidence import (
    Deployments,
    Listener,
    LoadBalancer,
    MetricKey,
    Metrics,
    Missing,
    Target,
    TargetGroup,
)

_SERVICE = "elasticloadbalancing"
NAMESPACE = "AWS/ELB"

# Statistics of each metric (Classic Load Balancer guide, CloudWatch metrics). All are published for the load
# balancer, and for it in each of its zones.
PUBLISHED: Mapping[str, tuple[str, ...]] = {
    "RequestCount": ("Sum",),
    "HTTPCode_ELB_5XX": ("Sum",),
    "HTTPCode_Backend_5XX": ("Sum",),
    "HTTPCode_Backend_2XX": ("Sum",),
    "HTTPCode_Backend_4XX": ("Sum",),
    "HTTPCode_ELB_4XX": ("Sum",),
    "HTTPCode_Backend_3XX": ("Sum",),
    "BackendConnectionErrors": ("Sum",),
    "HealthyHostCount": ("Minimum", "Maximum"),
    "UnHealthyHostCount": ("Minimum", "Maximum"),
    "SpilloverCount": ("Sum",),
    "SurgeQueueLength": ("Maximum",),
    "Latency": ("Average", "p99", "Maximum"),
    "DesyncMitigationMode_NonCompliant_Request_Count": ("Sum",),
}


def _client(scope: Scope) -> Any:
    return scope.clients("elb")


def collect_description(scope: Scope, read: Mapping[str, object]) -> Answer:
    """The load balancer as DescribeLoadBalancers has it; the readings below take their parts from it."""
    answer = _client(scope).describe_load_balancers(LoadBalancerNames=[scope.entry_point.id])
    found: Answer = next(iter(answer.get("LoadBalancerDescriptions", ())), {})
    if "LoadBalancerName" not in found:
        raise UnreadableAnswerError("the load balancer was not found")
    return found


def collect_load_balancer(scope: Scope, read: Mapping[str, object]) -> LoadBalancer | Missing:
    """The load balancer with its zones and security groups."""
    found = _description(read)
    return found if isinstance(found, Missing) else parse_load_balancer(found, _arn(scope))


def collect_target_groups(scope: Scope, read: Mapping[str, object]) -> tuple[TargetGroup, ...] | Missing:
    """The one pseudo target group: the load balancer's instances, its ports and its health check."""
    found = _description(read)
    return found if isinstance(found, Missing) else (parse_target_group(found, _arn(scope)),)


def collect_listeners(scope: Scope, read: Mapping[str, object]) -> tuple[Listener, ...] | Missing:
    """The listeners: each sends everything to the instances, there are no rules."""
    found = _description(read)
    return found if isinstance(found, Missing) else parse_listeners(found, _arn(scope))


def collect_attributes(scope: Scope, read: Mapping[str, object]) -> dict[str, str]:
    """The attributes under the keys that those of an Application Load Balancer have."""
    return parse_attributes(
        _client(scope).describe_load_balancer_attributes(LoadBalancerName=scope.entry_point.id)
    )


def collect_target_group_attributes(
    scope: Scope, read: Mapping[str, object]
) -> dict[str, dict[str, str] | Missing] | Missing:
    """The load balancer's attributes once more, as those of its only group."""
    attributes = cast("dict[str, str] | Missing", read["attributes"])
    return {scope.entry_point.id: attributes}


def collect_target_health(scope: Scope, read: Mapping[str, object]) -> dict[str, tuple[Target, ...]]:
    """Who is registered, and how the load balancer sees each now; AWS keeps no history of it."""
    answer = _client(scope).describe_instance_health(LoadBalancerName=scope.entry_point.id)
    return {scope.entry_point.id: parse_instance_health(answer)}


def collect_metrics(scope: Scope, read: Mapping[str, object]) -> Metrics | Missing:
    """Every series in one GetMetricData call, under the names in which they are judged.

    Without the zones there are no series by zone, and of each zone only what it does by itself.
    """
    balancer = cast("LoadBalancer | Missing", read["load_balancer"])
    zones = () if isinstance(balancer, Missing) else balancer.zones
    name = scope.entry_point.id
    asked = {
        MetricKey(metric, statistic, None, zone): Asked(NAMESPACE, metric, statistic, _dimensions(name, zone))
        for zone in (None, *zones)
        for metric, statistics in PUBLISHED.items()
        for statistic in statistics
    }
    found = read_series(scope, asked)
    return found if isinstance(found, Missing) else translate(found, name)


def _dimensions(name: str, zone: str | None) -> dict[str, str]:
    return {"LoadBalancerName": name, **({"AvailabilityZone": zone} if zone else {})}


def collect_deployments(scope: Scope, read: Mapping[str, object]) -> Deployments | Missing:
    """The deployments around the alarm, each group with the load balancers that it names as its groups."""
    found = codedeploy.collect_deployments(scope, read)
    return found if isinstance(found, Missing) else to_load_balancers(found)


def _description(read: Mapping[str, object]) -> Answer | Missing:
    return cast("Answer | Missing", read["classic_description"])


def _arn(scope: Scope) -> str:
    """The ARN of a Classic ends in its name (service authorization reference, Elastic Load Balancing)."""
    return load_balancer_arn(scope.entry_point.region, scope.entry_point.account, scope.entry_point.id)


def _reading(
    name: str,
    collect: Callable[[Scope, Mapping[str, object]], object],
    action: str,
    *needs: str,
) -> Reading:
    return Reading(name, "elb", needs, (f"{_SERVICE}:{action}",), collect)


_DESCRIPTION, _ATTRIBUTES = "DescribeLoadBalancers", "DescribeLoadBalancerAttributes"
OWN_READINGS: tuple[Reading, ...] = (
    _reading("classic_description", collect_description, _DESCRIPTION),
    _reading("attributes", collect_attributes, _ATTRIBUTES),
    _reading("target_health", collect_target_health, "DescribeInstanceHealth"),
    _reading("load_balancer", collect_load_balancer, _DESCRIPTION, "classic_description"),
    _reading("target_groups", collect_target_groups, _DESCRIPTION, "classic_description"),
    _reading("listeners", collect_listeners, _DESCRIPTION, "classic_description"),
    _reading("target_group_attributes", collect_target_group_attributes, _ATTRIBUTES, "attributes"),
    Reading("metrics", "cloudwatch", ("load_balancer",), (PERMISSION,), collect_metrics),
)
# All that is read of an incident of a Classic: its own, and what tells of deployments, changes and machines.
READINGS: tuple[Reading, ...] = (
    *(
        replace(each, collect=collect_deployments) if each.name == "deployments" else each
        for each in codedeploy.READINGS
    ),
    *OWN_READINGS,
    *CHANGES,
    *(each for each in LOAD_BALANCER_METRICS if each.name == "processor"),
    *ec2.READINGS,
)
PERMISSIONS = tuple(sorted({permission for each in OWN_READINGS for permission in each.permissions}))
