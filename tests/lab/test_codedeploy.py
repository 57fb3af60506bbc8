"""CodeDeploy through a real client: batches, half-empty answers, errors, and deployments that go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Lab

PRODUCTION = {"applicationName": "order-api", "deploymentGroupName": "production"}
OLD = {
    "revisionType": "S3",
    "s3Location": {"bucket": "releases", "key": "order-api-v2.3.1.zip", "bundleType": "zip"},
}
NEW = {
    "revisionType": "S3",
    "s3Location": {"bucket": "releases", "key": "order-api-v2.4.0.zip", "bundleType": "zip"},
}
RUNNING = {
    "id": "d-RUN999",
    "application": "order-api",
    "group": "production",
    "target_groups": ["orders"],
    "created": "-5",
    "started": "-5",
    "completed": None,
    "status": "InProgress",
    "revision": {"bucket": "releases", "key": "order-api-v2.5.0.zip"},
}
OLDER = {
    "id": "d-OLD231",
    "application": "order-api",
    "group": "production",
    "created": "-2890",
    "completed": "-2880",
    "revision": {"bucket": "releases", "key": "order-api-v2.3.1.zip"},
}


@pytest.fixture
def deploy(staged: Lab, client: Callable[..., Any]) -> Any:
    return client(staged, "codedeploy")


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as raised:
        call()
    return str(raised.value.response["Error"]["Code"])


def test_deployments_of_every_group_are_listed_newest_first(deploy: Any) -> None:
    assert deploy.list_deployments()["deployments"] == ["d-NEW240", "d-OLD231"]


def test_a_time_range_limits_the_list_by_creation(staged: Lab, deploy: Any) -> None:
    times = {"start": staged.scenario.moment(-60), "end": staged.scenario.moment(0)}
    assert deploy.list_deployments(createTimeRange=times)["deployments"] == ["d-NEW240"]


def test_statuses_limit_the_list(deploy: Any) -> None:
    assert deploy.list_deployments(includeOnlyStatuses=["InProgress"])["deployments"] == []
    assert len(deploy.list_deployments(includeOnlyStatuses=["Succeeded"])["deployments"]) == 2


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"applicationName": "order-api"}, "DeploymentGroupNameRequiredException"),
        ({"deploymentGroupName": "production"}, "ApplicationNameRequiredException"),
        ({"applicationName": "none", "deploymentGroupName": "x"}, "ApplicationDoesNotExistException"),
        (
            {"applicationName": "order-api", "deploymentGroupName": "x"},
            "DeploymentGroupDoesNotExistException",
        ),
        ({"includeOnlyStatuses": ["Done"]}, "InvalidDeploymentStatusException"),
        ({"nextToken": "made up"}, "InvalidNextTokenException"),
    ],
)
def test_a_list_asked_for_wrongly_is_refused(deploy: Any, asked: dict[str, Any], error: str) -> None:
    assert code_of(lambda: deploy.list_deployments(**asked)) == error


def test_a_deployment_tells_times_creator_revision_and_overview(staged: Lab, deploy: Any) -> None:
    info = deploy.get_deployment(deploymentId="d-NEW240")["deploymentInfo"]
    assert (info["status"], info["creator"], info["computePlatform"]) == ("Succeeded", "user", "Server")
    assert info["revision"] == NEW
    assert info["createTime"] == staged.scenario.moment(-10)
    assert info["completeTime"] == staged.scenario.moment(-3)
    assert info["deploymentOverview"]["Succeeded"] == 6
    assert info["loadBalancerInfo"] == {"targetGroupInfoList": [{"name": "orders"}]}
    assert info["deploymentStyle"]["deploymentType"] == "IN_PLACE"


def test_the_previous_revision_is_relative_to_the_groups_last_success(deploy: Any) -> None:
    for id_ in ("d-NEW240", "d-OLD231"):
        assert deploy.get_deployment(deploymentId=id_)["deploymentInfo"]["previousRevision"] == OLD


def test_at_most_25_deployments_come_in_a_batch(deploy: Any) -> None:
    assert (
        code_of(lambda: deploy.batch_get_deployments(deploymentIds=["d-X"] * 26))
        == "BatchLimitExceededException"
    )


def test_unknown_deployments_are_left_out_of_a_batch(deploy: Any) -> None:
    found = deploy.batch_get_deployments(deploymentIds=["d-NEW240", "d-NONE00"])["deploymentsInfo"]
    assert [one["deploymentId"] for one in found] == ["d-NEW240"]


def test_unknown_groups_are_named_beside_those_found(deploy: Any) -> None:
    answer = deploy.batch_get_deployment_groups(
        applicationName="order-api", deploymentGroupNames=["production", "gone"]
    )
    assert [one["deploymentGroupName"] for one in answer["deploymentGroupsInfo"]] == ["production"]
    assert "gone" in answer["errorMessage"]


def test_a_group_tells_its_settings(stage: Any, client: Callable[..., Any]) -> None:
    release = OLDER | {"alarms": ["order-api-elb-5xx"], "auto_rollback": ["DEPLOYMENT_FAILURE"]}
    with stage(deployments=[release | {"target_groups": ["orders"]}]) as lab:
        info = client(lab, "codedeploy").get_deployment_group(**PRODUCTION)["deploymentGroupInfo"]
    assert info["alarmConfiguration"]["alarms"] == [{"name": "order-api-elb-5xx"}]
    assert info["autoRollbackConfiguration"] == {"enabled": True, "events": ["DEPLOYMENT_FAILURE"]}
    assert info["lastSuccessfulDeployment"]["deploymentId"] == "d-OLD231"
    assert info["loadBalancerInfo"]["targetGroupInfoList"] == [{"name": "orders"}]


def test_an_ecs_group_names_its_target_groups_as_a_pair(stage: Any, client: Callable[..., Any]) -> None:
    release = OLDER | {"platform": "ECS", "target_groups": ["orders", "search"]}
    with stage(deployments=[release]) as lab:
        info = client(lab, "codedeploy").get_deployment_group(**PRODUCTION)["deploymentGroupInfo"]
    assert info["loadBalancerInfo"]["targetGroupPairInfoList"] == [
        {"targetGroups": [{"name": "orders"}, {"name": "search"}]}
    ]


def test_tags_are_those_of_the_group_or_of_the_application(deploy: Any) -> None:
    head = "arn:aws:codedeploy:eu-west-1:123456789012"
    group = deploy.list_tags_for_resource(ResourceArn=f"{head}:deploymentgroup:order-api/production")["Tags"]
    assert group == [{"Key": "gateway-triage:auto-rollback", "Value": "enabled"}]
    assert deploy.list_tags_for_resource(ResourceArn=f"{head}:application:order-api")["Tags"] == []
    assert (
        code_of(lambda: deploy.list_tags_for_resource(ResourceArn=f"{head}:instance:x"))
        == "InvalidArnException"
    )


def test_targets_are_done_one_at_a_time_over_the_deployments_length(staged: Lab, deploy: Any) -> None:
    ids = deploy.list_deployment_targets(deploymentId="d-NEW240")["targetIds"]
    found = deploy.batch_get_deployment_targets(deploymentId="d-NEW240", targetIds=ids)["deploymentTargets"]
    ends = [one["instanceTarget"]["lifecycleEvents"][-1]["endTime"] for one in found]
    assert ids == [target.id for target in staged.scenario.group("orders").targets]
    assert ends == sorted(ends)
    assert len(set(ends)) == 6
    assert ends[-1] == staged.scenario.moment(-3)


def test_a_running_deployment_has_targets_done_under_way_and_waiting(
    stage: Any, client: Callable[..., Any]
) -> None:
    with stage(deployments=[RUNNING | {"started": "-1.8"}]) as lab:
        deploy = client(lab, "codedeploy")
        overview = deploy.get_deployment(deploymentId="d-RUN999")["deploymentInfo"]["deploymentOverview"]
        waiting = deploy.list_deployment_targets(
            deploymentId="d-RUN999", targetFilters={"TargetStatus": ["Pending"]}
        )
    assert (overview["Succeeded"], overview["InProgress"], overview["Pending"]) == (2, 1, 3)
    assert len(waiting["targetIds"]) == 3


def test_target_times_of_the_scenario_are_shown(stage: Any, client: Callable[..., Any]) -> None:
    targets = {"i-0a": {"completed": "-8.5"}, "i-0b": {"completed": "-4", "status": "Failed"}, "i-0c": {}}
    with stage(deployments=[RUNNING | {"created": "-10", "started": "-10", "targets": targets}]) as lab:
        answer = client(lab, "codedeploy").batch_get_deployment_targets(
            deploymentId="d-RUN999", targetIds=list(targets)
        )
        found = {
            one["instanceTarget"]["targetId"]: one["instanceTarget"] for one in answer["deploymentTargets"]
        }
        assert found["i-0a"]["lastUpdatedAt"] == lab.scenario.moment(-8.5)
    assert [found[name]["status"] for name in targets] == ["Succeeded", "Failed", "Pending"]


def test_more_than_25_targets_are_refused(deploy: Any) -> None:
    ask = lambda: deploy.batch_get_deployment_targets(deploymentId="d-NEW240", targetIds=["i-0"] * 26)  # noqa: E731
    assert code_of(ask) == "DeploymentTargetListSizeExceededException"


def test_an_unknown_or_malformed_deployment_is_an_error(deploy: Any) -> None:
    assert (
        code_of(lambda: deploy.get_deployment(deploymentId="d-NONE00")) == "DeploymentDoesNotExistException"
    )
    assert code_of(lambda: deploy.get_deployment(deploymentId="nonsense")) == "InvalidDeploymentIdException"


def test_a_deployment_of_the_future_does_not_exist_yet(stage: Any, client: Callable[..., Any]) -> None:
    with stage(deployments=[OLDER, RUNNING | {"created": "+2", "started": "+2"}]) as lab:
        deploy = client(lab, "codedeploy")
        assert deploy.list_deployments()["deployments"] == ["d-OLD231"]
        lab.run_until(3)
        assert deploy.list_deployments()["deployments"] == ["d-RUN999", "d-OLD231"]


def test_a_finished_deployment_cannot_be_stopped(deploy: Any) -> None:
    assert (
        code_of(lambda: deploy.stop_deployment(deploymentId="d-NEW240"))
        == "DeploymentAlreadyCompletedException"
    )


def test_stopping_is_pending_then_stopped_then_rolled_back(stage: Any, client: Callable[..., Any]) -> None:
    with stage(deployments=[RUNNING, OLDER]) as lab:
        deploy = client(lab, "codedeploy")
        assert (
            deploy.stop_deployment(deploymentId="d-RUN999", autoRollbackEnabled=True)["status"] == "Pending"
        )
        assert "rollbackInfo" not in deploy.get_deployment(deploymentId="d-RUN999")["deploymentInfo"]
        lab.run_until(1)
        stopped = deploy.get_deployment(deploymentId="d-RUN999")["deploymentInfo"]
        assert (stopped["status"], stopped["errorInformation"]["code"]) == ("Stopped", "MANUAL_STOP")
        rollback = deploy.get_deployment(deploymentId=stopped["rollbackInfo"]["rollbackDeploymentId"])[
            "deploymentInfo"
        ]
        assert (rollback["creator"], rollback["revision"]) == ("codeDeployRollback", OLD)
        assert rollback["rollbackInfo"]["rollbackTriggeringDeploymentId"] == "d-RUN999"
        assert rollback["status"] == "InProgress"
        assert [one["deploymentId"] for one in lab.stopped_deployments] == ["d-RUN999"]


def test_stopping_without_rollback_leaves_it_stopped(stage: Any, client: Callable[..., Any]) -> None:
    with stage(deployments=[RUNNING, OLDER]) as lab:
        deploy = client(lab, "codedeploy")
        deploy.stop_deployment(deploymentId="d-RUN999", autoRollbackEnabled=False)
        lab.run_until(10)
        assert deploy.list_deployments()["deployments"] == ["d-RUN999", "d-OLD231"]


def test_a_stop_with_nothing_to_go_back_to_says_so(stage: Any, client: Callable[..., Any]) -> None:
    with stage(deployments=[RUNNING]) as lab:
        deploy = client(lab, "codedeploy")
        deploy.stop_deployment(deploymentId="d-RUN999", autoRollbackEnabled=True)
        lab.run_until(1)
        info = deploy.get_deployment(deploymentId="d-RUN999")["deploymentInfo"]
        assert "cannot be rolled back" in info["rollbackInfo"]["rollbackMessage"]


def test_a_deployment_made_by_cloudformation_is_not_stopped_here(
    stage: Any, client: Callable[..., Any]
) -> None:
    with stage(deployments=[RUNNING | {"creator": "CloudFormation"}]) as lab:
        stop = lambda: client(lab, "codedeploy").stop_deployment(deploymentId="d-RUN999")  # noqa: E731
        assert code_of(stop) == "UnsupportedActionForDeploymentTypeException"


def test_a_created_deployment_goes_on_with_the_clock(staged: Lab, deploy: Any) -> None:
    id_ = deploy.create_deployment(**PRODUCTION, revision=OLD, description="back")["deploymentId"]
    seen = []
    for minutes in (0, 1, 3, 15):
        staged.run_until(minutes)
        seen.append(deploy.get_deployment(deploymentId=id_)["deploymentInfo"]["status"])
    assert seen == ["Created", "InProgress", "InProgress", "Succeeded"]
    assert staged.created_deployments[0]["description"] == "back"


def test_only_one_deployment_runs_in_a_group(stage: Any, client: Callable[..., Any]) -> None:
    with stage(deployments=[RUNNING, OLDER]) as lab:
        with pytest.raises(ClientError, match=r"already has an active Deployment 'd-RUN999'") as raised:
            client(lab, "codedeploy").create_deployment(**PRODUCTION, revision=OLD)
        assert raised.value.response["Error"]["Code"] == "DeploymentLimitExceededException"


def test_a_revision_never_registered_is_refused(deploy: Any) -> None:
    unknown = {
        "revisionType": "S3",
        "s3Location": {"bucket": "releases", "key": "none.zip", "bundleType": "zip"},
    }
    ask = lambda: deploy.create_deployment(**PRODUCTION, revision=unknown)  # noqa: E731
    assert code_of(ask) == "RevisionDoesNotExistException"
    assert code_of(lambda: deploy.create_deployment(**PRODUCTION)) == "RevisionRequiredException"


def test_a_description_longer_than_256_characters_is_refused(deploy: Any) -> None:
    ask = lambda: deploy.create_deployment(**PRODUCTION, revision=OLD, description="x" * 257)  # noqa: E731
    assert code_of(ask) == "DescriptionTooLongException"


def test_a_revision_whose_object_is_gone_fails_after_creation(stage: Any, client: Callable[..., Any]) -> None:
    gone = OLDER | {"revision": {"key": "order-api-v2.3.1.zip", "gone": True}}
    with stage(deployments=[gone]) as lab:
        deploy = client(lab, "codedeploy")
        id_ = deploy.create_deployment(**PRODUCTION, revision=OLD)["deploymentId"]
        lab.run_until(5)
        info = deploy.get_deployment(deploymentId=id_)["deploymentInfo"]
        assert (info["status"], info["errorInformation"]["code"]) == ("Failed", "REVISION_MISSING")
        with pytest.raises(ClientError, match="404"):
            client(lab, "s3").head_object(Bucket="releases", Key="order-api-v2.3.1.zip")


@pytest.mark.parametrize(
    ("asked", "status"), [({}, "Stopped"), ({"overrideAlarmConfiguration": {"enabled": False}}, "Succeeded")]
)
def test_a_red_alarm_of_the_group_stops_the_deployment_unless_overridden(
    stage: Any, client: Callable[..., Any], asked: dict[str, Any], status: str
) -> None:
    with stage(deployments=[OLDER | {"alarms": ["order-api-elb-5xx"]}]) as lab:
        deploy = client(lab, "codedeploy")
        id_ = deploy.create_deployment(**PRODUCTION, revision=OLD, **asked)["deploymentId"]
        lab.run_until(20)
        info = deploy.get_deployment(deploymentId=id_)["deploymentInfo"]
    assert info["status"] == status
    assert info.get("errorInformation", {}).get("code") == ("ALARM_ACTIVE" if status == "Stopped" else None)


def test_a_rollback_may_be_made_to_fail(stage: Any, client: Callable[..., Any]) -> None:
    with stage(after_rollback="deployment_fails") as lab:
        deploy = client(lab, "codedeploy")
        id_ = deploy.create_deployment(**PRODUCTION, revision=OLD)["deploymentId"]
        lab.run_until(20)
        assert (
            deploy.get_deployment(deploymentId=id_)["deploymentInfo"]["errorInformation"]["code"]
            == "HEALTH_CONSTRAINTS"
        )
        assert lab.recovered_at is None


def test_the_right_rollback_heals_and_the_alarm_clears(staged: Lab, deploy: Any) -> None:
    deploy.create_deployment(**PRODUCTION, revision=OLD)
    staged.run_until(20)
    assert staged.recovered_at is not None
    assert staged.alarms.red() == set()
    series = staged.metrics.series(
        "AWS/ApplicationELB", "HTTPCode_ELB_502_Count", {"LoadBalancer": "app/order-api/50dc6c495c0c9188"}
    )
    assert max(series) < 15


@pytest.mark.parametrize("changes", [{"after_rollback": "does_not_help"}, {"expect": {"rollback": False}}])
def test_a_rollback_that_is_wrong_heals_nothing(
    stage: Any, client: Callable[..., Any], changes: dict[str, Any]
) -> None:
    with stage(**changes) as lab:
        client(lab, "codedeploy").create_deployment(**PRODUCTION, revision=OLD)
        lab.run_until(20)
        assert lab.recovered_at is None
        assert lab.alarms.red() == {"order-api-elb-5xx"}


def test_deploying_the_bad_revision_again_heals_nothing(staged: Lab, deploy: Any) -> None:
    deploy.create_deployment(**PRODUCTION, revision=NEW)
    staged.run_until(20)
    assert staged.recovered_at is None


def test_an_applications_revisions_tell_when_they_were_used(deploy: Any) -> None:
    found = deploy.get_application_revision(applicationName="order-api", revision=OLD)["revisionInfo"]
    assert found["deploymentGroups"] == ["production"]
    listed = deploy.list_application_revisions(applicationName="order-api")["revisions"]
    assert listed == [OLD, NEW]


def test_an_operation_the_lab_does_not_have_is_refused_loudly(deploy: Any) -> None:
    with pytest.raises(NotImplementedError, match=r"the lab has no codedeploy\.ListDeploymentConfigs"):
        deploy.list_deployment_configs()
