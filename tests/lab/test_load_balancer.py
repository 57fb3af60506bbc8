"""The load balancer as DescribeXxx shows it, through real clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Lab


@pytest.fixture
def elb(staged: Lab, client: Callable[..., Any]) -> Any:
    return client(staged, "elbv2")


def health_of(lab: Lab, elb: Any, group: str, **rest: Any) -> list[dict[str, Any]]:
    answer = elb.describe_target_health(TargetGroupArn=lab.target_group_arns[group], **rest)
    return [one["TargetHealth"] for one in answer["TargetHealthDescriptions"]]


def test_the_arn_can_be_built_from_the_alarms_dimension(staged: Lab, elb: Any) -> None:
    dimension = staged.alarm_event()["detail"]["configuration"]["metrics"][0]["metricStat"]["metric"][
        "dimensions"
    ]
    arn = f"arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/{dimension['LoadBalancer']}"
    found = elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    assert found["LoadBalancerName"] == "order-api"
    assert [zone["ZoneName"] for zone in found["AvailabilityZones"]] == [
        "eu-west-1a",
        "eu-west-1b",
        "eu-west-1c",
    ]
    assert found["State"] == {"Code": "active"}


def test_target_groups_carry_their_health_check(stage: Any, client: Callable[..., Any]) -> None:
    check = {"path": "/live", "matcher": "200-299", "timeout": 3, "interval": 10, "unhealthy_threshold": 3}
    with stage(target_groups={"orders": {"health_check": check}}) as lab:
        found = client(lab, "elbv2").describe_target_groups(LoadBalancerArn=lab.balancer.arn)["TargetGroups"][
            0
        ]
    assert (found["TargetGroupName"], found["Port"], found["Protocol"]) == ("orders", 8080, "HTTP")
    assert (found["HealthCheckPath"], found["Matcher"]) == ("/live", {"HttpCode": "200-299"})
    assert (found["HealthCheckTimeoutSeconds"], found["HealthCheckIntervalSeconds"]) == (3, 10)
    assert found["UnhealthyThresholdCount"] == 3


def test_health_has_the_states_and_reasons_that_aws_has(stage: Any, client: Callable[..., Any]) -> None:
    health = {"unhealthy": 1, "draining": 1, "unused": 1, "initial": 1, "reason": None}
    with stage(target_groups={"orders": {"health": health}}) as lab:
        found = health_of(lab, client(lab, "elbv2"), "orders")
    assert [one["State"] for one in found] == [
        "unhealthy",
        "draining",
        "unused",
        "initial",
        "healthy",
        "healthy",
    ]
    assert [one.get("Reason") for one in found[:4]] == [
        "Target.FailedHealthChecks",
        "Target.DeregistrationInProgress",
        "Target.NotInUse",
        "Elb.InitialHealthChecking",
    ]
    assert all(one.get("Description") for one in found[:4])
    assert "Reason" not in found[4]


def test_asking_for_one_target_answers_for_that_one(staged: Lab, elb: Any) -> None:
    target = staged.scenario.group("orders").targets[2].id
    assert len(health_of(staged, elb, "orders", Targets=[{"Id": target}])) == 1


def test_a_target_that_is_not_registered_is_unused(staged: Lab, elb: Any) -> None:
    found = health_of(staged, elb, "orders", Targets=[{"Id": "i-0ffffffffffffffff"}])
    assert found == [
        {
            "State": "unused",
            "Reason": "Target.NotRegistered",
            "Description": "Target is not registered to the target group",
        }
    ]


def test_an_unknown_target_group_is_an_error(staged: Lab, elb: Any) -> None:
    with pytest.raises(ClientError, match="TargetGroupNotFound"):
        elb.describe_target_health(TargetGroupArn=staged.target_group_arns["orders"] + "0")


def test_attributes_are_as_aws_shows_them_untouched_and_as_the_scenario_sets_them(
    stage: Any, client: Callable[..., Any]
) -> None:
    orders = {"attributes": {"deregistration_delay.timeout_seconds": "30"}}
    with stage(load_balancer={"idle_timeout": 5}, target_groups={"orders": orders}) as lab:
        elb = client(lab, "elbv2")
        balancer = elb.describe_load_balancer_attributes(LoadBalancerArn=lab.balancer.arn)["Attributes"]
        group = elb.describe_target_group_attributes(TargetGroupArn=lab.target_group_arns["orders"])[
            "Attributes"
        ]
    own = {one["Key"]: one["Value"] for one in balancer}
    assert own["idle_timeout.timeout_seconds"] == "5"
    assert own["client_keep_alive.seconds"] == "3600"
    settings = {one["Key"]: one["Value"] for one in group}
    assert settings["deregistration_delay.timeout_seconds"] == "30"
    assert settings["slow_start.duration_seconds"] == "0"


def test_without_listeners_https_443_forwards_to_the_first_group(staged: Lab, elb: Any) -> None:
    listener = elb.describe_listeners(LoadBalancerArn=staged.balancer.arn)["Listeners"][0]
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    assert listener["DefaultActions"][0]["TargetGroupArn"] == staged.target_group_arns["orders"]


def test_rules_forward_by_weight_answer_fixed_and_redirect(stage: Any, client: Callable[..., Any]) -> None:
    listener = {
        "port": 80,
        "protocol": "HTTP",
        "default": {"redirect": "www.example.com"},
        "rules": [
            {"priority": 10, "path": "/api/*", "forward": {"orders": 9, "search": 1}},
            {"priority": 20, "host": "old.example.com", "fixed": 503},
            {"priority": 30, "path": "/in", "forward": "search", "authenticate_oidc": True},
        ],
    }
    with stage(listeners=[listener]) as lab:
        elb = client(lab, "elbv2")
        arn = elb.describe_listeners(LoadBalancerArn=lab.balancer.arn)["Listeners"][0]["ListenerArn"]
        rules = {rule["Priority"]: rule for rule in elb.describe_rules(ListenerArn=arn)["Rules"]}
    assert rules["default"]["Actions"][0]["Type"] == "redirect"
    weights = rules["10"]["Actions"][0]["ForwardConfig"]["TargetGroups"]
    assert [one["Weight"] for one in weights] == [9, 1]
    assert rules["20"]["Actions"][0]["FixedResponseConfig"]["StatusCode"] == "503"
    assert [action["Type"] for action in rules["30"]["Actions"]] == ["authenticate-oidc", "forward"]


def test_more_than_20_arns_of_tags_are_refused(staged: Lab, elb: Any) -> None:
    with pytest.raises(ClientError, match="ValidationError"):
        elb.describe_tags(ResourceArns=[staged.balancer.arn] * 21)


def test_instances_are_a_month_old_unless_the_scenario_says_otherwise(
    stage: Any, client: Callable[..., Any]
) -> None:
    targets = [
        {"id": "i-0000000000000000a", "launched": "-4"},
        {"id": "i-0000000000000000b", "zone": "eu-west-1c"},
    ]
    with stage(target_groups={"orders": {"targets": targets, "security_groups": ["sg-0abc"]}}) as lab:
        filters = [{"Name": "instance-id", "Values": [one["id"] for one in targets]}]
        answer = client(lab, "ec2").describe_instances(Filters=filters)
        young, old = (one["Instances"][0] for one in answer["Reservations"])
        assert young["LaunchTime"] == lab.scenario.moment(-4)
        assert old["LaunchTime"] < lab.scenario.moment(-10_000)
    assert old["Placement"]["AvailabilityZone"] == "eu-west-1c"
    assert old["SecurityGroups"] == [{"GroupId": "sg-0abc", "GroupName": "sg-0abc"}]


def test_a_blue_green_fleet_is_as_young_as_its_deployment(stage: Any, client: Callable[..., Any]) -> None:
    release = {
        "id": "d-1",
        "application": "a",
        "group": "g",
        "created": "-12",
        "started": "-11",
        "style": "blue_green",
    }
    with stage(deployments=[release | {"completed": "-3", "target_groups": ["orders"]}]) as lab:
        answer = client(lab, "ec2").describe_instances(
            InstanceIds=[lab.scenario.group("orders").targets[0].id]
        )
        age = lab.scenario.moment(0) - answer["Reservations"][0]["Instances"][0]["LaunchTime"]
    assert 10 < age.total_seconds() / 60 < 11


def test_addresses_are_found_by_their_network_interface(stage: Any, client: Callable[..., Any]) -> None:
    with stage(target_groups={"orders": {"target_type": "ip"}}, deployments=[]) as lab:
        address = lab.scenario.group("orders").targets[0].id
        filters = [{"Name": "addresses.private-ip-address", "Values": [address]}]
        found = client(lab, "ec2").describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    assert [one["PrivateIpAddress"] for one in found] == [address]
    assert found[0]["Attachment"]["AttachTime"]


def test_an_unknown_instance_id_is_an_error(staged: Lab, client: Callable[..., Any]) -> None:
    with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
        client(staged, "ec2").describe_instances(InstanceIds=["i-0123456789abcdef0"])


def test_security_groups_bear_the_ids_of_the_scenario(stage: Any, client: Callable[..., Any]) -> None:
    with stage(load_balancer={"security_groups": ["sg-0front"]}) as lab:
        found = client(lab, "ec2").describe_security_groups(GroupIds=["sg-0front"])["SecurityGroups"]
    assert [one["GroupId"] for one in found] == ["sg-0front"]
