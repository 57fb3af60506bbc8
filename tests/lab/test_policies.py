"""Calls are held against the role of the function that made them."""

from __future__ import annotations

from typing import Any

import pytest

from lab import policies
from lab.permissions import Need, iam_action, needs_of
from lab.policies import allows
from lab.recorder import Call
from lab.stack import Role

CALLS = """
import os, boto3

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}

def handler(event, context):
    boto3.client("elbv2").describe_load_balancers()
    boto3.client("dynamodb").put_item(TableName=os.environ["TABLE_NAME"], Item=KEY)
"""
OVERSTEPS = """
import os, boto3

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}

def handler(event, context):
    boto3.client("elbv2", region_name="us-east-1").describe_load_balancers()
    boto3.client("dynamodb").delete_item(TableName=os.environ["TABLE_NAME"], Key=KEY)
    boto3.client("codedeploy").list_applications()
"""


def test_calls_within_the_policy_pass(application: Any, stage: Any) -> None:
    application.door("alarm", CALLS)
    with stage() as lab:
        lab.run_alarm()
        assert policies.denied_calls(lab) == []


def test_calls_beyond_the_policy_are_named(application: Any, stage: Any) -> None:
    application.door("alarm", OVERSTEPS)
    with stage() as lab:
        lab.run_alarm()
        denied = [(one.function, one.need.action) for one in policies.denied_calls(lab)]
    assert denied == [
        ("AlarmFunction", "elasticloadbalancing:DescribeLoadBalancers"),
        ("AlarmFunction", "dynamodb:DeleteItem"),
        ("AlarmFunction", "codedeploy:ListApplications"),
    ]


def test_what_lambda_does_in_the_functions_name_needs_permission_too(stage: Any) -> None:
    with stage() as lab:
        assert policies.denied_wiring(lab) == []


def test_the_projects_own_wiring_is_permitted(incident: Any) -> None:
    from lab import Lab

    with Lab.stage(incident()) as lab:
        assert policies.denied_wiring(lab) == []


def test_actions_never_needed_are_named(application: Any, stage: Any) -> None:
    application.door("alarm", CALLS)
    with stage() as lab:
        lab.run_alarm()
        assert "dynamodb:GetItem" in policies.unused_actions(lab, "AlarmFunction")
        assert "dynamodb:PutItem" not in policies.unused_actions(lab, "AlarmFunction")


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("elbv2", "DescribeRules", "elasticloadbalancing:DescribeRules"),
        ("cloudwatch", "GetMetricData", "cloudwatch:GetMetricData"),
        ("s3", "HeadObject", "s3:GetObject"),
        ("lambda", "Invoke", "lambda:InvokeFunction"),
        ("codedeploy", "StopDeployment", "codedeploy:StopDeployment"),
    ],
)
def test_an_operation_has_its_iam_action(service: str, operation: str, action: str) -> None:
    assert iam_action(service, operation) == action


def needs(service: str, operation: str, parameters: dict[str, Any]) -> list[tuple[str, str]]:
    call = Call("F", service, operation, parameters, "eu-west-1", 1, 0.0)
    return [(need.action, need.resource.removeprefix("arn:aws:")) for need in needs_of(call, "123456789012")]


