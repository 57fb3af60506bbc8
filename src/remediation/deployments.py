"""What CodeDeploy says now of one deployment group, as far as a rollback depends on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from diagnosis.arn import partition
from diagnosis.guards.question import FOLLOWING_CREATORS, ROLLBACK_MARK
from remediation.records import RollbackAction

if TYPE_CHECKING:
    from mypy_boto3_codedeploy import CodeDeployClient

PERMISSIONS = (
    "codedeploy:BatchGetDeployments",
    "codedeploy:GetDeploymentGroup",
    "codedeploy:ListDeployments",
    "codedeploy:ListTagsForResource",
)

IDS_PER_CALL = 25  # BatchGetDeployments (CodeDeploy API reference)
ENDED = frozenset({"Succeeded", "Failed", "Stopped"})

Answer = Mapping[str, Any]


class DeploymentGoneError(Exception):
    """CodeDeploy does not know a deployment that it knew before."""


@dataclass(frozen=True, slots=True)
class World:
    """The deployment in question, the one to go back to, all created since, the group and its tags."""

    suspect: Answer
    good: Answer
    later: tuple[Answer, ...]
    group: Answer
    group_tags: Mapping[str, str]
    application_tags: Mapping[str, str]

    @property
    def running(self) -> bool:
        """Whether the deployment in question is still under way; an unknown status counts as running."""
        return is_running(self.suspect)


def is_running(deployment: Answer) -> bool:
    """Whether it has not ended; unknown statuses count as running (codedeploy facts, section 2)."""
    return deployment.get("status") not in ENDED


def follows(deployment: Answer) -> bool:
    """Whether scaling or an automatic update made it: it changes no version."""
    return deployment.get("creator") in FOLLOWING_CREATORS


def answers(deployment: Answer, incident_id: str) -> bool:
    """Whether it is the rollback of this incident, made by us or by hand with the command we gave."""
    description = deployment.get("description") or ""
    return description.startswith(ROLLBACK_MARK) and incident_id in description


def already_made(world: World, action: RollbackAction) -> str | None:
    """The id of the rollback that exists already, empty while a stop's is not known; None if none exists."""
    ours = next((each for each in world.later if answers(each, action.incident_id)), None)
    if ours:
        return str(ours["deploymentId"])
    rollback: Answer = world.suspect.get("rollbackInfo") or {}
    if rollback.get("rollbackDeploymentId"):
        return str(rollback["rollbackDeploymentId"])
    return "" if action.kind == "stop" and world.suspect.get("status") == "Stopped" else None


def read_world(client: CodeDeployClient, action: RollbackAction) -> World:
    """Everything that the last check needs. Raises ClientError, BotoCoreError and `DeploymentGoneError`."""
    known = read_deployments(client, (action.deployment_id, action.to_deployment_id))
    suspect = known[action.deployment_id]
    ids = [each for each in _ids_since(client, action, suspect) if each not in known]
    group = client.get_deployment_group(
        applicationName=action.application, deploymentGroupName=action.deployment_group
    )
    return World(
        suspect=suspect,
        good=known[action.to_deployment_id],
        later=tuple(read_deployments(client, ids).values()),
        group=group.get("deploymentGroupInfo", {}),
        group_tags=_tags(client, action, f"deploymentgroup:{action.key}"),
        application_tags=_tags(client, action, f"application:{action.application}"),
    )


def read_deployments(client: CodeDeployClient, ids: Iterable[str]) -> dict[str, Answer]:
    """The deployments by their id. Raises `DeploymentGoneError` for one that CodeDeploy does not know."""
    wanted = list(dict.fromkeys(ids))
    found: dict[str, Answer] = {}
    for start in range(0, len(wanted), IDS_PER_CALL):
        answer = client.batch_get_deployments(deploymentIds=wanted[start : start + IDS_PER_CALL])
        found |= {each["deploymentId"]: each for each in answer.get("deploymentsInfo", ())}
    gone = [each for each in wanted if each not in found]
    if gone:
        raise DeploymentGoneError(f"CodeDeploy does not know {', '.join(gone)} any more.")
    return found


def _ids_since(client: CodeDeployClient, action: RollbackAction, suspect: Answer) -> list[str]:
    pages = client.get_paginator("list_deployments").paginate(
        applicationName=action.application,
        deploymentGroupName=action.deployment_group,
        createTimeRange={"start": suspect["createTime"] - timedelta(seconds=1)},
    )
    return [each for page in pages for each in page.get("deployments", ())]


def _tags(client: CodeDeployClient, action: RollbackAction, resource: str) -> dict[str, str]:
    owner = f"arn:{partition(action.region)}:codedeploy:{action.region}:{action.account}"
    answer = client.list_tags_for_resource(ResourceArn=f"{owner}:{resource}")
    return {each.get("Key", ""): each.get("Value", "") for each in answer.get("Tags", ())}
