"""Reads the listeners of the load balancer and the rules by which they forward requests or answer them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from collectors.elastic_load_balancing import balancer_arn
from collectors.masking import HIDDEN
from collectors.reading import NOT_LOOKED_UP, Answer, Reading, Scope, read_each
from diagnosis.evidence import Action, Listener, Missing, Rule

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

PERMISSIONS = ("elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeRules")
# A call each, out of the bucket that all Describe calls share.
MOST_LISTENERS = 6


def _client(scope: Scope) -> ElasticLoadBalancingv2Client:
    return cast("ElasticLoadBalancingv2Client", scope.clients("elbv2"))


def collect_listener_list(scope: Scope, read: Mapping[str, object]) -> tuple[Listener, ...]:
    """The listeners without their rules, which need a call for each."""
    pages = _client(scope).get_paginator("describe_listeners")
    return tuple(
        listener
        for page in pages.paginate(LoadBalancerArn=balancer_arn(scope))
        for listener in parse_listeners(page)
    )


def parse_listeners(answer: Answer) -> tuple[Listener, ...]:
    """The listeners of one DescribeListeners page; their rules are read for themselves."""
    return tuple(
        Listener(
            arn=each["ListenerArn"],
            port=each.get("Port", 0),
            protocol=each.get("Protocol", ""),
            default_actions=_actions(each.get("DefaultActions", ())),
            rules=Missing(NOT_LOOKED_UP),
        )
        for each in answer.get("Listeners", ())
        if "ListenerArn" in each
    )


def collect_listeners(scope: Scope, read: Mapping[str, object]) -> tuple[Listener, ...] | Missing:
    """The listeners with their rules, in order of priority."""
    listed = cast("tuple[Listener, ...] | Missing", read["listener_list"])
    if isinstance(listed, Missing):
        return listed
    pages = _client(scope).get_paginator("describe_rules")

    def rules(arn: str) -> tuple[Rule, ...]:
        found = (rule for page in pages.paginate(ListenerArn=arn) for rule in parse_rules(arn, page))
        return tuple(sorted(found, key=_by_priority))

    found = read_each("elasticloadbalancing", (listener.arn for listener in listed[:MOST_LISTENERS]), rules)
    beyond = Missing(f"only {MOST_LISTENERS} of {len(listed)} listeners were read")
    return tuple(replace(listener, rules=found.get(listener.arn, beyond)) for listener in listed)


def _by_priority(rule: Rule) -> tuple[bool, int]:
    return (not rule.priority.isdecimal(), int(rule.priority) if rule.priority.isdecimal() else 0)


def parse_rules(listener_arn: str, answer: Answer) -> tuple[Rule, ...]:
    """The rules of one DescribeRules page."""
    return tuple(
        Rule(
            listener_arn=listener_arn,
            priority=each.get("Priority", "default"),
            conditions=tuple(_condition(condition) for condition in each.get("Conditions", ())),
            actions=_actions(each.get("Actions", ())),
        )
        for each in answer.get("Rules", ())
    )


def _condition(condition: Answer) -> str:
    """A condition as people say it, such as "path-pattern is /api/* or /v2/*"."""
    settings: Answer = next((value for key, value in condition.items() if key.endswith("Config")), {})
    values = settings.get("Values") or condition.get("Values") or ()
    patterns = [*settings.get("RegexValues", ()), *condition.get("RegexValues", ())]
    choices = [*map(_value, values), *(f"like {pattern}" for pattern in patterns)]
    if "HttpHeaderName" in settings:
        choices = [HIDDEN]  # CloudFront is mostly let in by a header whose value is a secret of both
    field = " ".join(filter(None, (condition.get("Field"), settings.get("HttpHeaderName"))))
    return f"{field} is {' or '.join(choices)}" if field else "unknown condition"


def _value(value: str | Answer) -> str:
    """A value to match; those of a query string are pairs, in which the key may be left out."""
    if isinstance(value, str):
        return value
    return "=".join(filter(None, (value.get("Key"), value.get("Value"))))


def _actions(actions: Iterable[Answer]) -> tuple[Action, ...]:
    """The actions in the order in which the load balancer performs them."""
    return tuple(_action(each) for each in sorted(actions, key=lambda each: each.get("Order", 0)))


def _group_id(arn: str) -> str:
    """The last part of a target group's ARN, `targetgroup/name/id`."""
    return arn.rsplit(":", 1)[-1]


def _action(action: Answer) -> Action:
    groups = action.get("ForwardConfig", {}).get("TargetGroups") or [action]
    status = action.get("FixedResponseConfig", action.get("RedirectConfig", {})).get("StatusCode")
    return Action(
        kind=action.get("Type", "unknown"),
        weights={_group_id(g["TargetGroupArn"]): g.get("Weight", 1) for g in groups if "TargetGroupArn" in g},
        status_code=status.removeprefix("HTTP_") if status else None,
    )


READINGS = (
    Reading("listener_list", "elbv2", (), PERMISSIONS[:1], collect_listener_list),
    Reading("listeners", "elbv2", ("listener_list",), PERMISSIONS[1:], collect_listeners),
)
