"""Changes from CloudTrail: which look-ups are made, what is kept of an event, and what is left out."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from collectors.cloudtrail import MOST_CHARACTERS, MOST_RESOURCES, NOISE, collect_changes, parse_event
from diagnosis.evidence import Change, Changes, Missing
from tests.collectors.fake_aws import NOW, FakeAws, before, error, recorded, scope


def _changes(aws: FakeAws) -> Changes:
    changes = collect_changes(scope(aws), {})
    assert isinstance(changes, Changes)
    return changes


def _change(event: Mapping[str, Any]) -> Change:
    change = parse_event(event)
    assert change is not None
    return change


def _by_attribute(**pages: Mapping[str, Any]) -> FakeAws:
    """Answers by what is looked up: `writes`, `more` (its next page), `load_balancing`, `network`."""
    names = {
        "false": "writes",
        "elasticloadbalancing.amazonaws.com": "load_balancing",
        "ec2.amazonaws.com": "network",
    }

    def answer(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        name = (
            "more"
            if "NextToken" in parameters
            else names[parameters["LookupAttributes"][0]["AttributeValue"]]
        )
        found = pages.get(name, {"Events": []})
        if isinstance(found, Exception):
            raise found
        return found

    return FakeAws(LookupEvents=answer)


def test_two_look_ups_do_while_the_sweep_shows_everything() -> None:
    aws = FakeAws()
    changes = _changes(aws)

    assert len(aws.asked("LookupEvents")) == 2
    assert changes.since == NOW - timedelta(minutes=45)
    assert changes.shown_until == NOW - timedelta(minutes=5)
    assert not changes.truncated
    assert [each.name for each in changes.found] == ["RevokeSecurityGroupIngress"]


def test_a_quiet_account_costs_no_further_look_up() -> None:
    aws = _by_attribute()

    assert _changes(aws).found == ()
    assert len(aws.asked("LookupEvents")) == 2


def test_a_sweep_that_does_not_reach_is_carried_on_beside_the_network() -> None:
    aws = _by_attribute(
        writes={"Events": [recorded("e-1", "PutParameter", "ssm")], "NextToken": "more"},
        more={"Events": [recorded("e-2", "ModifyRule", EventTime=before(minutes=30))]},
        network={"Events": [recorded("e-3", "DeleteRoute", EventTime=before(minutes=20))]},
    )
    changes = _changes(aws)

    assert [each.id for each in changes.found] == ["e-1", "e-3", "e-2"]
    assert not changes.truncated
    assert changes.since == NOW - timedelta(minutes=45)


def test_a_sweep_cut_short_says_since_when_it_shows_everything() -> None:
    aws = _by_attribute(
        writes={"Events": [recorded("e-1", "AssumeRole")], "NextToken": "more"},
        more={
            "Events": [recorded("e-2", "AssumeRole", EventTime=before(minutes=9))],
            "NextToken": "and more",
        },
        load_balancing={"Events": [recorded("e-9", "ModifyListener", EventTime=before(minutes=40))]},
    )
    changes = _changes(aws)

    assert changes.truncated
    assert changes.since == before(minutes=9)
    assert [each.id for each in changes.found] == ["e-9"]


def test_a_second_page_that_is_throttled_leaves_the_sweep_cut_short() -> None:
    throttled: Any = error("LookupEvents", "ThrottlingException")
    aws = _by_attribute(
        writes={"Events": [recorded("e-1", "PutParameter", "ssm")], "NextToken": "more"},
        more=throttled,
        network=throttled,
    )
    changes = _changes(aws)

    assert changes.truncated
    assert changes.since == before(minutes=6)
    assert [each.id for each in changes.found] == ["e-1"]


def test_without_the_sweep_the_changes_are_missing() -> None:
    refused: Any = error("LookupEvents", "AccessDeniedException")

    assert collect_changes(scope(_by_attribute(writes=refused)), {}) == Missing(
        "cloudtrail:LookupEvents: AccessDeniedException"
    )


def test_an_event_seen_by_two_look_ups_is_one_change() -> None:
    event = {"Events": [recorded("e-1", "ModifyListener", "elasticloadbalancing")]}

    assert len(_changes(_by_attribute(writes=event, load_balancing=event)).found) == 1


def test_what_only_reads_and_what_is_noise_is_left_out() -> None:
    assert parse_event(recorded("e-1", "GetObject", ReadOnly="true")) is None
    assert parse_event(recorded("e-1", "GetObject", record={"readOnly": True})) is None
    assert all(parse_event(recorded("e-1", name)) is None for name in NOISE)


@pytest.mark.parametrize("absent", ["EventId", "EventTime"])
def test_an_event_without_id_or_time_is_left_out(absent: str) -> None:
    event = recorded("e-1", "ModifyRule")
    del event[absent]

    assert parse_event(event) is None


def test_a_change_names_who_did_it_to_what() -> None:
    change = _change(
        recorded(
            "e-1",
            "RevokeSecurityGroupIngress",
            Resources=[{"ResourceType": "AWS::EC2::SecurityGroup", "ResourceName": "sg-0f1e2d3c4b5a69788"}],
            record={
                "requestParameters": {
                    "groupId": "sg-0f1e2d3c4b5a69788",
                    "ipPermissions": {
                        "items": [{"groups": {"items": [{"groupId": "sg-0a1b2c3d4e5f60718"}]}}]
                    },
                    "description": "not a name",
                },
                "errorCode": "Client.DryRunOperation",
            },
        )
    )

    assert change.by == "terraform/pipeline-17"
    assert change.source == "ec2.amazonaws.com"
    assert change.resources == ("sg-0f1e2d3c4b5a69788", "sg-0a1b2c3d4e5f60718")
    assert change.error == "Client.DryRunOperation"
    assert change.parameters["groupId"] == "sg-0f1e2d3c4b5a69788"


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        ({"type": "Root", "arn": "arn:aws:iam::111122223333:root"}, "root"),
        ({"type": "IAMUser", "userName": "jo", "arn": "arn:aws:iam::111122223333:user/jo"}, "jo"),
        ({"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"}, "autoscaling.amazonaws.com"),
        ({"type": "FederatedUser", "arn": "arn:aws:sts::111122223333:federated-user/kim"}, "kim"),
        ({}, "pipeline-17"),
    ],
)
def test_every_kind_of_caller_has_a_name(identity: Mapping[str, str], name: str) -> None:
    assert _change(recorded("e-1", "ModifyRule", record={"userIdentity": identity})).by == name


@pytest.mark.parametrize(
    "record", ["", "{", "[]", "null", '{"requestParameters": null, "userIdentity": null}']
)
def test_a_record_that_says_nothing_still_makes_a_change(record: str) -> None:
    change = _change(recorded("e-1", "ModifyRule", CloudTrailEvent=record))

    assert (change.name, change.by, change.resources, change.parameters) == (
        "ModifyRule",
        "pipeline-17",
        (),
        {},
    )


def test_a_large_request_is_kept_in_bounded_size() -> None:
    deep: dict[str, Any] = {"leaf": "x" * 5000}
    for _ in range(50):
        deep = {"inner": deep, **{f"key{number}": [f"i-{number:017x}"] * 100 for number in range(100)}}
    change = _change(recorded("e-1", "CreateFleet", record={"requestParameters": deep}))

    assert len(change.resources) == MOST_RESOURCES
    assert len(str(change.parameters)) <= MOST_CHARACTERS


def test_secrets_in_a_request_are_not_kept() -> None:
    parameters = {
        "dBInstanceIdentifier": "orders-db",
        "masterUserPassword": "hunter2",
        "secretString": "hunter2",
        "nested": [{"userData": "hunter2"}],
    }
    change = _change(recorded("e-1", "ModifyDBInstance", "rds", record={"requestParameters": parameters}))

    assert "hunter2" not in str(change)
    assert "orders-db" in change.resources
