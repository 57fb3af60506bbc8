"""A small incident and a small application, to be changed where a test needs it."""

from __future__ import annotations

import copy
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from lab import Lab, Scenario, parse

INCIDENT: dict[str, Any] = {
    "title": "A release that breaks its own responses",
    "at": "2026-11-20T14:47:10Z",
    "noise": "none",
    "alarm": {"name": "order-api-elb-5xx", "metric": "HTTPCode_ELB_502_Count", "threshold": 50},
    "load_balancer": {"name": "order-api", "zones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"]},
    "target_groups": {
        "orders": {
            "targets": 6,
            "requests": "4421",
            "target_4xx": "60",
            "elb_502": "0, -3: [369 369 370 369 370]",
            "response_time": "0.09",
            "response_time_p99": "0.42",
        },
        "search": {"targets": 3, "requests": "900", "target_5xx": "9", "response_time": "0.5"},
    },
    "traffic": {"elb_503": "0, -2: 5"},
    "deployments": [
        {
            "id": "d-NEW240",
            "application": "order-api",
            "group": "production",
            "target_groups": ["orders"],
            "created": "-10",
            "started": "-9",
            "completed": "-3",
            "revision": {"bucket": "releases", "key": "order-api-v2.4.0.zip"},
            "tags": {"gateway-triage:auto-rollback": "enabled"},
        },
        {
            "id": "d-OLD231",
            "application": "order-api",
            "group": "production",
            "created": "-2890",
            "started": "-2890",
            "completed": "-2880",
            "revision": {"bucket": "releases", "key": "order-api-v2.3.1.zip"},
        },
    ],
    "changes": [
        {"at": "-20", "name": "RevokeSecurityGroupIngress", "source": "ec2", "resources": ["sg-0target"]},
        {"at": "-2", "name": "ModifyRule", "source": "elasticloadbalancing", "by": "alice"},
    ],
    "expect": {
        "cause": "target_broke_exchange",
        "trigger": "deployment",
        "trigger_id": "d-NEW240",
        "rollback": True,
    },
}

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  RollbackMode: {Type: String, Default: recommend, AllowedValues: ["off", recommend, approve, auto]}
  VetoSeconds: {Type: Number, Default: 60, MinValue: 0, MaxValue: 900}
  SlackSecretArn: {Type: String, Default: ""}
  AlertEmail: {Type: String, Default: "", AllowedPattern: "^$|^[^@]+@[^@]+$"}
Conditions:
  HasEmail: !Not [!Equals [!Ref AlertEmail, ""]]
Globals:
  Function:
    CodeUri: code/
    Runtime: python3.13
    Timeout: 60
    Environment:
      Variables:
        TOPIC_ARN: !Ref Topic
        QUEUE_URL: !Ref RollbackQueue
        TABLE_NAME: !Ref Table
        MODE: !Ref RollbackMode
        VETO: !Ref VetoSeconds
        SLACK_SECRET_ARN: !Ref SlackSecretArn
