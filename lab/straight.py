"""The evidence of a scenario straight from its data, as the collectors would read it from the staged AWS at
the alarm's time.

It serves what must be fast or pure: the cases of the catalogue, calibration over many drawn incidents. A test
holds it to what
the collectors read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import yaml

from collectors.cloudtrail import collect_changes
from collectors.cloudwatch import MOST_INSTANCES, wanted_series
from collectors.codedeploy import collect_deployment_ids, collect_deployment_records, collect_deployments
from collectors.elastic_load_balancing import known_groups
from collectors.reading import Scope, complete_minutes
from diagnosis.evidence import (
    Action,
    Deployments,
    Evidence,
    Instance,
    Listener,
    LoadBalancer,
    MetricKey,
    Metrics,
    Missing,
    Rule,
    Target,
    TargetGroup,
    Window,
)
from diagnosis.incident import EntryPoint
from lab import deploying as staged_deployments
from lab import scenario as staged
from lab.clock import Clock
from lab.cloudtrail import CloudTrail, changes_of
from lab.codedeploy import CodeDeploy
from lab.direct import DirectClient
from lab.figures import draw
from lab.loading import parse, stable_hex
from lab.metrics import ALB, EC2, MetricStore, Sample, percentile

WINDOW_MINUTES = 180


def case_scenario(title: str, incident: Mapping[str, Any]) -> staged.Scenario:
    """A scenario from a catalogue case: what it says, over a quiet service called order-api with one group,
    orders.
    """
    quiet_group = {
        "targets": 6,
        "requests": "4421",
        "target_4xx": "60",
        "response_time": "0.09",
        "response_time_p99": "0.42",
    }
    groups = incident.get("target_groups", {"orders": {}})
    content = {
        "title": title,
        "at": "2026-11-20T14:47:10Z",
        "load_balancer": {"name": "order-api", "zones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"]},
        "cloudtrail_delay": 0,
        **incident,
        "alarm": {
            "name": "order-api-errors",
            "metric": "HTTPCode_ELB_5XX_Count",
            **incident.get("alarm", {}),
        },
        "target_groups": {name: {**quiet_group, **group} for name, group in groups.items()},
    }
    return parse(yaml.safe_dump(content), name=title)


def evidence_of(scenario: staged.Scenario) -> Evidence:
    """Everything that can be known at the alarm's time."""
    ids = {
        group.name: f"targetgroup/{group.name}/{stable_hex('tg', group.name)}"
        for group in scenario.target_groups
    }
    store = MetricStore(scenario, draw(scenario), ids)
    window = Window(scenario.minute_zero - timedelta(minutes=WINDOW_MINUTES), WINDOW_MINUTES)
    asked = _scope(scenario)
    groups = tuple(_group(scenario, group, ids[group.name]) for group in scenario.target_groups)
    listeners = tuple(_listener(each, ids) for each in scenario.listeners)
    by_name = tuple(sorted(groups, key=lambda each: each.name))
    first_to_last = known_groups(asked, {"target_groups": by_name, "listener_list": listeners})
    instances = [
        (target, group)
        for group in sorted(scenario.target_groups, key=lambda each: first_to_last.index(ids[each.name]))
        if group.target_type == "instance"
        for target in group.targets
    ]
    return Evidence(
        now=scenario.at,
        metrics=_metrics(scenario, store, window, ids),
        load_balancer=LoadBalancer(
            arn=f"arn:aws:elasticloadbalancing:{scenario.region}:{scenario.account}:loadbalancer/{scenario.load_balancer.dimension}",
            name=scenario.load_balancer.name,
            state="active",
            zones=scenario.load_balancer.zones,
            security_groups=scenario.load_balancer.security_groups,
        ),
        attributes=dict(scenario.load_balancer.attributes),
        target_groups=groups,
        target_group_attributes={ids[group.name]: dict(group.attributes) for group in scenario.target_groups},
        target_health={
            ids[group.name]: tuple(_target(each) for each in group.targets)
            for group in scenario.target_groups
        },
        listeners=listeners,
        deployments=_deployments(asked, groups),
        changes=collect_changes(asked, {}),
        instances=tuple(
            Instance(target.id, target.zone, "running", None, group.security_groups)
            for target, group in instances
        ),
        processor={
            id: _column(store.series(EC2, "CPUUtilization", {"InstanceId": id}), "Average")
            for id in list(dict.fromkeys(target.id for target, _ in instances))[:MOST_INSTANCES]
        },
    )


