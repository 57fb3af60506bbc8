"""A vendor's rule blocks legitimate requests."""

from collections.abc import Iterable, Iterator

from diagnosis.blocking import (
    BLOCKED,
    blocking_rule,
    blocks_in_step,
    counted_until_then,
    edited,
    edits,
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
from diagnosis.systems.firewall import MANAGED


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh a vendor's rule that takes requests away from the allowed ones, without an edit of ours."""
    yield from blocks_in_step(facts)
    yield from terminating(facts, 1.0, -8.0, MANAGED)
    yield from users_hit(facts, 3.5, -4.5)
    yield from who_is_hit(facts, 2.0, -3.0)
    yield from untold(facts)
    yield from edited(facts, -4.0)
    yield from counted_until_then(facts, -2.5)
    yield from _by_itself(facts)


def _by_itself(facts: Facts) -> Iterator[Signal]:
    """Without an edit of ours the vendor's default version is what can change."""
    rule, changes = blocking_rule(facts), facts.evidence.changes
    if rule is None or rule.rule.kind != MANAGED or isinstance(changes, Missing) or edits(facts):
        return
    seen = facts.onset is not None and changes.shown_until >= facts.onset
    if seen:
        yield Signal(0.3, "nobody edited the web ACL before it", "CloudTrail")
    if rule.rule.follows_vendor:
        yield Signal(0.2, f"{rule.rule.group} follows its vendor's default version", "wafv2 GetWebACL")
    else:
        yield Signal(-0.5, f"{rule.rule.group} is pinned to {rule.rule.version}", "wafv2 GetWebACL")


_COMMON = {"name": "Common", "kind": "managed", "group": "AWSManagedRulesCommonRuleSet"}
_USERS = {"clients": 400, "countries": ["DE", "FR", "GB"], "paths": ["/comments", "/posts"], "signed_in": 0.9}

CAUSE = Cause(
    code="waf_managed_rule_false_positive",
    origin=Origin.WAF,
    title="A managed firewall rule blocks legitimate requests",
    why=(
        "A rule set that its vendor maintains takes ordinary requests for attacks, often after a new default"
        " version."
    ),
    prior=-2.5,
    needs=("metrics", "firewall"),
    examine=examine,
    first_look=(
        Check("List the sampled requests of the rule.", Look.BLOCKED_REQUESTS),
        Check(
            "Override the rule named here to Count, or narrow its group with a scope-down statement.",
            Look.WEB_ACL,
        ),
        Check(
            "Pin the previous static version of the managed rule group if its default version has changed.",
            Look.WEB_ACL,
        ),
    ),
    prevention=(
        "Pin static versions of managed rule groups, test new ones in Count, and subscribe to the vendor's"
        " release notices."
    ),
    retry=Retry.NOT_UNCHANGED,
    rollback_helps=False,
    triggers={"vendor_change": 3.0, "configuration_change": -1.0, "deployment": -7.0, "traffic_change": -1.0},
    touched_by=(Effect.FIREWALL,),
    systems=frozenset({"alb", "apigateway", "cloudfront"}),
    owner=Owner.SECURITY,
    short="false positives",
    component=rule_name,
    sources=(
        "AWS WAF developer guide, managed rule groups: versioning, default version deployments",
        "AWS WAF developer guide, testing and tuning: mitigating false positives",
        BLOCKED,
    ),
    known_problems="Without samples or logs the rule inside the group is not known.",
    cases=(
        Case(
            "a new default version takes markdown for scripts",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {"orders": {"requests": "4421, -7: 3811"}},
                "traffic": {"elb_4xx": "5"},
                "web_acl": {
                    "rules": [
                        {
                            **_COMMON,
                            "blocked": "3, -7: 610",
                            "inner": {"CrossSiteScripting_BODY": 1.0},
                            "callers": _USERS,
                        }
                    ]
                },
            },
        ),
        Case(
            "a pinned group meets uploads of a partner's new release, without samples",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {"orders": {"requests": "4421, -12: 3400"}},
                "traffic": {"elb_4xx": "5"},
                "web_acl": {
                    "sampled": False,
                    "rules": [{**_COMMON, "version": "Version_1.9", "blocked": "3, -12: 1020"}],
                },
            },
        ),
        Case(
            "a scanner runs into the same group",
            False,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "traffic": {"elb_4xx": "5"},
                "web_acl": {
                    "rules": [
                        {
                            **_COMMON,
                            "blocked": "3, -7: 610",
                            "inner": {"GenericLFI_URIPATH": 1.0},
                            "callers": {"clients": 3, "countries": ["NL"], "attacks": 0.95},
                        }
                    ]
                },
            },
        ),
    ),
)
