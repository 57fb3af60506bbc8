"""A fake AWS for the collectors: canned answers held to botocore's shapes, every call recorded.

One load balancer with two target groups, a release of one of them, and a change of a security group.
"""

import copy
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.paginate import Paginator
from botocore.validate import validate_parameters

from collectors.reading import Scope, complete_minutes
from diagnosis.incident import EntryPoint

Answer = Mapping[str, Any] | Exception | Callable[[Mapping[str, Any]], Mapping[str, Any]]

NOW = datetime(2026, 11, 20, 14, 47, 10, tzinfo=UTC)
BALANCER = "app/order-api/50dc6c495c0c9188"
ORDERS = "targetgroup/orders/73e2d6bc24d8a067"
SEARCH = "targetgroup/search/0123456789abcdef"
ZONES = ("eu-west-1a", "eu-west-1b")
ENTRY_POINT = EntryPoint("alb", BALANCER, "order-api", None, "111122223333", "eu-west-1")
ELB_ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:"
LISTENER = f"{ELB_ARN}listener/{BALANCER}/f2f7dc8efc522ab2"

_SESSION = botocore.session.Session()
_MODELS = {
    name: _SESSION.get_service_model(name)
    for name in (
        "elb",
        "elbv2",
        "cloudwatch",
        "codedeploy",
        "cloudtrail",
        "ec2",
        "ecs",
        "health",
        "acm",
        "wafv2",
    )
}
_PAGES = {name: _SESSION.get_paginator_model(name) for name in _MODELS if name != "wafv2"}


def scope(aws: "FakeAws", entry_point: EntryPoint = ENTRY_POINT) -> Scope:
    """What the collectors are asked about, ten seconds after the alarm's minute began."""
    return Scope(aws.client, entry_point, NOW, complete_minutes(NOW), NOW)


def before(**time: float) -> datetime:
    """So long before now."""
    return NOW - timedelta(**time)


def error(operation: str, code: str, status: int = 400) -> ClientError:
    """What botocore raises when AWS answers with an error."""
    answer: Any = {
        "Error": {"Code": code, "Message": "arn:aws:iam::111122223333:role/x is not authorized"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, operation)


class FakeAws:
    """Answers by operation, such as "DescribeRules"; each may be changed, or be an error to raise."""

    def __init__(self, **changed: Answer) -> None:
        self.answers: dict[str, Answer] = {**ANSWERS, **ANSWERS_ON_DEMAND, **changed}
        self.calls: list[tuple[str, str, Mapping[str, Any]]] = []
        self.on_call: Callable[[], None] = lambda: None

    def client(self, service: str) -> "FakeClient":
        return FakeClient(self, service)

    def answer(self, service: str, operation: str, parameters: Mapping[str, Any]) -> Any:
        self.calls.append((service, operation, parameters))
        self.on_call()
        answer = self.answers[operation]
        if isinstance(answer, Exception):
            raise answer
        return copy.deepcopy(answer(parameters) if callable(answer) else answer)

    def asked(self, operation: str) -> list[Mapping[str, Any]]:
        """The parameters of every call of one operation."""
        return [parameters for _, each, parameters in self.calls if each == operation]


class FakeClient:
    """As much of a boto3 client as is used: its operations by their Python names, and paginators."""

    def __init__(self, aws: FakeAws, service: str) -> None:
        self._aws, self._service = aws, service
        self._operations = {xform_name(name): name for name in _MODELS[service].operation_names}

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._call, self._operations[method])

    def get_paginator(self, method: str) -> "Paginator[Any]":
        name = self._operations[method]
        model = _MODELS[self._service].operation_model(name)
        return Paginator(getattr(self, method), _PAGES[self._service].get_paginator(name), model)

    def _call(self, operation: str, **parameters: Any) -> Any:
        model = _MODELS[self._service].operation_model(operation)
        assert model.input_shape
        assert model.output_shape
        validate_parameters(parameters, model.input_shape)
        answer = self._aws.answer(self._service, operation, parameters)
        validate_parameters(answer, model.output_shape)
        return answer


def _attributes(values: Mapping[str, str]) -> dict[str, Any]:
    return {"Attributes": [{"Key": key, "Value": value} for key, value in values.items()]}


def target_group(id: str, **changed: Any) -> dict[str, Any]:
    """One of DescribeTargetGroups."""
    return {
        "TargetGroupArn": ELB_ARN + id,
        "TargetGroupName": id.split("/")[1],
        "Protocol": "HTTP",
        "ProtocolVersion": "HTTP1",
        "Port": 8080,
        "TargetType": "instance",
        "HealthCheckEnabled": True,
        "HealthCheckPath": "/health",
        "HealthCheckPort": "traffic-port",
        "HealthCheckProtocol": "HTTP",
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2,
        "Matcher": {"HttpCode": "200"},
        **changed,
    }


