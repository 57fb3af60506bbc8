"""Which permissions a call needs, on resources as narrow as its parameters tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lab.recorder import Call

# botocore's service -> IAM's prefix, where they differ (Service Authorization Reference).
_PREFIXES = {
    "elbv2": "elasticloadbalancing",
    "elb": "elasticloadbalancing",
    "events": "events",
    "stepfunctions": "states",
    "apigatewayv2": "apigateway",
}


# Operation -> action, where they differ.
_ACTIONS = {
    "s3.HeadObject": "s3:GetObject",
    "s3.ListObjectsV2": "s3:ListBucket",
    "s3.HeadBucket": "s3:ListBucket",
    "lambda.Invoke": "lambda:InvokeFunction",
    "dynamodb.TransactWriteItems": "",
    "dynamodb.TransactGetItems": "",
    "sqs.SendMessageBatch": "sqs:SendMessage",
    "sqs.DeleteMessageBatch": "sqs:DeleteMessage",
    "sns.PublishBatch": "sns:Publish",
}


_TRANSACTION_ACTIONS = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Get": "dynamodb:GetItem",
}


@dataclass(frozen=True, slots=True)
class Need:
    """One permission that a call needs."""

    action: str
    resource: str
    region: str


def iam_action(service: str, operation: str) -> str:
    """The IAM action of an operation."""
    return _ACTIONS.get(f"{service}.{operation}") or f"{_PREFIXES.get(service, service)}:{operation}"


def needs_of(call: Call, account: str) -> list[Need]:
    """The permissions a call needs, on resources as narrow as its parameters tell."""
    if call.service == "dynamodb" and call.operation.startswith("Transact"):
        return list(_transaction_needs(call, account))
    action = iam_action(call.service, call.operation)
    name = _RESOURCES.get(call.name) or _RESOURCES.get(f"{call.service}.*") or _anything
    arn = _arn_maker(call, account)
    needs = [Need(action, resource, call.region) for resource in name(call.parameters, arn)]
    if call.name == "codedeploy.CreateDeployment":
        needs += _create_deployment_needs(call.parameters, arn, call.region)
    return needs


ArnMaker = Callable[[str, str], str]


def _arn_maker(call: Call, account: str) -> ArnMaker:
    return lambda service, resource: f"arn:aws:{service}:{call.region}:{account}:{resource}"


def _anything(_: Mapping[str, Any], __: ArnMaker) -> Iterable[str]:
    return ["*"]


def _group(asked: Mapping[str, Any], arn: ArnMaker) -> Iterable[str]:
    names = asked.get("deploymentGroupNames") or [asked.get("deploymentGroupName")]
    if not asked.get("applicationName") or not names[0]:
        return ["*"]
    return [arn("codedeploy", f"deploymentgroup:{asked['applicationName']}/{name}") for name in names]


def _some_group(_: Mapping[str, Any], arn: ArnMaker) -> Iterable[str]:
    """The group is known to CodeDeploy only: any group of the account has to be allowed."""
    return [arn("codedeploy", "deploymentgroup:any/any")]


def _application(asked: Mapping[str, Any], arn: ArnMaker) -> Iterable[str]:
    return [arn("codedeploy", f"application:{asked['applicationName']}")]


def _queue(asked: Mapping[str, Any], arn: ArnMaker) -> Iterable[str]:
    return [arn("sqs", str(asked["QueueUrl"]).rsplit("/", 1)[1])]


def _table(asked: Mapping[str, Any], arn: ArnMaker) -> Iterable[str]:
    table = str(asked["TableName"])
    whole = table if table.startswith("arn:") else arn("dynamodb", f"table/{table}")
    return [f"{whole}/index/{asked['IndexName']}" if asked.get("IndexName") else whole]


def _tables(asked: Mapping[str, Any], arn: ArnMaker) -> Iterable[str]:
    return [arn("dynamodb", f"table/{table}") for table in asked["RequestItems"]]


def _parameter(asked: Mapping[str, Any], arn: ArnMaker) -> Iterable[str]:
    names = asked.get("Names") or [asked["Name"]]
    return [arn("ssm", f"parameter/{str(name).lstrip('/')}") for name in names]


_RESOURCES: dict[str, Callable[[Mapping[str, Any], ArnMaker], Iterable[str]]] = {
    "codedeploy.BatchGetDeploymentGroups": _group,
    "codedeploy.BatchGetDeployments": _some_group,
    "codedeploy.CreateDeployment": _group,
    "codedeploy.GetDeployment": _some_group,
    "codedeploy.GetDeploymentGroup": _group,
    "codedeploy.ListDeployments": _group,
    "codedeploy.UpdateDeploymentGroup": _group,
    "codedeploy.BatchGetApplicationRevisions": _application,
    "codedeploy.GetApplication": _application,
    "codedeploy.GetApplicationRevision": _application,
    "codedeploy.ListApplicationRevisions": _application,
    "codedeploy.ListDeploymentGroups": _application,
    "codedeploy.BatchGetApplications": lambda asked, arn: [
        arn("codedeploy", f"application:{name}") for name in asked["applicationNames"]
    ],
    "codedeploy.ListTagsForResource": lambda asked, _: [asked["ResourceArn"]],
    "codedeploy.GetDeploymentConfig": lambda asked, arn: [
        arn("codedeploy", f"deploymentconfig:{asked['deploymentConfigName']}")
    ],
    "dynamodb.*": _table,
    "dynamodb.BatchGetItem": _tables,
    "dynamodb.BatchWriteItem": _tables,
    "sqs.*": _queue,
    "sns.Publish": lambda asked, _: [asked["TopicArn"]],
    "sns.PublishBatch": lambda asked, _: [asked["TopicArn"]],
    "ssm.GetParameter": _parameter,
    "ssm.GetParameters": _parameter,
    "secretsmanager.GetSecretValue": lambda asked, _: [asked["SecretId"]],
    "s3.*": lambda asked, _: [
        f"arn:aws:s3:::{asked['Bucket']}" + (f"/{asked['Key']}" if "Key" in asked else "")
    ],
}


def _create_deployment_needs(asked: Mapping[str, Any], arn: ArnMaker, region: str) -> list[Need]:
    """CreateDeployment also checks these (CodeDeploy user guide, "Permissions reference")."""
    application = arn("codedeploy", f"application:{asked['applicationName']}")
    config = asked.get("deploymentConfigName") or "CodeDeployDefault.OneAtATime"
    needs = [
        Need("codedeploy:GetDeploymentConfig", arn("codedeploy", f"deploymentconfig:{config}"), region),
        Need("codedeploy:GetApplicationRevision", application, region),
        Need("codedeploy:RegisterApplicationRevision", application, region),
    ]
    if "overrideAlarmConfiguration" in asked:
        group = next(iter(_group(asked, arn)))
        needs.append(Need("codedeploy:UpdateDeploymentGroup", group, region))
    return needs


def _transaction_needs(call: Call, account: str) -> Iterator[Need]:
    arn = _arn_maker(call, account)
    for item in call.parameters["TransactItems"]:
        for kind, request in item.items():
            yield Need(_TRANSACTION_ACTIONS[kind], next(iter(_table(request, arn))), call.region)
