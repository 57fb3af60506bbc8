"""The account's alarms: DescribeAlarms, and the events an alarm sends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from lab.clock import Clock
from lab.cloudwatch import statistic_of
from lab.errors import AwsError
from lab.loading import stable_hex
from lab.metrics import MetricStore
from lab.moments import text, zulu
from lab.paging import page
from lab.scenario import Alarm, Scenario
from lab.wire import Answer

_MATH_IDS = ("m1", "m2", "m3", "m4")


class Alarms:
    """Knows every alarm of the account and its state now."""

    def __init__(
        self, scenario: Scenario, clock: Clock, store: MetricStore, target_group_dimensions: Mapping[str, str]
    ) -> None:
        self._scenario = scenario
        self._clock = clock
        self._store = store
        self._target_groups = target_group_dimensions
        self.cleared_at: datetime | None = None
        self.all = list(_unique(_everything(scenario)))

    def operations(self) -> dict[str, Answer]:
        """The operations that the lab answers itself."""
        return {
            "DescribeAlarms": self.describe_alarms,
            "DescribeAlarmHistory": self.describe_alarm_history,
            "DescribeAlarmContributors": lambda _: {"AlarmContributors": []},
        }

    def arn(self, alarm: Alarm) -> str:
        """The alarm's ARN."""
        return f"arn:aws:cloudwatch:{self._scenario.region}:{self._scenario.account}:alarm:{alarm.name}"

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
            "CompositeAlarms": [self._composite_alarm(alarm) for alarm in alarms if alarm.kind == "composite"],
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

    def event(self, alarm: Alarm, state: str, at: datetime) -> dict[str, Any]:
        """What the alarm sends when it changes to that state, in its envelope."""
        if alarm.event is not None and state == alarm.state:
            return dict(alarm.event)
        detail = self._detail(alarm, state, at)
        if alarm.envelope == "lambda_action":
            return self._lambda_action(alarm, detail, at)
        if alarm.envelope == "sns":
            return self._sns(alarm, detail, at)
        return {
            "version": "0",
            "id": _uuid(self._scenario.name, alarm.name, state, at),
            "detail-type": "CloudWatch Alarm State Change",
            "source": "aws.cloudwatch",
            "account": self._scenario.account,
            "time": zulu(at),
            "region": self._scenario.region,
            "resources": [self.arn(alarm)],
            "detail": detail,
        }

    def dimensions(self, alarm: Alarm, metric: str | None = None) -> dict[str, str]:
        """The dimensions of the alarm's metric."""
        if alarm.dimensions is not None:
            return dict(alarm.dimensions)
        found: dict[str, str] = {"LoadBalancer": self._scenario.load_balancer.dimension}
        if alarm.target_group and not (metric or alarm.metric).startswith("HTTPCode_ELB"):
            found["TargetGroup"] = self._target_groups[alarm.target_group]
        if alarm.zone:
            found["AvailabilityZone"] = alarm.zone
        return found

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
        common: dict[str, Any] = {
            "AlarmName": alarm.name,
            "AlarmArn": self.arn(alarm),
            "AlarmConfigurationUpdatedTimestamp": self._scenario.at - timedelta(days=30),
            "ActionsEnabled": True,
            "OKActions": [],
            "AlarmActions": list(alarm.actions),
            "InsufficientDataActions": [],
            "StateValue": self.state(alarm),
            "StateReason": self._reason(alarm, self.state(alarm)),
            "StateUpdatedTimestamp": changed,
            "StateTransitionedTimestamp": changed,
        }
        return common | ({"AlarmDescription": alarm.description} if alarm.description else {})

    def _composite_alarm(self, alarm: Alarm) -> dict[str, Any]:
        return self._common(alarm) | {"AlarmRule": _rule(alarm)}

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
        stat = {"Statistic": alarm.statistic} if not alarm.statistic.startswith("p") else {"ExtendedStatistic": alarm.statistic}
        return answer | stat | {
            "Namespace": alarm.namespace,
            "MetricName": alarm.metric,
            "Dimensions": _as_list(self.dimensions(alarm)),
            "Period": alarm.period,
        }

    def _metric_queries(self, alarm: Alarm) -> list[dict[str, Any]]:
        queries: list[dict[str, Any]] = []
        for entry in self._configured(alarm):
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

    def _configured(self, alarm: Alarm) -> list[dict[str, Any]]:
        """`configuration.metrics` of an event; the expression comes first, as in the user guide's example."""
        if alarm.kind == "metric_math":
            metrics = alarm.metrics or {"m1": "HTTPCode_ELB_5XX_Count", "m2": "RequestCount"}
            expression = alarm.expression or "100 * FILL(m1, 0) / m2"
            first = {"id": "e1", "expression": expression, "label": "error rate", "returnData": True}
            return [first, *(self._stat(alarm, id_, name, shown=False) for id_, name in metrics.items())]
        if alarm.kind == "anomaly":
            band = f"ANOMALY_DETECTION_BAND(m1, {alarm.band:g})"
            return [
                self._stat(alarm, "m1", alarm.metric, shown=True),
                {"id": "ad1", "expression": band, "label": "expected", "returnData": True},
            ]
        return [self._stat(alarm, _uuid(alarm.name, "metric"), alarm.metric, shown=True)]

    def _stat(self, alarm: Alarm, id_: str, metric: str, *, shown: bool) -> dict[str, Any]:
        return {
            "id": id_,
            "metricStat": {
                "metric": {
                    "namespace": alarm.namespace,
                    "name": metric,
                    "dimensions": self.dimensions(alarm, metric),
                },
                "period": alarm.period,
                "stat": alarm.statistic,
            },
            "returnData": shown,
        }

    def _detail(self, alarm: Alarm, state: str, at: datetime) -> dict[str, Any]:
        before = "OK" if state != "OK" else "ALARM"
        changed = at + timedelta(milliseconds=102)
        configuration: dict[str, Any] = {"description": alarm.description} if alarm.description else {}
        configuration |= {"alarmRule": _rule(alarm)} if alarm.kind == "composite" else {"metrics": self._configured(alarm)}
        return {
            "alarmName": alarm.name,
            "configuration": configuration,
            "previousState": {
                "value": before,
                "reason": self._reason(alarm, before),
                "timestamp": text(at - timedelta(minutes=20)),
            },
            "state": {
                "value": state,
                "reason": self._reason(alarm, state),
                "reasonData": json.dumps(self._reason_data(alarm, at)),
                "timestamp": text(changed),
            },
        }

    def _reason(self, alarm: Alarm, state: str) -> str:
        if alarm.kind == "composite":
            child = next((one.name for one in alarm.children if one.state == "ALARM"), alarm.name)
            return f"{self.arn(replace(alarm, name=child))} transitioned to {state}"
        verb = "was" if state == "ALARM" else "was not"
        return f"Threshold Crossed: 1 datapoint {verb} greater than the threshold ({alarm.threshold})."

    def _reason_data(self, alarm: Alarm, at: datetime) -> dict[str, Any]:
        if alarm.kind == "composite":
            return {
                "triggeringAlarms": [
                    {"arn": self.arn(child), "state": {"value": "ALARM", "timestamp": text(at)}}
                    for child in alarm.children
                    if child.state == "ALARM"
                ]
            }
        minute, value = self._breach(alarm, at)
        when = text(self._scenario.moment(minute))
        data: dict[str, Any] = {
            "version": "1.0",
            "queryDate": text(at),
            "startDate": when,
            "period": alarm.period,
            "recentDatapoints": [value],
        }
        if alarm.kind == "anomaly":
            return data | {"recentLowerThresholds": [0.0], "recentUpperThresholds": [alarm.threshold]}
        if alarm.kind == "metric":
            data["statistic"] = alarm.statistic
        evaluated = {"timestamp": when, "sampleCount": value, "value": value}
        return data | {"threshold": alarm.threshold, "evaluatedDatapoints": [evaluated]}

    def _breach(self, alarm: Alarm, at: datetime) -> tuple[int, float]:
        """The minute that the alarm judged: the newest whole one above its threshold, else the newest one."""
        newest = int((at - self._scenario.minute_zero).total_seconds() // 60) - 1
        if alarm.kind == "metric_math":
            return newest, alarm.threshold * 1.5
        series = self._store.series(alarm.namespace, alarm.metric, self.dimensions(alarm))
        values = {minute: statistic_of([series[minute]], alarm.statistic) for minute in range(newest - 5, newest + 1) if minute in series}
        above = [minute for minute, value in values.items() if value > alarm.threshold]
        minute = max(above, default=newest)
        return minute, values.get(minute, 0.0)

    def _lambda_action(self, alarm: Alarm, detail: Mapping[str, Any], at: datetime) -> dict[str, Any]:
        data = {key: detail[key] for key in ("alarmName", "state", "previousState", "configuration")}
        return {
            "source": "aws.cloudwatch",
            "alarmArn": self.arn(alarm),
            "accountId": self._scenario.account,
            "time": text(at),
            "region": self._scenario.region,
            "alarmData": data,
        }

    def _sns(self, alarm: Alarm, detail: Mapping[str, Any], at: datetime) -> dict[str, Any]:
        topic = f"arn:aws:sns:{self._scenario.region}:{self._scenario.account}:alarms"
        message: dict[str, Any] = {
            "AlarmName": alarm.name,
            "AlarmDescription": alarm.description,
            "AWSAccountId": self._scenario.account,
            "AlarmConfigurationUpdatedTimestamp": text(at - timedelta(days=30)),
            "NewStateValue": detail["state"]["value"],
            "NewStateReason": detail["state"]["reason"],
            "StateChangeTime": detail["state"]["timestamp"],
            "Region": "EU (Ireland)",
            "AlarmArn": self.arn(alarm),
            "OldStateValue": detail["previousState"]["value"],
            "OKActions": [],
            "AlarmActions": [topic],
            "InsufficientDataActions": [],
        }
        message |= self._sns_trigger(alarm)
        record = {
            "Type": "Notification",
            "MessageId": _uuid(alarm.name, at),
            "TopicArn": topic,
            "Subject": f'{detail["state"]["value"]}: "{alarm.name}" in EU (Ireland)',
            "Message": json.dumps(message),
            "Timestamp": zulu(at),
            "SignatureVersion": "1",
            "Signature": "EXAMPLE",
            "SigningCertUrl": "EXAMPLE",
            "UnsubscribeUrl": "EXAMPLE",
            "MessageAttributes": {},
        }
        source = {"EventVersion": "1.0", "EventSource": "aws:sns", "EventSubscriptionArn": f"{topic}:lab"}
        return {"Records": [source | {"Sns": record}]}

    def _sns_trigger(self, alarm: Alarm) -> dict[str, Any]:
        if alarm.kind == "composite":
            children = [{"Arn": self.arn(child), "State": {"Value": "ALARM"}} for child in alarm.children]
            return {"AlarmRule": _rule(alarm), "TriggeringChildren": children}
        trigger: dict[str, Any] = {
            "Period": alarm.period,
            "EvaluationPeriods": alarm.evaluation_periods,
            "ComparisonOperator": alarm.comparison,
            "Threshold": alarm.threshold,
            "TreatMissingData": alarm.treat_missing_data,
        }
        if alarm.kind != "metric":
            return {"Trigger": trigger | {"Metrics": [_sns_metric(entry) for entry in self._configured(alarm)]}}
        dimensions = [{"value": value, "name": name} for name, value in self.dimensions(alarm).items()]
        return {
            "Trigger": trigger
            | {
                "MetricName": alarm.metric,
                "Namespace": alarm.namespace,
                "StatisticType": "Statistic",
                "Statistic": alarm.statistic.upper(),
                "Unit": None,
                "Dimensions": dimensions,
                "EvaluateLowSampleCountPercentile": "",
            }
        }


def _sns_metric(entry: Mapping[str, Any]) -> dict[str, Any]:
    if "expression" in entry:
        return {"Id": entry["id"], "Expression": entry["expression"], "Label": entry["label"], "ReturnData": True}
    stat = entry["metricStat"]
    metric = stat["metric"]
    dimensions = [{"value": value, "name": name} for name, value in metric["dimensions"].items()]
    named = {"Namespace": metric["namespace"], "MetricName": metric["name"], "Dimensions": dimensions}
    return {
        "Id": entry["id"],
        "MetricStat": {"Metric": named, "Period": stat["period"], "Stat": stat["stat"]},
        "ReturnData": entry["returnData"],
    }


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


def _rule(alarm: Alarm) -> str:
    return alarm.rule or " OR ".join(f'ALARM("{child.name}")' for child in alarm.children)


def _as_list(dimensions: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _uuid(*words: object) -> str:
    digest = stable_hex(*words, length=32)
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"


__all__: Sequence[str] = ("Alarms",)
