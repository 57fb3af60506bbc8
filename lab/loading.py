"""Reading a scenario file: strict, with errors that name the file, the key and what is allowed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from lab import loading_aws, loading_deployments
from lab.scenario import Alarm, Expectation, Later, Scenario
from lab.strict import ScenarioError, Section, read
from lab.systems import systems

ROOT = Path(__file__).resolve().parent.parent
DIRECTORY = ROOT / "tests" / "scenarios"
DEFAULT_ACCOUNT = "123456789012"
LOAD_BALANCER_METRICS = "AWS/ApplicationELB"

ALARM_KINDS = ("metric", "metric_math", "anomaly", "composite")
ENVELOPES = ("eventbridge", "lambda_action", "sns")
MODES = ("off", "recommend", "approve", "auto")
AFTER_ROLLBACK = ("recovers", "does_not_help", "deployment_fails")
OUTCOMES = ("diagnosed", "ignored", "duplicate", "resolved", "failed")
FAULTS = ("AccessDenied", "Throttling", "ServerError", "Timeout", "Unreachable")
STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")


class _StrictLoader(yaml.SafeLoader):
    """YAML without double keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise ScenarioError(f"line {key_node.start_mark.line + 1}: the key {key!r} is given twice")
            seen.add(key)
        return super().construct_mapping(node, deep)


def scenarios(directory: Path = DIRECTORY) -> tuple[Path, ...]:
    """The scenario files, sorted by name."""
    return tuple(sorted(directory.glob("*.yaml")))


def load(source: Path | str) -> Scenario:
    """Load a scenario by path, or by its name in tests/scenarios; raises ScenarioError."""
    path = source if isinstance(source, Path) else DIRECTORY / f"{source}.yaml"
    if not path.exists():
        names = ", ".join(known.stem for known in scenarios()) or "none yet"
        raise ScenarioError(f"{source}: there is no such scenario; there are: {names}")
    return parse(path.read_text(encoding="utf-8"), name=path.stem)


@lru_cache(maxsize=64)
def parse(text: str, name: str = "scenario") -> Scenario:
    """Read the text of a scenario file; `name` seeds the noise."""
    source = f"{name}.yaml"
    try:
        content = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader, only stricter
    except yaml.YAMLError as error:
        raise ScenarioError(f"{source}: not YAML: {error}") from None
    except ScenarioError as error:
        raise ScenarioError(f"{source}: {error}") from None
    return read(Section(source, "", content), _scenario, name)


def _scenario(section: Section, name: str) -> Scenario:
    data = {
        key: system.load(section.section(key), name) for key, system in systems().items() if section.has(key)
    }
    alarm = _about(section, data, _woken_by(section.section("alarm")))
    balancer = read(_balancer_section(section, data), loading_aws.load_balancer, alarm)
    groups = loading_aws.target_groups(section, balancer)
    names = [group.name for group in groups]
    other_alarms = tuple(_about(section, data, read(part, _alarm)) for part in section.sections("alarms"))
    deployments = loading_deployments.deployments(section, groups)
    scenario = Scenario(
        name=name,
        title=section.text("title"),
        source=section.text("source", ""),
        at=_time(section, "at"),
        account=_account(alarm),
        alarm=alarm,
        other_alarms=other_alarms,
        load_balancer=balancer,
        target_groups=groups,
        traffic=loading_aws.traffic(section.section("traffic")),
        listeners=loading_aws.listeners(section, names),
        deployments=deployments,
        changes=tuple(
            read(part, loading_aws.change, name, index)
            for index, part in enumerate(section.sections("changes"))
        ),
        cloudtrail_delay=section.number("cloudtrail_delay", 300.0),
        faults=_faults(section),
        kill_switch=_kill_switch(section),
        mode=_mode(section),
        after_rollback=section.text("after_rollback", "recovers", choices=AFTER_ROLLBACK),
        alarm_clears=section.optional_number("alarm_clears"),
        noise=_noise(section),
        expect=read(section.section("expect"), _expectation),
        story=section.text("story", name),
        systems=data,
    )
    _check_groups(section, scenario, names)
    return scenario


def _about(section: Section, data: Mapping[str, Any], alarm: Alarm) -> Alarm:
    """The alarm, about the scenario's own entry point unless it says what it watches."""
    entry = next(
        (system for key, system in systems().items() if key in data and hasattr(system, "ENTRY")), None
    )
    children = tuple(_about(section, data, child) for child in alarm.children)
    if entry is None or alarm.namespace or alarm.event is not None:
        return replace(alarm, namespace=alarm.namespace or LOAD_BALANCER_METRICS, children=children)
    dimensions = alarm.dimensions
    if dimensions is None:
        dimensions = entry.alarm_dimensions(data[entry.KEY])
    return replace(alarm, namespace=entry.ENTRY, dimensions=dimensions, children=children)


def _balancer_section(section: Section, data: Mapping[str, Any]) -> Section:
    """The load balancer; where the scenario is about something else, a quiet one that nobody uses."""
    if section.has("load_balancer") or not any(hasattr(systems()[key], "ENTRY") for key in data):
        return section.section("load_balancer")
    section.raw("load_balancer")
    return Section(section.source, "load_balancer", {"name": "unrelated"})


def _woken_by(section: Section) -> Alarm:
    """The alarm that wakes the product: described, or an event file taken verbatim."""
    if not section.has("event"):
        return read(section, _alarm)
    path = ROOT / section.text("event")
    if not path.exists():
        raise section.error("event", f"there is no file {section.text('event')}")
    event = json.loads(path.read_text(encoding="utf-8"))
    alarm = read(section, _alarm, _name_in(event))
    return replace(alarm, event=event, event_path=path)


