"""A country or address list blocks legitimate clients."""

from collections.abc import Iterable, Iterator

from diagnosis.blocking import (
    BLOCKED,
    blocking_rule,
    blocks_in_step,
    edited,
    rule_name,
    terminating,
    untold,
    users_hit,
    who_is_hit,
)
from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.facts import Facts
from diagnosis.systems.firewall import GEO, IP_SET


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh a rule by country or address that takes requests away from the allowed ones."""
    yield from blocks_in_step(facts)
    yield from terminating(facts, 4.0, -8.0, GEO, IP_SET)
    yield from users_hit(facts, 3.0, -4.0)
    yield from who_is_hit(facts, 1.5, -2.5)
    yield from untold(facts)
    yield from edited(facts, 1.5)
    yield from _countries(facts)


def _countries(facts: Facts) -> Iterator[Signal]:
    """Where those blocked come from, against the countries that the rule names."""
    rule, crowd = blocking_rule(facts), facts.firewall.crowd if facts.firewall else None
    if rule is None or crowd is None or not crowd.telling or not rule.rule.countries or not crowd.countries:
        return
    named = [code for code in crowd.countries if code in rule.rule.countries]
    if named:
        yield Signal(0.5, f"the rule names {', '.join(named[:5])}, where they come from", crowd.source)


_EDIT = {
    "at": "-9.4",
    "name": "UpdateIPSet",
    "source": "wafv2",
    "by": "abuse-feed",
    "resources": ["denied"],
}

CAUSE = Cause(
    code="waf_geo_or_ip_block",
    origin=Origin.WAF,
    title="A country or address list of the firewall blocks legitimate clients",
    why=(
        "A list holds a country or a network in which customers are: a carrier's shared addresses, a cloud"
        " region, an office, or an allow list that lost an entry."
    ),
    prior=-2.5,
    needs=("metrics", "firewall"),
    examine=examine,
    first_look=(
        Check("See which countries and networks the blocked clients have in common.", Look.BLOCKED_REQUESTS),
        Check("Compare the list with what it was before the last UpdateIPSet or UpdateWebACL.", Look.CHANGES),
        Check(
            "Take the network or country out of the list, or let the rule count until that is clear.",
            Look.WEB_ACL,
        ),
    ),
    prevention="Review lists before they are put to use, let entries expire, and alarm on blocks by country.",
    retry=Retry.NOT_UNCHANGED,
    rollback_helps=False,
    triggers={"configuration_change": 2.0, "deployment": -8.0, "traffic_change": -1.0},
    touched_by=(Effect.FIREWALL,),
    systems=frozenset({"alb", "apigateway", "cloudfront"}),
    owner=Owner.SECURITY,
    short="blocks of ordinary clients",
    component=rule_name,
    sources=(
        "AWS WAF developer guide, geographic match rule statement; IP set match rule statement",
        BLOCKED,
    ),
    cases=(
        Case(
            "a feed puts a carrier's network on the list",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {"orders": {"requests": "4421, -9: 3600"}},
                "traffic": {"elb_4xx": "5"},
                "changes": [_EDIT],
                "web_acl": {
                    "rules": [
                        {
                            "name": "denied",
                            "kind": "ip set",
                            "blocked": "12, -9: 830",
                            "callers": {
                                "clients": 180,
                                "countries": ["ES"],
                                "paths": ["/", "/pay", "/login"],
                            },
                        }
                    ]
                },
            },
        ),
        Case(
            "a country is blocked in which customers are, by whom is not known",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {"orders": {"requests": "4421, -6: 3950"}},
                "traffic": {"elb_4xx": "5"},
                "web_acl": {
                    "sampled": False,
                    "rules": [
                        {"name": "countries", "kind": "geo", "countries": ["UA"], "blocked": "2, -6: 470"}
                    ],
                },
            },
        ),
        Case(
            "a crawler from a blocked country comes on top",
            False,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "traffic": {"elb_4xx": "5"},
                "web_acl": {
                    "rules": [
                        {
                            "name": "countries",
                            "kind": "geo",
                            "countries": ["KP"],
                            "blocked": "2, -6: 900",
                            "callers": {"clients": 4, "countries": ["KP"], "attacks": 0.8},
                        }
                    ]
                },
            },
        ),
    ),
)
