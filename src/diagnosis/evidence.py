"""The facts that can be known about an entry point, as plain data, to and from JSON.

Whatever could not be read is `Missing` with the reason: nothing found and could not look are different facts.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, Union

from diagnosis.series import MINUTE, MISSING, NOT_LOOKED_UP, MetricKey, Metrics, Missing, Window
from diagnosis.systems.certificates import Certificate
from diagnosis.systems.containers import ContainerService
from diagnosis.systems.edge import Distribution
from diagnosis.systems.firewall import WebAcl
from diagnosis.systems.functions import Function
from diagnosis.systems.gateway import Api
from diagnosis.systems.health import MAY_NOT_ASK, AlarmInAlarm, HealthEvent

__all__ = ["MINUTE", "MISSING", "NOT_LOOKED_UP", "MetricKey", "Metrics", "Missing", "Window"]


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """What DescribeLoadBalancers says; `zones` are names such as eu-west-1a."""

    arn: str
    name: str
    state: str
    zones: tuple[str, ...]
    security_groups: tuple[str, ...]
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """Configuration of a target group; `id` is the dimension value targetgroup/name/hash."""

    arn: str
    id: str
    name: str
    target_type: str
    protocol: str | None
    protocol_version: str | None
    port: int | None
    health_check_enabled: bool = True
    health_check_path: str | None = None
    health_check_port: str | None = None
    health_check_protocol: str | None = None
    health_check_matcher: str | None = None
    health_check_interval_seconds: int | None = None
    health_check_timeout_seconds: int | None = None
    healthy_threshold: int | None = None
    unhealthy_threshold: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One registered target and its health now (elbv2 TargetHealth: state, reason code, description)."""

    id: str
    port: int | None
    zone: str | None
    state: str
    reason: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What a listener or rule does: `kind` forward, redirect, fixed-response, authenticate-…; weights by
    target-group id.
    """

    kind: str
    weights: Mapping[str, int] = field(default_factory=dict)
    status_code: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a listener in order of priority; `priority` is "default" for the last."""

    listener_arn: str
    priority: str
    conditions: tuple[str, ...]
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener with its rules, or Missing where the rules could not be read."""

    arn: str
    port: int
    protocol: str
    default_actions: tuple[Action, ...]
    rules: tuple[Rule, ...] | Missing = ()


@dataclass(frozen=True, slots=True)
class Revision:
    """What a deployment installs; `id` tells two revisions apart (bucket, key, version and eTag, or commit,
    or hash).
    """

    kind: str
    id: str
    label: str


@dataclass(frozen=True, slots=True)
class DeploymentTarget:
    """One instance of a deployment: when its last life-cycle event ended and how."""

    id: str
    status: str
    completed: datetime | None
    failed_event: str | None = None
    diagnostics: str | None = None


@dataclass(frozen=True, slots=True)
class DeploymentGroup:
    """A CodeDeploy deployment group with its tags (Missing where they could not be read).

    `services` are the ECS services that it deploys to, as cluster/service.
    """

    application: str
    name: str
    target_groups: tuple[str, ...]
    load_balancers: tuple[str, ...] = ()
    auto_scaling_groups: tuple[str, ...] = ()
    style: str = "IN_PLACE"
    deployment_config: str | None = None
    alarms: tuple[str, ...] = ()
    auto_rollback: bool = False
    tags: Mapping[str, str] | Missing = field(default_factory=dict)
    application_tags: Mapping[str, str] | Missing = field(default_factory=dict)
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment; `group` and `targets` are Missing where they could not be read.

    `system` is who deploys: codedeploy, or ecs or lambda where the service does it by itself. `status` is the
    API's word (Created, Queued, InProgress, Baking, Ready, Succeeded, Failed, Stopped).
    """

    id: str
    application: str
    group_name: str
    status: str
    creator: str
    platform: str
    created: datetime
    started: datetime | None
    completed: datetime | None
    revision: Revision | None
    description: str = ""
    style: str = "IN_PLACE"
    is_rollback: bool = False
    rolled_back_by: str | None = None
    succeeded_targets: int | None = None
    total_targets: int | None = None
    group: DeploymentGroup | Missing = NOT_LOOKED_UP
    targets: tuple[DeploymentTarget, ...] | Missing = NOT_LOOKED_UP
    system: str = "codedeploy"

    @property
    def running(self) -> bool:
        """Whether it has not ended; an unknown status counts as running (codedeploy facts, section 2)."""
        return self.status not in {"Succeeded", "Failed", "Stopped"}

    @property
    def begun(self) -> datetime:
        """When it may first have touched a target."""
        return self.started or self.created


