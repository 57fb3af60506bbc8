"""A listener, rule, weight or fixed response sends traffic to the wrong place."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.evidence import Missing
from diagnosis.facts import Facts, GroupFacts
from diagnosis.phrase import moved
from diagnosis.symptom import Family

STARVED = 0.6


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh routing that changed, answers made by a rule, and healthy groups that no longer get their
    traffic.
    """
    fixed, redirects = facts.counts["fixed_responses"], facts.counts["redirects"]
    edits = facts.changes_of(Effect.ROUTING)
    shifting = facts.rollout_at_onset is not None
    starved = [group for group in facts.groups if _starves(group) and not shifting]
    if not (fixed.risen or redirects.risen or edits or starved):
        yield Signal(-5.0, "routing is as before", "CloudWatch, DescribeRules and CloudTrail")
        return
    if edits:
        newest = edits[0].change
        yield Signal(3.5, f"{newest.name} at {newest.at:%H:%M:%S} by {newest.by}", "CloudTrail")
    if fixed.risen:
        yield Signal(
            4.0, f"answers fixed by a rule went {moved(fixed)}", "CloudWatch HTTP_Fixed_Response_Count"
        )
    elif redirects.risen:
        yield Signal(
            1.5, f"redirects made by a rule went {moved(redirects)}", "CloudWatch HTTP_Redirect_Count"
        )
    if empty := _weight_on_an_empty_group(facts):
        yield Signal(2.5, empty, "DescribeRules and DescribeTargetHealth")
    if starved:
        yield Signal(
            2.5,
            f"{starved[0].name} is healthy and gets {moved(starved[0].requests)}",
            "CloudWatch RequestCount by TargetGroup",
        )
        gained = [group for group in facts.groups if group.requests.risen and group.requests.excess]
        if gained:
            yield Signal(
                2.0, f"and {gained[0].name} gets them instead", "CloudWatch RequestCount by TargetGroup"
            )
    yield from _against(facts)


def _weight_on_an_empty_group(facts: Facts) -> str:
    """Whether a listener or rule splits its requests between groups with targets and one that has none."""
    if isinstance(facts.evidence.listeners, Missing):
        return ""
    empty = {
        group.id: group.name
        for group in facts.groups
        if not isinstance(group.targets, Missing) and not group.targets
    }
    for listener in facts.evidence.listeners:
        rules = () if isinstance(listener.rules, Missing) else listener.rules
        for action in (*listener.default_actions, *(action for rule in rules for action in rule.actions)):
            total = sum(action.weights.values())
            for group, weight in action.weights.items():
                if weight and group in empty and len(action.weights) > 1:
                    return f"{weight} of {total} parts are sent to {empty[group]}, which has no targets"
    return ""


def _against(facts: Facts) -> Iterable[Signal]:
    if facts.is_5xx and facts.part("target_5xx") >= 0.5 and not facts.counts["fixed_responses"].risen:
        yield Signal(-2.0, "targets themselves answer the errors", "CloudWatch HTTPCode_Target_5XX_Count")
    if facts.symptom.family in {Family.LOST, Family.HANDSHAKES}:
        yield Signal(-4.0, "requests do not come at all, so no rule decides about them", "CloudWatch")
    if facts.part("elb_4xx") >= 0.5 and facts.counts["fixed_responses"].excess < facts.errors.excess / 2:
        yield Signal(
            -3.0,
            "the load balancer refuses requests, and no rule answers them",
            "CloudWatch HTTPCode_ELB_4XX_Count",
        )
    if facts.counts["connection_errors"].risen:
        yield Signal(-2.0, "connections to targets fail", "CloudWatch TargetConnectionErrorCount")
    if facts.is_5xx and facts.part("elb_502", "elb_504") >= 0.7:
        yield Signal(-2.0, "502 and 504 come from targets that were reached", "CloudWatch")


def _starves(group: GroupFacts) -> bool:
    """A healthy group that lost its requests while its targets stayed."""
    hosts = group.hosts
    well = not hosts.lost and not hosts.turned_unhealthy and (hosts.healthy_now or 0) > 0
    return well and group.requests.fallen and group.requests.after <= STARVED * group.requests.before


CAUSE = Cause(
    code="listener_misroute",
    origin=Origin.LOAD_BALANCER,
    title="A listener or rule sends requests to the wrong place",
    why=(
        "A rule, weight, default action or fixed response changed, so requests reach an empty group, the"
        " wrong group or none."
    ),
    prior=-2.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Compare the rules with what they should be: aws elbv2 describe-rules.", Look.LISTENERS),
        Check("See who changed listener or rule, and put it back; it takes effect in seconds.", Look.CHANGES),
        Check("Check the weights between blue and green groups.", Look.LISTENERS),
    ),
    prevention=(
        "Keep one owner for listeners and rules, so that a roll-out tool and a template do not overwrite each"
        " other."
    ),
    retry=Retry.SAFE,
    rollback_helps=False,
    owner=Owner.PLATFORM,
    short="listener rules",
    triggers={"configuration_change": 2.5, "deployment": -3.0},
    touched_by=(Effect.ROUTING,),
    systems=frozenset({"alb"}),
    sources=(
        "ALB user guide, listener rules, fixed-response actions",
        "ALB user guide, troubleshooting, HTTP 503",
    ),
    cases=(
        Case(
            "the rule points back to the empty blue group",
            True,
            {
                "target_groups": {
                    "green": {"targets": 6, "requests": "4421, -2: 0", "target_4xx": "60, -2: 0"},
                    "blue": {"targets": [], "requests": "0", "target_4xx": "0", "healthy": "-"},
                },
                "listeners": [{"port": 443, "protocol": "HTTPS", "default": {"forward": "blue"}}],
                "traffic": {"elb_503": "0, -2: 4400"},
                "changes": [
                    {
                        "at": "-2.5",
                        "name": "ModifyListener",
                        "source": "elasticloadbalancing",
                        "by": "terraform",
                        "resources": ["order-api"],
                        "parameters": {},
                    }
                ],
            },
        ),
        Case(
            "a maintenance page was left on",
            True,
            {
                "target_groups": {"orders": {"requests": "4421, -9: 0", "target_4xx": "60, -9: 0"}},
                "traffic": {"elb_503": "0, -9: 4400", "fixed_responses": "0, -9: 4400"},
            },
        ),
        Case("targets break responses", False, {"target_groups": {"orders": {"elb_502": "0, -3: 369"}}}),
    ),
)
