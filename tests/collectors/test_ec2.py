"""Instances behind targets, and interfaces behind addresses."""

from collections.abc import Mapping
from typing import Any

from collectors.ec2 import collect_instances
from diagnosis.evidence import Instance, Missing, Target
from tests.collectors.fake_aws import FakeAws, before, scope


def _collect(aws: FakeAws, *ids: str) -> tuple[Instance, ...] | Missing:
    health = {"targetgroup/orders/1": tuple(Target(id, 80, None, "healthy") for id in ids)}
    return collect_instances(scope(aws), {"target_health": health})


def _interface(address: str, subnet: str = "subnet-1", *more: str) -> dict[str, Any]:
    return {
        "PrivateIpAddress": address,
        "PrivateIpAddresses": [{"PrivateIpAddress": each} for each in (address, *more)],
        "AvailabilityZone": "eu-west-1a",
        "Status": "in-use",
        "Attachment": {"AttachTime": before(hours=2)},
        "Groups": [{"GroupId": "sg-0f1e2d3c4b5a69788"}],
        "SubnetId": subnet,
    }


def test_instances_come_with_zone_launch_and_guards() -> None:
    aws = FakeAws()

    assert _collect(aws, "i-00000000000000001") == (
        Instance(
            id="i-00000000000000001",
            zone="eu-west-1a",
            state="running",
            launched=before(days=3),
            security_groups=("sg-0f1e2d3c4b5a69788",),
            subnet="subnet-0a1b2c3d",
        ),
    )
    assert not aws.asked("DescribeNetworkInterfaces")


def test_instances_are_asked_for_by_filter_at_most_a_hundred() -> None:
    aws = FakeAws()
    _collect(aws, *(f"i-{number:017x}" for number in range(150)))

    assert len(aws.asked("DescribeInstances")[0]["Filters"][0]["Values"]) == 100


def test_all_pages_are_read() -> None:
    def answer(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if "NextToken" in parameters:
            return {"Reservations": [{"Instances": [{"InstanceId": "i-00000000000000002"}]}]}
        return {"Reservations": [{"Instances": [{"InstanceId": "i-00000000000000001"}]}], "NextToken": "more"}

    found = _collect(FakeAws(DescribeInstances=answer), "i-00000000000000001", "i-00000000000000002")

    assert isinstance(found, tuple)
    assert [each.id for each in found] == ["i-00000000000000001", "i-00000000000000002"]


def test_an_address_is_described_by_its_network_interface() -> None:
    aws = FakeAws(
        DescribeNetworkInterfaces={"NetworkInterfaces": [_interface("10.0.1.7", "subnet-1", "10.0.1.8")]}
    )

    assert _collect(aws, "10.0.1.8") == (
        Instance("10.0.1.8", "eu-west-1a", "in-use", before(hours=2), ("sg-0f1e2d3c4b5a69788",), "subnet-1"),
    )
    assert not aws.asked("DescribeInstances")


def test_an_address_that_two_networks_use_is_left_out() -> None:
    interfaces = [_interface("10.0.1.7"), _interface("10.0.1.7", "subnet-2"), _interface("10.0.1.9")]
    found = _collect(
        FakeAws(DescribeNetworkInterfaces={"NetworkInterfaces": interfaces}), "10.0.1.7", "10.0.1.9"
    )

    assert isinstance(found, tuple)
    assert [each.id for each in found] == ["10.0.1.9"]


def test_a_function_as_target_needs_no_call() -> None:
    aws = FakeAws()

    assert _collect(aws, "arn:aws:lambda:eu-west-1:111122223333:function:orders") == ()
    assert not aws.calls


def test_without_target_health_there_are_no_targets_to_look_at() -> None:
    reason = Missing("elasticloadbalancing:DescribeTargetHealth: AccessDenied")

    assert collect_instances(scope(FakeAws()), {"target_health": reason}) == reason