Resources:
  AlarmFunction:
    Type: AWS::Serverless::Function
    Properties:
      Handler: doors.alarm.handler
      EventInvokeConfig:
        MaximumRetryAttempts: 2
        DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt DeadLetters.Arn}}
      Events:
        Alarm:
          Type: EventBridgeRule
          Properties:
            Pattern:
              source: [aws.cloudwatch]
              detail-type: [CloudWatch Alarm State Change]
              detail: {alarmName: [{anything-but: {prefix: self-}}]}
      Policies:
        - Statement:
            - Effect: Allow
              Action: "elasticloadbalancing:Describe*"
              Resource: "*"
              Condition: {StringEquals: {aws:RequestedRegion: !Ref AWS::Region}}
            - Effect: Allow
              Action: "sqs:SendMessage"
              Resource: [!GetAtt RollbackQueue.Arn, !GetAtt DeadLetters.Arn]
            - {Effect: Allow, Action: "sns:Publish", Resource: !Ref Topic}
            - {Effect: Allow, Action: ["dynamodb:PutItem", "dynamodb:GetItem"], Resource: !GetAtt Table.Arn}
  RollbackFunction:
    Type: AWS::Serverless::Function
    Properties:
      Handler: doors.rollback.handler
      Events:
        Queue:
          Type: SQS
          Properties:
            Queue: !GetAtt RollbackQueue.Arn
            BatchSize: 1
            FunctionResponseTypes: [ReportBatchItemFailures]
      Policies:
        - Statement:
            - Effect: Allow
              Action: "codedeploy:CreateDeployment"
              Resource: !Sub "arn:aws:codedeploy:${AWS::Region}:${AWS::AccountId}:deploymentgroup:order-api/*"
  SlackFunction:
    Type: AWS::Serverless::Function
    Properties:
      Handler: doors.slack.handler
      FunctionUrlConfig: {AuthType: NONE}
  RollbackQueue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 120
      RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetters.Arn, maxReceiveCount: 3}
  DeadLetters: {Type: AWS::SQS::Queue}
  Topic: {Type: AWS::SNS::Topic}
  Email:
    Type: AWS::SNS::Subscription
    Condition: HasEmail
    Properties: {TopicArn: !Ref Topic, Protocol: email, Endpoint: !Ref AlertEmail}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: sk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: sk, KeyType: RANGE}]
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
  KillSwitch:
    Type: AWS::SSM::Parameter
    Properties: {Name: /gateway-triage/rollback-enabled, Type: String, Value: "true"}
Outputs:
  QueueUrl: {Value: !Ref RollbackQueue}
"""

NOTHING = """
def handler(event, context):
    return None
"""


def changed(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The base with changes laid over it; mappings are merged."""
    result = copy.deepcopy(dict(base))
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(result.get(key), dict):
            result[key] = changed(result[key], value)
        else:
            result[key] = value
    return result


@pytest.fixture
def incident() -> Callable[..., Scenario]:
    """Builds the small incident with changes laid over it."""

    def build(**changes: Any) -> Scenario:
        return parse(yaml.safe_dump(changed(INCIDENT, changes), sort_keys=False), name="small-incident")

    return build


class Application:
    """A template and handlers, written to a directory."""

    def __init__(self, directory: Path) -> None:
        self.template = directory / "template.yaml"
        self.template.write_text(TEMPLATE)
        self._code = directory / "code" / "doors"
        self._code.mkdir(parents=True)
        (self._code / "__init__.py").write_text("")
        for door in ("alarm", "rollback", "slack"):
            self.door(door, NOTHING)

    def door(self, name: str, source: str) -> None:
        """Write a handler."""
        (self._code / f"{name}.py").write_text(textwrap.dedent(source))


@pytest.fixture
def application(tmp_path: Path) -> Application:
    """An application whose handlers do nothing until a test writes them."""
    return Application(tmp_path)


Stage = Callable[..., AbstractContextManager[Lab]]


@pytest.fixture
def stage(application: Application, incident: Callable[..., Scenario]) -> Stage:
    """Stages the small incident with the small application."""

    @contextmanager
    def staged(*, options: Mapping[str, Any] | None = None, **changes: Any) -> Iterator[Lab]:
        with Lab.stage(incident(**changes), template=application.template, **(options or {})) as lab:
            yield lab

    return staged


@pytest.fixture
def staged(stage: Stage) -> Iterator[Lab]:
    """The small incident, staged."""
    with stage() as lab:
        yield lab


def client_of(lab: Lab, service: str, **options: Any) -> Any:
    """A client as a function would make it."""
    session: Any = boto3.session.Session(region_name=lab.scenario.region)
    return session.client(service, **options)


@pytest.fixture
def client() -> Callable[..., Any]:
    """Makes clients as a function would."""
    return client_of
