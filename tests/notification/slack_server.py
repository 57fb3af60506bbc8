"""A Slack on this machine: it keeps what it is sent and answers as it was told to."""

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs


@dataclass
class Answer:
    """One answer of the server; `hang_up` closes the connection without one."""

    status: int = 200
    body: str = "ok"
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False


@dataclass
class SlackServer:
    """`answers` are given in turn, and then `ok` for ever."""

    url: str = ""
    answers: deque[Answer] = field(default_factory=deque)
    received: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)

    def answer(self, *answers: Answer) -> None:
        self.answers.extend(answers)


@contextmanager
def slack_server() -> Iterator[SlackServer]:
    """A server on a free port of the loopback address, until the block ends."""
    state = SlackServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode("utf-8")
            state.received.append(_body(raw, self.headers["Content-Type"]))
            state.authorizations.append(self.headers["Authorization"])
            answer = state.answers.popleft() if state.answers else Answer()
            if answer.hang_up:
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body.encode("utf-8"))

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 # the name is http.server's
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _body(raw: str, content_type: str) -> dict[str, Any]:
    if content_type.startswith("application/json"):
        body: dict[str, Any] = json.loads(raw)
        return body
    return {name: values[0] for name, values in parse_qs(raw).items()}
