"""A roll-out as what set it off: when it was, where it went, and whether the errors followed its steps."""

from collections.abc import Iterator

from diagnosis.cause import Cause, Signal
from diagnosis.evidence import Missing
from diagnosis.facts import Facts
from diagnosis.phrase import moved
from diagnosis.rollout import TOLERANCE_MINUTES, Rollout
from diagnosis.trigger.sources import CLOUDWATCH, DEPLOYED_BY, lent
from diagnosis.verdict import Candidate


def rollout_candidate(facts: Facts, cause: Cause | None, rollout: Rollout) -> Candidate:
    """The deployment with what speaks for and against it."""
    deployment = rollout.deployment
    other = rollout.serves_failing is False or _goes_elsewhere(facts, rollout)
    kind = "other_deployment" if other else "deployment"
    source = DEPLOYED_BY.get(deployment.system, deployment.system)
    signals = (
        *_when(facts, cause, rollout, source),
        *_where(facts, rollout, source),
        *_how(facts, cause, rollout, source),
        *_in_step(facts, cause, rollout, source),
        *(lent(cause, kind) if rollout.changes_version else ()),
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


def _when(facts: Facts, cause: Cause | None, rollout: Rollout, source: str) -> Iterator[Signal]:
    if facts.onset is None:
        yield Signal(-6.0, "the errors did not begin lately", CLOUDWATCH)
        return
    onset, patience = facts.span.onset, 4.0 if cause is None else cause.onset_after_deployment_minutes
    quiet = rollout.minutes_since_end(onset)
    if onset < rollout.begun - TOLERANCE_MINUTES:
        yield Signal(-7.0, "the errors began before it", source)
    elif rollout.covers(onset):
        yield Signal(5.0, "the errors began as it replaced targets, and not before", source)
    elif rollout.taken_back:
        yield Signal(-6.0, "it had been rolled back by then, and the version before it served", source)
    elif quiet <= patience:
        yield Signal(3.0, f"the errors began {quiet:.0f} minutes after it ended", source)
    elif quiet <= 10:
        yield Signal(-0.5, f"{quiet:.0f} quiet minutes passed after it", source)
    else:
        yield Signal(-3.5, f"{quiet:.0f} quiet minutes passed after it", source)


def _goes_elsewhere(facts: Facts, rollout: Rollout) -> bool:
    """Whether it deployed to nothing of this entry point, whichever part of it fails."""
    here = {each.name for each in facts.groups} | {each.name for each in facts.functions}
    return bool(here) and bool(_served(rollout)) and not _served(rollout) & here


def _where(facts: Facts, rollout: Rollout, source: str) -> Iterator[Signal]:
    if _goes_elsewhere(facts, rollout):
        yield Signal(-5.0, "it deployed to nothing that fails here", source)
        return
    if rollout.serves_failing is None:
        yield Signal(-2.0, "whether it deployed to what fails cannot be told", source)
        return
    if rollout.serves_clean:
        # Seen to be well, it is not behind this either, as a service elsewhere might be.
        yield Signal(-6.5, "what it deployed to is clean", CLOUDWATCH)
        return
    if not rollout.serves_failing:
        yield Signal(-5.0, "it deployed to nothing that fails here", source)
        return
    failing, clean = _parts(facts, _served(rollout))
    untouched = [name for name in failing if name not in _served(rollout)]
    if untouched:
        yield Signal(-6.0, f"{untouched[0]} fails too and was not deployed to", CLOUDWATCH)
    elif clean:
        yield Signal(1.5, f"only what it deployed to fails, {clean[0]} is well", CLOUDWATCH)


def _served(rollout: Rollout) -> frozenset[str]:
    group = rollout.deployment.group
    return frozenset() if isinstance(group, Missing) else frozenset(group.target_groups)


def _parts(facts: Facts, served: frozenset[str]) -> tuple[list[str], list[str]]:
    """What fails and what is well, of the kind that was deployed to: functions, or else target groups."""
    functions = {each.name: each.failing for each in facts.functions}
    if served & functions.keys():
        parts = functions
    else:
        parts = {each.name: True for each in facts.failing_groups}
        parts |= {each.name: False for each in facts.busy_groups if not each.failing}
    return [name for name, fails in parts.items() if fails], [
        name for name, fails in parts.items() if not fails
    ]


def _how(facts: Facts, cause: Cause | None, rollout: Rollout, source: str) -> Iterator[Signal]:
    if rollout.same_revision:
        yield Signal(-6.0, "it installed the revision that was there before", source)
    elif not rollout.changes_version:
        yield Signal(-6.0, f"created by {rollout.deployment.creator}: it brought no other version", source)
    if cause is None:
        yield Signal(-3.0, "what fails is not known, so only the time speaks for it", source)
    if facts.lone_target and facts.lone_target.id in rollout.failed_targets:
        yield Signal(8.0, f"it failed on {facts.lone_target.id}, the target that is ill", source)
    if facts.lone_zone:
        yield Signal(-4.0, f"its revision runs in every zone, only {facts.lone_zone.name} fails", CLOUDWATCH)
    if facts.surged:
        yield Signal(-2.0, f"requests rose {moved(facts.attempted)}", CLOUDWATCH)


def _in_step(facts: Facts, cause: Cause | None, rollout: Rollout, source: str) -> Iterator[Signal]:
    if facts.onset is None or not rollout.covers(facts.span.onset):
        return
    steps, both = facts.staircase(rollout), f"{source} and {CLOUDWATCH}"
    if steps.too_early:
        yield Signal(-8.0, "more requests failed than the targets updated by then could have answered", both)
    elif steps.visible and steps.gain > 2.0:
        weight = min(3.0, 1.0 + steps.gain / 20)
        yield Signal(weight, "errors grew with every target that it updated", both)
    elif (
        (cause is None or cause.grows_with_rollout)
        and steps.visible
        and steps.gain < -4.0
        and rollout.updated_share(facts.span.onset) < 0.6
    ):
        yield Signal(-3.0, "errors did not grow as further targets were updated", both)
