"""Pressing a button in Slack, as the Slack function's URL gets it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from lab.slack import SlackMessage, signature


def request(payload: Mapping[str, Any], at: datetime, secret: str) -> dict[str, Any]:
    """A Function URL event with a signed request of Slack's (payload format 2.0)."""
    body = urlencode({"payload": json.dumps(payload)})
    timestamp = int(at.timestamp())
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": str(timestamp),
            "x-slack-signature": signature(body, timestamp, secret),
        },
        "requestContext": {
            "http": {
                "method": "POST",
                "path": "/",
                "sourceIp": "198.51.100.9",
                "userAgent": "Slackbot 1.0",
            },
            "requestId": "lab",
            "timeEpoch": timestamp * 1000,
        },
        "body": body,
        "isBase64Encoded": False,
    }


def pressed(button: Mapping[str, Any], message: SlackMessage, user: str, slack: str) -> dict[str, Any]:
    """The payload of a pressed button (Slack's `block_actions`)."""
    block = next(one for one in message.blocks if button in one.get("elements", []))
    return {
        "type": "block_actions",
        "user": {"id": user, "username": "lab.person", "team_id": "T00000000"},
        "team": {"id": "T00000000", "domain": "lab"},
        "channel": {"id": "C00000000", "name": "alerts"},
        "container": {"type": "message", "message_ts": "1700000000.000100", "channel_id": "C00000000"},
        "message": {"ts": "1700000000.000100", "text": message.text, "blocks": list(message.blocks)},
        "response_url": f"{slack}/actions/T00000000/1/lab",
        "trigger_id": "1.2.3",
        "actions": [
            {
                "type": "button",
                "action_id": button["action_id"],
                "block_id": block.get("block_id", "b1"),
                "value": button.get("value", ""),
                "text": button["text"],
                "action_ts": "1700000001.000100",
            }
        ],
    }
