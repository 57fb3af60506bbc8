"""The account's alarms and their states: DescribeAlarms."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from lab.alarm_configuration import AlarmConfiguration, rule_of
from lab.alarm_events import AlarmEvents
from lab.clock import Clock
from lab.errors import AwsError
from lab.metrics import MetricStore
from lab.paging import page
from lab.scenario import Alarm, Scenario
from lab.wire import Answer


class Alarms:
    """Knows every alarm of the account and its state now."""

    def __init__(
        self, scenario: Scenario, clock: Clock, store: MetricStore, target_group_dimensions: Mapping[str, str]
    ) -> None:
        self._scenario = scenario
        self._clock = clock
        self.configuration = AlarmConfiguration(scenario, target_group_dimensions)
        self._events = AlarmEvents(scenario, store, self.configuration)
        self.cleared_at: datetime | None = None
        self.all = list(_unique(_everything(scenario)))

    def operations(self) -> dict[str, Answer]:
        """The operations that the lab answers itself."""
        return {
            "DescribeAlarms": self.describe_alarms,
            "DescribeAlarmHistory": self.describe_alarm_history,
            "DescribeAlarmContributors": lambda _: {"AlarmContributors": []},
        }

    def event(self, alarm: Alarm, state: str, at: datetime) -> Any:
        """What the alarm sends when it changes to that state, in its envelope."""
        return self._events.event(alarm, state, at)

    def state(self, alarm: Alarm) -> str:
        """The alarm's state now."""
        if alarm.state == "ALARM" and self.cleared_at is not None and self._clock.now() >= self.cleared_at:
            return "OK"
        return alarm.state

    def red(self) -> set[str]:
        """The names of the alarms in ALARM now."""
        return {alarm.name for alarm in self.all if self.state(alarm) == "ALARM"}

    def describe_alarms(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Without AlarmTypes only metric alarms are returned (API reference)."""
        size = int(parameters.get("MaxRecords", 50))
        if not 1 <= size <= 100:
            raise AwsError("ValidationError", "MaxRecords lies between 1 and 100")
        if len(parameters.get("AlarmNames", [])) > 100:
            raise AwsError("ValidationError", "AlarmNames must not have more than 100 items")
        found = [alarm for alarm in self.all if self._wanted(alarm, parameters)]
        alarms, token = page(found, parameters.get("NextToken"), size, "InvalidNextToken")
        answer: dict[str, Any] = {
            "MetricAlarms": [self._metric_alarm(alarm) for alarm in alarms if alarm.kind != "composite"],
            "CompositeAlarms": [
                self._composite_alarm(alarm) for alarm in alarms if alarm.kind == "composite"
            ],
        }
        return answer | ({"NextToken": token} if token else {})

    def describe_alarm_history(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """One item: the transition that woke the product."""
        alarm = self._scenario.alarm
        item = {
            "AlarmName": alarm.name,
            "AlarmType": "CompositeAlarm" if alarm.kind == "composite" else "MetricAlarm",
            "Timestamp": self._scenario.at,
            "HistoryItemType": "StateUpdate",
            "HistorySummary": "Alarm updated from OK to ALARM",
            "HistoryData": json.dumps({"version": "1.0"}),
        }
        return {"AlarmHistoryItems": [item] if parameters.get("AlarmName") in (None, alarm.name) else []}

    def _wanted(self, alarm: Alarm, parameters: Mapping[str, Any]) -> bool:
        types = parameters.get("AlarmTypes") or ["MetricAlarm"]
        kind = "CompositeAlarm" if alarm.kind == "composite" else "MetricAlarm"
        parent = parameters.get("ChildrenOfAlarmName")
        return (
            kind in types
            and ("AlarmNames" not in parameters or alarm.name in parameters["AlarmNames"])
            and alarm.name.startswith(parameters.get("AlarmNamePrefix", ""))
            and parameters.get("StateValue") in (None, self.state(alarm))
            and (parent is None or alarm.name in self._children(parent))
        )

    def _children(self, parent: str) -> list[str]:
        return [child.name for alarm in self.all if alarm.name == parent for child in alarm.children]

    def _common(self, alarm: Alarm) -> dict[str, Any]:
        changed = self._scenario.at if alarm.state == "ALARM" else self._scenario.at - timedelta(days=3)
        if alarm.since is not None:
            changed = self._scenario.moment(alarm.since)
        common: dict[str, Any] = {
            "AlarmName": alarm.name,
            "AlarmArn": self.configuration.arn(alarm),
            "AlarmConfigurationUpdatedTimestamp": self._scenario.at - timedelta(days=30),
            "ActionsEnabled": True,
            "OKActions": [],
            "AlarmActions": list(alarm.actions),
            "InsufficientDataActions": [],
            "StateValue": self.state(alarm),
            "StateReason": self.configuration.reason(alarm, self.state(alarm)),
            "StateUpdatedTimestamp": changed,
            "StateTransitionedTimestamp": changed,
        }
        return common | ({"AlarmDescription": alarm.description} if alarm.description else {})

    def _composite_alarm(self, alarm: Alarm) -> dict[str, Any]:
        return self._common(alarm) | {"AlarmRule": rule_of(alarm)}

    def _metric_alarm(self, alarm: Alarm) -> dict[str, Any]:
        answer = self._common(alarm) | {
            "EvaluationPeriods": alarm.evaluation_periods,
            "DatapointsToAlarm": alarm.evaluation_periods,
            "TreatMissingData": alarm.treat_missing_data,
        }
        if alarm.kind == "anomaly":
            return answer | {
                "ComparisonOperator": "GreaterThanUpperThreshold",
                "ThresholdMetricId": "ad1",
                "Metrics": self._metric_queries(alarm),
            }
        answer |= {"ComparisonOperator": alarm.comparison, "Threshold": alarm.threshold}
        if alarm.kind == "metric_math":
            return answer | {"Metrics": self._metric_queries(alarm)}
        stat = (
            {"Statistic": alarm.statistic}
            if not alarm.statistic.startswith("p")
            else {"ExtendedStatistic": alarm.statistic}
        )
        return (
            answer
            | stat
            | {
                "Namespace": alarm.namespace,
                "MetricName": alarm.metric,
                "Dimensions": _as_list(self.configuration.dimensions(alarm)),
                "Period": alarm.period,
            }
        )

    def _metric_queries(self, alarm: Alarm) -> list[dict[str, Any]]:
        queries: list[dict[str, Any]] = []
        for entry in self.configuration.metrics(alarm):
            query: dict[str, Any] = {"Id": entry["id"], "ReturnData": entry["returnData"]}
            if "expression" in entry:
                query |= {"Expression": entry["expression"], "Label": entry["label"]}
            else:
                stat = entry["metricStat"]
                metric = stat["metric"]
                query["MetricStat"] = {
                    "Metric": {
                        "Namespace": metric["namespace"],
                        "MetricName": metric["name"],
                        "Dimensions": _as_list(metric["dimensions"]),
                    },
                    "Period": stat["period"],
                    "Stat": stat["stat"],
                }
            queries.append(query)
        return queries


def _everything(scenario: Scenario) -> Iterator[Alarm]:
    yield from _with_children(scenario.alarm)
    for alarm in scenario.other_alarms:
        yield from _with_children(alarm)
    for deployment in scenario.deployments:
        for name in deployment.alarms:
            yield Alarm(name=name, state="OK")


def _with_children(alarm: Alarm) -> Iterator[Alarm]:
    yield alarm
    for child in alarm.children:
        yield from _with_children(child)


def _unique(alarms: Iterator[Alarm]) -> Iterator[Alarm]:
    seen: set[str] = set()
    for alarm in alarms:
        if alarm.name not in seen:
            seen.add(alarm.name)
            yield alarm


def _as_list(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


__all__: Sequence[str] = ("Alarms",)
