"""A message as SNS takes it: a subject, plain text for people, and attributes for machines."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from diagnosis.links import Link
from notification.figures import clock, date_and_clock
from notification.message import Code, Command, Line, Message, Moment, Part, Section
from notification.text import attribute, cut, defanged, one_line, plain, subject

# SNS takes 262,144 bytes with the attributes (SNS API, Publish); a character has at most four bytes.
LONGEST_TEXT = 60_000
LONGEST_PROSE = 1_500
WIDTH = 96


class Published(NamedTuple):
    """What goes to the topic; `attributes` are all strings."""

    subject: str
    text: str
    attributes: Mapping[str, str]


def rendered(message: Message) -> Published:
    """The same as Slack shows, in the same order; times in UTC."""
    blocks = [
        plain(message.headline, LONGEST_PROSE),
        _paragraph(message.glance),
        *(_section(section) for section in message.sections),
        _links(message.links),
        _line(message.footer, dated=True),
    ]
    text = "\n\n".join(block for block in blocks if block)
    attributes = {name: attribute(value) for name, value in message.attributes.items()}
    return Published(subject(message.headline), cut(text, LONGEST_TEXT), attributes)


def _paragraph(lines: Sequence[Line]) -> str:
    return "\n".join(_wrapped(_line(line)) for line in lines)


def _section(section: Section) -> str:
    lines = [_wrapped(_line(line), "  ", "      ") for line in section.lines]
    return "\n".join([plain(section.title, 100).upper(), *lines])


def _links(links: Sequence[Link]) -> str:
    return (
        "\n".join(["LINKS", *(f"  {plain(link.label, 100)}: {link.url}" for link in links)]) if links else ""
    )


def _line(line: Line, *, dated: bool = False) -> str:
    return "".join(_part(part, dated=dated) for part in line).strip()


def _part(part: Part, *, dated: bool) -> str:
    if isinstance(part, Code):
        return cut(defanged(one_line(part.text)), part.limit) or "-"
    if isinstance(part, Moment):
        return date_and_clock(part.at) if dated else clock(part.at)
    if isinstance(part, Command):
        return f"\n{part.text}" if one_line(part.text) == part.text else " (the command cannot be shown here)"
    if isinstance(part, Link):
        return f"\n{part.url}"
    before, after = " " * part.startswith(" "), " " * (part.endswith(" ") and bool(part.strip()))
    return f"{before}{plain(part, LONGEST_PROSE)}{after}"


def _wrapped(text: str, first: str = "", others: str = "") -> str:
    """Prose wrapped for a mail program; a command or an address below it stays in one piece."""
    prose, _, verbatim = text.partition("\n")
    told = textwrap.fill(
        prose,
        WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"{told}\n{others}{verbatim}" if verbatim else told
