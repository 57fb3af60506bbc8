"""What ECS says of services, deployments and tasks, at the clock's time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from lab.loading import stable_hex
from lab.systems import Stage
from lab.systems.containers_scenario import Service, ServiceDeployment, Stop
from lab.timeline import Timeline

# A stopped task is shown for about an hour (ECS API reference, "DescribeTasks").
SHOWN_FOR = timedelta(hours=1)


class Words:
    """The services in the words of the API."""

    def __init__(self, stage: Stage, services: Sequence[Service]) -> None:
        self._scenario = stage.scenario
        self._clock = stage.clock
        self._services = services

    def described(self, service: Service) -> dict[str, Any]:
        """A service, as DescribeServices has it."""
        providers = [
            {"capacityProvider": name, "weight": 1, "base": 0} for name in service.capacity_providers
        ]
        return {
            "serviceArn": self.service_arn(service),
            "serviceName": service.name,
            "clusterArn": self.arn(f"cluster/{service.cluster}"),
            "status": "ACTIVE",
            "desiredCount": self._now(service.desired),
            "runningCount": self._now(service.running),
            "pendingCount": self._now(service.pending),
            "taskDefinition": self._definition_arn(service.task_definition),
            "deploymentController": {"type": service.controller},
            "deploymentConfiguration": self._settings(service),
            "events": [
                {"id": stable_hex(service.name, at, message), "createdAt": moment, "message": message}
                for at, message in sorted(service.events, reverse=True)
                if (moment := self._scenario.moment(at)) <= self._clock.now()
            ],
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": [], "securityGroups": []}},
            **({"capacityProviderStrategy": providers} if providers else {"launchType": service.launch_type}),
            **self._balancing(service),
        }

    def _balancing(self, service: Service) -> dict[str, Any]:
        """Under CodeDeploy the task sets name the target groups, one each."""
        groups = [
            {
                "targetGroupArn": self._group_arn(name),
                "containerName": service.name,
                "containerPort": 8080,
            }
            for name in service.target_groups
        ]
        if service.controller == "ECS":
            return {"loadBalancers": groups}
        sets = [
            {
                "status": "PRIMARY" if index == 0 else "ACTIVE",
                "taskDefinition": self._definition_arn(service.task_definition),
                "loadBalancers": [group],
            }
            for index, group in enumerate(groups)
        ]
        return {"loadBalancers": groups[:1], "taskSets": sets}

    def _settings(self, service: Service) -> dict[str, Any]:
        breaker, back = service.circuit_breaker != "off", service.circuit_breaker == "rollback"
        return {
            "deploymentCircuitBreaker": {"enable": breaker, "rollback": back},
            "minimumHealthyPercent": service.least_healthy,
            "maximumPercent": service.most,
            "strategy": service.strategy,
            "alarms": {
                "alarmNames": list(service.alarms),
                "enable": bool(service.alarms),
                "rollback": bool(service.alarms),
            },
        }

    def deployment(self, service: Service, deployment: ServiceDeployment) -> dict[str, Any]:
        """A deployment as it stands now."""
        moment, now = self._scenario.moment, self._clock.now()
        ended = deployment.finished is not None and moment(deployment.finished) <= now
        before = self._before(service, deployment)
        told: dict[str, Any] = {
            "serviceDeploymentArn": self.arn(
                f"service-deployment/{service.cluster}/{service.name}/{deployment.id}"
            ),
            "serviceArn": self.service_arn(service),
            "clusterArn": self.arn(f"cluster/{service.cluster}"),
            "createdAt": moment(deployment.created),
            "startedAt": moment(deployment.started),
            "status": deployment.status if ended or deployment.finished is None else "IN_PROGRESS",
            "targetServiceRevision": {
                "arn": self.revision_arn(service, deployment),
                "requestedTaskCount": self._now(service.desired),
                "runningTaskCount": self._count_of(service, deployment),
                "pendingTaskCount": 0,
            },
            "sourceServiceRevisions": [{"arn": self.revision_arn(service, each)} for each in before[:1]],
            "deploymentConfiguration": self._settings(service),
            "deploymentCircuitBreaker": {
                "status": self._breaker(service, deployment, ended=ended),
                "failureCount": deployment.failed_tasks,
                "threshold": max(3, self._now(service.desired) // 2),
            },
            "alarms": {
                "status": "TRIGGERED" if deployment.triggered_alarms else "DISABLED",
                "alarmNames": list(service.alarms),
                "triggeredAlarmNames": list(deployment.triggered_alarms),
            },
        }
        if ended and deployment.finished is not None:
            told["finishedAt"] = moment(deployment.finished)
        if deployment.reason:
            told["statusReason"] = deployment.reason
        if deployment.rollback_started is not None and moment(deployment.rollback_started) <= now:
            told["rollback"] = {
                "startedAt": moment(deployment.rollback_started),
                "reason": deployment.rollback_reason or "Service deployment rolled back.",
                **({"serviceRevisionArn": self.revision_arn(service, before[0])} if before else {}),
            }
        return told

    def _breaker(self, service: Service, deployment: ServiceDeployment, *, ended: bool) -> str:
        if service.circuit_breaker == "off":
            return "DISABLED"
        if deployment.rollback_started is not None and not deployment.triggered_alarms:
            return "TRIGGERED"
        return "MONITORING_COMPLETE" if ended else "MONITORING"

    def revision(self, service: Service, deployment: ServiceDeployment) -> dict[str, Any]:
        """What a deployment brings."""
        digest = deployment.digest or stable_hex(service.name, deployment.task_definition, length=64)
        return {
            "serviceRevisionArn": self.revision_arn(service, deployment),
            "serviceArn": self.service_arn(service),
            "clusterArn": self.arn(f"cluster/{service.cluster}"),
            "taskDefinition": self._definition_arn(deployment.task_definition),
            "containerImages": [
                {"containerName": service.name, "image": service.image, "imageDigest": f"sha256:{digest}"}
            ],
            "createdAt": self._scenario.moment(deployment.created),
        }

    def tasks_of(self, name: str) -> Iterator[dict[str, Any]]:
        """The tasks of a service that are running, or that stopped lately."""
        service = next(each for each in self._services if each.name == name)
        for index, group in enumerate(service.tasks):
            for one in range(group.count):
                yield self._task(service, f"running/{index}/{one}", group.task_definition, group.started)
        for index, stop in enumerate(service.stopped):
            for at in stop.at:
                if self._shown(at):
                    yield self._stopped(service, f"stopped/{index}/{at}", stop, at)

    def _shown(self, at: float) -> bool:
        return self._scenario.moment(at) <= self._clock.now() <= self._scenario.moment(at) + SHOWN_FOR

    def _task(self, service: Service, key: str, definition: str, started: float | None) -> dict[str, Any]:
        id_ = stable_hex(service.cluster, service.name, key, length=32)
        container = {"name": service.name, "image": service.image, "lastStatus": "RUNNING"}
        task: dict[str, Any] = {
            "taskArn": self.arn(f"task/{service.cluster}/{id_}"),
            "clusterArn": self.arn(f"cluster/{service.cluster}"),
            "group": f"service:{service.name}",
            "taskDefinitionArn": self._definition_arn(definition),
            "desiredStatus": "RUNNING",
            "lastStatus": "RUNNING",
            "startedBy": f"ecs-svc/{int(stable_hex(service.name, definition, length=12), 16)}",
            "containers": [container],
        }
        if started is not None:
            task["startedAt"] = self._scenario.moment(started)
        return task

    def _stopped(self, service: Service, key: str, stop: Stop, at: float) -> dict[str, Any]:
        started = None if stop.lived is None else at - stop.lived
        container: dict[str, Any] = {"name": service.name, "image": service.image, "lastStatus": "STOPPED"}
        if stop.exit_code is not None:
            container["exitCode"] = stop.exit_code
        if stop.container_reason:
            container["reason"] = stop.container_reason
        moment: datetime = self._scenario.moment(at)
        return self._task(service, key, stop.task_definition, started) | {
            "desiredStatus": "STOPPED",
            "lastStatus": "STOPPED",
            "stopCode": stop.code,
            "stoppedReason": stop.reason,
            "stoppingAt": moment,
            "stoppedAt": moment + timedelta(seconds=5),
            "containers": [container],
        }

    def task_definition(self, id_: str) -> dict[str, Any]:
        """The definition with one container; secrets by name."""
        service = next(each for each in self._services if id_.startswith(each.task_definition.split(":")[0]))
        family, revision = id_.split(":")
        return {
            "taskDefinitionArn": self._definition_arn(id_),
            "family": family,
            "revision": int(revision),
            "status": "ACTIVE",
            "cpu": str(service.cpu_units),
            "memory": str(service.memory_mib),
            "networkMode": "awsvpc",
            "taskRoleArn": self._role(f"{service.name}-task"),
            "executionRoleArn": self._role(f"{service.name}-execution"),
            "containerDefinitions": [
                {
                    "name": service.name,
                    "image": service.image,
                    "cpu": 0,
                    "essential": True,
                    "secrets": [
                        {"name": f"SECRET_{index}", "valueFrom": each}
                        for index, each in enumerate(service.secrets)
                    ],
                }
            ],
        }

    def visible(self, service: Service) -> list[ServiceDeployment]:
        """The deployments that have begun, newest first."""
        now = self._clock.now()
        begun = [each for each in service.deployments if self._scenario.moment(each.created) <= now]
        return sorted(begun, key=lambda each: each.created, reverse=True)

    def _before(self, service: Service, deployment: ServiceDeployment) -> list[ServiceDeployment]:
        """The deployments that had succeeded before this one, newest first."""
        return [
            each
            for each in self.visible(service)
            if each.created < deployment.created and each.status == "SUCCESSFUL"
        ]

    def _count_of(self, service: Service, deployment: ServiceDeployment) -> int:
        return sum(each.count for each in service.tasks if each.started >= deployment.created)

    def _now(self, line: Timeline) -> int:
        """The level in this minute."""
        passed = self._clock.now() - self._scenario.minute_zero
        return round(line.at(int(passed / timedelta(minutes=1))) or 0.0)

    def arn(self, resource: str) -> str:
        """The ARN of something of ECS."""
        return f"arn:aws:ecs:{self._scenario.region}:{self._scenario.account}:{resource}"

    def service_arn(self, service: Service) -> str:
        """The ARN of a service."""
        return self.arn(f"service/{service.cluster}/{service.name}")

    def revision_arn(self, service: Service, deployment: ServiceDeployment) -> str:
        """The ARN of what a deployment brings."""
        number = int(stable_hex(service.name, deployment.id, length=12), 16)
        return self.arn(f"service-revision/{service.cluster}/{service.name}/{number}")

    def _definition_arn(self, id_: str) -> str:
        return self.arn(f"task-definition/{id_}")

    def _role(self, name: str) -> str:
        return f"arn:aws:iam::{self._scenario.account}:role/{name}"

    def _group_arn(self, name: str) -> str:
        head = f"arn:aws:elasticloadbalancing:{self._scenario.region}:{self._scenario.account}"
        return f"{head}:targetgroup/{name}/{stable_hex('tg', name)}"


def last(arn: str) -> str:
    """The last part of an ARN."""
    return arn.rsplit("/", 1)[-1]
