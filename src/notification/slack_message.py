"""A message as Slack's Block Kit, within Slack's limits whatever it says.

The limits kept here lie below Slack's own (Block Kit reference: 50 blocks, header 150, section 3,000
characters; about 13,200 characters of all blocks together, bolt-js issue 2509). Importing this module imports
slack_sdk, so it is imported only where Slack is configured.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from diagnosis.links import Link
from notification.figures import clock
from notification.message import Button, Code, Command, Line, Message, Moment, Part, Section
from notification.text import code, cut, escaped, one_line, prose

LONGEST_HEADER = 150
LONGEST_SECTION = 2_900
LONGEST_SUM = 12_000
MOST_BLOCKS = 45
LONGEST_PROSE = 700
LONGEST_COMMAND = 1_400
LONGEST_URL = 1_900
LONGEST_FALLBACK = 3_000
# Kept free for links, footer and the words that say what was left out.
RESERVED = 4_000

_LABELS = 75  # a button's text and a dialog's title (100) and buttons (30)
_QUESTION = 300


class Rendered(NamedTuple):
    """`text` is for notifications and for clients that show no blocks."""

    text: str
    blocks: list[dict[str, Any]]


def rendered(message: Message, *, interactive: bool = True) -> Rendered:
    """The message with its blocks; without buttons where nothing answers them.

    Raises SlackObjectFormationError where slack_sdk finds a block malformed.
    """
    head: list[Block] = [_header(message.headline), *_section(message.glance, LONGEST_SECTION)]
    if interactive and message.buttons:
        head.append(ActionsBlock(elements=[_button(button) for button in message.buttons]))
    tail = [*_links(message.links), *_footer(message.footer)]
    body = _fitting(message.sections, LONGEST_SUM - RESERVED - sum(map(_size, head)))
    return Rendered(text_only(message), [block.to_dict() for block in [*head, *body, *tail]])


def text_only(message: Message) -> str:
    """Headline and glance, for notifications, which show none of Slack's dates, and if blocks are refused."""
    glance = [
        tuple(clock(part.at) if isinstance(part, Moment) else part for part in line)
        for line in message.glance
    ]
    lines = [prose(message.headline, LONGEST_HEADER), *map(_line, glance)]
    kept: list[str] = []
    for line in lines:
        if sum(map(len, kept)) + len(kept) + len(line) > LONGEST_FALLBACK:
            break
        kept.append(line)
    return "\n".join(kept)


def _header(headline: str) -> HeaderBlock:
    return HeaderBlock(text=PlainTextObject(text=cut(one_line(headline), LONGEST_HEADER) or "-", emoji=False))


def _fitting(sections: Sequence[Section], room: int) -> list[Block]:
    """As many sections as there is room for, and a word about the others."""
    blocks: list[Block] = []
    for section in sections:
        made = _section(section.lines, min(LONGEST_SECTION, room), section.title)
        size = sum(map(_size, made))
        if not made or size > room or len(blocks) + len(made) > MOST_BLOCKS - 10:
            return [*blocks, _context("There is more than fits here; the SNS message has it all.")]
        blocks += made
        room -= size
    return blocks


def _section(lines: Sequence[Line], room: int, title: str = "") -> list[Block]:
    """One section of as many lines as fit, and how many did not; none if not one fits."""
    kept = [f"*{prose(title, 100)}*"] if title else []
    used = sum(map(len, kept))
    for number, line in enumerate(lines):
        text = _line(line, bullet=bool(title))
        if used + len(text) + 1 > room - 40:
            kept.append(f"… and {len(lines) - number} more.")
            break
        kept.append(text)
        used += len(text) + 1
    told = len(kept) > bool(title)
    return [SectionBlock(text=_markdown("\n".join(kept)))] if told and room > 100 else []


def _line(line: Line, *, bullet: bool = False) -> str:
    text = "".join(_part(part) for part in line).strip()
    numbered = text[:1].isdigit()
    return f"• {text}" if bullet and not numbered else text


def _part(part: Part) -> str:
    if isinstance(part, Code):
        return code(part.text, part.limit)
    if isinstance(part, Moment):
        return _date(part.at)
    if isinstance(part, Command):
        return _command(part.text)
    if isinstance(part, Link):
        return _link(part)
    return _prose(part)


def _prose(text: str) -> str:
    """Prose within a line keeps the spaces that join it to its neighbours."""
    before, after = " " * text.startswith(" "), " " * (text.endswith(" ") and bool(text.strip()))
    return f"{before}{prose(text, LONGEST_PROSE)}{after}"


def _date(at: datetime) -> str:
    """A date in the reader's zone (Slack reference, "Formatting message text"), with words for others."""
    return f"<!date^{int(at.timestamp())}^{{time}}|{clock(at)}>"


def _command(text: str) -> str:
    """A command whole or not at all: half of one may do something else."""
    shown = escaped(text, LONGEST_COMMAND + 1)
    if len(shown) > LONGEST_COMMAND or "`" in text or one_line(text) != text:
        return "(the command cannot be shown here)"
    return f"\n```{shown}```"


def _link(link: Link) -> str:
    url = escaped(link.url, LONGEST_URL + 1).replace("|", "%7C")
    label = prose(link.label, 100).replace("|", "/")
    return f"<{url}|{label}>" if len(url) <= LONGEST_URL else label


def _links(links: Sequence[Link]) -> list[Block]:
    """The links side by side, as many as fit into a section."""
    kept: list[str] = []
    for link in links:
        text = _link(link)
        if sum(map(len, kept)) + 3 * len(kept) + len(text) <= LONGEST_SECTION:
            kept.append(text)
    return [SectionBlock(text=_markdown(" · ".join(kept)))] if kept else []


def _footer(footer: Line) -> list[Block]:
    text = _line(footer)
    return [_context(text)] if text and len(text) <= LONGEST_SECTION else []


def _button(button: Button) -> ButtonElement:
    return ButtonElement(
        text=PlainTextObject(text=cut(button.label, _LABELS), emoji=False),
        action_id=button.action,
        value=button.value,
        style=button.style,
        confirm=_confirm(button) if button.confirm else None,
    )


def _confirm(button: Button) -> ConfirmObject:
    question = cut(one_line(button.confirm or ""), _QUESTION)
    return ConfirmObject(
        title=PlainTextObject(text=cut(button.label, _LABELS), emoji=False),
        text=PlainTextObject(text=question, emoji=False),
        confirm=PlainTextObject(text="Yes", emoji=False),
        deny=PlainTextObject(text="No", emoji=False),
    )


def _markdown(text: str) -> MarkdownTextObject:
    """`verbatim` stops Slack from making links and mentions out of plain words."""
    return MarkdownTextObject(text=text, verbatim=True)


def _context(text: str) -> ContextBlock:
    return ContextBlock(elements=[_markdown(text)])


def _size(block: Block) -> int:
    """The characters of a block's texts."""
    return _texts(block.to_dict())


def _texts(value: object) -> int:
    if isinstance(value, dict):
        return sum(
            len(item) if key == "text" and isinstance(item, str) else _texts(item)
            for key, item in value.items()
        )
    if isinstance(value, list):
        return sum(map(_texts, value))
    return 0
