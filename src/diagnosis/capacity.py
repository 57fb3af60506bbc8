"""How much can be served: how busy the processors behind what fails are, and whether fewer were wanted."""

from diagnosis.changes import Effect
from diagnosis.container_context import failing_services, kept_out
from diagnosis.facts import Facts

# Percent of the processors that a group's instances or a service's tasks may use.
BUSY_PROCESSOR = 85.0
IDLE_PROCESSOR = 70.0
# At most so much of what served before is left, and carries half as much again or more (two of three).
MUCH_WAS_TAKEN = 0.7
# With these calls somebody says how many instances are wanted (Auto Scaling API reference).
SETS_WANTED = frozenset({"SetDesiredCapacity", "UpdateAutoScalingGroup"})


def busiest_processor(facts: Facts) -> float | None:
    """The busiest minute since the onset, of the failing groups' instances or the tasks behind them
    (percent); None where neither is measured.
    """
    services = (each.processor.peak for each in failing_services(facts))
    known = [peak for peak in (facts.processor_peak, *services) if peak is not None]
    return max(known, default=None)


def taken_away(facts: Facts) -> str | None:
    """How many targets of a failing group are left, in words, where many left because fewer were wanted.

    The service then runs all the tasks that it wants, or somebody set how many instances there are to be.
    Targets that turned unhealthy, were reclaimed or found no place are still wanted.
    """
    if facts.turned_unhealthy or not facts.hosts_fell or not _fewer_wanted(facts):
        return None
    for group in facts.failing_groups:
        before, now = group.hosts.healthy_before or 0.0, group.hosts.healthy_now or 0.0
        if 0.0 < now <= MUCH_WAS_TAKEN * before:
            return f"{now:.0f} of {before:.0f} targets of {group.name} are left"
    return None


def _fewer_wanted(facts: Facts) -> bool:
    services = failing_services(facts)
    if services:
        return not any(each.lacks or kept_out(each) for each in services)
    return any(
        each.change.error is None and each.change.name in SETS_WANTED
        for each in facts.changes_of(Effect.CAPACITY)
    )
