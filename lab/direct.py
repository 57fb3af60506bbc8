"""Clients that ask the lab's answers directly, without the wire: what a collector reads, in a millisecond."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jmespath
from botocore.exceptions import ClientError
from botocore.session import get_session

from lab.errors import AwsError
from lab.wire import Answer, asking_region


class DirectClient:
    """Looks like a boto3 client for the operations that the lab answers itself."""

    def __init__(self, service: str, operations: Mapping[str, Answer], region: str | None = None) -> None:
        self._service = service
        self._region = region
        # boto3 spells GetWebACL get_web_acl, so only the letters tell.
        self._operations = {name.lower(): (name, answer) for name, answer in operations.items()}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation, answer = self._operation(name)

        def ask(**asked: Any) -> Any:
            asking_region.set(self._region)
            try:
                return answer(asked)
            except AwsError as error:
                told = {"Error": {"Code": error.code, "Message": error.message}}
                raise ClientError(told, operation) from error  # type: ignore[arg-type]

        return ask

    def get_paginator(self, name: str) -> _Paginator:
        """The pages of an operation."""
        operation, _ = self._operation(name)
        tokens = _pagination(self._service)[operation]
        return _Paginator(getattr(self, name), _texts(tokens["input_token"]), _texts(tokens["output_token"]))

    def _operation(self, name: str) -> tuple[str, Answer]:
        known = name.replace("_", "").lower()
        if known not in self._operations:
            raise NotImplementedError(f"the lab does not answer {self._service} {name} by itself")
        return self._operations[known]


@cache
def _pagination(service: str) -> Mapping[str, Mapping[str, Any]]:
    """How botocore finds the next page of each operation."""
    loader = get_session().get_component("data_loader")
    pages: Mapping[str, Mapping[str, Any]] = loader.load_service_model(service, "paginators-1")["pagination"]
    return pages


def _texts(token: str | list[str]) -> tuple[str, ...]:
    return (token,) if isinstance(token, str) else tuple(token)


@dataclass(frozen=True, slots=True)
class _Paginator:
    ask: Callable[..., Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def paginate(self, PaginationConfig: Mapping[str, int] | None = None, **asked: Any) -> _Pages:  # noqa: N803
        return _Pages(self, asked, (PaginationConfig or {}).get("MaxItems"))


@dataclass(frozen=True, slots=True)
class _Pages:
    paginator: _Paginator
    asked: Mapping[str, Any]
    most: int | None

    def __iter__(self) -> Iterator[Any]:
        page = self.paginator.ask(**self.asked)
        yield page
        while tokens := self._tokens(page):
            page = self.paginator.ask(**self.asked, **tokens)
            yield page

    def _tokens(self, page: Mapping[str, Any]) -> dict[str, Any]:
        found = (jmespath.search(token, page) for token in self.paginator.outputs)
        return {name: token for name, token in zip(self.paginator.inputs, found, strict=True) if token}

    def build_full_result(self) -> dict[str, Any]:
        """What is listed on all pages, with a token if it is more than was wanted."""
        pages = list(self)
        key = next(name for name, value in pages[0].items() if isinstance(value, list))
        found = [each for page in pages for each in page[key]]
        more = self.most is not None and len(found) > self.most
        return {key: found[: self.most]} | ({"NextToken": "more"} if more else {})
