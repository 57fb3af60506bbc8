"""What sets errors off without anybody's act: traffic, machines, the provider, a vendor, the clock, or
nothing that can be seen.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from diagnosis.breadth import elsewhere
from diagnosis.cause import Cause, Signal
from diagnosis.container_context import deployments_unread
from diagnosis.evidence import NOT_LOOKED_UP, Changes, Missing
from diagnosis.facts import Facts
from diagnosis.phrase import moved
from diagnosis.symptom import Family
from diagnosis.systems.health import HealthEvent
from diagnosis.timetable import Timetable
from diagnosis.trigger.containers import lost_capacity
from diagnosis.trigger.sources import CLOUDTRAIL, CLOUDWATCH, lent
from diagnosis.verdict import Candidate

# What cannot be seen weighs as much as a change that fits in time but of which nothing else is known.
UNSEEN_CHANGE = 1.0
UNREAD_SOURCE = 2.5
# Changes older than this against the onset are no likely trigger; younger ones must have been looked at.
LOOKED_AT_BEFORE = timedelta(minutes=10)
# AWS Health may tell of an event minutes after it began, and of its begin not to the minute.
HEALTH_BEFORE, HEALTH_AFTER = timedelta(hours=2), timedelta(minutes=10)
# So many other things of so many services that fail with it share more than what anybody changed.
MANY_ALARMS, MANY_SERVICES = 4, 3
# Requests that came on top are as many as those rejected, give or take this share.
ABOUT_AS_MANY = 0.5
VENDOR, HEALTH = "AWS WAF", "AWS Health"


def circumstances(facts: Facts, cause: Cause | None, scheduled: Timetable | None) -> Iterator[Candidate]:
    """Every candidate of these kinds; the last says that nothing was found, or that it cannot be known."""
    yield _traffic(facts, cause)
    yield _machines(facts, cause)
    yield from lost_capacity(facts, cause)
    yield from _provider(facts, cause)
    yield from _wide(facts, cause)
    yield from _vendor(facts, cause)
    yield from _clock(facts, cause, scheduled)
    yield _nothing(facts, cause)


def is_blind(facts: Facts) -> bool:
    """Whether changes just before the onset cannot have reached CloudTrail yet."""
    changes = facts.evidence.changes
    return facts.onset is not None and not isinstance(changes, Missing) and changes.shown_until < facts.onset


def _candidate(
    kind: str,
    summary: str,
    signals: tuple[Signal, ...],
    at: datetime | None = None,
    by: str | None = None,
    id: str | None = None,
) -> Candidate:
    return Candidate(kind, id, at, by, summary, 0.0, signals)


def _traffic(facts: Facts, cause: Cause | None) -> Candidate:
    if facts.surged:
        signal = Signal(3.0, f"requests rose {moved(facts.attempted)}", CLOUDWATCH)
    elif cause and cause.triggers.get("traffic_change", 0.0) > 0 and _rejected_on_top(facts):
        told = f"as many more requests came as were rejected, {moved(facts.attempted)}"
        signal = Signal(1.0, told, CLOUDWATCH)
    else:
        signal = Signal(-4.0, "requests are as before", CLOUDWATCH)
    signals = (signal, *lent(cause, "traffic_change"))
    return _candidate("traffic_change", f"requests went {moved(facts.attempted)}", signals, facts.onset)


def _rejected_on_top(facts: Facts) -> bool:
    """Whether what is rejected came on top of ordinary requests, of which it may be a small part."""
    more = (facts.attempted.after - facts.attempted.before) * facts.span.minutes
    rejected = facts.symptom.family is Family.CLIENT_ERRORS and facts.errors.risen
    return rejected and abs(more / max(1.0, facts.errors.excess) - 1) <= ABOUT_AS_MANY


def _machines(facts: Facts, cause: Cause | None) -> Candidate:
    if facts.lone_zone:
        summary = f"a fault of Availability Zone {facts.lone_zone.name}"
        signal = Signal(2.0, "the other zones are clean", f"{CLOUDWATCH} by AvailabilityZone")
    elif facts.lone_target:
        summary = f"a fault of target {facts.lone_target.id}"
        signal = Signal(0.5, "its neighbours are well", "DescribeTargetHealth and CPUUtilization")
    else:
        summary = "a fault of one zone or machine"
        signal = Signal(-3.0, "no zone and no target stands out", CLOUDWATCH)
    return _candidate("infrastructure", summary, (signal, *lent(cause, "infrastructure")), facts.onset)


def _provider(facts: Facts, cause: Cause | None) -> Iterator[Candidate]:
    """Events of AWS Health that were going on when the errors began."""
    events = facts.evidence.health_events
    if facts.onset is None or isinstance(events, Missing):
        return
    for event in events:
        if event.category == "issue" and event.start and _was_going_on(event, facts.onset):
            summary = f"AWS Health: {event.code} of {event.service} since {event.start:%H:%M}"
            signals = (*_told_by_health(event, facts), *lent(cause, "infrastructure"))
            yield _candidate("infrastructure", summary, signals, event.start, "AWS", event.arn)


def _wide(facts: Facts, cause: Cause | None) -> Iterator[Candidate]:
    """What AWS has not told of yet, but the alarms of much else do."""
    others = elsewhere(facts)
    if len(others.alarms) < MANY_ALARMS or len(others.namespaces) < MANY_SERVICES:
        return
    told = f"{len(others.alarms)} other things of {len(others.namespaces)} services failed with it"
    signals = (Signal(2.0, told, "DescribeAlarms"), *lent(cause, "infrastructure"))
    yield _candidate("infrastructure", f"trouble wider than this service: {told}", signals, facts.onset)


def _was_going_on(event: HealthEvent, onset: datetime) -> bool:
    begun = event.start is not None and onset - HEALTH_BEFORE <= event.start <= onset + HEALTH_AFTER
    return begun and (event.end is None or event.end >= onset)


def _told_by_health(event: HealthEvent, facts: Facts) -> Iterator[Signal]:
    yield Signal(3.5, "it was going on when the errors began", HEALTH)
    if facts.lone_zone and event.zones:
        fits = facts.lone_zone.name in event.zones
        weight = 2.0 if fits else -1.0
        yield Signal(weight, f"it is about {', '.join(event.zones)}, {facts.lone_zone.name} fails", HEALTH)


def _vendor(facts: Facts, cause: Cause | None) -> Iterator[Candidate]:
    sentence = facts.firewall.vendor_change if facts.firewall else None
    if sentence:
        signals = (Signal(4.0, sentence, VENDOR), *lent(cause, "vendor_change"))
        yield _candidate("vendor_change", sentence, signals, facts.onset)


def _clock(facts: Facts, cause: Cause | None, found: Timetable | None) -> Iterator[Candidate]:
    if found and found.by is None:  # what a scheduler changed is weighed as that change
        signals = (Signal(found.weight, found.sentence, CLOUDWATCH), *lent(cause, "schedule"))
        yield _candidate("schedule", found.sentence, signals, facts.onset)


def _nothing(facts: Facts, cause: Cause | None) -> Candidate:
    """Nothing seen: with all sources read that is a finding, otherwise it is unknown."""
    signals = [Signal(0.5, "no change need be visible", "what was read"), *lent(cause, "none_found")]
    unread = [
        name for name in ("deployments", "services", "changes") if _unread(getattr(facts.evidence, name))
    ]
    unread += ["the service's own deployments"] if deployments_unread(facts) else []
    if unread:
        lacking = f"{' and '.join(unread)} could not be read"
        signals.append(Signal(UNREAD_SOURCE, lacking, "what could not be read"))
        return _candidate("unknown", lacking, tuple(signals))
    unseen = _unseen(facts)
    if unseen:
        why, summary = unseen
        # That a cause seldom has a change of ours behind it makes it no likelier that all was seen.
        fitting = (each for each in lent(cause, "configuration_change") if each.weight > 0)
        signals += [Signal(UNSEEN_CHANGE, why, CLOUDTRAIL), *fitting]
        return _candidate("unknown", summary, tuple(signals))
    return _candidate("none_found", "everything was looked at, nothing changed", tuple(signals))


def _unread(source: object) -> bool:
    return isinstance(source, Missing) and source != NOT_LOOKED_UP


def _unseen(facts: Facts) -> tuple[str, str] | None:
    """Why a change just before the onset may have stayed unseen: as a reason, and as what is to be told."""
    if is_blind(facts):
        return (
            "changes of the last minutes are not in CloudTrail yet, which is about five minutes late",
            "changes just before the onset cannot have been seen yet",
        )
    changes, onset = facts.evidence.changes, facts.onset
    if onset is None or not isinstance(changes, Changes) or not changes.truncated:
        return None
    if changes.since <= onset - LOOKED_AT_BEFORE:
        return None
    return (
        f"of the changes before {changes.since:%H:%M} only a part was looked at: there were too many",
        "there were more changes before the onset than could be looked at",
    )
