"""AWS WAF: the web ACL in front of the entry point, its metrics, samples and logs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lab.draw import Draw
from lab.errors import AwsError
from lab.moments import moment
from lab.scenario import Scenario
from lab.strict import Section
from lab.systems import Stage, counts
from lab.systems.firewall_answers import described
from lab.systems.firewall_bucket import LOGGED_MINUTES, Bucket
from lab.systems.firewall_data import USUAL_CALLERS, Acl, Rule, acl_arn, load_acl
from lab.systems.firewall_requests import blocked_counts, records, refused, sampled
from lab.timeline import MINUTES, Timeline
from lab.wire import Answer

if TYPE_CHECKING:
    from lab.figures import Figures
    from lab.metrics import Series

KEY = "web_acl"
WHOLE = ("wafv2",)
# GetSampledRequests chooses from the first 5,000 requests of the time asked about.
POPULATION = 5000
_LINES = {"CountedRequests": "counted", "CaptchaRequests": "captcha", "ChallengeRequests": "challenge"}


def load(section: Section, scenario_name: str) -> Acl:  # noqa: ARG001 - one interface for all systems
    """Read the section `web_acl`."""
    return load_acl(section)


def quiet(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A case's web ACL: what it says, with ordinary callers where it says nothing of them."""
    rules = [
        {**rule, "callers": {**USUAL_CALLERS, **rule.get("callers", {})}} for rule in given.get("rules", [])
    ]
    return {**given, "rules": rules}


def guards_balancer(scenario: Scenario, data: Acl) -> bool:
    """Whether the web ACL is in front of the load balancer, and of nothing else in the scenario."""
    return not data.edge and "api" not in scenario.systems


