"""The part of the demo about the judgement: cause, trigger, what speaks for and against, the guards."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cli.page import BAD, GOOD, HEADING, INDENT, STRONG, Page
from notification.figures import count, percent, sureness

Document = Mapping[str, Any]

LABELS = 13
WEIGHT = 7
GUARD = 26
ANSWER = 9


def show(page: Page, document: Document) -> None:
    """The verdict, its reasons, and what could not be looked at."""
    page.heading("4  The verdict")
    if "cause" not in document:
        page.text(f"{document['outcome']}: {document.get('reason', 'no reason was given')}", STRONG)
        return
    _headline(page, document)
    _weighed(page, _about(document), document.get("signals", ()))
    _weighed(page, "What set it off", document["trigger"].get("signals", ()))
    _ruled_out(page, "Other causes", document.get("alternatives", ()), "code")
    _ruled_out(page, "Other changes", document["trigger"].get("rivals", ()), "summary")
    _unseen(page, document.get("missing", ()))


def _headline(page: Page, document: Document) -> None:
    cause, trigger = document["cause"], document["trigger"]
    decided = cause["code"] != "inconclusive"
    sure = f", confidence {sureness(cause['confidence'])}" if decided else ""
    page.item("Cause", cause["title"], label_width=LABELS, style=HEADING)
    page.item("", f"{cause['code']}{sure}", label_width=LABELS)
    known = trigger["kind"] not in {"unknown", "none_found"}
    sure = f"{trigger['kind']}, confidence {sureness(trigger['confidence'])}" if known else trigger["summary"]
    page.item("Set off by", _set_off(trigger), label_width=LABELS, style=HEADING)
    page.item("", sure, label_width=LABELS)
    component = (document.get("resource") or {}).get("component")
    if component:
        page.item("At fault", f"target group {component}", label_width=LABELS)
    if document.get("onset"):
        page.item("Since", f"{datetime.fromisoformat(document['onset']):%H:%M} UTC", label_width=LABELS)
    if "impact" in document:
        page.item("Impact", f"{document['severity']}: {_impact(document['impact'])}", label_width=LABELS)


def _set_off(trigger: Mapping[str, Any]) -> str:
    unknown = {"unknown": "not known", "none_found": "nothing that was found"}
    return unknown.get(trigger["kind"], str(trigger["summary"]))


def _impact(impact: Mapping[str, Any]) -> str:
    return (
        f"{count(impact['failed_requests'])} of {count(impact['requests'])} requests failed, "
        f"{percent(impact['error_rate'])} (before: {percent(impact['baseline_error_rate'])})"
    )


def _about(document: Document) -> str:
    """Whose signals they are: where nothing is decided, they are those of the best candidate."""
    if document["cause"]["code"] != "inconclusive":
        return "Why this cause"
    best = next(iter(document.get("alternatives", ())), None)
    return f"The best candidate, {best['code']}" if best else "What was seen"


def _weighed(page: Page, title: str, signals: Sequence[Mapping[str, Any]]) -> None:
    """The signals for it and then those against it, with their weights in log-odds."""
    if not signals:
        return
    page.blank()
    page.text(title, STRONG)
    for signal in sorted(signals, key=lambda each: -each["weight"]):
        weight = signal["weight"]
        page.item(
            f"{weight:+.1f}",
            f"{'for' if weight >= 0 else 'AGAINST'}: {signal['statement']} ({signal['source']})",
            label_width=WEIGHT,
            label_style=GOOD if weight >= 0 else BAD,
            indent=INDENT + 2,
        )


def _ruled_out(page: Page, title: str, candidates: Sequence[Mapping[str, Any]], name: str) -> None:
    if not candidates:
        return
    page.blank()
    page.text(f"{title}, and what speaks against them", STRONG)
    for each in candidates:
        against = "; ".join(each.get("against", ())) or "less speaks for it"
        page.item(
            f"{sureness(each['confidence'])}", f"{each[name]}: {against}", label_width=11, indent=INDENT + 2
        )


def _unseen(page: Page, missing: Sequence[Mapping[str, Any]]) -> None:
    page.blank()
    page.text("Could not be looked at", STRONG)
    if not missing:
        page.text("Nothing: everything that was asked for could be read.", indent=INDENT + 2)
    for each in missing:
        page.text(f"{each['source']}: {each['reason']}", indent=INDENT + 2)


def show_guards(page: Page, document: Document) -> None:
    """Every guard's answer, and what follows."""
    page.heading("5  The guards: each can only refuse")
    rollback = document.get("rollback")
    if not rollback or not rollback["guards"]:
        page.text("No deployment is in question, so no guard was asked.")
        return
    for guard in rollback["guards"]:
        answer, style = ("passed", GOOD) if guard["passed"] else ("REFUSED", BAD)
        room = page.width - INDENT - ANSWER - GUARD
        first, *others = _lines(guard["detail"], room)
        page.parts(
            (" " * INDENT, ""), (f"{answer:<{ANSWER}}", style), (f"{guard['name']:<{GUARD}}", ""), (first, "")
        )
        for line in others:
            page.parts((" " * (INDENT + ANSWER + GUARD), ""), (line, ""))
    page.blank()
    page.item("Decision", _decision(rollback), label_width=LABELS, style=STRONG)


def _lines(text: str, room: int) -> list[str]:
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]


def _decision(rollback: Mapping[str, Any]) -> str:
    goal = f"{rollback.get('deployment_id')} back to {rollback.get('to_revision')}"
    refusals = sum(not guard["passed"] for guard in rollback["guards"])
    said: dict[str, str] = {
        "none": "no rollback is spoken of",
        "recommended": f"a rollback of {goal} is recommended, and left to people",
        "refused": f"no rollback of {rollback.get('deployment_id')}: {_guards(refusals)} refused",
        "awaiting_approval": f"a rollback of {goal} waits for a person's approval",
        "requested": f"roll {goal} after {rollback.get('veto_seconds', 0)} s, unless somebody vetoes it",
    }
    return said.get(rollback["decision"], str(rollback["decision"]))


def _guards(number: int) -> str:
    return "1 guard" if number == 1 else f"{number} guards"