def _name_in(event: object) -> str:
    """The alarm's name in an event of any envelope; "unknown" in garbage."""
    content = event if isinstance(event, Mapping) else {}
    detail = content.get("detail") or content.get("alarmData") or _sns_message_in(content)
    known = detail if isinstance(detail, Mapping) else {}
    return str(known.get("alarmName") or known.get("AlarmName") or "unknown")


def _sns_message_in(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The alarm that SNS delivered, or nothing."""
    try:
        message = json.loads(event["Records"][0]["Sns"]["Message"])
    except (KeyError, IndexError, TypeError, ValueError):
        return {}
    return message if isinstance(message, Mapping) else {}


def _alarm(section: Section, name: str | None = None) -> Alarm:
    section.raw("event")
    kind = section.text("kind", "metric", choices=ALARM_KINDS)
    children = tuple(read(part, _alarm) for part in section.sections("children"))
    if kind == "composite" and not children and name is None:
        raise section.error("children", "a composite alarm needs the alarms it is made of")
    return Alarm(
        name=section.text("name", name),
        kind=kind,
        state=section.text("state", "ALARM", choices=STATES),
        metric=section.text("metric", "HTTPCode_ELB_5XX_Count"),
        threshold=section.number("threshold", 50.0),
        statistic=section.text("statistic", _usual_statistic(section.raw("metric"))),
        period=section.whole("period", 60),
        evaluation_periods=section.whole("evaluation_periods", 1),
        comparison=section.text("comparison", "GreaterThanThreshold"),
        treat_missing_data=section.text("treat_missing_data", "notBreaching"),
        description=section.optional_text("description"),
        target_group=section.optional_text("target_group"),
        zone=section.optional_text("zone"),
        namespace=section.text("namespace", ""),
        dimensions=section.text_map("dimensions") if section.has("dimensions") else None,
        expression=section.optional_text("expression"),
        metrics=section.text_map("metrics") or None,
        band=section.number("band", 2.0),
        children=children,
        rule=section.optional_text("rule"),
        envelope=section.text("envelope", "eventbridge", choices=ENVELOPES),
        actions=section.texts("actions"),
        since=section.optional_number("since"),
    )


def _usual_statistic(metric: object) -> str:
    """The statistic that makes sense for a metric (user guide, "Statistics for ... metrics")."""
    if str(metric).endswith("ErrorRate"):
        return "Average"
    usual = {"TargetResponseTime": "Average", "UnHealthyHostCount": "Maximum", "HealthyHostCount": "Minimum"}
    return usual.get(str(metric), "Sum")


def _expectation(section: Section) -> Expectation:
    return Expectation(
        outcome=section.text("outcome", "diagnosed", choices=OUTCOMES),
        cause=section.texts("cause"),
        trigger=section.texts("trigger"),
        trigger_id=section.optional_text("trigger_id"),
        component=section.optional_text("component"),
        rollback=None if section.raw("rollback") is None else section.flag("rollback", False),
        refused_by=section.texts("refused_by"),
        later=_later(section.section("later")) if section.has("later") else None,
    )


def _later(section: Section) -> Later:
    return Later(
        cause=section.texts("cause"),
        trigger=section.texts("trigger"),
        trigger_id=section.optional_text("trigger_id"),
        messages=int(section.number("messages", 0.0)) if section.has("messages") else None,
    )


def _time(section: Section, key: str) -> datetime:
    value = section.raw(key)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise section.error(key, f"{value!r} is not a time such as 2026-11-20T14:47:10Z") from None
    if not isinstance(value, datetime):
        raise section.error(key, "expected a time such as 2026-11-20T14:47:10Z")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _account(alarm: Alarm) -> str:
    """The account: that of a verbatim event, else the usual one of examples."""
    event = alarm.event if isinstance(alarm.event, Mapping) else {}
    candidates = [event.get("account"), event.get("accountId"), _sns_message_in(event).get("AWSAccountId")]
    return next((str(one) for one in candidates if isinstance(one, str) and one.isdigit()), DEFAULT_ACCOUNT)


def _faults(section: Section) -> dict[str, str]:
    faults = section.text_map("faults")
    for operation, kind in faults.items():
        if operation.count(".") != 1:
            raise section.error(
                f"faults.{operation}", "write service.Operation, as in cloudtrail.LookupEvents"
            )
        if kind not in FAULTS:
            raise section.error(f"faults.{operation}", f"{kind!r} is not one of {', '.join(FAULTS)}")
    return faults


def _kill_switch(section: Section) -> str | None:
    if not section.has("kill_switch"):
        section.raw("kill_switch")
        return "true"
    value = section.raw("kill_switch")
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _mode(section: Section) -> str:
    """The mode; YAML reads a bare `off` as false."""
    value = section.raw("mode", "auto")
    mode = "off" if value is False else value
    if mode not in MODES:
        raise section.error("mode", f"{value!r} is not one of {', '.join(MODES)}")
    return str(mode)


def _noise(section: Section) -> bool:
    value = section.raw("noise", "poisson")
    if value not in ("poisson", "none", None, False):
        raise section.error("noise", f"{value!r} is not one of poisson, none")
    return bool(value == "poisson")


def _check_groups(section: Section, scenario: Scenario, names: list[str]) -> None:
    alarms = [scenario.alarm, *scenario.alarm.children, *scenario.other_alarms]
    for alarm in alarms:
        if alarm.target_group and alarm.target_group not in names:
            raise section.error(
                "alarm.target_group", f"{alarm.target_group!r} is not one of {', '.join(names)}"
            )


def stable_hex(*words: object, length: int = 16) -> str:
    """Hexadecimal digits that depend on the words alone."""
    return hashlib.sha256("/".join(map(str, words)).encode()).hexdigest()[:length]
