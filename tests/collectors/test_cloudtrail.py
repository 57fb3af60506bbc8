"""Changes from CloudTrail: which look-ups are made, what is kept of an event, and what is left out."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from collectors.cloudtrail import MOST_PAGES, SERVICES, collect_changes, later_changes
from collectors.cloudtrail_records import MOST_CHARACTERS, MOST_RESOURCES, NOISE, parse_event
from collectors.gather import READINGS_OF
from collectors.reading import Scope
from diagnosis.evidence import NOT_LOOKED_UP, Change, Changes, Evidence, LoadBalancer, Missing
from diagnosis.incident import EntryPoint
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
    """Answers by what is looked up: `writes`, `more` (its next page), `load_balancing`, `identities` ..."""
    names = {
        "false": "writes",
        "elasticloadbalancing.amazonaws.com": "load_balancing",
        "ec2.amazonaws.com": "network",
        "iam.amazonaws.com": "identities",
        "route53.amazonaws.com": "names",
        "cloudfront.amazonaws.com": "edge",
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


VARIABLES = [{"name": "DATABASE_URL", "value": "x-hunter2-x"}, {"name": "PLAN", "value": "hunter2"}]
WITH_SECRETS: dict[str, dict[str, Any]] = {
    "variables of containers": {
        "containerDefinitions": [
            {
                "name": "app",
                "environment": VARIABLES,
                "command": ["--password=hunter2"],
                "dockerLabels": {"a": "hunter2"},
            }
        ]
    },
    "variables of a task": {"overrides": {"containerOverrides": [{"environment": VARIABLES}]}},
    "variables of a function": {"environment": {"variables": {"KEY": "hunter2"}}},
    "variables of a build": {"environment": {"environmentVariables": VARIABLES}},
    "variables of a stage": {"createDeploymentInput": {"variables": {"upstream": "hunter2"}}},
    "one variable of a stage": {
        "updateStageInput": {
            "patchOperations": [{"op": "replace", "path": "/variables/token", "value": "hunter2"}]
        }
    },
    "a header to an origin": {
        "distributionConfig": {
            "customHeaders": {"items": [{"headerName": "X-Verify", "headerValue": "hunter2"}]}
        }
    },
    "a header that a rule asks for": {
        "conditions": [{"httpHeaderConfig": {"httpHeaderName": "X-Verify", "values": ["hunter2"]}}]
    },
    "the secret of an identity provider": {"authenticateOidcConfig": {"clientSecret": "hunter2"}},
    "a pair": {"parameters": [{"key": "adminPassword", "value": "hunter2"}]},
    "an address with a password": {"endpoint": "amqps://orders:hunter2@mq.example:5671"},
}


@pytest.mark.parametrize("parameters", WITH_SECRETS.values(), ids=WITH_SECRETS)
def test_a_value_that_a_program_is_given_is_not_kept(parameters: dict[str, Any]) -> None:
    change = _change(
        recorded("e-1", "RegisterTaskDefinition", "ecs", record={"requestParameters": parameters})
    )

    assert "hunter2" not in str(change)
    assert change.parameters


def test_names_and_plain_settings_are_kept() -> None:
    settings = {
        "environment": [{"name": "DATABASE_URL", "value": "x"}],
        "secrets": [{"name": "DB", "valueFrom": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db"}],
        "secretId": "orders/db",
        "attributes": [{"key": "idle_timeout.timeout_seconds", "value": "60"}],
        "functionVersion": "42",
        "routingConfig": {"additionalVersionWeights": {"43": 0.1}},
    }
    change = _change(recorded("e-1", "UpdateAlias", "lambda", record={"requestParameters": settings}))

    assert change.parameters == {
        **settings,
        "environment": [{"name": "DATABASE_URL", "value": "(not kept)"}],
    }


def test_a_record_that_is_nested_without_end_is_a_change_without_parameters() -> None:
    event = {**recorded("e-1", "ModifyRule"), "CloudTrailEvent": "[" * 100_000}
    assert _change(event).parameters == {}


# --- By kind of entry point, and by region ---


def _elsewhere(aws: FakeAws, kind: str = "alb", region: str = "eu-west-1") -> tuple[Scope, list[str]]:
    """A scope that reaches other regions, and the regions that are asked."""
    asked: list[str] = []

    def client(service: str, region: str) -> Any:
        asked.append(region)
        return aws.client(service)

    about = EntryPoint(kind, "E2EXAMPLE", "shop", None, "111122223333", region)
    return replace(scope(aws, about), elsewhere=client), asked


def _attributes(aws: FakeAws) -> list[str]:
    asked = aws.asked("LookupEvents")
    return [each["LookupAttributes"][0]["AttributeValue"] for each in asked]


@pytest.mark.parametrize(
    ("kind", "sources"),
    [
        ("alb", {"elasticloadbalancing.amazonaws.com", "ec2.amazonaws.com"}),
        ("clb", {"elasticloadbalancing.amazonaws.com", "ec2.amazonaws.com"}),
        ("apigateway", {"apigateway.amazonaws.com", "lambda.amazonaws.com"}),
        ("cloudfront", {"cloudfront.amazonaws.com", "wafv2.amazonaws.com"}),
    ],
)
def test_what_is_looked_up_beside_the_sweep_depends_on_the_kind_of_entry_point(
    kind: str, sources: set[str]
) -> None:
    aws = FakeAws(LookupEvents={"Events": [], "NextToken": "more"})
    made, _ = _elsewhere(aws, kind, "us-east-1")
    collect_changes(made, {})
    assert set(_attributes(aws)) == sources | {"false"}


def test_every_kind_of_entry_point_that_is_read_has_its_services() -> None:
    assert set(SERVICES) >= set(READINGS_OF)


def test_changes_of_identities_and_names_are_looked_up_in_the_region_of_global_services() -> None:
    aws = _by_attribute(
        identities={"Events": [recorded("e-1", "DetachRolePolicy", "iam", EventTime=before(minutes=6))]},
        names={
            "Events": [recorded("e-2", "ChangeResourceRecordSets", "route53", EventTime=before(minutes=9))]
        },
    )
    made, regions = _elsewhere(aws)
    changes = collect_changes(made, {})
    assert isinstance(changes, Changes)
    assert regions == ["us-east-1", "us-east-1"]
    assert [each.id for each in changes.found] == ["e-1", "e-2"]


def test_at_home_in_the_region_of_global_services_the_sweep_shows_identities_too() -> None:
    aws = _by_attribute()
    made, regions = _elsewhere(aws, "cloudfront", "us-east-1")
    collect_changes(made, {})
    assert regions == []
    assert "iam.amazonaws.com" not in _attributes(aws)


def test_a_look_up_in_another_region_that_is_refused_is_a_gap_and_no_more() -> None:
    refused: Any = error("LookupEvents", "AccessDeniedException")
    made, _ = _elsewhere(_by_attribute(identities=refused))
    changes = collect_changes(made, {})
    assert isinstance(changes, Changes)
    assert changes.unread == {
        "iam.amazonaws.com in us-east-1": Missing("cloudtrail:LookupEvents: AccessDeniedException")
    }


def test_what_the_sweep_showed_anyway_is_no_gap() -> None:
    throttled: Any = error("LookupEvents", "ThrottlingException")
    assert _changes(_by_attribute(load_balancing=throttled)).unread == {}


# --- What a later look adds ---

EARLY = Changes(before(minutes=48), before(minutes=8), (parse_event(recorded("e-1", "ModifyRule")),))  # type: ignore[arg-type]
KNOWN = Evidence(now=before(minutes=3), metrics=NOT_LOOKED_UP, changes=EARLY)


def _later(aws: FakeAws, known: Evidence = KNOWN) -> Changes:
    changes = later_changes(known).collect(scope(aws), {})
    assert isinstance(changes, Changes)
    return changes


def test_a_later_look_reads_from_where_the_first_one_stopped_seeing_and_keeps_what_was_known() -> None:
    aws = _by_attribute(writes={"Events": [recorded("e-2", "RevokeSecurityGroupIngress", "ec2")]})
    changes = _later(aws)

    assert {each.id for each in changes.found} == {"e-1", "e-2"}
    assert (changes.since, changes.shown_until) == (EARLY.since, NOW - timedelta(minutes=5))
    starts = {each["StartTime"] for each in aws.asked("LookupEvents")}
    assert starts == {EARLY.shown_until - timedelta(minutes=5)}


def test_a_later_look_carries_its_sweep_on_for_a_few_pages() -> None:
    pages = iter(range(1, 100))

    def answer(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if parameters["LookupAttributes"][0]["AttributeKey"] != "ReadOnly":
            return {"Events": []}
        return {"Events": [recorded(f"e-{next(pages) + 10}", "PutParameter", "ssm")], "NextToken": "more"}

    changes = _later(FakeAws(LookupEvents=answer))
    assert len(changes.found) == MOST_PAGES + 1
    assert changes.truncated


def test_a_later_look_that_is_throttled_leaves_what_was_known() -> None:
    throttled: Any = error("LookupEvents", "ThrottlingException")
    assert _later(_by_attribute(writes=throttled)) == EARLY


def test_what_another_region_did_not_tell_at_first_is_asked_for_from_the_beginning() -> None:
    aws = _by_attribute()
    about, _ = _elsewhere(aws)
    gap = {"iam.amazonaws.com in us-east-1": Missing("throttled")}
    later_changes(replace(KNOWN, changes=replace(EARLY, unread=gap))).collect(about, {})

    starts = {
        each["LookupAttributes"][0]["AttributeValue"]: each["StartTime"] for each in aws.asked("LookupEvents")
    }
    assert starts["iam.amazonaws.com"] == NOW - timedelta(minutes=45)
    assert starts["false"] == EARLY.shown_until - timedelta(minutes=5)


def test_changes_that_could_not_be_read_before_are_read_as_at_first() -> None:
    changes = _later(_by_attribute(), replace(KNOWN, changes=Missing("throttled")))
    assert changes.since == NOW - timedelta(minutes=45)


def test_where_there_was_too_much_the_parts_of_the_service_are_looked_up_by_their_names() -> None:
    balancer = LoadBalancer("arn:x", "order-api", "active", (), ("sg-0a1b2c3d4e5f60718",))
    known = replace(KNOWN, changes=replace(EARLY, truncated=True), load_balancer=balancer)

    def answer(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        wanted = parameters["LookupAttributes"][0]
        named = wanted == {"AttributeKey": "ResourceName", "AttributeValue": "sg-0a1b2c3d4e5f60718"}
        return {"Events": [recorded("e-9", "RevokeSecurityGroupIngress", "ec2")] if named else []}

    changes = _later(FakeAws(LookupEvents=answer), known)
    assert {each.id for each in changes.found} == {"e-1", "e-9"}
    assert changes.truncated


def test_what_a_request_is_about_comes_before_what_it_holds() -> None:
    origins = {"items": [{"id": f"origin-{number}"} for number in range(100)]}
    parameters = {"distributionConfig": {"origins": origins}, "id": "E2EXAMPLE", "cluster": "main"}
    change = _change(
        recorded("e-1", "UpdateDistribution", "cloudfront", record={"requestParameters": parameters})
    )
    assert {"E2EXAMPLE", "main"} <= set(change.resources[:4])
