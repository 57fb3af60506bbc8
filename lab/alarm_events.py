"""The events an alarm sends when its state changes, in each envelope."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from lab.alarm_configuration import AlarmConfiguration, rule_of, uuid_of
from lab.cloudwatch import statistic_of
from lab.metrics import MetricStore
from lab.moments import text, zulu
from lab.scenario import Alarm, Scenario


class AlarmEvents:
    """Writes the events of the alarms of one scenario."""

    def __init__(self, scenario: Scenario, store: MetricStore, configuration: AlarmConfiguration) -> None:
        self._scenario = scenario
        self._store = store
        self._configuration = configuration

    def event(self, alarm: Alarm, state: str, at: datetime) -> Any:
        """What the alarm sends when it changes to that state, in its envelope."""
        if alarm.event is not None and state == alarm.state:
            return alarm.event
        detail = self._detail(alarm, state, at)
        if alarm.envelope == "lambda_action":
            return self._lambda_action(alarm, detail, at)
        if alarm.envelope == "sns":
            return self._sns(alarm, detail, at)
        return {
            "version": "0",
            "id": uuid_of(self._scenario.name, alarm.name, state, at),
            "detail-type": "CloudWatch Alarm State Change",
            "source": "aws.cloudwatch",
            "account": self._scenario.account,
            "time": zulu(at),
            "region": self._configuration.region(alarm),
            "resources": [self._configuration.arn(alarm)],
            "detail": detail,
        }

    def _detail(self, alarm: Alarm, state: str, at: datetime) -> dict[str, Any]:
        before = "OK" if state != "OK" else "ALARM"
        changed = at + timedelta(milliseconds=102)
        configuration: dict[str, Any] = {"description": alarm.description} if alarm.description else {}
        configuration |= (
            {"alarmRule": rule_of(alarm)}
            if alarm.kind == "composite"
            else {"metrics": self._configuration.metrics(alarm)}
        )
        return {
            "alarmName": alarm.name,
            "configuration": configuration,
            "previousState": {
                "value": before,
                "reason": self._configuration.reason(alarm, before),
                "timestamp": text(at - timedelta(minutes=20)),
            },
            "state": {
                "value": state,
                "reason": self._configuration.reason(alarm, state),
                "reasonData": json.dumps(self._reason_data(alarm, at)),
                "timestamp": text(changed),
            },
        }

    def _reason_data(self, alarm: Alarm, at: datetime) -> dict[str, Any]:
        if alarm.kind == "composite":
            return {
                "triggeringAlarms": [
                    {
                        "arn": self._configuration.arn(child),
                        "state": {"value": "ALARM", "timestamp": text(at)},
                    }
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
        series = self._store.series(alarm.namespace, alarm.metric, self._configuration.dimensions(alarm))
        values = {
            minute: statistic_of([series[minute]], alarm.statistic)
            for minute in range(newest - 5, newest + 1)
            if minute in series
        }
        above = [minute for minute, value in values.items() if value > alarm.threshold]
        minute = max(above, default=newest)
        return minute, values.get(minute, 0.0)

    def _lambda_action(self, alarm: Alarm, detail: Mapping[str, Any], at: datetime) -> dict[str, Any]:
        data = {key: detail[key] for key in ("alarmName", "state", "previousState", "configuration")}
        return {
            "source": "aws.cloudwatch",
            "alarmArn": self._configuration.arn(alarm),
            "accountId": self._scenario.account,
            "time": text(at),
            "region": self._configuration.region(alarm),
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
            "AlarmArn": self._configuration.arn(alarm),
            "OldStateValue": detail["previousState"]["value"],
            "OKActions": [],
            "AlarmActions": [topic],
            "InsufficientDataActions": [],
        }
        message |= self._sns_trigger(alarm)
        record = {
            "Type": "Notification",
            "MessageId": uuid_of(alarm.name, at),
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
            children = [
                {"Arn": self._configuration.arn(child), "State": {"Value": "ALARM"}}
                for child in alarm.children
            ]
            return {"AlarmRule": rule_of(alarm), "TriggeringChildren": children}
        trigger: dict[str, Any] = {
            "Period": alarm.period,
            "EvaluationPeriods": alarm.evaluation_periods,
            "ComparisonOperator": alarm.comparison,
            "Threshold": alarm.threshold,
            "TreatMissingData": alarm.treat_missing_data,
        }
        if alarm.kind != "metric":
            return {
                "Trigger": trigger
                | {"Metrics": [_sns_metric(entry) for entry in self._configuration.metrics(alarm)]}
            }
        dimensions = [
            {"value": value, "name": name} for name, value in self._configuration.dimensions(alarm).items()
        ]
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
        return {
            "Id": entry["id"],
            "Expression": entry["expression"],
            "Label": entry["label"],
            "ReturnData": True,
        }
    stat = entry["metricStat"]
    metric = stat["metric"]
    dimensions = [{"value": value, "name": name} for name, value in metric["dimensions"].items()]
    named = {"Namespace": metric["namespace"], "MetricName": metric["name"], "Dimensions": dimensions}
    return {
        "Id": entry["id"],
        "MetricStat": {"Metric": named, "Period": stat["period"], "Stat": stat["stat"]},
        "ReturnData": entry["returnData"],
    }
