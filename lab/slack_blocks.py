"""Slack's rules for blocks ("Block Kit" reference pages)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MAX_BLOCKS = 50


def block_problems(blocks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Everything in which the blocks break Slack's rules."""
    if len(blocks) > MAX_BLOCKS:
        yield f"{len(blocks)} blocks, {MAX_BLOCKS} are allowed"
    ids = [str(block["block_id"]) for block in blocks if "block_id" in block]
    actions = [
        element["action_id"] for block in blocks for element in _elements(block) if "action_id" in element
    ]
    for name, values in (("block_id", ids), ("action_id", actions)):
        if len(set(values)) < len(values):
            yield f"a {name} is used twice"
        yield from (f"{name} longer than 255" for value in values if not 1 <= len(value) <= 255)
    for index, block in enumerate(blocks):
        for problem in _block_problems(block):
            yield f"block {index} ({block.get('type')}): {problem}"


def _block_problems(block: Mapping[str, Any]) -> Iterator[str]:
    checks = {
        "header": _header,
        "section": _section,
        "context": _context,
        "actions": _actions,
        "image": _image,
        "divider": lambda _: iter(()),
        "markdown": lambda one: _text_length(one.get("text"), 12_000, "text"),
        "rich_text": lambda _: iter(()),
    }
    check = checks.get(str(block.get("type")))
    if check is None:
        yield "no such block type"
    else:
        yield from check(block)


def _header(block: Mapping[str, Any]) -> Iterator[str]:
    yield from _text(block.get("text"), 150, ("plain_text",))


def _section(block: Mapping[str, Any]) -> Iterator[str]:
    fields = block.get("fields")
    if block.get("text") is None and not fields:
        yield "neither text nor fields"
    if block.get("text") is not None:
        yield from _text(block["text"], 3000)
    if fields is not None:
        if not 1 <= len(fields) <= 10:
            yield f"{len(fields)} fields, 1 to 10 are allowed"
        for one in fields:
            yield from _text(one, 2000)
    if "accessory" in block:
        yield from _element(block["accessory"])


def _context(block: Mapping[str, Any]) -> Iterator[str]:
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= 10:
        yield f"{len(elements)} elements, 1 to 10 are allowed"
    for element in elements:
        if element.get("type") != "image":
            yield from _text(element, 2000)


def _actions(block: Mapping[str, Any]) -> Iterator[str]:
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= 25:
        yield f"{len(elements)} elements, 1 to 25 are allowed"
    for element in elements:
        yield from _element(element)


def _image(block: Mapping[str, Any]) -> Iterator[str]:
    yield from _text_length(block.get("alt_text"), 2000, "alt_text")
    if "slack_file" not in block:
        yield from _text_length(block.get("image_url"), 3000, "image_url")


def _element(element: Mapping[str, Any]) -> Iterator[str]:
    if element.get("type") != "button":
        return
    yield from _text(element.get("text"), 75, ("plain_text",))
    for key, limit in (("value", 2000), ("url", 3000)):
        if key in element:
            yield from _text_length(element[key], limit, key)
    if element.get("style") not in (None, "primary", "danger"):
        yield f"style {element['style']}"
    confirm = element.get("confirm")
    if confirm is not None:
        yield from _text(confirm.get("title"), 100, ("plain_text",))
        yield from _text(confirm.get("text"), 300)
        for key in ("confirm", "deny"):
            yield from _text(confirm.get(key), 30, ("plain_text",))


def _text(text: object, limit: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Iterator[str]:
    if not isinstance(text, Mapping) or text.get("type") not in kinds:
        yield f"text of type {' or '.join(kinds)} expected"
        return
    yield from _text_length(text.get("text"), limit, "text")


def _text_length(value: object, limit: int, name: str) -> Iterator[str]:
    if not isinstance(value, str) or not 1 <= len(value) <= limit:
        yield f"{name} of 1 to {limit} characters expected"


def _elements(block: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    accessory = [block["accessory"]] if "accessory" in block else []
    return [*block.get("elements", []), *accessory]


def texts_of(value: object) -> Iterator[str]:
    """Every piece of text in a block, at any depth."""
    if isinstance(value, Mapping):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for key, item in value.items():
            if key != "text" or not isinstance(item, str):
                yield from texts_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
