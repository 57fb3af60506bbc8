"""One incident as data: what AWS holds, minute by minute, what happened, and what is expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lab.timeline import Timeline

GROUP_COUNTS = (
    "target_5xx",
    "target_4xx",
    "target_3xx",
    "elb_502",
    "elb_504",
    "elb_460",
    "connection_errors",
    "tls_errors",
    "unhealthy_routing",
    "lambda_user_errors",
    "lambda_internal_errors",
)
GROUP_FIGURES = ("requests", *GROUP_COUNTS, "response_time", "response_time_p99", "healthy", "unhealthy")


@dataclass(frozen=True, slots=True)
class Target:
    """One registered target and its health now, in the words of DescribeTargetHealth."""

    id: str
    zone: str
    port: int | None
    state: str = "healthy"
    reason: str | None = None
    description: str | None = None
    launched: float | None = None


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """A target group: its targets, its settings, and its figures as timelines."""

    name: str
    targets: tuple[Target, ...]
    target_type: str
    port: int
    protocol: str
    protocol_version: str
    health_check: Mapping[str, Any]
    attributes: Mapping[str, str]
    tags: Mapping[str, str]
    security_groups: tuple[str, ...]
    figures: Mapping[str, Timeline]
    zone_share: Mapping[str, Mapping[str, float]]
    response_time_by_zone: Mapping[str, Timeline]
    cpu: Mapping[str, Timeline]

    def figure(self, name: str) -> Timeline:
        """The timeline of that figure."""
        return self.figures[name]


@dataclass(frozen=True, slots=True)
class Rule:
    """A listener rule; priority None is the default rule."""

    priority: int | None
    conditions: Mapping[str, tuple[str, ...]]
    forward: Mapping[str, int]
    fixed: str | None
    redirect: str | None
    authenticate_oidc: bool = False


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener with its default rule and the others by priority."""

    port: int
    protocol: str
    default: Rule
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """The Application Load Balancer that the alarm watches."""

    name: str
    id: str
    zones: tuple[str, ...]
    attributes: Mapping[str, str]
    tags: Mapping[str, str]
    security_groups: tuple[str, ...]
    scheme: str

    @property
    def region(self) -> str:
        """The region, from the first zone's name."""
        return self.zones[0][:-1]

    @property
    def dimension(self) -> str:
        """The value of the LoadBalancer dimension: the tail of the ARN."""
        return f"app/{self.name}/{self.id}"


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm of the account; the first one is what wakes the product."""

    name: str
    kind: str = "metric"
    state: str = "ALARM"
    metric: str = "HTTPCode_ELB_5XX_Count"
    threshold: float = 50.0
    statistic: str = "Sum"
    period: int = 60
    evaluation_periods: int = 1
    comparison: str = "GreaterThanThreshold"
    treat_missing_data: str = "notBreaching"
    description: str | None = None
    target_group: str | None = None
    zone: str | None = None
    namespace: str = "AWS/ApplicationELB"
    dimensions: Mapping[str, str] | None = None
    expression: str | None = None
    metrics: Mapping[str, str] | None = None
    band: float = 2.0
    children: tuple[Alarm, ...] = ()
    rule: str | None = None
    envelope: str = "eventbridge"
    event: Any = None
    event_path: Path | None = None
    actions: tuple[str, ...] = ()
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """A CodeDeploy revision in S3 or GitHub; `gone`: registered once, its object deleted since."""

    bucket: str = "releases"
    key: str = ""
    bundle_type: str = "zip"
    version: str | None = None
    etag: str | None = None
    repository: str | None = None
    commit: str | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class DeploymentTarget:
    """When one target of a deployment was done (minutes from the alarm) and how it ended."""

    id: str
    completed: float | None = None
    status: str = "Succeeded"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A CodeDeploy deployment, with the settings of its group; minutes count from the alarm."""

    id: str
    application: str
    group: str
    target_groups: tuple[str, ...]
    platform: str
    style: str
    config: str
    created: float
    started: float | None
    completed: float | None
    status: str
    creator: str
    revision: Revision
    description: str
    targets: tuple[DeploymentTarget, ...]
    overview: Mapping[str, int]
    tags: Mapping[str, str]
    application_tags: Mapping[str, str]
    alarms: tuple[str, ...]
    auto_rollback: tuple[str, ...]
    rollback_of: str | None
    rolled_back_by: str | None
    error_code: str | None
    error_message: str | None
    termination_wait_started: bool
    external_id: str | None
    by: str


@dataclass(frozen=True, slots=True)
class Change:
    """A management event that CloudTrail recorded."""

    at: float
    name: str
    source: str
    by: str
    resources: tuple[str, ...]
    parameters: Mapping[str, Any]
    error: str | None
    read_only: bool
    invoked_by: str | None
    event_id: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """What is known when all later looks are over, and how many messages people got until then."""

    cause: tuple[str, ...] = ()
    trigger: tuple[str, ...] = ()
    trigger_id: str | None = None
    messages: int | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the product should make of the incident; lists are acceptable answers, the best first."""

    outcome: str = "diagnosed"
    cause: tuple[str, ...] = ()
    trigger: tuple[str, ...] = ()
    trigger_id: str | None = None
    component: str | None = None
    rollback: bool | None = None
    refused_by: tuple[str, ...] = ()
    later: Later | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole incident; `systems` is what else lies in AWS than load balancers, by the key of its section."""

    name: str
    title: str
    source: str
    at: datetime
    account: str
    alarm: Alarm
    other_alarms: tuple[Alarm, ...]
    load_balancer: LoadBalancer
    target_groups: tuple[TargetGroup, ...]
    traffic: Mapping[str, Timeline]
    listeners: tuple[Listener, ...]
    deployments: tuple[Deployment, ...]
    changes: tuple[Change, ...]
    cloudtrail_delay: float
    faults: Mapping[str, str]
    kill_switch: str | None
    mode: str
    after_rollback: str
    alarm_clears: float | None
    noise: bool
    expect: Expectation
    story: str = ""
    systems: Mapping[str, Any] = field(default_factory=dict)

    @property
    def region(self) -> str:
        """The region in which everything lies."""
        return self.load_balancer.region

    @property
    def minute_zero(self) -> datetime:
        """The minute of the alarm, from which the timelines count."""
        return self.at.replace(second=0, microsecond=0)

    def moment(self, minute: float) -> datetime:
        """The time that lies so many minutes after the minute of the alarm."""
        return self.minute_zero + timedelta(minutes=minute)

    def group(self, name: str) -> TargetGroup:
        """The target group of that name."""
        return next(group for group in self.target_groups if group.name == name)
