"""Clients that ask the lab's answers directly, without the wire: what a collector reads, in a millisecond."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from lab.errors import AwsError
from lab.wire import Answer

_TOKENS = ("nextToken", "NextToken")


class DirectClient:
    """Looks like a boto3 client for the operations that the lab answers itself."""

    def __init__(self, operations: Mapping[str, Answer]) -> None:
        self._operations = operations

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = "".join(word.capitalize() for word in name.split("_"))
        answer = self._operations[operation]

        def ask(**asked: Any) -> Any:
            try:
                return answer(asked)
            except AwsError as error:
                told = {"Error": {"Code": error.code, "Message": error.message}}
                raise ClientError(told, operation) from error  # type: ignore[arg-type]

        return ask

    def get_paginator(self, name: str) -> _Paginator:
        """The pages of an operation."""
        return _Paginator(getattr(self, name))


@dataclass(frozen=True, slots=True)
class _Paginator:
    ask: Callable[..., Any]

    def paginate(self, PaginationConfig: Mapping[str, int] | None = None, **asked: Any) -> _Pages:  # noqa: N803
        return _Pages(self.ask, asked, (PaginationConfig or {}).get("MaxItems"))


@dataclass(frozen=True, slots=True)
class _Pages:
    ask: Callable[..., Any]
    asked: Mapping[str, Any]
    most: int | None

    def __iter__(self) -> Iterator[Any]:
        page = self.ask(**self.asked)
        yield page
        while token := next((token for token in _TOKENS if page.get(token)), None):
            page = self.ask(**self.asked, **{token: page[token]})
            yield page

    def build_full_result(self) -> dict[str, Any]:
        """What is listed on all pages, with a token if it is more than was wanted."""
        pages = list(self)
        key = next(name for name, value in pages[0].items() if isinstance(value, list))
        found = [each for page in pages for each in page[key]]
        more = self.most is not None and len(found) > self.most
        return {key: found[: self.most]} | ({"NextToken": "more"} if more else {})
