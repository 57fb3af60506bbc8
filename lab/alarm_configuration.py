"""What an alarm watches: its ARN, its metrics and dimensions, its rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lab.loading import stable_hex
from lab.scenario import Alarm, Scenario


class AlarmConfiguration:
    """The configuration of the alarms of one scenario, as AWS words it."""

    def __init__(self, scenario: Scenario, target_group_dimensions: Mapping[str, str]) -> None:
        self._scenario = scenario
        self._target_groups = target_group_dimensions

    def arn(self, alarm: Alarm) -> str:
        """The alarm's ARN."""
        return f"arn:aws:cloudwatch:{self.region(alarm)}:{self._scenario.account}:alarm:{alarm.name}"

    def region(self, alarm: Alarm) -> str:
        """Where the alarm is: one on a distribution is where CloudFront's metrics are."""
        return "us-east-1" if alarm.namespace == "AWS/CloudFront" else self._scenario.region

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

    def metrics(self, alarm: Alarm) -> list[dict[str, Any]]:
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
        return [self._stat(alarm, uuid_of(alarm.name, "metric"), alarm.metric, shown=True)]

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

    def reason(self, alarm: Alarm, state: str) -> str:
        """The sentence beside a state."""
        if alarm.kind == "composite":
            child = next((one.name for one in alarm.children if one.state == "ALARM"), alarm.name)
            return f"{self.arn(replace(alarm, name=child))} transitioned to {state}"
        verb = "was" if state == "ALARM" else "was not"
        return f"Threshold Crossed: 1 datapoint {verb} greater than the threshold ({alarm.threshold})."


def rule_of(alarm: Alarm) -> str:
    """The rule of a composite alarm."""
    return alarm.rule or " OR ".join(f'ALARM("{child.name}")' for child in alarm.children)


def uuid_of(*words: object) -> str:
    """A UUID that depends on the words alone."""
    digest = stable_hex(*words, length=32)
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"
