"""Why a task of ECS stopped, read from its stop code, its reason and how its containers ended.

Sources: ECS developer guide, "Stopped tasks error codes", and the Task members stopCode and stoppedReason of
the API reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from diagnosis.systems.containers import StoppedTask

# A process that ends this soon never served; one that the load balancer gives up this soon never was healthy.
SOON = timedelta(minutes=3)
NEVER_HEALTHY = timedelta(minutes=10)
KILLED = 137
"""128 and signal 9: killed, for memory or because it did not stop in time when it was told to."""
TERMINATED = 143
"""128 and signal 15: it ended at once when it was told to stop, whatever it held."""


class Why(StrEnum):
    """Why a task stopped, as it follows upon "a task"."""

    MEMORY = "killed for memory"
    PULL = "could not pull the image"
    START = "could not be started"
    EXIT_AT_START = "exited right after the start"
    NEVER_HEALTHY = "never passed the load balancer's health check"
    EXIT = "exited"
    UNHEALTHY = "failed health checks"
    SPOT = "reclaimed with Spot capacity"
    NO_CAPACITY = "found no capacity"
    MACHINE = "lost the machine"
    SCHEDULER = "stopped by the service"
    BY_HAND = "stopped by hand"
    OTHER = "stopped for another reason"


# A task that ends so has never served, and those that ECS starts in its place most likely will not either.
FAILED_START = (Why.PULL, Why.START, Why.EXIT_AT_START, Why.NEVER_HEALTHY)
LOST_CAPACITY = (Why.SPOT, Why.NO_CAPACITY, Why.MACHINE)

# What the reasons of ECS begin with or hold, most telling first.
_SAID: Sequence[tuple[str, Why]] = (
    ("OutOfMemory", Why.MEMORY),
    ("killed due to memory", Why.MEMORY),
    ("CannotPull", Why.PULL),
    ("Capacity is unavailable", Why.NO_CAPACITY),
    ("InsufficientInstanceCapacity", Why.NO_CAPACITY),
    ("Spot Task was interrupted", Why.SPOT),
    ("ResourceInitializationError", Why.START),
    ("CannotStartContainer", Why.START),
    ("CannotCreate", Why.START),
    ("ContainerRuntime", Why.START),
    ("DockerTimeout", Why.START),
    ("Host EC2", Why.MACHINE),
)
_CODES = {
    "SpotInterruption": Why.SPOT,
    "TerminationNotice": Why.MACHINE,
    "InfrastructureHealth": Why.MACHINE,
    "TaskFailedToStart": Why.START,
    "UserInitiated": Why.BY_HAND,
}


@dataclass(frozen=True, slots=True)
class Stop:
    """A task that stopped: why, when, how long it had run (None: not at all), and what ECS says of it."""

    id: str
    why: Why
    at: datetime
    lived: timedelta | None
    exit_code: int | None
    task_definition: str
    said: str


def read_stop(task: StoppedTask) -> Stop:
    """Why the task stopped."""
    lived = task.at - task.started if task.started else None
    codes = [each.exit_code for each in task.containers if each.exit_code]
    told = [each.reason for each in task.containers if each.reason]
    return Stop(
        id=task.id,
        why=_why(task, lived, codes),
        at=task.at,
        lived=lived,
        exit_code=codes[0] if codes else None,
        task_definition=task.task_definition,
        said=" ".join([*told[:1], task.reason] if told else [task.reason]),
    )


def _why(task: StoppedTask, lived: timedelta | None, codes: Sequence[int]) -> Why:
    said = " ".join([task.reason, *(each.reason or "" for each in task.containers)])
    for words, why in _SAID:
        if words in said:
            return why
    if task.code in _CODES:
        return _CODES[task.code]
    if "health checks" in said:
        return Why.NEVER_HEALTHY if lived is None or lived <= NEVER_HEALTHY else Why.UNHEALTHY
    if task.code == "EssentialContainerExited":
        # Nobody told it to stop, so only the kernel kills it.
        if KILLED in codes:
            return Why.MEMORY
        return Why.EXIT_AT_START if lived is None or lived <= SOON else Why.EXIT
    return Why.SCHEDULER if task.code == "ServiceSchedulerInitiated" else Why.OTHER
