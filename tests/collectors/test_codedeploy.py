"""Deployments from first listing to last detail, with what can be unreadable on the way."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from collectors.codedeploy import READINGS
from collectors.elastic_load_balancing import parse_target_groups
from diagnosis.evidence import DeploymentGroup, Deployments, Missing
from tests.collectors.fake_aws import (
    NOW,
    ORDERS,
    Answer,
    FakeAws,
    before,
    codedeploy,
    deployment,
    error,
    scope,
    target_group,
)

GROUPS = parse_target_groups({"TargetGroups": [target_group(ORDERS)]})
NEW, OLD = deployment("d-NEW", before(minutes=10)), deployment("d-OLD", before(days=20))


def _collect(aws: FakeAws, groups: object = GROUPS) -> Deployments | Missing:
    read: dict[str, object] = {"target_groups": groups}
    for reading in READINGS:
        read[reading.name] = reading.collect(scope(aws), read)
    deployments = read["deployments"]
    assert isinstance(deployments, Deployments | Missing)
    return deployments


def _found(aws: FakeAws, groups: object = GROUPS) -> Deployments:
    deployments = _collect(aws, groups)
    assert isinstance(deployments, Deployments)
    return deployments


def _aws(*deployments: dict[str, Any], **changed: Answer) -> FakeAws:
    return FakeAws(**{**codedeploy(*deployments), **changed})


def _group(deployments: Deployments, index: int = 0) -> DeploymentGroup:
    group = deployments.found[index].group
    assert isinstance(group, DeploymentGroup)
    return group


def test_the_suspect_comes_with_group_tags_targets_and_what_was_there_before() -> None:
    deployments = _found(_aws(NEW, OLD))

    assert [each.id for each in deployments.found] == ["d-NEW", "d-OLD"]
    group = _group(deployments)
    assert group.target_groups == ("orders",)
    assert group.tags == {"gateway-triage:auto-rollback": "enabled"}
    assert group.application_tags == {}
    targets = deployments.found[0].targets
    assert isinstance(targets, tuple)
    assert [each.completed for each in targets] == [before(minutes=6)] * 2
    assert not deployments.truncated
    assert deployments.since == scope(FakeAws()).window.start


def test_the_first_listing_names_no_application_and_covers_a_day() -> None:
    aws = _aws(NEW, OLD)
    _found(aws)

    recent, running = aws.asked("ListDeployments")[:2]
    ranges = sorted([recent["createTimeRange"], running["createTimeRange"]], key=lambda each: each["start"])
    assert ranges[1] == {"start": NOW - timedelta(hours=24), "end": NOW}
    assert ranges[0] == {"start": NOW - timedelta(hours=120), "end": NOW - timedelta(hours=24)}
    assert "applicationName" not in recent


def test_a_deployment_of_days_ago_that_still_runs_is_found() -> None:
    waiting = deployment("d-WAITS", before(hours=50), status="Ready")

    assert [each.id for each in _found(_aws(waiting)).found] == ["d-WAITS"]


def test_with_no_deployment_there_is_nothing_to_ask_further() -> None:
    aws = _aws()

    assert _found(aws).found == ()
    assert len(aws.calls) == 2


def test_many_deployments_are_read_in_batches_of_twenty_five() -> None:
    aws = _aws(*(deployment(f"d-{number:03}", before(minutes=number + 1)) for number in range(60)))
    deployments = _found(aws)

    batches = sorted((len(each["deploymentIds"]) for each in aws.asked("BatchGetDeployments")), reverse=True)
    assert batches[:3] == [25, 25, 10]
    assert len(deployments.found) == 60
    assert not deployments.truncated


def test_more_deployments_than_can_be_read_are_truncated() -> None:
    deployments = _found(
        _aws(*(deployment(f"d-{number:03}", before(minutes=number + 1)) for number in range(130)))
    )

    assert deployments.truncated


def test_a_deployment_that_is_listed_but_not_told_makes_the_list_incomplete() -> None:
    def half(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"deploymentsInfo": [NEW, {"deploymentId": "d-HALF"}]}

    both = deployment("d-HALF", before(minutes=20))
    deployments = _found(_aws(NEW, both, BatchGetDeployments=half))

    assert [each.id for each in deployments.found] == ["d-NEW"]
    assert deployments.truncated


@pytest.mark.parametrize("operation", ["ListDeployments", "BatchGetDeployments"])
def test_without_the_list_or_the_deployments_they_are_missing(operation: str) -> None:
    assert _collect(_aws(NEW, **{operation: error(operation, "AccessDeniedException")})) == Missing(
        f"codedeploy:{operation}: AccessDeniedException"
    )


def test_a_group_that_cannot_be_read_is_missing_in_its_deployment() -> None:
    refused = error("BatchGetDeploymentGroups", "AccessDeniedException")

    assert _found(_aws(NEW, BatchGetDeploymentGroups=refused)).found[0].group == Missing(
        "codedeploy:BatchGetDeploymentGroups: AccessDeniedException"
    )


def test_a_group_that_is_not_in_the_answer_is_missing_with_what_aws_says() -> None:
    answer: Answer = {
        "deploymentGroupsInfo": [],
        "errorMessage": "No Deployment Group found for name: production",
    }

    assert _found(_aws(NEW, BatchGetDeploymentGroups=answer)).found[0].group == Missing(
        "codedeploy:BatchGetDeploymentGroups: No Deployment Group found for name: production"
    )


def test_tags_that_cannot_be_read_are_missing_and_not_absent() -> None:
    refused = error("ListTagsForResource", "AccessDeniedException")
    group = _group(_found(_aws(NEW, ListTagsForResource=refused)))

    reason = Missing("codedeploy:ListTagsForResource: AccessDeniedException")
    assert (group.tags, group.application_tags) == (reason, reason)


def test_tags_are_asked_for_by_the_arns_of_group_and_application() -> None:
    aws = _aws(NEW)
    _found(aws)

    prefix = "arn:aws:codedeploy:eu-west-1:111122223333"
    assert {each["ResourceArn"] for each in aws.asked("ListTagsForResource")} == {
        f"{prefix}:deploymentgroup:order-api/production",
        f"{prefix}:application:order-api",
    }


def test_all_pages_of_tags_are_read() -> None:
    def paged(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if "NextToken" in parameters:
            return {"Tags": [{"Key": "gateway-triage:no-rollback", "Value": "migration"}]}
        return {"Tags": [{"Key": "team", "Value": "orders"}], "NextToken": "more"}

    tags = _group(_found(_aws(NEW, ListTagsForResource=paged))).tags

    assert tags == {"team": "orders", "gateway-triage:no-rollback": "migration"}


@pytest.mark.parametrize("operation", ["ListDeploymentTargets", "BatchGetDeploymentTargets"])
def test_targets_that_cannot_be_read_are_missing_in_their_deployment(operation: str) -> None:
    deployments = _found(_aws(NEW, **{operation: error(operation, "ThrottlingException")}))

    assert deployments.found[0].targets == Missing(f"codedeploy:{operation}: ThrottlingException")


def test_of_a_large_fleet_the_targets_are_not_read() -> None:
    ids = [f"i-{number:017x}" for number in range(101)]

    assert _found(_aws(NEW, ListDeploymentTargets={"targetIds": ids})).found[0].targets == Missing(
        "codedeploy: more than 100 targets"
    )


def test_a_fleet_of_sixty_is_read_in_batches() -> None:
    ids = [f"i-{number:017x}" for number in range(60)]
    targets = _found(_aws(NEW, ListDeploymentTargets={"targetIds": ids})).found[0].targets

    assert isinstance(targets, tuple)
    assert [each.id for each in targets] == ids


def test_without_the_history_the_suspect_itself_is_still_there() -> None:
    answers = codedeploy(NEW, OLD)
    listed = answers["ListDeployments"]

    def only_by_time(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if "applicationName" in parameters:
            raise error("ListDeployments", "AccessDeniedException")
        assert callable(listed)
        return listed(parameters)

    assert [each.id for each in _found(_aws(NEW, OLD, ListDeployments=only_by_time)).found] == ["d-NEW"]


def _long_history(*, newest_first: bool, more: bool) -> FakeAws:
    """A group with a hundred successes in the past, listed on a page that may not be the only one."""
    past = [deployment(f"d-PAST-{days:03}", before(days=days)) for days in range(2, 102)]
    answers = codedeploy(NEW, *past)
    listed = answers["ListDeployments"]

    def page(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        assert callable(listed)
        answer = dict(listed(parameters))
        if "applicationName" in parameters:
            answer["deployments"] = answer["deployments"] if newest_first else answer["deployments"][::-1]
            answer |= {"nextToken": "more"} if more else {}
        return answer

    return FakeAws(**{**answers, "ListDeployments": page})


@pytest.mark.parametrize(("newest_first", "more"), [(True, False), (True, True), (False, False)])
def test_the_newest_success_before_is_found_in_a_long_history(newest_first: bool, more: bool) -> None:
    deployments = _found(_long_history(newest_first=newest_first, more=more))

    assert [each.id for each in deployments.found][:3] == ["d-NEW", "d-PAST-002", "d-PAST-003"]


def test_a_history_whose_newest_part_was_not_read_is_not_used() -> None:
    deployments = _found(_long_history(newest_first=False, more=True))

    assert [each.id for each in deployments.found] == ["d-NEW"]


def test_a_deployment_elsewhere_is_found_without_its_tags() -> None:
    balancing = {"targetGroupInfoList": [{"name": "search"}]}
    aws = _aws(deployment("d-OTHER", before(minutes=9), loadBalancerInfo=balancing))
    deployments = _found(aws)

    assert _group(deployments).tags == Missing("not looked up")
    assert not aws.asked("ListTagsForResource")
    assert not aws.asked("ListDeploymentTargets")


def test_groups_of_one_application_are_read_in_one_call() -> None:
    aws = _aws(NEW, deployment("d-STAGING", before(minutes=20), deploymentGroupName="staging"))
    _found(aws)

    (call,) = aws.asked("BatchGetDeploymentGroups")
    assert call == {"applicationName": "order-api", "deploymentGroupNames": ["production", "staging"]}
