"""Tasks that lost their capacity as what set it off: nobody here did that, ECS says who."""

from collections.abc import Iterator
from datetime import timedelta

from diagnosis.cause import Cause, Signal
from diagnosis.container_context import EVENTS, TASKS, failing_services, lacking, stopped, tally
from diagnosis.facts import Facts
from diagnosis.facts.task_stops import LOST_CAPACITY
from diagnosis.trigger.sources import lent
from diagnosis.verdict import Candidate

# Metrics have whole minutes, and a target that went is noticed after its health check has failed twice.
AFTER_ONSET = timedelta(minutes=2)


def lost_capacity(facts: Facts, cause: Cause | None) -> Iterator[Candidate]:
    """Machines or Spot capacity that went, or a task that found no place, from just before the onset on."""
    if facts.onset is None:
        return
    lost = stopped(facts, *LOST_CAPACITY)
    unplaced = [each.unplaced for each in failing_services(facts) if each.unplaced]
    if lost:
        first, summary, source = lost[-1].at, tally(lost), TASKS
    elif unplaced:
        first, summary, source = unplaced[0].at, "tasks find no place to run", EVENTS
    else:
        return
    if first <= facts.onset + AFTER_ONSET and lacking(facts):
        signal = Signal(4.0, "it came as the errors began", source)
    elif first <= facts.onset + AFTER_ONSET:
        signal = Signal(0.5, "it came as the errors began, and was made good", source)
    else:
        signal = Signal(-1.0, "the errors had begun before it", source)
    summary = f"{summary}, since {first:%H:%M:%S}"
    yield Candidate(
        "infrastructure", None, first, "AWS", summary, 0.0, (signal, *lent(cause, "infrastructure"))
    )
