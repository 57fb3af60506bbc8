"""What is recorded of each call, how calls are delayed and broken, and that answers keep AWS's shapes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.session import get_session

from lab import Fault, shapes
from lab.recorder import Call, depth

ONE_TRY = Config(retries={"total_max_attempts": 1, "mode": "standard"})
THREE_TRIES = Config(retries={"total_max_attempts": 3, "mode": "standard"}, read_timeout=5)

DESCRIBE = """
import boto3
from botocore.config import Config

def handler(event, context):
    config = Config(retries={"total_max_attempts": 3, "mode": "standard"}, read_timeout=5)
    client = boto3.client("elbv2", config=config)
    try:
        return {"found": len(client.describe_load_balancers()["LoadBalancers"])}
    except Exception as error:
        return {"error": type(error).__name__, "left": context.get_remaining_time_in_millis()}
"""


def result(lab: Any) -> Any:
    return lab.invocations[0].result


def test_a_call_is_recorded_with_who_what_how_long_and_how_it_ended(application: Any, stage: Any) -> None:
    application.door("alarm", DESCRIBE)
    with stage() as lab:
        lab.run_alarm()
        (call,) = lab.calls
    assert (call.function, call.name, call.region) == (
        "AlarmFunction",
        "elbv2.DescribeLoadBalancers",
        "eu-west-1",
    )
    assert (call.parameters, call.error, call.attempts, call.invocation) == ({}, None, 1, 1)
    assert call.seconds > 0


def test_calls_of_the_lab_itself_are_not_recorded(stage: Any) -> None:
    with stage() as lab:
        lab.client("sqs").list_queues()
        lab.run_alarm()
        assert lab.calls == []


def test_latency_is_added_to_every_call(application: Any, stage: Any) -> None:
    application.door("alarm", DESCRIBE)
    with stage(options={"latency": 0.05}) as lab:
        lab.run_alarm()
        assert lab.calls[0].seconds >= 0.05


@pytest.mark.parametrize(
    ("kind", "name", "error", "attempts"),
    [
        ("AccessDenied", "ClientError", "AccessDenied", 1),
        ("Throttling", "ClientError", "Throttling", 3),
        ("ServerError", "ClientError", "InternalFailure", 3),
        ("Timeout", "ReadTimeoutError", "ReadTimeoutError", 3),
        ("Unreachable", "EndpointConnectionError", "EndpointConnectionError", 3),
    ],
)
def test_a_fault_meets_the_clients_own_retries(
    application: Any, stage: Any, kind: str, name: str, error: str, attempts: int
) -> None:
    application.door("alarm", DESCRIBE)
    with stage(options={"faults": {"elbv2.DescribeLoadBalancers": kind}}) as lab:
        lab.run_alarm()
        assert result(lab)["error"] == name
        assert (lab.calls[0].error, lab.calls[0].attempts) == (error, attempts)


def test_time_outs_use_up_the_functions_time_but_not_ours(application: Any, stage: Any) -> None:
    application.door("alarm", DESCRIBE)
    began = time.perf_counter()
    with stage(options={"faults": {"elbv2.DescribeLoadBalancers": "Timeout"}}) as lab:
        before = lab.clock.now()
        lab.run_alarm()
        assert result(lab)["left"] <= 60_000 - 3 * 5_000
        assert (lab.clock.now() - before).total_seconds() >= 15
    assert time.perf_counter() - began < 10


def test_a_fault_may_pass_after_some_attempts(application: Any, stage: Any) -> None:
    application.door("alarm", DESCRIBE)
    with stage(options={"faults": {"elbv2.DescribeLoadBalancers": Fault("Throttling", times=2)}}) as lab:
        lab.run_alarm()
        assert result(lab) == {"found": 1}
        assert lab.calls[0].attempts == 3


def test_a_fault_of_a_whole_service_or_of_one_function_only(application: Any, stage: Any) -> None:
    application.door("alarm", DESCRIBE)
    with stage(options={"faults": {"elbv2.*": "AccessDenied"}}) as lab:
        lab.run_alarm()
        assert result(lab)["error"] == "ClientError"
    with stage(options={"faults": {"elbv2.*": Fault("AccessDenied", function="RollbackFunction")}}) as lab:
        lab.run_alarm()
        assert result(lab) == {"found": 1}


def test_a_fault_of_the_scenario_is_set(application: Any, stage: Any) -> None:
    application.door("alarm", DESCRIBE)
    with stage(faults={"elbv2.DescribeLoadBalancers": "AccessDenied"}) as lab:
        lab.run_alarm()
        assert lab.calls[0].error == "AccessDenied"


def test_an_unknown_fault_is_refused(stage: Any) -> None:
    with (
        pytest.raises(ValueError, match="is not one of AccessDenied"),
        stage(options={"faults": {"a.B": "Fire"}}),
    ):
        pass


@pytest.mark.parametrize(
    ("service", "call", "kind", "error"),
    [
        ("cloudtrail", "lookup_events", "AccessDenied", "AccessDeniedException"),
        ("cloudwatch", "describe_alarms", "AccessDenied", "AccessDeniedException"),
        ("ec2", "describe_instances", "AccessDenied", "UnauthorizedOperation"),
        ("ec2", "describe_instances", "Throttling", "RequestLimitExceeded"),
        ("elbv2", "describe_rules", "Throttling", "Throttling"),
        ("codedeploy", "list_deployments", "Throttling", "ThrottlingException"),
        ("codedeploy", "list_deployments", "ServerError", "InternalFailure"),
        ("dynamodb", "list_tables", "AccessDenied", "AccessDeniedException"),
        ("sns", "list_topics", "AccessDenied", "AuthorizationError"),
        ("ssm", "describe_parameters", "AccessDenied", "AccessDeniedException"),
        ("secretsmanager", "list_secrets", "AccessDenied", "AccessDeniedException"),
        ("sqs", "list_queues", "ServerError", "InternalFailure"),
    ],
)
def test_each_service_words_its_faults_in_its_own_way(
    stage: Any, client: Callable[..., Any], service: str, call: str, kind: str, error: str
) -> None:
    with stage(options={"faults": {f"{service}.*": kind}}) as lab:
        lab.wire.function = "AlarmFunction"
        with pytest.raises(ClientError) as raised:
            getattr(client(lab, service, config=ONE_TRY), call)()
        assert raised.value.response["Error"]["Code"] == error
        assert lab.calls[0].error == error


@pytest.mark.parametrize(
    ("kind", "error"), [("Timeout", ReadTimeoutError), ("Unreachable", EndpointConnectionError)]
)
def test_a_network_that_fails_raises_what_botocore_raises(
    stage: Any, client: Callable[..., Any], kind: str, error: type[Exception]
) -> None:
    with stage(options={"faults": {"codedeploy.*": kind}}) as lab:
        lab.wire.function = "AlarmFunction"
        with pytest.raises(error):
            client(lab, "codedeploy", config=THREE_TRIES).list_deployments()


def test_a_thread_that_outlives_its_invocation_still_works_for_the_function_that_started_it(
    stage: Any, client: Callable[..., Any]
) -> None:
    over = threading.Event()
    with stage() as lab, ThreadPoolExecutor(1) as threads:
        codedeploy = client(lab, "codedeploy")

        def straggle() -> None:
            over.wait(10)
            codedeploy.list_applications()

        lab.wire.function, lab.wire.invocation = "AlarmFunction", 1
        straggler = threads.submit(straggle)
        lab.wire.function, lab.wire.invocation = "RollbackFunction", 2
        over.set()
        straggler.result()
        codedeploy.list_deployments()
        assert [(each.function, each.invocation) for each in lab.calls] == [
            ("AlarmFunction", 1),
            ("RollbackFunction", 2),
        ]


def call(started: float, ended: float) -> Call:
    return Call("F", "s", "O", {}, "eu-west-1", 1, started, ended)


def test_depth_is_the_longest_chain_of_calls_that_follow_each_other() -> None:
    assert depth([]) == 0
    assert depth([call(0, 1), call(0, 1), call(0.5, 2)]) == 1
    assert depth([call(0, 1), call(0, 3), call(1, 2), call(2, 3)]) == 3


def operation(service: str, name: str) -> Any:
    return get_session().get_service_model(service).operation_model(name)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"deploymentInfo": {"status": "Done"}}, "'Done' is not one of Created"),
        ({"deploymentInfo": {"state": "Created"}}, "no such member"),
        ({"deploymentInfo": {"createTime": "now"}}, "timestamp, not str"),
        ({"deploymentInfo": {"deploymentOverview": {"Failed": "1"}}}, "long, not str"),
        ({"deploymentInfo": []}, "a structure, not list"),
        ({"deploymentInfo": {"deploymentStatusMessages": "x"}}, "a list, not str"),
    ],
)
def test_an_answer_of_the_wrong_shape_is_found(answer: dict[str, Any], problem: str) -> None:
    assert problem in "; ".join(shapes.problems(operation("codedeploy", "GetDeployment"), answer))


def test_a_required_member_must_be_there() -> None:
    found = shapes.problems(operation("codedeploy", "GetDeploymentConfig"), {"deploymentConfigInfo": {}})
    assert found == []
    missing = shapes.problems(operation("secretsmanager", "GetSecretValue"), {"ARN": 5})
    assert "string, not int" in missing[0]


def test_every_operation_the_lab_answers_exists_in_botocores_model(stage: Any) -> None:
    with stage() as lab:
        for name in lab.wire.answered():
            assert operation(*name.split(".")).output_shape is not None


def test_the_lab_refuses_to_send_an_answer_of_the_wrong_shape(stage: Any, client: Callable[..., Any]) -> None:
    with stage() as lab:
        lab.wire.answer("codedeploy", {"ListApplications": lambda _: {"apps": []}})
        with pytest.raises(AssertionError, match=r"wrong shape: ListApplications\.apps: no such member"):
            client(lab, "codedeploy").list_applications()
