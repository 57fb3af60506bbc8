"""Finds the ECS services behind a load balancer.

ECS cannot be asked which service a target group belongs to, so the services of the region's clusters are
described until it is known; that is done only where targets are addresses, or have ports of their own, as
tasks have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from collectors import containers_answers as answers
from collectors.reading import Reading, Scope, read_each
from diagnosis.arn import partition
from diagnosis.evidence import NOT_LOOKED_UP, Deployments, Missing, Target, TargetGroup
from diagnosis.systems.containers import ContainerService

_SERVICE = "ecs"
# Bounds of the search: clusters with up to 100 services each, and services in all, described in tens (ECS API
# reference).
MOST_CLUSTERS, MOST_SERVICES, A_CALL = 20, 200, 10
PAGE = 100
PERMISSIONS = ("ecs:DescribeServices", "ecs:ListClusters", "ecs:ListServices")


@dataclass(frozen=True, slots=True)
class Found:
    """A service of the load balancer as it was described, and the ARN of its task definition."""

    service: ContainerService
    task_definition: str | None


def collect_service_list(scope: Scope, read: Mapping[str, object]) -> tuple[Found, ...] | Missing:
    """The services of the load balancer's target groups; not looked up where no target can be a task."""
    groups = cast("tuple[TargetGroup, ...] | Missing", read["target_groups"])
    health = cast("Mapping[str, tuple[Target, ...] | Missing] | Missing", read["target_health"])
    wanted = _of_tasks(groups, health, scope.entry_point.target_group)
    if not wanted:
        return NOT_LOOKED_UP
    clusters = listed_arns(scope.clients("ecs"), "list_clusters", "clusterArns")
    names = tuple(id.split("/")[1] for id in wanted)
    arns, unread = _services(scope, clusters[:MOST_CLUSTERS], names)
    batches = _batches(arns[:MOST_SERVICES])
    described = read_each(_SERVICE, batches, partial(_describe, scope.clients("ecs")))
    unread = unread or next((each for each in described.values() if isinstance(each, Missing)), None)
    every = [each for batch in described.values() if not isinstance(batch, Missing) for each in batch]
    found = tuple(each for each in every if set(each.service.target_groups) & set(wanted))
    if not found and unread:
        return unread
    if not found and (len(clusters) > MOST_CLUSTERS or len(arns) > MOST_SERVICES):
        return Missing(f"ecs: only {MOST_CLUSTERS} clusters and {MOST_SERVICES} services were looked at")
    return tuple(sorted(found, key=lambda each: (_rank(each.service, wanted), each.service.arn)))


def _of_tasks(
    groups: tuple[TargetGroup, ...] | Missing,
    health: Mapping[str, tuple[Target, ...] | Missing] | Missing,
    own: str | None,
) -> tuple[str, ...]:
    """The ids of the groups whose targets may be tasks, the alarm's own first."""
    if isinstance(groups, Missing):
        return ()
    targets = {} if isinstance(health, Missing) else health
    chosen = [each.id for each in groups if _may_be_tasks(each, targets.get(each.id, NOT_LOOKED_UP))]
    return tuple(sorted(chosen, key=lambda each: each != own))


def _may_be_tasks(group: TargetGroup, targets: tuple[Target, ...] | Missing) -> bool:
    """Tasks have addresses of their own, or ports of their own on the machine that carries them."""
    if group.target_type == "ip":
        return True
    known = () if isinstance(targets, Missing) else targets
    return group.target_type == "instance" and any(each.port not in (None, group.port) for each in known)


def listed_arns(client: Any, operation: str, key: str, **asked: str) -> list[str]:
    """The ARNs of one page of a hundred; what is beyond is not looked at."""
    arns: list[str] = getattr(client, operation)(maxResults=PAGE, **asked).get(key, [])
    return arns


def _services(
    scope: Scope, clusters: Sequence[str], names: Sequence[str]
) -> tuple[list[tuple[str, str]], Missing | None]:
    """Cluster and ARN of the services, those that are named like the target groups first."""
    client = scope.clients("ecs")
    listed = read_each(
        _SERVICE,
        clusters,
        lambda cluster: listed_arns(client, "list_services", "serviceArns", cluster=cluster),
    )
    unread = next((each for each in listed.values() if isinstance(each, Missing)), None)
    found = [
        (cluster, arn) for cluster, arns in listed.items() if not isinstance(arns, Missing) for arn in arns
    ]
    return sorted(found, key=lambda each: not _alike(each[1], names)), unread


def _alike(arn: str, names: Iterable[str]) -> bool:
    words = set(arn.rsplit("/", 1)[-1].split("-"))
    return any(words & set(name.split("-")) for name in names)


def _batches(arns: Sequence[tuple[str, str]]) -> list[tuple[str, tuple[str, ...]]]:
    """Cluster and services of each DescribeServices call, the likeliest first."""
    by_cluster: dict[str, list[str]] = {}
    for cluster, arn in arns:
        by_cluster.setdefault(cluster, []).append(arn)
    return [
        (cluster, tuple(found[start : start + A_CALL]))
        for cluster, found in by_cluster.items()
        for start in range(0, len(found), A_CALL)
    ]


def _describe(client: Any, batch: tuple[str, tuple[str, ...]]) -> tuple[Found, ...]:
    answer = client.describe_services(cluster=batch[0], services=list(batch[1]))
    definitions = {
        each.get("serviceArn"): answers.task_definition_of(each) for each in answer.get("services", ())
    }
    return tuple(Found(each, definitions.get(each.arn)) for each in answers.parse_services(answer))


def _rank(service: ContainerService, wanted: Sequence[str]) -> int:
    return min(wanted.index(each) for each in service.target_groups if each in wanted)


def with_those_named(scope: Scope, read: Mapping[str, object]) -> tuple[Found, ...] | Missing:
    """The services that were found, and those that CodeDeploy's groups name for these target groups."""
    listed = cast("tuple[Found, ...] | Missing", read["service_list"])
    known = () if isinstance(listed, Missing) else listed
    arns = {each.service.arn for each in known}
    named = [each for each in _named_by_codedeploy(scope, read) if each[1] not in arns]
    described = (
        read_each(_SERVICE, _batches(named[:MOST_SERVICES]), partial(_describe, scope.clients("ecs")))
        if named
        else {}
    )
    further = [each for batch in described.values() if not isinstance(batch, Missing) for each in batch]
    return (*known, *further) if further else listed


def _named_by_codedeploy(scope: Scope, read: Mapping[str, object]) -> list[tuple[str, str]]:
    """Cluster and ARN of each; a deployment group tells them by name."""
    groups = cast("tuple[TargetGroup, ...] | Missing", read["target_groups"])
    deployments = cast("Deployments | Missing", read["deployments"])
    if isinstance(groups, Missing) or isinstance(deployments, Missing):
        return []
    ours, about = {each.name for each in groups}, scope.entry_point
    prefix = f"arn:{partition(about.region)}:ecs:{about.region}:{about.account}:service"
    named = (
        name
        for each in deployments.found
        if not isinstance(each.group, Missing) and ours & set(each.group.target_groups)
        for name in each.group.services
    )
    return [(name.split("/")[0], f"{prefix}/{name}") for name in dict.fromkeys(named)]


READING = Reading(
    "service_list",
    "ecs",
    ("target_groups", "target_health"),
    PERMISSIONS,
    collect_service_list,
    on_demand=True,
)
