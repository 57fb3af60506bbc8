"""A web ACL as WAF's API describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.scenario import Scenario
from lab.systems.firewall_data import IDENTITY, Acl, Rule, acl_arn, part_arn


def described(scenario: Scenario, acl: Acl) -> dict[str, Any]:
    """The structure WebACL."""
    return {
        "Name": acl.name,
        "Id": IDENTITY,
        "ARN": acl_arn(scenario, acl),
        "DefaultAction": {"Allow": {}},
        "Rules": [_rule(scenario, acl, rule, index) for index, rule in enumerate(acl.rules)],
        "VisibilityConfig": _visibility(acl.metric, sampled=True),
        "LabelNamespace": f"awswaf:{scenario.account}:webacl:{acl.name}:",
    }


def _visibility(metric: str, *, sampled: bool) -> Mapping[str, Any]:
    return {"SampledRequestsEnabled": sampled, "CloudWatchMetricsEnabled": True, "MetricName": metric}


def _rule(scenario: Scenario, acl: Acl, rule: Rule, index: int) -> dict[str, Any]:
    acts: dict[str, Any] = {"OverrideAction": {"Count": {}} if rule.action == "count" else {"None": {}}}
    return {
        "Name": rule.name,
        "Priority": index,
        "Statement": _statement(scenario, acl, rule),
        **(acts if rule.is_group else {"Action": _action(rule)}),
        "VisibilityConfig": _visibility(rule.metric, sampled=rule.sampled),
    }


def _action(rule: Rule) -> dict[str, Any]:
    custom = {"CustomResponse": {"ResponseCode": rule.response}} if rule.response else {}
    return {rule.action.capitalize(): custom if rule.action == "block" else {}}


def _statement(scenario: Scenario, acl: Acl, rule: Rule) -> dict[str, Any]:
    if rule.kind == "managed":
        version = {"Version": rule.version} if rule.version else {}
        return {"ManagedRuleGroupStatement": {"VendorName": rule.vendor, "Name": rule.group, **version}}
    if rule.kind == "group":
        return {"RuleGroupReferenceStatement": {"ARN": part_arn(scenario, acl, "rulegroup", rule.group)}}
    if rule.kind == "rate":
        return {"RateBasedStatement": {"Limit": rule.limit, "AggregateKeyType": "IP"}}
    if rule.kind == "geo":
        return {"GeoMatchStatement": {"CountryCodes": list(rule.countries)}}
    if rule.kind == "ip set":
        return {"IPSetReferenceStatement": {"ARN": part_arn(scenario, acl, "ipset", rule.name)}}
    match = {
        "RegexString": "^/(basket|pay)",
        "FieldToMatch": {"UriPath": {}},
        "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
    }
    return {"RegexMatchStatement": match}
