"""Reading JSON that somebody else wrote: each function takes any value; a misfit becomes None or empty."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

# Control characters, lone surrogates and marks that reverse the direction of text: no AWS name has them,
# and some make the services that carry our messages refuse them. Tab and line feed may stay.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

# CloudWatch began in May 2009. Times far outside cannot be alarms, and arithmetic on them would overflow.
_EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def text(value: object, limit: int = 2048) -> str | None:
    """The string, printable and cut at `limit` characters; None if it is empty or no string."""
    if not isinstance(value, str):
        return None
    return _UNPRINTABLE.sub("\ufffd", value[:limit]).strip() or None


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def number(value: object) -> float | None:
    """The value as a finite float; True and False are not numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        converted = float(value)
    except OverflowError:
        return None
    return converted if math.isfinite(converted) else None


def moment(value: object) -> datetime | None:
    """An ISO 8601 time, in UTC: `2019-10-02T17:04:40.989+0000` as well as `2019-10-02T17:04:40Z`."""
    written = text(value, 64)
    if written is None:
        return None
    try:
        parsed = datetime.fromisoformat(written)
        aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        result = aware.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return result if _EARLIEST <= result < _LATEST else None


def decoded(value: object) -> object:
    """What a JSON text says, or None if it is none; a value that is no string counts as decoded already."""
    if not isinstance(value, str):
        return value
    try:
        result: object = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return result


def first(source: Mapping[str, Any], *names: str) -> Any:
    """The first of several spellings of a field that is there and not null."""
    return next((source[name] for name in names if source.get(name) is not None), None)
