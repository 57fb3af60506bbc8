"""A rate rule catches legitimate volume."""

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
from diagnosis.phrase import moved
from diagnosis.systems.firewall import RATE


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh a rate rule against those whom it blocks: shared addresses with ordinary use, or machines."""
    yield from blocks_in_step(facts)
    yield from terminating(facts, 4.0, -8.0, RATE)
    # Ordinary volume that grows is let in up to the limit, so what is allowed need not fall.
    yield from users_hit(facts, 2.0, -1.5)
    yield from who_is_hit(facts, 3.0, -3.0)
    yield from untold(facts)
    yield from edited(facts, 1.0)
    yield from _growth(facts)


def _growth(facts: Facts) -> Iterator[Signal]:
    """More is allowed as well as more blocked: everybody does more than before."""
    firewall, rule = facts.firewall, blocking_rule(facts)
    if firewall and rule and rule.rule.kind == RATE and firewall.allowed.risen:
        yield Signal(1.5, f"allowed requests grew too, {moved(firewall.allowed)}", BLOCKED)


CAUSE = Cause(
    code="waf_rate_limit",
    origin=Origin.WAF,
    title="A rate rule of the firewall catches ordinary volume",
    why=(
        "Many users share an address (an office, a carrier, a proxy in front), or an ordinary client does"
        " more than the limit foresaw."
    ),
    prior=-2.5,
    needs=("metrics", "firewall"),
    examine=examine,
    first_look=(
        Check(
            "See whose addresses are over the limit (get-rate-based-statement-managed-keys).",
            Look.BLOCKED_REQUESTS,
        ),
        Check(
            "Check that the rule counts by the client's address, and not by that of a proxy or CDN in front.",
            Look.WEB_ACL,
        ),
        Check("Raise the limit, or let known networks pass in a rule before it.", Look.WEB_ACL),
    ),
    prevention=(
        "Derive limits from the busiest ordinary client with room to grow, and count by session or key where"
        " addresses are shared."
    ),
    retry=Retry.SAFE,
    rollback_helps=False,
    triggers={"traffic_change": 4.5, "configuration_change": 1.0, "deployment": -7.0},
    touched_by=(Effect.FIREWALL,),
    systems=frozenset({"alb", "apigateway", "cloudfront"}),
    owner=Owner.SECURITY,
    short="limit for ordinary clients",
    component=rule_name,
    sources=("AWS WAF developer guide, rate-based rule statement", BLOCKED),
    cases=(
        Case(
            "an office behind one address starts its day",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {"orders": {"requests": "1200, -8: 1420"}},
                "traffic": {"elb_4xx": "5"},
                "web_acl": {
                    "rules": [
                        {
                            "name": "per-address",
                            "kind": "rate",
                            "limit": 2000,
                            "blocked": "0, -8: 260",
                            "callers": {
                                "clients": 2,
                                "countries": ["DE"],
                                "paths": ["/orders", "/stock", "/search", "/"],
                                "signed_in": 0.95,
                            },
                        }
                    ]
                },
            },
        ),
        Case(
            "the limit was cut to a tenth",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {"orders": {"requests": "4421, -6: 3100"}},
                "traffic": {"elb_4xx": "5"},
                "changes": [
                    {
                        "at": "-6.8",
                        "name": "UpdateWebACL",
                        "source": "wafv2",
                        "by": "terraform",
                        "resources": ["order-api-acl"],
                    }
                ],
                "web_acl": {
                    "rules": [
                        {
                            "name": "per-address",
                            "kind": "rate",
                            "limit": 100,
                            "blocked": "1, -6: 1310",
                            "callers": {"clients": 70, "countries": ["DE", "CH"], "paths": ["/", "/search"]},
                        }
                    ]
                },
            },
        ),
        Case(
            "passwords are tried from a few addresses",
            False,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "traffic": {"elb_4xx": "5"},
                "web_acl": {
                    "rules": [
                        {
                            "name": "per-address",
                            "kind": "rate",
                            "limit": 300,
                            "blocked": "2, -6: 2400",
                            "callers": {"clients": 6, "countries": ["RU", "NL"], "paths": ["/login"]},
                        }
                    ]
                },
            },
        ),
    ),
)
