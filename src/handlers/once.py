"""The same event twice is one diagnosis: the first answer is kept for a day and given again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

from diagnosis import report
from diagnosis.document import Document
from handlers.telemetry import logger
from handlers.wiring import Wiring

PERMISSIONS = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
KEPT_SECONDS = 86_400


class UnderWayError(Exception):
    """The same event is being handled at this very moment."""


def once(identity: str, work: Callable[[], Document], wiring: Wiring, context: object) -> Document:
    """What `work` answers, or, for an event that was handled before, what it answered then, as a duplicate.

    Where the table cannot be reached the work is done all the same: an alert twice is better than none.
    Raises `UnderWayError`, and whatever `work` raises; then the event may come again.
    """
    done: list[Document] = []

    def remembered(*, identity: str) -> Document:  # noqa: ARG001
        done.append(work())
        return done[0]

    guarded = idempotent_function(
        remembered,
        data_keyword_argument="identity",
        persistence_store=_store(wiring),
        config=_config(context),
    )
    try:
        return cast(Document, guarded(identity=identity))
    except (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError) as error:
        raise UnderWayError from error
    except IdempotencyPersistenceLayerError as error:
        logger.warning("the table for duplicates cannot be reached", exc_info=error)
        return done[0] if done else work()


def _store(wiring: Wiring) -> DynamoDBPersistenceLayer:
    return DynamoDBPersistenceLayer(
        wiring.table_name,
        key_attr="pk",
        static_pk_value="idempotency",
        sort_key_attr="sk",
        expiry_attr="expires_at",
        boto3_client=wiring.client("dynamodb"),
    )


def _config(context: Any) -> IdempotencyConfig:
    """When the function is cut short, its claim on the event ends with its time."""
    config = IdempotencyConfig(expires_after_seconds=KEPT_SECONDS, response_hook=_as_duplicate)
    if hasattr(context, "get_remaining_time_in_millis"):
        config.register_lambda_context(context)
    return config


def _as_duplicate(response: Any, idempotent_data: DataRecord) -> Any:  # noqa: ARG001
    return report.duplicate(response)
