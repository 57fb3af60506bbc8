"""When an incident is looked at again, and what of its evidence was late or missing by then.

Some evidence is late by nature (lambda-ops facts, section 4). What the first look read stays true otherwise
and is not read again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from diagnosis.evidence import NOT_LOOKED_UP, Evidence, Missing
from diagnosis.systems.firewall import WebAcl


@dataclass(frozen=True, slots=True)
class Stage:
    """One look: how long after the alarm, and the fields of the evidence that had to be waited for.

    With `newest_minutes` everything that is told minute by minute is read up to now; the other stages keep to
    the minutes that were read before, so that all figures are of the same time.
    """

    number: int
    after: timedelta
    reads: frozenset[str]
    newest_minutes: bool = False


# What is told minute by minute: the alarm comes after one to three bad minutes, of which the newest are not
# complete, and target health and other alarms need as long to notice. They must all be of the same minutes.
BY_THE_MINUTE = frozenset(
    {
        "metrics",
        "processor",
        "target_health",
        "alarms_in_alarm",
        "firewall",
        "gateway",
        "functions",
        "services",
        "origins",
    }
)
# The one table of stages; access logs (files every five minutes, which come about five minutes later) will
# join the second and third.
STAGES = (
    # CloudTrail shows what is five minutes old on average, so this is the first look at the last minutes.
    Stage(1, timedelta(minutes=3), frozenset({"changes"}) | BY_THE_MINUTE, newest_minutes=True),
    # Five minutes are an average; the firewall's log comes to a bucket in files of five minutes.
    Stage(2, timedelta(minutes=6), frozenset({"changes", "firewall", "origins"})),
    # Stragglers of both, and AWS Health, which takes minutes to hours.
    Stage(3, timedelta(minutes=12), frozenset({"changes", "firewall", "origins", "health_events"})),
)


def next_stage(alarm: datetime, now: datetime, after: int = 0) -> Stage | None:
    """The first stage after this one (by its number) whose time has not passed yet."""
    return next((each for each in STAGES if each.number > after and alarm + each.after > now), None)


def stage_of(number: int) -> Stage | None:
    """The stage of this number."""
    return next((each for each in STAGES if each.number == number), None)


def awaited(stage: Stage, known: Evidence, *, acted: bool = False) -> frozenset[str]:
    """The fields of the evidence that this look reads: what was late, and what could not be read before.

    Once a rollback has begun (`acted`) the newest minutes tell of it and no more of what went wrong.
    """
    late = stage.reads - BY_THE_MINUTE if acted and stage.newest_minutes else stage.reads
    return frozenset(name for name in late if _may_have_more(name, known, stage)) | frozenset(_gaps(known))


def reads_newest_minutes(stage: Stage, known: Evidence, *, acted: bool = False) -> bool:
    """Whether this look reads the figures up to now; where there are none yet it must."""
    return isinstance(known.metrics, Missing) or (stage.newest_minutes and not acted)


def steadied(seen: Evidence, known: Evidence) -> Evidence:
    """What a later look saw, with what was known before in place of what it could not read any more.

    All figures by the minute must be of the same time, so where one of them is lost the old ones stand.
    """
    lost = frozenset(_gaps(seen)) - frozenset(_gaps(known))
    kept = lost | BY_THE_MINUTE if lost & BY_THE_MINUTE else lost
    return replace(seen, **{name: getattr(known, name) for name in kept})


def _may_have_more(name: str, known: Evidence, stage: Stage) -> bool:
    value = getattr(known, name)
    if value is None or (isinstance(value, tuple | Mapping) and not value and name not in _FILLS):
        return False  # it was looked for, and there is none
    if isinstance(value, Missing):
        return False  # a gap, or not this kind of entry point's
    if name == "firewall" and not stage.newest_minutes:
        return _log_is_late(value)
    return True


# These may be empty at first and have something later.
_FILLS = frozenset({"alarms_in_alarm", "health_events"})


def _log_is_late(firewall: WebAcl) -> bool:
    """Whether blocked requests were looked for in its log, and none were there yet."""
    logged = firewall.logged
    if not isinstance(firewall.log_destination, str) or logged is None or logged == NOT_LOOKED_UP:
        return False
    return isinstance(logged, Missing) or not logged.found


def _gaps(known: Evidence) -> Iterator[str]:
    """The sources that could not be read, wholly or in part."""
    for path, _ in known.missing():
        yield path.split("[")[0].split(".")[0]
    metrics = known.metrics
    if not isinstance(metrics, Missing) and metrics.unread:
        yield "metrics"
