"""Reading the deployments of a scenario."""

from __future__ import annotations

from collections.abc import Mapping

from lab.scenario import Deployment, DeploymentTarget, Revision, TargetGroup
from lab.strict import Section, read

STATUSES = ("Created", "Queued", "InProgress", "Baking", "Ready", "Succeeded", "Failed", "Stopped")
FINAL_STATUSES = ("Succeeded", "Failed", "Stopped")
CREATORS = (
    "user",
    "autoscaling",
    "codeDeployRollback",
    "CodeDeploy",
    "CodeDeployAutoUpdate",
    "CloudFormation",
    "CloudFormationRollback",
    "autoscalingTermination",
)
ROLLBACK_EVENTS = ("DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST")
TARGET_STATUSES = ("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Unknown", "Ready")
# Marks the name of a Classic Load Balancer among those of target groups.
CLASSIC = "classic/"
OVERVIEW = ("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Ready")


def deployments(section: Section, groups: tuple[TargetGroup, ...]) -> tuple[Deployment, ...]:
    """All deployments, in the order of the file; ids are unique."""
    names = [group.name for group in groups]
    found = tuple(read(part, _deployment, names) for part in section.sections("deployments"))
    ids = [deployment.id for deployment in found]
    for id_ in ids:
        if ids.count(id_) > 1:
            raise section.error("deployments", f"the id {id_!r} is given twice")
    return found


def _deployment(section: Section, groups: list[str]) -> Deployment:
    created = section.optional_number("created")
    if created is None:
        raise section.error("created", "is required: minutes from the alarm, as in '-10'")
    completed = section.optional_number("completed")
    status = section.text("status", "InProgress" if completed is None else "Succeeded", choices=STATUSES)
    if (status in FINAL_STATUSES) != (completed is not None):
        raise section.error("status", f"{status} and completed {completed} contradict each other")
    return Deployment(
        id=section.text("id"),
        application=section.text("application"),
        group=section.text("group"),
        target_groups=_target_groups(section, groups),
        platform=section.text("platform", "Server", choices=("Server", "ECS", "Lambda")),
        style=section.text("style", "in_place", choices=("in_place", "blue_green")),
        config=section.text("config", "CodeDeployDefault.OneAtATime"),
        created=created,
        started=section.optional_number("started"),
        completed=completed,
        status=status,
        creator=section.text("creator", "user", choices=CREATORS),
        revision=read(section.section("revision"), _revision),
        description=section.text("description", ""),
        targets=_targets(section),
        overview=_overview(section),
        tags=section.text_map("tags"),
        application_tags=section.text_map("application_tags"),
        alarms=section.texts("alarms"),
        auto_rollback=_auto_rollback(section),
        rollback_of=section.optional_text("rollback_of"),
        rolled_back_by=section.optional_text("rolled_back_by"),
        error_code=section.optional_text("error_code"),
        error_message=section.optional_text("error_message"),
        termination_wait_started=section.flag("termination_wait_started", False),
        external_id=section.optional_text("external_id"),
        by=section.text("by", "release-pipeline"),
    )


def _target_groups(section: Section, groups: list[str]) -> tuple[str, ...]:
    """Names of target groups; one of another load balancer is allowed when marked `other/`.

    `load_balancers` are Classic ones, which have no target groups.
    """
    names = section.texts("target_groups")
    for name in names:
        if name not in groups and not name.startswith("other/"):
            raise section.error(
                "target_groups",
                f"{name!r} is not one of {', '.join(groups)}; one of another load balancer is other/{name}",
            )
    classic = (f"{CLASSIC}{name}" for name in section.texts("load_balancers"))
    return (*(name.removeprefix("other/") for name in names), *classic)


def _revision(section: Section) -> Revision:
    return Revision(
        bucket=section.text("bucket", "releases"),
        key=section.text("key", ""),
        bundle_type=section.text("bundle_type", "zip", choices=("zip", "tar", "tgz", "YAML", "JSON")),
        version=section.optional_text("version"),
        etag=section.optional_text("etag"),
        repository=section.optional_text("repository"),
        commit=section.optional_text("commit"),
        gone=section.flag("gone", False),
    )


def _targets(section: Section) -> tuple[DeploymentTarget, ...]:
    named = section.named_sections("targets")
    return tuple(read(part, _target, name) for name, part in named.items())


def _target(section: Section, name: str) -> DeploymentTarget:
    completed = section.optional_number("completed")
    default = "Pending" if completed is None else "Succeeded"
    return DeploymentTarget(name, completed, section.text("status", default, choices=TARGET_STATUSES))


def _overview(section: Section) -> dict[str, int]:
    value = section.raw("overview") or {}
    if not isinstance(value, Mapping):
        raise section.error("overview", f"expected counts of {', '.join(OVERVIEW)}")
    for key in value:
        if key not in OVERVIEW:
            raise section.error(f"overview.{key}", f"is not one of {', '.join(OVERVIEW)}")
    return {key: int(count) for key, count in value.items()}


def _auto_rollback(section: Section) -> tuple[str, ...]:
    events = section.texts("auto_rollback")
    for event in events:
        if event not in ROLLBACK_EVENTS:
            raise section.error("auto_rollback", f"{event!r} is not one of {', '.join(ROLLBACK_EVENTS)}")
    return events
