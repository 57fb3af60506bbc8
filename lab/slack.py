"""A local Slack: takes messages over HTTP, holds them to Slack's limits, and can be made to refuse."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from lab.slack_blocks import block_problems, texts_of

WEBHOOK_PATH = "/services/T00000000/B00000000/labwebhook"
SIGNING_SECRET = "lab-signing-secret"  # noqa: S105 - a made-up secret of a made-up Slack
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
        return "\n".join([self.text, *(text for block in self.blocks for text in texts_of(block))])

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
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
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
        answer = refusal or Refusal(
            200 if reason is None else 404 if reason == "no_service" else 400, reason or "ok"
        )
        self.messages.append(SlackMessage(path, payload or {}, answer.status, answer.answer, headers))
        return answer


class _Handler(BaseHTTPRequestHandler):
    home: Slack

    def do_POST(self) -> None:
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
    if (
        not payload.get("text")
        and not blocks
        and not payload.get("attachments")
        and not path.startswith("/actions/")
    ):
        return "no_text"
    if len(payload.get("attachments", [])) > 100:
        return "too_many_attachments"
    if not isinstance(blocks, list) or any(block_problems(blocks)):
        return "invalid_blocks"
    if sum(len(text) for block in blocks for text in texts_of(block)) > MAX_BLOCK_TEXT:
        return "msg_blocks_too_long"
    return None


def signature(body: str, timestamp: int, secret: str = SIGNING_SECRET) -> str:
    """The X-Slack-Signature of a body: HMAC-SHA256 over `v0:timestamp:body`."""
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return f"v0={digest}"
