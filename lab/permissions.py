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
    """The IAM action of an operation; those of API Gateway are HTTP methods."""
    if _PREFIXES.get(service, service) == "apigateway" and operation.startswith("Get"):
        return "apigateway:GET"
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


def _container_instances(asked: Mapping[str, Any], arn: ArnMaker) -> Iterable[str]:
    """ListTasks is granted on the machines that carry them (Service Authorization Reference)."""
    return [arn("ecs", f"container-instance/{str(asked['cluster']).rsplit('/', 1)[-1]}/any")]


def _distribution(asked: Mapping[str, Any], arn: ArnMaker) -> Iterable[str]:
    """The ARNs of CloudFront name no region."""
    head, service, _, account, resource = arn("cloudfront", f"distribution/{asked['Id']}").rsplit(":", 4)
    return [":".join((head, service, "", account, resource))]


def _function(asked: Mapping[str, Any], arn: ArnMaker) -> Iterable[str]:
    """A function by name or ARN; what is asked of an alias or a version is granted with it as a qualifier."""
    name = str(asked["FunctionName"])
    return [name if name.startswith("arn:") else arn("lambda", f"function:{name}")]


def _log_groups(asked: Mapping[str, Any], arn: ArnMaker) -> Iterable[str]:
    return [arn("logs", f"log-group:{name}:*") for name in asked["logGroupNames"]]


def _api(asked: Mapping[str, Any], arn: ArnMaker) -> Iterable[str]:
    """The path that is asked for; the ARNs of API Gateway name no account."""
    rest, other, stage = (
        asked.get("restApiId"),
        asked.get("apiId") or asked.get("ApiId"),
        asked.get("stageName"),
    )
    path = f"/restapis/{rest}" if rest else f"/apis/{other}" if other else "/restapis"
    path += f"/stages/{stage or asked.get('StageName')}" if stage or asked.get("StageName") else ""
    return [_of_all_accounts(arn, path)]


def _of_all_accounts(arn: ArnMaker, path: str) -> str:
    partition, _, _, region, _, _ = arn("apigateway", path).split(":", 5)
    return f"{partition}:aws:apigateway:{region}::{path}"


def _web_acl(asked: Mapping[str, Any], arn: ArnMaker) -> Iterable[str]:
    known = next((asked[key] for key in ("WebAclArn", "ResourceArn", "ARN") if key in asked), None)
    if known:
        return [known]
    scope = "global" if asked.get("Scope") == "CLOUDFRONT" else "regional"
    return [arn("wafv2", f"{scope}/webacl/{asked['Name']}/{asked['Id']}")]


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
    "ecs.DescribeServices": lambda asked, _: asked["services"],
    "ecs.ListServiceDeployments": lambda asked, _: [asked["service"]],
    "ecs.DescribeServiceDeployments": lambda asked, _: asked["serviceDeploymentArns"],
    "ecs.DescribeServiceRevisions": lambda asked, _: asked["serviceRevisionArns"],
    "ecs.DescribeTasks": lambda asked, _: asked["tasks"],
    "ecs.ListTasks": _container_instances,
    "cloudfront.GetDistribution": _distribution,
    "route53.ListResourceRecordSets": lambda asked, _: [
        f"arn:aws:route53:::hostedzone/{str(asked['HostedZoneId']).rsplit('/', 1)[-1]}"
    ],
    "acm.DescribeCertificate": lambda asked, _: [asked["CertificateArn"]],
    "apigateway.*": _api,
    "apigateway.GetAccount": lambda _, arn: [_of_all_accounts(arn, "/account")],
    "apigateway.GetUsagePlans": lambda _, arn: [_of_all_accounts(arn, "/usageplans")],
    "apigatewayv2.*": _api,
    "lambda.*": _function,
    "lambda.GetAccountSettings": _anything,
    "logs.StartQuery": _log_groups,
    "wafv2.*": _web_acl,
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
