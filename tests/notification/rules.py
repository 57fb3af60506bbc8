"""What Slack and SNS accept, and what harmless text is: written down apart from the code that keeps to it."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

DATE = re.compile(r"<!date\^\d+\^\{time\}\|\d\d:\d\d UTC>")
CONSOLE_LINK = re.compile(r"<https://[a-z0-9-]+\.console\.aws\.amazon\.com/[^<>|\s]*\|[^<>|]*>")
CONSOLE_ADDRESS = re.compile(r"https://[a-z0-9-]+\.console\.aws\.amazon\.com/\S*")
ENTITY = re.compile(r"&(?:amp|lt|gt);")
LIMITS = {"header": 150, "section": 3_000, "context": 3_000}


def texts(blocks: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Each text object's kind and text, wherever it stands."""
    stack: list[Any] = list(blocks)
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack.extend(value)
        elif isinstance(value, dict):
            if value.get("type") in {"plain_text", "mrkdwn"}:
                yield value["type"], value["text"]
            stack.extend(value.values())


def assert_within_slacks_limits(text: str, blocks: list[dict[str, Any]]) -> None:
    """Block Kit reference: numbers of blocks, characters a block, elements, buttons; and the sum of texts."""
    assert 0 < len(text) <= 4_000
    assert 0 < len(blocks) <= 45
    assert sum(len(each) for _, each in texts(blocks)) <= 12_000
    for block in blocks:
        if block["type"] == "actions":
            _assert_buttons(block["elements"])
            continue
        limit = LIMITS[block["type"]]
        assert len(block.get("elements", [])) <= 10
        assert all(0 < len(each) <= limit for _, each in texts([block]))
        if block["type"] == "header":
            assert block["text"]["type"] == "plain_text"


def _assert_buttons(elements: list[dict[str, Any]]) -> None:
    assert 0 < len(elements) <= 25
    assert len({button["action_id"] for button in elements}) == len(elements)
    for button in elements:
        assert 0 < len(button["text"]["text"]) <= 75
        assert len(button["value"]) <= 2_000
        confirm = button.get("confirm")
        if confirm:
            assert 0 < len(confirm["title"]["text"]) <= 100
            assert 0 < len(confirm["text"]["text"]) <= 300


def assert_harmless_in_slack(text: str, blocks: list[dict[str, Any]]) -> None:
    """Nothing pings, links elsewhere, or opens a code block that does not end."""
    assert_harmless_markdown(text, links=False)
    for kind, each in texts(blocks):
        assert_visible(each)
        if kind == "mrkdwn":
            assert_harmless_markdown(each)
    for block in blocks:
        assert all(each.get("verbatim") for each in _markdown_objects(block))


def _markdown_objects(block: dict[str, Any]) -> list[dict[str, Any]]:
    candidates = [block.get("text"), *block.get("elements", [])]
    return [each for each in candidates if isinstance(each, dict) and each.get("type") == "mrkdwn"]


def assert_harmless_markdown(text: str, *, links: bool = True) -> None:
    without = DATE.sub("", CONSOLE_LINK.sub("", text)) if links else text
    assert "<" not in without
    assert ">" not in without
    assert "&" not in ENTITY.sub("", without)
    assert text.count("```") % 2 == 0
    outside_code = re.sub(r"```.*?```|`[^`\n]*`", "", without, flags=re.DOTALL)
    assert "`" not in outside_code
    assert "://" not in outside_code
    assert "www." not in outside_code.lower()


def assert_harmless_plain_text(text: str) -> None:
    """Nothing that a mail program makes into a link but the console's pages, and nothing invisible."""
    assert_visible(text)
    without = CONSOLE_ADDRESS.sub("", text)
    assert "://" not in without
    assert "www." not in without.lower()
    assert "mailto:" not in without.lower()


def assert_visible(text: str) -> None:
    hidden = {each for each in text if unicodedata.category(each) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - {"\n"}
    assert not hidden, [hex(ord(each)) for each in hidden]


def assert_acceptable_to_sns(subject: str, text: str, attributes: dict[str, str]) -> None:
    """SNS API, Publish: subject, message and attributes."""
    assert 0 < len(subject) < 100
    assert not any(unicodedata.category(each)[0] == "C" for each in subject)
    assert subject[0] != " "
    assert text
    size = len(text.encode()) + sum(
        len(name) + len("String") + len(value) for name, value in attributes.items()
    )
    assert size <= 262_144
    assert set(attributes) == {"cause", "severity", "outcome", "rollback"}
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", value) for value in attributes.values())
