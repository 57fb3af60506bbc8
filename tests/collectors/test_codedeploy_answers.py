"""CodeDeploy's answers as evidence, also when half of them is absent."""

from typing import Any

import pytest

from collectors.codedeploy_answers import (
    parse_deployments,
    parse_groups,
    parse_revision,
    parse_tags,
    parse_targets,
    target_groups_of,
)
from diagnosis.evidence import Deployment, DeploymentTarget
from tests.collectors.fake_aws import before, deployment


def _parsed(**changed: Any) -> Deployment:
    (found,) = parse_deployments({"deploymentsInfo": [deployment("d-NEW", before(minutes=10), **changed)]})
    return found


def test_a_deployment_tells_times_status_and_revision() -> None:
    found = _parsed()

    assert (found.id, found.application, found.group_name) == ("d-NEW", "order-api", "production")
    assert (found.status, found.creator, found.platform, found.style) == (
        "Succeeded",
        "user",
        "Server",
        "IN_PLACE",
    )
    assert (found.created, found.completed) == (before(minutes=10), before(minutes=3))
    assert (found.succeeded_targets, found.total_targets) == (2, 2)
    assert found.revision
    assert found.revision.label == "d-NEW.zip"
    assert not found.is_rollback


def test_half_a_deployment_is_still_one() -> None:
    answer = {
        "deploymentsInfo": [
            {
                "deploymentId": "d-1",
                "applicationName": "a",
                "deploymentGroupName": "g",
                "startTime": before(minutes=5),
            }
        ]
    }
    (found,) = parse_deployments(answer)

    assert found.created == before(minutes=5)
    assert (found.status, found.creator, found.revision) == ("unknown", "unknown", None)
    assert (found.succeeded_targets, found.total_targets) == (None, None)
    assert found.running


@pytest.mark.parametrize("absent", ["deploymentId", "applicationName", "deploymentGroupName"])
def test_a_deployment_that_does_not_say_whose_it_is_is_left_out(absent: str) -> None:
    described = deployment("d-NEW", before(minutes=10))
    del described[absent]

    assert parse_deployments({"deploymentsInfo": [described]}) == ()


def test_a_status_and_a_creator_of_the_future_survive() -> None:
    found = _parsed(status="Simmering", creator="robot")

    assert (found.status, found.creator, found.running) == ("Simmering", "robot", True)


@pytest.mark.parametrize(
    "changed",
    [
        {"creator": "codeDeployRollback"},
        {"creator": "CloudFormationRollback"},
        {"rollbackInfo": {"rollbackTriggeringDeploymentId": "d-BAD"}},
        {"rollbackInfo": {"rollbackTriggeringDeploymentId": "d-BAD", "rollbackDeploymentId": "d-NEW"}},
    ],
)
def test_a_rollback_is_known_by_its_creator_or_by_what_brought_it_about(changed: dict[str, Any]) -> None:
    found = _parsed(**changed)

    assert found.is_rollback
    assert found.rolled_back_by is None


@pytest.mark.parametrize(
    "info",
    [
        {"rollbackDeploymentId": "d-BACK"},
        {"rollbackDeploymentId": "d-BACK", "rollbackTriggeringDeploymentId": "d-NEW"},
    ],
)
def test_a_deployment_that_was_rolled_back_names_the_rollback(info: dict[str, Any]) -> None:
    found = _parsed(rollbackInfo=info)

    assert found.rolled_back_by == "d-BACK"
    assert not found.is_rollback


def _s3(**changed: str) -> dict[str, Any]:
    return {"revisionType": "S3", "s3Location": {"bucket": "releases", "key": "order-api/v2.zip", **changed}}


@pytest.mark.parametrize(
    "other",
    [
        _s3(key="order-api/v3.zip"),
        _s3(bucket="elsewhere"),
        _s3(version="two"),
        _s3(eTag="two"),
        {"revisionType": "GitHub", "gitHubLocation": {"repository": "us/order-api", "commitId": "c" * 40}},
        {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "d" * 64}},
    ],
)
def test_different_revisions_have_different_ids(other: dict[str, Any]) -> None:
    one, two = parse_revision(_s3()), parse_revision(other)

    assert one
    assert two
    assert one.id != two.id


def test_the_same_object_has_the_same_id_however_its_etag_is_quoted() -> None:
    assert parse_revision(_s3(eTag='"abc"')) == parse_revision(_s3(eTag="abc", bundleType="zip"))


def test_a_text_without_its_digest_is_known_by_its_content() -> None:
    def text(content: str) -> Any:
        return parse_revision({"revisionType": "String", "string": {"content": content}})

    assert text("one") == text("one")
    assert text("one").id != text("two").id


