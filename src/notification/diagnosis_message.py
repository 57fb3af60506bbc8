"""The message of a diagnosis: what is wrong, how sure, what set it off, what is done; then all behind it."""

from collections.abc import Iterable
from datetime import datetime

from diagnosis import links
from diagnosis.document import Document, MissingSection, SignalSection, TriggerSection
from notification.figures import count, percent, sureness
from notification.message import Code, Command, Line, Message, Moment, Part, Section
from notification.rollback_message import buttons, guard_lines, rollback_line
from notification.text import attribute, cut, one_line

INCONCLUSIVE = "inconclusive"
SURE = 0.9
PROBABLE = 0.6
LONGEST_NAME = 48
LONGEST_TITLE = 90
LONGEST_LINK = 120
MOST_REASONS = 8
MOST_OBJECTIONS = 5
MOST_AGAINST = 2
MOST_MISSING = 8


def diagnosed(document: Document) -> Message:
    """The whole message of a verdict."""
    return Message(
        headline=headline(document),
        glance=glance(document),
        sections=sections(document),
        links=links.for_document(document),
        buttons=buttons(document),
        footer=footer(document),
        attributes=attributes(document),
    )


def headline(document: Document) -> str:
    """`P1 order-api: targets broke the exchange, 8.4 % of requests`."""
    impact = document.get("impact")
    rate = f", {percent(impact['error_rate'])} of requests" if impact and impact["failed_requests"] else ""
    severity = document.get("severity", "")
    return f"{severity} {name_of(document)}: {lowered(title_of(document))}{rate}".strip()


def name_of(document: Document) -> str:
    """The entry point's name, or the alarm's where there is none."""
    name = document.get("resource", {}).get("name") or document["alarm"]["name"]
    return cut(one_line(name), LONGEST_NAME)


def title_of(document: Document) -> str:
    cause = document.get("cause")
    if cause is None or cause["code"] == INCONCLUSIVE:
        return "the cause is not clear"
    return cut(one_line(cause["title"]).rstrip("."), LONGEST_TITLE)


def glance(document: Document) -> tuple[Line, ...]:
    """The lines to be read first: certainty and trigger, what is done, how many requests it hurts."""
    lines = [
        _certainty(document),
        _chain(document),
        rollback_line(document),
        _impact(document),
        _reason(document),
    ]
    return tuple(line for line in lines if line)


def sections(document: Document) -> tuple[Section, ...]:
    """Reasons for and against, what was ruled out, what could not be seen, what to do; none empty."""
    signals = document.get("signals", [])
    best = _best(document)
    named = [
        Section(
            f"What speaks for {best}" if best else "Why",
            _signals(each for each in signals if each["weight"] > 0),
        ),
        Section(
            f"What speaks against {best or 'it'}", _signals(each for each in signals if each["weight"] < 0)
        ),
        Section("Why this trigger", _trigger_signals(document.get("trigger"))),
        Section("Candidates" if best else "Ruled out or less likely", _alternatives(document)),
        Section("Other changes", _rivals(document.get("trigger"))),
        Section("Could not be looked at", _missing(document.get("missing", []))),
        Section("Next steps", next_steps(document)),
        Section("May callers retry?", ((document.get("retry_advice", ""),),)),
        Section("How to prevent it", ((document.get("prevention", ""),),)),
        Section("Rollback guards", guard_lines(document)),
    ]
    return tuple(section for section in named if any(any(line) for line in section.lines))


def next_steps(document: Document, without: str | None = None) -> tuple[Line, ...]:
    """The steps, numbered; without those that name something that has no use any more."""
    steps = [step for step in document.get("next_steps", []) if without is None or without not in step]
    return tuple(_step(number, step) for number, step in enumerate(steps, 1))


def footer(document: Document) -> Line:
    """What one needs to find the incident again."""
    alarm = document["alarm"]
    time = alarm.get("time")
    parts: list[Part] = ["Alarm ", Code(alarm["name"])]
    if time:
        parts += [" at ", Moment(datetime.fromisoformat(time))]
    if document["incident_id"]:
        parts += [", incident ", Code(document["incident_id"])]
    place = ", ".join(filter(None, (alarm.get("account"), alarm.get("region"))))
    return (*parts, f", {place}." if place else ".")


def attributes(document: Document) -> dict[str, str]:
    """What subscribers filter on; never empty, since SNS refuses an empty value."""
    cause, rollback = document.get("cause"), document.get("rollback")
    return {
        "cause": attribute(cause["code"] if cause else "unknown"),
        "severity": attribute(document.get("severity", "unknown")),
        "outcome": attribute(document["outcome"]),
        "rollback": attribute(rollback["decision"] if rollback else "none"),
    }


