"""Figures of one function read together: its limits, its time-out, its versions, what its log counts."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from diagnosis.evidence import Metrics, Missing
from diagnosis.shift import Span, middle, present
from diagnosis.systems.functions import VERSION, Function, FunctionLog, Trouble

# An invocation that is cut off is reported at its time-out or a little beyond, never clearly below it.
AT_TIMEOUT = 0.985
# Nearly all errors on one version, which has not nearly all of the invocations.
NEARLY_ALL, NOT_ALL = 0.9, 0.85
FEWEST_ERRORS = 3
ACCOUNT = "account"


def in_seconds(milliseconds: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(None if value is None else value / 1000 for value in milliseconds)


def begun_earlier(function: Function, span: Span) -> Span:
    """The same span, begun earlier by as long as an invocation may take: that is where its error is noted."""
    known = function.known
    minutes = round((known.timeout_seconds if known else 0.0) / 60 + 0.2)
    onset = max(span.first + 1, span.onset - minutes) if span.onset > span.first else span.onset
    return Span(span.first, onset, span.until)


def share_at_timeout(function: Function, slowest: Sequence[float | None]) -> float:
    """In what share of these minutes the longest invocation took all of its time-out, 0 to 1."""
    known, settings = present(slowest), function.known
    if not known or settings is None:
        return 0.0
    return sum(value >= AT_TIMEOUT * settings.timeout_seconds for value in known) / len(known)


def concurrency(function: Function, metrics: Metrics, span: Span) -> tuple[int | None, bool, float | None]:
    """The limit, whether it is reserved for this function, and the most that ran at once under it lately."""
    since = slice(max(0, span.onset - 1), span.until)
    own = metrics.levels("ConcurrentExecutions", "Maximum")[since]
    if isinstance(function.reserved, int):
        return function.reserved, True, _peak(own)
    if isinstance(function.account_limit, Missing):
        return None, False, _peak(own)
    shared = metrics.levels("ConcurrentExecutions", "Maximum", part=ACCOUNT)[since]
    return function.account_limit, False, _peak(shared)


def _peak(levels: Sequence[float | None]) -> float | None:
    """What the busier half of the minutes reaches."""
    known = sorted(present(levels), reverse=True)
    return middle(known[: max(1, len(known) // 2)])


def bad_version(metrics: Metrics, span: Span) -> str | None:
    """The version on which nearly all errors are, where another one has requests too."""
    names = sorted({key.part for key in metrics.series if key.part and key.part.startswith(VERSION)})
    since = slice(span.onset, span.until)
    errors = {each: sum(metrics.counts("Errors", part=each)[since]) for each in names}
    asked = {each: sum(metrics.counts("Invocations", part=each)[since]) for each in names}
    total, requests = sum(errors.values()), sum(asked.values())
    lone = [
        each
        for each in names
        if total >= FEWEST_ERRORS and errors[each] >= NEARLY_ALL * total and asked[each] < NOT_ALL * requests
    ]
    return lone[0].removeprefix(VERSION) if lone else None


def troubles_since(log: FunctionLog, begun: datetime) -> dict[Trouble, float]:
    """Failed invocations in the log since then, less what there was in as many minutes before."""
    return {trouble: count for trouble, count in _excess(log, begun) if count > 0}


def _excess(log: FunctionLog, begun: datetime) -> Iterator[tuple[Trouble, float]]:
    quiet = 0.0 if log.truncated else max(0.0, (begun - log.since).total_seconds() / 60)
    newest = max((each.minute for each in log.found), default=begun)
    lasted = max(1.0, (newest - begun).total_seconds() / 60 + 1)
    for trouble in Trouble:
        lines = [each for each in log.found if each.trouble is trouble]
        later = sum(each.count for each in lines if each.minute >= begun)
        earlier = sum(each.count for each in lines if each.minute < begun)
        yield trouble, later - (earlier * lasted / quiet if quiet else 0.0)