def _metrics(
    scenario: staged.Scenario, store: MetricStore, window: Window, ids: Mapping[str, str]
) -> Metrics:
    series = {}
    for key in wanted_series(tuple(ids.values()), scenario.load_balancer.zones):
        column = _column(store.series(ALB, key.name, _key_dimensions(scenario, key)), key.statistic)
        if any(value is not None for value in column):
            series[key] = column
    return Metrics(window, series)


def _key_dimensions(scenario: staged.Scenario, key: MetricKey) -> dict[str, str]:
    dimensions = {"LoadBalancer": scenario.load_balancer.dimension}
    if key.target_group:
        dimensions["TargetGroup"] = key.target_group
    if key.zone:
        dimensions["AvailabilityZone"] = key.zone
    return dimensions


def _column(series: Mapping[int, Sample], statistic: str) -> tuple[float | None, ...]:
    return tuple(
        _value(series[minute], statistic) if minute in series else None
        for minute in range(-WINDOW_MINUTES, 0)
    )


def _value(sample: Sample, statistic: str) -> float:
    if statistic == "Average":
        return sample.total / sample.count
    if statistic.startswith("p"):
        return percentile(sample.spreads, float(statistic[1:]) / 100)
    return {"Sum": sample.total, "Minimum": sample.low, "Maximum": sample.high}[statistic]


def _group(scenario: staged.Scenario, group: staged.TargetGroup, id_: str) -> TargetGroup:
    check = group.health_check
    return TargetGroup(
        arn=f"arn:aws:elasticloadbalancing:{scenario.region}:{scenario.account}:{id_}",
        id=id_,
        name=group.name,
        target_type=group.target_type,
        protocol=group.protocol,
        protocol_version=group.protocol_version,
        port=group.port,
        health_check_enabled=check["enabled"],
        health_check_path=check["path"],
        health_check_port=check["port"],
        health_check_protocol=check["protocol"],
        health_check_matcher=check["matcher"],
        health_check_interval_seconds=check["interval"],
        health_check_timeout_seconds=check["timeout"],
        healthy_threshold=check["healthy_threshold"],
        unhealthy_threshold=check["unhealthy_threshold"],
    )


def _listener(listener: staged.Listener, ids: Mapping[str, str]) -> Listener:
    arn = f"listener/{listener.port}"
    rules = (Rule(arn, str(rule.priority), _conditions(rule), _actions(rule, ids)) for rule in listener.rules)
    return Listener(arn, listener.port, listener.protocol, _actions(listener.default, ids), tuple(rules))


def _conditions(rule: staged.Rule) -> tuple[str, ...]:
    return tuple(f"{field} is {' or '.join(values)}" for field, values in rule.conditions.items())


def _actions(rule: staged.Rule, ids: Mapping[str, str]) -> tuple[Action, ...]:
    if rule.forward:
        return (Action("forward", {ids[name]: weight for name, weight in rule.forward.items()}),)
    return (Action("fixed-response", status_code=rule.fixed),) if rule.fixed else (Action("redirect"),)


def _target(target: staged.Target) -> Target:
    return Target(target.id, target.port, target.zone, target.state, target.reason, target.description)


def _scope(scenario: staged.Scenario) -> Scope:
    """CodeDeploy and CloudTrail as they are staged, asked without the wire."""
    clock, balancer = _Standing(scenario.at), scenario.load_balancer
    deployments = staged_deployments.Deployments(scenario, clock)
    trail = CloudTrail(clock, scenario.account, scenario.region, scenario.cloudtrail_delay)
    for event in changes_of(scenario):
        trail.add(event)
    trail.add_source(deployments.events)
    clients = {
        "codedeploy": DirectClient(CodeDeploy(scenario, clock, deployments, set, lambda: "lab").operations()),
        "cloudtrail": DirectClient(trail.operations()),
    }
    about = EntryPoint("alb", balancer.dimension, balancer.name, None, scenario.account, scenario.region)
    return Scope(clients.__getitem__, about, scenario.at, complete_minutes(scenario.at), scenario.at)


class _Standing(Clock):
    """The alarm's moment. Whoever asks how time passes finds that enough has for one call more."""

    def now(self) -> datetime:
        return self._start

    def ticks(self) -> float:
        self._passed = getattr(self, "_passed", 0.0) + 1
        return self._passed


def _deployments(asked: Scope, groups: tuple[TargetGroup, ...]) -> Deployments | Missing:
    read: dict[str, object] = {"target_groups": groups}
    read["deployment_ids"] = collect_deployment_ids(asked, read)
    read["deployment_records"] = collect_deployment_records(asked, read)
    return collect_deployments(asked, read)
