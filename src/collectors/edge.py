"""Reads a CloudFront distribution: its configuration, its metrics, and the buckets among its origins.

CloudFront is one service for the whole world: its metrics are in us-east-1 only, and only for
DistributionId with Region Global (CloudFront developer guide, "Types of metrics for CloudFront").
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

from botocore.exceptions import ClientError

from collectors.edge_answers import parse_distribution, place
from collectors.metric_data import PERMISSION as METRICS_PERMISSION
from collectors.metric_data import Asked, read_series
from collectors.reading import READ_ERRORS, Answer, Reading, Scope, read_each
from diagnosis.series import MetricKey, Metrics, Missing
from diagnosis.systems.edge import BUCKET, Bucket, Distribution, EdgeOrigin, Grant

HOME = "us-east-1"
NAMESPACE = "AWS/CloudFront"
PERMISSIONS = ("cloudfront:GetDistribution", "cloudfront:GetMonitoringSubscription")
BUCKET_PERMISSIONS = ("s3:ListBucket", "s3:GetBucketPolicy")
MOST_BUCKETS, MOST_GRANTS, MOST_VALUES, LONGEST_VALUE = 4, 30, 12, 256
MOST_FUNCTIONS = 20

# Metric -> statistic; "Only one statistic, Average or Sum, is applicable for each metric" (the same guide).
# The rates by code and OriginLatency are there only with additional metrics.
PUBLISHED: Mapping[str, tuple[str, ...]] = {
    "Requests": ("Sum",),
    "5xxErrorRate": ("Average",),
    "4xxErrorRate": ("Average",),
    "TotalErrorRate": ("Average",),
    **dict.fromkeys((f"{code}ErrorRate" for code in (401, 403, 404, 502, 503, 504)), ("Average",)),
    "CacheHitRate": ("Average",),
    "OriginLatency": ("p50", "p99"),
    "LambdaExecutionError": ("Sum",),
    "LambdaValidationError": ("Sum",),
    "LambdaLimitExceededErrors": ("Sum",),
}
FUNCTION_METRICS = (
    "FunctionInvocations",
    "FunctionExecutionErrors",
    "FunctionValidationErrors",
    "FunctionThrottles",
)


def collect_distribution(scope: Scope, read: Mapping[str, object]) -> Distribution:
    """The distribution's configuration, and whether its additional metrics are on."""
    client, id_ = scope.clients("cloudfront"), scope.entry_point.id
    additional = _has_additional_metrics(client, id_)
    return parse_distribution(client.get_distribution(Id=id_), additional)


def _has_additional_metrics(client: Any, id_: str) -> bool | None:
    """Whether they are published; None where that could not be read, which is no reason to stop."""
    try:
        answer: Answer = client.get_monitoring_subscription(DistributionId=id_)
    except ClientError as error:
        missing = error.response.get("Error", {}).get("Code") == "NoSuchMonitoringSubscription"
        return False if missing else None
    except READ_ERRORS:
        return None
    settings = answer.get("MonitoringSubscription", {}).get("RealtimeMetricsSubscriptionConfig", {})
    return bool(settings.get("RealtimeMetricsSubscriptionStatus") == "Enabled")


def collect_metrics(scope: Scope, read: Mapping[str, object]) -> Metrics | Missing:
    """Every series of the distribution and its functions; those that are not published have no points."""
    known = cast("Distribution | Missing", read["distribution"])
    names = () if isinstance(known, Missing) else known.functions[:MOST_FUNCTIONS]
    return read_series(scope, dict(_asked(scope.entry_point.id, names)), HOME)


def _asked(id_: str, functions: Sequence[str]) -> Iterator[tuple[MetricKey, Asked]]:
    whole = {"DistributionId": id_, "Region": "Global"}
    for name, statistics in PUBLISHED.items():
        for statistic in statistics:
            yield MetricKey(name, statistic), Asked(NAMESPACE, name, statistic, whole)
    for function in functions:
        dimensions = {"FunctionName": function, "Region": "Global"}
        for name in FUNCTION_METRICS:
            yield MetricKey(name, "Sum", part=function), Asked(NAMESPACE, name, "Sum", dimensions)


def collect_edge(scope: Scope, read: Mapping[str, object]) -> Distribution | Missing:
    """The distribution with what can be told of the buckets among its origins."""
    known = cast("Distribution | Missing", read["distribution"])
    if isinstance(known, Missing):
        return known
    stored = {each.id: each for each in known.origins if each.kind == BUCKET}
    asked = list(stored)[:MOST_BUCKETS]
    found = read_each("s3", asked, lambda id_: _bucket(scope, stored[id_]))
    beyond = Missing(f"only {MOST_BUCKETS} of {len(stored)} buckets were read")
    return replace(known, buckets={id_: found.get(id_, beyond) for id_ in stored})


def _bucket(scope: Scope, origin: EdgeOrigin) -> Bucket:
    _, name, region = place(origin.domain)
    client = scope.client_in("s3", region or HOME)
    try:
        head: Answer = client.head_bucket(Bucket=name)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in {"404", "NoSuchBucket"}:
            return Bucket(name, found=False, region=region, policy=None)
        raise
    there = head.get("BucketRegion") or region
    policy = read_each("s3", [name], partial(_policy, scope.client_in("s3", there or HOME)))
    return Bucket(name, found=True, region=there, policy=policy[name])


def _policy(client: Any, name: str) -> tuple[Grant, ...] | None:
    """The bucket's policy; None where it has none."""
    try:
        answer: Answer = client.get_bucket_policy(Bucket=name)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NoSuchBucketPolicy":
            return None
        raise
    return parse_policy(answer.get("Policy", ""))


def parse_policy(text: str) -> tuple[Grant, ...]:
    """The statements of a policy, bounded; one that cannot be read grants nothing."""
    try:
        content = json.loads(text)
    except ValueError:
        return ()
    statements = _list(content.get("Statement")) if isinstance(content, dict) else []
    return tuple(_grant(each) for each in statements[:MOST_GRANTS] if isinstance(each, dict))


def _grant(statement: Answer) -> Grant:
    principal = statement.get("Principal")
    named = principal.values() if isinstance(principal, dict) else [principal]
    conditions = statement.get("Condition")
    tests = conditions.values() if isinstance(conditions, dict) else ()
    sources = [value for test in tests if isinstance(test, dict) for value in test.values()]
    return Grant(
        effect=str(statement.get("Effect", ""))[:LONGEST_VALUE],
        principals=_texts(named),
        actions=_texts([statement.get("Action")]),
        sources=_texts(sources),
    )


def _texts(values: Any) -> tuple[str, ...]:
    flat = [item for value in values for item in _list(value) if isinstance(item, (str, bool, int))]
    return tuple(str(item)[:LONGEST_VALUE] for item in flat[:MOST_VALUES])


def _list(value: object) -> list[Any]:
    """A policy writes one element without a list around it."""
    return value if isinstance(value, list) else [] if value is None else [value]


READINGS = (
    Reading("distribution", "cloudfront", (), PERMISSIONS, collect_distribution),
    Reading("edge", "s3", ("distribution",), BUCKET_PERMISSIONS, collect_edge, on_demand=True),
    Reading("metrics", "cloudwatch", ("distribution",), (METRICS_PERMISSION,), collect_metrics),
)
