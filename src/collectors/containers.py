"""Reads what the ECS services behind a load balancer do: deployments, tasks and why they stopped, figures.

Which services these are is found next door (containers_search); then everything about them is asked at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from collectors import containers_answers as answers
from collectors import containers_search
from collectors.containers_search import PAGE, Found, listed_arns
from collectors.metric_data import PERMISSION as METRICS_PERMISSION
from collectors.metric_data import Asked, read_series
from collectors.reading import Answer, Reading, Scope, UnreadableAnswerError, ask_all
from diagnosis.evidence import NOT_LOOKED_UP, MetricKey, Metrics, Missing
from diagnosis.systems.containers import (
    ContainerService,
    RunningTask,
    ServiceDeployment,
    StoppedTask,
    TaskDefinition,
)

_SERVICE = "ecs"
# So many services of one load balancer are read in detail, and so many of their deployments.
MOST_IN_DETAIL, MOST_DEPLOYMENTS = 5, 20
METRICS = ("CPUUtilization", "MemoryUtilization")
STATISTICS = ("Average", "Maximum")
PERMISSIONS = (
    "ecs:ListTasks",
    "ecs:DescribeTasks",
    "ecs:DescribeTaskDefinition",
    "ecs:ListServiceDeployments",
    "ecs:DescribeServiceDeployments",
    "ecs:DescribeServiceRevisions",
    METRICS_PERMISSION,
)


def collect_services(scope: Scope, read: Mapping[str, object]) -> tuple[ContainerService, ...] | Missing:
    """The services with their deployments, tasks, definition and figures, each Missing where unreadable."""
    listed = containers_search.with_those_named(scope, read)
    if isinstance(listed, Missing):
        return listed
    chosen = listed[:MOST_IN_DETAIL]
    asked = ask_all(_SERVICE, _questions(scope, chosen))
    details = ask_all(_SERVICE, _detail_questions(scope.clients("ecs"), asked))
    series = asked.get(("figures", ""), NOT_LOOKED_UP)
    return (
        *(_with_details(each.service, asked, details, series) for each in chosen),
        *(each.service for each in listed[MOST_IN_DETAIL:]),
    )


Question = tuple[str, Any]
"""The kind of a question, and what it is about."""


def _questions(scope: Scope, chosen: Sequence[Found]) -> dict[Question, Callable[[], Any]]:
    client = scope.clients("ecs")
    asked: dict[Question, Callable[[], Any]] = {}
    for each in chosen:
        service = each.service
        if service.controller == "ECS":
            asked["deployments", service.arn] = partial(_deployment_list, client, service)
        for status in ("STOPPED", "RUNNING"):
            asked[status, service.arn] = partial(_task_list, client, service, status)
        if each.task_definition:
            asked["definition", service.arn] = partial(_definition, client, each.task_definition)
    if chosen:
        asked["figures", ""] = partial(_read_figures, scope, [each.service for each in chosen])
    return asked


def _deployment_list(client: Any, service: ContainerService) -> tuple[Answer, ...]:
    """The newest deployments. In which order ECS lists them is not documented."""
    answer = client.list_service_deployments(service=service.arn, cluster=service.cluster, maxResults=PAGE)
    found = [each for each in answer.get("serviceDeployments", ()) if "createdAt" in each]
    oldest_first = len(found) > 1 and found[0]["createdAt"] < found[-1]["createdAt"]
    if answer.get("nextToken") and oldest_first:
        raise UnreadableAnswerError(f"more than {PAGE} deployments of the service")
    newest = sorted(found, key=lambda each: each["createdAt"], reverse=True)
    return tuple(newest[:MOST_DEPLOYMENTS])


def _task_list(client: Any, service: ContainerService, status: str) -> tuple[str, tuple[str, ...]]:
    found = listed_arns(
        client, "list_tasks", "taskArns",
        cluster=service.cluster, serviceName=service.name, desiredStatus=status,
    )  # fmt: skip
    return service.cluster, tuple(found)


def _definition(client: Any, arn: str) -> TaskDefinition:
    found = answers.parse_task_definition(client.describe_task_definition(taskDefinition=arn))
    if found is None:
        raise UnreadableAnswerError("the task definition was not in the answer")
    return found


def _read_figures(scope: Scope, services: Iterable[ContainerService]) -> Metrics | Missing:
    return ask_all("cloudwatch", {"": partial(read_series, scope, _figures(services))})[""]


def _figures(services: Iterable[ContainerService]) -> dict[MetricKey, Asked]:
    """By service in the key's part; published for the whole service (ECS developer guide, metrics)."""
    return {
        MetricKey(name, statistic, part=each.arn): Asked(
            "AWS/ECS", name, statistic, {"ClusterName": each.cluster, "ServiceName": each.name}
        )
        for each in services
        for name in METRICS
        for statistic in STATISTICS
    }


