"""The ranked findings plus the trigger: what is said to be wrong, how sure, and what speaks against it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from diagnosis.cause import Cause, Signal
from diagnosis.evidence import Deployment


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause judged against the evidence; `skipped` says what was missing when it could not be judged."""

    cause: Cause
    confidence: float
    signals: tuple[Signal, ...]
    skipped: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that may have set the errors off, weighed against the onset and the failing part."""

    kind: str
    id: str | None
    at: datetime | None
    by: str | None
    summary: str
    confidence: float
    signals: tuple[Signal, ...]
    deployment: Deployment | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """The likeliest candidate and its rivals, likeliest first.

    `blind_until_now` is True when changes of the last minutes before the onset cannot have been seen yet.
    """

    chosen: Candidate
    rivals: tuple[Candidate, ...]
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Impact:
    """Requests failed and asked since the onset, and the shares (0 to 1) that failed then and before."""

    failed_requests: int
    requests: int
    error_rate: float
    baseline_error_rate: float


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain from the errors to what set them off; `role` is symptom, mechanism or trigger."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong. `cause` is the contract's code; "inconclusive" when the evidence does not decide.

    `leading` is the finding that the code rests on, or the best candidate when inconclusive; `findings` are
    ranked. `deeper` is what fails at the origin where the code is only that the origin fails. `chain` leads
    from the errors seen to what set them off, `places` names what there is to look at (a function, a rule).
    `rollback_support` is the probability that the cause is one for which going back helps.
    """

    code: str
    origin: str
    title: str
    confidence: float
    leading: Finding | None
    findings: tuple[Finding, ...]
    trigger: Trigger
    onset: datetime | None
    component: str | None
    impact: Impact | None
    severity: str
    rollback_support: float
    missing: tuple[tuple[str, str], ...] = ()
    reasons: tuple[str, ...] = ()
    failing_target_groups: tuple[str, ...] = ()
    errors_continue: bool = True
    requests_per_minute: float = 0.0
    deeper: Finding | None = None
    chain: tuple[Link, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
