"""An edit of one's own rule or its action blocks legitimate requests."""

from collections.abc import Iterable, Iterator

from diagnosis.blocking import (
    BLOCKED,
    CLOUDTRAIL,
    EXPLAINED,
    blocking_rule,
    blocks_in_step,
    counted_until_then,
    edited,
    edits,
    explained_share,
    rule_name,
    terminating,
    untold,
    users_hit,
    who_is_hit,
)
from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.evidence import Missing
from diagnosis.facts import Facts
from diagnosis.phrase import moved
from diagnosis.symptom import Family
from diagnosis.systems.firewall import GEO, GROUP, IP_SET, MANAGED, OWN, RATE


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh an edit just before against blocks that take requests away from the allowed ones."""
    if _puzzled(facts):
        yield from _puzzle(facts)
        yield from edited(facts, 5.0)
        return
    yield from blocks_in_step(facts)
    yield from _rule(facts)
    yield from users_hit(facts, 3.0, -4.0)
    yield from who_is_hit(facts, 1.5, -2.5)
    yield from untold(facts)
    yield from edited(facts, 5.0)
    yield from counted_until_then(facts, 2.5)
    yield from _unedited(facts)


def _rule(facts: Facts) -> Iterator[Signal]:
    """What the rule's kind says: one's own rules change by an edit alone, a vendor's by themselves too."""
    rule = blocking_rule(facts)
    if rule is None or (rule.rule.kind == MANAGED and edits(facts)):
        return
    if rule.rule.kind == MANAGED:
        yield from terminating(facts, -2.5, 0.0, MANAGED)
    elif rule.rule.kind in (GEO, IP_SET, RATE):
        yield from terminating(facts, -6.0, 0.0, GEO, IP_SET, RATE)
    else:
        yield from terminating(facts, 2.0, 0.0, OWN, GROUP)


def _puzzled(facts: Facts) -> bool:
    """Whether CAPTCHA puzzles, which are answered 405 and count as no block, make up what rose."""
    firewall = facts.firewall
    if firewall is None or facts.onset is None or facts.symptom.family is not Family.CLIENT_ERRORS:
        return False
    return firewall.captcha.risen and explained_share(facts, firewall.captcha.excess) >= EXPLAINED


def _puzzle(facts: Facts) -> Iterator[Signal]:
    if facts.firewall:
        yield Signal(
            1.5,
            f"CAPTCHA puzzles answered 405 rose {moved(facts.firewall.captcha)}; nothing more is blocked",
            "CloudWatch AWS/WAFV2 CaptchaRequests",
        )


def _unedited(facts: Facts) -> Iterator[Signal]:
    """Without a recorded edit nobody changed a rule, unless the record is still on its way."""
    changes = facts.evidence.changes
    if isinstance(changes, Missing) or edits(facts) or facts.onset is None:
        return
    if changes.shown_until >= facts.onset:
        yield Signal(-8.0, "no edit of the web ACL is recorded before it", CLOUDTRAIL)
    else:
        yield Signal(-1.5, "no edit is recorded, though the last minutes cannot be seen yet", CLOUDTRAIL)


_EDIT = {
    "at": "-7.6",
    "name": "UpdateWebACL",
    "source": "wafv2",
    "by": "terraform",
    "resources": ["order-api-acl"],
}

CAUSE = Cause(
    code="waf_rule_change",
    origin=Origin.WAF,
    title="An edit of the firewall's rules blocks legitimate requests",
    why="A rule was added, widened, or switched from Count to Block, and ordinary requests match it.",
    prior=-2.5,
    needs=("metrics", "firewall"),
    examine=examine,
    first_look=(
        Check("Compare the rule with what it was before the edit that CloudTrail shows.", Look.CHANGES),
        Check(
            "Set the rule back to Count, or take the edit back, and watch allowed requests return.",
            Look.WEB_ACL,
        ),
        Check("List the sampled requests of the rule.", Look.BLOCKED_REQUESTS),
    ),
    prevention="Let every new or edited rule count for a day before it blocks, and review what it counted.",
    retry=Retry.NOT_UNCHANGED,
    rollback_helps=False,
    triggers={"configuration_change": 2.5, "deployment": -8.0, "traffic_change": -2.0},
    touched_by=(Effect.FIREWALL,),
    systems=frozenset({"alb", "apigateway", "cloudfront"}),
    owner=Owner.SECURITY,
    short="last edit",
    component=rule_name,
    sources=(
        "AWS WAF developer guide, rule actions; testing and tuning your protections",
        "AWS WAF developer guide, logging API calls with CloudTrail: UpdateWebACL, UpdateRuleGroup",
        BLOCKED,
    ),
    cases=(
        Case(
            "a regular expression of our own is too wide",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {"orders": {"requests": "4421, -7: 3300"}},
                "traffic": {"elb_4xx": "5"},
                "changes": [_EDIT],
                "web_acl": {
                    "rules": [
                        {
                            "name": "block-old-clients",
                            "kind": "own",
                            "blocked": "0, -7: 1120",
                            "callers": {
                                "clients": 600,
                                "countries": ["DE", "AT"],
                                "paths": ["/basket", "/pay"],
                            },
                        }
                    ]
                },
            },
        ),
        Case(
            "a managed group switched from Count to Block",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {"orders": {"requests": "4421, -7: 3900"}},
                "traffic": {"elb_4xx": "5"},
                "changes": [_EDIT],
                "web_acl": {
                    "rules": [
                        {
                            "name": "Common",
                            "kind": "managed",
                            "group": "AWSManagedRulesCommonRuleSet",
                            "blocked": "3, -7: 520",
                            "counted": "515, -7: 0",
                            "callers": {"clients": 300, "countries": ["DE"], "signed_in": 0.8},
                        }
                    ]
                },
            },
        ),
        Case(
            "the vendor changed its rules and nobody edited anything",
            False,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {"orders": {"requests": "4421, -7: 3811"}},
                "traffic": {"elb_4xx": "5"},
                "web_acl": {
                    "rules": [
                        {
                            "name": "Common",
                            "kind": "managed",
                            "group": "AWSManagedRulesCommonRuleSet",
                            "blocked": "3, -7: 610",
                            "callers": {"clients": 400, "countries": ["DE"], "signed_in": 0.8},
                        }
                    ]
                },
            },
        ),
    ),
)
