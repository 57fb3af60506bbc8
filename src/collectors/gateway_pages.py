"""Lists of API Gateway, which come in pages with tokens of different names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from collectors.reading import Answer

SERVICE = "apigateway"
# Pages of 500 (API references); an account has 600 regional APIs unless its quota was raised.
PAGE, MOST_PAGES = 500, 4


def pages(ask: Callable[..., Answer], token: str, items: str, **asked: Any) -> list[Answer]:
    """What is listed on all pages, of very many only the first."""
    found: list[Answer] = []
    page = ask(**asked)
    found.extend(page.get(items, ()))
    for _ in range(MOST_PAGES - 1):
        if not page.get(token):
            break
        page = ask(**asked, **{token: page[token]})
        found.extend(page.get(items, ()))
    return found
