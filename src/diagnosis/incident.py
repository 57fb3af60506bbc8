"""What an event is about: from any envelope to an alarm, and from its metrics to the entry point that fails.

The way is `parse_event`, `ignored_reason`, the metrics of a composite alarm's children, `entry_point`.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from diagnosis.alarm import Alarm, AlarmState, Ignored, MetricReference, event_identity
from diagnosis.arn import api_arn, distribution_arn, load_balancer_arn, target_group_arn
from diagnosis.envelope import parse_event

__all__ = [
    "Alarm",
    "AlarmState",
    "EntryPoint",
    "Ignored",
    "MetricReference",
    "entry_point",
    "event_identity",
    "ignored_reason",
    "parse_event",
]

_LOAD_BALANCER = re.compile(r"app/([A-Za-z0-9-]{1,32})/[A-Za-z0-9]{1,64}")
_TARGET_GROUP = re.compile(r"targetgroup/[A-Za-z0-9-]{1,32}/[A-Za-z0-9]{1,64}")

# What an alarm about cost or volume of bytes watches. Every other metric of a load balancer may tell of
# failing requests: error counts and response times, of course, but also host counts, connections, and too
# few requests.
_NOT_ABOUT_ERRORS = frozenset(
    {
        "ConsumedLCUs",
        "PeakLCUs",
        "ProcessedBytes",
        "IPv6ProcessedBytes",
        "LambdaTargetProcessedBytes",
        "TargetControlProcessedBytes",
        "RuleEvaluations",
    }
)

# Auto Scaling names the alarms of its target-tracking policies so, and one of each pair is in ALARM whenever
# there is little to do (Application Auto Scaling user guide, "Target tracking scaling policies").
_SCALING_PREFIX = "TargetTracking-"

# Namespaces that alarms about requests may well watch, but that belong to no entry point for them.
_NOT_SUPPORTED = {
    "AWS/NetworkELB": "a Network Load Balancer",
    "AWS/WAFV2": "a WAF web ACL",
    "AWS/Lambda": "a function, and not of what calls it",
    "AWS/ECS": "an ECS service, and not of what calls it",
}
# What an API's and a distribution's alarm must watch one of, apart from the many about volume and cost.
_API_METRICS = frozenset(
    {
        *("4XXError", "5XXError", "4xx", "5xx", "Count", "Latency", "IntegrationLatency"),
        *("ClientError", "ExecutionError", "IntegrationError", "ConnectCount", "MessageCount"),
    }
)
_EDGE_METRIC = re.compile(r"(?:[45]xx|Total|[45]\d\d)ErrorRate|Requests|OriginLatency")
_DISTRIBUTION = re.compile(r"[A-Z0-9]{5,32}")


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """Where clients' requests come in: what an incident is about.

    `kind` is `alb`, `nlb`, `clb`, `apigateway` or `cloudfront`; `id` is the value of the dimension that
    names it (`app/name/id`, an API's id or name); `target_group` is the dimension value
    `targetgroup/name/id` if the alarm names just one; `dimensions` are all that the alarm names.
    """

    kind: str
    id: str
    name: str
    target_group: str | None
    account: str
    region: str
    dimensions: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str | None:
        """The ARN, where the dimensions tell it: alarms on a REST API carry only its name."""
        if self.kind == "cloudfront":
            return distribution_arn(self.region, self.account, self.id)
        if self.kind == "apigateway":
            return api_arn(self.region, self.id) if "ApiId" in self.dimensions else None
        return load_balancer_arn(self.region, self.account, self.id)

    @property
    def target_group_arn(self) -> str | None:
        return target_group_arn(self.region, self.account, self.target_group) if self.target_group else None


def ignored_reason(alarm: Alarm, name_prefix: str = "") -> str | None:
    """Why this alarm needs no diagnosis, in one sentence; None if it does, or is OK and ends an incident.

    An alarm whose actions are suppressed or muted still counts: the requests fail all the same. This
    application's own alarms need no rule here: they watch queues and functions, so they have no entry point.
    """
    if not alarm.name.startswith(name_prefix):
        return f"The alarm {alarm.name} is not watched here: its name does not begin with {name_prefix}."
    if alarm.name.startswith(_SCALING_PREFIX):
        return f"The alarm {alarm.name} belongs to a scaling policy, which watches load and not errors."
    if alarm.state is AlarmState.INSUFFICIENT_DATA:
        return f"The alarm {alarm.name} has too little data to tell whether anything fails."
    return None


def entry_point(alarm: Alarm, metrics: Sequence[MetricReference]) -> EntryPoint | Ignored:
    """The entry point that the alarm's metrics are about, or why there is none.

    Where the metrics name several, it is the one named most often; the order of metrics decides nothing.
    """
    if not metrics:
        return alarm.ignored(f"The alarm {alarm.name} names no metric, so what it watches is unknown.")
    for namespace, read in _READERS.items():
        watched = [metric for metric in metrics if metric.namespace == namespace]
        if watched:
            return read(alarm, watched)
    return alarm.ignored(_reason_for_others(alarm, metrics))


def _application_load_balancer(alarm: Alarm, metrics: Sequence[MetricReference]) -> EntryPoint | Ignored:
    about_requests = [metric for metric in metrics if metric.name not in _NOT_ABOUT_ERRORS]
    if not about_requests:
        return alarm.ignored(f"The alarm {alarm.name} watches {metrics[0].name}, which is not about errors.")
    named = [metric for metric in about_requests if _LOAD_BALANCER.fullmatch(_load_balancer(metric))]
    if not named:
        return alarm.ignored(_reason_for_dimensions(alarm, about_requests[0]))
    occurrences = Counter((_load_balancer(metric), metric.account or alarm.account) for metric in named)
    (dimension, account), _ = min(occurrences.items(), key=lambda item: (-item[1], item[0]))
    own = [metric for metric in named if _load_balancer(metric) == dimension]
    name = dimension.split("/")[1]
    return EntryPoint("alb", dimension, name, _only_target_group(own), account, alarm.region)


def _classic_load_balancer(alarm: Alarm, metrics: Sequence[MetricReference]) -> EntryPoint | Ignored:
    about_requests = [metric for metric in metrics if not metric.name.startswith("Estimated")]
    return _by_dimension("clb", "LoadBalancerName", alarm, about_requests or metrics)


def _api(alarm: Alarm, metrics: Sequence[MetricReference]) -> EntryPoint | Ignored:
    about_requests = [metric for metric in metrics if metric.name in _API_METRICS]
    if not about_requests:
        return alarm.ignored(f"The alarm {alarm.name} watches {metrics[0].name}, which is not about errors.")
    by_id = any("ApiId" in metric.dimensions for metric in about_requests)
    return _by_dimension("apigateway", "ApiId" if by_id else "ApiName", alarm, about_requests)


def _distribution(alarm: Alarm, metrics: Sequence[MetricReference]) -> EntryPoint | Ignored:
    about_requests = [metric for metric in metrics if _EDGE_METRIC.fullmatch(metric.name)]
    if not about_requests:
        return alarm.ignored(f"The alarm {alarm.name} watches {metrics[0].name}, which is not about errors.")
    named = [m for m in about_requests if _DISTRIBUTION.fullmatch(m.dimensions.get("DistributionId", ""))]
    return _by_dimension("cloudfront", "DistributionId", alarm, named or about_requests)


def _by_dimension(
    kind: str, dimension: str, alarm: Alarm, metrics: Sequence[MetricReference]
) -> EntryPoint | Ignored:
    """The entry point that most of the metrics name by this dimension."""
    named = [metric for metric in metrics if metric.dimensions.get(dimension)]
    if not named:
        return alarm.ignored(_reason_for_dimension(alarm, metrics[0], dimension))
    occurrences = Counter((metric.dimensions[dimension], metric.account or alarm.account) for metric in named)
    (name, account), _ = min(occurrences.items(), key=lambda item: (-item[1], item[0]))
    dimensions = next(metric.dimensions for metric in named if metric.dimensions[dimension] == name)
    return EntryPoint(kind, name, name, None, account, alarm.region, dict(dimensions))


# How to read the entry point of each kind; a new kind is a new line.
_READERS: Mapping[str, Callable[[Alarm, Sequence[MetricReference]], EntryPoint | Ignored]] = {
    "AWS/ApplicationELB": _application_load_balancer,
    "AWS/ELB": _classic_load_balancer,
    "AWS/CloudFront": _distribution,
    "AWS/ApiGateway": _api,
}


def _load_balancer(metric: MetricReference) -> str:
    return metric.dimensions.get("LoadBalancer", "")


def _only_target_group(metrics: Sequence[MetricReference]) -> str | None:
    """The target group that the metrics name, if they name just one."""
    named = {metric.dimensions.get("TargetGroup", "") for metric in metrics}
    groups = [group for group in named if _TARGET_GROUP.fullmatch(group)]
    return groups[0] if len(groups) == 1 else None


def _reason_for_dimensions(alarm: Alarm, metric: MetricReference) -> str:
    dimension = _load_balancer(metric)
    if dimension:
        return (
            f"The alarm {alarm.name} watches {metric.name} of {dimension[:120]}, "
            "which is not the app/name/id of an Application Load Balancer."
        )
    return _reason_for_dimension(alarm, metric, "LoadBalancer")


_NAMED_BY = {
    "LoadBalancer": "load balancer",
    "LoadBalancerName": "load balancer",
    "ApiName": "API",
    "DistributionId": "distribution",
}


def _reason_for_dimension(alarm: Alarm, metric: MetricReference, dimension: str) -> str:
    others = ", ".join(sorted(metric.dimensions)) or "none"
    return (
        f"The alarm {alarm.name} watches {metric.name} without the dimension {dimension} "
        f"(its dimensions: {others[:120]}), so the {_NAMED_BY[dimension]} is unknown."
    )


def _reason_for_others(alarm: Alarm, metrics: Sequence[MetricReference]) -> str:
    for metric in metrics:
        kind = _NOT_SUPPORTED.get(metric.namespace)
        if kind:
            return f"The alarm {alarm.name} watches {metric.name} of {kind}; that is not diagnosed by itself."
    watched = f"{metrics[0].namespace} {metrics[0].name}"
    return f"The alarm {alarm.name} watches {watched}, which is no metric of an entry point for requests."
