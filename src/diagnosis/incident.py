"""What an event is about: from any envelope to an alarm, and from its metrics to the entry point that fails.

The way is `parse_event`, `ignored_reason`, the metrics of a composite alarm's children, `entry_point`.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from diagnosis.alarm import Alarm, AlarmState, Ignored, MetricReference, event_identity
from diagnosis.arn import load_balancer_arn, target_group_arn
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

# Namespaces of entry points that alarms may well watch, but whose evidence is not collected yet.
_NOT_YET_SUPPORTED = {
    "AWS/ELB": "a Classic Load Balancer",
    "AWS/NetworkELB": "a Network Load Balancer",
    "AWS/ApiGateway": "an API Gateway API",
    "AWS/CloudFront": "a CloudFront distribution",
    "AWS/WAFV2": "a WAF web ACL",
}


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """Where clients' requests come in: what an incident is about.

    `kind` is `alb`, `nlb`, `clb`, `apigateway` or `cloudfront`; `id` is the value of the dimension that
    names it (`app/name/id`); `target_group` is the dimension value `targetgroup/name/id` if the alarm names
    just one.
    """

    kind: str
    id: str
    name: str
    target_group: str | None
    account: str
    region: str

    @property
    def arn(self) -> str:
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


# How to read the entry point of each kind; a new kind is a new line.
_READERS: Mapping[str, Callable[[Alarm, Sequence[MetricReference]], EntryPoint | Ignored]] = {
    "AWS/ApplicationELB": _application_load_balancer,
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
    others = ", ".join(sorted(metric.dimensions)) or "none"
    return (
        f"The alarm {alarm.name} watches {metric.name} without the dimension LoadBalancer "
        f"(its dimensions: {others[:120]}), so the load balancer is unknown."
    )


def _reason_for_others(alarm: Alarm, metrics: Sequence[MetricReference]) -> str:
    for metric in metrics:
        kind = _NOT_YET_SUPPORTED.get(metric.namespace)
        if kind:
            return f"The alarm {alarm.name} watches {metric.name} of {kind}, which is not supported yet."
    watched = f"{metrics[0].namespace} {metrics[0].name}"
    return f"The alarm {alarm.name} watches {watched}, which is no metric of an entry point for requests."
