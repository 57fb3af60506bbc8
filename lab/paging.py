"""Paging as AWS does it: opaque tokens that stand for an offset."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypeVar

from lab.errors import AwsError

T = TypeVar("T")


def page(items: Sequence[T], token: str | None, size: int, bad_token: str) -> tuple[list[T], str | None]:
    """One page of the items and the token for the next; a made-up token is the error `bad_token`."""
    start = _offset(token, bad_token)
    end = start + size
    following = token_for(end) if end < len(items) else None
    return list(items[start:end]), following


def token_for(offset: int) -> str:
    """The token that stands for an offset."""
    return base64.b64encode(f"offset:{offset}".encode()).decode()


def _offset(token: str | None, bad_token: str) -> int:
    if not token:
        return 0
    try:
        return int(base64.b64decode(token).decode().removeprefix("offset:"))
    except ValueError:
        raise AwsError(bad_token, "The token is not valid") from None
