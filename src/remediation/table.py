"""The one DynamoDB table, in Python's types: single items, and writes that are all done or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = Mapping[str, Any]
NEW = "attribute_not_exists(pk)"
_to_dynamodb = TypeSerializer().serialize
_from_dynamodb = TypeDeserializer().deserialize


class ConditionFailedError(Exception):
    """A conditional write lost; `found` holds for each write the item that stood in the way, or None."""

    def __init__(self, found: Sequence[Item | None]) -> None:
        super().__init__("the condition of a write did not hold")
        self.found = found


def typed(item: Item) -> dict[str, Any]:
    """The item as DynamoDB writes it; members that are None are left out."""
    return {name: _to_dynamodb(value) for name, value in item.items() if value is not None}


def plain(item: Item) -> dict[str, Any]:
    """The item in Python's types; numbers are Decimals."""
    return {name: _from_dynamodb(value) for name, value in item.items()}


def seconds(moment: datetime) -> int:
    """Seconds since 1970, as DynamoDB's expiry wants them."""
    return int(moment.timestamp())


def update(key: Item, changes: Item, condition: str, values: Item) -> dict[str, Any]:
    """An Update that sets top-level members; the condition has #member and :member of each in `values`."""
    names = {f"#{name}": name for name in {*changes, *values}}
    new = {f":new_{name}": value for name, value in changes.items()}
    return {
        "Key": typed(key),
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :new_{name}" for name in sorted(changes)),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": typed({**new, **{f":{name}": value for name, value in values.items()}}),
    }


class Table:
    """Reads and writes one table.

    Besides `ConditionFailedError`, botocore's ClientError and BotoCoreError pass through: the caller knows
    what an unreachable table means.
    """

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self._name = name

    def get(self, key: Item) -> dict[str, Any] | None:
        """The item as it is now, after every write that has succeeded."""
        answer = self._client.get_item(TableName=self._name, Key=typed(key), ConsistentRead=True)
        return plain(answer["Item"]) if "Item" in answer else None

    def query(self, partition: str, since: str, *, limit: int) -> Iterator[dict[str, Any]]:
        """The items of a partition whose sort key is not below `since`, the highest first."""
        answer = self._client.query(
            TableName=self._name,
            KeyConditionExpression="pk = :pk AND sk >= :since",
            ExpressionAttributeValues=typed({":pk": partition, ":since": since}),
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=limit,
        )
        return (plain(item) for item in answer.get("Items", ()))

    def change(self, update: Mapping[str, Any]) -> dict[str, Any]:
        """One conditional update; answers the item as it is after it."""
        try:
            answer = self._client.update_item(
                TableName=self._name,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **update,
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise ConditionFailedError([_item(error.response)]) from error
        return plain(answer.get("Attributes", {}))

    def write(self, *writes: Mapping[str, Mapping[str, Any]]) -> None:
        """All of the writes ({"Put": …}, {"Update": …}, {"Delete": …}) or none of them."""
        named = [
            {kind: {"TableName": self._name, "ReturnValuesOnConditionCheckFailure": "ALL_OLD", **request}}
            for write in writes
            for kind, request in write.items()
        ]
        try:
            self._client.transact_write_items(TransactItems=named)  # type: ignore[arg-type]
        except self._client.exceptions.TransactionCanceledException as error:
            reasons = error.response.get("CancellationReasons", [])
            if not any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
                raise
            raise ConditionFailedError([_item(reason) for reason in reasons]) from error


def _item(answer: Mapping[str, Any]) -> dict[str, Any] | None:
    return plain(answer["Item"]) if answer.get("Item") else None


def is_conflict(error: ClientError) -> bool:
    """Whether the write met another one under way; it may be tried again."""
    reasons = error.response.get("CancellationReasons", [])
    return any(reason.get("Code") == "TransactionConflict" for reason in reasons)
