"""A function around the onset: what fails of it, how long it runs, what its log says, what limits it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from diagnosis.evidence import Evidence, Metrics, Missing
from diagnosis.facts.alias_shifts import native_deployments, placed
from diagnosis.facts.blamed_functions import blamed
from diagnosis.facts.function_figures import (
    bad_version,
    begun_earlier,
    concurrency,
    in_seconds,
    share_at_timeout,
    troubles_since,
)
from diagnosis.shift import STILL, UNKNOWN_LEVEL, Level, Shift, Span, count_shift, level_shift
from diagnosis.symptom import find_symptom
from diagnosis.systems.functions import ALIAS, Function, FunctionLog, Trouble

__all__ = ["FunctionFacts", "derive_functions", "native_deployments", "placed"]

# Concurrency this close to a limit is at it: the metric is a maximum of samples.
AT_LIMIT = 0.93
MOSTLY = 0.5
# Fewer invocations than this share of before, while the entry point is asked nearly as before, are refused.
STARVED, STILL_ASKED = 0.5, 0.7
# Failed calls of a function explain an entry point's errors when they are this share of them.
VISIBLE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """A function around the onset; times in seconds. `read` is False where its figures are not known.

    `errors` count from the start of the invocation (Lambda developer guide, "Types of metrics"), so their
    baseline ends earlier by the time-out. `starved` tells that invocations vanished while the entry point is
    asked as before, `visible` that what failed of it is a part of what failed there. `at_timeout` is the
    share of minutes since the onset in which the longest took the whole time-out. `limit` bounds its
    concurrency, None where not known. `bad_version` is the one version on which nearly all errors are.
    `troubles` are failed invocations since the onset by what the log tells, beyond those of before; None
    without a log. `blamed` tells that what called it could not use its answers.
    """

    name: str
    function: Function
    read: bool = True
    errors: Shift = STILL
    invocations: Shift = STILL
    throttles: Shift = STILL
    spillover: Shift = STILL
    duration: Level = UNKNOWN_LEVEL
    slowest: Level = UNKNOWN_LEVEL
    at_timeout: float = 0.0
    at_timeout_before: float = 0.0
    starved: bool = False
    visible: bool = False
    concurrency: float | None = None
    limit: int | None = None
    limit_is_reserved: bool = False
    bad_version: str | None = None
    troubles: dict[Trouble, float] | None = None
    blamed: bool = False

    @property
    def breaks(self) -> bool:
        """Whether its own figures show that calls of it fail."""
        return self.starved or (self.visible and (self.errors.risen or self.throttles.risen))

    @property
    def failing(self) -> bool:
        """Whether it fails, by its own figures or by those of what calls it."""
        return self.breaks or self.blamed

    @property
    def at_limit(self) -> bool:
        """Whether as many run at once as may."""
        known = self.limit is not None and self.concurrency is not None
        return known and (self.concurrency or 0.0) >= AT_LIMIT * (self.limit or 0)

    @property
    def log_group(self) -> str | None:
        """Where it logs to."""
        known = self.function.known
        return known.log_group if known else None

    @property
    def timeout(self) -> float | None:
        """Its configured time-out, in seconds."""
        known = self.function.known
        return known.timeout_seconds if known else None

    @property
    def memory(self) -> int | None:
        """Its configured memory, in MB."""
        known = self.function.known
        return known.memory_megabytes if known else None

    @property
    def modified(self) -> datetime | None:
        """When its code or configuration was last changed."""
        known = self.function.known
        return known.modified if known else None

    @property
    def log(self) -> FunctionLog | None:
        """Its log, where it was read."""
        return None if isinstance(self.function.log, Missing) else self.function.log

    def told(self, *troubles: Trouble) -> float | None:
        """The share of the failed invocations in the log that failed so, 0 to 1; None if it tells of none."""
        total = sum((self.troubles or {}).values())
        return sum((self.troubles or {}).get(each, 0.0) for each in troubles) / total if total else None

    def sample(self, *troubles: Trouble) -> str | None:
        """The first line of the log that tells of this."""
        samples = self.log.samples if self.log else {}
        return next((samples[each] for each in troubles if each in samples), None)

    def lets_in(self, service: str) -> bool | None:
        """Whether its resource policy lets this service in; None where that is not known."""
        callers = self.function.callers
        if isinstance(callers, Missing):
            return None
        return any(each in (service, "*") for each in callers or ())


def derive_functions(evidence: Evidence, span: Span) -> tuple[FunctionFacts, ...]:
    """The functions behind the entry point, those that fail first."""
    functions = {} if isinstance(evidence.functions, Missing) else evidence.functions
    if not functions or isinstance(evidence.metrics, Missing):
        return ()
    symptom = find_symptom(evidence.metrics, (), evidence.kind)
    failed = count_shift(symptom.errors, symptom.attempted, span).excess
    found = [_facts(each, symptom.attempted, failed, span) for each in functions.values()]
    at_fault = blamed(evidence, span, frozenset(each.name for each in found if each.breaks))
    told = [replace(each, blamed=each.name in at_fault) for each in found]
    return tuple(sorted(told, key=lambda each: (not each.failing, -_failed(each), each.name)))


def _failed(each: FunctionFacts) -> float:
    return each.errors.excess + each.throttles.excess


def _facts(function: Function, asked_in_all: Sequence[float], failed: float, span: Span) -> FunctionFacts:
    metrics = function.metrics
    if isinstance(metrics, Missing):
        return FunctionFacts(function.name, function, read=False)
    part, early = _part(function, metrics), begun_earlier(function, span)
    asked = metrics.counts("Invocations", part=part)
    each_minute = (1.0,) * len(asked)
    invocations = count_shift(asked, each_minute, span)
    slowest = in_seconds(metrics.levels("Duration", "Maximum", part=part))
    limit, reserved, peak = concurrency(function, metrics, span)
    begun, log = metrics.window.minute(early.onset), function.log
    spilled = metrics.counts("ProvisionedConcurrencySpilloverInvocations", part=part)
    facts = FunctionFacts(
        name=function.name,
        function=function,
        errors=count_shift(metrics.counts("Errors", part=part), asked, early),
        invocations=invocations,
        throttles=count_shift(metrics.counts("Throttles", part=part), each_minute, span),
        spillover=count_shift(spilled, each_minute, span),
        duration=level_shift(in_seconds(metrics.levels("Duration", "Average", part=part)), span),
        slowest=level_shift(slowest, span),
        at_timeout=share_at_timeout(function, slowest[early.onset : early.until]),
        at_timeout_before=share_at_timeout(function, slowest[early.first : early.onset]),
        starved=_starved(invocations, asked_in_all, span),
        concurrency=peak,
        limit=limit,
        limit_is_reserved=reserved,
        bad_version=bad_version(metrics, early),
        troubles=None if isinstance(log, Missing) else troubles_since(log, begun),
    )
    return replace(facts, visible=_failed(facts) >= VISIBLE_SHARE * failed)


def _part(function: Function, metrics: Metrics) -> str | None:
    """The alias that is asked, where it has figures of its own: others may call the function too."""
    part = f"{ALIAS}{function.qualifier}"
    return part if function.qualifier and any(metrics.counts("Invocations", part=part)) else None


def _starved(invocations: Shift, asked: Sequence[float], span: Span) -> bool:
    """Whether invocations vanished though the entry point is asked nearly as before."""
    if not invocations.fallen or invocations.after > STARVED * invocations.before:
        return False
    requests = count_shift(asked, (1.0,) * len(asked), span)
    return requests.after >= STILL_ASKED * requests.before
