"""Listeners and their rules: where requests go, in words."""

from collections.abc import Mapping
from typing import Any

import pytest

from collectors.listeners import (
    MOST_LISTENERS,
    collect_listener_list,
    collect_listeners,
    parse_listeners,
    parse_rules,
)
from diagnosis.evidence import Action, Listener, Missing
from tests.collectors.fake_aws import ELB_ARN, LISTENER, ORDERS, SEARCH, FakeAws, error, scope


def _listeners(aws: FakeAws) -> tuple[Listener, ...]:
    asked = scope(aws)
    listeners = collect_listeners(asked, {"listener_list": collect_listener_list(asked, {})})
    assert isinstance(listeners, tuple)
    return listeners


def _action(**action: Any) -> Action:
    (rule,) = parse_rules(LISTENER, {"Rules": [{"Priority": "1", "Actions": [action]}]})
    return rule.actions[0]


def _condition(**condition: Any) -> str:
    (rule,) = parse_rules(LISTENER, {"Rules": [{"Priority": "1", "Conditions": [condition]}]})
    return rule.conditions[0]


def test_a_listener_comes_with_its_rules_in_order_of_priority() -> None:
    (listener,) = _listeners(FakeAws())

    assert (listener.arn, listener.port, listener.protocol) == (LISTENER, 443, "HTTPS")
    assert listener.default_actions == (Action("forward", {ORDERS: 1}),)
    assert isinstance(listener.rules, tuple)
    assert [rule.priority for rule in listener.rules] == ["10", "default"]
    assert listener.rules[0].conditions == ("path-pattern is /search/*",)
    assert listener.rules[0].actions == (Action("forward", {SEARCH: 1}),)


def test_rules_are_sorted_as_numbers_with_the_default_last() -> None:
    rules = {"Rules": [{"Priority": each} for each in ("default", "100", "20", "3")]}
    (listener,) = _listeners(FakeAws(DescribeRules=rules))

    assert isinstance(listener.rules, tuple)
    assert [rule.priority for rule in listener.rules] == ["3", "20", "100", "default"]


def test_rules_that_cannot_be_read_are_missing_in_their_listener_only() -> None:
    (listener,) = _listeners(FakeAws(DescribeRules=error("DescribeRules", "AccessDenied")))

    assert listener.rules == Missing("elasticloadbalancing:DescribeRules: AccessDenied")
    assert listener.default_actions


def test_rules_of_many_listeners_are_not_all_read() -> None:
    many = {"Listeners": [{"ListenerArn": f"{LISTENER}{number}", "Port": number + 1} for number in range(9)]}
    aws = FakeAws(DescribeListeners=many)
    listeners = _listeners(aws)

    assert len(aws.asked("DescribeRules")) == MOST_LISTENERS
    assert listeners[8].rules == Missing("only 6 of 9 listeners were read")


def test_weights_are_told_by_target_group() -> None:
    groups = [
        {"TargetGroupArn": ELB_ARN + ORDERS, "Weight": 90},
        {"TargetGroupArn": ELB_ARN + SEARCH, "Weight": 0},
    ]

    assert _action(Type="forward", ForwardConfig={"TargetGroups": groups}) == Action(
        "forward", {ORDERS: 90, SEARCH: 0}
    )


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (
            {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}},
            Action("fixed-response", {}, "503"),
        ),
        ({"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}, Action("redirect", {}, "301")),
        ({"Type": "authenticate-oidc"}, Action("authenticate-oidc")),
        ({"Type": "action-of-2030"}, Action("action-of-2030")),
        ({}, Action("unknown")),
    ],
)
def test_an_action_keeps_its_kind_and_status(action: Mapping[str, Any], expected: Action) -> None:
    assert _action(**action) == expected


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"Field": "path-pattern", "Values": ["/a", "/b"]}, "path-pattern is /a or /b"),
        ({"Field": "host-header", "HostHeaderConfig": {"Values": ["x.example"]}}, "host-header is x.example"),
        (
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Canary", "Values": ["yes"]}},
            "http-header X-Canary is (not kept)",
        ),
        (
            {
                "Field": "query-string",
                "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2"}, {"Value": "beta"}]},
            },
            "query-string is v=2 or beta",
        ),
        (
            {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/v\\d"]}},
            "path-pattern is like ^/v\\d",
        ),
        ({}, "unknown condition"),
    ],
)
def test_a_condition_is_told_in_words(condition: Mapping[str, Any], words: str) -> None:
    assert _condition(**condition) == words


def test_a_listener_without_arn_is_left_out() -> None:
    assert parse_listeners({"Listeners": [{"Port": 80}]}) == ()


def test_without_the_list_of_listeners_there_are_no_rules_to_read() -> None:
    assert collect_listeners(scope(FakeAws()), {"listener_list": Missing("Throttling")}) == Missing(
        "Throttling"
    )
