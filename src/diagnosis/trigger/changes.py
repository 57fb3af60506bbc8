"""A recorded change as what set it off: how near it was in time and in place, and whether it can do this."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from diagnosis.cause import Cause, Signal
from diagnosis.changes import Effect, RelevantChange, own_identifiers, touches
from diagnosis.effects import bare_name
from diagnosis.evidence import MINUTE
from diagnosis.facts import Facts
from diagnosis.rollout import Rollout
from diagnosis.timetable import Timetable
from diagnosis.trigger.sources import CLOUDTRAIL, lent
from diagnosis.verdict import Candidate

# A change shows within this time in what it breaks; later ones need patience that few mechanisms have.
PROMPT = timedelta(minutes=3)
SLOW = timedelta(minutes=10)
# An instance refresh goes from instance to instance, so it may break something at any minute of its course.
LASTING = frozenset({"StartInstanceRefresh"})
# Of two changes that are near, the nearer one is a little likelier (log-odds for each minute).
FOR_EACH_MINUTE = 0.15
PROVIDER = frozenset({"autoscaling", "ec2", "spot", "ec2fleet"})
# With these calls ECS and Lambda begin a deployment of their own, which is a candidate itself.
DEPLOYS = {"UpdateService": "ecs", "UpdateAlias": "lambda", "UpdateFunctionCode": "lambda"}
BEGINS_WITHIN = timedelta(minutes=3)


def change_candidate(
    facts: Facts,
    onset: datetime,
    cause: Cause | None,
    relevant: RelevantChange,
    scheduled: Timetable | None = None,
    *,
    behind: bool = False,
) -> Candidate:
    """The change with what speaks for and against it; `behind` if it was made to the origin that fails."""
    change, kind = relevant.change, _kind(relevant, scheduled)
    return Candidate(
        kind=kind,
        id=change.id,
        at=change.at,
        by=change.by,
        summary=f"{bare_name(change.name)} by {change.by} at {change.at:%H:%M:%S} ({relevant.effect.value})",
        confidence=0.0,
        signals=tuple(_signals(facts, onset, cause, relevant, kind, behind=behind)),
    )


def _kind(relevant: RelevantChange, scheduled: Timetable | None) -> str:
    if scheduled and scheduled.by == relevant.change.by and relevant.ours is not False:
        return "schedule"
    return "infrastructure" if _by_the_provider(relevant) else "configuration_change"


def is_act_of(relevant: RelevantChange, rollouts: Sequence[Rollout]) -> bool:
    """Whether a native deployment began with this very call: it is then no rival of it."""
    change, system = relevant.change, DEPLOYS.get(bare_name(relevant.change.name))
    return any(
        each.deployment.system == system
        and abs(each.deployment.begun - change.at) <= BEGINS_WITHIN
        and _names(relevant, each)
        for each in rollouts
    )


def _names(relevant: RelevantChange, rollout: Rollout) -> bool:
    deployment = rollout.deployment
    names = {deployment.application, deployment.group_name, deployment.id}
    pieces = {
        piece for each in relevant.change.resources for piece in (each, *each.replace("/", ":").split(":"))
    }
    return bool(names & pieces)


def _signals(
    facts: Facts, onset: datetime, cause: Cause | None, relevant: RelevantChange, kind: str, *, behind: bool
) -> Iterator[Signal]:
    yield _in_time(onset - relevant.change.at, lasting=relevant.change.name in LASTING)
    yield from _in_place(facts, relevant)
    if relevant.effect is Effect.NOTHING:
        yield Signal(-8.0, "it changes nothing that serves requests", CLOUDTRAIL)
    elif cause is None:
        return
    elif relevant.effect in cause.touched_by:
        yield Signal(1.5, f"a change of {relevant.effect.value} can do this", f"cause {cause.code}")
        yield from lent(cause, kind)
    elif behind:
        # What goes wrong at the origin is named by the edge's code only; any change there may be behind it.
        yield from lent(cause, kind)
    else:
        yield Signal(-3.5, f"a change of {relevant.effect.value} does not do this", f"cause {cause.code}")


def _in_time(before: timedelta, *, lasting: bool) -> Signal:
    minutes = max(0.0, before / MINUTE)
    if before <= PROMPT:
        return Signal(4.0 - FOR_EACH_MINUTE * minutes, "made just before the errors began", CLOUDTRAIL)
    weight = 1.5 if before <= SLOW or lasting else -1.5
    return Signal(weight, f"made {minutes:.0f} minutes before the errors began", CLOUDTRAIL)


def _in_place(facts: Facts, relevant: RelevantChange) -> Iterator[Signal]:
    if relevant.ours is False:
        yield Signal(-5.0, "names no part of this service", CLOUDTRAIL)
    elif relevant.ours is None:
        yield Signal(-0.5, "whether it touches this service cannot be told", CLOUDTRAIL)
    elif _of_a_healthy_part(facts, relevant):
        yield Signal(-3.0, f"names only {relevant.part}, which is well", CLOUDTRAIL)
    else:
        named = f": {relevant.part}" if relevant.part else ""
        yield Signal(1.0, f"names a part of this service{named}", CLOUDTRAIL)


def _of_a_healthy_part(facts: Facts, relevant: RelevantChange) -> bool:
    """Whether it names a target group that is well, and nothing else of the service."""
    failing = frozenset(group.id for group in facts.failing_groups)
    if not failing:
        return False
    own = own_identifiers(facts.evidence, failing)
    return touches(relevant.change, facts.evidence, own) is False


def _by_the_provider(relevant: RelevantChange) -> bool:
    """Capacity taken, refused or moved by a service and not by a person."""
    change = relevant.change
    service = change.by in PROVIDER or change.by.endswith("amazonaws.com") or "AWSServiceRole" in change.by
    return relevant.effect is Effect.CAPACITY and (
        service or change.error is not None or change.name == "BidEvictedEvent"
    )
