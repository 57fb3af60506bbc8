"""Runs the readings in parallel, each as soon as what it needs is there, but not beyond the deadline."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, fields, replace
from functools import partial
from graphlib import TopologicalSorter
from threading import Lock
from typing import Any

from collectors import (
    alarms_in_alarm,
    classic_load_balancing,
    cloudtrail,
    cloudwatch,
    codedeploy,
    containers,
    ec2,
    edge,
    elastic_load_balancing,
    firewall,
    functions,
    gateway,
    health,
    listener_certificates,
    listeners,
    origins,
)
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
# Whether the trouble is wider than the entry point.
BREADTH = (*alarms_in_alarm.READINGS, *health.READINGS)
# What is read of each kind of entry point.
READINGS_OF: Mapping[str, tuple[Reading, ...]] = {
    "alb": (
        *READINGS,
        *containers.READINGS,
        *listener_certificates.READINGS,
        *firewall.READINGS_FOR_LOAD_BALANCER,
        *functions.READINGS_FOR_LOAD_BALANCER,
        *BREADTH,
    ),
    "clb": (*classic_load_balancing.READINGS, *BREADTH),
    "apigateway": (
        *gateway.READINGS_FOR_API,
        *gateway.DEPLOYMENTS,
        *cloudtrail.READINGS,
        *functions.READINGS_FOR_API,
        *origins.READINGS_FOR_API,
        *firewall.READINGS_FOR_API,
        *BREADTH,
    ),
    "cloudfront": (
        *edge.READINGS,
        *cloudtrail.READINGS,
        *origins.READINGS_FOR_EDGE,
        *firewall.READINGS_FOR_EDGE,
        *BREADTH,
    ),
}
PERMISSIONS: tuple[str, ...] = tuple(
    sorted(
        {each for readings in READINGS_OF.values() for reading in readings for each in reading.permissions}
    )
)

NOBODY_ASKED = Missing(NOT_LOOKED_UP)
# Evidence keeps the answers of readings of the same name as its fields, and these in a richer one.
KEPT_AS: Mapping[str, str] = {
    "listener_list": "listeners",
    "api": "gateway",
    "distribution": "edge",
    "web_acl": "firewall",
}


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
    readings: Sequence[Reading] | None = None,
    known: Evidence | None = None,
) -> Gathered:
    """All the evidence about the entry point, Missing where it could not be read in time; it never raises.

    `readings` are those of the entry point's kind unless others are given; what they do not read is taken
    from what is `known` already. `clock` counts seconds and never goes back, such as `time.monotonic`.
    """
    chosen = READINGS_OF[scope.entry_point.kind] if readings is None else readings
    outcomes = read_all(chosen, scope, deadline_seconds, clock, known)
    return Gathered(
        evidence=_evidence(scope, outcomes, known),
        seconds={name: each.seconds for name, each in outcomes.items() if each.seconds is not None},
        unexpected={name: each.unexpected for name, each in outcomes.items() if each.unexpected},
    )


def read_all(
    readings: Sequence[Reading],
    scope: Scope,
    deadline_seconds: float,
    clock: Callable[[], float],
    known: Evidence | None = None,
) -> dict[str, Outcome]:
    """The outcome of every reading, by name; the stragglers at the deadline are left to themselves."""
    threads = ThreadPoolExecutor(max_workers=max(1, len(readings)))
    try:
        outcomes = _outcomes(threads, readings, scope, clock() + deadline_seconds, clock, known)
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
    known: Evidence | None,
) -> dict[str, Outcome]:
    by_name = {reading.name: reading for reading in readings}
    order = TopologicalSorter(
        {each.name: [need for need in each.needs if need in by_name] for each in readings}
    )
    order.prepare()
    clients, outcomes, running = _Clients(scope), dict[str, Outcome](), dict[Future[Outcome], str]()
    elsewhere = clients.elsewhere if scope.elsewhere else None
    waited_for = scope.left
    scope = replace(
        scope, clients=clients, elsewhere=elsewhere, left=lambda: min(waited_for(), deadline - clock())
    )
    while order.is_active():
        for reading in map(by_name.__getitem__, order.get_ready()):
            clients.make([reading])
            answers = {need: _answer(need, outcomes, known) for need in reading.needs}
            running[threads.submit(_outcome, reading, scope, answers, clock)] = reading.name
        clients.make(readings)
        ended, _ = wait(running, max(0.0, deadline - clock()), FIRST_COMPLETED)
        if not ended:
            break
        for future in ended:
            name = running.pop(future)
            outcomes[name] = future.result()
            order.done(name)
    return outcomes


def _answer(need: str, outcomes: Mapping[str, Outcome], known: Evidence | None) -> Any:
    """What a reading needs: as it was read now, or as it is known."""
    if need in outcomes:
        return outcomes[need].value
    return getattr(known, KEPT_AS.get(need, need), NOBODY_ASKED)


class _Clients:
    """The clients; a session must not make several at once, so one is made after the other.

    Those that are known to be needed are made by the thread that gathers, while the others read.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._made: dict[tuple[str, str], Any] = {}
        self._one_at_a_time = Lock()

    def make(self, readings: Iterable[Reading]) -> None:
        for reading in readings:
            if not reading.on_demand:
                self._get(reading.service, "", partial(self._scope.clients, reading.service))

    def __call__(self, service: str) -> Any:
        return _made(self._get(service, "", partial(self._scope.clients, service)))

    def elsewhere(self, service: str, region: str) -> Any:
        return _made(self._get(service, region, partial(self._scope.client_in, service, region)))

    def _get(self, service: str, region: str, make: Callable[[], Any]) -> Any:
        with self._one_at_a_time:
            if (service, region) not in self._made:
                self._made[service, region] = _attempt(make)
            return self._made[service, region]


def _made(client: Any) -> Any:
    if isinstance(client, Exception):
        raise client
    return client


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


def _evidence(scope: Scope, outcomes: Mapping[str, Outcome], known: Evidence | None) -> Evidence:
    read: dict[str, Any] = {each.name: _answer(each.name, outcomes, known) for each in fields(Evidence)}
    return Evidence(**{**read, "now": scope.now, "kind": scope.entry_point.kind})


def readings_again(
    readings: Sequence[Reading], names: Collection[str], known: Evidence
) -> tuple[Reading, ...]:
    """The readings of these names, with those that they build on as far as nothing is known of them."""
    by_name = {each.name: each for each in readings}
    wanted: set[str] = set()

    def want(name: str) -> None:
        if name in by_name and name not in wanted:
            wanted.add(name)
            for need in by_name[name].needs:
                if isinstance(_answer(need, {}, known), Missing):
                    want(need)

    for name in names:
        want(name)
    return tuple(each for each in readings if each.name in wanted)
