"""Runs the readings in parallel, each as soon as what it needs is there, but not beyond the deadline."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, fields, replace
from functools import partial
from graphlib import TopologicalSorter
from typing import Any

from collectors import cloudtrail, cloudwatch, codedeploy, ec2, elastic_load_balancing, listeners
from collectors.reading import NOT_LOOKED_UP, READ_ERRORS, Reading, Scope, failure
from diagnosis.evidence import Evidence, Missing

# The longest chain of dependent calls first: it is under way while the clients of the others are still being
# made.
READINGS: tuple[Reading, ...] = (
    *codedeploy.READINGS,
    *listeners.READINGS,
    *elastic_load_balancing.READINGS,
    *cloudtrail.READINGS,
    *cloudwatch.READINGS,
    *ec2.READINGS,
)
PERMISSIONS: tuple[str, ...] = tuple(sorted({each for reading in READINGS for each in reading.permissions}))


@dataclass(frozen=True, slots=True)
class Gathered:
    """The evidence, and how long each reading took; one that was not answered in time has no time.

    `unexpected` are errors nobody foresaw, by reading: mistakes of ours, for the log with their traceback.
    """

    evidence: Evidence
    seconds: Mapping[str, float]
    unexpected: Mapping[str, Exception] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a reading: its answer or Missing, the seconds it took, the error if not foreseen."""

    value: Any
    seconds: float | None = None
    unexpected: Exception | None = None


def gather(
    scope: Scope,
    *,
    deadline_seconds: float,
    clock: Callable[[], float],
    readings: Sequence[Reading] = READINGS,
) -> Gathered:
    """All the evidence about the entry point, Missing where it could not be read in time; it never raises.

    `clock` counts seconds and never goes back, such as `time.monotonic`.
    """
    outcomes = read_all(readings, scope, deadline_seconds, clock)
    return Gathered(
        evidence=_evidence(scope, outcomes),
        seconds={name: each.seconds for name, each in outcomes.items() if each.seconds is not None},
        unexpected={name: each.unexpected for name, each in outcomes.items() if each.unexpected},
    )


def read_all(
    readings: Sequence[Reading], scope: Scope, deadline_seconds: float, clock: Callable[[], float]
) -> dict[str, Outcome]:
    """The outcome of every reading, by name; the stragglers at the deadline are left to themselves."""
    threads = ThreadPoolExecutor(max_workers=len(readings))
    try:
        outcomes = _outcomes(threads, readings, scope, clock() + deadline_seconds, clock)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
    late = Outcome(Missing(f"not answered within {deadline_seconds:g} s"))
    return {reading.name: outcomes.get(reading.name, late) for reading in readings}


def _outcomes(
    threads: ThreadPoolExecutor,
    readings: Sequence[Reading],
    scope: Scope,
    deadline: float,
    clock: Callable[[], float],
) -> dict[str, Outcome]:
    by_name = {reading.name: reading for reading in readings}
    order = TopologicalSorter({reading.name: reading.needs for reading in readings})
    order.prepare()
    clients, outcomes, running = _Clients(scope.clients), dict[str, Outcome](), dict[Future[Outcome], str]()
    scope = replace(scope, clients=clients)
    while order.is_active():
        for reading in map(by_name.__getitem__, order.get_ready()):
            clients.make([reading.service])
            answers = {need: outcomes[need].value for need in reading.needs}
            running[threads.submit(_outcome, reading, scope, answers, clock)] = reading.name
        clients.make(reading.service for reading in readings)
        ended, _ = wait(running, max(0.0, deadline - clock()), FIRST_COMPLETED)
        if not ended:
            break
        for future in ended:
            name = running.pop(future)
            outcomes[name] = future.result()
            order.done(name)
    return outcomes


class _Clients:
    """The clients, made in the thread that gathers: a session must not make clients in several at once."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make
        self._made: dict[str, Any] = {}

    def make(self, services: Iterable[str]) -> None:
        for service in services:
            if service not in self._made:
                self._made[service] = _attempt(partial(self._make, service))

    def __call__(self, service: str) -> Any:
        made = self._made[service]
        if isinstance(made, Exception):
            raise made
        return made


def _outcome(
    reading: Reading, scope: Scope, answers: Mapping[str, object], clock: Callable[[], float]
) -> Outcome:
    began = clock()
    value = _attempt(partial(reading.collect, scope, answers))
    seconds = clock() - began
    if isinstance(value, READ_ERRORS):
        return Outcome(failure(reading.permissions[0].partition(":")[0], value), seconds)
    if isinstance(value, Exception):
        return Outcome(Missing(f"{reading.name}: unexpected {type(value).__name__}"), seconds, value)
    return Outcome(value, seconds)


def _attempt(action: Callable[[], Any]) -> Any:
    """What the action answers, or the error that it raised."""
    try:
        return action()
    except Exception as error:  # noqa: BLE001 - one broken collector must not take the diagnosis down
        return error


def _evidence(scope: Scope, outcomes: Mapping[str, Outcome]) -> Evidence:
    nobody = Outcome(Missing(NOT_LOOKED_UP))
    read = {each.name: outcomes.get(each.name, nobody).value for each in fields(Evidence)}
    return Evidence(**{**read, "now": scope.now})
