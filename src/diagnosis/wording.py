"""The document in the words of its own system: causes are judged in those of an Application Load Balancer."""

from collections.abc import Sequence

from diagnosis.classic import own_command, own_terms
from diagnosis.document import Document, SignalSection


def in_own_terms(document: Document, kind: str) -> Document:
    """The document with its prose in the entry point's own terms; names from outside stay as they are."""
    if kind != "clb":
        return document
    worded: Document = {
        **document,
        "signals": _signals(document.get("signals", []), kind),
        "next_steps": [_step(kind, each) for each in document.get("next_steps", [])],
    }
    if "cause" in worded:
        worded["cause"] = {**worded["cause"], "title": own_terms(kind, worded["cause"]["title"])}
    if "prevention" in worded:
        worded["prevention"] = own_terms(kind, worded["prevention"])
    if "trigger" in worded:
        worded["trigger"] = {
            **worded["trigger"],
            "signals": _signals(worded["trigger"].get("signals", []), kind),
        }
    worded["alternatives"] = [
        {**each, "against": [own_terms(kind, objection) for objection in each.get("against", [])]}
        for each in document.get("alternatives", [])
    ]
    return worded


def _step(kind: str, step: str) -> str:
    """A step: prose, and below it a command or an address, whose names nobody may change."""
    sentence, below, line = step.partition("\n")
    return f"{own_terms(kind, sentence)}{below}{own_command(kind, line)}"


def _signals(signals: Sequence[SignalSection], kind: str) -> list[SignalSection]:
    return [
        {
            **each,
            "statement": own_terms(kind, each["statement"]),
            "source": own_terms(kind, each["source"]),
        }
        for each in signals
    ]
