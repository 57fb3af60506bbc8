"""Every mouth at the same time: one that fails stops no other, and no fault in a text stops the alert."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from diagnosis.document import Document
from notification.message import Message, Mouth, Sent
from notification.update_messages import failed


def send(message: Message, mouths: Sequence[Mouth], thread: str | None = None) -> tuple[Sent, ...]:
    """What each mouth answered, in their order; `thread` is what Slack replies to where a bot posts."""
    if not mouths:
        return ()
    with ThreadPoolExecutor(max_workers=len(mouths), thread_name_prefix="mouth") as pool:
        return tuple(pool.map(lambda mouth: _send(mouth, message, thread), mouths))


def composed(write: Callable[[], Message], document: Document) -> Message:
    """The message that `write` makes; if it cannot, that of a failed diagnosis, with the whole document."""
    try:
        return write()
    except Exception as error:  # noqa: BLE001 # the edge where an alert must survive a fault in its text
        reason = f"The message could not be written ({type(error).__name__})."
        return failed({**document, "reason": reason}, dict(document))


def _send(mouth: Mouth, message: Message, thread: str | None) -> Sent:
    try:
        return mouth.send(message, thread)
    except Exception as error:  # noqa: BLE001 # the edge where one mouth's fault must not silence the others
        return Sent(mouth.channel, ok=False, detail=f"unexpected: {type(error).__name__}")
