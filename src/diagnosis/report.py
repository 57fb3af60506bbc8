"""From verdict and decision to the diagnosis document, which is returned, stored and told alike."""

from collections.abc import Mapping, Sequence
from typing import cast

from diagnosis import report_sections as sections
from diagnosis.alarm import Alarm, Ignored
from diagnosis.cause import Retry
from diagnosis.decision import Decision
from diagnosis.document import (
    SCHEMA_VERSION,
    AlarmSection,
    Document,
    NotifiedSection,
    RollbackSection,
    storable,
    timestamp,
)
from diagnosis.incident import EntryPoint
from diagnosis.next_steps import next_steps
from diagnosis.settings import Settings
from diagnosis.verdict import Verdict
from diagnosis.wording import in_own_terms


def diagnosed(
    incident_id: str,
    alarm: Alarm,
    entry_point: EntryPoint,
    verdict: Verdict,
    decision: Decision,
    settings: Settings,
    timings: Mapping[str, float],
) -> Document:
    """The document of a verdict, which may be inconclusive. `timings` are in milliseconds."""
    leading = verdict.leading
    named = leading if leading and leading.cause.code == verdict.code else None
    document: Document = {
        "schema_version": SCHEMA_VERSION,
        "outcome": "diagnosed",
        "incident_id": incident_id,
        "alarm": sections.alarm(alarm),
        "resource": sections.resource(entry_point, verdict.component),
        "onset": timestamp(verdict.onset) if verdict.onset else None,
        "cause": sections.cause(verdict),
        "trigger": sections.trigger(verdict.trigger),
        # A severity nobody knows is shown as the highest: it must not be overlooked.
        "severity": verdict.severity if verdict.severity in {"P1", "P2", "P3"} else "P1",
        "chain": [{"role": each.role, "text": each.text} for each in verdict.chain],
        "signals": sections.signals(leading.signals if leading else ()),
        "alternatives": sections.alternatives(verdict),
        "missing": [{"source": source, "reason": reason} for source, reason in verdict.missing],
        "next_steps": next_steps(incident_id, alarm, entry_point, verdict, decision),
        "retry_advice": (named.cause.retry if named else Retry.UNKNOWN).value,
        "sources": list(leading.cause.sources) if leading else [],
        "rollback": sections.rollback(decision, settings, alarm.time),
        "notified": [],
        "timings_ms": {name: float(spent) for name, spent in timings.items()},
    }
    if named:
        responsible = verdict.deeper.cause if verdict.deeper else named.cause
        document["owner"], document["prevention"] = responsible.owner.value, responsible.prevention
    if verdict.impact:
        document["impact"] = sections.impact(verdict.impact)
    if verdict.reasons:
        document["reason"] = " ".join(verdict.reasons)
    return _finished(in_own_terms(document, entry_point.kind))


def ignored(event: Ignored) -> Document:
    """The document of an event that is not for us, with as much of its alarm as could be read."""
    return _finished(_bare("ignored", None, sections.unread_alarm(event), event.reason))


def failed(incident_id: str | None, alarm: Alarm | Ignored | None, reason: str) -> Document:
    """The document of an alarm that was passed on raw since diagnosis broke; `reason` is one sentence."""
    return _finished(_bare("failed", incident_id, sections.any_alarm(alarm), reason))


def resolved(incident_id: str, alarm: Alarm, earlier: Document | None) -> Document:
    """The document of an alarm that is OK again, with what was found while it was not."""
    document: Document = {
        "schema_version": SCHEMA_VERSION,
        "outcome": "resolved",
        "incident_id": incident_id,
        "alarm": sections.alarm(alarm),
    }
    return _finished(cast(Document, {**_kept(earlier or {}), **document}))


def duplicate(document: Document) -> Document:
    """The stored document of an event that was handled before."""
    reason = "This very event was handled before; nothing was done again."
    return _finished({**document, "outcome": "duplicate", "reason": reason})


def with_rollback(document: Document, decision: str, rollback_deployment_id: str | None = None) -> Document:
    """The document after the rollback went on; `decision` is the contract's word (started, vetoed …)."""
    nothing: RollbackSection = {"decision": decision, "guards": []}
    rollback: RollbackSection = {**document.get("rollback", nothing), "decision": decision}
    if rollback_deployment_id:
        rollback["rollback_deployment_id"] = rollback_deployment_id
    return _finished({**document, "rollback": rollback})


def with_notified(document: Document, notified: Sequence[NotifiedSection]) -> Document:
    """The document with who was told, and whether that worked."""
    return _finished({**document, "notified": list(notified)})


def _kept(earlier: Mapping[str, object]) -> dict[str, object]:
    """What stays true of an incident when its alarm is OK again."""
    kept = ("resource", "onset", "cause", "trigger", "severity", "impact", "rollback")
    return {name: earlier[name] for name in kept if name in earlier}


def _bare(outcome: str, incident_id: str | None, alarm: AlarmSection, reason: str) -> Document:
    bare = {"schema_version": SCHEMA_VERSION, "outcome": outcome, "incident_id": incident_id, "alarm": alarm}
    return cast(Document, {**bare, "reason": reason})


def _finished(document: Document) -> Document:
    return cast(Document, storable(document))
