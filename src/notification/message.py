"""One message for people, before it is written for Slack or as plain text: both say the same in one order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from diagnosis.document import NotifiedSection
from diagnosis.links import Link


@dataclass(frozen=True, slots=True)
class Code:
    """Somebody else's word: a name, an id, a revision. It is shown as it is, cut, and never read as prose."""

    text: str
    limit: int = 200


@dataclass(frozen=True, slots=True)
class Moment:
    """A time: in Slack in the reader's own zone, else in UTC."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the AWS CLI, made by `diagnosis.commands`; it is shown whole or not at all."""

    text: str


Part = str | Code | Moment | Command | Link
Line = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines, the most important first; what does not fit is counted."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Button:
    """A button that the Slack function answers; `value` is JSON, `confirm` asks before a destructive act."""

    action: str
    label: str
    value: str
    style: str | None = None
    confirm: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """`headline` and `glance` say it all in one look; the rest is for who wants to know why."""

    headline: str
    glance: tuple[Line, ...]
    sections: tuple[Section, ...] = ()
    links: tuple[Link, ...] = ()
    buttons: tuple[Button, ...] = ()
    footer: Line = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """Whether a channel took the message; `detail` holds no secret. `thread` is what a reply refers to."""

    channel: str
    ok: bool
    detail: str = ""
    thread: str | None = None

    def section(self) -> NotifiedSection:
        """This as it stands in the document."""
        return {"channel": self.channel, "ok": self.ok, "detail": self.detail}


class Mouth(Protocol):
    """A channel to people; a delivery that fails is an answer, not an exception."""

    @property
    def channel(self) -> str: ...

    def send(self, message: Message, thread: str | None = None) -> Sent: ...