def test_labels_are_what_people_call_a_revision() -> None:
    github = {
        "revisionType": "GitHub",
        "gitHubLocation": {"repository": "us/order-api", "commitId": "c0ffee" * 6},
    }
    labels = [parse_revision(each) for each in (_s3(), _s3(version="3sL4kqtJlcpXroDTDmJ"), github)]

    assert [each.label for each in labels if each] == [
        "v2.zip",
        "v2.zip (version 3sL4kqtJlcpX)",
        "us/order-api@c0ffeec",
    ]


@pytest.mark.parametrize(
    "empty", [{}, {"revisionType": "S3"}, {"revisionType": "S3", "s3Location": {"bucket": "b"}}]
)
def test_a_revision_that_names_nothing_is_none(empty: dict[str, Any]) -> None:
    assert parse_revision(empty) is None


def test_target_groups_of_a_pair_are_both_named() -> None:
    pair = {
        "targetGroups": [{"name": "blue"}, {"name": "green"}],
        "prodTrafficRoute": {"listenerArns": ["arn"]},
    }

    assert target_groups_of({"loadBalancerInfo": {"targetGroupPairInfoList": [pair]}}) == ("blue", "green")
    assert target_groups_of({}) == ()


def test_a_group_tells_where_it_deploys_and_what_guards_it() -> None:
    described = {
        "applicationName": "order-api",
        "deploymentGroupName": "production",
        "deploymentConfigName": "CodeDeployDefault.OneAtATime",
        "deploymentStyle": {"deploymentType": "BLUE_GREEN"},
        "loadBalancerInfo": {
            "targetGroupInfoList": [{"name": "orders"}],
            "elbInfoList": [{"name": "classic"}],
        },
        "autoScalingGroups": [{"name": "fleet", "hook": "x"}],
        "alarmConfiguration": {"enabled": True, "alarms": [{"name": "too-many-errors"}]},
        "autoRollbackConfiguration": {"enabled": True},
    }
    group = parse_groups({"deploymentGroupsInfo": [described, {}]})["production"]

    assert (group.target_groups, group.load_balancers, group.auto_scaling_groups) == (
        ("orders",),
        ("classic",),
        ("fleet",),
    )
    assert (group.style, group.alarms, group.auto_rollback) == ("BLUE_GREEN", ("too-many-errors",), True)


def test_alarms_that_are_switched_off_guard_nothing() -> None:
    described = {
        "deploymentGroupName": "g",
        "alarmConfiguration": {"enabled": False, "alarms": [{"name": "a"}]},
    }

    assert parse_groups({"deploymentGroupsInfo": [described]})["g"].alarms == ()


def test_tags_may_have_no_value() -> None:
    assert parse_tags({"Tags": [{"Key": "a", "Value": "b"}, {"Key": "c"}, {}]}) == {"a": "b", "c": ""}


def _target(status: str, *events: dict[str, Any], **more: Any) -> DeploymentTarget:
    target = {"targetId": "i-1", "status": status, "lifecycleEvents": events, **more}
    (found,) = parse_targets(
        {"deploymentTargets": [{"deploymentTargetType": "InstanceTarget", "instanceTarget": target}]}
    )
    return found


def test_a_target_was_done_when_its_last_event_ended() -> None:
    target = _target(
        "Succeeded",
        {"lifecycleEventName": "Install", "status": "Succeeded", "endTime": before(minutes=8)},
        {"lifecycleEventName": "AllowTraffic", "status": "Succeeded", "endTime": before(minutes=6)},
        {"lifecycleEventName": "AfterAllowTraffic", "status": "Skipped"},
    )

    assert target == DeploymentTarget("i-1", "Succeeded", before(minutes=6))


def test_a_target_under_way_is_not_done() -> None:
    event = {"lifecycleEventName": "Install", "status": "Succeeded", "endTime": before(minutes=8)}

    assert _target("InProgress", event).completed is None


def test_a_target_without_events_was_done_when_last_updated() -> None:
    assert _target("Succeeded", lastUpdatedAt=before(minutes=4)).completed == before(minutes=4)


def test_a_failed_target_says_in_which_event_and_why() -> None:
    diagnostics = {"errorCode": "ScriptFailed", "scriptName": "start.sh", "message": "x" * 1000}
    target = _target(
        "Failed",
        {"lifecycleEventName": "ApplicationStart", "status": "Failed", "diagnostics": diagnostics},
    )

    assert target.failed_event == "ApplicationStart"
    assert target.diagnostics
    assert target.diagnostics.startswith("ScriptFailed: start.sh: xxx")
    assert len(target.diagnostics) == 300


def test_targets_of_other_platforms_are_read_too() -> None:
    answer = {
        "deploymentTargets": [
            {"ecsTarget": {"targetId": "shop:web", "status": "InProgress"}},
            {"lambdaTarget": {"targetId": "orders:live"}},
            {"deploymentTargetType": "InstanceTarget"},
        ]
    }

    assert [(each.id, each.status) for each in parse_targets(answer)] == [
        ("shop:web", "InProgress"),
        ("orders:live", "Unknown"),
    ]
