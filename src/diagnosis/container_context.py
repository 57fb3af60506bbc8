"""What the ECS services behind the failing target groups tell, for whichever mechanism asks."""

from collections import Counter
from collections.abc import Sequence

from diagnosis.evidence import NOT_LOOKED_UP, Missing
from diagnosis.facts import Facts
from diagnosis.facts.containers import ServiceFacts
from diagnosis.facts.task_stops import FAILED_START, LOST_CAPACITY, Stop, Why

TASKS, EVENTS, SERVICE = "ECS stopped tasks", "ECS service events", "ECS service"
MOST_SAID = 120


def failing_services(facts: Facts) -> tuple[ServiceFacts, ...]:
    """The services of the failing target groups; all of them where no group is known to fail."""
    failing = {group.name for group in facts.failing_groups}
    return tuple(each for each in facts.services if not failing or failing & set(each.groups))


def stopped(facts: Facts, *why: Why) -> tuple[Stop, ...]:
    """The tasks of the failing services that stopped so since just before the onset, newest first."""
    return tuple(stop for service in failing_services(facts) for stop in service.stopped(*why))


def stops_known(facts: Facts) -> bool:
    """Whether the stopped tasks of all services behind what fails could be read."""
    services = failing_services(facts)
    return bool(services) and all(each.stops_known for each in services)


def tally(stops: Sequence[Stop]) -> str:
    """How many tasks stopped in each way, the most common first: "4 tasks killed for memory"."""
    counted = Counter(each.why for each in stops).most_common()
    return ", ".join(f"{count} task{'s' if count != 1 else ''} {why.value}" for why, count in counted)


def said(stops: Sequence[Stop]) -> str:
    """ECS's own words for the most common way in which they stopped, shortened."""
    why, _ = Counter(each.why for each in stops).most_common(1)[0]
    words = next(each.said for each in stops if each.why is why)
    return words if len(words) <= MOST_SAID else f"{words[:MOST_SAID]}..."


def kept_out(service: ServiceFacts) -> str | None:
    """Why tasks that are wanted do not stay; None if nothing tells that they do not."""
    stops = service.stopped(*FAILED_START, *LOST_CAPACITY, Why.MEMORY)
    if stops:
        return tally(stops)
    return "there is no place for further tasks" if service.unplaced else None


def deployments_unread(facts: Facts) -> bool:
    """Whether what a service behind what fails deployed by itself could not be read."""
    listed = (each.service.deployments for each in failing_services(facts))
    return any(isinstance(each, Missing) and each != NOT_LOOKED_UP for each in listed)


def lacking(facts: Facts) -> bool:
    """Whether fewer targets are in service than before, or fewer tasks run than are wanted."""
    return facts.hosts_fell or any(each.lacks for each in failing_services(facts))
