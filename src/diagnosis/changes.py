"""Which recorded changes can matter to an entry point: what each kind can break, and whether it touches this
service.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from diagnosis.belongings import called_by, own_identifiers
from diagnosis.effects import EFFECTS, Effect, bare_name, effect_of, service_of
from diagnosis.evidence import Change, Evidence, Missing

__all__ = [
    "EFFECTS",
    "Effect",
    "RelevantChange",
    "effect_of",
    "own_identifiers",
    "relevant_changes",
    "touches",
]

# A change explains errors that begin after it, and seldom later than this.
BEFORE_ONSET = timedelta(minutes=30)
# Metrics have whole minutes, so a change may seem to come up to a minute and a half after the onset.
AFTER_ONSET = timedelta(seconds=90)
# Harmless changes are shown so that nobody has to ask about them: those of the service, a few, nearby.
HARMLESS_NEARBY = timedelta(minutes=10)
MOST_HARMLESS = 2

# These effects reach the application without naming the load balancer or its targets.
INDIRECT = frozenset({Effect.CONFIGURATION, Effect.DATABASE, Effect.PERMISSION})
# Each of these is the change of a thing with a name: it is ours by name, or another's.
NAMED = {
    Effect.FUNCTION: "lambda",
    Effect.GATEWAY: "apigateway",
    Effect.EDGE: "cloudfront",
    Effect.FIREWALL: "wafv2",
}


@dataclass(frozen=True, slots=True)
class RelevantChange:
    """A change near the onset: what it can break, and whether it names a part of this service (None: cannot
    be told).

    `part` is what of this service it names.
    """

    change: Change
    effect: Effect
    ours: bool | None
    part: str | None = None


def relevant_changes(evidence: Evidence, onset: datetime) -> tuple[RelevantChange, ...]:
    """The changes that came just before the onset and can break something, newest first.

    A refused call changed nothing and is left out, unless it is capacity that was asked for and not given.
    The nearest of those that break nothing are among them, with the effect NOTHING.
    """
    if isinstance(evidence.changes, Missing):
        return ()
    own = own_identifiers(evidence)
    near = (
        each
        for each in evidence.changes.found
        if onset - BEFORE_ONSET <= each.at <= onset + AFTER_ONSET and not _part_of_a_deployment(each)
    )
    found = [_relevant(each, effect, evidence, own) for each in near if (effect := effect_of(each))]
    done = [each for each in found if each.change.error is None or each.effect is Effect.CAPACITY]
    harmful = [each for each in done if each.effect is not Effect.NOTHING]
    return tuple(
        sorted(
            [*harmful, *_harmless(done, onset)],
            key=lambda each: (each.change.at, each.change.id),
            reverse=True,
        )
    )


def _relevant(change: Change, effect: Effect, evidence: Evidence, own: frozenset[str]) -> RelevantChange:
    part = next((each for each in change.resources if _names_ours(each, change, own)), None)
    return RelevantChange(change, effect, touches(change, evidence, own), part)


def _harmless(found: Iterable[RelevantChange], onset: datetime) -> list[RelevantChange]:
    """Those that break nothing, name the service, and came so near that somebody may ask about them."""
    near = (
        each
        for each in found
        if each.effect is Effect.NOTHING and each.ours and onset - each.change.at <= HARMLESS_NEARBY
    )
    return sorted(near, key=lambda each: (abs(onset - each.change.at), each.change.id))[:MOST_HARMLESS]


def _part_of_a_deployment(change: Change) -> bool:
    """Whether CodeDeploy made it while it replaced targets: it is then the deployment's act and no rival of
    it.
    """
    return "codedeploy" in change.by.lower()


# What rules, behaviours and origins refer to by ids that are not read: whose it is cannot be told.
REFERRED_TO = frozenset(
    {
        "UpdateRegexPatternSet",
        "UpdateCachePolicy",
        "UpdateOriginRequestPolicy",
        "UpdateResponseHeadersPolicy",
        "UpdateFunctionUrlConfig",
        "DeleteFunctionUrlConfig",
    }
)


def touches(change: Change, evidence: Evidence, own: frozenset[str]) -> bool | None:
    """Whether the change names a part of this service; None where that cannot be told."""
    effect = effect_of(change)
    if any(_names_ours(resource, change, own) for resource in change.resources):
        return not _of_another_stage(change, evidence)
    if not change.resources or effect in INDIRECT:
        return None
    if bare_name(change.name) in REFERRED_TO:
        return None
    if effect in NAMED:
        # Where none of ours is known, theirs cannot be told from it.
        known = any(each.startswith(f"{NAMED[effect]}:") for each in own)
        return False if known or (effect is Effect.FIREWALL and evidence.firewall is None) else None
    if effect is Effect.CAPACITY and all(resource.startswith("i-") for resource in change.resources):
        # A terminated instance has left the group and cannot be told from a stranger.
        return None
    if effect is Effect.CAPACITY and _of_an_unknown_group(change, own):
        return None
    if _balancer_unread(evidence):
        return None
    return None if effect is Effect.NETWORK and not _names_a_guard(change.resources, own) else False


def _of_an_unknown_group(change: Change, own: frozenset[str]) -> bool:
    """Whether it names a scaling group while none of ours is known: only deployments tell which are ours."""
    tasks = any(each.startswith("service/") for each in change.resources)
    known = any(each.startswith("autoscaling:") for each in own)
    return service_of(change) == "autoscaling" and not tasks and not known


def _balancer_unread(evidence: Evidence) -> bool:
    parts = (evidence.load_balancer, evidence.target_groups, evidence.listeners, evidence.instances)
    return any(isinstance(part, Missing) for part in parts)


def _of_another_stage(change: Change, evidence: Evidence) -> bool:
    """Whether it deploys or edits another stage of the API than the one that fails."""
    stage = None if isinstance(evidence.gateway, Missing) else getattr(evidence.gateway, "stage", None)
    named = change.parameters.get("stageName")
    return isinstance(stage, str) and isinstance(named, str) and named != stage


def _names_ours(resource: str, change: Change, own: frozenset[str]) -> bool:
    """Whether it is ours, by its ARN, its id, or the name that the change's service has for it.

    Listeners and rules carry the load balancer's id (app/name/hash) in their ARN.
    """
    if resource in own or f"{service_of(change)}:{resource}" in own:
        return True
    if resource.endswith(".") and resource[:-1].lower() in own:  # a name as DNS writes it out
        return True
    if any(called in own for called in called_by(resource)):
        return True
    return any(f"/{balancer}/" in resource for balancer in _balancers(own))


def _balancers(own: frozenset[str]) -> Iterable[str]:
    for each in own:
        # A Classic's ends in its bare name, which an ARN of another kind may hold by chance.
        if ":loadbalancer/" in each and "/" in (balancer := each.split(":loadbalancer/", 1)[1]):
            yield balancer
        elif ":listener/" in each:
            yield each.split(":listener/", 1)[1].rsplit("/", 1)[0]


def _names_a_guard(resources: Iterable[str], own: frozenset[str]) -> bool:
    """Whether a security group is named while ours are known, so that a foreign one can be told."""
    return any(resource.startswith("sg-") for resource in resources) and any(
        mine.startswith("sg-") for mine in own
    )
