"""A request from Slack, believed only with Slack's signature: who pressed which button of which message.

The signature proves that Slack sent it, not that the person may do what the button says: the handler decides.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from slack_sdk.signature import Clock, SignatureVerifier

from notification.slack_secret import hook_refused

ACTIONS = frozenset({"approve", "reject", "veto"})
LONGEST_BODY = 200_000
LONGEST_WORD = 256


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the request is not acted on, with the HTTP status to answer and where the person can be told."""

    reason: str
    status: int = 400
    response_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Interaction:
    """A pressed button. `response_url` is set only if its host is Slack's; it is a secret, so never shown."""

    action: str
    incident_id: str
    deployment_id: str | None
    user_id: str
    user_name: str
    team_id: str
    channel_id: str
    message_ts: str | None
    expires_at: datetime | None
    response_url: str | None = field(repr=False)


def read(
    headers: Mapping[str, str], body: str, *, is_base64: bool, signing_secret: str, now: datetime
) -> Interaction | Refused:
    """The interaction, if it is signed, not older than five minutes, and one of our buttons.

    An approval after the button's expiry is refused; a rejection or a veto never is, since it is always safe.
    """
    raw = _decoded(body, is_base64)
    if raw is None:
        return Refused("The body cannot be read.")
    if not _signed(headers, raw, signing_secret, now):
        return Refused("The signature is not Slack's, or it is too old.", status=401)
    payload = _payload(raw)
    if payload is None:
        return Refused("The request holds no interaction.")
    interaction = _interaction(payload)
    if isinstance(interaction, Interaction) and _stale_approval(interaction, now):
        return Refused("This button is too old; look at the incident again.", 200, interaction.response_url)
    return interaction


class _At(Clock):
    """The clock of one request."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> float:
        return self._now.timestamp()


def _decoded(body: str, is_base64: bool) -> str | None:
    """The body as Slack signed it; a Function URL may deliver it as base64."""
    if len(body) > LONGEST_BODY:
        return None
    if not is_base64:
        return body
    try:
        return base64.b64decode(body, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None


def _signed(headers: Mapping[str, str], raw: str, signing_secret: str, now: datetime) -> bool:
    """Whether Slack signed it. A time-stamp or signature that is not plain ASCII makes slack_sdk raise."""
    try:
        return SignatureVerifier(signing_secret, _At(now)).is_valid_request(raw, dict(headers))
    except (ValueError, TypeError):
        return False


def _payload(raw: str) -> Mapping[str, Any] | None:
    try:
        fields = parse_qs(raw, strict_parsing=True, max_num_fields=10)
        payload = json.loads(fields["payload"][0])
    except (ValueError, KeyError, RecursionError):
        return None
    return payload if isinstance(payload, dict) and payload.get("type") == "block_actions" else None


def _interaction(payload: Mapping[str, Any]) -> Interaction | Refused:
    response_url = _response_url(payload)
    action = _first(payload.get("actions"))
    value = _value(action.get("value"))
    name, incident_id = _word(action.get("action_id")), _word(value.get("incident_id"))
    user_id = _word(_inner(payload, "user").get("id"))
    if name not in ACTIONS or not incident_id or not user_id:
        return Refused("This is none of our buttons.", 200, response_url)
    return Interaction(
        action=name,
        incident_id=incident_id,
        deployment_id=_word(value.get("deployment_id")) or None,
        user_id=user_id,
        user_name=_word(_inner(payload, "user").get("username")) or user_id,
        team_id=_word(_inner(payload, "team").get("id")),
        channel_id=_word(_inner(payload, "channel").get("id")),
        message_ts=_word(_inner(payload, "message").get("ts")) or None,
        expires_at=_moment(value.get("expires_at")),
        response_url=response_url,
    )


def _stale_approval(interaction: Interaction, now: datetime) -> bool:
    """A button without a readable expiry counts as expired."""
    expires_at = interaction.expires_at
    return interaction.action == "approve" and (expires_at is None or now > expires_at)


def _first(actions: object) -> Mapping[str, Any]:
    if isinstance(actions, list) and len(actions) == 1 and isinstance(actions[0], dict):
        return actions[0]
    return {}


def _value(text: object) -> Mapping[str, Any]:
    try:
        value = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _inner(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = payload.get(name)
    return value if isinstance(value, dict) else {}


def _word(value: object) -> str:
    """A short printable text, else empty."""
    usable = isinstance(value, str) and len(value) <= LONGEST_WORD and value.isprintable()
    return str(value) if usable else ""


def _response_url(payload: Mapping[str, Any]) -> str | None:
    url = payload.get("response_url")
    return url if isinstance(url, str) and hook_refused(url) is None else None


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo else None
