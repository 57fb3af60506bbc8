"""What the access log of an API tells of the failed requests since the onset."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from diagnosis.evidence import Metrics, Missing
from diagnosis.facts.gateway_answers import Reason, reason_of
from diagnosis.shift import Span
from diagnosis.systems.gateway import Answered, Api


def of_log(api: Api | None, name: str) -> int | None:
    """A figure of the access log; None where it was not read or does not tell."""
    log = api.access_log if api else None
    return None if log is None or isinstance(log, Missing) else getattr(log, name)


def answers_since(
    api: Api | None, metrics: Metrics, span: Span
) -> tuple[tuple[Reason, Answered], ...] | None:
    """What the log tells of since the onset, less what it told of in as many minutes before."""
    if api is None or isinstance(api.access_log, Missing):
        return None
    log, onset = api.access_log, metrics.window.minute(span.onset)
    until = metrics.window.minute(span.until)
    quiet = max(0.0, (onset - log.since).total_seconds() / 60) if not log.truncated else 0.0
    lasted = max(1.0, (until - onset).total_seconds() / 60)
    later, earlier = Counter[Answered](), Counter[Answered]()
    for each in log.answers:
        (later if each.minute >= onset else earlier)[replace(each, minute=onset, count=0)] += each.count
    excess = (
        replace(each, count=round(count - (earlier[each] * lasted / quiet if quiet else 0.0)))
        for each, count in later.items()
    )
    reason = _reasons(api)
    return tuple((reason(each), each) for each in excess if each.count > 0)


def _reasons(api: Api) -> Callable[[Answered], Reason]:
    told = frozenset(
        variable
        for stage in api.known_stages
        if stage.log and stage.log.fields
        for variable in stage.log.fields
    )
    signed = frozenset(each.route for each in api.known_integrations if each.authorization == "AWS_IAM")
    return lambda answered: reason_of(answered, api.kind, told, signed)
