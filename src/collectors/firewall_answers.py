"""From WAF's answers to a web ACL, its rules, and the requests that they refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from collectors.masking import masked_request
from collectors.reading import Answer, UnreadableAnswerError, in_utc
from diagnosis import untrusted
from diagnosis.systems.firewall import (
    GEO,
    GROUP,
    IP_SET,
    MANAGED,
    OWN,
    RATE,
    SAMPLE,
    BlockedRequest,
    BlockedRequests,
    WebAcl,
    WebAclRule,
)

LONGEST_URI, LONGEST_AGENT = 512, 200
# The year 2200: arithmetic on later times would overflow.
LATEST_MILLISECONDS = 7_258_118_400_000
# GetSampledRequests gives at most 500; where fewer requests came, it gives them all (API reference).
MOST_SAMPLED = 500
CLOUDFRONT, REGIONAL = "CLOUDFRONT", "REGIONAL"
# What ends the evaluation of a request without letting it through.
REFUSING = frozenset({"BLOCK", "CAPTCHA", "CHALLENGE"})
# Statements that hold others (API reference, Statement).
_NESTING = ("AndStatement", "OrStatement", "NotStatement", "RateBasedStatement", "ManagedRuleGroupStatement")


def parse_web_acl(answer: Answer) -> WebAcl | None:
    """The web ACL of a GetWebACLForResource or GetWebACL answer, None where the resource has none."""
    found: Answer | None = answer.get("WebACL")
    if not found:
        return None
    if "ARN" not in found:
        raise UnreadableAnswerError("a web ACL without its ARN")
    managers = ("PreProcessFirewallManagerRuleGroups", "PostProcessFirewallManagerRuleGroups")
    before, after = (found.get(name, ()) for name in managers)
    return WebAcl(
        arn=found["ARN"],
        name=found.get("Name", ""),
        metric_name=_metric_name(found),
        scope=scope_of(found["ARN"]),
        default_action=next(iter(found.get("DefaultAction", {})), "allow").lower(),
        rules=tuple(_rule(each) for each in (*before, *found.get("Rules", ()), *after)),
    )


def scope_of(arn: str) -> str:
    """REGIONAL, or CLOUDFRONT for a web ACL whose ARN says that it is global."""
    return CLOUDFRONT if ":global/" in arn else REGIONAL


def _metric_name(part: Answer) -> str:
    name: str = part.get("VisibilityConfig", {}).get("MetricName") or part.get("Name", "")
    return name


def _rule(rule: Answer) -> WebAclRule:
    statement: Answer = rule.get("Statement") or rule.get("FirewallManagerStatement") or {}
    nested = tuple(_nested(statement))
    managed = statement.get("ManagedRuleGroupStatement", {})
    own_group = statement.get("RuleGroupReferenceStatement", {})
    return WebAclRule(
        name=rule.get("Name", ""),
        metric_name=_metric_name(rule),
        kind=_kind(statement, nested),
        action=_action(rule),
        vendor=managed.get("VendorName"),
        group=managed.get("Name") or own_group.get("ARN"),
        version=managed.get("Version"),
        response_code=_custom_code(rule.get("Action", {})),
        limit=statement.get("RateBasedStatement", {}).get("Limit"),
        countries=tuple(
            code for each in nested for code in each.get("GeoMatchStatement", {}).get("CountryCodes", ())
        ),
        counted=tuple(_counted(managed or own_group)),
        refers_to=tuple(part["ARN"] for each in nested for part in each.values() if _has_arn(part)),
        sampled=rule.get("VisibilityConfig", {}).get("SampledRequestsEnabled", True),
    )


def _has_arn(part: object) -> bool:
    return isinstance(part, Mapping) and "ARN" in part


def _nested(statement: Answer) -> Iterator[Answer]:
    """The statement and all that it is made of."""
    yield statement
    for name in _NESTING:
        part = statement.get(name, {})
        inner = [*part.get("Statements", ()), part.get("Statement"), part.get("ScopeDownStatement")]
        for each in inner:
            if each:
                yield from _nested(each)


def _kind(statement: Answer, nested: Iterable[Answer]) -> str:
    """What the rule is; a rate rule stays one whatever narrows it down.

    Countries and addresses may be negated or narrowed to a path. A rule that looks for an attack besides is
    one's own.
    """
    for name, kind in (
        ("ManagedRuleGroupStatement", MANAGED),
        ("RuleGroupReferenceStatement", GROUP),
        ("RateBasedStatement", RATE),
    ):
        if name in statement:
            return kind
    names = {name for each in nested for name in each}
    if names & {"SqliMatchStatement", "XssMatchStatement"}:
        return OWN
    if "GeoMatchStatement" in names:
        return GEO
    return IP_SET if names & {"IPSetReferenceStatement", "AsnMatchStatement"} else OWN


def _action(rule: Answer) -> str:
    if "OverrideAction" in rule:
        return "count" if "Count" in rule["OverrideAction"] else "group"
    return next(iter(rule.get("Action", {})), "group").lower()


def _custom_code(action: Answer) -> int | None:
    code: int | None = action.get("Block", {}).get("CustomResponse", {}).get("ResponseCode")
    return code


def _counted(group: Answer) -> Iterator[str]:
    for override in group.get("RuleActionOverrides", ()):
        if "Count" in override.get("ActionToUse", {}):
            yield override.get("Name", "")
    for excluded in group.get("ExcludedRules", ()):
        yield excluded.get("Name", "")


def parse_sample(answer: Answer, rule: WebAclRule, start: datetime, end: datetime) -> BlockedRequests:
    """The refused requests of a GetSampledRequests answer, with the time that it is really about."""
    window = answer.get("TimeWindow", {})
    sampled = [each for each in answer.get("SampledRequests", ()) if "Request" in each]
    found = tuple(
        _sampled(each, rule, start) for each in sampled if each.get("Action", "").upper() in REFUSING
    )
    population = answer.get("PopulationSize")
    return BlockedRequests(
        source=SAMPLE,
        start=in_utc(window.get("StartTime")) or start,
        end=in_utc(window.get("EndTime")) or end,
        found=found,
        complete=population is not None and population < MOST_SAMPLED,
        population=population,
    )


def _sampled(sampled: Answer, rule: WebAclRule, start: datetime) -> BlockedRequest:
    request = sampled["Request"]
    named = sampled.get("RuleNameWithinRuleGroup")
    return BlockedRequest(
        rule=rule.name,
        inner=named.rsplit("#", 1)[-1] if named else None,
        at=in_utc(sampled.get("Timestamp")) or start,
        client=request.get("ClientIP", ""),
        country=untrusted.text(request.get("Country"), 2),
        method=untrusted.text(request.get("Method"), 16) or "",
        uri=masked_request(untrusted.text(request.get("URI"), LONGEST_URI) or "/"),
        weight=float(sampled.get("Weight") or 1),
        response_code=sampled.get("ResponseCodeSent"),
        **_sender(request.get("Headers", ()), "Name", "Value"),
    )


def parse_record(record: Mapping[str, Any]) -> BlockedRequest | None:
    """A refused request of a log record (AWS WAF developer guide, "Log fields"), None of any other record."""
    request = untrusted.mapping(record.get("httpRequest"))
    at = _moment(untrusted.number(record.get("timestamp")))
    if str(record.get("action", "")).upper() not in REFUSING or at is None:
        return None
    path = untrusted.text(request.get("uri"), LONGEST_URI) or "/"
    arguments = untrusted.text(request.get("args"), LONGEST_URI)
    code = untrusted.number(record.get("responseCodeSent"))
    return BlockedRequest(
        rule=untrusted.text(record.get("terminatingRuleId"), 128) or "",
        inner=_inner(record),
        at=at,
        client=untrusted.text(request.get("clientIp"), 64) or "",
        country=untrusted.text(request.get("country"), 2),
        method=untrusted.text(request.get("httpMethod"), 16) or "",
        uri=masked_request(f"{path}?{arguments}" if arguments else path)[:LONGEST_URI],
        response_code=int(code) if code else None,
        **_sender(untrusted.sequence(request.get("headers")), "name", "value"),
    )


def _moment(milliseconds: float | None) -> datetime | None:
    """The time of a record; None for a figure that is no time of ours."""
    known = milliseconds is not None and 0 < milliseconds < LATEST_MILLISECONDS
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds and known else None


def _inner(record: Mapping[str, Any]) -> str | None:
    """The rule inside a group that ended the evaluation."""
    groups = map(untrusted.mapping, untrusted.sequence(record.get("ruleGroupList")))
    ended = (untrusted.mapping(group.get("terminatingRule")) for group in groups)
    return next((untrusted.text(each.get("ruleId"), 128) for each in ended if each.get("ruleId")), None)


def _sender(headers: Iterable[Any], name: str, value: str) -> dict[str, Any]:
    """Who sent the request, as far as its headers tell; what identifies a person is not kept."""
    named = {str(untrusted.mapping(each).get(name, "")).lower(): each for each in headers}
    agent = untrusted.mapping(named.get("user-agent")).get(value)
    return {
        "agent": untrusted.text(agent, LONGEST_AGENT),
        "signed_in": "cookie" in named or "authorization" in named,
    }