def contribute(data: Acl, figures: Figures, scenario: Scenario, recovered_from: int | None = None) -> None:
    """Refused requests are answers of the load balancer itself: 403, 405 for a puzzle, or a custom code."""
    if not guards_balancer(scenario, data):
        return
    for rule in data.rules:
        code = rule.response or 403
        key = {4: "elb_4xx", 5: "elb_5xx_other"}.get(code // 100)
        if key:
            _add(figures, scenario, key, rule.name, blocked_counts(scenario, rule, recovered_from))
        _add(figures, scenario, "elb_4xx", rule.name, _counts(scenario, rule, "captcha", recovered_from))


def _add(figures: Figures, scenario: Scenario, key: str, rule: str, more: Mapping[int, int]) -> None:
    cells = figures.traffic.setdefault(key, {})
    stream = Draw(scenario.name, "web_acl", rule, key, noise=scenario.noise)
    for minute, count in more.items():
        if count:
            split = stream.split(count, [1.0] * len(figures.zones))
            cells[minute] = [
                old + new for old, new in zip(cells.get(minute, [0] * len(split)), split, strict=True)
            ]


def _counts(scenario: Scenario, rule: Rule, what: str, recovered_from: int | None) -> dict[int, int]:
    return counts(scenario, f"web_acl/{rule.name}/{what}", getattr(rule, what), recovered_from)


def series(
    scenario: Scenario,
    data: Acl,
    namespace: str,
    name: str,
    dimensions: dict[str, str],
    recovered_from: int | None,
) -> Series | None:
    """AWS/WAFV2 by WebACL and Rule, and by Region unless it guards a distribution."""
    if namespace != "AWS/WAFV2":
        return None
    rule = dimensions.pop("Rule", "")
    place = {} if data.edge else {"Region": scenario.region}
    if dimensions != {"WebACL": data.metric, **place}:
        return {}
    chosen = data.rules if rule == "ALL" else [each for each in data.rules if each.metric == rule]
    found: dict[int, int] = {}
    if name == "AllowedRequests" and rule in ("ALL", "Default_Action"):
        found = allowed_counts(scenario, data, recovered_from)
    elif name == "BlockedRequests":
        found = _sum(blocked_counts(scenario, each, recovered_from) for each in chosen)
    elif name in _LINES:
        found = _sum(_counts(scenario, each, _LINES[name], recovered_from) for each in chosen)
    return _published(found)


def _published(found: Mapping[int, int]) -> Series:
    from lab.metrics import Sample

    return {minute: Sample(float(count), float(count), 1.0, 1.0) for minute, count in found.items() if count}


def _sum(parts: Any) -> dict[int, int]:
    total: dict[int, int] = {}
    for part in parts:
        for minute, count in part.items():
            total[minute] = total.get(minute, 0) + count
    return total


def allowed_counts(scenario: Scenario, data: Acl, recovered_from: int | None = None) -> dict[int, int]:
    """What the default action lets through: as told, or what the target groups are asked."""
    line = data.allowed
    if line is None:
        lines = [group.figures["requests"] for group in scenario.target_groups]
        values = tuple(sum(each.values[index] or 0.0 for each in lines) for index in range(MINUTES))
        line = Timeline(values, (False,) * MINUTES)
    return counts(scenario, "web_acl/allowed", line, recovered_from)


def log_group(data: Acl) -> str:
    """The log group that it logs to."""
    return f"aws-waf-logs-{data.name}"


def log_events(scenario: Scenario, data: Acl) -> Mapping[str, list[tuple[datetime, str]]]:
    """The events of its log group, if that is where it logs to."""
    if data.log_to != "cloudwatch":
        return {}
    found = records(scenario, data, LOGGED_MINUTES)
    return {log_group(data): [(_when(each), json.dumps(each)) for each in found]}


def _when(record: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(record["timestamp"] / 1000, UTC)


class Staged:
    """What WAF answers, and the bucket that it logs to."""

    def __init__(self, stage: Stage, data: Acl | None) -> None:
        self._stage = stage
        self._data = data

    def operations(self) -> Mapping[str, Mapping[str, Answer]]:
        """The operations that the lab answers itself."""
        firewall: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
            "GetWebACLForResource": self.get_web_acl_for_resource,
            "GetWebACL": self.get_web_acl,
            "GetLoggingConfiguration": self.get_logging_configuration,
            "GetSampledRequests": self.get_sampled_requests,
        }
        if self._data is None or self._data.log_to != "s3":
            return {"wafv2": firewall}
        return {"wafv2": firewall, "s3": Bucket(self._stage, self._data, log_group(self._data)).operations()}

    @property
    def _acl(self) -> Acl:
        if self._data is None:
            raise AwsError("WAFNonexistentItemException", "AWS WAF couldn't find the web ACL.")
        return self._data

    @property
    def _arn(self) -> str:
        return acl_arn(self._stage.scenario, self._acl)

    def _known(self, arn: str) -> Acl:
        if arn != self._arn:
            raise AwsError(
                "WAFNonexistentItemException", "AWS WAF couldn't perform the operation: no such ACL."
            )
        return self._acl

    def get_web_acl_for_resource(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """The web ACL of the load balancer; without one the answer is empty."""
        scenario = self._stage.scenario
        ours = asked["ResourceArn"].endswith(f":loadbalancer/{scenario.load_balancer.dimension}")
        if self._data is None or not ours or not guards_balancer(scenario, self._data):
            return {}
        return {"WebACL": described(scenario, self._data)}

    def get_web_acl(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """The web ACL by name and id."""
        if asked.get("Name") != self._acl.name or asked.get("Scope") != self._scope:
            raise AwsError("WAFNonexistentItemException", "AWS WAF couldn't find the web ACL.")
        return {"WebACL": described(self._stage.scenario, self._acl), "LockToken": IDENTITY_OF_LOCK}

    @property
    def _scope(self) -> str:
        return "CLOUDFRONT" if self._acl.edge else "REGIONAL"

    def get_logging_configuration(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Where it logs to."""
        acl, scenario = self._known(asked["ResourceArn"]), self._stage.scenario
        region = "us-east-1" if acl.edge else scenario.region
        name = log_group(acl)
        destinations = {
            "cloudwatch": f"arn:aws:logs:{region}:{scenario.account}:log-group:{name}",
            "s3": f"arn:aws:s3:::{name}/security",
            "firehose": f"arn:aws:firehose:{region}:{scenario.account}:deliverystream/{name}",
        }
        if acl.log_to not in destinations:
            raise AwsError("WAFNonexistentItemException", "AWS WAF couldn't find a logging configuration.")
        configuration = {"ResourceArn": self._arn, "LogDestinationConfigs": [destinations[acl.log_to]]}
        return {"LoggingConfiguration": configuration}

    def get_sampled_requests(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """A sample of what the rule blocked among the first 5,000 requests of the time."""
        acl, scenario = self._known(asked["WebAclArn"]), self._stage.scenario
        rule = next((each for each in acl.rules if each.metric == asked["RuleMetricName"]), None)
        if rule is None or asked["Scope"] != self._scope:
            raise AwsError("WAFNonexistentItemException", "AWS WAF couldn't find the rule.")
        start, end = (moment(asked["TimeWindow"][each]) for each in ("StartTime", "EndTime"))
        until, population = self._first_requests(start, min(end, self._stage.clock.now()))
        minutes = range(_minute(scenario, start), _minute(scenario, until) + 1)
        matching = [
            one for each in minutes for one in refused(scenario, rule, each) if start <= one.at < until
        ]
        most = min(len(matching), asked["MaxItems"])
        step = len(matching) / most if most else 1.0
        chosen = [matching[int(index * step)] for index in range(most)] if rule.sampled else []
        return {
            "SampledRequests": [sampled(one, max(1, round(step))) for one in chosen],
            "PopulationSize": population,
            "TimeWindow": {"StartTime": start, "EndTime": until},
        }

    def _first_requests(self, start: datetime, end: datetime) -> tuple[datetime, int]:
        """When the 5,000th request came, and how many came until then."""
        scenario, acl = self._stage.scenario, self._acl
        everything = _sum(
            [allowed_counts(scenario, acl), *(blocked_counts(scenario, each) for each in acl.rules)]
        )
        at, seen = start, 0.0
        while at < end and seen < POPULATION:
            seen += everything.get(_minute(scenario, at), 0) / 6
            at += timedelta(seconds=10)
        return min(at, end), min(round(seen), POPULATION)


def _minute(scenario: Scenario, at: datetime) -> int:
    return (at - scenario.minute_zero) // timedelta(minutes=1)


IDENTITY_OF_LOCK = "b2c1a3e4-0000-4000-8000-000000000001"
