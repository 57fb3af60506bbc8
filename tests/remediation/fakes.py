"""CodeDeploy, CloudWatch and the parameter store in memory, as far as a rollback touches them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

NOW = datetime(2026, 11, 20, 14, 48, 10, tzinfo=UTC)


def revision(key: str, **more: str) -> dict[str, Any]:
    return {
        "revisionType": "S3",
        "s3Location": {"bucket": "releases", "key": key, "bundleType": "zip", **more},
    }


def info(name: str, minutes: float, key: str, **more: Any) -> dict[str, Any]:
    return {
        "deploymentId": name,
        "applicationName": "order-api",
        "deploymentGroupName": "production",
        "status": "Succeeded",
        "creator": "user",
        "computePlatform": "Server",
        "createTime": NOW + timedelta(minutes=minutes),
        "revision": revision(key),
        "deploymentStyle": {"deploymentType": "IN_PLACE"},
        **more,
    }


def refusal(operation: str, code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


@dataclass
class FakeCodeDeploy:
    """One deployment group in memory; `errors` are raised by operation, after the act where `acts_anyway`."""

    deployments: dict[str, dict[str, Any]]
    tags: dict[str, str] = field(default_factory=lambda: {"gateway-triage:auto-rollback": "enabled"})
    application_tags: dict[str, str] = field(default_factory=dict)
    group: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)
    acts_anyway: bool = False
    orders: list[dict[str, Any]] = field(default_factory=list)
    stops: list[dict[str, Any]] = field(default_factory=list)
    on_stop: Callable[[], None] = lambda: None
    account: str = "111122223333"

    def _fail(self, operation: str) -> None:
        if operation in self.errors:
            raise self.errors[operation]

    def batch_get_deployments(self, *, deploymentIds: list[str]) -> dict[str, Any]:  # noqa: N803 - AWS's name
        self._fail("BatchGetDeployments")
        assert len(deploymentIds) <= 25
        return {
            "deploymentsInfo": [self.deployments[each] for each in deploymentIds if each in self.deployments]
        }

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_deployments"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        self._fail("ListDeployments")
        since = request["createTimeRange"]["start"]
        listed = [name for name, each in self.deployments.items() if each["createTime"] >= since]
        return iter([{"deployments": listed[:1]}, {"deployments": listed[1:]}])

    def get_deployment_group(self, **_request: Any) -> dict[str, Any]:
        self._fail("GetDeploymentGroup")
        return {"deploymentGroupInfo": self.group}

    def list_tags_for_resource(self, *, ResourceArn: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        self._fail("ListTagsForResource")
        prefix = f"arn:aws:codedeploy:eu-west-1:{self.account}:"
        tags = {
            f"{prefix}deploymentgroup:order-api/production": self.tags,
            f"{prefix}application:order-api": self.application_tags,
        }[ResourceArn]
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def stop_deployment(self, **request: Any) -> dict[str, Any]:
        self.on_stop()
        if "StopDeployment" not in self.errors or self.acts_anyway:
            self.stops.append(request)
            self.deployments[request["deploymentId"]]["status"] = "Stopped"
        self._fail("StopDeployment")
        return {"status": "Pending"}

    def create_deployment(self, **request: Any) -> dict[str, Any]:
        if "CreateDeployment" not in self.errors or self.acts_anyway:
            self.orders.append(request)
            made = info("d-MADE", 1, "?", description=request["description"], status="Created")
            self.deployments["d-MADE"] = made
        self._fail("CreateDeployment")
        return {"deploymentId": "d-MADE"}


class FakeCloudWatch:
    """Errors a minute, newest last; None where the minute was not published yet."""

    def __init__(self, errors: list[float | None]) -> None:
        self.errors = errors
        self.error: Exception | None = None

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        if self.error:
            raise self.error
        end: datetime = request["EndTime"]
        published = [
            (end - timedelta(minutes=len(self.errors) - number), value)
            for number, value in enumerate(self.errors)
            if value is not None
        ]
        failed = [(at, value) for at, value in published if value]  # CloudWatch publishes no zeros of errors
        return {
            "MetricDataResults": [
                {
                    "Id": "requestcount",
                    "Timestamps": [at for at, _ in published],
                    "Values": [4421.0] * len(published),
                },
                {
                    "Id": "httpcode_elb_502_count",
                    "Timestamps": [at for at, _ in failed],
                    "Values": [value for _, value in failed],
                },
            ]
        }


class FakeParameters:
    def __init__(self, value: str | None) -> None:
        self.value = value

    def get_parameter(self, *, Name: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        if self.value is None:
            raise refusal("GetParameter", "ParameterNotFound")
        return {"Parameter": {"Name": Name, "Value": self.value}}
