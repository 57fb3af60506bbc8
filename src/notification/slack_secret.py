"""The secret that leads to Slack: a webhook's address or a bot's token, and what signs pressed buttons."""

import ipaddress
import json
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from notification.message import Sent

PERMISSIONS = ("secretsmanager:GetSecretValue",)

# Slack's own hosts for webhooks and response URLs; GovSlack has its own.
HOOK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
CHANNEL = "slack"


@dataclass(frozen=True, slots=True)
class SlackSecret:
    """Nothing of it is ever shown, not even by repr."""

    webhook_url: str | None = field(default=None, repr=False)
    bot_token: str | None = field(default=None, repr=False)
    channel: str | None = field(default=None, repr=False)
    api_url: str | None = field(default=None, repr=False)
    signing_secret: str | None = field(default=None, repr=False)

    @property
    def interactive(self) -> bool:
        """Whether pressed buttons can be believed: only a signed request is."""
        return self.signing_secret is not None


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why the secret leads nowhere; the reason holds nothing of it."""

    reason: str

    def sent(self) -> Sent:
        return Sent(CHANNEL, ok=False, detail=self.reason)


def parse(text: str) -> SlackSecret | Unusable:
    """The secret from its JSON text (contract, stack.md: SlackSecretArn)."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return Unusable("The Slack secret is not JSON.")
    if not isinstance(values, dict):
        return Unusable("The Slack secret is not a JSON object.")
    names = ("webhook_url", "bot_token", "channel", "api_url", "signing_secret")
    given = {name: values[name].strip() for name in names if _given(values.get(name))}
    return _checked(SlackSecret(**given))


def _given(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _checked(secret: SlackSecret) -> SlackSecret | Unusable:
    if secret.webhook_url:
        reason = hook_refused(secret.webhook_url)
        return Unusable(f"The Slack secret's webhook_url is refused: {reason}") if reason else secret
    if not secret.bot_token or not secret.channel:
        return Unusable("The Slack secret has neither webhook_url nor bot_token and channel.")
    if secret.api_url and not is_loopback(secret.api_url):
        return Unusable("The Slack secret's api_url is refused: it is not a loopback address.")
    return secret


def hook_refused(url: str) -> str | None:
    """Why no request may go to this address, or None: only Slack's hosts by https, and loopback for tests.

    A message must not be sent to whatever host somebody wrote into a secret or a request.
    """
    if is_loopback(url):
        return None
    parts = _split(url)
    if parts is None or parts.scheme != "https" or "@" in parts.netloc:
        return "it is not an https address."
    if parts.netloc.lower().removesuffix(":443") not in HOOK_HOSTS:
        return "its host is not Slack's."
    return None


def is_loopback(url: str) -> bool:
    """Whether the address is http on this very machine, as the tests' server is."""
    parts = _split(url)
    if parts is None or parts.scheme != "http" or "@" in parts.netloc or not parts.hostname:
        return False
    try:
        return ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return parts.hostname == "localhost"


def _split(url: str) -> SplitResult | None:
    """The parts of an address of printable ASCII; None for anything that parsers might read in two ways."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port != 0
    except ValueError:
        return None
    return parts if port_is_valid else None
