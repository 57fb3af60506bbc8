"""An ECS service behind a load balancer: what it is to run, what it deployed, and why tasks stopped.

Words and members are those of the ECS API reference (Service, ServiceDeployment, Task, TaskDefinition).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from diagnosis.series import NOT_LOOKED_UP, Metrics, Missing

# An ARN of Secrets Manager may go on with a JSON key, a version stage and a version id (ECS developer guide,
# "Pass Secrets Manager secrets"); the secret itself ends here.
_PARTS_OF_A_SECRET = 7


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a task definition; memory in MiB, `cpu` in units of 1/1024 processor.

    `secrets` are the names or ARNs of what is passed in, never a value.
    """

    name: str
    image: str
    essential: bool = True
    cpu: int | None = None
    memory: int | None = None
    memory_reservation: int | None = None
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """A revision of a task definition; `id` is family:revision, memory is in MiB for the whole task."""

    arn: str
    id: str
    cpu: int | None = None
    memory: int | None = None
    containers: tuple[Container, ...] = ()
    roles: tuple[str, ...] = ()
    registered: datetime | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What its containers are passed, each once."""
        return tuple(dict.fromkeys(name for each in self.containers for name in each.secrets))


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """One line of the service's own log; it says "(service x) was unable to place a task ..."."""

    at: datetime
    message: str


@dataclass(frozen=True, slots=True)
class ServiceDeployment:
    """A deployment that ECS made by itself, and what it went from and to; `id` is the last part of its ARN.

    `images` are the digests that its tasks run, by container, where ECS resolved them.
    """

    id: str
    status: str
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    task_definition: str | None = None
    images: Mapping[str, str] = field(default_factory=dict)
    source_task_definition: str | None = None
    reason: str | None = None
    strategy: str = "ROLLING"
    least_healthy_percent: int = 100
    most_percent: int = 200
    circuit_breaker: str | None = None
    failed_tasks: int | None = None
    alarms: tuple[str, ...] = ()
    triggered_alarms: tuple[str, ...] = ()
    rolls_back: bool = False
    rollback_reason: str | None = None
    rollback_started: datetime | None = None
    wanted_tasks: int | None = None
    running_tasks: int | None = None


@dataclass(frozen=True, slots=True)
class StoppedContainer:
    """How one container of a stopped task ended."""

    name: str
    exit_code: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class StoppedTask:
    """A task that stopped within about the last hour; ECS does not show them for longer.

    `started` is None for one that never ran, `deployment` is what started it (`startedBy`).
    """

    id: str
    at: datetime
    code: str | None = None
    reason: str = ""
    started: datetime | None = None
    task_definition: str = ""
    deployment: str = ""
    zone: str | None = None
    containers: tuple[StoppedContainer, ...] = ()


@dataclass(frozen=True, slots=True)
class RunningTask:
    """A task that ECS means to keep; `started` is None while it is still being prepared."""

    id: str
    started: datetime | None
    task_definition: str = ""
    deployment: str = ""
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class ContainerService:
    """A service; `target_groups` are ids (targetgroup/name/hash), `controller` ECS, CODE_DEPLOY or EXTERNAL.

    Its own deployments are () under another controller. `metrics` are AWS/ECS CPUUtilization and
    MemoryUtilization, in percent of what is reserved. Anything that could not be read is Missing.
    """

    arn: str
    name: str
    cluster: str
    target_groups: tuple[str, ...]
    controller: str = "ECS"
    launch_type: str = ""
    desired: int = 0
    running: int = 0
    pending: int = 0
    task_definition: TaskDefinition | Missing = NOT_LOOKED_UP
    events: tuple[ServiceEvent, ...] = ()
    deployments: tuple[ServiceDeployment, ...] | Missing = NOT_LOOKED_UP
    stopped_tasks: tuple[StoppedTask, ...] | Missing = NOT_LOOKED_UP
    running_tasks: tuple[RunningTask, ...] | Missing = NOT_LOOKED_UP
    metrics: Metrics | Missing = NOT_LOOKED_UP
    security_groups: tuple[str, ...] = ()

    def identifiers(self) -> Iterator[str]:
        """By what a recorded change may name it, its roles, its firewall rules and what it is passed."""
        yield from (self.arn, f"service/{self.cluster}/{self.name}", *self.security_groups)
        if isinstance(self.task_definition, Missing):
            return
        yield from (self.task_definition.arn, *self.task_definition.roles)
        for secret in self.task_definition.secrets:
            yield ":".join(secret.split(":")[:_PARTS_OF_A_SECRET]) if secret.startswith("arn:") else secret
