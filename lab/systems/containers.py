"""ECS services behind target groups: what they deploy, which tasks run and stop, and their figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab import systems
from lab.metrics import EMPTY, Sample, Series
from lab.scenario import Scenario
from lab.systems import Stage
from lab.systems.containers_scenario import SECTION, Service, load
from lab.systems.containers_words import Words, last
from lab.wire import Answer

__all__ = ["KEY", "WHOLE", "Staged", "load", "quiet", "series"]

KEY = SECTION
WHOLE = ("ecs",)
NAMESPACE = "AWS/ECS"


def quiet(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A case's services, each over a quiet one that serves the group orders."""
    usual = {"target_group": "orders", "desired": 6}
    return {name: {**usual, **(service or {})} for name, service in given.items()}


def series(
    scenario: Scenario,
    data: tuple[Service, ...],
    namespace: str,
    name: str,
    dimensions: dict[str, str],
    recovered_from: int | None,
) -> Series | None:
    """CPUUtilization and MemoryUtilization of a service, in percent of what it reserves (developer guide)."""
    if namespace != NAMESPACE:
        return None
    for service in data:
        if dimensions == {"ClusterName": service.cluster, "ServiceName": service.name}:
            line = {"CPUUtilization": service.cpu, "MemoryUtilization": service.memory}.get(name)
            if line is not None:
                found = systems.levels(scenario, f"{service.name}/{name}", line, recovered_from)
                return {minute: Sample(value, 1.0, value, value) for minute, value in found.items()}
    return EMPTY


class Staged:
    """Answers for ECS; without a section there is no cluster at all."""

    def __init__(self, stage: Stage, data: tuple[Service, ...] | None) -> None:
        self._services = data or ()
        self._words = Words(stage, self._services)

    def operations(self) -> dict[str, dict[str, Answer]]:
        """The operations by boto3's name of the service."""
        return {
            "ecs": {
                "ListClusters": self.list_clusters,
                "ListServices": self.list_services,
                "DescribeServices": self.describe_services,
                "ListServiceDeployments": self.list_service_deployments,
                "DescribeServiceDeployments": self.describe_service_deployments,
                "DescribeServiceRevisions": self.describe_service_revisions,
                "ListTasks": self.list_tasks,
                "DescribeTasks": self.describe_tasks,
                "DescribeTaskDefinition": self.describe_task_definition,
            }
        }

    def list_clusters(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        """The ARNs of the clusters."""
        names = dict.fromkeys(each.cluster for each in self._services)
        return {"clusterArns": [self._words.arn(f"cluster/{name}") for name in names]}

    def list_services(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """The ARNs of a cluster's services."""
        found = [self._words.service_arn(each) for each in self._services if _is_in(each, asked)]
        return {"serviceArns": found}

    def describe_services(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Up to ten services of a cluster."""
        names = [last(each) for each in asked["services"]]
        known = {each.name: each for each in self._services if _is_in(each, asked)}
        return {
            "services": [self._words.described(known[name]) for name in names if name in known],
            "failures": [{"arn": name, "reason": "MISSING"} for name in names if name not in known],
        }

    def list_service_deployments(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """The deployments of a service, newest first."""
        service = next(each for each in self._services if each.name == last(asked["service"]))
        members = (
            "serviceDeploymentArn", "serviceArn", "clusterArn", "createdAt", "startedAt", "finishedAt",
            "targetServiceRevisionArn", "status", "statusReason",
        )  # fmt: skip
        return {
            "serviceDeployments": [
                {key: value for key, value in self._words.deployment(service, each).items() if key in members}
                | {"targetServiceRevisionArn": self._words.revision_arn(service, each)}
                for each in self._words.visible(service)
            ]
        }

    def describe_service_deployments(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Deployments with where they come from, circuit breaker and alarms."""
        wanted = asked["serviceDeploymentArns"]
        every = [
            self._words.deployment(service, each)
            for service in self._services
            for each in self._words.visible(service)
        ]
        return {
            "serviceDeployments": [each for each in every if each["serviceDeploymentArn"] in wanted],
            "failures": [],
        }

    def describe_service_revisions(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """What deployments bring: a task definition, with its images resolved."""
        return {
            "serviceRevisions": [
                self._words.revision(service, each)
                for service in self._services
                for each in service.deployments
                if self._words.revision_arn(service, each) in asked["serviceRevisionArns"]
            ],
            "failures": [],
        }

    def list_tasks(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """The tasks of a service that are meant to run, or that were stopped."""
        wanted = asked.get("desiredStatus", "RUNNING")
        found = self._words.tasks_of(asked["serviceName"])
        return {"taskArns": [each["taskArn"] for each in found if each["desiredStatus"] == wanted]}

    def describe_tasks(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Up to a hundred tasks."""
        every = [task for service in self._services for task in self._words.tasks_of(service.name)]
        return {"tasks": [each for each in every if each["taskArn"] in asked["tasks"]], "failures": []}

    def describe_task_definition(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """The definition with one container; secrets by name."""
        return {"taskDefinition": self._words.task_definition(last(asked["taskDefinition"]))}


def _is_in(service: Service, asked: Mapping[str, Any]) -> bool:
    return service.cluster == last(asked.get("cluster", "default"))
