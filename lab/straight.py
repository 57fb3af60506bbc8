"""The evidence of a scenario straight from its data, as the collectors would read it from the staged AWS at
the alarm's time.

It serves what must be fast or pure: the cases of the catalogue, calibration over many drawn incidents. A test
holds it to what
the collectors read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta
from functools import partial
from graphlib import TopologicalSorter
from typing import Any, cast

import yaml

from collectors.cloudtrail import collect_changes
from collectors.cloudwatch import MOST_INSTANCES, wanted_series
from collectors.codedeploy import collect_deployment_ids, collect_deployment_records, collect_deployments
from collectors.elastic_load_balancing import known_groups
from collectors.gather import READINGS, READINGS_OF
from collectors.reading import READ_ERRORS, Reading, Scope, complete_minutes, failure
from diagnosis.alarm import Alarm, AlarmState, MetricReference
from diagnosis.evidence import (
    NOT_LOOKED_UP,
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
from diagnosis.incident import EntryPoint, entry_point
from lab import deploying as staged_deployments
from lab import scenario as staged
from lab.alarm_configuration import AlarmConfiguration
from lab.alarms import Alarms
from lab.clock import Clock
from lab.cloudtrail import CloudTrail, changes_of
from lab.cloudwatch import CloudWatch
from lab.codedeploy import CodeDeploy
from lab.direct import DirectClient
from lab.figures import draw
from lab.loading import parse, stable_hex
from lab.metrics import ALB, EC2, MetricStore, Sample, percentile
from lab.systems import Stage, systems
from lab.wire import Answer

WINDOW_MINUTES = 180
QUIET_GROUP = {
    "targets": 6,
    "requests": "4421",
    "target_4xx": "60",
    "response_time": "0.09",
    "response_time_p99": "0.42",
}


def case_scenario(title: str, incident: Mapping[str, Any]) -> staged.Scenario:
    """A scenario from a catalogue case: what it says, over a quiet service called order-api with one group,
    orders.
    """
    about = {key: systems()[key] for key in incident if key in systems()}
    if any(hasattr(system, "ENTRY") for system in about.values()):
        return _case_of_system(title, incident, about)
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
        "target_groups": {name: {**QUIET_GROUP, **group} for name, group in groups.items()},
        **{key: system.quiet(incident[key]) for key, system in about.items()},
    }
    return parse(yaml.safe_dump(content), name=title)


def _case_of_system(title: str, incident: Mapping[str, Any], about: Mapping[str, Any]) -> staged.Scenario:
    """A case about another entry point than a load balancer, over a quiet one and a quiet origin."""
    groups = incident.get("target_groups", {"orders": {}})
    content = {
        "title": title,
        "at": "2026-11-20T14:47:10Z",
        "cloudtrail_delay": 0,
        "load_balancer": {"name": "order-api"},
        **incident,
        "target_groups": {name: {**QUIET_GROUP, **group} for name, group in groups.items()},
        **{key: system.quiet(incident[key]) for key, system in about.items()},
        "alarm": {"name": "errors", **_watched(about), **incident.get("alarm", {})},
    }
    return parse(yaml.safe_dump(content), name=title)


def _watched(about: Mapping[str, Any]) -> dict[str, str]:
    """What the alarm watches unless the case says so."""
    metrics = [system.METRIC for system in about.values() if hasattr(system, "METRIC")]
    return {"metric": metrics[-1]} if metrics else {}


def evidence_of(scenario: staged.Scenario) -> Evidence:
    """Everything that can be known at the alarm's time."""
    ids = {
        group.name: f"targetgroup/{group.name}/{stable_hex('tg', group.name)}"
        for group in scenario.target_groups
    }
    store = MetricStore(scenario, draw(scenario), ids)
    about = entry_point_of(scenario)
    asked = _scope(scenario, store, about)
    if about.kind == "alb":
        return _of_load_balancer(scenario, store, ids, asked)
    return _of_others(scenario, store, ids, asked)


def _of_others(
    scenario: staged.Scenario, store: MetricStore, ids: Mapping[str, str], asked: Scope
) -> Evidence:
    """The real collectors over the lab's answers; only an origin that is a load balancer comes from data."""

    def behind(origin: Scope) -> Evidence:
        of = _of_load_balancer if origin.entry_point.kind == "alb" else _of_others
        return of(scenario, store, ids, origin)

    readings = [
        replace(each, collect=partial(cast("Any", each.collect), behind=behind))
        if each.name == "origins"
        else each
        for each in READINGS_OF[asked.entry_point.kind]
    ]
    answers = _read(asked, readings, {})
    named = {each.name: answers[each.name] for each in fields(Evidence) if each.name in answers}
    return Evidence(**{"metrics": NOT_LOOKED_UP, **named, "now": scenario.at, "kind": asked.entry_point.kind})


