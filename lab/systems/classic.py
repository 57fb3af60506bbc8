"""A Classic Load Balancer: the one that an alarm in AWS/ELB is about, with its instances and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from lab.errors import AwsError
from lab.fleet import Fleet
from lab.loading import stable_hex
from lab.metrics import Series
from lab.scenario import Scenario
from lab.strict import Section
from lab.systems import Stage
from lab.systems.classic_data import WHY, Data, as_if_alone, read_data
from lab.systems.classic_figures import classic_series, processor
from lab.wire import Answer

KEY = "classic_load_balancer"
ENTRY = "AWS/ELB"
WHOLE = ("elb",)
STANDS_SINCE = timedelta(days=900)


def load(section: Section, scenario_name: str) -> Data:  # noqa: ARG001 - one interface for all systems
    """Read the section `classic_load_balancer`."""
    return read_data(section)


def quiet(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A case's load balancer over a quiet one."""
    return {
        "name": "order-api",
        "requests": "4421",
        "backend_4xx": "60",
        "latency": "0.09",
        "latency_p99": "0.42",
        **given,
    }


def alarm_dimensions(data: Data) -> dict[str, str]:
    """The dimensions of an alarm on the load balancer."""
    return {"LoadBalancerName": data.name}


def series(
    scenario: Scenario,
    data: Data,
    namespace: str,
    name: str,
    dimensions: dict[str, str],
    recovered_from: int | None,
) -> Series | None:
    """Its own figures, and how busy its instances are."""
    if namespace == ENTRY:
        return classic_series(scenario, data, name, dimensions, recovered_from)
    if namespace == "AWS/EC2" and name == "CPUUtilization" and set(dimensions) == {"InstanceId"}:
        return processor(scenario, data, dimensions["InstanceId"], recovered_from)
    return None


class Staged:
    """Answers for the load balancer and for its instances."""

    def __init__(self, stage: Stage, data: Data | None) -> None:
        self._stage = stage
        self._data = data

    def operations(self) -> dict[str, dict[str, Answer]]:
        """The operations by boto3's name of the service; machines only where there are any."""
        answers: dict[str, dict[str, Answer]] = {
            "elb": {
                "DescribeLoadBalancers": self.describe_load_balancers,
                "DescribeLoadBalancerAttributes": self.describe_load_balancer_attributes,
                "DescribeInstanceHealth": self.describe_instance_health,
            }
        }
        if self._data is None:
            return answers
        fleet = Fleet(as_if_alone(self._stage.scenario, self._data), self._stage.clock)
        fleet.vpc_id, fleet.subnets = "vpc-0c1a551c", {zone: _subnet(zone) for zone in self._data.zones}
        return answers | {"ec2": fleet.operations()}

    def describe_load_balancers(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """By names, of which each must exist, or all."""
        names = asked.get("LoadBalancerNames") or []
        for name in names:
            self._known(name)
        return {"LoadBalancerDescriptions": [self._described(self._data)] if self._data else []}

    def _known(self, name: str) -> Data:
        if self._data is None or name != self._data.name:
            raise AwsError("LoadBalancerNotFound", f"There is no ACTIVE Load Balancer named '{name}'")
        return self._data

    def _described(self, data: Data) -> dict[str, Any]:
        region = data.zones[0][:-1]
        return {
            "LoadBalancerName": data.name,
            "DNSName": f"{data.name}-1234567890.{region}.elb.amazonaws.com",
            "CanonicalHostedZoneNameID": "Z32O12XQLNTSW2",
            "ListenerDescriptions": [{"Listener": dict(each), "PolicyNames": []} for each in data.listeners],
            "BackendServerDescriptions": [],
            "AvailabilityZones": list(data.zones),
            "Subnets": [_subnet(zone) for zone in data.zones],
            "VPCId": "vpc-0c1a551c",
            "Instances": [{"InstanceId": target.id} for target in data.group.targets],
            "HealthCheck": dict(data.check),
            "SecurityGroups": list(data.security_groups),
            "CreatedTime": self._stage.scenario.at - STANDS_SINCE,
            "Scheme": "internet-facing",
        }

    def describe_load_balancer_attributes(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Idle timeout, cross-zone load balancing, connection draining."""
        data = self._known(asked["LoadBalancerName"])
        draining = {"Enabled": data.draining is not None, "Timeout": data.draining or 300}
        return {
            "LoadBalancerAttributes": {
                "CrossZoneLoadBalancing": {"Enabled": data.cross_zone},
                "AccessLog": {"Enabled": False},
                "ConnectionDraining": draining,
                "ConnectionSettings": {"IdleTimeout": data.idle_timeout},
                "AdditionalAttributes": [{"Key": "elb.http.desyncmitigationmode", "Value": "defensive"}],
            }
        }

    def describe_instance_health(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """State, reason and description of each registered instance."""
        data = self._known(asked["LoadBalancerName"])
        wanted = [each["InstanceId"] for each in asked.get("Instances") or []]
        return {
            "InstanceStates": [
                dict(
                    zip(("State", "ReasonCode", "Description"), WHY[target.state], strict=True),
                    InstanceId=target.id,
                )
                for target in data.group.targets
                if not wanted or target.id in wanted
            ]
        }


def _subnet(zone: str) -> str:
    return f"subnet-0{stable_hex('classic', zone)}"
