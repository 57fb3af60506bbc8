"""The web ACL around the onset: which rule blocks more than before, whom, and at whose expense."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import sqrt
from statistics import fmean, pstdev

from diagnosis.changes import Effect, relevant_changes
from diagnosis.crowd import Crowd, crowd_of
from diagnosis.evidence import Evidence, Metrics, Missing
from diagnosis.shift import Shift, Span, count_shift
from diagnosis.systems.firewall import (
    EVERY_RULE,
    GROUP,
    MANAGED,
    RATE,
    BlockedRequest,
    WebAcl,
    WebAclRule,
)

# What was allowed just before the onset is compared with what is allowed since; the hours before belong to
# another time of day.
NEAR_MINUTES = 30
# Shares of what is blocked more that are missing from what is allowed. Refused clients try again, so each of
# them may be blocked several times for one allowed request that is missing.
BY_AS_MUCH, PARTLY, AT_MOST = 0.4, 0.1, 0.4
# A rule that blocked hardly anything before has begun to block.
BEGAN_FACTOR = 3.0


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """A rule of the web ACL that blocks more than before; `inner` is the rule inside a group that does most
    of it, with its share of the requests that were read.
    """

    rule: WebAclRule
    blocked: Shift
    counted: Shift
    inner: str | None = None
    inner_share: float = 0.0

    @property
    def label(self) -> str:
        """The terminating rule as people look it up: inside a group with the group's name."""
        group = _group_name(self.rule)
        if self.inner:
            return f"{group or self.rule.name}/{self.inner}"
        return f"{self.rule.name} ({group})" if group and group != self.rule.name else self.rule.name


@dataclass(frozen=True, slots=True)
class Loss:
    """How much of what is blocked more is missing from what is allowed: a share, and its bounds by chance."""

    share: float
    low: float
    high: float

    @property
    def by_as_much(self) -> bool:
        """Whether those blocked are clearly the ones that were let in before."""
        return self.low > BY_AS_MUCH

    @property
    def partly(self) -> bool:
        """Whether allowed requests fell clearly, but by less than blocked ones rose."""
        return PARTLY < self.low <= BY_AS_MUCH

    @property
    def none(self) -> bool:
        """Whether what is blocked clearly came on top of what is allowed."""
        return self.high < AT_MOST and not self.partly

    @property
    def decided(self) -> bool:
        """Whether it tells anything."""
        return self.by_as_much or self.partly or self.none


@dataclass(frozen=True, slots=True)
class FirewallFacts:
    """The web ACL around the onset. `rules` are those that block more than before, most first.

    `over_rate` is how many more requests than before its rate rules counted or blocked. `vendor_change` says
    in a sentence that a managed rule set began to block by itself, if it is so; `puzzle_rule` is the rule
    that sets more CAPTCHA puzzles than before.
    """

    acl: WebAcl
    blocked: Shift
    allowed: Shift
    captcha: Shift
    challenge: Shift
    rules: tuple[RuleFacts, ...]
    loss: Loss | None
    crowd: Crowd | None
    vendor_change: str | None = None
    over_rate: float = 0.0
    puzzle_rule: str | None = None

    @property
    def leading(self) -> RuleFacts | None:
        """The rule that blocks most of what is blocked more."""
        return next(iter(self.rules), None)

    @property
    def response_code(self) -> int:
        """What a blocked client gets: 403 unless the rule answers otherwise (AWS WAF developer guide)."""
        seen = [each.response_code for each in _read(self.acl, self.leading) if each.response_code]
        if seen:
            return Counter(seen).most_common(1)[0][0]
        return (self.leading.rule.response_code if self.leading else None) or 403

    @property
    def counted_before(self) -> bool:
        """Whether the leading rule only counted what it blocks now."""
        return bool(self.leading and self.leading.counted.fallen)


def derive_firewall(evidence: Evidence, span: Span) -> FirewallFacts | None:
    """The facts of the web ACL; None where there is none or its figures could not be read."""
    acl = evidence.firewall
    if not isinstance(acl, WebAcl) or isinstance(acl.metrics, Missing):
        return None
    metrics, once = acl.metrics, (1.0,) * acl.metrics.window.minutes

    def shift(name: str, part: str = EVERY_RULE) -> Shift:
        return count_shift(metrics.counts(name, part=part), once, span)

    blocked = shift("BlockedRequests")
    rules = [
        _rule(
            acl,
            rule,
            shift("BlockedRequests", rule.metric_name),
            shift("CountedRequests", rule.metric_name),
            span,
        )
        for rule in acl.rules
    ]
    risen = sorted((each for each in rules if each.blocked.risen), key=lambda each: -each.blocked.excess)
    leading = next(iter(risen), None)
    loss = _loss(metrics, blocked, span)
    return FirewallFacts(
        acl=acl,
        blocked=blocked,
        allowed=shift("AllowedRequests"),
        captcha=shift("CaptchaRequests"),
        challenge=shift("ChallengeRequests"),
        rules=tuple(risen),
        loss=loss,
        crowd=_crowd(acl, metrics, leading, span),
        vendor_change=_vendor_change(evidence, metrics, leading, loss, span),
        puzzle_rule=_puzzle_rule(acl, metrics, span),
        over_rate=sum(
            max(0.0, each.blocked.excess) + max(0.0, each.counted.excess)
            for each in rules
            if each.rule.kind == RATE and (each.blocked.risen or each.counted.risen)
        ),
    )


