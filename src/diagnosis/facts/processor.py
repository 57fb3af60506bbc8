"""How busy the processors of the instances behind the load balancer were."""

from diagnosis.evidence import Evidence, Missing
from diagnosis.facts.groups import GroupFacts
from diagnosis.shift import LEAD_MINUTES, Span, middle, present

# A processor load this far off its neighbours' is another life.
ODD_BELOW, ODD_ABOVE = 0.4, 1.9


def processor_load(
    evidence: Evidence, groups: tuple[GroupFacts, ...], span: Span
) -> tuple[float | None, float | None]:
    """The mean load of the failing groups' instances before, and in the busiest minute since the onset
    (percent).
    """
    if isinstance(evidence.processor, Missing):
        return None, None
    chosen = [group for group in groups if group.failing] or groups
    targets = [each for group in chosen if not isinstance(group.targets, Missing) for each in group.targets]
    serving = {each.id for each in targets if each.state == "healthy"} or {each.id for each in targets}
    series = [values for name, values in evidence.processor.items() if name in serving]
    if not series:
        return None, None
    means = [
        sum(known) / len(known) if (known := present(column)) else None
        for column in zip(*series, strict=True)
    ]
    before = middle(means[span.first : max(span.first + 1, span.onset - LEAD_MINUTES)])
    return before, max(present(means[max(0, span.onset - 2) :]), default=None)


def odd_processor(evidence: Evidence, span: Span) -> str | None:
    """The one instance whose processor load since the onset has nothing to do with its neighbours', if there
    is one.
    """
    if isinstance(evidence.processor, Missing) or len(evidence.processor) < 3:
        return None
    now = {name: middle(series[span.onset :]) for name, series in evidence.processor.items()}
    then = {
        name: middle(series[span.first : max(span.first + 1, span.onset)])
        for name, series in evidence.processor.items()
    }
    usual = middle(tuple(now.values()))
    if not usual:
        return None
    odd = [
        name
        for name, load in now.items()
        if load is not None
        and not ODD_BELOW <= load / usual <= ODD_ABOVE
        and ODD_BELOW <= (then[name] or 0.0) / (middle(tuple(then.values())) or 1.0) <= ODD_ABOVE
    ]
    return odd[0] if len(odd) == 1 else None
