"""A local Slack: takes messages over HTTP, holds them to Slack's documented limits, and can be made to refuse.

Limits as in Slack's "Block Kit" reference pages.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

WEBHOOK_PATH = "/services/T00000000/B00000000/labwebhook"
SIGNING_SECRET = "lab-signing-secret"  # noqa: S105 - a made-up secret of a made-up Slack
MAX_BLOCKS = 50
MAX_BLOCK_TEXT = 13_200


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """A message as it was posted, and how Slack answered."""

    path: str
    payload: Mapping[str, Any]
    status: int
    answer: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def accepted(self) -> bool:
        """Whether people saw it."""
        return self.status == 200 and self.answer in ("ok", "")

    @property
    def text(self) -> str:
        """The plain text, shown in notifications."""
        return str(self.payload.get("text", ""))

    @property
    def blocks(self) -> Sequence[Mapping[str, Any]]:
        """The Block Kit blocks."""
        return list(self.payload.get("blocks", []))

    def words(self) -> str:
        """All the text of the message, one piece a line."""
        return "\n".join([self.text, *(text for block in self.blocks for text in _texts(block))])

    def buttons(self) -> list[Mapping[str, Any]]:
        """The buttons of the message."""
        return [
            element
            for block in self.blocks
            if block.get("type") == "actions"
            for element in block.get("elements", [])
            if element.get("type") == "button"
        ]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What Slack answers instead of taking a message."""

    status: int
    answer: str
    retry_after: int | None = None


RATE_LIMITED = Refusal(429, "rate_limited", retry_after=1)
BROKEN = Refusal(500, "rollup_error")


class Slack:
    """The server, on a port of its own on 127.0.0.1, for as long as it is open."""

    def __init__(self) -> None:
        self.messages: list[SlackMessage] = []
        self._refusals: list[Refusal] = []
        self._always: Refusal | None = None
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Slack:
        slack = self

        class Handler(_Handler):
            home = slack

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def url(self) -> str:
        """The address of the server."""
        assert self._server is not None, "the lab's Slack is not open"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def webhook_url(self) -> str:
        """The address to post to."""
        return f"{self.url}{WEBHOOK_PATH}"

    def refuse(self, *refusals: Refusal, always: Refusal | None = None) -> None:
        """Answer the next posts with these refusals, one each; or every one with the same."""
        self._refusals += refusals
        self._always = always

    def take(self, path: str, body: bytes, headers: Mapping[str, str]) -> Refusal:
        """Judge a post, keep it, and say how to answer."""
        payload = _payload(body)
        refusal = self._refusals.pop(0) if self._refusals else self._always
        reason = refusal.answer if refusal else _problem(path, payload)
        answer = refusal or Refusal(200 if reason is None else 404 if reason == "no_service" else 400, reason or "ok")
        self.messages.append(SlackMessage(path, payload or {}, answer.status, answer.answer, headers))
        return answer


class _Handler(BaseHTTPRequestHandler):
    home: Slack

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.home.take(self.path, body, dict(self.headers))
        text = answer.answer.encode()
        self.send_response(answer.status)
        if answer.retry_after is not None:
            self.send_header("Retry-After", str(answer.retry_after))
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of http.server
        """Say nothing."""


def _payload(body: bytes) -> dict[str, Any] | None:
    try:
        text = body.decode()
        payload = json.loads(parse_qs(text)["payload"][0] if text.startswith("payload=") else text)
    except (ValueError, KeyError):
        return None
    return payload if isinstance(payload, dict) else None


def _problem(path: str, payload: Mapping[str, Any] | None) -> str | None:
    """Slack's word for what is wrong with a post, or None."""
    if path != WEBHOOK_PATH and not path.startswith("/actions/"):
        return "no_service"
    if payload is None:
        return "invalid_payload"
    blocks = payload.get("blocks", [])
    if not payload.get("text") and not blocks and not payload.get("attachments") and not path.startswith("/actions/"):
        return "no_text"
    if len(payload.get("attachments", [])) > 100:
        return "too_many_attachments"
    if not isinstance(blocks, list) or any(block_problems(blocks)):
        return "invalid_blocks"
    if sum(len(text) for block in blocks for text in _texts(block)) > MAX_BLOCK_TEXT:
        return "msg_blocks_too_long"
    return None


def block_problems(blocks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Everything in which the blocks break Slack's rules."""
    if len(blocks) > MAX_BLOCKS:
        yield f"{len(blocks)} blocks, {MAX_BLOCKS} are allowed"
    ids = [str(block["block_id"]) for block in blocks if "block_id" in block]
    actions = [element["action_id"] for block in blocks for element in _elements(block) if "action_id" in element]
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


def _texts(value: object) -> Iterator[str]:
    """Every piece of text in a block, at any depth."""
    if isinstance(value, Mapping):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for key, item in value.items():
            if key != "text" or not isinstance(item, str):
                yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def signature(body: str, timestamp: int, secret: str = SIGNING_SECRET) -> str:
    """The X-Slack-Signature of a body: HMAC-SHA256 over `v0:timestamp:body`."""
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return f"v0={digest}"