def _rule(acl: WebAcl, rule: WebAclRule, blocked: Shift, counted: Shift, span: Span) -> RuleFacts:
    named = RuleFacts(rule, blocked, counted)
    inner = Counter[str]()
    for each in _since(acl, named, span):
        inner[each.inner or ""] += 1
    if not inner or rule.kind not in (MANAGED, GROUP):
        return named
    most, count = inner.most_common(1)[0]
    return RuleFacts(rule, blocked, counted, most or None, count / inner.total())


def _read(acl: WebAcl, leading: RuleFacts | None) -> Sequence[BlockedRequest]:
    if isinstance(acl.blocked, Missing) or leading is None:
        return ()
    return [each for each in acl.blocked.found if each.rule == leading.rule.name]


def _since(acl: WebAcl, leading: RuleFacts | None, span: Span) -> Sequence[BlockedRequest]:
    """The rule's blocked requests since the onset."""
    if isinstance(acl.metrics, Missing):
        return ()
    onset = acl.metrics.window.minute(span.onset)
    return [each for each in _read(acl, leading) if each.at >= onset]


def _puzzle_rule(acl: WebAcl, metrics: Metrics, span: Span) -> str | None:
    once = (1.0,) * metrics.window.minutes
    shifts = {
        rule.name: count_shift(metrics.counts("CaptchaRequests", part=rule.metric_name), once, span)
        for rule in acl.rules
    }
    risen = {name: shift.excess for name, shift in shifts.items() if shift.risen}
    return max(risen, key=risen.__getitem__, default=None)


def _crowd(acl: WebAcl, metrics: Metrics, leading: RuleFacts | None, span: Span) -> Crowd | None:
    """Those whom the leading rule refused since the onset."""
    read = acl.blocked
    if leading is None or isinstance(read, Missing):
        return None
    counts = metrics.counts("BlockedRequests", part=leading.rule.metric_name)
    first = max(span.onset, metrics.window.index(read.start))
    last = metrics.window.index(read.end - timedelta(microseconds=1))
    return crowd_of(read, _since(acl, leading, span), sum(counts[first : last + 1]))


def _loss(metrics: Metrics, blocked: Shift, span: Span) -> Loss | None:
    """What is allowed since the onset against the half hour before it, by the blocks that came with it."""
    allowed = metrics.counts("AllowedRequests", part=EVERY_RULE)
    before = allowed[max(span.first, span.onset - NEAR_MINUTES) : span.onset]
    after = allowed[span.onset : span.until]
    more = blocked.after - blocked.before
    if len(before) < 2 or not after or more <= 0 or not any(before):
        return None
    usual = fmean(before)
    spread = max(pstdev(before), sqrt(usual))
    error = 2 * spread * sqrt(1 / len(before) + 1 / len(after)) / more
    share = (usual - fmean(after)) / more
    return Loss(share, share - error, share + error)


def _vendor_change(
    evidence: Evidence, metrics: Metrics, leading: RuleFacts | None, loss: Loss | None, span: Span
) -> str | None:
    """That a vendor's rule set began to block by itself: it follows the default version, nobody edited the
    web ACL, it did not count before, and users are hit.

    None as long as the record of changes does not reach to the onset: an edit of ours looks the same.
    """
    if leading is None or not leading.rule.follows_vendor or isinstance(evidence.changes, Missing):
        return None
    moment = metrics.window.minute(span.onset)
    edited = any(
        each.effect is Effect.FIREWALL and each.ours is not False
        for each in relevant_changes(evidence, moment)
    )
    came_on_top = loss is not None and loss.none
    if evidence.changes.shown_until < moment:
        return None
    if edited or came_on_top or leading.counted.fallen or leading.blocked.factor < BEGAN_FACTOR:
        return None
    began = f"{leading.inner or leading.rule.name} began to block at {moment:%H:%M}"
    return f"a change of {leading.rule.group} by its vendor: {began}, without an edit of the web ACL"


def _group_name(rule: WebAclRule) -> str | None:
    """A managed group has a name; one's own has an ARN, in which the name comes before the id."""
    if rule.kind == GROUP and rule.group and "/" in rule.group:
        return rule.group.split("/")[-2]
    return rule.group
