"""From an alarm to verdict and decision: everything is read at the same time, then judged."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from collectors.gather import Gathered
from diagnosis import report
from diagnosis.decision import Decision, History, PastRollback, decide
from diagnosis.document import Document
from diagnosis.evidence import Evidence, Missing, from_json, to_json
from diagnosis.incident import Alarm, AlarmState, EntryPoint
from diagnosis.pipeline import diagnose
from diagnosis.settings import Settings
from diagnosis.verdict import Verdict
from handlers.telemetry import logger
from handlers.wiring import Wiring
from remediation.kill_switch import read_kill_switch
from remediation.planning import planned
from remediation.records import ActionStatus, Incident, RollbackAction

TABLE_ERRORS = (ClientError, BotoCoreError)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be diagnosed: one alarm of one entry point, and the names of the metrics that it watches."""

    alarm: Alarm
    entry_point: EntryPoint
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """What the table knew when the alarm came; there is an id even where it could not be reached."""

    incident_id: str
    is_new: bool
    earlier: Incident | None
    action: RollbackAction | Missing | None

    @property
    def earlier_document(self) -> Document | None:
        """What was said of the incident before."""
        return self.earlier.document if self.earlier else None  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A verdict with all that it rests on, and what was decided."""

    subject: Subject
    evidence: Evidence
    verdict: Verdict
    history: History
    settings: Settings
    decision: Decision
    memory: Memory
    timings: Mapping[str, float]

    def document(self) -> Document:
        """The diagnosis document of the contract."""
        return report.diagnosed(
            self.memory.incident_id,
            self.subject.alarm,
            self.subject.entry_point,
            self.verdict,
            self.decision,
            self.settings,
            self.timings,
        )

    def plan(self, now: datetime) -> RollbackAction | None:
        """The rollback that was decided on, for the ledger."""
        return planned(
            self.memory.incident_id,
            self.decision,
            self.verdict,
            self.subject.entry_point,
            self.settings,
            now,
        )


def diagnosed(
    subject: Subject, gathering: Future[Gathered], wiring: Wiring, opened: Memory | None = None
) -> Diagnosis:
    """Read the rest, judge, decide. With `opened` the incident is known and none is opened."""
    began, settings, now = wiring.seconds(), wiring.settings(), wiring.now()
    with ThreadPoolExecutor(4, thread_name_prefix="reading") as threads:
        memory = threads.submit(lambda: opened or remember(subject, wiring, now))
        past = threads.submit(_rollbacks, wiring, now)
        allowed = threads.submit(_kill_switch, wiring)
        threads.submit(wiring.slack_secret)  # so that it is there when the message is written
        gathered = gathering.result()
        history = _history(memory, past, allowed, now - subject.alarm.time)
    about = subject.entry_point
    verdict = diagnose(gathered.evidence, subject.metrics, about.target_group, settings.severity)
    decision = decide(verdict, gathered.evidence, history, settings)
    timings = {name: 1000 * spent for name, spent in gathered.seconds.items()}
    timings["diagnosis"] = 1000 * (wiring.seconds() - began)
    return Diagnosis(
        subject, gathered.evidence, verdict, history, settings, decision, memory.result(), timings
    )


def proposed_id(subject: Subject) -> str:
    """A readable id that belongs to this one change of this alarm, so that the same event finds it again."""
    alarm = subject.alarm
    digest = sha256(
        f"{subject.entry_point.arn or subject.entry_point.id}|{alarm.arn}|{alarm.time.isoformat()}".encode()
    ).hexdigest()
    return f"{subject.entry_point.name}-{alarm.time:%Y%m%dT%H%M}-{digest[:6]}"


def remember(subject: Subject, wiring: Wiring, now: datetime) -> Memory:
    """Open the incident or join the open one, and read what is known of it."""
    name = proposed_id(subject)
    try:
        opened = wiring.incidents().open(subject.entry_point.id, subject.alarm.name, name, now)
        action = standing(wiring.ledger().action(opened.incident_id))
    except TABLE_ERRORS as error:
        logger.warning("the table of incidents cannot be reached", exc_info=error)
        return Memory(name, True, None, Missing(f"dynamodb: {reason(error)}"))
    return Memory(opened.incident_id, opened.is_new, opened.earlier, action)


def standing(action: RollbackAction | None) -> RollbackAction | None:
    """The incident's rollback, unless it was withdrawn before anybody was told: then there is none."""
    return None if action and action.status == ActionStatus.WITHDRAWN else action


def _rollbacks(wiring: Wiring, now: datetime) -> tuple[PastRollback, ...] | Missing:
    try:
        return wiring.ledger().rollbacks(now)
    except TABLE_ERRORS as error:
        return Missing(f"dynamodb: {reason(error)}")


def _kill_switch(wiring: Wiring) -> bool | Missing:
    return read_kill_switch(wiring.client("ssm"), wiring.kill_switch_parameter)


def _history(
    memory: Future[Memory],
    past: Future[tuple[PastRollback, ...] | Missing],
    allowed: Future[bool | Missing],
    alarm_age: timedelta,
) -> History:
    action = memory.result().action
    status = action.status if isinstance(action, RollbackAction) else action
    return History(allowed.result(), status, past.result(), alarm_age)


def reason(error: ClientError | BotoCoreError) -> str:
    """What an AWS error is called, without its text."""
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {error.response.get('Error', {}).get('Code', 'unknown error')}"
    return type(error).__name__


def written(subject: Subject) -> dict[str, Any]:
    """The subject as plain JSON data, for a message that asks to look again."""
    return {
        "alarm": to_json(subject.alarm),
        "entry_point": to_json(subject.entry_point),
        "metrics": list(subject.metrics),
    }


def read_subject(values: Mapping[str, Any]) -> Subject:
    """The inverse of `written`. Raises ValueError, KeyError or TypeError for anything else."""
    alarm: Alarm = from_json(Alarm, values["alarm"])
    state = AlarmState(alarm.state)
    return Subject(
        replace(alarm, state=state), from_json(EntryPoint, values["entry_point"]), tuple(values["metrics"])
    )
