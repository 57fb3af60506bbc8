"""The firewall could not judge, and the load balancer answered 500."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.evidence import Missing
from diagnosis.facts import NEARLY_ALL, Facts
from diagnosis.phrase import moved, percent

ELB_500 = "CloudWatch HTTPCode_ELB_500_Count"
FAIL_OPEN = "waf.fail_open.enabled"
# Requests that were not evaluated are missing from the web ACL's figures; this share of them at least.
MISSING_SHARE = 0.5


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh 500s of the load balancer itself where a web ACL stands in front of it."""
    made, share = facts.parts.get("elb_500"), facts.part("elb_500")
    if not facts.is_5xx or facts.onset is None or made is None or not made.risen or share < 0.5:
        yield Signal(-7.0, "500s of the load balancer itself are not what rose", ELB_500)
        return
    weight = 2.5 if share >= NEARLY_ALL else 1.0
    yield Signal(weight, f"500s of the load balancer itself rose {moved(made)}, {percent(share)}", ELB_500)
    yield from _web_acl(facts)
    yield from _fail_open(facts)
    yield from _other_makers(facts)


def _web_acl(facts: Facts) -> Iterator[Signal]:
    if facts.evidence.firewall is None:
        yield Signal(-8.0, "there is no web ACL that it could ask", "wafv2 GetWebACLForResource")
        return
    if facts.firewall is None:
        return
    yield Signal(1.5, f"it asks web ACL {facts.firewall.acl.name} about every request", "wafv2 GetWebACL")
    made = facts.parts["elb_500"].excess
    lost = _evaluated_less(facts)
    if lost >= MISSING_SHARE * made:
        yield Signal(
            3.5,
            f"the firewall evaluated fewer requests, {moved(facts.firewall.allowed)} allowed, as 500s rose",
            "CloudWatch AWS/WAFV2 AllowedRequests",
        )
    elif lost < 0.1 * made:
        yield Signal(
            -2.0, "the firewall evaluated as many requests as before", "CloudWatch AWS/WAFV2 AllowedRequests"
        )


def _evaluated_less(facts: Facts) -> float:
    """By how many requests since the onset allowed and blocked together fell."""
    if facts.firewall is None:
        return 0.0
    both = (facts.firewall.allowed, facts.firewall.blocked)
    return sum(each.before - each.after for each in both) * facts.span.minutes


def _fail_open(facts: Facts) -> Iterator[Signal]:
    attributes = facts.evidence.attributes
    if isinstance(attributes, Missing) or FAIL_OPEN not in attributes:
        return
    if attributes[FAIL_OPEN] == "true":
        yield Signal(-6.0, "it lets requests pass that cannot be evaluated", f"attribute {FAIL_OPEN}")
    else:
        yield Signal(1.0, "it refuses requests that cannot be evaluated", f"attribute {FAIL_OPEN}")


def _other_makers(facts: Facts) -> Iterator[Signal]:
    """The authenticate action makes 500s as well (ALB user guide, troubleshooting)."""
    metrics = facts.evidence.metrics
    if isinstance(metrics, Missing):
        return
    failed = sum(metrics.counts("ELBAuthError")[facts.span.onset : facts.span.until])
    if failed >= 0.5 * facts.parts["elb_500"].events:
        yield Signal(-6.0, "the authenticate action failed in step", "CloudWatch ELBAuthError")


CAUSE = Cause(
    code="waf_evaluation_failure",
    origin=Origin.WAF,
    title="The load balancer could not have requests evaluated by the firewall and answered 500",
    why=(
        "The load balancer got no answer from AWS WAF in time, and it is set to refuse what cannot be"
        " evaluated."
    ),
    prior=-2.0,
    needs=("metrics", "firewall"),
    examine=examine,
    first_look=(
        Check(
            "Look for waf-failed in the access log, and for the WAF error in its error_reason.",
            Look.LOGS,
        ),
        Check("Look at AWS Health for WAF and the load balancer in this region.", Look.HEALTH),
        Check(
            "Decide with the security team whether to set waf.fail_open.enabled until it is over.",
            Look.ATTRIBUTES,
        ),
    ),
    prevention="Decide beforehand for each load balancer whether it should fail open when WAF cannot answer.",
    retry=Retry.SAFE,
    rollback_helps=False,
    triggers={"none_found": 1.5, "infrastructure": 2.0, "deployment": -8.0, "configuration_change": -1.0},
    systems=frozenset({"alb"}),
    owner=Owner.PROVIDER,
    short="missing answers",
    component=lambda facts: facts.firewall.acl.name if facts.firewall else None,
    sources=(
        "ALB user guide, troubleshooting: HTTP 500; load balancer attributes: waf.fail_open.enabled",
        "ALB user guide, access logs: waf-failed, WAFConnectionError, WAFConnectionTimeout",
    ),
    known_problems="Access logs, which name the WAF error, are written every five minutes.",
    cases=(
        Case(
            "the firewall does not answer for a part of the requests",
            True,
            {
                "target_groups": {"orders": {"requests": "4421, -6: 4021"}},
                "traffic": {"elb_500": "0, -6: 400"},
                "web_acl": {"rules": [{"name": "Common", "kind": "managed", "blocked": "3"}]},
            },
        ),
        Case(
            "nothing is evaluated for some minutes",
            True,
            {
                "target_groups": {"orders": {"requests": "4421, -4: 600"}},
                "traffic": {"elb_500": "0, -4: 3800"},
                "web_acl": {"rules": [{"name": "Common", "kind": "managed", "blocked": "30, -4: 4"}]},
            },
        ),
        Case(
            "the same without a web ACL",
            False,
            {
                "target_groups": {"orders": {"requests": "4421, -6: 4021"}},
                "traffic": {"elb_500": "0, -6: 400"},
            },
        ),
    ),
)
