"""Messages from a queue, one by one: one that could not be handled comes again, the others do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from handlers.telemetry import logger
from remediation.deployments import DeploymentGoneError
from remediation.queues import UnreadableMessageError
from remediation.refusals import UncertainError

# The queues' maxReceiveCount (template.yaml): then the dead-letter queue and its alarm take over.
MOST_DELIVERIES = 3
# What passes, or may pass, with time.
MAY_PASS = (BotoCoreError, ClientError, DeploymentGoneError, UncertainError)
AGAIN = (*MAY_PASS, UnreadableMessageError)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it is delivered now, for the `count`th time."""

    body: str
    message_id: str
    count: int

    @property
    def name(self) -> str:
        """Of this very delivery."""
        return f"{self.message_id}#{self.count}"

    @property
    def is_last(self) -> bool:
        """Whether the queue gives it up if it fails once more."""
        return self.count >= MOST_DELIVERIES


def each_delivery(event: Any, work: Callable[[Delivery], None]) -> dict[str, Any]:
    """Lambda's partial batch response."""
    failed = []
    for record in event.get("Records", ()):
        try:
            work(_delivery(record))
        except AGAIN as error:
            logger.warning("the message must come again", message_id=record["messageId"], exc_info=error)
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _delivery(record: Mapping[str, Any]) -> Delivery:
    count = str(record.get("attributes", {}).get("ApproximateReceiveCount", "1"))
    return Delivery(record["body"], record["messageId"], int(count) if count.isdecimal() else 1)
