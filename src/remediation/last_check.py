"""The last check before a rollback: each objection turns the yes into a no, with one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from diagnosis.guards.question import OPT_IN_TAG, OPT_IN_VALUE, OPT_OUT_TAG, ROLLBACK_CREATORS
from remediation.deployments import World, follows, is_running
from remediation.records import RollbackAction

Objection = Callable[[World, RollbackAction], str | None]


def first_objection(world: World, action: RollbackAction) -> str | None:
    """Why the rollback must not be made after all, or None."""
    return next((said for object_to in OBJECTIONS if (said := object_to(world, action))), None)


def not_the_same(world: World, action: RollbackAction) -> str | None:
    """Both deployments belong to the group that was decided about."""
    expected = (action.application, action.deployment_group)
    for each in (world.suspect, world.good):
        if (each.get("applicationName"), each.get("deploymentGroupName")) != expected:
            return f"{each.get('deploymentId')} does not belong to {action.key}."
    return None


def superseded(world: World, _action: RollbackAction) -> str | None:
    """Nothing was deployed to the group since."""
    later = [
        each for each in world.later if is_running(each) or (_is_later(each, world) and not follows(each))
    ]
    if later:
        return f"Another deployment came in between: {', '.join(sorted(_ids(later)))}."
    return None


def _is_later(deployment: Mapping[str, Any], world: World) -> bool:
    return bool(deployment["createTime"] >= world.suspect["createTime"])


def _ids(deployments: list[Mapping[str, Any]]) -> Iterator[str]:
    return (each["deploymentId"] for each in deployments)


def rolled_back_already(world: World, action: RollbackAction) -> str | None:
    """CodeDeploy has not rolled it back by itself, and it is not a rollback."""
    rollback = (world.suspect.get("rollbackInfo") or {}).get("rollbackDeploymentId")
    if rollback:
        return f"CodeDeploy has rolled {action.deployment_id} back already, by {rollback}."
    if world.suspect.get("creator") in ROLLBACK_CREATORS:
        return f"{action.deployment_id} is itself a rollback."
    return None


def unsupported(world: World, action: RollbackAction) -> str | None:
    """A deployment to servers whose instances CodeDeploy itself can choose."""
    platform = world.suspect.get("computePlatform", "Server")
    if platform != "Server":
        return f"Deployments to {platform} cannot be rolled back by this version."
    blue_green = world.group.get("blueGreenDeploymentConfiguration") or {}
    option = (blue_green.get("greenFleetProvisioningOption") or {}).get("action")
    style = (world.suspect.get("deploymentStyle") or {}).get("deploymentType")
    if style == "BLUE_GREEN" and option == "DISCOVER_EXISTING" and not world.running:
        return (
            f"{action.key} deploys to instances that somebody provides by hand; there are none to go back to."
        )
    return None


def opted_out(world: World, action: RollbackAction) -> str | None:
    """Nothing says `gateway-triage:no-rollback`; in mode auto the group still says that it may be done."""
    for owner, tags in ((action.key, world.group_tags), (action.application, world.application_tags)):
        if OPT_OUT_TAG in tags:
            return f"{owner} is tagged {OPT_OUT_TAG}: {tags[OPT_OUT_TAG] or 'no reason given'}"
    if OPT_OUT_TAG in (world.suspect.get("description") or ""):
        return f"The description of {action.deployment_id} forbids it."
    if action.opt_in_needed and world.group_tags.get(OPT_IN_TAG) != OPT_IN_VALUE:
        return f"{action.key} is not tagged {OPT_IN_TAG} = {OPT_IN_VALUE} any more."
    return None


def nothing_to_go_back_to(world: World, action: RollbackAction) -> str | None:
    """The earlier deployment succeeded, was never rolled back, and installed another revision."""
    good, goal = world.good, action.to_deployment_id
    if good.get("status") != "Succeeded" or good["createTime"] >= world.suspect["createTime"]:
        return f"{goal} is no earlier success any more."
    if (good.get("rollbackInfo") or {}).get("rollbackDeploymentId"):
        return f"{goal} was itself rolled back."
    if not differ(good.get("revision") or {}, world.suspect.get("revision") or {}):
        return f"{goal} installed the same revision as {action.deployment_id}, or it cannot be told apart."
    return None


def differ(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two revisions surely differ.

    The same object in S3 without a version or eTag may be anything (codedeploy facts, section 4).
    """
    if not one or not other:
        return False
    if one.get("revisionType") != other.get("revisionType"):
        return True
    if one.get("revisionType") == "S3":
        return _objects_differ(one.get("s3Location") or {}, other.get("s3Location") or {})
    return one != other


def _objects_differ(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if any(one.get(name) != other.get(name) for name in ("bucket", "key")):
        return True
    return any(one.get(name) and other.get(name) and one[name] != other[name] for name in ("version", "eTag"))


OBJECTIONS: tuple[Objection, ...] = (
    not_the_same,
    rolled_back_already,
    superseded,
    unsupported,
    opted_out,
    nothing_to_go_back_to,
)
