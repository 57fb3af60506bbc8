"""What AWS answered once, to be answered again: by call, as it came over the wire."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# Their parameters hold times and texts that differ from run to run; their answers hold nothing that is read.
WRITES = frozenset(
    {
        "dynamodb.PutItem",
        "dynamodb.UpdateItem",
        "dynamodb.TransactWriteItems",
        "sns.Publish",
        "sqs.SendMessage",
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; the body is base64 text."""

    status: int
    headers: Mapping[str, str]
    body: str

    def content(self) -> bytes:
        """The bytes of the body."""
        return base64.b64decode(self.body)


@dataclass(frozen=True, slots=True)
class Recording:
    """An event, the time and the environment it was handled in, and every answer of AWS to it."""

    event: Mapping[str, Any]
    now: str
    environment: Mapping[str, str]
    answers: Mapping[str, Answer]


def fingerprint(service: str, operation: str, parameters: Mapping[str, Any]) -> str:
    """What makes a call the same call in another run."""
    name = f"{service}.{operation}"
    return name if name in WRITES else f"{name} {json.dumps(parameters, default=str, sort_keys=True)}"


def answer(status: int, headers: Mapping[str, str], content: bytes) -> Answer:
    """An answer from its bytes."""
    return Answer(status, dict(headers), base64.b64encode(content).decode())


def write(recording: Recording, path: Path) -> None:
    """Keep the recording in a file."""
    path.write_text(json.dumps(asdict(recording)), encoding="utf-8")


def read(path: Path) -> Recording:
    """The recording of a file."""
    values = json.loads(path.read_text(encoding="utf-8"))
    answers = {name: Answer(**each) for name, each in values["answers"].items()}
    return Recording(**{**values, "answers": answers})


def moved(recording: Recording, name: str, old: str, new: str) -> Recording:
    """The recording with one word changed in the answers to one operation, such as an address in a secret."""
    changed = {
        key: answer(each.status, each.headers, each.content().replace(old.encode(), new.encode()))
        if key.startswith(name)
        else each
        for key, each in recording.answers.items()
    }
    return Recording(recording.event, recording.now, recording.environment, changed)
