"""Deployments that ECS makes by itself, in the form in which all deployments are weighed."""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta

from diagnosis.effects import bare_name
from diagnosis.evidence import (
    Changes,
    Deployment,
    DeploymentGroup,
    DeploymentTarget,
    Evidence,
    Missing,
    Revision,
)
from diagnosis.systems.containers import ContainerService, ServiceDeployment

# The states of a service deployment (ECS API reference) as the deployment's own words.
STATUSES: Mapping[str, str] = {
    "PENDING": "Created",
    "IN_PROGRESS": "InProgress",
    "STOP_REQUESTED": "InProgress",
    "ROLLBACK_REQUESTED": "InProgress",
    "ROLLBACK_IN_PROGRESS": "InProgress",
    "SUCCESSFUL": "Succeeded",
    "STOPPED": "Stopped",
    "ROLLBACK_SUCCESSFUL": "Failed",
    "ROLLBACK_FAILED": "Failed",
}
# A task serves when it has passed a health check, with the defaults half a minute after its start.
SERVES_AFTER = timedelta(seconds=30)
# The call that began a deployment is recorded at about the time of its creation.
CALLED_WITHIN = timedelta(minutes=3)
SHORT_DIGEST = 12


def native_deployments(evidence: Evidence) -> tuple[Deployment, ...]:
    """The deployments of all services that were read, newest first in each."""
    services = () if isinstance(evidence.services, Missing) else evidence.services
    return tuple(each for service in services for each in _of_service(evidence, service))


def _of_service(evidence: Evidence, service: ContainerService) -> Iterator[Deployment]:
    made = () if isinstance(service.deployments, Missing) else service.deployments
    # Digests tell two images of one tag apart, but only where all are known.
    known = all(each.images for each in made)
    brought = {_what(each, known=known) for each in made}
    for each in made:
        yield Deployment(
            id=each.id,
            application=service.cluster,
            group_name=service.name,
            status=STATUSES.get(each.status, each.status),
            creator=_made_by(evidence, service, each),
            platform="ECS",
            created=each.created,
            started=each.started,
            completed=each.finished,
            revision=_revision(each, brought, known=known),
            description=each.reason or each.rollback_reason or "",
            style="IN_PLACE" if each.strategy == "ROLLING" else "BLUE_GREEN",
            rolled_back_by="ECS" if each.rollback_started else None,
            succeeded_targets=each.running_tasks,
            total_targets=each.wanted_tasks or service.desired or None,
            group=_group(service, each),
            targets=_targets(service, each),
            system="ecs",
        )


def _made_by(evidence: Evidence, service: ContainerService, deployment: ServiceDeployment) -> str:
    """Who called UpdateService, as far as CloudTrail shows it; ECS itself does not say."""
    changes = evidence.changes.found if isinstance(evidence.changes, Changes) else ()
    names = {service.name, service.arn}
    return next(
        (
            each.by
            for each in changes
            if bare_name(each.name) == "UpdateService"
            and names & set(each.resources)
            and abs(each.at - deployment.created) <= CALLED_WITHIN
        ),
        "user",
    )


def _what(deployment: ServiceDeployment, *, known: bool) -> tuple[str | None, str]:
    """The task definition, and the images that it stood for when it was deployed."""
    digests = sorted(deployment.images.items()) if known else ()
    return deployment.task_definition, "".join(f" {name}@{digest}" for name, digest in digests)


def _revision(
    deployment: ServiceDeployment, brought: Collection[tuple[str | None, str]], *, known: bool
) -> Revision | None:
    """What it brought; the label names the image where one definition stood for several."""
    definition, images = _what(deployment, known=known)
    if definition is None:
        return None
    several = sum(each == definition for each, _ in brought) > 1
    short = images.rpartition(":")[2][:SHORT_DIGEST]
    label = f"{definition}, image {short}" if several and short else definition
    return Revision("ECS", f"{definition}{images}", label)


def _group(service: ContainerService, deployment: ServiceDeployment) -> DeploymentGroup:
    return DeploymentGroup(
        application=service.cluster,
        name=service.name,
        target_groups=tuple(each.split("/")[1] for each in service.target_groups if "/" in each),
        style=deployment.strategy,
        deployment_config=_pace(deployment),
        alarms=deployment.alarms,
        auto_rollback=deployment.rolls_back,
    )


def _pace(deployment: ServiceDeployment) -> str:
    """How many tasks are replaced at a time, in the words of CodeDeploy's configurations.

    ECS may start as many beyond the wanted ones as the maximum allows, and stop as many as the minimum does
    (developer guide, "Rolling update").
    """
    share = max(deployment.most_percent - 100, 100 - deployment.least_healthy_percent)
    return "ECS.AllAtOnce" if share >= 100 else "ECS.HalfAtATime" if share >= 50 else "ECS.FewAtATime"


def _targets(
    service: ContainerService, deployment: ServiceDeployment
) -> tuple[DeploymentTarget, ...] | Missing:
    """The tasks that it started and that still run; of several with one definition, those of its time."""
    tasks = service.running_tasks
    if isinstance(tasks, Missing):
        return tasks
    end = deployment.finished
    return tuple(
        DeploymentTarget(each.id, "Succeeded", each.started + SERVES_AFTER)
        for each in tasks
        if each.started
        and each.task_definition == deployment.task_definition
        and each.started >= (deployment.started or deployment.created)
        and (end is None or each.started <= end)
    )
