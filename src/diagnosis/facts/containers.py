"""An ECS service around the onset: why its tasks stop, how full it is, what it lacks, what it deployed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from diagnosis.evidence import MINUTE, Evidence, Metrics, Missing
from diagnosis.facts.native_deployments import native_deployments
from diagnosis.facts.task_stops import Stop, Why, read_stop
from diagnosis.shift import LEAD_MINUTES, Span, middle, newest, present
from diagnosis.systems.containers import ContainerService, RunningTask, ServiceEvent

__all__ = ["ServiceFacts", "Usage", "derive_services", "native_deployments"]

# Tasks may stop some minutes before the load balancer's figures show it.
BEFORE_ONSET = timedelta(minutes=6)
# Stops are something new when they come this many times as often as before.
NEWLY = 2.0
# What the service's own log says when tasks find no place or do not start (ECS developer guide, "Service
# event messages").
UNPLACED = ("unable to place a task", "Capacity is unavailable")
IMPAIRED = "unable to consistently start tasks"


@dataclass(frozen=True, slots=True)
class Usage:
    """Percent of what is reserved: before the onset, the most since, and now; None without data points."""

    before: float | None
    peak: float | None
    now: float | None


NOTHING_MEASURED = Usage(None, None, None)


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """A service around the onset.

    `stops` came since just before the onset, newest first, `earlier` before that, each in so many minutes.
    `fresh` are tasks that run and started around the onset, `rolled_back` is the deployment ECS took back
    since then.
    """

    service: ContainerService
    stops: tuple[Stop, ...]
    earlier: tuple[Stop, ...]
    minutes_since: float
    minutes_before: float
    events: tuple[ServiceEvent, ...]
    fresh: tuple[RunningTask, ...]
    processor: Usage
    memory: Usage
    rolled_back: str | None

    @property
    def name(self) -> str:
        """The service's name in its cluster."""
        return self.service.name

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of its target groups."""
        return tuple(each.split("/")[1] for each in self.service.target_groups if "/" in each)

    @property
    def stops_known(self) -> bool:
        """Whether its stopped tasks could be read."""
        return not isinstance(self.service.stopped_tasks, Missing)

    def stopped(self, *why: Why) -> tuple[Stop, ...]:
        """The tasks that stopped so since the onset, unless as many did all the time before."""
        now = tuple(each for each in self.stops if each.why in why)
        then = sum(each.why in why for each in self.earlier)
        usual = then / self.minutes_before if self.minutes_before > 0 else 0.0
        return now if len(now) / max(self.minutes_since, 1.0) >= NEWLY * usual else ()

    @property
    def unplaced(self) -> ServiceEvent | None:
        """The newest event that says a task found no place."""
        return next((each for each in self.events if any(words in each.message for words in UNPLACED)), None)

    @property
    def impaired(self) -> ServiceEvent | None:
        """The newest event that says tasks do not start."""
        return next((each for each in self.events if IMPAIRED in each.message), None)

    @property
    def lacks(self) -> int:
        """How many wanted tasks do not run."""
        return max(0, self.service.desired - self.service.running)


def derive_services(evidence: Evidence, span: Span) -> tuple[ServiceFacts, ...]:
    """The services as they were around the onset; none where they could not be read."""
    if isinstance(evidence.services, Missing) or isinstance(evidence.metrics, Missing):
        return ()
    onset = evidence.metrics.window.minute(span.onset)
    return tuple(_service(each, onset, evidence.now, span) for each in evidence.services)


def _service(service: ContainerService, onset: datetime, now: datetime, span: Span) -> ServiceFacts:
    since = onset - BEFORE_ONSET
    stopped = () if isinstance(service.stopped_tasks, Missing) else service.stopped_tasks
    stops = [read_stop(each) for each in stopped]
    earlier = tuple(each for each in stops if each.at < since)
    return ServiceFacts(
        service=service,
        stops=tuple(each for each in stops if each.at >= since),
        earlier=earlier,
        events=tuple(each for each in service.events if each.at >= since),
        fresh=_fresh(service, since),
        processor=_usage(service.metrics, "CPUUtilization", span),
        memory=_usage(service.metrics, "MemoryUtilization", span),
        minutes_since=(now - since) / MINUTE,
        # Of older stops nothing is shown after an hour.
        minutes_before=max(0.0, (since - (now - timedelta(hours=1))) / MINUTE),
        rolled_back=_rolled_back(service, since),
    )


def _fresh(service: ContainerService, since: datetime) -> tuple[RunningTask, ...]:
    tasks = () if isinstance(service.running_tasks, Missing) else service.running_tasks
    return tuple(each for each in tasks if each.started and each.started >= since)


def _usage(metrics: Metrics | Missing, name: str, span: Span) -> Usage:
    if isinstance(metrics, Missing):
        return NOTHING_MEASURED
    values: Sequence[float | None] = metrics.levels(name, "Average")
    since = values[max(0, span.onset - 2) :]
    calm = values[span.first : max(span.first + 1, span.onset - LEAD_MINUTES)]
    return Usage(middle(calm), max(present(since), default=None), newest(since))


def _rolled_back(service: ContainerService, since: datetime) -> str | None:
    """The id of the deployment that ECS took back since then, if it did."""
    deployments = () if isinstance(service.deployments, Missing) else service.deployments
    return next(
        (each.id for each in deployments if each.rollback_started and each.rollback_started >= since), None
    )
