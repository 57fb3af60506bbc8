"""Messages from a queue, one by one: one that could not be handled comes again, the others do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from handlers.telemetry import logger
from remediation.codedeploy import UncertainError
from remediation.deployments import DeploymentGoneError
from remediation.queues import UnreadableMessageError

# What passes, or may pass, with time; after three deliveries the dead-letter queue and its alarm take over.
AGAIN = (BotoCoreError, ClientError, DeploymentGoneError, UncertainError, UnreadableMessageError)


def each_delivery(event: Any, work: Callable[[str, str], None]) -> dict[str, Any]:
    """Lambda's partial batch response; `work` takes a body and a name for this very delivery."""
    failed = []
    for record in event.get("Records", ()):
        try:
            work(record["body"], _delivery(record))
        except AGAIN as error:
            logger.warning("the message must come again", message_id=record["messageId"], exc_info=error)
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _delivery(record: Mapping[str, Any]) -> str:
    count = record.get("attributes", {}).get("ApproximateReceiveCount", "1")
    return f"{record['messageId']}#{count}"
