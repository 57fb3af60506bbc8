"""The mouth for Slack: a message by incoming webhook or by a bot's chat.postMessage."""

from collections.abc import Callable
from dataclasses import dataclass

from notification.message import Message, Sent
from notification.slack_secret import CHANNEL, PERMISSIONS, SlackSecret, Unusable

__all__ = ["PERMISSIONS", "SlackMouth"]


@dataclass(frozen=True, slots=True)
class SlackMouth:
    """Reads the secret only when there is something to say; `time_left` is in seconds.

    slack_sdk costs a tenth of a second to import at a cold start: it is imported while SNS is on its way.
    """

    read_secret: Callable[[], SlackSecret | Unusable]
    time_left: Callable[[], float]

    @property
    def channel(self) -> str:
        return CHANNEL

    def send(self, message: Message, thread: str | None = None) -> Sent:
        """Blocks if Slack takes them, else plain text; `thread` is the `ts` of the message replied to."""
        secret = self.read_secret()
        if isinstance(secret, Unusable):
            return secret.sent()
        from slack_sdk.errors import SlackObjectFormationError

        from notification.slack_client import post
        from notification.slack_message import Rendered, rendered, text_only

        try:
            blocks = rendered(message, interactive=secret.interactive)
        except SlackObjectFormationError:
            blocks = Rendered(text_only(message), [])
        return post(secret, blocks, thread, self.time_left)
