"""Signals that the causes of blocked requests share: does the firewall block, whom, at whose expense."""

from collections.abc import Iterator

from diagnosis.cause import Signal
from diagnosis.changes import Effect, RelevantChange
from diagnosis.crowd import Crowd
from diagnosis.facts import Facts
from diagnosis.facts.firewall import FirewallFacts, RuleFacts
from diagnosis.phrase import moved, percent, rate
from diagnosis.symptom import Family

BLOCKED, ALLOWED = "CloudWatch AWS/WAFV2 BlockedRequests", "CloudWatch AWS/WAFV2 AllowedRequests"
CLOUDTRAIL = "CloudTrail"
# Nearly all of the additional errors are blocks, or hardly any.
EXPLAINED, UNEXPLAINED = 0.6, 0.3
# The figures of a web ACL are of all resources that it guards; so many times the errors are not of this one.
SHARED = 1.6
# Metrics have whole minutes and clients keep connections, so an edit shows within a few minutes.
PROMPT_MINUTES = 10.0


def blocking_rule(facts: Facts) -> RuleFacts | None:
    """The rule that blocks most of what is blocked more than before."""
    return facts.firewall.leading if facts.firewall else None


def rule_name(facts: Facts) -> str | None:
    """The terminating rule as people look it up, else the one that sets puzzles."""
    rule = blocking_rule(facts)
    if rule is None and facts.firewall:
        return facts.firewall.puzzle_rule
    return rule.label if rule else None


def explained_share(facts: Facts, blocked: float) -> float:
    """The share of the additional errors that so many blocks make up, 0 to 1."""
    return min(1.0, blocked / facts.errors.excess) if facts.errors.excess else 0.0


def blocks_in_step(facts: Facts) -> Iterator[Signal]:
    """Whether blocked requests rose, and as much as the errors did."""
    firewall = facts.firewall
    if firewall is None:
        known = facts.evidence.firewall is None
        yield Signal(
            -8.0 if known else -1.0,
            "there is no web ACL in front of it" if known else "what the firewall did is not known",
            "wafv2 GetWebACLForResource",
        )
        return
    if facts.onset is None or not firewall.blocked.risen or firewall.leading is None:
        yield Signal(-8.0, f"the firewall blocks as before, {moved(firewall.blocked)}", BLOCKED)
        return
    if not _answers_so(facts, firewall):
        yield Signal(
            -7.0, f"blocked requests are answered {firewall.response_code}, which is not what rose", BLOCKED
        )
        return
    share = explained_share(facts, firewall.blocked.excess)
    if firewall.blocked.excess > SHARED * facts.errors.excess:
        yield Signal(
            1.5,
            f"blocked requests rose {moved(firewall.blocked)}, more than failed here: the web ACL guards"
            " other resources too",
            BLOCKED,
        )
    elif share >= EXPLAINED:
        yield Signal(
            4.5,
            f"blocked requests rose {moved(firewall.blocked)}, {percent(share)} of the additional errors",
            BLOCKED,
        )
    elif share < UNEXPLAINED:
        yield Signal(-6.0, f"blocked requests are only {percent(share)} of the additional errors", BLOCKED)
    yield from _denied_elsewhere(facts)


