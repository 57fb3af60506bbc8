"""The load balancer, its groups and their health, also from answers that are half empty."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from collectors.elastic_load_balancing import (
    MOST_GROUPS_ATTRIBUTES,
    MOST_GROUPS_HEALTH,
    collect_load_balancer,
    collect_target_group_attributes,
    collect_target_groups,
    collect_target_health,
    known_groups,
    parse_load_balancer,
    parse_target_groups,
    parse_target_health,
)
from collectors.listeners import parse_listeners
from collectors.reading import UnreadableAnswerError
from diagnosis.evidence import LoadBalancer, Missing, Target, TargetGroup
from tests.collectors.fake_aws import (
    ANSWERS,
    ELB_ARN,
    ENTRY_POINT,
    ORDERS,
    SEARCH,
    ZONES,
    FakeAws,
    before,
    error,
    scope,
    target_group,
)

LISTENERS: Any = ANSWERS["DescribeListeners"]


def _read(groups: object, listeners: object = ()) -> dict[str, object]:
    return {"target_groups": groups, "listener_list": listeners}


def _groups(number: int) -> tuple[TargetGroup, ...]:
    described = [target_group(f"targetgroup/group-{each}/{each:016x}") for each in range(number)]
    return parse_target_groups({"TargetGroups": described})


def test_the_load_balancer_is_found_by_the_arn_of_the_alarm() -> None:
    aws = FakeAws()

    assert collect_load_balancer(scope(aws), {}) == LoadBalancer(
        arn=ENTRY_POINT.arn,
        name="order-api",
        state="active",
        zones=ZONES,
        security_groups=("sg-0a1b2c3d4e5f60718",),
        created=before(days=400),
    )
    assert aws.asked("DescribeLoadBalancers") == [{"LoadBalancerArns": [ENTRY_POINT.arn]}]


@pytest.mark.parametrize("answer", [{}, {"LoadBalancers": []}, {"LoadBalancers": [{}]}])
def test_an_answer_without_the_load_balancer_is_no_answer(answer: Mapping[str, Any]) -> None:
    with pytest.raises(UnreadableAnswerError):
        parse_load_balancer(answer)


def test_a_load_balancer_without_details_is_still_one() -> None:
    assert parse_load_balancer({"LoadBalancers": [{"LoadBalancerArn": "arn"}]}) == LoadBalancer(
        "arn", "", "unknown", (), ()
    )


def test_all_pages_of_target_groups_are_read() -> None:
    def paged(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if "Marker" in parameters:
            return {"TargetGroups": [target_group(ORDERS)]}
        return {"TargetGroups": [target_group(SEARCH)], "NextMarker": "more"}

    found = collect_target_groups(scope(FakeAws(DescribeTargetGroups=paged)), {})

    assert [group.id for group in found] == [SEARCH, ORDERS]
    assert found[1].arn == ELB_ARN + ORDERS
    assert (found[1].health_check_matcher, found[1].health_check_timeout_seconds) == ("200", 5)


def test_a_group_that_tells_only_its_arn_has_the_name_of_its_arn() -> None:
    (group,) = parse_target_groups({"TargetGroups": [{"TargetGroupArn": ELB_ARN + ORDERS}, {}]})

    assert (group.id, group.name, group.port, group.health_check_matcher) == (ORDERS, "orders", None, None)


def test_a_grpc_group_is_matched_by_its_grpc_code() -> None:
    (group,) = parse_target_groups({"TargetGroups": [target_group(ORDERS, Matcher={"GrpcCode": "12"})]})

    assert group.health_check_matcher == "12"


def test_a_target_comes_with_state_reason_and_description() -> None:
    answer = {
        "TargetHealthDescriptions": [
            {
                "Target": {"Id": "10.0.1.7", "Port": 8080, "AvailabilityZone": "eu-west-1a"},
                "TargetHealth": {
                    "State": "unhealthy",
                    "Reason": "Target.Timeout",
                    "Description": "Request timed out",
                },
            },
            {
                "Target": {"Id": "10.9.0.1", "AvailabilityZone": "all"},
                "TargetHealth": {"State": "state-of-2030"},
            },
            {"Target": {"Id": "i-00000000000000001"}},
            {"TargetHealth": {"State": "healthy"}},
        ]
    }

    assert parse_target_health(answer) == (
        Target("10.0.1.7", 8080, "eu-west-1a", "unhealthy", "Target.Timeout", "Request timed out"),
        Target("10.9.0.1", None, None, "state-of-2030"),
        Target("i-00000000000000001", None, None, "unknown"),
    )


def test_the_health_of_one_group_that_cannot_be_read_is_missing_alone() -> None:
    def answer(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if "search" in parameters["TargetGroupArn"]:
            raise error("DescribeTargetHealth", "HealthUnavailable", 500)
        return {"TargetHealthDescriptions": []}

    groups = parse_target_groups({"TargetGroups": [target_group(ORDERS), target_group(SEARCH)]})
    health = collect_target_health(scope(FakeAws(DescribeTargetHealth=answer)), _read(groups))

    assert health == {
        ORDERS: (),
        SEARCH: Missing("elasticloadbalancing:DescribeTargetHealth: HealthUnavailable"),
    }


def test_of_many_groups_only_as_many_are_read_as_the_account_may_ask() -> None:
    aws, groups = FakeAws(), _groups(30)
    health = collect_target_health(scope(aws), _read(groups))
    attributes = collect_target_group_attributes(scope(aws), _read(groups))

    assert len(aws.asked("DescribeTargetHealth")) == MOST_GROUPS_HEALTH
    assert len(aws.asked("DescribeTargetGroupAttributes")) == MOST_GROUPS_ATTRIBUTES
    assert isinstance(health, Mapping)
    assert isinstance(attributes, Mapping)
    assert health[groups[29].id] == Missing("only 20 of 30 target groups were read")
    assert attributes[groups[0].id] == {"deregistration_delay.timeout_seconds": "300"}


def test_the_alarms_own_group_comes_first_then_those_of_listeners() -> None:
    groups = _groups(3)
    asked = scope(FakeAws(), replace(ENTRY_POINT, target_group=groups[2].id))

    known = known_groups(asked, _read(groups, parse_listeners(LISTENERS)))

    assert known == (groups[2].id, ORDERS, groups[0].id, groups[1].id)


def test_without_the_list_of_groups_those_that_are_named_are_known() -> None:
    unread = Missing("AccessDenied")

    assert known_groups(scope(FakeAws()), _read(unread, parse_listeners(LISTENERS))) == (ORDERS,)
    assert collect_target_health(scope(FakeAws()), _read(unread, unread)) == unread
