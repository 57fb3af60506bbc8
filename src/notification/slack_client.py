"""Talking to Slack through slack_sdk: within the time left, and without a word of the secret in any log.

Importing this module imports slack_sdk, so it is imported only when there is something to send.
"""

import logging
import re
from collections.abc import Callable
from http.client import HTTPException
from typing import Any

from slack_sdk import WebClient, WebhookClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry import RetryHandler
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState

from notification.message import Sent
from notification.slack_message import Rendered
from notification.slack_secret import CHANNEL, SlackSecret, hook_refused, is_loopback

# Slack's answers that mean: not these blocks (slack-sns facts, section 2). The words alone may still pass.
BAD_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "invalid_payload", "msg_blocks_too_long"})
TIMEOUT_SECONDS = 3
MOST_RETRIES = 2
# What the handlers of slack_sdk wait before a second or third attempt, with their jitter, at most.
LONGEST_BACKOFF_SECONDS = 2.0

# slack_sdk writes the webhook's address, a secret, into its log at INFO and DEBUG, and takes a logger without
# a level of its own for DEBUG. This one stands alone, so no setting of others can make it speak.
_SILENT = logging.Logger("slack_sdk, silenced", level=logging.CRITICAL + 1)  # noqa: LOG001 # see above

# What goes wrong between here and Slack: the network (URLError is an OSError), HTTP, an unreadable answer.
_TROUBLE = (SlackClientError, OSError, HTTPException, ValueError, LookupError)
_WORD = re.compile(r"[a-z_]{1,60}")


class WithinTimeLeft(RetryHandler):
    """A handler of slack_sdk that gives up if its wait and another attempt do not fit into the time left."""

    def __init__(self, handler: RetryHandler, time_left: Callable[[], float]) -> None:
        super().__init__(max_retry_count=MOST_RETRIES)
        self._handler = handler
        self._time_left = time_left

    def can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if not self._handler.can_retry(state=state, request=request, response=response, error=error):
            return False
        wait = _asked_wait(response)
        return wait is not None and wait + TIMEOUT_SECONDS <= self._time_left()

    def prepare_for_next_attempt(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        self._handler.prepare_for_next_attempt(state=state, request=request, response=response, error=error)


def post(secret: SlackSecret, message: Rendered, thread: str | None, time_left: Callable[[], float]) -> Sent:
    """Sends by the webhook or the bot that the secret names; trouble is in the answer, never raised."""
    try:
        if secret.webhook_url:
            return _by_webhook(secret.webhook_url, message, time_left)
        return _by_bot(secret, message, thread, time_left)
    except SlackApiError as error:
        return Sent(CHANNEL, ok=False, detail=_refusal(error))
    except _TROUBLE as error:
        return Sent(CHANNEL, ok=False, detail=_described(error))


def reply(response_url: str, text: str, time_left: Callable[[], float], *, replace: bool = False) -> Sent:
    """Answers a pressed button at the address that came with it, if that is Slack's."""
    reason = hook_refused(response_url)
    if reason:
        return Sent(CHANNEL, ok=False, detail=f"The response_url is refused: {reason}")
    body = {"text": text, "response_type": "in_channel", "replace_original": replace}
    try:
        return _answer(*_send(response_url, body, time_left))
    except _TROUBLE as error:
        return Sent(CHANNEL, ok=False, detail=_described(error))


def _by_webhook(url: str, message: Rendered, time_left: Callable[[], float]) -> Sent:
    body: dict[str, Any] = {"text": message.text, "unfurl_links": False, "unfurl_media": False}
    if not message.blocks:
        return _answer(*_send(url, body, time_left))
    status, answer = _send(url, {**body, "blocks": message.blocks}, time_left)
    if answer not in BAD_BLOCKS:
        return _answer(status, answer)
    return _second_attempt(_answer(*_send(url, body, time_left)), answer)


def _send(url: str, body: dict[str, Any], time_left: Callable[[], float]) -> tuple[int, str]:
    client = WebhookClient(
        url, timeout=_timeout(time_left), logger=_SILENT, retry_handlers=_handlers(time_left)
    )
    if is_loopback(url):
        client.proxy = None  # taken from the environment, but a proxy's loopback is another machine's
    response = client.send_dict(body)
    return response.status_code, (response.body or "").strip()


def _by_bot(
    secret: SlackSecret, message: Rendered, thread: str | None, time_left: Callable[[], float]
) -> Sent:
    try:
        return _post_message(secret, message.text, message.blocks, thread, time_left)
    except SlackApiError as error:
        word = _refusal(error)
        if word not in BAD_BLOCKS or not message.blocks:
            raise
    return _second_attempt(_post_message(secret, message.text, [], thread, time_left), word)


def _post_message(
    secret: SlackSecret,
    text: str,
    blocks: list[dict[str, Any]],
    thread: str | None,
    time_left: Callable[[], float],
) -> Sent:
    client = WebClient(
        token=secret.bot_token,
        base_url=secret.api_url or WebClient.BASE_URL,
        timeout=_timeout(time_left),
        logger=_SILENT,
        retry_handlers=_handlers(time_left),
    )
    if secret.api_url:
        client.proxy = None
    answer = client.chat_postMessage(
        channel=secret.channel or "",
        text=text,
        blocks=blocks or None,
        thread_ts=thread,
        unfurl_links=False,
        unfurl_media=False,
    )
    return Sent(CHANNEL, ok=True, thread=answer.get("ts"))


def _second_attempt(sent: Sent, refused: str) -> Sent:
    how = f"sent as plain text, since Slack refused the blocks ({refused})"
    return Sent(CHANNEL, sent.ok, how if sent.ok else sent.detail, sent.thread)


def _handlers(time_left: Callable[[], float]) -> list[RetryHandler]:
    kinds = (RateLimitErrorRetryHandler, ConnectionErrorRetryHandler, ServerErrorRetryHandler)
    return [WithinTimeLeft(kind(max_retry_count=MOST_RETRIES), time_left) for kind in kinds]


def _timeout(time_left: Callable[[], float]) -> int:
    return max(1, min(TIMEOUT_SECONDS, int(time_left())))


def _asked_wait(response: HttpResponse | None) -> float | None:
    """Seconds until the next attempt: what Slack asks for and a second of jitter; None if unreadable."""
    if response is None or response.status_code != 429:
        return LONGEST_BACKOFF_SECONDS
    named = {name.lower(): value for name, value in response.headers.items()}
    asked = named.get("retry-after", ["1"])[0]
    return int(asked) + 1.0 if asked.isascii() and asked.isdigit() and len(asked) < 6 else None


def _answer(status: int, answer: str) -> Sent:
    """A webhook answers 200 and `ok`, or another status and one word that says why."""
    if status == 200:
        return Sent(CHANNEL, ok=True)
    return Sent(CHANNEL, ok=False, detail=f"HTTP {status}{': ' + answer if _WORD.fullmatch(answer) else ''}")


def _refusal(error: SlackApiError) -> str:
    """The word with which Slack refuses, such as channel_not_found."""
    response = error.response
    word = response.get("error") if hasattr(response, "get") else None
    if isinstance(word, str) and _WORD.fullmatch(word):
        return word
    return f"HTTP {getattr(response, 'status_code', 'unknown')}"


def _described(error: BaseException) -> str:
    """Only the kinds of the errors: their texts may hold the address."""
    reason = getattr(error, "reason", None)
    inner = f" ({type(reason).__name__})" if isinstance(reason, BaseException) else ""
    return f"{type(error).__name__}{inner}"