HERE = "eu-west-1:123456789012"
PROD = f"codedeploy:{HERE}:deploymentgroup:shop/prod"
TABLE = f"dynamodb:{HERE}:table/t"
GROUP = {"applicationName": "shop", "deploymentGroupName": "prod"}


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "expected"),
    [
        ("codedeploy", "StopDeployment", {"deploymentId": "d-1"}, [("codedeploy:StopDeployment", "*")]),
        ("codedeploy", "ListDeployments", {}, [("codedeploy:ListDeployments", "*")]),
        ("codedeploy", "ListDeployments", GROUP, [("codedeploy:ListDeployments", PROD)]),
        ("sqs", "SendMessage", {"QueueUrl": "https://sqs/1/q"}, [("sqs:SendMessage", f"sqs:{HERE}:q")]),
        ("ssm", "GetParameter", {"Name": "/a/b"}, [("ssm:GetParameter", f"ssm:{HERE}:parameter/a/b")]),
        ("dynamodb", "Query", {"TableName": "t", "IndexName": "i"}, [("dynamodb:Query", f"{TABLE}/index/i")]),
        (
            "dynamodb",
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "t"}}, {"ConditionCheck": {"TableName": "t"}}]},
            [("dynamodb:PutItem", TABLE), ("dynamodb:ConditionCheckItem", TABLE)],
        ),
        ("s3", "HeadObject", {"Bucket": "b", "Key": "k"}, [("s3:GetObject", "s3:::b/k")]),
    ],
)  # fmt: skip
def test_resources_are_as_narrow_as_the_parameters_tell(
    service: str, operation: str, parameters: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert needs(service, operation, parameters) == expected


def test_overriding_alarms_needs_leave_to_change_the_group() -> None:
    plain = {action for action, _ in needs("codedeploy", "CreateDeployment", GROUP)}
    override = {
        action
        for action, _ in needs("codedeploy", "CreateDeployment", GROUP | {"overrideAlarmConfiguration": {}})
    }
    assert override - plain == {"codedeploy:UpdateDeploymentGroup"}
    assert plain >= {"codedeploy:GetDeploymentConfig", "codedeploy:RegisterApplicationRevision"}


def everything(**condition: dict[str, str]) -> dict[str, Any]:
    return {"Action": "*", "Resource": "*", "Condition": condition}


def role(*statements: dict[str, Any], managed: tuple[str, ...] = ()) -> Role:
    return Role("R", tuple({"Effect": "Allow", **statement} for statement in statements), managed)


QUEUE = Need("sqs:SendMessage", "arn:aws:sqs:eu-west-1:1:q", "eu-west-1")
REGION = "aws:RequestedRegion"
METRICS = Need("cloudwatch:GetMetricData", "*", "eu-west-1")


@pytest.mark.parametrize(
    ("statement", "need", "allowed"),
    [
        ({"Action": "sqs:SendMessage", "Resource": QUEUE.resource}, QUEUE, True),
        ({"Action": "sqs:Send*", "Resource": "*"}, QUEUE, True),
        ({"Action": ["sqs:SENDMESSAGE"], "Resource": "arn:aws:sqs:*:*:q"}, QUEUE, True),
        ({"Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-west-1:1:other"}, QUEUE, False),
        ({"Action": "sqs:ReceiveMessage", "Resource": "*"}, QUEUE, False),
        ({"Action": "cloudwatch:GetMetricData", "Resource": "*"}, METRICS, True),
        ({"Action": "cloudwatch:GetMetricData", "Resource": "arn:aws:cloudwatch:*"}, METRICS, False),
        (everything(StringEquals={REGION: "eu-west-1"}), METRICS, True),
        (everything(StringEquals={REGION: "us-east-1"}), METRICS, False),
        (everything(StringLike={REGION: "eu-*"}), METRICS, True),
        (everything(Bool={"aws:SecureTransport": "true"}), METRICS, False),
    ],
)  # fmt: skip
def test_statements_are_read_as_iam_reads_them(statement: dict[str, Any], need: Need, allowed: bool) -> None:
    assert allows(role(statement), need) is allowed


def test_an_explicit_deny_wins() -> None:
    assert allows(role(everything()), QUEUE)
    assert not allows(role(everything(), {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}), QUEUE)


def test_managed_policies_of_sam_are_known() -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"
    assert allows(role(managed=(arn,)), Need("sqs:DeleteMessage", "arn:aws:sqs:eu-west-1:1:q", "eu-west-1"))
    assert not allows(role(managed=(arn,)), QUEUE)
