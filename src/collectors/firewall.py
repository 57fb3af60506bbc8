"""Reads the web ACL in front of the entry point: its rules, what they did, and requests that they refused.

The first is cheap and always read. Samples and logs are asked for only when more was blocked than before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from botocore.exceptions import ClientError

from collectors.firewall_answers import CLOUDFRONT, MOST_SAMPLED, parse_sample, parse_web_acl, scope_of
from collectors.firewall_logs import LOG_PERMISSIONS, read_log
from collectors.metric_data import PERMISSION, Asked, read_series
from collectors.reading import Reading, Scope, ask_all
from diagnosis.onset import find_onset
from diagnosis.series import MINUTE, NOT_LOOKED_UP, MetricKey, Metrics, Missing
from diagnosis.systems.edge import Distribution
from diagnosis.systems.firewall import (
    DEFAULT_ACTION,
    EVERY_RULE,
    SAMPLE,
    BlockedRequests,
    WebAcl,
    WebAclRule,
)
from diagnosis.systems.gateway import Api

_SERVICE, _LOG = "wafv2", "the log"
# The web ACLs of distributions and their metrics are in us-east-1 alone (GetSampledRequests, Scope).
HOME_OF_THE_EDGE = "us-east-1"
# AWS WAF developer guide, "Metrics": once a minute, only when nonzero.
METRICS = ("BlockedRequests", "AllowedRequests", "CountedRequests", "CaptchaRequests", "ChallengeRequests")
# A sample is chosen from the first 5,000 requests of the time asked about (GetSampledRequests). A busy
# resource has these in seconds, so it is taken where the trouble is newest.
SAMPLED_MINUTES, LOGGED_MINUTES = 5, 15
MOST_RULES_SAMPLED = 4


@dataclass(frozen=True, slots=True)
class Rise:
    """The rules that block more than before, most first, and the time it concerns."""

    rules: tuple[WebAclRule, ...]
    start: datetime
    end: datetime

    def newest(self, minutes: int) -> tuple[datetime, datetime]:
        """The last so many minutes of it."""
        return max(self.start, self.end - timedelta(minutes=minutes)), self.end


def collect_web_acl_of_load_balancer(scope: Scope, read: Mapping[str, object]) -> WebAcl | None:
    """The web ACL of a load balancer, None where it has none."""
    client, arn = scope.clients("wafv2"), scope.entry_point.arn
    try:
        return parse_web_acl(client.get_web_acl_for_resource(ResourceArn=arn))
    except ClientError as error:
        if _code(error) == "WAFNonexistentItemException":
            return None
        raise


def collect_web_acl_of_api(scope: Scope, read: Mapping[str, object]) -> WebAcl | Missing | None:
    """The web ACL of the stage that the alarm names, else of the first stage that has one."""
    gateway = cast("Api | Missing", read["gateway"])
    if isinstance(gateway, Missing):
        return gateway
    if isinstance(gateway.stages, Missing):
        return gateway.stages
    arn = next((stage.web_acl for stage in gateway.known_stages if stage.web_acl), None)
    return _by_arn(scope, arn) if arn else None


def collect_web_acl_of_edge(scope: Scope, read: Mapping[str, object]) -> WebAcl | Missing | None:
    """The web ACL that the distribution's configuration names.

    An id that is no ARN is one of AWS WAF Classic, which has no samples and no metrics of this kind.
    """
    edge = cast("Distribution | Missing", read["edge"])
    if isinstance(edge, Missing):
        return edge
    if edge.web_acl and not edge.web_acl.startswith("arn:"):
        return Missing("wafv2: the distribution has a web ACL of AWS WAF Classic")
    return _by_arn(scope, edge.web_acl) if edge.web_acl else None


def _by_arn(scope: Scope, arn: str) -> WebAcl | None:
    name, identity = arn.split("/")[-2:]
    client = _client(scope, scope_of(arn))
    return parse_web_acl(client.get_web_acl(Name=name, Id=identity, Scope=scope_of(arn)))


def _client(scope: Scope, acl_scope: str) -> Any:
    region = HOME_OF_THE_EDGE if acl_scope == CLOUDFRONT else scope.entry_point.region
    return scope.client_in("wafv2", region)


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def collect_metrics(scope: Scope, read: Mapping[str, object]) -> Metrics | Missing:
    """What every rule, all of them and the default action did to requests, minute by minute."""
    acl = _acl(read)
    if not isinstance(acl, WebAcl):
        return NOT_LOOKED_UP
    parts = dict.fromkeys([EVERY_RULE, *(rule.metric_name for rule in acl.rules), DEFAULT_ACTION])
    asked = {
        MetricKey(name, "Sum", part=part): Asked("AWS/WAFV2", name, "Sum", _dimensions(scope, acl, part))
        for name in METRICS
        for part in parts
    }
    return read_series(scope, asked, HOME_OF_THE_EDGE if acl.scope == CLOUDFRONT else None)


def _dimensions(scope: Scope, acl: WebAcl, part: str) -> dict[str, str]:
    """Region is a dimension of regional web ACLs only (AWS WAF developer guide, "Metrics")."""
    named = {"WebACL": acl.metric_name, "Rule": part}
    return named if acl.scope == CLOUDFRONT else {**named, "Region": scope.entry_point.region}


def collect_log_destination(scope: Scope, read: Mapping[str, object]) -> str | Missing | None:
    """The ARN of where the web ACL logs to, None where logging is off."""
    acl = _acl(read)
    if not isinstance(acl, WebAcl):
        return NOT_LOOKED_UP
    try:
        answer = _client(scope, acl.scope).get_logging_configuration(ResourceArn=acl.arn)
    except ClientError as error:
        if _code(error) == "WAFNonexistentItemException":
            return None
        raise
    destinations: list[str] = answer.get("LoggingConfiguration", {}).get("LogDestinationConfigs", [])
    return next(iter(destinations), None)


def collect_firewall(scope: Scope, read: Mapping[str, object]) -> WebAcl | Missing | None:
    """The web ACL with its figures and, where it blocks more than before, requests that it refused."""
    acl = _acl(read)
    if not isinstance(acl, WebAcl):
        return acl
    metrics = cast("Metrics | Missing", read["firewall_metrics"])
    destination = cast("str | Missing | None", read["firewall_log_destination"])
    acl = replace(acl, metrics=metrics, log_destination=destination)
    rise = rising(acl, scope)
    if rise is None:
        return acl
    samples = {rule.name: partial(_sample, scope, acl, rule, rise) for rule in rise.rules if rule.sampled}
    questions: dict[str, Callable[[], BlockedRequests | Missing]] = {**samples}
    if isinstance(destination, str):
        questions[_LOG] = partial(read_log, scope, acl, destination, *rise.newest(LOGGED_MINUTES))
    answers = ask_all(_SERVICE, questions)
    logged = destination if isinstance(destination, Missing) else answers.pop(_LOG, None)
    return replace(acl, sampled=_together(rise, answers), logged=logged)


def rising(acl: WebAcl, scope: Scope) -> Rise | None:
    """The rules that began to block more, by their own figures; without figures, all that may block."""
    if isinstance(acl.metrics, Missing):
        able = tuple(rule for rule in acl.rules if rule.action in {"block", "group"})
        end = scope.window.end
        return Rise(able[:MOST_RULES_SAMPLED], end - SAMPLED_MINUTES * MINUTE, end)
    once_a_minute = (1.0,) * scope.window.minutes
    found = []
    for rule in acl.rules:
        counts = acl.metrics.counts("BlockedRequests", part=rule.metric_name)
        onset = find_onset(counts, once_a_minute)
        if onset:
            until = onset.until or scope.window.minutes
            found.append((sum(counts[onset.index : until]), onset.index, until, rule))
    if not found:
        return None
    found.sort(key=lambda each: -each[0])
    _, first, until, _ = found[0]
    rules = tuple(rule for *_, rule in found[:MOST_RULES_SAMPLED])
    return Rise(rules, scope.window.minute(first), scope.window.minute(until))


def _sample(scope: Scope, acl: WebAcl, rule: WebAclRule, rise: Rise) -> BlockedRequests:
    start, end = rise.newest(SAMPLED_MINUTES)
    answer = _client(scope, acl.scope).get_sampled_requests(
        WebAclArn=acl.arn,
        RuleMetricName=rule.metric_name,
        Scope=acl.scope,
        TimeWindow={"StartTime": start, "EndTime": end},
        MaxItems=MOST_SAMPLED,
    )
    return parse_sample(answer, rule, start, end)


def _together(rise: Rise, answers: Mapping[str, BlockedRequests | Missing]) -> BlockedRequests | Missing:
    """The samples of all rules as one; Missing only where none could be read."""
    known = [each for each in answers.values() if not isinstance(each, Missing)]
    if not known:
        reasons = [each for each in answers.values() if isinstance(each, Missing)]
        names = ", ".join(rule.name for rule in rise.rules)
        return reasons[0] if reasons else Missing(f"wafv2: sampling is off for {names}")
    return BlockedRequests(
        source=SAMPLE,
        start=min(each.start for each in known),
        end=max(each.end for each in known),
        found=tuple(request for each in known for request in each.found),
        complete=all(each.complete for each in known) and len(known) == len(rise.rules),
        population=max((each.population or 0 for each in known), default=None),
    )


def _acl(read: Mapping[str, object]) -> WebAcl | Missing | None:
    return cast("WebAcl | Missing | None", read["web_acl"])


_ACL_PERMISSIONS = ("wafv2:GetWebACLForResource", "wafv2:GetWebACL")
_ABOUT_THE_ACL = (
    Reading("firewall_metrics", "cloudwatch", ("web_acl",), (PERMISSION,), collect_metrics),
    Reading(
        "firewall_log_destination",
        "wafv2",
        ("web_acl",),
        ("wafv2:GetLoggingConfiguration",),
        collect_log_destination,
    ),
    Reading(
        "firewall",
        "wafv2",
        ("web_acl", "firewall_metrics", "firewall_log_destination"),
        ("wafv2:GetSampledRequests", *LOG_PERMISSIONS),
        collect_firewall,
    ),
)
READINGS_FOR_LOAD_BALANCER: Sequence[Reading] = (
    Reading("web_acl", "wafv2", (), _ACL_PERMISSIONS, collect_web_acl_of_load_balancer),
    *_ABOUT_THE_ACL,
)
READINGS_FOR_API: Sequence[Reading] = (
    Reading("web_acl", "wafv2", ("gateway",), _ACL_PERMISSIONS, collect_web_acl_of_api),
    *_ABOUT_THE_ACL,
)
READINGS_FOR_EDGE: Sequence[Reading] = (
    Reading("web_acl", "wafv2", ("edge",), _ACL_PERMISSIONS, collect_web_acl_of_edge),
    *_ABOUT_THE_ACL,
)
