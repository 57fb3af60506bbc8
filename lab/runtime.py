"""What moves events in AWS: rules, asynchronous retries, queues with delays; all in virtual time."""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from moto.events.models import EventPattern
from moto.sqs.models import sqs_backends

from lab.clock import Clock
from lab.functions import Functions, Invocation
from lab.moments import zulu
from lab.stack import QueueSource, Stack
from lab.wire import Wire

# Developer guide, "Asynchronous invocation": a function error is tried twice more, after one minute and two.
RETRY_AFTER = (timedelta(minutes=1), timedelta(minutes=2))
_MOST_BATCHES = 200
_A_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened in the lab."""

    at: datetime
    kind: str
    text: str
    data: Any = None


class Runtime:
    """Wakes the functions and lets time pass."""

    def __init__(
        self,
        stack: Stack,
        functions: Functions,
        wire: Wire,
        clock: Clock,
        client: Callable[[str], Any],
        account: str,
        region: str,
    ) -> None:
        self.stack = stack
        self.happenings: list[Happening] = []
        self._functions = functions
        self._wire = wire
        self._clock = clock
        self._client = client
        self._queues = sqs_backends[account][region].queues
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.milestones: Callable[[], Iterator[datetime]] = lambda: iter(())
        self.at_each_stop: Callable[[], None] = lambda: None

    def note(self, kind: str, text: str, data: Any = None) -> None:
        """Write down what happened now."""
        self.happenings.append(Happening(self._clock.now(), kind, text, data))

    def at(self, moment: datetime, act: Callable[[], None]) -> None:
        """Do something at that moment."""
        heapq.heappush(self._due, (moment, next(self._order), act))

    def matching(self, event: Mapping[str, Any]) -> list[str]:
        """The functions whose rules match an event on the default bus."""
        return [
            function
            for rule in self.stack.rules
            if EventPattern.load(rule.pattern).matches_event(cast("Any", event))
            for function in rule.functions
        ]

    def put_event(self, event: Mapping[str, Any]) -> list[Invocation]:
        """An event on the default bus: each matching rule invokes its functions asynchronously."""
        self.note(
            "event", f"{event.get('detail-type')}: {event.get('detail', {}).get('alarmName', '')}", event
        )
        woken = self.matching(event)
        if not woken:
            self.note("unmatched", "no rule matches the event")
        return [self.invoke_asynchronously(function, event) for function in woken]

    def invoke_asynchronously(self, function: str, event: Any) -> Invocation:
        """Invoke, and retry a function error as Lambda does; at last send the event to its destination."""
        return self._attempt(function, event, number=0, request_id=None)

    def invoke(self, function: str, event: Any, request_id: str | None = None) -> Invocation:
        """Invoke once and wait for the answer."""
        self._wire.function, self._wire.invocation = function, len(self._functions.invocations) + 1
        try:
            invocation = self._functions.invoke(self.stack.functions[function], event, request_id)
        finally:
            self._wire.function = None
        word = f"failed: {invocation.error_type}" if invocation.failed else "done"
        self.note("invocation", f"{function} {word} in {invocation.seconds * 1000:.0f} ms", invocation)
        return invocation

    def run_until(self, moment: datetime) -> None:
        """Let time pass: deliver what falls due on the way, in order."""
        while True:
            self._deliver_what_is_due()
            following = self._next_stop(moment)
            if following is None:
                break
            self._clock.advance_to(following)
        self._clock.advance_to(moment)
        self._deliver_what_is_due()

    def deliver_now(self) -> None:
        """Deliver what is due already, without letting time pass."""
        self._deliver_what_is_due()

    def _attempt(self, function: str, event: Any, number: int, request_id: str | None) -> Invocation:
        invocation = self.invoke(function, event, request_id)
        if not invocation.failed:
            return invocation
        settings = self.stack.functions[function]
        if number < min(settings.retries, len(RETRY_AFTER)):
            again = self._clock.now() + RETRY_AFTER[number]
            self.at(again, lambda: self._retry(function, event, number + 1, request_id))
            self.note("retry", f"{function} will be tried again in {RETRY_AFTER[number].seconds} seconds")
        else:
            self._give_up(function, event, invocation, number + 1)
        return invocation

    def _retry(self, function: str, event: Any, number: int, request_id: str | None) -> None:
        self._attempt(function, event, number, request_id)

    def _give_up(self, function: str, event: Any, invocation: Invocation, attempts: int) -> None:
        """Send the record of the failure where the template says (developer guide, "Destinations")."""
        settings = self.stack.functions[function]
        if settings.on_failure is None:
            self.note("lost", f"{function} failed {attempts} times and has nowhere to send the event")
            return
        record = {
            "version": "1.0",
            "timestamp": zulu(self._clock.now()),
            "requestContext": {
                "functionArn": f"{settings.arn}:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": attempts,
            },
            "requestPayload": event,
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "responsePayload": {"errorType": invocation.error_type, "errorMessage": invocation.error},
        }
        name = settings.on_failure.rsplit(":", 1)[1]
        url = self._client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
        self._client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(record))
        self.note("dead letter", f"{function} failed {attempts} times; the event went to {name}")

    def _deliver_what_is_due(self) -> None:
        for _ in range(_MOST_BATCHES):
            self.at_each_stop()
            moved = [self._run_due(), *map(self._poll, self.stack.sources)]
            if not any(moved):
                return
        raise RuntimeError(
            f"the lab delivered {_MOST_BATCHES} batches without coming to rest: a loop of messages?"
        )

    def _run_due(self) -> bool:
        ran = False
        while self._due and self._due[0][0] <= self._clock.now():
            _, _, act = heapq.heappop(self._due)
            act()
            ran = True
        return ran

    def _next_stop(self, moment: datetime) -> datetime | None:
        """The next time at which something falls due, up to and including that moment."""
        now = self._clock.now()
        stops = [due for due, _, _ in self._due]
        stops += [stop for stop in self.milestones() if stop > now]
        stops += [stop for source in self.stack.sources for stop in self._message_times(source)]
        stops = [stop for stop in stops if now < stop <= moment]
        return min(stops, default=None)

    def _message_times(self, source: QueueSource) -> Iterator[datetime]:
        queue = self._queues[source.queue_url.rsplit("/", 1)[1]]
        for message in queue._messages:
            yield (
                datetime.fromtimestamp(max(message.delayed_until, message.visible_at) / 1000, UTC)
                + _A_MILLISECOND
            )

    def _poll(self, source: QueueSource) -> bool:
        """Take one batch from the queue, invoke, and delete what was done."""
        client = self._client("sqs")
        answer = client.receive_message(
            QueueUrl=source.queue_url,
            MaxNumberOfMessages=min(10, source.batch_size),
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
            WaitTimeSeconds=0,
        )
        messages = answer.get("Messages", [])
        if not messages:
            return False
        event = {"Records": [_record(message, source) for message in messages]}
        invocation = self.invoke(source.function, event)
        failed = _failed_ids(invocation, source, [message["MessageId"] for message in messages])
        for message in messages:
            if message["MessageId"] not in failed:
                client.delete_message(QueueUrl=source.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return True


def _record(message: Mapping[str, Any], source: QueueSource) -> dict[str, Any]:
    """One record of an SQS event (developer guide, "Using Lambda with Amazon SQS")."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {
            name: {
                "stringValue": value.get("StringValue"),
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": value["DataType"],
            }
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": source.queue_arn,
        "awsRegion": source.queue_arn.split(":")[3],
    }


def _failed_ids(invocation: Invocation, source: QueueSource, ids: list[str]) -> set[str]:
    """Which messages go back to the queue; an answer that Lambda cannot read fails the whole batch."""
    if invocation.failed:
        return set(ids)
    result = invocation.result
    if not source.reports_failures or result is None:
        return set()
    if not isinstance(result, Mapping):
        return set(ids)
    failures = result.get("batchItemFailures") or []
    named = {failure.get("itemIdentifier") for failure in failures if isinstance(failure, Mapping)}
    return set(ids) if named - set(ids) else {str(name) for name in named}
