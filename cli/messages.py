"""The part of the demo with the messages as they were sent, written for a reader rather than for Slack."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

from cli.page import QUIET, STRONG, Page
from lab import Lab, SlackMessage, SnsMessage

EDGE = " │ "  # as narrow as can be: SNS's text is 96 columns wide
_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]*)>")
_BOLD = re.compile(r"(?<!\S)\*([^*\n]+)\*(?!\S)")

_COMMAND = re.compile(r"\n?```(.*?)```", re.DOTALL)
_ADDRESS = re.compile(r"(^|\s)https?://\S+$")

Line = tuple[str, str]


def show(page: Page, lab: Lab) -> None:
    """Slack's messages and SNS's, in the order in which they were sent."""
    page.heading("7  The messages as sent")
    page.text(
        "Slack shows times in the reader's own zone; here they are UTC. Long addresses are cut, "
        "and SNS's links shown once.",
        QUIET,
    )
    for message in lab.slack_messages:
        page.blank()
        _show(page, _slack_title(message), slack_lines(message))
    for number, published in enumerate(lab.sns_messages):
        page.blank()
        _show(page, f"SNS, {published.at:%H:%M:%S} UTC", _sns_lines(published, whole=number == 0))


def _show(page: Page, title: str, lines: Iterator[Line]) -> None:
    page.text(title, STRONG)
    room = page.width - len(EDGE)
    for words, style in lines:
        for line in _fitted(words, room):
            page.parts((EDGE, QUIET), (line, style))


def _fitted(words: str, room: int) -> list[str]:
    """The line wrapped, what it begins with kept as the indent of what follows."""
    if len(words) <= room:
        return [words]
    begin = words[: len(words) - len(words.lstrip())]
    if _ADDRESS.search(words):
        return [f"{words[: room - 4]} ..."]
    return textwrap.wrap(
        words, room, subsequent_indent=f"{begin}  ", break_long_words=True, break_on_hyphens=False
    )


def _slack_title(message: SlackMessage) -> str:
    kind = "answer to the button" if message.path.startswith("/actions/") else "incoming webhook"
    refused = "" if message.accepted else f", refused: {message.status} {message.answer}"
    return f"Slack, {kind}{refused}"


def slack_lines(message: SlackMessage) -> Iterator[Line]:
    """The message's blocks as lines; without blocks, its text."""
    if not message.blocks:
        yield from ((line, "") for line in _plain(message.text))
    for block in message.blocks:
        yield from _block(block)


def _block(block: Mapping[str, Any]) -> Iterator[Line]:
    kind = block.get("type")
    if kind == "header":
        yield block["text"]["text"], STRONG
    elif kind == "section":
        yield from ((line, "") for line in _plain(block["text"]["text"]))
        yield "", ""
    elif kind == "actions":
        yield "  ".join(f"[ {each['text']['text']} ]" for each in block["elements"]), STRONG
        yield "", ""
    elif kind == "context":
        for element in block["elements"]:
            yield from ((line, QUIET) for line in _plain(element["text"]))


def _plain(markup: str) -> list[str]:
    """Slack's mrkdwn as plain lines: a link as its label, a date as UTC, code without its marks."""
    text = _LINK.sub(r"\2", _DATE.sub(r"\1", markup))
    text = _BOLD.sub(lambda found: found[1].upper(), text)
    text = _COMMAND.sub(r"\n     \1", text)
    return unescape(text).replace("`", "").split("\n")


def _sns_lines(message: SnsMessage, *, whole: bool) -> Iterator[Line]:
    """Subject, attributes and text; the links, which are always alike, only where it is to be whole."""
    yield f"Subject: {message.subject}", STRONG
    attributes = ", ".join(f"{name}={value}" for name, value in sorted(message.attributes.items()))
    yield f"Attributes: {attributes}", QUIET
    yield "", ""
    text = message.message if whole else message.message.partition("\n\nLINKS\n")[0]
    yield from ((line, "") for line in text.split("\n"))