def _answers_so(facts: Facts, firewall: FirewallFacts) -> bool:
    """Whether the code that blocked clients get is of the family that rose."""
    families = {4: Family.CLIENT_ERRORS, 5: Family.SERVER_ERRORS}
    return families.get(firewall.response_code // 100) is facts.symptom.family


def _denied_elsewhere(facts: Facts) -> Iterator[Signal]:
    """Resource-level DDoS protection answers 403 too, and is no rule of the web ACL."""
    denied = facts.counts["low_reputation_denied"]
    if denied.risen and denied.excess >= 0.5 * facts.errors.excess:
        yield Signal(
            -5.0,
            f"the load balancer's DDoS protection denied them, {moved(denied)}",
            "CloudWatch LowReputationRequestsDenied",
        )


def users_hit(facts: Facts, fallen: float, unchanged: float) -> Iterator[Signal]:
    """Whether those blocked are missing from the allowed; the weights are of either answer."""
    firewall = facts.firewall
    if firewall is None or firewall.loss is None or not firewall.blocked.risen:
        return
    if firewall.loss.by_as_much:
        yield Signal(
            fallen, f"allowed requests fell as blocked ones rose, {moved(firewall.allowed)}", ALLOWED
        )
    elif firewall.loss.partly:
        yield Signal(
            fallen / 2,
            f"allowed requests fell too, {moved(firewall.allowed)}, by less than blocked ones rose, as when"
            " refused clients try again",
            ALLOWED,
        )
    elif firewall.loss.none:
        yield Signal(
            unchanged,
            f"allowed requests are as before, {moved(firewall.allowed)}: what is blocked came on top",
            ALLOWED,
        )


def who_is_hit(facts: Facts, users: float, attackers: float) -> Iterator[Signal]:
    """Whether those blocked look like users or like attackers; the weights are of either answer."""
    crowd = facts.firewall.crowd if facts.firewall else None
    if crowd is None or not crowd.telling:
        return
    if crowd.hostile:
        yield Signal(attackers, f"{_attacks(crowd)}, from {crowd.told}", crowd.source)
    elif crowd.customers:
        yield Signal(
            users, f"{percent(crowd.signed_in)} of those blocked were signed in: {crowd.told}", crowd.source
        )
    elif crowd.of_one_mind:
        yield Signal(
            attackers / 2,
            f"nearly all want {crowd.top_path} and hardly any is signed in: {crowd.told}",
            crowd.source,
        )
    elif crowd.many and crowd.harmless:
        yield Signal(users, f"those blocked are ordinary: {crowd.told}", crowd.source)
    elif crowd.few:
        yield Signal(attackers / 2, f"few send what is blocked: {crowd.told}", crowd.source)
    else:
        yield Signal(
            users / 10, f"those blocked are neither clearly users nor attackers: {crowd.told}", crowd.source
        )


def untold(facts: Facts) -> Iterator[Signal]:
    """Where neither the allowed nor the blocked requests tell whom it hits, nothing is sure."""
    firewall = facts.firewall
    if firewall is None or not firewall.blocked.risen:
        return
    decided = firewall.loss is not None and firewall.loss.decided
    if not decided and (firewall.crowd is None or not firewall.crowd.telling):
        yield Signal(-1.0, "whether it hits users or attackers cannot be told", ALLOWED)


def _attacks(crowd: Crowd) -> str:
    return f"{percent(crowd.attacks)} of the blocked requests carry attacks"


def edits(facts: Facts) -> tuple[RelevantChange, ...]:
    """Edits of the firewall that came shortly before the onset and are not known to be another web ACL's."""
    if facts.onset is None:
        return ()
    return tuple(
        each
        for each in facts.changes_of(Effect.FIREWALL)
        if (facts.onset - each.change.at).total_seconds() <= PROMPT_MINUTES * 60
    )


def edited(facts: Facts, weight: float) -> Iterator[Signal]:
    """The newest edit of the firewall before the onset, and whether it names this web ACL."""
    for each in edits(facts)[:1]:
        sure = weight if each.ours else weight * 0.75
        change = each.change
        yield Signal(sure, f"{change.name} by {change.by} at {change.at:%H:%M:%S}", CLOUDTRAIL)


def counted_until_then(facts: Facts, weight: float) -> Iterator[Signal]:
    """A rule that counted as many as it blocks now was switched by somebody."""
    rule = blocking_rule(facts)
    if rule and rule.counted.fallen:
        yield Signal(
            weight,
            f"{rule.rule.name} only counted until then: counted requests fell {moved(rule.counted)}",
            "CloudWatch AWS/WAFV2 CountedRequests",
        )


def terminating(facts: Facts, weight: float, other: float, *kinds: str) -> Iterator[Signal]:
    """Whether the rule that blocks is of one of these kinds."""
    rule = blocking_rule(facts)
    if rule is None:
        return
    if rule.rule.kind in kinds:
        more = f"{rule.label} blocks {rate(rule.blocked.after)} a minute"
        yield Signal(weight, f"the terminating rule is a {rule.rule.kind} rule: {more}", BLOCKED)
    else:
        yield Signal(
            other, f"the terminating rule, {rule.label}, is a rule of kind {rule.rule.kind}", BLOCKED
        )