def _health(parameters: Mapping[str, Any]) -> dict[str, Any]:
    number = 1 if "orders" in parameters["TargetGroupArn"] else 3
    return {
        "TargetHealthDescriptions": [
            {
                "Target": {"Id": f"i-0000000000000000{number}", "Port": 8080},
                "TargetHealth": {"State": "healthy"},
            },
            {
                "Target": {"Id": f"i-0000000000000000{number + 1}", "Port": 8080},
                "TargetHealth": {
                    "State": "unhealthy",
                    "Reason": "Target.Timeout",
                    "Description": "Request timed out",
                },
            },
        ]
    }


def _metrics(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Two data points for every series asked for: its first minute and its last."""
    times = [parameters["StartTime"], parameters["EndTime"] - timedelta(minutes=1)]
    return {
        "MetricDataResults": [
            {"Id": query["Id"], "StatusCode": "Complete", "Timestamps": times, "Values": [7.0, 9.0]}
            for query in parameters["MetricDataQueries"]
        ]
    }


def deployment(id: str, created: datetime, **changed: Any) -> dict[str, Any]:
    """One of BatchGetDeployments: a finished release to the orders group."""
    return {
        "deploymentId": id,
        "applicationName": "order-api",
        "deploymentGroupName": "production",
        "deploymentConfigName": "CodeDeployDefault.OneAtATime",
        "status": "Succeeded",
        "creator": "user",
        "computePlatform": "Server",
        "createTime": created,
        "startTime": created + timedelta(seconds=5),
        "completeTime": created + timedelta(minutes=7),
        "revision": {
            "revisionType": "S3",
            "s3Location": {"bucket": "releases", "key": f"order-api/{id}.zip", "bundleType": "zip"},
        },
        "deploymentStyle": {"deploymentType": "IN_PLACE", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        "deploymentOverview": {
            "Pending": 0,
            "InProgress": 0,
            "Succeeded": 2,
            "Failed": 0,
            "Skipped": 0,
            "Ready": 0,
        },
        "loadBalancerInfo": {"targetGroupInfoList": [{"name": "orders"}]},
        **changed,
    }


DEPLOYMENTS: dict[str, dict[str, Any]] = {
    "d-NEW": deployment("d-NEW", before(minutes=10)),
    "d-OLD": deployment("d-OLD", before(days=2)),
}


def codedeploy(*deployments: Mapping[str, Any]) -> dict[str, Answer]:
    """Lists and batches over these deployments, as CodeDeploy would select them, newest first."""
    by_id = {each["deploymentId"]: each for each in deployments}

    def listed(parameters: Mapping[str, Any]) -> dict[str, Any]:
        created, statuses = parameters.get("createTimeRange"), parameters.get("includeOnlyStatuses")
        group = parameters.get("applicationName"), parameters.get("deploymentGroupName")
        found = [
            each
            for each in by_id.values()
            if (not created or created["start"] <= each["createTime"] <= created["end"])
            and (not statuses or each["status"] in statuses)
            and group in [(None, None), (each["applicationName"], each["deploymentGroupName"])]
        ]
        found.sort(key=lambda each: each["createTime"], reverse=True)
        return {"deployments": [each["deploymentId"] for each in found]}

    def batch(parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {"deploymentsInfo": [by_id[id] for id in parameters["deploymentIds"] if id in by_id]}

    return {"ListDeployments": listed, "BatchGetDeployments": batch}


def _groups(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "deploymentGroupsInfo": [
            {
                "applicationName": parameters["applicationName"],
                "deploymentGroupName": name,
                "deploymentConfigName": "CodeDeployDefault.OneAtATime",
                "deploymentStyle": {"deploymentType": "IN_PLACE", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
                "loadBalancerInfo": {"targetGroupInfoList": [{"name": "orders"}]},
                "autoScalingGroups": [{"name": "orders-fleet"}],
                "alarmConfiguration": {"enabled": True, "alarms": [{"name": "order-api-elb-5xx"}]},
                "autoRollbackConfiguration": {"enabled": True, "events": ["DEPLOYMENT_FAILURE"]},
            }
            for name in parameters["deploymentGroupNames"]
        ]
    }


def _tags(parameters: Mapping[str, Any]) -> dict[str, Any]:
    own = ":deploymentgroup:" in parameters["ResourceArn"]
    return {"Tags": [{"Key": "gateway-triage:auto-rollback", "Value": "enabled"}] if own else []}


def _deployment_targets(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "deploymentTargets": [
            {
                "deploymentTargetType": "InstanceTarget",
                "instanceTarget": {
                    "deploymentId": parameters["deploymentId"],
                    "targetId": id,
                    "status": "Succeeded",
                    "lifecycleEvents": [
                        {
                            "lifecycleEventName": "AllowTraffic",
                            "status": "Succeeded",
                            "endTime": before(minutes=6),
                        }
                    ],
                },
            }
            for id in parameters["targetIds"]
        ]
    }


def recorded(id: str, name: str, source: str = "ec2", **changed: Any) -> dict[str, Any]:
    """One event of LookupEvents, by a role, four minutes before now."""
    record = {
        "userIdentity": {
            "type": "AssumedRole",
            "arn": "arn:aws:sts::111122223333:assumed-role/terraform/pipeline-17",
        },
        "requestParameters": {"groupId": "sg-0f1e2d3c4b5a69788"},
        "readOnly": False,
        **changed.pop("record", {}),
    }
    return {
        "EventId": id,
        "EventName": name,
        "ReadOnly": "false",
        "EventTime": before(minutes=6),
        "EventSource": f"{source}.amazonaws.com",
        "Username": "pipeline-17",
        "Resources": [],
        "CloudTrailEvent": json.dumps(record),
        **changed,
    }


def _events(parameters: Mapping[str, Any]) -> dict[str, Any]:
    by_source = parameters["LookupAttributes"][0]["AttributeKey"] == "EventSource"
    return {"Events": [] if by_source else [recorded("e-1", "RevokeSecurityGroupIngress")]}


def _instances(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Reservations": [
            {
                "Instances": [
                    {
                        "InstanceId": id,
                        "State": {"Name": "running"},
                        "LaunchTime": before(days=3),
                        "Placement": {"AvailabilityZone": ZONES[0]},
                        "SecurityGroups": [{"GroupId": "sg-0f1e2d3c4b5a69788", "GroupName": "orders"}],
                        "SubnetId": "subnet-0a1b2c3d",
                    }
                    for id in parameters["Filters"][0]["Values"]
                ]
            }
        ]
    }


ANSWERS: dict[str, Answer] = {
    "DescribeLoadBalancers": {
        "LoadBalancers": [
            {
                "LoadBalancerArn": f"{ELB_ARN}loadbalancer/{BALANCER}",
                "LoadBalancerName": "order-api",
                "CreatedTime": before(days=400),
                "State": {"Code": "active"},
                "Type": "application",
                "AvailabilityZones": [{"ZoneName": zone, "SubnetId": "subnet-1"} for zone in ZONES],
                "SecurityGroups": ["sg-0a1b2c3d4e5f60718"],
            }
        ]
    },
    "DescribeLoadBalancerAttributes": _attributes({"idle_timeout.timeout_seconds": "60"}),
    "DescribeTargetGroups": {"TargetGroups": [target_group(SEARCH), target_group(ORDERS)]},
    "DescribeTargetGroupAttributes": _attributes({"deregistration_delay.timeout_seconds": "300"}),
    "DescribeTargetHealth": _health,
    "DescribeListeners": {
        "Listeners": [
            {
                "ListenerArn": LISTENER,
                "Port": 443,
                "Protocol": "HTTPS",
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": ELB_ARN + ORDERS}],
            }
        ]
    },
    "DescribeRules": {
        "Rules": [
            {
                "Priority": "default",
                "Actions": [{"Type": "forward", "TargetGroupArn": ELB_ARN + ORDERS}],
                "IsDefault": True,
            },
            {
                "Priority": "10",
                "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/search/*"]}}],
                "Actions": [{"Type": "forward", "TargetGroupArn": ELB_ARN + SEARCH}],
            },
        ]
    },
    "GetMetricData": _metrics,
    **codedeploy(*DEPLOYMENTS.values()),
    "BatchGetDeploymentGroups": _groups,
    "ListTagsForResource": _tags,
    "ListDeploymentTargets": {"targetIds": ["i-00000000000000001", "i-00000000000000002"]},
    "BatchGetDeploymentTargets": _deployment_targets,
    "LookupEvents": _events,
    "DescribeInstances": _instances,
    "DescribeNetworkInterfaces": {"NetworkInterfaces": []},
    "DescribeAlarms": {"MetricAlarms": [], "CompositeAlarms": []},
    "DescribeEvents": {"events": []},
    "GetWebACLForResource": {},
}
# Asked only where something points to them.
ANSWERS_ON_DEMAND: dict[str, Answer] = {"DescribeListenerCertificates": {"Certificates": []}}
