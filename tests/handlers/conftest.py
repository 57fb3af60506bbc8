"""The whole stack on an embedded AWS, with a judgement that a test chooses."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from collectors.gather import Gathered
from collectors.reading import Scope
from diagnosis.evidence import Evidence
from diagnosis.verdict import Verdict
from handlers import diagnosing, early
from handlers.wiring import Deadline, Wiring
from tests.diagnosis.judged import NOW, evidence, verdict

EVENTS = Path(__file__).parents[2] / "events"
REGION = "eu-west-1"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:messages"


@dataclass
class Context:
    """What Lambda tells of an invocation."""

    milliseconds: int = 60_000
    function_name: str = "gateway-triage"

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@dataclass
class Stack:
    """The stack's resources, and the judgement that the next diagnosis comes to."""

    environment: dict[str, str]
    client: Callable[..., Any]
    now: datetime = NOW
    verdict: Verdict = field(default_factory=verdict)
    evidence: Evidence = field(default_factory=evidence)
    gather_error: Exception | None = None
    asked: list[Scope] = field(default_factory=list)
    read: list[tuple[frozenset[str], Evidence | None]] = field(default_factory=list)
    fakes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.wiring = Wiring(self.environment, now=lambda: self.now)
        self.wiring.client = lambda service, region=None: (  # type: ignore[method-assign]
            self.fakes[service] if service in self.fakes else self.client(service, region)
        )

    @property
    def deadline(self) -> Deadline:
        return Deadline(Context(), self.wiring.seconds)

    def gather(self, scope: Scope, **options: Any) -> Gathered:
        self.asked.append(scope)
        self.read.append((frozenset(each.name for each in options["readings"]), options["known"]))
        if self.gather_error:
            raise self.gather_error
        return Gathered(self.evidence, {"deployments": 0.05})

    def judge(self) -> Verdict:
        return self.verdict

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """The bodies in a queue, delayed ones too, with their delay."""
        found = sqs_backends["123456789012"][REGION].queues[queue]._messages
        return [{**json.loads(each.body), "delay": _delay(each)} for each in found]

    def follow_ups(self, kind: str) -> list[dict[str, Any]]:
        """The messages of that kind for the follow-up function, with their delay."""
        return [each for each in self.messages("follow-up") if each["kind"] == kind]

    def told(self) -> list[dict[str, Any]]:
        """What was published: subject, text and attributes."""
        topic = sns_backends["123456789012"][REGION].topics[TOPIC]
        return [
            {
                "subject": subject,
                "text": text,
                **{name: each["Value"] for name, each in (attributes or {}).items()},
            }
            for _, text, subject, attributes, *_ in topic.sent_notifications
        ]

    def item(self, sort_key: str) -> dict[str, Any] | None:
        """The one item with this sort key."""
        items = self.wiring.client("dynamodb").scan(TableName="triage")["Items"]
        found = [each for each in items if each["sk"]["S"] == sort_key]
        assert len(found) < 2
        return found[0] if found else None


class Unreachable:
    """A client whose every call fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    class exceptions:  # noqa: N801 - botocore's name
        class ConditionalCheckFailedException(Exception): ...  # noqa: N818

        class TransactionCanceledException(Exception): ...  # noqa: N818

    def __getattr__(self, _name: str) -> Any:
        def fail(*_arguments: Any, **_named: Any) -> Any:
            raise self.error

        return fail


def _delay(message: Any) -> int:
    """Seconds for which a message was held back."""
    return max(0, int(message.delayed_until - message.sent_timestamp)) // 1000


@pytest.fixture(scope="module")
def embedded() -> Iterator[Any]:
    """An embedded AWS with its clients, which are dear to make."""
    with pytest.MonkeyPatch.context() as patch, mock_aws() as mocked:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "testing")
        yield mocked, Wiring({"AWS_REGION": REGION}).client


@pytest.fixture
def stack(embedded: Any, monkeypatch: pytest.MonkeyPatch) -> Stack:
    mocked, client = embedded
    mocked.reset()
    made = Stack(_environment(client), client)
    monkeypatch.setattr(early, "gather", made.gather)
    monkeypatch.setattr(diagnosing, "diagnose", lambda *_: made.judge())
    return made


def _environment(client: Callable[[str], Any]) -> dict[str, str]:
    sqs, sns = client("sqs"), client("sns")
    client("dynamodb").create_table(
        TableName="triage",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    client("ssm").put_parameter(Name="/gateway-triage/rollback-enabled", Value="true", Type="String")
    return {
        "AWS_REGION": REGION,
        "TABLE_NAME": "triage",
        "TOPIC_ARN": sns.create_topic(Name="messages")["TopicArn"],
        "ROLLBACK_QUEUE_URL": sqs.create_queue(QueueName="rollback")["QueueUrl"],
        "FOLLOW_UP_QUEUE_URL": sqs.create_queue(QueueName="follow-up")["QueueUrl"],
        "ROLLBACK_MODE": "auto",
        "ROLLBACK_VETO_SECONDS": "60",
        "ROLLBACK_MINIMUM_CONFIDENCE": "0.9",
        "KILL_SWITCH_PARAMETER": "/gateway-triage/rollback-enabled",
    }


@pytest.fixture
def context() -> Context:
    return Context()


@pytest.fixture
def alarm_event() -> dict[str, Any]:
    """A metric alarm of the load balancer order-api, gone to ALARM half a minute before `NOW`."""
    return event("eventbridge-metric.json")


def event(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return read


__all__ = ["Context", "Stack", "Unreachable", "event", "replace"]
