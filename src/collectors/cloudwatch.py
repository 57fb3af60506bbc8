"""Reads the metrics of the load balancer, its zones and its target groups, and how busy the instances are.

The table is the ALB user guide's, "CloudWatch metrics for your Application Load Balancer": a series exists
only for the combinations of dimensions that are published, and CloudWatch adds nothing up across them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from collectors.elastic_load_balancing import known_groups
from collectors.metric_data import PERMISSION, Asked, all_unread, read_series
from collectors.reading import Reading, Scope
from diagnosis.evidence import LoadBalancer, MetricKey, Metrics, Missing, Target

PERMISSIONS = (PERMISSION,)
MOST_INSTANCES = 50

# Dimensions beside the load balancer: none, its zone, a target group, a target group in a zone.
WHOLE, ZONE, GROUP, GROUP_ZONE = "whole", "zone", "group", "group in zone"


@dataclass(frozen=True, slots=True)
class Published:
    """A metric of AWS/ApplicationELB: its statistics to read, and the dimensions beside the load balancer."""

    name: str
    statistics: tuple[str, ...]
    dimensions: tuple[str, ...]


_SUM = ("Sum",)
_HOSTS = ("Minimum", "Maximum", "Average")
_ALL = (WHOLE, ZONE, GROUP, GROUP_ZONE)
_BALANCER = (WHOLE, ZONE)
_GROUPS = (GROUP, GROUP_ZONE)

# The most telling first: of a very large load balancer only the first 500 series are read.
PUBLISHED: tuple[Published, ...] = (
    # requests for which a target was chosen, and what the targets answered
    Published("RequestCount", _SUM, _ALL),
    Published("HTTPCode_Target_2XX_Count", _SUM, _ALL),
    Published("HTTPCode_Target_5XX_Count", _SUM, _ALL),
    Published("HTTPCode_Target_4XX_Count", _SUM, (WHOLE, ZONE, GROUP)),
    Published("HTTPCode_Target_3XX_Count", _SUM, (WHOLE, ZONE, GROUP)),
    # what the load balancer answered by itself; never published per target group
    Published("HTTPCode_ELB_5XX_Count", _SUM, _BALANCER),
    Published("HTTPCode_ELB_4XX_Count", _SUM, _BALANCER),
    Published("HTTPCode_ELB_3XX_Count", _SUM, _BALANCER),
    Published("HTTPCode_ELB_500_Count", _SUM, _BALANCER),
    Published("HTTPCode_ELB_502_Count", _SUM, _BALANCER),
    Published("HTTPCode_ELB_503_Count", _SUM, _BALANCER),
    Published("HTTPCode_ELB_504_Count", _SUM, _BALANCER),
    # between the load balancer and the targets
    Published("TargetConnectionErrorCount", _SUM, _ALL),
    Published("TargetTLSNegotiationErrorCount", _SUM, (WHOLE, ZONE, GROUP)),
    Published("HealthyHostCount", _HOSTS, _GROUPS),
    Published("UnHealthyHostCount", _HOSTS, _GROUPS),
    Published("TargetResponseTime", ("Average",), _ALL),
    Published("TargetResponseTime", ("p99",), (WHOLE, ZONE, GROUP)),
    Published("TargetResponseTime", ("p50",), (WHOLE, GROUP)),
    Published("UnhealthyRoutingRequestCount", _SUM, (GROUP,)),
    Published("RequestCountPerTarget", _SUM, (GROUP,)),
    Published("LambdaUserError", _SUM, (GROUP,)),
    Published("LambdaInternalError", _SUM, (GROUP,)),
    Published("AnomalousHostCount", ("Maximum",), (GROUP,)),
    Published("ActiveZonalShiftHostCount", _SUM, (GROUP,)),
    # what rules answer, and the limits of the load balancer
    Published("HTTP_Fixed_Response_Count", _SUM, (WHOLE,)),
    Published("HTTP_Redirect_Count", _SUM, (WHOLE,)),
    Published("RejectedConnectionCount", _SUM, (WHOLE,)),
    Published("CapacityUtilization", ("Maximum",), (WHOLE,)),
    Published("TargetControlRequestRejectCount", _SUM, (WHOLE,)),
    # clients
    Published("NewConnectionCount", _SUM, (WHOLE,)),
    Published("ActiveConnectionCount", _SUM, (WHOLE,)),
    Published("ProcessedBytes", _SUM, (WHOLE,)),
    Published("ClientTLSNegotiationErrorCount", _SUM, (WHOLE,)),
    Published("ELBAuthError", _SUM, (WHOLE,)),
    Published("ELBAuthFailure", _SUM, (WHOLE,)),
    Published("ELBAuthSuccess", _SUM, (WHOLE,)),
    Published("ELBAuthLatency", ("Average",), (WHOLE,)),
    Published("ELBAuthUserClaimsSizeExceeded", _SUM, (WHOLE,)),
    # not in the guide's table, but seen where listeners validate tokens
    Published("JWTValidationFailureCount", _SUM, (WHOLE,)),
    Published("LowReputationRequestsDenied", _SUM, (WHOLE,)),
    Published("DesyncMitigationMode_NonCompliant_Request_Count", _SUM, (WHOLE,)),
    Published("DroppedInvalidHeaderRequestCount", _SUM, (ZONE,)),
    Published("HTTP_Redirect_Url_Limit_Exceeded_Count", _SUM, (WHOLE,)),
)


def collect_metrics(scope: Scope, read: Mapping[str, object]) -> Metrics | Missing:
    """Every series of the load balancer at one-minute grain in one GetMetricData call.

    Without the zones there are no series by zone; what is beyond the limit of a call is named as unread.
    """
    balancer = cast("LoadBalancer | Missing", read["load_balancer"])
    zones = () if isinstance(balancer, Missing) else balancer.zones
    wanted = wanted_series(known_groups(scope, read), zones)
    return read_series(scope, {key: _asked(scope.entry_point.id, key) for key in wanted})


def wanted_series(groups: Sequence[str], zones: Sequence[str]) -> tuple[MetricKey, ...]:
    """The series to read: those of the whole first, then of zones, of groups, of groups in zones."""
    places: dict[str, list[tuple[str | None, str | None]]] = {
        WHOLE: [(None, None)],
        ZONE: [(None, zone) for zone in zones],
        GROUP: [(group, None) for group in groups],
        GROUP_ZONE: [(group, zone) for group in groups for zone in zones],
    }
    return tuple(
        MetricKey(metric.name, statistic, *place)
        for dimensions in _ALL
        for metric in PUBLISHED
        if dimensions in metric.dimensions
        for statistic in metric.statistics
        for place in places[dimensions]
    )


def _asked(load_balancer: str, key: MetricKey) -> Asked:
    dimensions = {
        "LoadBalancer": load_balancer,
        "TargetGroup": key.target_group,
        "AvailabilityZone": key.zone,
    }
    named = {name: value for name, value in dimensions.items() if value}
    return Asked("AWS/ApplicationELB", key.name, key.statistic, named)


def collect_processor(
    scope: Scope, read: Mapping[str, object]
) -> dict[str, tuple[float | None, ...]] | Missing:
    """How busy the processors of instance targets are, percent.

    With basic monitoring an instance has a data point every five minutes only (EC2 user guide, "Monitoring").
    """
    health = cast("Mapping[str, tuple[Target, ...] | Missing] | Missing", read["target_health"])
    if isinstance(health, Missing):
        return health
    asked = {
        MetricKey("CPUUtilization", "Average", part=instance): Asked(
            "AWS/EC2", "CPUUtilization", "Average", {"InstanceId": instance}
        )
        for instance in instance_ids(health)[:MOST_INSTANCES]
    }
    found = read_series(scope, asked)
    if isinstance(found, Missing):
        return found
    if found.unread and not found.series:
        return all_unread(found.unread)
    return {key.part or "": values for key, values in found.series.items()}


def instance_ids(health: Mapping[str, tuple[Target, ...] | Missing]) -> tuple[str, ...]:
    """The targets that are instances, each once."""
    targets = (target for group in health.values() if not isinstance(group, Missing) for target in group)
    return tuple(dict.fromkeys(target.id for target in targets if target.id.startswith("i-")))


READINGS = (
    Reading(
        "metrics",
        "cloudwatch",
        ("load_balancer", "target_groups", "listener_list"),
        PERMISSIONS,
        collect_metrics,
    ),
    Reading("processor", "cloudwatch", ("target_health",), PERMISSIONS, collect_processor),
)
