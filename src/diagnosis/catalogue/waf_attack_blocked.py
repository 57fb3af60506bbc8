"""The firewall does its work: an attack is blocked and users are not affected."""

from collections.abc import Iterable, Iterator

from diagnosis.blocking import (
    BLOCKED,
    blocks_in_step,
    counted_until_then,
    edited,
    rule_name,
    untold,
    users_hit,
    who_is_hit,
)
from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.context import successes, successes_source
from diagnosis.facts import Facts
from diagnosis.phrase import moved, percent
from diagnosis.refusals import MOST, refusals_of

# Of the requests denied, so few may be missing from the successes by chance.
FEW_LOST = 0.2


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh blocks that come on top of unchanged allowed requests, and who sends what is blocked."""
    refusals = refusals_of(facts)
    denied = refusals.share(refusals.reputation) if refusals else 0.0
    if denied >= MOST:
        yield from _denied_by_reputation(facts, min(1.0, denied))
        return
    yield from blocks_in_step(facts)
    yield from users_hit(facts, -5.0, 3.5)
    yield from who_is_hit(facts, -3.5, 3.0)
    yield from untold(facts)
    yield from edited(facts, -1.5)
    yield from counted_until_then(facts, -2.0)


def _denied_by_reputation(facts: Facts, share: float) -> Iterator[Signal]:
    """Protection of the resource against floods, which AWS WAF sets up and the load balancer carries out.

    No rule of a web ACL counts what it denies (AWS WAF API reference, OnSourceDDoSProtectionConfig).
    """
    denied = facts.counts["low_reputation_denied"]
    yield Signal(
        3.5,
        f"{percent(share)} of them were denied for the repute of their addresses, {moved(denied)}",
        "CloudWatch LowReputationRequestsDenied",
    )
    good = successes(facts)
    lost = max(0.0, (good.before - good.after) * facts.span.minutes)
    if lost < FEW_LOST * denied.excess:
        yield Signal(2.0, f"successes are as before, {moved(good)}", successes_source(facts))
    else:
        yield Signal(-5.0, f"successes fell, {moved(good)}", successes_source(facts))


_SQL = {"name": "Sql", "kind": "managed", "group": "AWSManagedRulesSQLiRuleSet"}

CAUSE = Cause(
    code="waf_attack_blocked",
    origin=Origin.WAF,
    title="The firewall blocks an attack; users are not affected",
    why=(
        "Somebody probes or attacks, and rules of the firewall refuse it on top of the ordinary traffic,"
        " which is as before."
    ),
    prior=-1.25,
    needs=("metrics", "firewall"),
    examine=examine,
    first_look=(
        Check(
            "Make sure that none of these sources got through: look for them among allowed requests.",
            Look.BLOCKED_REQUESTS,
        ),
        Check(
            "Note sources, paths and rules for the security team, and watch whether the attack changes.",
            Look.METRICS,
        ),
        Check("Leave the firewall as it is; roll nothing back.", Look.WEB_ACL),
    ),
    prevention="Alarm on allowed requests and on successes lost, not on the count of blocked requests.",
    retry=Retry.NOT_UNCHANGED,
    rollback_helps=False,
    triggers={"traffic_change": 7.0, "deployment": -8.0, "configuration_change": -3.0, "vendor_change": -4.0},
    systems=frozenset({"alb", "apigateway", "cloudfront"}),
    owner=Owner.SECURITY,
    short="blocks of an attack",
    component=rule_name,
    sources=("AWS WAF developer guide, traffic overview dashboards; rule actions", BLOCKED),
    cases=(
        Case(
            "injections from a few addresses",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "traffic": {"elb_4xx": "5"},
                "web_acl": {
                    "rules": [
                        {
                            **_SQL,
                            "blocked": "4, -6: 1900",
                            "inner": {"SQLi_QUERYARGUMENTS": 1.0},
                            "callers": {"clients": 5, "countries": ["NL", "RU"], "attacks": 0.97},
                        }
                    ]
                },
            },
        ),
        Case(
            "a botnet tries passwords and the rate rule holds",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "traffic": {"elb_4xx": "5"},
                "web_acl": {
                    "rules": [
                        {
                            "name": "login-rate",
                            "kind": "rate",
                            "limit": 100,
                            "blocked": "3, -10: 5200",
                            "callers": {"clients": 300, "countries": ["BR", "VN", "ID"], "paths": ["/login"]},
                        }
                    ]
                },
            },
        ),
        Case(
            "a wave of ill repute, denied without any rule of a web ACL",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "traffic": {"elb_4xx": "5, -6: 3000", "low_reputation_denied": "0, -6: 2990"},
            },
        ),
        Case(
            "ordinary users are denied for the repute of their addresses",
            False,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {"orders": {"requests": "4421, -6: 2400"}},
                "traffic": {"elb_4xx": "5, -6: 2000", "low_reputation_denied": "0, -6: 1990"},
            },
        ),
        Case(
            "many ordinary users are refused",
            False,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {"orders": {"requests": "4421, -6: 3000"}},
                "traffic": {"elb_4xx": "5"},
                "web_acl": {
                    "rules": [
                        {
                            **_SQL,
                            "blocked": "4, -6: 1400",
                            "callers": {"clients": 500, "countries": ["DE"], "signed_in": 0.7},
                        }
                    ]
                },
            },
        ),
    ),
)
