"""The mailbox that is subscribed to the stack's topics."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

QUEUE = "lab-sns-mailbox"


@dataclass(frozen=True, slots=True)
class SnsMessage:
    """A message published to the topic, as a subscriber gets it."""

    subject: str
    message: str
    attributes: Mapping[str, str]
    at: datetime


class Mailbox:
    """An SQS subscriber of topics, emptied on demand."""

    def __init__(
        self, topics: Sequence[str], client: Callable[[str], Any], account: str, region: str
    ) -> None:
        self.messages: list[SnsMessage] = []
        self._client = client
        self._url = client("sqs").create_queue(QueueName=QUEUE)["QueueUrl"] if topics else None
        for topic in topics:
            arn = f"arn:aws:sqs:{region}:{account}:{QUEUE}"
            client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def read(self) -> None:
        """Take what subscribers of the topics got."""
        while self._url and (messages := self._received()):
            for message in messages:
                self.messages.append(_sns_message(json.loads(message["Body"])))
                self._client("sqs").delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])

    def _received(self) -> list[dict[str, Any]]:
        answer = self._client("sqs").receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=0
        )
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found


def _sns_message(body: Mapping[str, Any]) -> SnsMessage:
    attributes = {name: str(value["Value"]) for name, value in body.get("MessageAttributes", {}).items()}
    at = datetime.fromisoformat(str(body["Timestamp"]))
    return SnsMessage(str(body.get("Subject", "")), str(body["Message"]), attributes, at)