def _detail_questions(client: Any, asked: Mapping[Question, Any]) -> dict[Question, Callable[[], Any]]:
    """What the lists named: deployments, the revisions that they bring, and tasks."""
    details: dict[Question, Callable[[], Any]] = {}
    for (kind, arn), answer in asked.items():
        if isinstance(answer, Missing):
            continue
        if kind == "deployments" and answer:
            named = [each["serviceDeploymentArn"] for each in answer if "serviceDeploymentArn" in each]
            brought = dict.fromkeys(each.get("targetServiceRevisionArn") for each in answer)
            details["deployments", arn] = partial(
                client.describe_service_deployments, serviceDeploymentArns=named
            )
            details["revisions", arn] = partial(
                client.describe_service_revisions, serviceRevisionArns=[each for each in brought if each]
            )
        if kind in ("STOPPED", "RUNNING") and answer[1]:
            details[kind, arn] = partial(client.describe_tasks, cluster=answer[0], tasks=list(answer[1]))
    return details


def _with_details(
    service: ContainerService,
    asked: Mapping[Question, Any],
    details: Mapping[Question, Any],
    series: Metrics | Missing,
) -> ContainerService:
    def answer(kind: str) -> Answer | Missing:
        listed = asked.get((kind, service.arn), {})
        found: Answer | Missing = details.get((kind, service.arn), {})
        return listed if isinstance(listed, Missing) else found

    return replace(
        service,
        task_definition=asked.get(("definition", service.arn), NOT_LOOKED_UP),
        deployments=_deployments(answer("deployments"), details.get(("revisions", service.arn), {})),
        stopped_tasks=_stopped(answer("STOPPED")),
        running_tasks=_running(answer("RUNNING")),
        metrics=_own(series, service.arn),
    )


def _deployments(
    described: Answer | Missing, revisions: Answer | Missing
) -> tuple[ServiceDeployment, ...] | Missing:
    if isinstance(described, Missing):
        return described
    brought = {} if isinstance(revisions, Missing) else answers.parse_revisions(revisions)
    return answers.parse_service_deployments(described, brought)


def _stopped(described: Answer | Missing) -> tuple[StoppedTask, ...] | Missing:
    return described if isinstance(described, Missing) else answers.parse_stopped_tasks(described)


def _running(described: Answer | Missing) -> tuple[RunningTask, ...] | Missing:
    return described if isinstance(described, Missing) else answers.parse_running_tasks(described)


def _own(series: Metrics | Missing, arn: str) -> Metrics | Missing:
    """The figures of one service, without its name in the keys."""
    if isinstance(series, Missing):
        return series
    own = {key._replace(part=None): values for key, values in series.series.items() if key.part == arn}
    unread = {key._replace(part=None): why for key, why in series.unread.items() if key.part == arn}
    return Metrics(series.window, own, unread)


READINGS = (
    containers_search.READING,
    Reading(
        "services",
        "ecs",
        ("service_list", "target_groups", "deployments"),
        PERMISSIONS,
        collect_services,
        on_demand=True,
    ),
)
READINGS_FOR_LOAD_BALANCER = READINGS