@dataclass(frozen=True, slots=True)
class Deployments:
    """The deployments created in a time range, newest first."""

    since: datetime
    found: tuple[Deployment, ...]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One write recorded by CloudTrail; `resources` are every identifier found in it."""

    id: str
    name: str
    source: str
    at: datetime
    by: str
    resources: tuple[str, ...] = ()
    error: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changes:
    """CloudTrail's answer: what it showed of the time since `since`; it cannot be trusted after
    `shown_until`.

    CloudTrail delivers about five minutes after the call (lambda-ops facts, section 4). `truncated` means
    that there was more. `unread` are look-ups besides that could not be made, by what was looked up, such as
    "iam.amazonaws.com in us-east-1" where that was another region.
    """

    since: datetime
    shown_until: datetime
    found: tuple[Change, ...]
    truncated: bool = False
    unread: Mapping[str, Missing] = field(default_factory=dict)

    @property
    def unread_elsewhere(self) -> Mapping[str, Missing]:
        """The look-ups in other regions that could not be made: of these nothing was seen."""
        return {name: each for name, each in self.unread.items() if " in " in name}


@dataclass(frozen=True, slots=True)
class Instance:
    """An EC2 instance behind a target: where it is, when it started, which security groups guard it."""

    id: str
    zone: str | None
    state: str
    launched: datetime | None
    security_groups: tuple[str, ...] = ()
    subnet: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was read about one entry point at `now`.

    `kind` is the entry point's. Mappings by target group have the id (targetgroup/name/hash) as key,
    `functions` the function's name, `origins` the id of an origin behind a distribution or an API.
    `processor` is CPUUtilization (percent, Average) by instance, one value a minute of the metrics' window.
    `firewall` is None where the entry point has no web ACL.
    """

    now: datetime
    metrics: Metrics | Missing
    load_balancer: LoadBalancer | Missing = NOT_LOOKED_UP
    attributes: Mapping[str, str] | Missing = NOT_LOOKED_UP
    target_groups: tuple[TargetGroup, ...] | Missing = NOT_LOOKED_UP
    target_group_attributes: Mapping[str, Mapping[str, str] | Missing] | Missing = NOT_LOOKED_UP
    target_health: Mapping[str, tuple[Target, ...] | Missing] | Missing = NOT_LOOKED_UP
    listeners: tuple[Listener, ...] | Missing = NOT_LOOKED_UP
    deployments: Deployments | Missing = NOT_LOOKED_UP
    changes: Changes | Missing = NOT_LOOKED_UP
    instances: tuple[Instance, ...] | Missing = NOT_LOOKED_UP
    processor: Mapping[str, tuple[float | None, ...]] | Missing = NOT_LOOKED_UP
    kind: str = "alb"
    firewall: WebAcl | Missing | None = NOT_LOOKED_UP
    functions: Mapping[str, Function] | Missing = NOT_LOOKED_UP
    services: tuple[ContainerService, ...] | Missing = NOT_LOOKED_UP
    certificates: tuple[Certificate, ...] | Missing = NOT_LOOKED_UP
    gateway: Api | Missing = NOT_LOOKED_UP
    edge: Distribution | Missing = NOT_LOOKED_UP
    origins: Mapping[str, "Evidence | Missing"] | Missing = NOT_LOOKED_UP
    health_events: tuple[HealthEvent, ...] | Missing = NOT_LOOKED_UP
    alarms_in_alarm: tuple[AlarmInAlarm, ...] | Missing = NOT_LOOKED_UP

    def missing(self) -> tuple[tuple[str, str], ...]:
        """Every source that could not be read, with its reason, inner ones by their path."""
        return tuple(sorted(_missing_below("", self)))


