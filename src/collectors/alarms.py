"""The metrics behind a composite alarm, which itself names only other alarms.

DescribeAlarms gives composite alarms only to a caller that asks for them by type and may read every alarm,
and takes at most 100 names (CloudWatch API reference, DescribeAlarms). An alarm's children live in its own
account and region (CloudWatch user guide, "Composite alarms").
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from diagnosis.alarm_configuration import children_of_rule, read_metrics, triggering_children
from diagnosis.arn import alarm_address
from diagnosis.evidence import Missing
from diagnosis.incident import Alarm, AlarmState, EntryPoint, MetricReference, entry_point

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

PERMISSIONS = ("cloudwatch:DescribeAlarms",)

_NAMES_PER_CALL = 100
# DescribeAlarms allows an account 9 calls a second; no tree of alarms is worth more than a few of them.
_MOST_ALARMS = 500


@dataclass(frozen=True, slots=True)
class _Member:
    """One alarm of the tree below a composite alarm.

    `triggers` are the names of the children that made it change state, `children` those of all whose trouble
    it waits for, triggers first. Both are empty for a metric alarm.
    """

    state: str | None
    metrics: tuple[MetricReference, ...] = ()
    triggers: tuple[str, ...] = ()
    children: tuple[str, ...] = ()


def resolve_metrics(
    client: CloudWatchClient, alarm: Alarm, max_depth: int = 5
) -> tuple[MetricReference, ...] | Missing:
    """The metrics that an alarm watches, for a composite alarm through its children, level by level.

    Those of the children that triggered it are enough if they tell of an entry point. Otherwise (the trigger
    may have been the end of a maintenance window) it is the metrics of all alarms below it that are in ALARM.
    """
    if alarm.metrics:
        return alarm.metrics
    tree = _Tree(alarm)
    failure = tree.read(client, max_depth)
    for metrics in (tree.triggered(), tree.alarming()):
        if isinstance(entry_point(alarm, metrics), EntryPoint):
            return metrics
    if failure:
        return Missing(failure)
    return tree.triggered() or tree.alarming() or Missing(f"No alarm behind {alarm.name} watches a metric.")


class _Tree:
    """The alarms below one composite alarm, each read once, however often or in circles it is named."""

    def __init__(self, alarm: Alarm) -> None:
        self._alarm = alarm
        self._root = self._composite(alarm.state, alarm.children, alarm.rule)
        self._members: dict[str, _Member] = {}
        self._asked: dict[str, None] = {alarm.name: None}

    def read(self, client: CloudWatchClient, max_depth: int) -> str | None:
        """Reads the tree until the triggering alarms tell of an entry point; answers why it is not whole."""
        names: Sequence[str] = self._root.children or (self._alarm.name,)
        for _ in range(max_depth):
            self._asked.update(dict.fromkeys(names))
            try:
                self._describe(client, names)
            except (BotoCoreError, ClientError) as error:
                return f"The alarms behind {self._alarm.name} could not be read: {_cause(error)}."
            names = self._unread(names)
            if not names or isinstance(entry_point(self._alarm, self.triggered()), EntryPoint):
                return None
        return f"The alarms behind {self._alarm.name} are nested more than {max_depth} deep."

    def triggered(self) -> tuple[MetricReference, ...]:
        """The metrics at the ends of the chains of triggers."""
        found = dict.fromkeys(self._root.triggers or self._root.children or (self._alarm.name,))
        queue = deque(found)
        while queue:
            member = self._members.get(queue.popleft(), _Member(None))
            new = [child for child in member.triggers or member.children if child not in found]
            found.update(dict.fromkeys(new))
            queue.extend(new)
        return self._metrics(found)

    def alarming(self) -> tuple[MetricReference, ...]:
        """The metrics of the alarms that are in ALARM now or, where none is any more, of all."""
        names = [name for name in self._asked if name in self._members]
        alarming = [name for name in names if self._members[name].state == AlarmState.ALARM]
        return self._metrics(alarming) or self._metrics(names)

    def _metrics(self, names: Iterable[str]) -> tuple[MetricReference, ...]:
        members = (self._members[name] for name in names if name in self._members)
        return tuple(metric for member in members for metric in member.metrics)

    def _unread(self, names: Sequence[str]) -> list[str]:
        members = (self._members[name] for name in names if name in self._members)
        children = (child for member in members for child in member.children)
        unread = dict.fromkeys(child for child in children if child not in self._asked)
        return list(unread)[: _MOST_ALARMS - len(self._asked)]

    def _describe(self, client: CloudWatchClient, names: Sequence[str]) -> None:
        paginator = client.get_paginator("describe_alarms")
        for start in range(0, len(names), _NAMES_PER_CALL):
            pages = paginator.paginate(
                AlarmNames=list(names[start : start + _NAMES_PER_CALL]),
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
                PaginationConfig={"PageSize": _NAMES_PER_CALL},
            )
            for page in pages:
                self._members.update(self._parse(page))

    def _parse(self, page: Mapping[str, Any]) -> Iterator[tuple[str, _Member]]:
        for described in page.get("MetricAlarms", ()):
            yield described["AlarmName"], _Member(described.get("StateValue"), read_metrics(described))
        for described in page.get("CompositeAlarms", ()):
            triggers = triggering_children(described.get("StateReasonData"))
            state, rule = described.get("StateValue"), described.get("AlarmRule")
            yield described["AlarmName"], self._composite(state, triggers, rule)

    def _composite(self, state: str | None, triggers: Sequence[str], rule: str | None) -> _Member:
        triggering = self._names(triggers)
        children = dict.fromkeys(triggering + self._names(children_of_rule(rule)))
        return _Member(state, triggers=triggering, children=tuple(children))

    def _names(self, references: Iterable[str]) -> tuple[str, ...]:
        """Names of alarms given by name or ARN; one elsewhere cannot be a child and has no name here."""
        named = (self._name(reference) for reference in references)
        return tuple(name for name in named if name)

    def _name(self, reference: str) -> str | None:
        address = alarm_address(reference)
        if address is None:
            return None if reference.startswith("arn:") else reference
        here = (address.account, address.region) == (self._alarm.account, self._alarm.region)
        return address.name if here else None


def _cause(error: BotoCoreError | ClientError) -> str:
    """What an AWS error is called: AccessDenied, Throttling, ReadTimeoutError."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "unknown error"))
    return type(error).__name__
