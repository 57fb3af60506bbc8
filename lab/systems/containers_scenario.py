"""ECS services as a scenario tells them."""

from __future__ import annotations

from dataclasses import dataclass

from lab.strict import Section, read
from lab.timeline import Timeline, constant

SECTION = "services"
CONTROLLERS = ("ECS", "CODE_DEPLOY", "EXTERNAL")
STRATEGIES = ("ROLLING", "BLUE_GREEN", "LINEAR", "CANARY")
ENDED = ("SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED")
RUNNING = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")
STOP_CODES = (
    "TaskFailedToStart",
    "EssentialContainerExited",
    "UserInitiated",
    "ServiceSchedulerInitiated",
    "SpotInterruption",
    "TerminationNotice",
    "InfrastructureHealth",
)
BREAKERS = ("off", "on", "rollback")
A_MONTH = 43200.0


@dataclass(frozen=True, slots=True)
class ServiceDeployment:
    """A deployment by ECS itself; minutes count from the alarm."""

    id: str
    task_definition: str
    digest: str | None
    created: float
    started: float
    finished: float | None
    status: str
    reason: str | None
    failed_tasks: int
    triggered_alarms: tuple[str, ...]
    rollback_started: float | None
    rollback_reason: str | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Tasks that stopped alike, one at each minute of `at`; `lived` is in minutes, None if they never ran."""

    at: tuple[float, ...]
    code: str
    reason: str
    lived: float | None
    task_definition: str
    exit_code: int | None
    container_reason: str | None


@dataclass(frozen=True, slots=True)
class Tasks:
    """Tasks that run, started together."""

    count: int
    started: float
    task_definition: str


@dataclass(frozen=True, slots=True)
class Service:
    """A service with its deployments, events, tasks and figures."""

    name: str
    cluster: str
    target_groups: tuple[str, ...]
    controller: str
    launch_type: str
    capacity_providers: tuple[str, ...]
    desired: Timeline
    running: Timeline
    pending: Timeline
    task_definition: str
    image: str
    cpu_units: int
    memory_mib: int
    secrets: tuple[str, ...]
    strategy: str
    least_healthy: int
    most: int
    circuit_breaker: str
    alarms: tuple[str, ...]
    deployments: tuple[ServiceDeployment, ...]
    events: tuple[tuple[float, str], ...]
    stopped: tuple[Stop, ...]
    tasks: tuple[Tasks, ...]
    cpu: Timeline
    memory: Timeline


def load(section: Section, scenario_name: str) -> tuple[Service, ...]:  # noqa: ARG001 - one interface
    """Read the section `services`: a mapping of names."""
    names = section.keys()
    found = tuple(
        read(Section(section.source, f"{SECTION}.{name}", section.raw(name)), _service, name)
        for name in names
    )
    section.finish()
    return found


def _service(section: Section, name: str) -> Service:
    deployments = tuple(read(part, _deployment, name) for part in section.sections("deployments"))
    newest = max(deployments, key=lambda each: each.created, default=None)
    definition = section.text("task_definition", newest.task_definition if newest else f"{name}:1")
    desired = section.line("desired", constant(4.0))
    return Service(
        name=name,
        cluster=section.text("cluster", "production"),
        target_groups=section.texts("target_group", (name,)),
        controller=section.text("controller", "ECS", choices=CONTROLLERS),
        launch_type=section.text("launch_type", "FARGATE", choices=("FARGATE", "EC2", "EXTERNAL")),
        capacity_providers=section.texts("capacity_providers"),
        desired=desired,
        running=section.line("running", desired),
        pending=section.line("pending", constant(0.0)),
        task_definition=definition,
        image=section.text("image", f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/{name}:live"),
        cpu_units=section.whole("cpu_units", 1024),
        memory_mib=section.whole("memory_mib", 2048),
        secrets=section.texts("secrets"),
        strategy=section.text("strategy", "ROLLING", choices=STRATEGIES),
        least_healthy=section.whole("minimum_healthy_percent", 100),
        most=section.whole("maximum_percent", 200),
        circuit_breaker=section.text("circuit_breaker", "off", choices=BREAKERS),
        alarms=section.texts("alarms"),
        deployments=deployments,
        events=tuple(read(part, _event) for part in section.sections("events")),
        stopped=tuple(read(part, _stop, definition) for part in section.sections("stopped")),
        tasks=tuple(read(part, _tasks, definition) for part in section.sections("tasks")),
        cpu=section.line("cpu", constant(35.0)),
        memory=section.line("memory", constant(48.0)),
    )


def _deployment(section: Section, service: str) -> ServiceDeployment:
    created = section.number("created", 0.0)
    finished = section.optional_number("finished")
    usual = "IN_PROGRESS" if finished is None else "SUCCESSFUL"
    status = section.text("status", usual, choices=(*ENDED, *RUNNING))
    if (status in ENDED) != (finished is not None):
        raise section.error("status", f"{status} and finished {finished} contradict each other")
    return ServiceDeployment(
        id=section.text("id"),
        task_definition=section.text("task_definition", f"{service}:1"),
        digest=section.optional_text("digest"),
        created=created,
        started=section.number("started", created + 0.1),
        finished=finished,
        status=status,
        reason=section.optional_text("reason"),
        failed_tasks=section.whole("failed_tasks", 0),
        triggered_alarms=section.texts("triggered_alarms"),
        rollback_started=section.optional_number("rollback_started"),
        rollback_reason=section.optional_text("rollback_reason"),
    )


def _event(section: Section) -> tuple[float, str]:
    return section.number("at", 0.0), section.text("message")


def _stop(section: Section, definition: str) -> Stop:
    moments = section.raw("at")
    listed = moments if isinstance(moments, list) else [moments]
    try:
        at = tuple(float(each) for each in listed)
    except (TypeError, ValueError):
        raise section.error("at", "expected a minute, or a list of them") from None
    return Stop(
        at=at,
        code=section.text("code", "EssentialContainerExited", choices=STOP_CODES),
        reason=section.text("reason", "Essential container in task exited"),
        lived=section.optional_number("lived"),
        task_definition=section.text("task_definition", definition),
        exit_code=None if section.raw("exit_code") is None else section.whole("exit_code", 0),
        container_reason=section.optional_text("container_reason"),
    )


def _tasks(section: Section, definition: str) -> Tasks:
    return Tasks(
        count=section.whole("count", 1),
        started=section.number("started", -A_MONTH),
        task_definition=section.text("task_definition", definition),
    )
