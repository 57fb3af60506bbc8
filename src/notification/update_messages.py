"""The later messages of an incident: a further alarm, its end, a failed diagnosis, how a rollback goes."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from diagnosis import links
from diagnosis.commands import KILL_SWITCH_PARAMETER
from diagnosis.document import Document
from notification.diagnosis_message import (
    INCONCLUSIVE,
    attributes,
    diagnosed,
    footer,
    lowered,
    name_of,
    next_steps,
    title_of,
    triggered,
)
from notification.figures import duration, sureness
from notification.message import Code, Line, Message, Moment, Part, Section
from notification.rollback_message import goal_of, rollback_line
from notification.text import attribute, one_line

LONGEST_EVENT = 2_400
# Decisions by which something was changed; the others leave nothing to tell when all is well again.
_ACTED = frozenset({"started", "recovered", "did_not_help"})


class Step(StrEnum):
    """How far a rollback has come."""

    STARTED = "started"
    VETOED = "vetoed"
    REJECTED = "rejected"
    APPROVED = "approved"
    REFUSED = "refused"
    NOT_MADE = "not_made"
    UNCERTAIN = "uncertain"
    RECOVERED = "recovered"
    DID_NOT_HELP = "did_not_help"
    DEPLOYMENT_FAILED = "deployment_failed"


# What each step makes of the contract's rollback decision, for the message's attribute.
DECISIONS = {
    Step.STARTED: "started",
    Step.VETOED: "vetoed",
    Step.REJECTED: "vetoed",
    Step.APPROVED: "requested",
    Step.REFUSED: "refused",
    Step.NOT_MADE: "refused",
    Step.UNCERTAIN: "refused",
    Step.RECOVERED: "recovered",
    Step.DID_NOT_HELP: "did_not_help",
    Step.DEPLOYMENT_FAILED: "did_not_help",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a rollback: who took it, a sentence why, and the seconds since the rollback began."""

    step: Step
    at: datetime
    by: str = ""
    detail: str = ""
    seconds: float | None = None


def further_alarm(document: Document, earlier: Document | None) -> Message:
    """Another alarm of the same incident: short while the verdict stands, else the whole message."""
    alarm = Code(document["alarm"]["name"])
    if earlier is None or _verdict(earlier) != _verdict(document):
        whole = diagnosed(document)
        news: Line = ("A further alarm, ", alarm, ", changed the verdict: ", _change(document, earlier))
        return replace(whole, glance=(news, *whole.glance))
    same = f"The verdict stands: {_told_verdict(document)}. {triggered(document.get('trigger'))}"
    return Message(
        headline=f"{name_of(document)}: a further alarm of the same incident",
        glance=(("Alarm ", alarm, "."), (same,), rollback_line(document)),
        links=links.for_document(document)[:1],
        footer=footer(document),
        attributes=attributes(document),
    )


def resolved(document: Document) -> Message:
    """The alarm is OK again."""
    time, onset = document["alarm"].get("time"), document.get("onset")
    parts: list[Part] = ["Alarm ", Code(document["alarm"]["name"]), " is OK"]
    if time:
        parts += [" since ", Moment(datetime.fromisoformat(time))]
    if time and onset:
        lasted = datetime.fromisoformat(time) - datetime.fromisoformat(onset)
        parts.append(f", {duration(lasted.total_seconds())} after the errors began")
    lines: list[Line] = [(*parts, ".")]
    if document.get("cause"):
        lines.append((f"It was: {_told_verdict(document)}. {triggered(document.get('trigger'))}",))
    return Message(
        headline=f"Resolved: {name_of(document)}",
        glance=tuple(lines),
        links=links.for_document(document)[:1],
        footer=footer(document),
        attributes=attributes(document),
    )


def failed(document: Document, event: object = None) -> Message:
    """The raw alarm, passed on since the diagnosis broke; made from almost nothing, if need be."""
    return Message(
        headline=f"ALARM {name_of(document)}: passed on without a diagnosis",
        glance=(
            (f"The diagnosis failed: {document.get('reason') or 'no reason is known'}",),
            ("Nothing was looked at and nothing was rolled back; please look yourself.",),
        ),
        sections=(Section("The event as it came", ((Code(_written(event), LONGEST_EVENT),),)),)
        if event is not None
        else (),
        links=links.for_document(document),
        footer=footer(document),
        attributes=attributes(document),
    )


