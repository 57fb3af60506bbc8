"""The diagnosis document of the contract (diagnosis.schema.json, 1): plain JSON values in typed dictionaries.

Beyond the contract's fields it carries a few optional ones that people and buttons need: `owner`,
`prevention`, `chain`, `resource.arn` and `resource.dimensions`, the trigger's `signals` and `rivals`, and the
rollback's `action`, `veto_seconds` and `expires_at`.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypedDict

SCHEMA_VERSION: Final = "1"
LONGEST_TEXT = 2_000
LONGEST_LIST = 100

Outcome = Literal["diagnosed", "ignored", "duplicate", "resolved", "failed"]

_SURROGATE = re.compile("[\ud800-\udfff]")


class _AlarmName(TypedDict):
    name: str
    state: str


class AlarmSection(_AlarmName, total=False):
    """The alarm; for an event that could not be read, `name` is unknown and `state` INSUFFICIENT_DATA."""

    arn: str
    account: str
    region: str
    time: str


class ResourceSection(TypedDict, total=False):
    """The entry point; `component` is the target group at fault."""

    kind: str
    id: str
    name: str
    component: str | None
    arn: str
    dimensions: dict[str, str]


class CauseSection(TypedDict):
    code: str
    origin: str
    confidence: float
    title: str


class SignalSection(TypedDict):
    """One fact weighed, in log-odds; positive speaks for the cause or trigger that it stands under."""

    statement: str
    source: str
    weight: float


class RivalSection(TypedDict):
    """Another change that may have set the errors off, and what speaks against it."""

    kind: str
    id: str | None
    summary: str
    confidence: float
    against: list[str]


class _TriggerKind(TypedDict):
    kind: str
    confidence: float


class TriggerSection(_TriggerKind, total=False):
    id: str | None
    at: str | None
    by: str | None
    summary: str
    signals: list[SignalSection]
    rivals: list[RivalSection]


class ChainSection(TypedDict):
    """One link from the errors to what set them off; `role` is symptom, mechanism or trigger."""

    role: str
    text: str


class ImpactSection(TypedDict):
    failed_requests: int
    requests: int
    error_rate: float
    baseline_error_rate: float


class _AlternativeCode(TypedDict):
    code: str
    confidence: float


class AlternativeSection(_AlternativeCode, total=False):
    against: list[str]


class MissingSection(TypedDict):
    source: str
    reason: str


class GuardSection(TypedDict):
    name: str
    passed: bool
    detail: str


class _RollbackDecision(TypedDict):
    decision: str
    guards: list[GuardSection]


class RollbackSection(_RollbackDecision, total=False):
    """The decision about going back; `action` is stop or redeploy; buttons are stale after `expires_at`."""

    deployment_id: str | None
    application: str | None
    deployment_group: str | None
    to_revision: str | None
    rollback_deployment_id: str | None
    action: str
    veto_seconds: int
    expires_at: str


class _ChannelAnswer(TypedDict):
    channel: str
    ok: bool


class NotifiedSection(_ChannelAnswer, total=False):
    detail: str


class _Envelope(TypedDict):
    schema_version: Literal["1"]
    outcome: Outcome
    incident_id: str | None
    alarm: AlarmSection


class Document(_Envelope, total=False):
    """What the alarm and follow-up functions return, store and publish."""

    reason: str
    resource: ResourceSection
    onset: str | None
    cause: CauseSection
    trigger: TriggerSection
    severity: str
    owner: str
    prevention: str
    chain: list[ChainSection]
    impact: ImpactSection
    signals: list[SignalSection]
    alternatives: list[AlternativeSection]
    missing: list[MissingSection]
    next_steps: list[str]
    retry_advice: str
    sources: list[str]
    rollback: RollbackSection
    notified: list[NotifiedSection]
    report_url: str | None
    timings_ms: dict[str, float]


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC to the millisecond at most, ending in Z; a time without a zone counts as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    precision = "milliseconds" if aware.microsecond else "seconds"
    return aware.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def share(value: float) -> float:
    """A probability or rate as a finite number from 0 to 1 with six decimals; what is not a number is 0."""
    return round(min(1.0, max(0.0, value)), 6) if not math.isnan(value) else 0.0


def storable(value: Any) -> Any:
    """The value as JSON that everybody can read: no lone surrogates, no NaN, nothing of unbounded length."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value[:LONGEST_TEXT])
    if isinstance(value, float):
        return value if math.isfinite(value) else 0.0
    if isinstance(value, Mapping):
        return {storable(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value[:LONGEST_LIST]]
    return value
