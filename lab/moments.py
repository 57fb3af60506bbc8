"""Times as callers of AWS may write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from botocore.utils import parse_to_aware_datetime


def moment(value: Any) -> datetime:
    """A time given as datetime, text or epoch seconds, in UTC (botocore takes all of them)."""
    parsed: datetime = parse_to_aware_datetime(value)
    return parsed.astimezone(UTC)


def text(value: datetime, *, timespec: str = "milliseconds") -> str:
    """A time as CloudWatch writes it inside an alarm's state: 2019-10-02T17:04:40.989+0000."""
    return value.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "+0000")


def zulu(value: datetime) -> str:
    """A time in whole seconds with Z, as in an event's envelope."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