def rollback_progress(document: Document, progress: Progress) -> Message:
    """How the rollback goes; with the next steps where people must take over."""
    failing = progress.step in _LEFT_TO_PEOPLE
    # There is nothing left that the kill switch could stop.
    steps = next_steps(document, without=KILL_SWITCH_PARAMETER) if failing else ()
    return Message(
        headline=f"{name_of(document)}: {_TITLES[progress.step]}",
        glance=(_told(document, progress), *(((progress.detail,),) if progress.detail else ())),
        sections=(Section("Next steps", steps),) if steps else (),
        links=links.for_document(document),
        footer=footer(document),
        attributes={**attributes(document), "rollback": attribute(DECISIONS[progress.step])},
    )


_LEFT_TO_PEOPLE = frozenset(
    {Step.REFUSED, Step.NOT_MADE, Step.UNCERTAIN, Step.DID_NOT_HELP, Step.DEPLOYMENT_FAILED}
)
_TITLES = {
    Step.STARTED: "rollback started",
    Step.VETOED: "rollback vetoed",
    Step.REJECTED: "rollback rejected",
    Step.APPROVED: "rollback approved",
    Step.REFUSED: "rollback refused at the last check",
    Step.NOT_MADE: "the rollback could not be made",
    Step.UNCERTAIN: "it is not known whether the rollback was made",
    Step.RECOVERED: "recovered after the rollback",
    Step.DID_NOT_HELP: "the rollback did not help",
    Step.DEPLOYMENT_FAILED: "the rollback deployment failed",
}


def _told(document: Document, progress: Progress) -> Line:
    rollback = document.get("rollback") or {"decision": "none", "guards": []}
    goal = goal_of(rollback)
    who: Line = (" by ", Code(progress.by)) if progress.by else ()
    at: Line = (" at ", Moment(progress.at))
    after = f" {duration(progress.seconds)} after the rollback began" if progress.seconds is not None else ""
    deployment = rollback.get("rollback_deployment_id")
    named: Line = (", deployment ", Code(deployment)) if deployment else ()
    sentences: dict[Step, Line] = {
        Step.STARTED: ("Going back to ", goal, *at, *named, "."),
        Step.VETOED: ("Vetoed", *who, *at, ". Nothing is rolled back."),
        Step.REJECTED: ("Rejected", *who, *at, ". Nothing is rolled back."),
        Step.APPROVED: ("Approved", *who, *at, ". Going back to ", goal, "."),
        Step.REFUSED: (
            "Nothing was rolled back: the world had changed when it was looked at again",
            *at,
            ".",
        ),
        Step.NOT_MADE: (
            "The rollback that was announced could not be made; ",
            goal,
            " is not installed. It is not tried again. A person must act.",
        ),
        Step.UNCERTAIN: (
            "Whether going back to ",
            goal,
            " has begun is not known. It is not tried again. A person must look.",
        ),
        Step.RECOVERED: ("Errors are back to normal", after, "; ", goal, " is installed", *named, "."),
        Step.DID_NOT_HELP: (
            "Errors go on",
            after,
            "; ",
            goal,
            " is installed",
            *named,
            ". A person must look.",
        ),
        Step.DEPLOYMENT_FAILED: ("Going back to ", goal, " failed", *at, *named, ". A person must look."),
    }
    return sentences[progress.step]


def _verdict(document: Document) -> tuple[str, str, str]:
    """What must be the same for a verdict to stand: the cause, and what set it off."""
    cause, trigger = document.get("cause"), document.get("trigger")
    code = cause["code"] if cause else ""
    return (code, trigger["kind"], trigger.get("id") or "") if trigger else (code, "", "")


def _change(document: Document, earlier: Document | None) -> str:
    if earlier is None:
        return "there was none before."
    if title_of(earlier) == title_of(document):
        return f"before it was told: {triggered(earlier.get('trigger'))}"
    return f"was {_told_verdict(earlier)}; now {_told_verdict(document)}."


def _told_verdict(document: Document) -> str:
    """Title and certainty within a sentence."""
    cause = document.get("cause")
    if cause is None or cause["code"] == INCONCLUSIVE:
        return "inconclusive"
    return f"{lowered(title_of(document))}, {sureness(cause['confidence'])} sure"


def _written(event: object) -> str:
    """The event as text, whatever it is; nothing that it holds can stop the message."""
    try:
        written = json.dumps(event, ensure_ascii=False, default=repr)
    except (TypeError, ValueError, RecursionError):
        written = ascii(type(event))
    return one_line(written)
