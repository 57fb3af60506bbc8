"""Reads the instances behind the targets: zones, times of launch, and the security groups that guard them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from collectors.cloudwatch import instance_ids
from collectors.reading import Answer, Reading, Scope, in_utc
from diagnosis.evidence import Instance, Missing, Target

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

PERMISSIONS = ("ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces")
# A filter takes 200 values (EC2 API reference, "Filter"); half of them tell enough of any fleet.
MOST_MACHINES = 100


def collect_instances(scope: Scope, read: Mapping[str, object]) -> tuple[Instance, ...] | Missing:
    """The instances of instance targets; of address targets the network interfaces, named by the address."""
    health = cast("Mapping[str, tuple[Target, ...] | Missing] | Missing", read["target_health"])
    if isinstance(health, Missing):
        return health
    instances, interfaces = instance_ids(health)[:MOST_MACHINES], addresses(health)[:MOST_MACHINES]
    client = cast("EC2Client", scope.clients("ec2"))
    return (_instances(client, instances) if instances else ()) + (
        _interfaces(client, interfaces) if interfaces else ()
    )


def addresses(health: Mapping[str, tuple[Target, ...] | Missing]) -> tuple[str, ...]:
    """The targets that are IPv4 addresses, each once."""
    targets = (target for group in health.values() if not isinstance(group, Missing) for target in group)
    return tuple(dict.fromkeys(each.id for each in targets if each.id.replace(".", "").isdecimal()))


def _instances(client: EC2Client, ids: Sequence[str]) -> tuple[Instance, ...]:
    # By filter and not by InstanceIds, which is refused as a whole when one instance has long been
    # terminated.
    pages = client.get_paginator("describe_instances").paginate(
        Filters=[{"Name": "instance-id", "Values": ids}]
    )
    found = {each.id: each for page in pages for each in parse_instances(page)}
    return tuple(found[id] for id in ids if id in found)


def parse_instances(answer: Answer) -> tuple[Instance, ...]:
    """The instances of one DescribeInstances page."""
    return tuple(
        Instance(
            id=each["InstanceId"],
            zone=each.get("Placement", {}).get("AvailabilityZone"),
            state=each.get("State", {}).get("Name", "unknown"),
            launched=in_utc(each.get("LaunchTime")),
            security_groups=_group_ids(each.get("SecurityGroups", ())),
            subnet=each.get("SubnetId"),
        )
        for reservation in answer.get("Reservations", ())
        for each in reservation.get("Instances", ())
        if "InstanceId" in each
    )


def _interfaces(client: EC2Client, addresses: Sequence[str]) -> tuple[Instance, ...]:
    pages = client.get_paginator("describe_network_interfaces").paginate(
        Filters=[{"Name": "addresses.private-ip-address", "Values": addresses}]
    )
    found = [each for page in pages for each in parse_network_interfaces(page, addresses)]
    # Two networks may use one address; which of the two is the target cannot be told, so neither is taken.
    carriers = Counter(each.id for each in found)
    return tuple(each for each in found if carriers[each.id] == 1)


def parse_network_interfaces(answer: Answer, addresses: Sequence[str]) -> tuple[Instance, ...]:
    """The wanted addresses in one DescribeNetworkInterfaces page; `launched` is when one was attached."""
    return tuple(
        Instance(
            id=address,
            zone=each.get("AvailabilityZone"),
            state=each.get("Status", "unknown"),
            launched=in_utc(each.get("Attachment", {}).get("AttachTime")),
            security_groups=_group_ids(each.get("Groups", ())),
            subnet=each.get("SubnetId"),
        )
        for each in answer.get("NetworkInterfaces", ())
        for address in _private_addresses(each)
        if address in addresses
    )


def _private_addresses(interface: Answer) -> tuple[str, ...]:
    more = (each.get("PrivateIpAddress") for each in interface.get("PrivateIpAddresses", ()))
    return tuple(dict.fromkeys(filter(None, (interface.get("PrivateIpAddress"), *more))))


def _group_ids(groups: Sequence[Answer]) -> tuple[str, ...]:
    return tuple(each["GroupId"] for each in groups if "GroupId" in each)


READINGS = (Reading("instances", "ec2", ("target_health",), PERMISSIONS, collect_instances),)
