"""The functions behind an entry point: which they are, what is asked of them, and what is never kept."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.function_answers import parse_callers, parse_settings, parse_versions
from collectors.function_names import Called, behind_api, behind_load_balancer, called
from collectors.functions import collect_functions
from collectors.reading import Scope, UnreadableAnswerError, complete_minutes
from diagnosis.evidence import NOT_LOOKED_UP, Missing, Target
from diagnosis.systems.functions import Function
from diagnosis.systems.gateway import Api, Authorizer, Integration
from tests.collectors.fake_aws import ENTRY_POINT, NOW, error

ARN = "arn:aws:lambda:eu-west-1:111122223333:function:orders"
GROUP = "targetgroup/orders/73e2d6bc24d8a067"


class Aws:
    """Lambda, CloudWatch and Logs of one function; each operation may be changed or refused."""

    def __init__(self, **changed: Any) -> None:
        self.answers = {**ANSWERS, **changed}
        self.calls: list[tuple[str, Mapping[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def ask(**asked: Any) -> Any:
            self.calls.append((name, asked))
            answer = self.answers[name]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return ask

    def get_paginator(self, name: str) -> Any:
        aws = self

        class Pages:
            def paginate(self, **asked: Any) -> list[Any]:
                return [getattr(aws, name)(**asked)]

        return Pages()

    def scope(self) -> Scope:
        return Scope(lambda _: self, ENTRY_POINT, NOW, complete_minutes(NOW), NOW, wait=lambda _: None)

    def asked(self, operation: str) -> list[Mapping[str, Any]]:
        return [asked for name, asked in self.calls if name == operation]


SETTINGS: dict[str, Any] = {
    "FunctionName": "orders",
    "Runtime": "python3.12",
    "Timeout": 15,
    "MemorySize": 512,
    "LastModified": "2026-11-20T14:43:05.123+0000",
    "Role": "arn:aws:iam::111122223333:role/orders",
    "Version": "42",
    "State": "Active",
    "LastUpdateStatus": "Successful",
    "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/orders/all"},
    "Environment": {
        "Variables": {
            "API_TOKEN": "ghp_0123456789abcdefghij",
            "DATABASE_URL": "postgres://orders:hunter2@db/orders",
            "DATABASE_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders/db-a1b2c3",
            "PRICES_PARAMETER": "/orders/prices",
            "SIGNING_SECRET": "s3cr3t",
            "PARTNER_SECRET_NAME": "orders/partner",
        }
    },
}
ANSWERS: dict[str, Any] = {
    "get_function_configuration": SETTINGS,
    "get_function_concurrency": {"ReservedConcurrentExecutions": 40},
    "get_policy": {
        "Policy": '{"Statement": [{"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}},'
        ' {"Effect": "Deny", "Principal": "*"}]}'
    },
    "list_aliases": {
        "Aliases": [
            {
                "Name": "live",
                "FunctionVersion": "41",
                "RoutingConfig": {"AdditionalVersionWeights": {"42": 0.1}},
            }
        ]
    },
    "list_versions_by_function": {
        "Versions": [
            {"Version": "$LATEST"},
            {"Version": "41", "LastModified": "2026-11-01T00:00:00.000+0000", "CodeSha256": "a"},
            {"Version": "42", "LastModified": "2026-11-20T14:40:00.000+0000", "CodeSha256": "b"},
        ]
    },
    "get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 1000}},
    "get_metric_data": {"MetricDataResults": []},
}


def collected(aws: Aws, arn: str = f"{ARN}:live") -> Function:
    """The one function that is a target of a group."""
    read = {"target_health": {GROUP: (Target(arn, None, "all", "unavailable"),)}, "metrics": NOT_LOOKED_UP}
    found = collect_functions(behind_load_balancer, aws.scope(), read)
    assert not isinstance(found, Missing)
    return found["orders"]


def test_a_function_is_read_through_the_alias_that_is_asked() -> None:
    aws = Aws()

    function = collected(aws)

    assert aws.asked("get_function_configuration") == [{"FunctionName": "orders", "Qualifier": "live"}]
    assert aws.asked("get_policy") == [{"FunctionName": "orders", "Qualifier": "live"}]
    assert function.known is not None
    assert function.known.timeout_seconds == 15
    assert function.known.log_group == "/orders/all"
    assert function.known.modified == datetime(2026, 11, 20, 14, 43, 5, 123000, tzinfo=UTC)
    assert function.reserved == 40
    assert function.account_limit == 1000
    assert function.callers == ("apigateway.amazonaws.com",)
    assert function.alias is not None
    assert function.alias.versions == ("41", "42")
    assert function.groups == (GROUP,)


def test_figures_are_asked_of_the_whole_the_alias_and_its_versions_in_one_call() -> None:
    aws = Aws()

    collected(aws)

    (asked,) = aws.asked("get_metric_data")
    dimensions = {
        tuple((each["Name"], each["Value"]) for each in query["MetricStat"]["Metric"]["Dimensions"])
        for query in asked["MetricDataQueries"]
        if query["MetricStat"]["Metric"]["MetricName"] == "Errors"
    }
    live = (("FunctionName", "orders"), ("Resource", "orders:live"))
    assert dimensions == {
        (("FunctionName", "orders"),),
        live,
        (*live, ("ExecutedVersion", "41")),
        (*live, ("ExecutedVersion", "42")),
    }


def test_nothing_that_the_environment_holds_is_kept_but_names_of_secrets_and_parameters() -> None:
    settings = parse_settings(SETTINGS)

    assert settings.names == (
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders/db-a1b2c3",
        "/orders/prices",
        "orders/partner",
    )
    assert "hunter2" not in repr(settings)
    assert "s3cr3t" not in repr(settings)


def test_that_we_may_not_decrypt_the_environment_tells_nothing_of_the_function() -> None:
    """Our role has no permission of KMS, so it is told so of every function with a key of its own."""
    denied = {"ErrorCode": "AccessDeniedException", "Message": "KMS: User: x is not authorized to perform"}
    disabled = {"ErrorCode": "KMSDisabledException", "Message": "the key is disabled"}

    assert parse_settings({**SETTINGS, "Environment": {"Error": denied}}).environment_error is None
    assert parse_settings({**SETTINGS, "Environment": {"Error": disabled}}).environment_error == (
        "KMSDisabledException: the key is disabled"
    )


def test_no_function_and_no_policy_are_found_out_and_not_missing() -> None:
    gone = error("GetFunctionConfiguration", "ResourceNotFoundException", 404)
    function = collected(Aws(get_function_configuration=gone, get_policy=gone))

    assert function.settings is None
    assert function.callers is None


def test_what_is_denied_is_missing_and_the_rest_stands() -> None:
    denied = error("GetPolicy", "AccessDeniedException", 403)
    function = collected(Aws(get_policy=denied))

    assert function.callers == Missing("lambda:GetPolicy: AccessDeniedException")
    assert function.known is not None


def test_the_log_is_not_searched_while_the_function_has_no_errors() -> None:
    aws = Aws()

    assert collected(aws).log == NOT_LOOKED_UP
    assert not aws.asked("start_query")


def test_a_load_balancer_without_functions_asks_nothing() -> None:
    aws = Aws()
    read = {"target_health": {GROUP: (Target("i-0123", 80, "a", "healthy"),)}, "metrics": NOT_LOOKED_UP}

    assert collect_functions(behind_load_balancer, aws.scope(), read) == NOT_LOOKED_UP
    assert not aws.calls


@pytest.mark.parametrize(
    ("arn", "found"),
    [
        (ARN, Called(ARN)),
        (f"{ARN}:live", Called(ARN, "live")),
        (f"{ARN}:$LATEST", Called(ARN)),
        ("arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/a/b", None),
        ("orders", None),
    ],
)
def test_a_function_is_known_by_its_arn(arn: str, found: Called | None) -> None:
    assert called(arn) == found


def test_an_api_calls_the_functions_of_its_routes_and_of_its_authorizers() -> None:
    api = Api(
        "a1", "orders-api", "http",
        integrations=(Integration("GET /", "lambda", 29000, function="orders", qualifier="live"),),
        authorizers=(Authorizer("x", "keys", "function", function="keys"),),
    )  # fmt: skip

    found = behind_api(Aws().scope(), {"api": api})

    assert [(each.name, each.qualifier) for each in found] == [("orders", "live"), ("keys", None)]


def test_the_newest_versions_are_first_over_all_pages() -> None:
    pages = [{"Versions": [{"Version": "$LATEST"}, {"Version": "9"}]}, {"Versions": [{"Version": "10"}]}]

    assert [each.number for each in parse_versions(pages)] == ["10", "9"]


def test_a_policy_that_is_no_json_is_unreadable() -> None:
    with pytest.raises(UnreadableAnswerError):
        parse_callers({"Policy": "{"})


@pytest.mark.parametrize("principal", [{"AWS": ["111122223333", "*"]}, "*"])
def test_principals_are_read_in_every_form(principal: object) -> None:
    policy = json.dumps({"Statement": {"Effect": "Allow", "Principal": principal}})

    assert "*" in parse_callers({"Policy": policy})
