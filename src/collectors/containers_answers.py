"""ECS's answers as evidence: pure, and content with half of an answer. Secrets pass by name only."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from collectors.masking import masked
from collectors.reading import Answer, in_utc
from diagnosis.systems.containers import (
    Container,
    ContainerService,
    RunningTask,
    ServiceDeployment,
    ServiceEvent,
    StoppedContainer,
    StoppedTask,
    TaskDefinition,
)

# A service shows up to 100 of its newest events (ECS API reference, Service).
MOST_EVENTS = 50
MOST_TEXT, MOST_MASKED = 300, 2_000
MOST_CONTAINERS, MOST_SECRETS = 20, 50


def parse_services(answer: Answer) -> tuple[ContainerService, ...]:
    """The services of a DescribeServices answer with what it tells; those that are not found are left out."""
    return tuple(
        _service(each)
        for each in answer.get("services", ())
        if each.get("serviceArn") and each.get("status") != "INACTIVE"
    )


def _service(service: Answer) -> ContainerService:
    network = service.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    return ContainerService(
        arn=service["serviceArn"],
        name=service.get("serviceName") or _last(service["serviceArn"]),
        cluster=_last(service.get("clusterArn", "default")),
        target_groups=tuple(dict.fromkeys(_target_groups(service))),
        controller=service.get("deploymentController", {}).get("type", "ECS"),
        launch_type=service.get("launchType") or _providers(service),
        desired=service.get("desiredCount", 0),
        running=service.get("runningCount", 0),
        pending=service.get("pendingCount", 0),
        events=parse_events(service),
        security_groups=tuple(network.get("securityGroups", ())),
    )


def task_definition_of(service: Answer) -> str | None:
    """The task definition of a described service: with task sets, that of the one that serves."""
    sets = service.get("taskSets", ())
    primary: Answer = next((each for each in sets if each.get("status") == "PRIMARY"), {})
    arn: str | None = primary.get("taskDefinition") or service.get("taskDefinition")
    return arn


def _target_groups(service: Answer) -> Iterator[str]:
    """The ids of its target groups, and of those that stand by for its next deployment."""
    for part in (service, *service.get("taskSets", ())):
        for balancing in part.get("loadBalancers", ()):
            other = balancing.get("advancedConfiguration", {}).get("alternateTargetGroupArn")
            for arn in (balancing.get("targetGroupArn"), other):
                if arn:
                    yield arn.rsplit(":", 1)[-1]


def _providers(service: Answer) -> str:
    strategy = service.get("capacityProviderStrategy", ())
    return ", ".join(each["capacityProvider"] for each in strategy if each.get("capacityProvider"))


def parse_events(service: Answer) -> tuple[ServiceEvent, ...]:
    """The newest events, newest first."""
    found = (
        ServiceEvent(at, _text(str(each.get("message", ""))) or "")
        for each in service.get("events", ())
        if (at := in_utc(each.get("createdAt")))
    )
    return tuple(sorted(found, key=lambda each: each.at, reverse=True)[:MOST_EVENTS])


def parse_task_definition(answer: Answer) -> TaskDefinition | None:
    """The definition of a DescribeTaskDefinition answer; of secrets only their names."""
    found = answer.get("taskDefinition", {})
    if "taskDefinitionArn" not in found:
        return None
    roles = (found.get("taskRoleArn"), found.get("executionRoleArn"))
    return TaskDefinition(
        arn=found["taskDefinitionArn"],
        id=_last(found["taskDefinitionArn"]),
        cpu=_whole(found.get("cpu")),
        memory=_whole(found.get("memory")),
        containers=tuple(map(_container, found.get("containerDefinitions", ())[:MOST_CONTAINERS])),
        roles=tuple(dict.fromkeys(filter(None, roles))),
        registered=in_utc(found.get("registeredAt")),
    )


def _container(definition: Answer) -> Container:
    return Container(
        name=definition.get("name", ""),
        image=definition.get("image", "")[:MOST_TEXT],
        essential=definition.get("essential", True),
        cpu=definition.get("cpu"),
        memory=definition.get("memory"),
        memory_reservation=definition.get("memoryReservation"),
        secrets=tuple(dict.fromkeys(_secrets(definition)))[:MOST_SECRETS],
    )


def _secrets(definition: Answer) -> Iterator[str]:
    log = definition.get("logConfiguration", {}).get("secretOptions", ())
    for secret in (*definition.get("secrets", ()), *log):
        if secret.get("valueFrom"):
            yield secret["valueFrom"]
    registry = definition.get("repositoryCredentials", {}).get("credentialsParameter")
    if registry:
        yield registry


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def parse_service_deployments(
    described: Answer, revisions: Mapping[str, Answer]
) -> tuple[ServiceDeployment, ...]:
    """The deployments of a DescribeServiceDeployments answer, newest first; `revisions` are by their ARN."""
    found = (
        _service_deployment(each, created, revisions)
        for each in described.get("serviceDeployments", ())
        if each.get("serviceDeploymentArn")
        and (created := in_utc(each.get("createdAt") or each.get("startedAt")))
    )
    return tuple(sorted(found, key=lambda each: (each.created, each.id), reverse=True))


def _service_deployment(
    deployment: Answer, created: datetime, revisions: Mapping[str, Answer]
) -> ServiceDeployment:
    target = deployment.get("targetServiceRevision", {})
    revision = revisions.get(target.get("arn") or deployment.get("targetServiceRevisionArn", ""), {})
    sources = [
        revisions.get(each.get("arn", ""), {}) for each in deployment.get("sourceServiceRevisions", ())
    ]
    settings, rollback = deployment.get("deploymentConfiguration", {}), deployment.get("rollback", {})
    breaker, alarms = deployment.get("deploymentCircuitBreaker", {}), deployment.get("alarms", {})
    settings_of_breaker, watched = settings.get("deploymentCircuitBreaker", {}), settings.get("alarms", {})
    return ServiceDeployment(
        id=_last(deployment["serviceDeploymentArn"]),
        status=deployment.get("status", "unknown"),
        created=created,
        started=in_utc(deployment.get("startedAt")),
        finished=in_utc(deployment.get("finishedAt") or deployment.get("stoppedAt")),
        task_definition=_definition(revision),
        images=_images(revision),
        source_task_definition=next(filter(None, map(_definition, sources)), None),
        reason=_text(deployment.get("statusReason")),
        strategy=settings.get("strategy", "ROLLING"),
        least_healthy_percent=settings.get("minimumHealthyPercent", 100),
        most_percent=settings.get("maximumPercent", 200),
        circuit_breaker=breaker.get("status"),
        failed_tasks=breaker.get("failureCount"),
        alarms=tuple(alarms.get("alarmNames", ())),
        triggered_alarms=tuple(alarms.get("triggeredAlarmNames", ())),
        rolls_back=bool(settings_of_breaker.get("rollback") or watched.get("rollback")),
        rollback_reason=_text(rollback.get("reason")),
        rollback_started=in_utc(rollback.get("startedAt")),
        wanted_tasks=target.get("requestedTaskCount"),
        running_tasks=target.get("runningTaskCount"),
    )


def _definition(revision: Answer) -> str | None:
    arn = revision.get("taskDefinition")
    return _last(arn) if arn else None


def _images(revision: Answer) -> dict[str, str]:
    """The digest of each container's image; ECS resolves a tag once for a deployment (developer guide,
    "Container image resolution").
    """
    images = revision.get("containerImages", ())[:MOST_CONTAINERS]
    return {
        each["containerName"]: each["imageDigest"]
        for each in images
        if each.get("containerName") and each.get("imageDigest")
    }


def parse_revisions(answer: Answer) -> dict[str, Answer]:
    """The service revisions of a DescribeServiceRevisions answer by ARN."""
    return {
        each["serviceRevisionArn"]: each
        for each in answer.get("serviceRevisions", ())
        if "serviceRevisionArn" in each
    }


def parse_stopped_tasks(answer: Answer) -> tuple[StoppedTask, ...]:
    """The stopped tasks of a DescribeTasks answer, newest first; `at` is when a task began to stop."""
    found = (
        StoppedTask(
            id=_last(each["taskArn"]),
            at=at,
            code=each.get("stopCode"),
            reason=_text(each.get("stoppedReason")) or "",
            started=in_utc(each.get("startedAt")),
            task_definition=_last(each.get("taskDefinitionArn", "")),
            deployment=each.get("startedBy", ""),
            zone=each.get("availabilityZone"),
            containers=tuple(_ended(each.get("containers", ()))),
        )
        for each in answer.get("tasks", ())
        if "taskArn" in each and (at := _stopped_at(each))
    )
    return tuple(sorted(found, key=lambda each: (each.at, each.id), reverse=True))


def _stopped_at(task: Answer) -> datetime | None:
    times = (task.get(key) for key in ("stoppingAt", "executionStoppedAt", "stoppedAt"))
    return in_utc(min(filter(None, times), default=None))


def _ended(containers: Iterable[Answer]) -> Iterator[StoppedContainer]:
    for each in tuple(containers)[:MOST_CONTAINERS]:
        yield StoppedContainer(each.get("name", ""), each.get("exitCode"), _text(each.get("reason")))


def parse_running_tasks(answer: Answer) -> tuple[RunningTask, ...]:
    """The tasks of a DescribeTasks answer, by their id."""
    found = (
        RunningTask(
            id=_last(each["taskArn"]),
            started=in_utc(each.get("startedAt")),
            task_definition=_last(each.get("taskDefinitionArn", "")),
            deployment=each.get("startedBy", ""),
            zone=each.get("availabilityZone"),
        )
        for each in answer.get("tasks", ())
        if "taskArn" in each
    )
    return tuple(sorted(found, key=lambda each: each.id))


def _text(text: str | None) -> str | None:
    """What ECS says, cut; a reason may quote an image's address, or what a program wrote, with a secret."""
    return masked(text[:MOST_MASKED])[:MOST_TEXT] if text else None


def _last(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]
