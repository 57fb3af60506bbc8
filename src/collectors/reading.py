"""What a reading is: one question to AWS, the answers that it builds on, and what it is allowed to ask."""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from diagnosis.evidence import MINUTE, Missing, Window
from diagnosis.incident import EntryPoint

# The default alarm looks at a few minutes; a baseline that tells noise from change needs hours.
MINUTES_READ = 180
# The reason of what was left out on purpose, where nothing is to be told from it.
NOT_LOOKED_UP = "not looked up"
# urllib3 keeps as many connections per client; more threads than that would only open and drop connections.
CALLS_AT_ONCE = 10

Answer: TypeAlias = Mapping[str, Any]
"""A botocore answer or a part of it; any member may be absent."""


class UnreadableAnswerError(ValueError):
    """AWS answered, but without what the reading is about; the message is a short reason for people."""


READ_ERRORS = (ClientError, BotoCoreError, UnreadableAnswerError)
"""What reading AWS is known to raise: refused, unreachable, timed out, or answered without content."""


def pass_time(seconds: float) -> None:
    """Sleep; by name, since whoever plays with time replaces `time.sleep`."""
    time.sleep(seconds)


def without_end() -> float:
    """The seconds that are left where nobody set a deadline."""
    return math.inf


@dataclass(frozen=True, slots=True)
class Scope:
    """What the readings are about: the entry point, the minutes, and the boto3 client of each service.

    `clients` gives those of the entry point's region, `elsewhere` those of any region. `wait`
    passes so many seconds, for answers that have to be asked for again. `left` are the seconds until nobody
    waits for an answer any more.
    """

    clients: Callable[[str], Any]
    entry_point: EntryPoint
    now: datetime
    window: Window
    alarm_time: datetime
    elsewhere: Callable[[str, str], Any] | None = None
    wait: Callable[[float], None] = pass_time
    left: Callable[[], float] = without_end

    def client_in(self, service: str, region: str) -> Any:
        """The client of a service in that region."""
        if self.elsewhere is None or region == self.entry_point.region:
            return self.clients(service)
        return self.elsewhere(service, region)


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing to read, after the readings that it needs; these it finds by name, each an answer or Missing.

    `service` is boto3's name of the service, `permissions` are the IAM actions that `collect` uses. A reading
    that seldom has anything to ask is `on_demand`: its client is made when it asks, which costs time.
    """

    name: str
    service: str
    needs: tuple[str, ...]
    permissions: tuple[str, ...]
    collect: Callable[[Scope, Mapping[str, object]], object]
    on_demand: bool = False


def complete_minutes(now: datetime, minutes: int = MINUTES_READ) -> Window:
    """The whole minutes before the running one, which is left out: its figures are not complete yet."""
    running = now.astimezone(UTC).replace(second=0, microsecond=0)
    return Window(running - minutes * MINUTE, minutes)


def failure(service: str, error: Exception) -> Missing:
    """Why AWS could not be read, without the error's text, which may hold names and addresses.

    `service` is the prefix of the IAM actions, so that a refused action can be read off:
    "cloudtrail:LookupEvents: AccessDeniedException".
    """
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "unknown error")
        return Missing(f"{service}:{error.operation_name}: {code}")
    if isinstance(error, UnreadableAnswerError):
        return Missing(f"{service}: {error}")
    return Missing(f"{service}: {type(error).__name__}")


Key = TypeVar("Key")
Found = TypeVar("Found")


def ask_all(service: str, questions: Mapping[Key, Callable[[], Found]]) -> dict[Key, Found | Missing]:
    """The answers to all questions, asked at once; one that cannot be read is Missing, the others stand."""

    def answer(question: Callable[[], Found]) -> Found | Missing:
        try:
            return question()
        except READ_ERRORS as error:
            return failure(service, error)

    if len(questions) < 2:
        return {key: answer(question) for key, question in questions.items()}
    with ThreadPoolExecutor(min(len(questions), CALLS_AT_ONCE)) as threads:
        return dict(zip(questions, threads.map(answer, questions.values()), strict=True))


def read_each(service: str, keys: Iterable[Key], read: Callable[[Key], Found]) -> dict[Key, Found | Missing]:
    """What `read` finds for each key, read at once; one that cannot be read is Missing, the others stand."""
    return ask_all(service, {key: partial(read, key) for key in keys})


def in_utc(moment: datetime | None) -> datetime | None:
    """The same moment in UTC: botocore gives times in the zone of the machine."""
    return moment.astimezone(UTC) if moment else None
