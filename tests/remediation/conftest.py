"""A real table on an embedded DynamoDB, and one planned rollback."""

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import boto3
import pytest
from moto import mock_aws

from remediation.records import ActionStatus, RollbackAction
from remediation.table import Table

NOW = datetime(2026, 11, 20, 14, 48, 10, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="module")
def embedded() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "testing")
        yield one_at_a_time(boto3.client("dynamodb", region_name="eu-west-1"))


@pytest.fixture
def dynamodb(embedded: Any) -> Iterator[Any]:
    embedded.create_table(
        TableName="triage",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    yield embedded
    embedded.delete_table(TableName="triage")


def one_at_a_time(client: Any) -> Any:
    """The client with its calls in line: DynamoDB's writes are atomic, those of the embedded one are not."""
    call, line = client._make_api_call, Lock()

    def in_line(operation: str, parameters: dict[str, Any]) -> Any:
        with line:
            return call(operation, parameters)

    client._make_api_call = in_line
    return client


@pytest.fixture
def table(dynamodb: Any) -> Table:
    return Table(dynamodb, "triage")


@pytest.fixture
def plan() -> RollbackAction:
    return RollbackAction(
        incident_id="order-api-20261120T1447-1a2b3c",
        status=ActionStatus.PLANNED,
        kind="redeploy",
        application="order-api",
        deployment_group="production",
        deployment_id="d-NEW240XYZ",
        revision_id="s3://releases/order-api-v2.4.0.zip",
        revision_label="order-api-v2.4.0.zip",
        to_deployment_id="d-OLD231XYZ",
        to_revision_label="order-api-v2.3.1.zip",
        account="111122223333",
        region="eu-west-1",
        load_balancer="app/order-api/50dc6c495c0c9188",
        error_family="5xx",
        baseline_error_rate="0.001",
        error_rate="0.0836",
        opt_in_needed=True,
        planned_at=int(NOW.timestamp()) - 60,
        valid_until=int(NOW.timestamp()) + 3600,
    )
