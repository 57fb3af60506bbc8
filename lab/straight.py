"""The evidence of a scenario straight from its data, as the collectors would read it from the staged AWS at
the alarm's time.

It serves what must be fast or pure: the cases of the catalogue, calibration over many drawn incidents. A test
holds it to what
the collectors read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import yaml

from collectors.cloudwatch import wanted_series
from diagnosis.evidence import (
    Action,
    Change,
    Changes,
    Deployment,
    DeploymentGroup,
    Deployments,
    DeploymentTarget,
    Evidence,
    Instance,
    Listener,
    LoadBalancer,
    MetricKey,
    Metrics,
    Missing,
    Revision,
    Rule,
    Target,
    TargetGroup,
    Window,
)
from lab import scenario as staged
from lab.figures import draw
from lab.loading import parse, stable_hex
from lab.metrics import ALB, EC2, MetricStore, Sample, percentile

WINDOW_MINUTES = 180
SEEN = timedelta(minutes=45)


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
        target_groups=tuple(_group(scenario, group, ids[group.name]) for group in scenario.target_groups),
        target_group_attributes={ids[group.name]: dict(group.attributes) for group in scenario.target_groups},
        target_health={
            ids[group.name]: tuple(_target(each) for each in group.targets)
            for group in scenario.target_groups
        },
        listeners=tuple(_listener(each, ids) for each in scenario.listeners),
        deployments=Deployments(
            since=scenario.at - timedelta(days=1),
            found=tuple(
                sorted(
                    (_deployment(scenario, each) for each in scenario.deployments if each.created <= 0),
                    key=lambda each: each.created,
                    reverse=True,
                )
            ),
        ),
        changes=_changes(scenario),
        instances=tuple(
            Instance(target.id, target.zone, "running", None, group.security_groups)
            for group in scenario.target_groups
            if group.target_type == "instance"
            for target in group.targets
        ),
        processor={
            name: _column(store.series(EC2, "CPUUtilization", {"InstanceId": name}), "Average")
            for group in scenario.target_groups
            for name in group.cpu
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
    return TargetGroup(
        arn=f"arn:aws:elasticloadbalancing:{scenario.region}:{scenario.account}:{id_}",
        id=id_,
        name=group.name,
        target_type=group.target_type,
        protocol=group.protocol,
        protocol_version=group.protocol_version,
        port=group.port,
    )


def _listener(listener: staged.Listener, ids: Mapping[str, str]) -> Listener:
    arn = f"listener/{listener.port}"
    rules = (Rule(arn, str(rule.priority), (), _actions(rule, ids)) for rule in listener.rules)
    return Listener(arn, listener.port, listener.protocol, _actions(listener.default, ids), tuple(rules))


def _actions(rule: staged.Rule, ids: Mapping[str, str]) -> tuple[Action, ...]:
    if rule.forward:
        return (Action("forward", {ids[name]: weight for name, weight in rule.forward.items()}),)
    return (Action("fixed-response", status_code=rule.fixed),) if rule.fixed else (Action("redirect"),)


def _target(target: staged.Target) -> Target:
    return Target(target.id, target.port, target.zone, target.state, target.reason, target.description)


def _deployment(scenario: staged.Scenario, deployment: staged.Deployment) -> Deployment:
    revision = deployment.revision
    label = revision.key or revision.commit or ""
    return Deployment(
        id=deployment.id,
        application=deployment.application,
        group_name=deployment.group,
        status=deployment.status,
        creator=deployment.creator,
        platform=deployment.platform,
        created=scenario.moment(deployment.created),
        started=None if deployment.started is None else scenario.moment(deployment.started),
        completed=None if deployment.completed is None else scenario.moment(deployment.completed),
        revision=Revision(
            "S3",
            "|".join(str(part) for part in (revision.bucket, label, revision.version, revision.etag)),
            label,
        ),
        description=deployment.description,
        style=deployment.style.upper(),
        is_rollback=deployment.creator in {"codeDeployRollback", "CloudFormationRollback"}
        or deployment.rollback_of is not None,
        rolled_back_by=deployment.rolled_back_by,
        succeeded_targets=_succeeded(deployment),
        total_targets=len(deployment.targets) or None,
        group=DeploymentGroup(
            application=deployment.application,
            name=deployment.group,
            target_groups=deployment.target_groups,
            style=deployment.style.upper(),
            deployment_config=deployment.config,
            tags=dict(deployment.tags),
            application_tags=dict(deployment.application_tags),
        ),
        targets=_deployment_targets(scenario, deployment),
    )


def _succeeded(deployment: staged.Deployment) -> int | None:
    told = deployment.overview.get("Succeeded")
    return sum(each.status == "Succeeded" for each in deployment.targets) if told is None else told


def _deployment_targets(
    scenario: staged.Scenario, deployment: staged.Deployment
) -> tuple[DeploymentTarget, ...] | Missing:
    if deployment.targets:
        return tuple(
            DeploymentTarget(
                each.id, each.status, None if each.completed is None else scenario.moment(each.completed)
            )
            for each in deployment.targets
        )
    if deployment.completed is None or deployment.platform != "Server":
        return Missing("not told by the scenario")
    owned = [
        each
        for group in scenario.target_groups
        if group.name in deployment.target_groups
        for each in group.targets
    ]
    begun = deployment.started if deployment.started is not None else deployment.created
    step = (deployment.completed - begun) / max(1, len(owned))
    at_once = deployment.config.endswith("AllAtOnce") or deployment.style == "blue_green"
    return tuple(
        DeploymentTarget(
            each.id,
            "Succeeded",
            scenario.moment(deployment.completed if at_once else begun + step * (index + 1)),
        )
        for index, each in enumerate(owned)
    )


def _changes(scenario: staged.Scenario) -> Changes:
    shown = [
        each
        for each in scenario.changes
        if not each.read_only
        and scenario.moment(each.at) + timedelta(seconds=scenario.cloudtrail_delay) <= scenario.at
    ]
    return Changes(
        since=scenario.at - SEEN,
        shown_until=scenario.at - timedelta(minutes=5),
        found=tuple(
            Change(
                each.event_id,
                each.name,
                each.source,
                scenario.moment(each.at),
                each.by,
                each.resources,
                each.error,
                dict(each.parameters),
            )
            for each in sorted(shown, key=lambda each: each.at, reverse=True)
        ),
    )
