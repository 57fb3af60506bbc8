"""The message of a later look that changed something: first what is different now, then all of it."""

from dataclasses import replace
from datetime import datetime, timedelta

from diagnosis.document import Document, TriggerSection
from notification.diagnosis_message import INCONCLUSIVE, diagnosed, lowered, title_of
from notification.figures import duration, sureness
from notification.message import Line, Message
from notification.text import one_line

# Triggers that name an act; the others say that nothing is known.
NOTHING_KNOWN = frozenset({"none_found", "unknown"})
DEPLOYMENTS = frozenset({"deployment", "other_deployment"})
KINDS = {
    "deployment": "the deployment",
    "other_deployment": "the other deployment",
    "configuration_change": "the change",
    "vendor_change": "the vendor's change",
    "traffic_change": "the traffic",
    "infrastructure": "the infrastructure",
    "schedule": "the schedule",
}
CALLED_OFF = "The rollback that was announced is called off."
# Nearer than this in either direction, a time is told as the same minute.
SAME_MINUTE = timedelta(seconds=45)


def looked_again(document: Document, told: Document | None, *, called_off: bool = False) -> Message:
    """The whole message, which begins with what has changed since people were `told`.

    `called_off` is whether a rollback that was announced will not be made.
    """
    whole = diagnosed(document)
    return replace(whole, glance=(_news(document, told, called_off=called_off), *whole.glance))


def _news(document: Document, told: Document | None, *, called_off: bool) -> Line:
    if told is None:
        return ("Looked again, now that late evidence has landed: before this nothing could be told.",)
    rollback = CALLED_OFF if called_off else _rollback(document, told)
    changes = [_cause(document, told), _trigger(document, told), rollback]
    sentences = " ".join(each for each in changes if each)
    this = "Looked again, now that late evidence has landed: this replaces what was said before."
    return (f"{sentences} {this}" if sentences else this,)


def _cause(document: Document, told: Document) -> str:
    before, now = _code(told), _code(document)
    if before == now:
        return ""
    if before == INCONCLUSIVE:
        return f"Now the cause is known: {_title(document)}."
    if now == INCONCLUSIVE:
        return f"Not sure any more that {lowered(title_of(told))}."
    return f"Not {_quoted(told)} after all, but {_quoted(document)} ({_sure(document)})."


def _trigger(document: Document, told: Document) -> str:
    before, now = told.get("trigger"), document.get("trigger")
    if before is None or now is None or _named(before) == _named(now):
        return ""
    if {before["kind"], now["kind"]} <= NOTHING_KNOWN:
        return ""
    if now["kind"] in NOTHING_KNOWN:
        return f"It was not {KINDS.get(before['kind'], 'that')} after all: {_what(now)}."
    if before["kind"] in NOTHING_KNOWN:
        return f"Now it is known what set it off: {_what(now)}{_when(now, document)}."
    return f"Not {KINDS.get(before['kind'], 'that')} after all: {_what(now)}{_when(now, document)}."


def _rollback(document: Document, told: Document) -> str:
    before, now = _decision(told), _decision(document)
    return _DECIDED.get(now, "") if before != now else ""


_DECIDED = {
    "requested": "A rollback is now proven to be right.",
    "awaiting_approval": "A rollback can now be approved.",
    "recommended": "Going back is now recommended.",
}


def _code(document: Document) -> str:
    cause = document.get("cause")
    return cause["code"] if cause else INCONCLUSIVE


def _title(document: Document) -> str:
    return f"{lowered(title_of(document))} ({_sure(document)})"


def _quoted(document: Document) -> str:
    return f'"{lowered(title_of(document))}"'


def _sure(document: Document) -> str:
    cause = document.get("cause")
    return f"{sureness(cause['confidence'])} sure" if cause else "not sure"


def _named(trigger: TriggerSection) -> tuple[str, str]:
    return trigger["kind"], trigger.get("id") or ""


def _what(trigger: TriggerSection) -> str:
    return one_line(trigger.get("summary") or "nothing is known of it").rstrip(".")


def _when(trigger: TriggerSection, document: Document) -> str:
    """How long before the errors it was, where both times are known."""
    at, onset = trigger.get("at"), document.get("onset")
    if not at or not onset:
        return ""
    before = datetime.fromisoformat(onset) - datetime.fromisoformat(at)
    if abs(before) <= SAME_MINUTE:
        return ", in the minute in which the errors began"
    if before < timedelta():
        return ""
    return f", {duration(before.total_seconds())} before the errors began"


def _decision(document: Document) -> str:
    rollback = document.get("rollback")
    return rollback["decision"] if rollback else "none"
