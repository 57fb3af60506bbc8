"""What an alarm watches: its metrics and, for a composite alarm, its children.

CloudWatch writes the same configuration in three spellings: `metricStat.metric.name` with dimensions as an
object in its events, `MetricStat.Metric.MetricName` with a list of `{Name, Value}` in its API, and the
latter with lower-case `{name, value}` in what it publishes to SNS. All three are read here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from diagnosis.alarm import AlarmState, MetricReference
from diagnosis.arn import account_id
from diagnosis.untrusted import decoded, first, mapping, number, sequence, text

# PutCompositeAlarm, AlarmRule: at most 10,240 characters.
_LONGEST_RULE = 10_240

# Seconds in a week, the longest period of an alarm.
_LONGEST_PERIOD = 604_800

# SNS and Metrics Insights name statistics in upper case, the API does not.
_STATISTICS = {
    "SUM": "Sum",
    "AVERAGE": "Average",
    "AVG": "Average",
    "MINIMUM": "Minimum",
    "MIN": "Minimum",
    "MAXIMUM": "Maximum",
    "MAX": "Maximum",
    "SAMPLECOUNT": "SampleCount",
    "SAMPLE_COUNT": "SampleCount",
    "COUNT": "SampleCount",
}

_STATES = frozenset(state.value for state in AlarmState)

# A Metrics Insights query, as far as it names the metric.
_QUERY = re.compile(
    r'SELECT\s+(?P<statistic>\w+)\s*\(\s*"?(?P<name>[^"()\s]+)"?\s*\)\s+'
    r'FROM\s+(?:SCHEMA\s*\(\s*)?"?(?P<namespace>[^"(),\s]+)"?',
    re.IGNORECASE,
)
_CONDITION = re.compile(r"""\b(?P<dimension>\w+)"?\s*=\s*'(?P<value>[^']*)'""")

# Words, quoted names and brackets of a composite alarm's rule; commas only separate.
_RULE_TOKEN = re.compile(r'"(?P<quoted>[^"]*)"|(?P<bracket>[()])|(?P<word>[^\s(),"]+)')


def read_metrics(configuration: Mapping[str, Any]) -> tuple[MetricReference, ...]:
    """Every metric of an alarm, in the order given.

    All entries count, not only the one that returns data: a metric-math alarm's expression names no metric
    itself.
    """
    entries = sequence(first(configuration, "metrics", "Metrics"))
    read = [_metric_of_entry(mapping(entry)) for entry in entries] or [_plain_metric(configuration)]
    return tuple(metric for metric in read if metric is not None)


def _metric_of_entry(entry: Mapping[str, Any]) -> MetricReference | None:
    figure = mapping(first(entry, "metricStat", "MetricStat"))
    if not figure:
        return _queried_metric(entry)
    metric = mapping(first(figure, "metric", "Metric"))
    account = account_id(first(entry, "accountId", "AccountId"))
    return _reference(metric, first(figure, "stat", "Stat"), first(figure, "period", "Period"), account)


def _plain_metric(configuration: Mapping[str, Any]) -> MetricReference | None:
    """The single metric of an alarm without math, which the API and SNS write beside its other fields."""
    statistic = first(configuration, "Statistic", "ExtendedStatistic")
    return _reference(configuration, statistic, configuration.get("Period"), None)


def _reference(
    metric: Mapping[str, Any], statistic: object, period: object, account: str | None
) -> MetricReference | None:
    namespace = text(first(metric, "namespace", "Namespace"), 255)
    name = text(first(metric, "name", "MetricName"), 255)
    if namespace is None or name is None:
        return None
    dimensions = read_dimensions(first(metric, "dimensions", "Dimensions"))
    return MetricReference(namespace, name, dimensions, _statistic(statistic), _seconds(period), account)


def read_dimensions(value: object) -> dict[str, str]:
    """Dimensions in any of the three spellings."""
    pairs: list[tuple[object, object]] = list(mapping(value).items())
    for entry in sequence(value):
        pair = mapping(entry)
        pairs.append((first(pair, "name", "Name"), first(pair, "value", "Value")))
    cleaned = [(text(name, 255), text(content, 1024)) for name, content in pairs]
    return {name: content for name, content in cleaned if name and content}


