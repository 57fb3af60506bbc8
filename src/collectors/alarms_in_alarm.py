"""Reads which other alarms of the account and region are in ALARM: how broad the trouble is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from collectors.reading import Answer, Reading, Scope, in_utc
from diagnosis.alarm_configuration import read_metrics
from diagnosis.systems.health import AlarmInAlarm

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

# All alarms of the account share nine of these calls a second; two pages tell breadth from a single fault.
MOST_PAGES = 2
PERMISSIONS = ("cloudwatch:DescribeAlarms",)
# The dimensions that name a resource, the telling ones first; those beside them are its parts.
_RESOURCES = (
    *(
        "LoadBalancer",
        "LoadBalancerName",
        "DistributionId",
        "ApiId",
        "ApiName",
        "FunctionName",
        "ServiceName",
    ),
    *("DBClusterIdentifier", "DBInstanceIdentifier", "TableName", "QueueName", "TopicName", "StreamName"),
    *("CacheClusterId", "InstanceId", "AutoScalingGroupName", "ClusterName", "BucketName", "FileSystemId"),
)


def collect_alarms_in_alarm(scope: Scope, read: Mapping[str, object]) -> tuple[AlarmInAlarm, ...]:
    """The metric alarms in ALARM, the newest change first; of a great many only the first two hundred.

    Composite alarms repeat what others say, and alarms of scaling policies watch load, so both are left out.
    """
    client = cast("CloudWatchClient", scope.clients("cloudwatch"))
    pages = client.get_paginator("describe_alarms").paginate(
        StateValue="ALARM",
        AlarmTypes=["MetricAlarm"],
        PaginationConfig={"PageSize": 100, "MaxItems": 100 * MOST_PAGES},
    )
    found = [alarm for page in pages for alarm in parse_alarms(page)]
    return tuple(sorted(found, key=lambda each: (each.since is None, _newest(each), each.name)))


def _newest(alarm: AlarmInAlarm) -> float:
    return -alarm.since.timestamp() if alarm.since else 0.0


def parse_alarms(answer: Answer) -> tuple[AlarmInAlarm, ...]:
    """The alarms of one DescribeAlarms page."""
    return tuple(
        _alarm(each)
        for each in answer.get("MetricAlarms", ())
        if "AlarmName" in each and not each["AlarmName"].startswith("TargetTracking-")
    )


def _alarm(described: Answer) -> AlarmInAlarm:
    metrics = read_metrics(described)
    first = metrics[0] if metrics else None
    since = described.get("StateTransitionedTimestamp") or described.get("StateUpdatedTimestamp")
    return AlarmInAlarm(
        name=described["AlarmName"],
        since=in_utc(since),
        namespace=first.namespace if first else None,
        metric=first.name if first else None,
        resource=_resource(first.dimensions) if first else None,
    )


def _resource(dimensions: Mapping[str, str]) -> str | None:
    named = next((dimensions[name] for name in _RESOURCES if name in dimensions), None)
    return named or next(iter(dimensions.values()), None)


READINGS = (Reading("alarms_in_alarm", "cloudwatch", (), PERMISSIONS, collect_alarms_in_alarm),)