def triggered(trigger: TriggerSection | None) -> str:
    """What set it off, in a sentence as sure as the verdict is."""
    if trigger is None:
        return ""
    summary = one_line(trigger.get("summary", "")).rstrip(".")
    if trigger["kind"] == "none_found":
        return "Nothing was found that set it off."
    if trigger["kind"] == "unknown" or not summary:
        return f"What set it off is not known{': ' if summary else ''}{summary}."
    return f"{_set_off(trigger['confidence'])} {summary}."


def _set_off(confidence: float) -> str:
    if confidence >= SURE:
        return "Set off by"
    return "Probably set off by" if confidence >= PROBABLE else "Possibly set off by"


def _certainty(document: Document) -> Line:
    cause = document.get("cause")
    if cause is None:
        return ()
    trigger = triggered(document.get("trigger"))
    if cause["code"] != INCONCLUSIVE:
        return (f"Confidence {sureness(cause['confidence'])}. {trigger}",)
    best = next(iter(document.get("alternatives", [])), None)
    if best is None:
        return (f"Inconclusive. {trigger}",)
    return (
        "Inconclusive. Best candidate: ",
        Code(best["code"]),
        f" ({sureness(best['confidence'])}). {trigger}",
    )


def _best(document: Document) -> str | None:
    """The best candidate of an inconclusive verdict, which the signals are about."""
    cause, candidates = document.get("cause"), document.get("alternatives")
    return candidates[0]["code"] if cause and cause["code"] == INCONCLUSIVE and candidates else None


def _impact(document: Document) -> Line:
    impact, onset = document.get("impact"), document.get("onset")
    if impact is None:
        return ()
    figures = f"{count(impact['failed_requests'])} of {count(impact['requests'])} requests failed"
    since: tuple[Part, ...] = (" since ", Moment(datetime.fromisoformat(onset))) if onset else ()
    return (figures, *since, f" (before: {percent(impact['baseline_error_rate'])}).", *_component(document))


def _component(document: Document) -> Line:
    """What is at fault within the entry point, and who usually puts it right."""
    component, owner = document.get("resource", {}).get("component"), document.get("owner")
    at_fault: Line = (" At fault: ", Code(component), ".") if component else ()
    return (*at_fault, f" Usually put right by {owner}.") if owner else at_fault


def _chain(document: Document) -> Line:
    """From the errors back to what set them off: `CloudFront 502 <- the listener's certificate <- ...`."""
    links = [one_line(each["text"]) for each in document.get("chain", [])]
    return (" \u2190 ".join(cut(each, LONGEST_LINK) for each in links),) if len(links) > 1 else ()


def _reason(document: Document) -> Line:
    reason = document.get("reason")
    return (reason,) if reason else ()


def _signals(signals: Iterable[SignalSection]) -> tuple[Line, ...]:
    strongest = sorted(signals, key=lambda each: -abs(each["weight"]))[:MOST_REASONS]
    return tuple((f"{each['weight']:+.1f}  {each['statement']} ({each['source']})",) for each in strongest)


def _trigger_signals(trigger: TriggerSection | None) -> tuple[Line, ...]:
    return _signals(trigger.get("signals", [])) if trigger else ()


def _alternatives(document: Document) -> tuple[Line, ...]:
    return tuple(
        (Code(each["code"]), f" ({sureness(each['confidence'])}): {_joined(each.get('against', []))}")
        for each in document.get("alternatives", [])
    )


def _rivals(trigger: TriggerSection | None) -> tuple[Line, ...]:
    rivals = trigger.get("rivals", []) if trigger else []
    return tuple(
        (f"{each['summary']} ({sureness(each['confidence'])}): {_joined(each['against'])}",)
        for each in rivals
    )


def _joined(objections: list[str]) -> str:
    told = "; ".join(one_line(each).rstrip(".") for each in objections[:MOST_AGAINST])
    return f"{told or 'less speaks for it'}."


def _missing(missing: list[MissingSection]) -> tuple[Line, ...]:
    told = tuple((Code(each["source"]), f": {each['reason']}") for each in missing[:MOST_MISSING])
    more = len(missing) - len(told)
    return (*told, (f"and {more} more.",)) if more else told


def _step(number: int, step: str) -> Line:
    """A step's second line is a command or an address made by `diagnosis.next_steps`; the first is prose."""
    sentence, _, line = step.partition("\n")
    if line.startswith("aws "):
        return (f"{number}. {sentence}", Command(line))
    if links.is_console(line):
        return (f"{number}. {sentence} ", links.Link("open in the console", line))
    return (f"{number}. {sentence}",)


def lowered(title: str) -> str:
    """A title within a sentence: its first letter small, unless it begins with an abbreviation."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title