def _of_load_balancer(
    scenario: staged.Scenario, store: MetricStore, ids: Mapping[str, str], asked: Scope
) -> Evidence:
    window = Window(scenario.minute_zero - timedelta(minutes=WINDOW_MINUTES), WINDOW_MINUTES)
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
    known: dict[str, Any] = {
        "metrics": _metrics(scenario, store, window, ids),
        "load_balancer": LoadBalancer(
            arn=f"arn:aws:elasticloadbalancing:{scenario.region}:{scenario.account}:loadbalancer/{scenario.load_balancer.dimension}",
            name=scenario.load_balancer.name,
            state="active",
            zones=scenario.load_balancer.zones,
            security_groups=scenario.load_balancer.security_groups,
        ),
        "attributes": dict(scenario.load_balancer.attributes),
        "target_groups": groups,
        "target_group_attributes": {
            ids[group.name]: dict(group.attributes) for group in scenario.target_groups
        },
        "target_health": {
            ids[group.name]: tuple(_target(each) for each in group.targets)
            for group in scenario.target_groups
        },
        "listeners": listeners,
        "listener_list": listeners,
        "deployments": _deployments(asked, groups),
        "changes": collect_changes(asked, {}),
        "instances": (
            *(
                Instance(target.id, target.zone, "running", None, group.security_groups)
                for target, group in instances
            ),
            *_interfaces(scenario),
        ),
        "processor": {
            id: _column(store.series(EC2, "CPUUtilization", {"InstanceId": id}), "Average")
            for id in list(dict.fromkeys(target.id for target, _ in instances))[:MOST_INSTANCES]
        },
    }
    told = {each.name for each in fields(Evidence)}
    extra = [reading for reading in READINGS_OF["alb"] if reading not in READINGS]
    answers = _read(asked, extra, known)
    return Evidence(now=scenario.at, **{name: value for name, value in answers.items() if name in told})


def _interfaces(scenario: staged.Scenario) -> Iterator[Instance]:
    """The network interfaces of targets that are addresses, each once."""
    addresses: dict[str, Instance] = {}
    for group in scenario.target_groups:
        for target in group.targets if group.target_type == "ip" else ():
            interface = Instance(target.id, target.zone, "in-use", None, group.security_groups)
            addresses.setdefault(target.id, interface)
    yield from addresses.values()


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
    first = (Action("authenticate-oidc"),) if rule.authenticate_oidc else ()
    if rule.forward:
        return (*first, Action("forward", {ids[name]: weight for name, weight in rule.forward.items()}))
    return (*first, Action("fixed-response", status_code=rule.fixed) if rule.fixed else Action("redirect"))


def _target(target: staged.Target) -> Target:
    return Target(target.id, target.port, target.zone, target.state, target.reason, target.description)


def _scope(scenario: staged.Scenario, store: MetricStore, about: EntryPoint) -> Scope:
    """AWS as it is staged, asked without the wire."""
    clock = _Standing(scenario.at)
    deployments = staged_deployments.Deployments(scenario, clock)
    trail = CloudTrail(clock, scenario.account, scenario.region, scenario.cloudtrail_delay)
    for event in changes_of(scenario):
        trail.add(event)
    trail.add_source(deployments.events)
    answers: dict[str, Mapping[str, Answer]] = {
        "codedeploy": CodeDeploy(scenario, clock, deployments, set, lambda: "lab").operations(),
        "cloudtrail": trail.operations(),
        "cloudwatch": _cloudwatch(scenario, clock, store),
    }
    for service, operations in _systems_operations(scenario, clock):
        answers[service] = {**answers.get(service, {}), **operations}

    def elsewhere(service: str, region: str) -> DirectClient:
        return DirectClient(service, answers[service], region)

    return Scope(
        clients=lambda service: elsewhere(service, about.region),
        entry_point=about,
        now=scenario.at,
        window=complete_minutes(scenario.at),
        alarm_time=scenario.at,
        elsewhere=elsewhere,
        wait=lambda _: None,
    )


def _cloudwatch(scenario: staged.Scenario, clock: Clock, store: MetricStore) -> Mapping[str, Answer]:
    ids = {
        group.name: f"targetgroup/{group.name}/{stable_hex('tg', group.name)}"
        for group in scenario.target_groups
    }
    alarms = Alarms(scenario, clock, store, ids).operations()
    return {**CloudWatch(clock, store, scenario.minute_zero).operations(), **alarms}


def _systems_operations(
    scenario: staged.Scenario, clock: Clock
) -> Iterator[tuple[str, Mapping[str, Answer]]]:
    stage = Stage(scenario, clock)
    for key, system in systems().items():
        yield from system.Staged(stage, scenario.systems.get(key)).operations().items()


def entry_point_of(scenario: staged.Scenario) -> EntryPoint:
    """What the scenario's alarm is about: the load balancer, or what its systems say."""
    alarm = scenario.alarm
    for key in scenario.systems:
        if getattr(systems()[key], "ENTRY", None) == alarm.namespace:
            dimensions = dict(alarm.dimensions or {})
            names = (alarm.metrics or {}).values() or (alarm.metric,)
            references = [MetricReference(alarm.namespace, name, dimensions) for name in names]
            configuration = AlarmConfiguration(scenario, {})
            woken = Alarm(
                alarm.name, "", AlarmState.ALARM, scenario.account, configuration.region(alarm), scenario.at
            )
            found = entry_point(woken, references)
            if isinstance(found, EntryPoint):
                return found
    balancer = scenario.load_balancer
    return EntryPoint("alb", balancer.dimension, balancer.name, None, scenario.account, scenario.region)


def _read(asked: Scope, readings: Iterable[Reading], known: Mapping[str, object]) -> dict[str, Any]:
    """The answers of readings, one after the other; what they need is known or among them."""
    answers = dict(known)
    by_name = {reading.name: reading for reading in readings}
    order = TopologicalSorter({name: reading.needs for name, reading in by_name.items()})
    for name in order.static_order():
        if name in by_name and name not in answers:
            reading = by_name[name]
            try:
                answers[name] = reading.collect(asked, answers)
            except READ_ERRORS as error:
                answers[name] = failure(reading.permissions[0].partition(":")[0], error)
    return answers


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
