"""LookupEvents through a real client: late, throttled, one filter at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lab import Lab

ONE_TRY = Config(retries={"total_max_attempts": 1, "mode": "standard"})


def names(answer: dict[str, Any]) -> list[str]:
    return [event["EventName"] for event in answer["Events"]]


def by(key: str, value: str) -> dict[str, Any]:
    return {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}


def test_an_event_shows_only_after_its_delay(stage: Any, client: Callable[..., Any]) -> None:
    with stage(deployments=[], cloudtrail_delay=300) as lab:
        trail = client(lab, "cloudtrail")
        assert names(trail.lookup_events()) == ["RevokeSecurityGroupIngress"]
        lab.run_until(4)
        assert names(trail.lookup_events()) == ["ModifyRule", "RevokeSecurityGroupIngress"]


def test_the_newest_event_comes_first(stage: Any, client: Callable[..., Any]) -> None:
    with stage(deployments=[], cloudtrail_delay=0) as lab:
        assert names(client(lab, "cloudtrail").lookup_events()) == [
            "ModifyRule",
            "RevokeSecurityGroupIngress",
        ]


def test_an_event_has_the_shape_of_a_record(stage: Any, client: Callable[..., Any]) -> None:
    change = {
        "at": "-5",
        "name": "RevokeSecurityGroupIngress",
        "source": "ec2",
        "by": "terraform",
        "resources": ["sg-0target"],
        "parameters": {"groupId": "sg-0target"},
        "error": "Client.UnauthorizedOperation",
    }
    with stage(deployments=[], changes=[change], cloudtrail_delay=0) as lab:
        event = client(lab, "cloudtrail").lookup_events()["Events"][0]
        assert event["EventTime"] == lab.scenario.moment(-5)
    record = json.loads(event["CloudTrailEvent"])
    assert (event["EventSource"], event["Username"], event["ReadOnly"]) == (
        "ec2.amazonaws.com",
        "terraform",
        "false",
    )
    assert event["Resources"] == [{"ResourceType": "AWS::EC2::SecurityGroup", "ResourceName": "sg-0target"}]
    assert record["eventID"] == event["EventId"]
    assert record["eventTime"] == "2026-11-20T14:42:00Z"
    assert record["requestParameters"] == {"groupId": "sg-0target"}
    assert record["errorCode"] == "Client.UnauthorizedOperation"
    assert record["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] == "terraform"
    assert record["readOnly"] is False


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("EventSource", "ec2.amazonaws.com", ["RevokeSecurityGroupIngress"]),
        ("EventName", "ModifyRule", ["ModifyRule"]),
        ("ResourceName", "sg-0target", ["RevokeSecurityGroupIngress"]),
        ("Username", "alice", ["ModifyRule"]),
        ("ReadOnly", "false", ["ModifyRule", "RevokeSecurityGroupIngress"]),
        ("ReadOnly", "true", []),
        ("ResourceType", "AWS::EC2::SecurityGroup", ["RevokeSecurityGroupIngress"]),
    ],
)
def test_one_attribute_filters(
    stage: Any, client: Callable[..., Any], key: str, value: str, found: list[str]
) -> None:
    with stage(deployments=[], cloudtrail_delay=0) as lab:
        assert names(client(lab, "cloudtrail").lookup_events(**by(key, value))) == found


def test_two_attributes_are_refused(staged: Lab, client: Callable[..., Any]) -> None:
    two = {
        "LookupAttributes": [
            *by("ReadOnly", "false")["LookupAttributes"],
            *by("Username", "x")["LookupAttributes"],
        ]
    }
    with pytest.raises(ClientError, match="InvalidLookupAttributesException"):
        client(staged, "cloudtrail").lookup_events(**two)


def test_a_page_holds_at_most_50(stage: Any, client: Callable[..., Any]) -> None:
    changes = [{"at": str(-index - 1), "name": f"Change{index}", "source": "ec2"} for index in range(70)]
    with stage(deployments=[], changes=changes, cloudtrail_delay=0) as lab:
        trail = client(lab, "cloudtrail")
        first = trail.lookup_events()
        second = trail.lookup_events(NextToken=first["NextToken"])
        assert (len(first["Events"]), len(second["Events"]), "NextToken" in second) == (50, 20, False)
        lab.clock.advance(1)
        with pytest.raises(ClientError, match="InvalidMaxResultsException"):
            client(lab, "cloudtrail", config=ONE_TRY).lookup_events(MaxResults=51)


def test_a_time_range_limits_the_events(stage: Any, client: Callable[..., Any]) -> None:
    with stage(deployments=[], cloudtrail_delay=0) as lab:
        answer = client(lab, "cloudtrail").lookup_events(
            StartTime=lab.scenario.moment(-5), EndTime=lab.scenario.moment(0)
        )
        assert names(answer) == ["ModifyRule"]


def test_the_third_look_up_in_a_second_is_throttled(staged: Lab, client: Callable[..., Any]) -> None:
    trail = client(staged, "cloudtrail", config=ONE_TRY)
    trail.lookup_events()
    trail.lookup_events()
    with pytest.raises(ClientError, match="ThrottlingException"):
        trail.lookup_events()
    staged.clock.advance(1)
    trail.lookup_events()


def test_a_client_that_retries_gets_through_on_virtual_time(staged: Lab, client: Callable[..., Any]) -> None:
    trail = client(staged, "cloudtrail", config=Config(retries={"total_max_attempts": 5, "mode": "standard"}))
    assert [names(trail.lookup_events(**by("EventName", "ModifyRule"))) for _ in range(4)] == [[]] * 4
    assert staged.clock.spent() >= 0


def test_deployments_leave_their_own_traces(staged: Lab, client: Callable[..., Any]) -> None:
    events = client(staged, "cloudtrail").lookup_events(StartTime=staged.scenario.moment(-60))["Events"]
    created = next(event for event in events if event["EventName"] == "CreateDeployment")
    moved = [event for event in events if event["EventName"] == "DeregisterTargets"]
    assert created["Username"] == "release-pipeline"
    assert moved
    record = json.loads(moved[0]["CloudTrailEvent"])
    assert record["userIdentity"]["invokedBy"] == "codedeploy.amazonaws.com"
    assert record["requestParameters"]["targetGroupArn"] == staged.target_group_arns["orders"]


def test_a_region_records_its_own_events_and_one_those_of_global_services(stage: Any) -> None:
    changes = [
        {"at": "-5", "name": "ModifyRule", "source": "elasticloadbalancing"},
        {"at": "-6", "name": "DetachRolePolicy", "source": "iam"},
        {"at": "-7", "name": "UpdateDistribution2020_05_31", "source": "cloudfront"},
        {"at": "-8", "name": "UpdateWebACL", "source": "wafv2", "parameters": {"scope": "CLOUDFRONT"}},
        {"at": "-9", "name": "PutBucketPolicy", "source": "s3", "region": "eu-central-1"},
    ]
    with stage(deployments=[], changes=changes, cloudtrail_delay=0):
        found = {region: names(_client_in(region).lookup_events()) for region in REGIONS}
    assert found == {
        "eu-west-1": ["ModifyRule"],
        "us-east-1": ["DetachRolePolicy", "UpdateDistribution2020_05_31", "UpdateWebACL"],
        "eu-central-1": ["PutBucketPolicy"],
    }


REGIONS = ("eu-west-1", "us-east-1", "eu-central-1")


def _client_in(region: str) -> Any:
    session = boto3.session.Session(aws_access_key_id="LAB", aws_secret_access_key="lab", region_name=region)
    return session.client("cloudtrail")


def test_each_region_takes_two_look_ups_a_second(stage: Any) -> None:
    with stage(deployments=[]):
        for region in REGIONS:
            client = _client_in(region)
            client.lookup_events()
            client.lookup_events()
