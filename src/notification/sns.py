"""The mouth for SNS: the topic that e-mail and other programs subscribe to."""

from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from notification.message import Message, Sent
from notification.sns_message import rendered

PERMISSIONS = ("sns:Publish",)
CHANNEL = "sns"
PLAIN_SUBJECT = "Gateway Triage"


class SnsClient(Protocol):
    """The one call that is made."""

    def publish(self, **kwargs: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class SnsMouth:
    """Publishes to one topic; the client must be of the topic's own region (SNS API)."""

    client: SnsClient
    topic_arn: str

    @property
    def channel(self) -> str:
        return CHANNEL

    def send(self, message: Message, thread: str | None = None) -> Sent:  # noqa: ARG002 # e-mail has no threads
        """The message with its attributes; if SNS finds a parameter invalid, the bare text."""
        published = rendered(message)
        attributes = {
            name: {"DataType": "String", "StringValue": value} for name, value in published.attributes.items()
        }
        sent = self._publish(Subject=published.subject, Message=published.text, MessageAttributes=attributes)
        if sent.detail == "InvalidParameter":
            return self._publish(Subject=PLAIN_SUBJECT, Message=published.text)
        return sent

    def _publish(self, **parameters: Any) -> Sent:
        try:
            self.client.publish(TopicArn=self.topic_arn, **parameters)
        except ClientError as error:
            return Sent(CHANNEL, ok=False, detail=error.response.get("Error", {}).get("Code", "ClientError"))
        except BotoCoreError as error:
            return Sent(CHANNEL, ok=False, detail=type(error).__name__)
        return Sent(CHANNEL, ok=True)
