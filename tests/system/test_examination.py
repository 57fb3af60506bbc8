"""What is promised of unseen incidents, held against exams by authors who did not know the causes."""

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cli.accuracy.redraw import alarm_group, alarm_metrics
from diagnosis.decision import History, decide
from diagnosis.pipeline import diagnose
from diagnosis.settings import RollbackMode, Settings
from lab.loading import load
from lab.scenario import Scenario
from lab.straight import evidence_of

EXAMINATION = Path(__file__).parents[1] / "examination"
# Other platforms are refused by a guard that says so.
SUPPORTED = "Server"


class Answer(NamedTuple):
    """What was said of one incident."""

    scenario: Scenario
    cause: str
    confidence: float
    trigger: str
    rolls_back: bool


@cache
def answers() -> tuple[Answer, ...]:
    """Every incident of the exam, judged and decided in its own mode."""
    return tuple(answer(load(path)) for path in sorted(EXAMINATION.glob("*.yaml")))


def answer(scenario: Scenario) -> Answer:
    evidence = evidence_of(scenario)
    verdict = diagnose(evidence, alarm_metrics(scenario.alarm), alarm_group(scenario.alarm, evidence))
    history = History(
        kill_switch_allows=scenario.kill_switch == "true",
        incident_action=None,
        rollbacks=(),
        alarm_age=timedelta(seconds=10),
    )
    decision = decide(verdict, evidence, history, Settings(mode=RollbackMode(scenario.mode)))
    chosen = verdict.trigger.chosen.kind
    return Answer(scenario, verdict.code, verdict.confidence, chosen, decision.outcome == "requested")


def readable() -> list[Answer]:
    """The incidents in which AWS could be read; the straight evidence knows no faults."""
    return [each for each in answers() if each.scenario.expect.cause and not each.scenario.faults]


def test_at_least_nineteen_of_twenty_causes_are_right() -> None:
    asked = readable()
    wrong = {each.scenario.name: each.cause for each in asked if each.cause not in each.scenario.expect.cause}
    assert len(asked) > 200
    assert len(wrong) <= len(asked) / 20, wrong


def test_nine_in_ten_triggers_are_right() -> None:
    asked = [each for each in readable() if each.scenario.expect.trigger]
    wrong = {each.scenario.name: each.trigger for each in asked if each.trigger not in _triggers(each)}
    assert len(wrong) <= len(asked) / 10, wrong


def _triggers(asked: Answer) -> tuple[str, ...]:
    return asked.scenario.expect.trigger


def test_no_rollback_is_wrong() -> None:
    wrong = [
        each.scenario.name
        for each in readable()
        if each.rolls_back and each.scenario.expect.rollback is False
    ]
    assert wrong == []


def test_nine_in_ten_right_rollbacks_are_made() -> None:
    right = [
        each
        for each in readable()
        if each.scenario.expect.rollback and on_a_supported_platform(each.scenario)
    ]
    missed = [each.scenario.name for each in right if not each.rolls_back]
    assert len(right) > 30
    assert len(missed) <= len(right) / 10, missed


def on_a_supported_platform(scenario: Scenario) -> bool:
    """Of other entry points than Application Load Balancers nothing is rolled back in this version."""
    about_a_balancer = scenario.alarm.namespace in {"AWS/ApplicationELB", ""}
    return about_a_balancer and all(deployment.platform == SUPPORTED for deployment in scenario.deployments)
