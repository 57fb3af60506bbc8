"""The demo: one incident from the alarm to the last message, told part by part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from cli import aftermath, evidence, messages, staged, verdict
from cli.page import HEADING, QUIET, STRONG, Page
from diagnosis.settings import RollbackMode
from lab import HandlerFailedError, Lab, Scenario
from lab.scenario import Alarm

LABELS = 14
LAST_MINUTE = 40
# How long the demo's person on call takes to read the message and press the button.
READING_MINUTES = 0.75

Document = Mapping[str, Any]


class DemoFailedError(Exception):
    """A function raised; the message says which and how."""


def play(page: Page, chosen: tuple[Scenario, RollbackMode]) -> None:
    """Stage the incident, send the alarm, let time pass, and tell all of it. Raises DemoFailedError."""
    scenario, mode = chosen
    _introduce(page, scenario, mode)
    with ExitStack() as context:
        with page.working(lambda: "staging the incident, deploying template.yaml"):
            lab = context.enter_context(Lab.stage(scenario, mode=mode.value))
        staged.show(page, lab)
        _show_alarm(page, lab)
        with page.working(lambda: evidence.under_way(lab)):
            document = _diagnosed(lab)
        evidence.show(page, lab, invocation=1)
        verdict.show(page, document)
        verdict.show_guards(page, document)
        with page.working(lambda: f"letting time pass: {lab.clock.now():%H:%M:%S}"):
            pressed = _press(lab) if mode is RollbackMode.APPROVE else None
            lab.run_until(minutes=LAST_MINUTE)
        aftermath.show(page, lab, document, pressed)
        messages.show(page, lab)
        _conclude(page, lab, document)


def _introduce(page: Page, scenario: Scenario, mode: RollbackMode) -> None:
    page.parts(("Gateway Triage", HEADING), ("  on an embedded AWS; nothing leaves this machine", QUIET))
    page.blank()
    page.item("Scenario", scenario.name, label_width=LABELS, style=STRONG)
    page.item("", scenario.title, label_width=LABELS)
    page.item("Rollback mode", mode.value, label_width=LABELS, style=STRONG)


def _show_alarm(page: Page, lab: Lab) -> None:
    alarm = lab.scenario.alarm
    event = lab.alarm_event()
    functions = lab.runtime.matching(event) if "detail-type" in event else ["AlarmFunction"]
    page.heading("2  The alarm")
    page.item("At", f"{lab.scenario.at:%Y-%m-%d %H:%M:%S} UTC", label_width=LABELS)
    page.item("Alarm", f"{alarm.name} is in {alarm.state}: {_condition(alarm)}", label_width=LABELS)
    page.item("Comes by", _envelope(event), label_width=LABELS)
    page.item("Wakes", f"{', '.join(functions) or 'nothing'}, as template.yaml wires it", label_width=LABELS)


def _condition(alarm: Alarm) -> str:
    if alarm.event_path or alarm.event:
        return "an event as AWS sent it"
    if alarm.kind == "composite":
        return f"composite of {', '.join(child.name for child in alarm.children)}"
    if alarm.kind == "metric_math":
        return f"{alarm.expression} {_bound(alarm)}"
    if alarm.kind == "anomaly":
        return f"{alarm.metric} outside its anomaly-detection band"
    return f"{alarm.statistic} of {alarm.metric} {_bound(alarm)}"


def _bound(alarm: Alarm) -> str:
    periods = f"{alarm.evaluation_periods} periods of " if alarm.evaluation_periods > 1 else ""
    word = "below" if alarm.comparison.startswith("Less") else "above"
    return f"{word} {alarm.threshold:g} for {periods}{alarm.period} s"


def _envelope(event: Mapping[str, Any]) -> str:
    if "detail-type" in event:
        return f'EventBridge, "{event["detail-type"]}"'
    if "Records" in event:
        return "SNS"
    return "the alarm's own Lambda action"


def _diagnosed(lab: Lab) -> Document:
    try:
        return lab.run_alarm()
    except HandlerFailedError as error:
        last = str(error).strip().splitlines()[-1]
        raise DemoFailedError(f"AlarmFunction raised, which it never should: {last}\n{error}") from error


def _press(lab: Lab) -> str | None:
    """Press Approve as a person on call would, through the Slack function and with Slack's signature."""
    if not any(button["action_id"] == "approve" for each in lab.slack_messages for button in each.buttons()):
        return None
    lab.run_until(minutes=(lab.scenario.at - lab.scenario.minute_zero).total_seconds() / 60 + READING_MINUTES)
    result = lab.press("approve").result or {}
    answer: str = json.loads(result.get("body") or "{}").get("text", "no answer")
    return answer


def _conclude(page: Page, lab: Lab, document: Document) -> None:
    """In a few lines: what was found, what was done, and whether the scenario's author agrees."""
    expect = lab.scenario.expect
    named = document.get("cause", {}).get("code", document["outcome"])
    at_first, at_last = _trigger(document), _trigger(_kept(lab) or document)
    trigger = at_first if at_last == at_first else f"{at_first} at the alarm, {at_last} with late evidence"
    page.heading("In short")
    page.item(
        "Cause", f"{named} (expected: {' or '.join(expect.cause) or expect.outcome})", label_width=LABELS
    )
    page.item(
        "Trigger", f"{trigger} (expected: {' or '.join(expect.trigger) or 'anything'})", label_width=LABELS
    )
    wanted = {True: "one", False: "none", None: "either"}[expect.rollback]
    told = f"{_done(lab)} (expected in mode {lab.scenario.mode}: {wanted})"
    page.item("Rollback", told, label_width=LABELS)
    page.item(
        "Messages", f"{len(lab.slack_messages)} to Slack, {len(lab.sns_messages)} by SNS", label_width=LABELS
    )


def _trigger(document: Document) -> str:
    kind: str = document.get("trigger", {}).get("kind", "none")
    return kind


def _kept(lab: Lab) -> Document | None:
    """The incident's document as the table has it in the end."""
    kept = next((item["document"] for item in lab.items() if "document" in item), None)
    document: Document | None = json.loads(kept["S"]) if kept else None
    return document


def _done(lab: Lab) -> str:
    made = [f"deployment {each['deploymentId']} created" for each in lab.created_deployments]
    stopped = [f"deployment {each['deploymentId']} stopped" for each in lab.stopped_deployments]
    return ", ".join([*made, *stopped]) or "none made"
