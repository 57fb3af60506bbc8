"""What set it off: every change near the onset weighed against the onset and the failing part, with its
rivals.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from diagnosis.cause import Cause, Signal
from diagnosis.changes import Effect, RelevantChange
from diagnosis.evidence import Missing
from diagnosis.facts import Facts
from diagnosis.judgement import softmax
from diagnosis.phrase import moved
from diagnosis.rollout import TOLERANCE_MINUTES, Rollout
from diagnosis.verdict import Candidate, Trigger

# A change shows within this time in what it breaks; later ones need patience that few mechanisms have.
PROMPT = timedelta(minutes=3)
SLOW = timedelta(minutes=10)
# What cannot be seen weighs as much as a change that fits in time but of which nothing else is known.
UNSEEN_CHANGE = 1.0
UNREAD_SOURCE = 2.5
PROVIDER = frozenset({"autoscaling", "ec2", "spot", "ec2fleet"})
CODEDEPLOY, CLOUDTRAIL, CLOUDWATCH = "CodeDeploy", "CloudTrail", "CloudWatch"


def find_trigger(facts: Facts, cause: Cause | None) -> Trigger:
    """Weigh all candidates, likeliest first; the confidences of all candidates and of "nothing" add up to
    one.
    """
    weighed = [*_candidates(facts, cause)]
    scores = [sum(signal.weight for signal in each.signals) for each in weighed]
    ranked = sorted(
        (
            Candidate(
                each.kind, each.id, each.at, each.by, each.summary, confidence, each.signals, each.deployment
            )
            for each, confidence in zip(weighed, softmax(scores), strict=True)
        ),
        key=_order,
    )
    return Trigger(ranked[0], tuple(ranked[1:]), blind=is_blind(facts))


def _order(candidate: Candidate) -> tuple[float, bool, str, str]:
    """Likeliest first; of two that are as likely, the one that blames nobody."""
    blames = candidate.kind not in {"unknown", "none_found"}
    return (-round(candidate.confidence, 9), blames, candidate.kind, candidate.id or "")


def is_blind(facts: Facts) -> bool:
    """Whether changes just before the onset cannot have reached CloudTrail yet."""
    changes = facts.evidence.changes
    return facts.onset is not None and not isinstance(changes, Missing) and changes.shown_until < facts.onset


def _candidates(facts: Facts, cause: Cause | None) -> Iterator[Candidate]:
    for rollout in facts.rollouts:
        yield _deployment(facts, cause, rollout)
    if facts.onset is not None:
        for change in facts.changes:
            yield _change(facts.onset, cause, change)
    yield _traffic(facts, cause)
    yield _infrastructure(facts, cause)
    yield _nothing(facts, cause)


def _lent(cause: Cause | None, kind: str) -> Iterator[Signal]:
    weight = 0.0 if cause is None else cause.triggers.get(kind, 0.0)
    if cause is not None and weight:
        often = "often" if weight > 0 else "seldom"
        yield Signal(weight, f"this cause {often} has such a trigger", f"cause {cause.code}")


def _deployment(facts: Facts, cause: Cause | None, rollout: Rollout) -> Candidate:
    deployment = rollout.deployment
    other = rollout.serves_failing is False
    kind = "other_deployment" if other else "deployment"
    signals = (
        *_when(facts, cause, rollout),
        *_where(facts, rollout),
        *_how(facts, cause, rollout),
        *_in_step(facts, cause, rollout),
        *(_lent(cause, kind) if rollout.changes_version else ()),
    )
    revision = f" ({deployment.revision.label})" if deployment.revision else ""
    ended = "still running" if deployment.completed is None else f"ended {deployment.completed:%H:%M}"
    return Candidate(
        kind=kind,
        id=deployment.id,
        at=deployment.completed or deployment.begun,
        by=deployment.creator,
        summary=(
            f"deployment {deployment.id} of {deployment.application}/{deployment.group_name}{revision},"
            f" {ended}"
        ),
        confidence=0.0,
        signals=signals,
        deployment=deployment,
    )


def _when(facts: Facts, cause: Cause | None, rollout: Rollout) -> Iterator[Signal]:
    if facts.onset is None:
        yield Signal(-6.0, "the errors did not begin lately", CLOUDWATCH)
        return
    onset, patience = facts.span.onset, 4.0 if cause is None else cause.onset_after_deployment_minutes
    quiet = rollout.minutes_since_end(onset)
    if onset < rollout.begun - TOLERANCE_MINUTES:
        yield Signal(-7.0, "the errors began before it", CODEDEPLOY)
    elif rollout.covers(onset):
        yield Signal(5.0, "the errors began as it replaced targets, and not before", CODEDEPLOY)
    elif quiet <= patience:
        yield Signal(3.0, f"the errors began {quiet:.0f} minutes after it ended", CODEDEPLOY)
    elif quiet <= 10:
        yield Signal(-0.5, f"{quiet:.0f} quiet minutes passed after it", CODEDEPLOY)
    else:
        yield Signal(-3.5, f"{quiet:.0f} quiet minutes passed after it", CODEDEPLOY)


def _where(facts: Facts, rollout: Rollout) -> Iterator[Signal]:
    failing = [group.name for group in facts.failing_groups]
    clean = [group.name for group in facts.busy_groups if not group.failing]
    if rollout.serves_failing is None:
        yield Signal(-2.0, "whether it deployed to what fails cannot be told", CODEDEPLOY)
        return
    if rollout.serves_clean:
        yield Signal(-5.0, "the group it deployed to is clean", CLOUDWATCH)
        return
    if not rollout.serves_failing:
        yield Signal(-5.0, "it deployed to none of this load balancer's failing groups", CODEDEPLOY)
        return
    served = (
        set()
        if isinstance(rollout.deployment.group, Missing)
        else set(rollout.deployment.group.target_groups)
    )
    untouched = [name for name in failing if name not in served]
    if untouched:
        yield Signal(-6.0, f"{untouched[0]} fails too and was not deployed to", CLOUDWATCH)
    elif clean:
        yield Signal(1.5, f"only the group it deployed to fails, {clean[0]} is well", CLOUDWATCH)


def _how(facts: Facts, cause: Cause | None, rollout: Rollout) -> Iterator[Signal]:
    if rollout.same_revision:
        yield Signal(-6.0, "it installed the revision that was there before", CODEDEPLOY)
    elif not rollout.changes_version:
        yield Signal(
            -6.0, f"created by {rollout.deployment.creator}: it brought no other version", CODEDEPLOY
        )
    if cause is None:
        yield Signal(-3.0, "what fails is not known, so only the time speaks for it", CODEDEPLOY)
    if facts.lone_target and facts.lone_target.id in rollout.failed_targets:
        yield Signal(8.0, f"it failed on {facts.lone_target.id}, the target that is ill", CODEDEPLOY)
    if facts.lone_zone:
        yield Signal(-4.0, f"its revision runs in every zone, only {facts.lone_zone.name} fails", CLOUDWATCH)
    if facts.surged:
        yield Signal(-2.0, f"requests rose {moved(facts.attempted)}", CLOUDWATCH)


def _in_step(facts: Facts, cause: Cause | None, rollout: Rollout) -> Iterator[Signal]:
    if facts.onset is None or not rollout.covers(facts.span.onset):
        return
    steps = facts.staircase(rollout)
    if steps.too_early:
        yield Signal(
            -8.0,
            "more requests failed than the targets updated by then could have answered",
            f"{CODEDEPLOY} and {CLOUDWATCH}",
        )
    elif steps.visible and steps.gain > 2.0:
        yield Signal(
            min(3.0, 1.0 + steps.gain / 20),
            "errors grew with every target that it updated",
            f"{CODEDEPLOY} and {CLOUDWATCH}",
        )
    elif (
        (cause is None or cause.grows_with_rollout)
        and steps.visible
        and steps.gain < -4.0
        and rollout.updated_share(facts.span.onset) < 0.6
    ):
        yield Signal(
            -3.0, "errors did not grow as further targets were updated", f"{CODEDEPLOY} and {CLOUDWATCH}"
        )


def _change(onset: datetime, cause: Cause | None, relevant: RelevantChange) -> Candidate:
    change = relevant.change
    return Candidate(
        kind="infrastructure" if _by_the_provider(relevant) else "configuration_change",
        id=change.id,
        at=change.at,
        by=change.by,
        summary=f"{change.name} by {change.by} at {change.at:%H:%M:%S} ({relevant.effect.value})",
        confidence=0.0,
        signals=tuple(_change_signals(onset, cause, relevant)),
    )


def _change_signals(onset: datetime, cause: Cause | None, relevant: RelevantChange) -> Iterable[Signal]:
    before = onset - relevant.change.at
    if before <= PROMPT:
        yield Signal(4.0, "made just before the errors began", CLOUDTRAIL)
    elif before <= SLOW:
        yield Signal(
            1.5, f"made {before.total_seconds() / 60:.0f} minutes before the errors began", CLOUDTRAIL
        )
    else:
        yield Signal(
            -1.5, f"made {before.total_seconds() / 60:.0f} minutes before the errors began", CLOUDTRAIL
        )
    if relevant.ours:
        yield Signal(1.0, "names a part of this service", CLOUDTRAIL)
    elif relevant.ours is False:
        yield Signal(-5.0, "names no part of this service", CLOUDTRAIL)
    else:
        yield Signal(-0.5, "whether it touches this service cannot be told", CLOUDTRAIL)
    if cause is not None and relevant.effect in cause.touched_by:
        yield Signal(1.5, f"a change of {relevant.effect.value} can do this", f"cause {cause.code}")
        yield from _lent(cause, "infrastructure" if _by_the_provider(relevant) else "configuration_change")
    elif cause is not None:
        yield Signal(-3.5, f"a change of {relevant.effect.value} does not do this", f"cause {cause.code}")


def _by_the_provider(relevant: RelevantChange) -> bool:
    """Capacity taken, refused or moved by a service and not by a person."""
    change = relevant.change
    service = change.by in PROVIDER or change.by.endswith("amazonaws.com") or "AWSServiceRole" in change.by
    return relevant.effect is Effect.CAPACITY and (
        service or change.error is not None or change.name == "BidEvictedEvent"
    )


def _traffic(facts: Facts, cause: Cause | None) -> Candidate:
    if facts.surged:
        signals: tuple[Signal, ...] = (Signal(3.0, f"requests rose {moved(facts.attempted)}", CLOUDWATCH),)
    else:
        signals = (Signal(-4.0, "requests are as before", CLOUDWATCH),)
    summary = f"requests went {moved(facts.attempted)}"
    return Candidate(
        "traffic_change", None, facts.onset, None, summary, 0.0, (*signals, *_lent(cause, "traffic_change"))
    )


def _infrastructure(facts: Facts, cause: Cause | None) -> Candidate:
    if facts.lone_zone:
        summary = f"a fault of Availability Zone {facts.lone_zone.name}"
        signal = Signal(2.0, "the other zones are clean", f"{CLOUDWATCH} by AvailabilityZone")
    elif facts.lone_target:
        summary = f"a fault of target {facts.lone_target.id}"
        signal = Signal(0.5, "its neighbours are well", "DescribeTargetHealth and CPUUtilization")
    else:
        summary = "a fault of one zone or machine"
        signal = Signal(-3.0, "no zone and no target stands out", CLOUDWATCH)
    signals = (signal, *_lent(cause, "infrastructure"))
    return Candidate("infrastructure", None, facts.onset, None, summary, 0.0, signals)


def _nothing(facts: Facts, cause: Cause | None) -> Candidate:
    """Nothing seen: with all sources read that is a finding, otherwise it is unknown."""
    evidence = facts.evidence
    unread = [name for name in ("deployments", "changes") if isinstance(getattr(evidence, name), Missing)]
    signals = [Signal(0.5, "no change need be visible", "what was read"), *_lent(cause, "none_found")]
    if unread:
        signals.append(
            Signal(UNREAD_SOURCE, f"{' and '.join(unread)} could not be read", "what could not be read")
        )
        return Candidate(
            "unknown", None, None, None, f"{' and '.join(unread)} could not be read", 0.0, tuple(signals)
        )
    if is_blind(facts):
        signals.append(
            Signal(UNSEEN_CHANGE, "changes of the last minutes are not in CloudTrail yet", CLOUDTRAIL)
        )
        signals.extend(_lent(cause, "configuration_change"))
        return Candidate(
            "unknown",
            None,
            None,
            None,
            "changes just before the onset cannot have been seen yet",
            0.0,
            tuple(signals),
        )
    return Candidate(
        "none_found", None, None, None, "everything was looked at, nothing changed", 0.0, tuple(signals)
    )
