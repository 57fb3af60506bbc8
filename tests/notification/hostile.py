"""What an attacker would write into names, paths and descriptions, and what must not be left of it."""

from typing import Any

from diagnosis.document import Document

STRINGS = (
    "<!channel> <!here|here> <!everyone> <@U012AB3CD> <!subteam^S0123> <#C0123>",
    "<https://evil.example/login|https://console.aws.amazon.com>",
    "https://evil.example/a?b=c www.evil.example HTTP://EVIL.EXAMPLE ftp://x mailto:a@evil.example",
    "```\n*everything is fine*\n```",
    "a`b``c```d",
    "\u202egnp.exe\u202c \u2066x\u2069 \u200b\u200f\ufeff \u2028 \U000e0041",
    "name\r\nBcc: everyone@example.com\r\n\r\nbody",
    "\x00\x07\x1b[31mred\x1b[0m\x7f\x85",
    "<script>alert(1)</script><img src=x onerror=alert(1)>&amp;&lt;",
    "/" + "a/../" * 1_000,
    "\ud800 lone surrogate \udfff",
    "\U0001f525" * 400,
    "$(rm -rf /); `id` && echo '\"' \\",
    " ",
    "",
)

# Kept as they are: what programs read rather than people, each from a closed list.
_CLOSED = {
    "schema_version",
    "outcome",
    "state",
    "kind",
    "decision",
    "severity",
    "time",
    "at",
    "onset",
    "action",
}


def poisoned(value: Any, text: str, name: str = "") -> Any:
    """The document with this text in every field that can come from outside."""
    if name == "dimensions":
        return {text: text}
    if isinstance(value, dict):
        return {key: poisoned(item, text, key) for key, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item, text, name) for item in value] * 3
    if isinstance(value, str) and name == "next_steps":
        return f"{' '.join(text.split())}\n{value.partition(chr(10))[2]}"
    if isinstance(value, str) and name not in _CLOSED and name != "expires_at":
        return text
    return value


def poisoned_document(document: Document, text: str) -> Document:
    result: Document = poisoned(document, text)
    return result