def _statistic(value: object) -> str | None:
    written = text(value, 64)
    return _STATISTICS.get(written.upper(), written) if written else None


def _seconds(value: object) -> int | None:
    seconds = number(value)
    return int(seconds) if seconds is not None and 1 <= seconds <= _LONGEST_PERIOD else None


def _queried_metric(entry: Mapping[str, Any]) -> MetricReference | None:
    """The metric that a Metrics Insights query selects; None for metric math, which names only ids."""
    query = text(first(entry, "expression", "Expression"), 4096)
    found = _QUERY.search(query) if query else None
    if query is None or found is None:
        return None
    statistic = _statistic(found["statistic"])
    period = _seconds(first(entry, "period", "Period"))
    return MetricReference(found["namespace"], found["name"], _conditions(query), statistic, period)


def _conditions(query: str) -> dict[str, str]:
    """The dimensions that a query fixes to one value; one compared with several values is fixed to none."""
    values: dict[str, set[str]] = {}
    for condition in _CONDITION.finditer(query):
        values.setdefault(condition["dimension"], set()).add(condition["value"])
    return {dimension: min(found) for dimension, found in values.items() if len(found) == 1}


def triggering_children(reason_data: object) -> tuple[str, ...]:
    """The ARNs of the alarms that made a composite alarm change state, those in ALARM alone if any is.

    `reason_data` is the alarm's reasonData, as JSON text or decoded; SNS calls the list `TriggeringChildren`.
    """
    data = mapping(decoded(reason_data))
    items = sequence(first(data, "triggeringAlarms", "TriggeringChildren"))
    children = [_child(mapping(item)) for item in items]
    named = [(arn, state) for arn, state in children if arn]
    alarming = [arn for arn, state in named if state == AlarmState.ALARM]
    return tuple(dict.fromkeys(alarming or [arn for arn, _ in named]))


def _child(item: Mapping[str, Any]) -> tuple[str | None, str | None]:
    state = mapping(first(item, "state", "State"))
    return text(first(item, "arn", "Arn")), text(first(state, "value", "Value"))


def children_of_rule(rule: str | None) -> tuple[str, ...]:
    """Names or ARNs of the alarms whose trouble a composite alarm's rule waits for, in the order of the rule.

    `ALARM("a")` and `NOT OK("a")` wait for trouble; `OK("a")`, `NOT ALARM("maintenance")` and anything about
    INSUFFICIENT_DATA do not. `AT_LEAST(2, ALARM, (a, b))` counts like ALARM of each. (CloudWatch user guide,
    "Composite alarms", rule expressions.)
    """
    return tuple(dict.fromkeys(_RuleReader().troubles(rule or "")))


class _RuleReader:
    """Reads a composite alarm's rule from left to right.

    Each open bracket remembers the state named before it, if any, and whether it is negated. Inside a bracket
    with a state, every word is an alarm's name.
    """

    def __init__(self) -> None:
        self._brackets: list[tuple[str | None, bool]] = [(None, False)]
        self._state: str | None = None
        self._negated = False

    def troubles(self, rule: str) -> Iterator[str]:
        for token in _RULE_TOKEN.finditer(rule[:_LONGEST_RULE]):
            wanted, negated = self._brackets[-1]
            if token["bracket"]:
                self._read_bracket(token["bracket"])
            elif wanted is None:
                self._read_word(token["word"])
            elif wanted == (AlarmState.OK if negated else AlarmState.ALARM):
                yield from filter(None, [text(token["quoted"] or token["word"])])

    def _read_bracket(self, bracket: str) -> None:
        if bracket == "(":
            self._brackets.append((self._state, self._brackets[-1][1] != self._negated))
            self._state, self._negated = None, False
        elif len(self._brackets) > 1:
            self._brackets.pop()

    def _read_word(self, word: str | None) -> None:
        if word == "NOT":
            self._negated = not self._negated
        elif word in ("AND", "OR"):
            self._state, self._negated = None, False
        elif word in _STATES:
            self._state = word