def _missing_below(path: str, value: object) -> typing.Iterator[tuple[str, str]]:
    if isinstance(value, Missing):
        if value not in (NOT_LOOKED_UP, MAY_NOT_ASK):
            yield path, value.reason
    elif isinstance(value, Metrics):
        return  # its unread series are kept beside it, and its points are many
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for each in dataclasses.fields(value):
            yield from _missing_below(f"{path}.{each.name}".lstrip("."), getattr(value, each.name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _missing_below(f"{path}[{key}]", item)
    elif isinstance(value, tuple):
        for item in value:
            name = getattr(item, "id", None) or getattr(item, "arn", "")
            yield from _missing_below(f"{path}[{name}]", item)


T = TypeVar("T")


class EvidenceFormatError(ValueError):
    """Stored evidence does not have the shape of this version; the message names the field."""


def to_json(value: object) -> Any:
    """Plain JSON data for any evidence value; a mapping with other keys than text becomes a list of pairs."""
    if isinstance(value, Missing):
        return {MISSING: value.reason}
    if isinstance(value, datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: to_json(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        if MISSING not in value and all(isinstance(key, str) for key in value):
            return {key: to_json(item) for key, item in value.items()}
        return [[to_json(key), to_json(item)] for key, item in value.items()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        # Series are most of it: what is plain already is taken as it is.
        plain = all(item is None or type(item) in _PLAIN for item in value)
        return list(value) if plain else [to_json(item) for item in value]
    return value


def from_json(kind: type[T], data: Any) -> T:
    """The inverse of `to_json` for a dataclass type.

    Raises `EvidenceFormatError` for an unknown or absent field.
    """
    return typing.cast(T, _decode(kind, data, kind.__name__))


def _decode(kind: Any, data: Any, path: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return _decode_union(arguments, data, path)
    if kind is datetime:
        return datetime.fromisoformat(data)
    if kind is MetricKey:
        return MetricKey(*data)
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, data, path)
    if origin is tuple and _is_plain(arguments[0]):
        return tuple(data)
    if origin is tuple:
        return tuple(_decode(arguments[0], item, path) for item in data)
    if origin is Mapping:
        pairs = data.items() if isinstance(data, dict) else data
        return {_decode(arguments[0], key, path): _decode(arguments[1], item, path) for key, item in pairs}
    return data


_PLAIN = frozenset({str, int, float, bool})


@cache
def _is_plain(kind: Any) -> bool:
    """Whether values of this kind are the same in JSON: numbers, texts, and those that may be None."""
    choices = typing.get_args(kind) if typing.get_origin(kind) in (Union, types.UnionType) else (kind,)
    return all(each in _PLAIN or each is type(None) for each in choices)


def _decode_union(choices: tuple[Any, ...], data: Any, path: str) -> Any:
    if data is None:
        return None
    if isinstance(data, dict) and set(data) == {MISSING} and Missing in choices:
        return Missing(data[MISSING])
    rest = [choice for choice in choices if choice not in (Missing, type(None))]
    return _decode(rest[0], data, path)


def _decode_dataclass(kind: Any, data: Any, path: str) -> Any:
    hints = typing.get_type_hints(kind)
    if not isinstance(data, dict) or set(data) != set(hints):
        raise EvidenceFormatError(f"{path}: expected the fields {sorted(hints)}")
    return kind(**{name: _decode(hint, data[name], f"{path}.{name}") for name, hint in hints.items()})
