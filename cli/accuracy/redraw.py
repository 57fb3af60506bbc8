"""Our answer to the same incidents with other noise, straight from the scenario's data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cli.accuracy.result import Result, judged
from diagnosis.evidence import Evidence, Missing
from diagnosis.pipeline import diagnose
from lab import Scenario, load
from lab.scenario import Alarm
from lab.straight import evidence_of


def run(name: str, draws: int) -> tuple[Result, ...]:
    """One answer for each draw; none where the scenario has faults, which only the lab can play."""
    scenario = load(name)
    if scenario.faults or scenario.expect.outcome != "diagnosed":
        return ()
    return tuple(_judged(scenario, drawn(scenario, number)) for number in range(draws))


def drawn(scenario: Scenario, number: int) -> Scenario:
    """The same incident with other noise: its name is the seed."""
    return replace(scenario, name=f"{scenario.name}/{number}", noise=True)


def _judged(told: Scenario, drawn: Scenario) -> Result:
    evidence = evidence_of(drawn)
    verdict = diagnose(evidence, alarm_metrics(drawn.alarm), alarm_group(drawn.alarm, evidence))
    return judged(told, verdict.code, verdict.confidence, verdict.trigger.chosen.kind)


def alarm_group(alarm: Alarm, evidence: Evidence) -> str | None:
    """The one target group that the alarm, or its children, name, as the alarm function finds it."""
    named = {each.target_group for each in (alarm, *alarm.children) if each.target_group}
    groups = () if isinstance(evidence.target_groups, Missing) else evidence.target_groups
    found = [group.id for group in groups if group.name in named]
    return found[0] if len(found) == 1 else None


def alarm_metrics(alarm: Alarm) -> tuple[str, ...]:
    """The names of the metrics that the alarm, or any child of it, watches, each once."""
    return tuple(dict.fromkeys(_metrics(alarm)))


def _metrics(alarm: Alarm) -> Iterator[str]:
    if alarm.kind == "composite":
        for child in alarm.children:
            yield from _metrics(child)
    elif alarm.metrics:
        yield from alarm.metrics.values()
    else:
        yield alarm.metric
