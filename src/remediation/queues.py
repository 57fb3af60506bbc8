"""The two queues: what is handed on, when, and how it is read again on the other side."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from remediation.records import RollbackAction

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

PERMISSIONS = ("sqs:SendMessage",)

LONGEST_DELAY = 900  # SQS API reference, SendMessage, DelaySeconds
WATCH_ROLLBACK, LOOK_AGAIN = "watch_rollback", "look_again"


class UnreadableMessageError(ValueError):
    """A message that nobody of ours has written."""


@dataclass(frozen=True, slots=True)
class RollbackRequest:
    """Please roll this deployment back. Everything else is in the ledger."""

    incident_id: str
    deployment_id: str
    application: str
    deployment_group: str
    requested_by: str
    region: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Please look at this incident once more; `subject` is what was looked at, for `look_again`."""

    incident_id: str
    kind: str
    attempt: int = 1
    subject: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Queues:
    """Where messages are handed on. botocore's ClientError and BotoCoreError pass through."""

    client: SQSClient
    rollback_url: str
    follow_up_url: str

    def request_rollback(self, action: RollbackAction, delay_seconds: int = 0) -> None:
        """Hand a planned or approved rollback to the function that may make it."""
        body = {
            "incident_id": action.incident_id,
            "deployment_id": action.deployment_id,
            "application": action.application,
            "deployment_group": action.deployment_group,
            "requested_by": action.requested_by or "auto",
            "region": action.region,
        }
        self._send(self.rollback_url, body, delay_seconds)

    def follow_up(self, message: FollowUp, delay_seconds: int) -> None:
        """Have somebody look again, after a while."""
        body: dict[str, Any] = {
            "incident_id": message.incident_id,
            "kind": message.kind,
            "attempt": message.attempt,
        }
        if message.subject is not None:
            body["subject"] = message.subject
        self._send(self.follow_up_url, body, delay_seconds)

    def _send(self, url: str, body: Mapping[str, Any], delay_seconds: int) -> None:
        delay = min(max(delay_seconds, 0), LONGEST_DELAY)
        self.client.send_message(QueueUrl=url, MessageBody=json.dumps(body), DelaySeconds=delay)


def read_rollback_request(body: object) -> RollbackRequest:
    """The request that a message holds. Raises `UnreadableMessageError`."""
    values = _object(body)
    names = ("incident_id", "deployment_id", "application", "deployment_group", "requested_by")
    texts = {name: _text(values, name) for name in names}
    return RollbackRequest(**texts, region=str(values.get("region") or ""))


def read_follow_up(body: object) -> FollowUp:
    """The follow-up that a message holds. Raises `UnreadableMessageError`."""
    values = _object(body)
    attempt, subject = values.get("attempt", 1), values.get("subject")
    if not isinstance(attempt, int) or not isinstance(subject, dict | None):
        raise UnreadableMessageError("attempt is no number, or subject no object")
    return FollowUp(_text(values, "incident_id"), _text(values, "kind"), attempt, subject)


def _object(body: object) -> Mapping[str, Any]:
    try:
        values = json.loads(body) if isinstance(body, str) else None
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise UnreadableMessageError("the message is not a JSON object")
    return values


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise UnreadableMessageError(f"{name} is missing")
    return value
