"""The part of the demo after the decision: what happened then, in the incident's own time."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cli import figures
from cli.page import INDENT, QUIET, STRONG, Page
from lab import Happening, Lab, SnsMessage
from lab.deployments import Run

TIME = 10
MOST_STEPS = 6
LAST = 3
LONGEST_TOLD = 180
BEFORE, AFTER = 10, 39
FLAGS = {
    "ignoreApplicationStopFailures": "the bad revision's own stop script may fail",
    "overrideAlarmConfiguration": "the group's alarm, still red, does not stop it",
    "autoRollbackConfiguration": "if it fails it does not bring the bad revision back",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A line of the story."""

    at: datetime
    words: str
    style: str = ""
    order: int = 1

    @property
    def place(self) -> tuple[datetime, int]:
        """Where it belongs: what a function caused within its second comes after the function woke."""
        return self.at.replace(microsecond=0), self.order


def show(page: Page, lab: Lab, document: Mapping[str, Any], pressed: str | None) -> None:
    """The story after the decision, the deployment that was created, and what the errors did."""
    page.heading("6  What happened then")
    story = sorted(_story(lab, document, pressed), key=lambda moment: moment.place)
    for moment in story:
        page.item(f"{moment.at:%H:%M:%S}", moment.words, label_width=TIME, style=moment.style)
    for created in lab.created_deployments:
        _show_created(page, lab, created)
    for stopped in lab.stopped_deployments:
        page.blank()
        page.text(f"StopDeployment {stopped['deploymentId']} with automatic rollback", STRONG)
    if not lab.created_deployments and not lab.stopped_deployments:
        page.blank()
        page.text("No deployment was created and none was stopped.", STRONG)
    _show_errors(page, lab)


def _story(lab: Lab, document: Mapping[str, Any], pressed: str | None) -> Iterator[Moment]:
    events = lab.events
    yield from _told(lab.sns_messages)
    veto = document.get("rollback", {}).get("veto_seconds")
    if veto:
        yield Moment(
            lab.scenario.at, f"For {veto} s anybody can veto it with the button in Slack.", order=LAST
        )
    for event in events:
        yield from _moments(lab, event, pressed)
    looks = [each.at for each in events if each.kind == "invocation" and each.text.startswith("FollowUp")]
    if looks:
        times = "once" if len(looks) == 1 else f"{len(looks)} times since {looks[0]:%H:%M:%S}"
        yield Moment(looks[-1], f"FollowUpFunction has looked again, {times}.", QUIET)


def _moments(lab: Lab, event: Happening, pressed: str | None) -> Iterator[Moment]:
    if event.kind == "event":
        name, state = _alarm_of(event.data)
        yield Moment(event.at, f"Alarm {name} is {state}.", order=0)
    elif event.kind == "deployment":
        yield from _deployment_moments(lab, event)
    elif event.kind == "recovery":
        yield Moment(event.at, "The errors end.", STRONG, LAST)
    elif event.kind == "invocation":
        yield from _invocation_moments(event, pressed)
    else:
        yield Moment(event.at, f"{event.kind}: {event.text}", order=LAST)


def _alarm_of(event: Mapping[str, Any]) -> tuple[str, str]:
    """Name and state, from whichever envelope the alarm came in."""
    detail = event.get("detail") or event.get("alarmData") or {}
    name = detail.get("alarmName", "")
    return name, detail.get("state", {}).get("value", "told by SNS")


def _invocation_moments(event: Happening, pressed: str | None) -> Iterator[Moment]:
    function = event.data.function
    if event.data.failed:
        yield Moment(event.at, f"{function} failed: {event.data.error_type}", STRONG)
    elif function == "RollbackFunction":
        yield Moment(event.at, "RollbackFunction wakes and checks the world once more.")
    elif function == "SlackFunction" and pressed:
        yield Moment(
            event.at, f"Approve is pressed in Slack; SlackFunction verifies the signature: {pressed}", STRONG
        )


def _deployment_moments(lab: Lab, event: Happening) -> Iterator[Moment]:
    run: Run = event.data
    status = event.text.rsplit(" ", 1)[1]
    style = STRONG if run.ours else ""
    revision = run.revision.key or run.revision.commit or ""
    if status == "Created":
        yield Moment(event.at, f"CodeDeploy: deployment {run.id} of {revision} is created.", style)
    else:
        yield Moment(event.at, f"CodeDeploy: {run.id} is {status}.", style)
    if status == "InProgress" and run.ours:
        yield from _steps(run, lab.clock.now())


def _steps(run: Run, now: datetime) -> Iterator[Moment]:
    """How the deployment went from target to target, in a few lines; its end is told by CodeDeploy."""
    ended = run.completed or now
    times = [each.completed for each in run.targets if each.completed and each.completed < ended]
    for at in _few(sorted({time for time in times if time <= now})):
        count = sum(time <= at for time in times)
        yield Moment(at, f"  {count} of {len(run.targets)} targets done.", QUIET)


def _few(times: Sequence[datetime]) -> list[datetime]:
    if len(times) <= MOST_STEPS:
        return list(times)
    return [times[len(times) * step // MOST_STEPS] for step in range(MOST_STEPS)]


def _told(messages: Iterable[SnsMessage]) -> Iterator[Moment]:
    """The subject of each message; of those after the first, the begin of its text too."""
    for number, message in enumerate(messages):
        yield Moment(message.at, f'People are told: "{message.subject}"', order=2)
        if number:
            paragraphs = [" ".join(each.split()) for each in message.message.split("\n\n")]
            yield Moment(
                message.at, textwrap.shorten(paragraphs[1], LONGEST_TOLD, placeholder=" ..."), QUIET, 2
            )


def _show_created(page: Page, lab: Lab, created: Mapping[str, Any]) -> None:
    """The deployment as CodeDeploy was asked for it."""
    location = created["revision"].get("s3Location") or created["revision"].get("gitHubLocation") or {}
    revision = location.get("key") or location.get("commitId", "")
    run = lab.deployments.find(created["deploymentId"])
    page.blank()
    page.text(f"CreateDeployment {created['deploymentId']}", STRONG)
    rows = [
        ("group", f"{created['applicationName']}/{created['deploymentGroupName']}"),
        ("revision", f"{revision} ({location.get('bucket') or location.get('repository')})"),
        ("description", created.get("description", "")),
        *((name, why) for name, why in FLAGS.items() if name in created),
        ("status", run.status(lab.clock.now()) if run else "unknown"),
    ]
    for name, value in rows:
        page.item(name, value, label_width=31, indent=INDENT + 2)


def _show_errors(page: Page, lab: Lab) -> None:
    found = figures.errors(lab, -BEFORE, AFTER)
    begin, end = lab.scenario.moment(-BEFORE), lab.scenario.moment(AFTER)
    page.blank()
    page.text("5xx a minute, all of them", STRONG)
    line = f"{begin:%H:%M} {figures.sparkline(found, 1)} {end:%H:%M}"
    page.parts(
        (" " * (INDENT + 2), ""),
        (line, "blue"),
        (f"  most {figures.number(max(found))}, last {figures.number(found[-1])}", ""),
    )
