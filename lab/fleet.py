"""EC2's view of the targets: instances, and the network interfaces of targets that are addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from lab.clock import Clock
from lab.errors import AwsError
from lab.loading import stable_hex
from lab.scenario import Scenario, Target, TargetGroup
from lab.wire import Answer, UnknownToLabError

USUAL_AGE = timedelta(days=30)
BOOT_TIME = timedelta(seconds=20)


class Fleet:
    """The machines behind the target groups."""

    def __init__(self, scenario: Scenario, clock: Clock) -> None:
        self._scenario = scenario
        self._clock = clock
        self.vpc_id = ""
        self.subnets: Mapping[str, str] = {}

    def operations(self) -> dict[str, Answer]:
        """The operations that the lab answers itself."""
        return {
            "DescribeInstances": self.describe_instances,
            "DescribeInstanceStatus": self.describe_instance_status,
            "DescribeNetworkInterfaces": self.describe_network_interfaces,
        }

    def describe_instances(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """By ids, of which each must exist, or by filters, which take what there is."""
        known = {instance["InstanceId"]: instance for instance in self._instances()}
        wanted = asked.get("InstanceIds") or []
        for id_ in wanted:
            if id_ not in known:
                raise AwsError("InvalidInstanceID.NotFound", f"The instance ID '{id_}' does not exist")
        found = [known[id_] for id_ in wanted] if wanted else list(known.values())
        found = [one for one in found if _passes(one, asked.get("Filters", []), _instance_values)]
        return {
            "Reservations": [
                {
                    "ReservationId": f"r-0{stable_hex(one['InstanceId'])}",
                    "OwnerId": self._scenario.account,
                    "Groups": [],
                    "Instances": [one],
                }
                for one in found
            ]
        }

    def describe_instance_status(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Status checks of the running instances: all passed."""
        wanted = asked.get("InstanceIds") or []
        passed = {"Status": "ok", "Details": [{"Name": "reachability", "Status": "passed"}]}
        return {
            "InstanceStatuses": [
                {
                    "InstanceId": one["InstanceId"],
                    "AvailabilityZone": one["Placement"]["AvailabilityZone"],
                    "InstanceState": one["State"],
                    "InstanceStatus": passed,
                    "SystemStatus": passed,
                }
                for one in self._instances()
                if (not wanted or one["InstanceId"] in wanted) and one["State"]["Name"] == "running"
            ]
        }

    def describe_network_interfaces(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """One for each target that is an address; a task's interface is attached when the task starts."""
        found = [
            one for one in self._interfaces() if _passes(one, asked.get("Filters", []), _interface_values)
        ]
        return {"NetworkInterfaces": found}

    def launched(self, group: TargetGroup, target: Target) -> datetime:
        """When the machine came up: as given, with the newest blue/green deployment, or a month ago."""
        if target.launched is not None:
            return self._scenario.moment(target.launched)
        fresh = [
            deployment.started if deployment.started is not None else deployment.created
            for deployment in self._scenario.deployments
            if deployment.style == "blue_green"
            and group.name in deployment.target_groups
            and self._scenario.moment(deployment.created) <= self._clock.now()
        ]
        if fresh:
            return self._scenario.moment(max(fresh)) + BOOT_TIME
        return self._scenario.minute_zero - USUAL_AGE

    def _targets(self, target_type: str) -> Iterator[tuple[TargetGroup, Target]]:
        seen: set[str] = set()
        for group in self._scenario.target_groups:
            for target in group.targets:
                if group.target_type == target_type and target.id not in seen:
                    seen.add(target.id)
                    yield group, target

    def _instances(self) -> Iterator[dict[str, Any]]:
        for index, (group, target) in enumerate(self._targets("instance")):
            address = f"10.0.{index // 200 + 10}.{index % 200 + 10}"
            stopped = target.reason == "Target.InvalidState"
            yield {
                "InstanceId": target.id,
                "ImageId": "ami-0123456789abcdef0",
                "State": {"Code": 80, "Name": "stopped"} if stopped else {"Code": 16, "Name": "running"},
                "InstanceType": "c6i.large",
                "LaunchTime": self.launched(group, target),
                "Placement": {"AvailabilityZone": target.zone, "GroupName": "", "Tenancy": "default"},
                "Monitoring": {"State": "enabled"},
                "PrivateIpAddress": address,
                "PrivateDnsName": f"ip-{address.replace('.', '-')}.{self._scenario.region}.compute.internal",
                "SubnetId": self.subnets[target.zone],
                "VpcId": self.vpc_id,
                "SecurityGroups": [{"GroupId": id_, "GroupName": id_} for id_ in group.security_groups],
                "Tags": [{"Key": "Name", "Value": group.name}],
            }

    def _interfaces(self) -> Iterator[dict[str, Any]]:
        for group, target in self._targets("ip"):
            yield {
                "NetworkInterfaceId": f"eni-0{stable_hex(target.id)}",
                "AvailabilityZone": target.zone,
                "Description": f"arn:aws:ecs:{self._scenario.region}:{self._scenario.account}:attachment/lab",
                "Groups": [{"GroupId": id_, "GroupName": id_} for id_ in group.security_groups],
                "InterfaceType": "interface",
                "OwnerId": self._scenario.account,
                "PrivateIpAddress": target.id,
                "PrivateIpAddresses": [{"Primary": True, "PrivateIpAddress": target.id}],
                "Status": "in-use",
                "SubnetId": self.subnets[target.zone],
                "VpcId": self.vpc_id,
                "Attachment": {
                    "AttachTime": self.launched(group, target),
                    "AttachmentId": f"ela-attach-0{stable_hex(target.id)}",
                    "DeleteOnTermination": False,
                    "DeviceIndex": 1,
                    "Status": "attached",
                },
            }


def _instance_values(instance: Mapping[str, Any]) -> dict[str, list[str]]:
    values = {
        "instance-id": [instance["InstanceId"]],
        "instance-state-name": [instance["State"]["Name"]],
        "availability-zone": [instance["Placement"]["AvailabilityZone"]],
        "private-ip-address": [instance["PrivateIpAddress"]],
        "vpc-id": [instance["VpcId"]],
        "subnet-id": [instance["SubnetId"]],
        "instance.group-id": [group["GroupId"] for group in instance["SecurityGroups"]],
    }
    return values | {f"tag:{tag['Key']}": [tag["Value"]] for tag in instance["Tags"]}


def _interface_values(interface: Mapping[str, Any]) -> dict[str, list[str]]:
    addresses = [one["PrivateIpAddress"] for one in interface["PrivateIpAddresses"]]
    return {
        "addresses.private-ip-address": addresses,
        "private-ip-address": addresses,
        "network-interface-id": [interface["NetworkInterfaceId"]],
        "availability-zone": [interface["AvailabilityZone"]],
        "subnet-id": [interface["SubnetId"]],
        "vpc-id": [interface["VpcId"]],
        "group-id": [group["GroupId"] for group in interface["Groups"]],
        "status": [interface["Status"]],
    }


def _passes(one: Mapping[str, Any], filters: list[Mapping[str, Any]], values: Any) -> bool:
    """All filters hold, each with one of its values; `*` and `?` are wildcards."""
    known: dict[str, list[str]] = values(one)
    for given in filters:
        if given["Name"] not in known and not given["Name"].startswith("tag:"):
            raise UnknownToLabError(f"the lab's EC2 has no filter {given['Name']}")
        found = known.get(given["Name"], [])
        if not any(fnmatchcase(value, wanted) for value in found for wanted in given["Values"]):
            return False
    return True
