"""The one place that reads the environment, makes boto3 clients and knows the time."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from threading import Lock
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from diagnosis.settings import RollbackMode, Settings, SeverityLimits
from handlers import timestamps
from notification.message import Mouth
from notification.slack import SlackMouth
from notification.slack_secret import SlackSecret, Unusable, parse
from notification.sns import SnsMouth
from remediation.incidents import Incidents
from remediation.kept_evidence import KeptEvidence
from remediation.ledger import Ledger
from remediation.queues import Queues
from remediation.table import Table

LONGEST_VETO_SECONDS = 900
SECRET_LASTS_SECONDS = 300.0
# One slow service must not use up the function's time: botocore's own defaults are a minute each way.
_PATIENT = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=20,
)
# State and secrets answer in milliseconds or not at all.
_BRISK = _PATIENT.merge(
    Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
)
_BRISK_SERVICES = frozenset({"dynamodb", "secretsmanager", "sqs", "ssm"})


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Wiring:
    """Everything outside, made when it is first asked for and kept while the function is warm."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        now: Callable[[], datetime] = utc_now,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._environment = environment
        self.now = now
        self.seconds = seconds
        self._session: Any = None
        self._clients: dict[tuple[str, str | None], Any] = {}
        self._making = Lock()
        self._secret: tuple[float, SlackSecret | Unusable] | None = None

    def settings(self) -> Settings:
        """The stack's parameters as they are now; what cannot be read allows the least."""
        return Settings(
            mode=self._mode(),
            veto_seconds=int(self._number("ROLLBACK_VETO_SECONDS", 60, 0, LONGEST_VETO_SECONDS)),
            minimum_confidence=self._number("ROLLBACK_MINIMUM_CONFIDENCE", 1.0, 0.0, 1.0),
            alarm_name_prefix=self._environment.get("ALARM_NAME_PREFIX", ""),
            severity=self._severity_limits(),
        )

    def _severity_limits(self) -> SeverityLimits:
        usual = SeverityLimits()
        return SeverityLimits(
            p1_error_share=self._percent("SEVERITY_P1_ERROR_PERCENT", usual.p1_error_share),
            p2_error_share=self._percent("SEVERITY_P2_ERROR_PERCENT", usual.p2_error_share),
            p1_spike_per_minute=self._number(
                "SEVERITY_P1_SPIKE_PER_MINUTE", usual.p1_spike_per_minute, 1.0, 1e9
            ),
            p1_lost_share=self._percent("SEVERITY_P1_LOST_PERCENT", usual.p1_lost_share),
        )

    def _percent(self, name: str, otherwise: float) -> float:
        """A share, 0 to 1, from a percentage."""
        return self._number(name, 100 * otherwise, 0.0, 100.0) / 100

    def _mode(self) -> RollbackMode:
        named = self._environment.get("ROLLBACK_MODE", "")
        return next((mode for mode in RollbackMode if mode.value == named), RollbackMode.RECOMMEND)

    def _number(self, name: str, otherwise: float, least: float, most: float) -> float:
        try:
            number = float(self._environment.get(name, otherwise))
        except ValueError:
            return otherwise
        return min(max(number, least), most) if math.isfinite(number) else otherwise

    @property
    def region(self) -> str | None:
        """The region of the stack."""
        return self._environment.get("AWS_REGION") or self._environment.get("AWS_DEFAULT_REGION")

    def client(self, service: str, region: str | None = None) -> Any:
        """The client of a service, in the stack's region unless another is named; made once."""
        key = (service, region or self.region)
        with self._making:
            if key not in self._clients:
                config = _BRISK if service in _BRISK_SERVICES else _PATIENT
                self._clients[key] = self._shared_session().client(service, region_name=key[1], config=config)
            return self._clients[key]

    def _shared_session(self) -> Any:
        """One session: the parsed service models are its, and dear (tooling facts, cold start)."""
        if self._session is None:
            from boto3.session import Session
            from botocore.session import get_session

            core = get_session()
            core.get_component("response_parser_factory").set_parser_defaults(
                timestamp_parser=timestamps.parse
            )
            self._session = Session(botocore_session=core)
        return self._session

    @property
    def table_name(self) -> str:
        return self._environment["TABLE_NAME"]

    def incidents(self) -> Incidents:
        return Incidents(Table(self.client("dynamodb"), self.table_name))

    def kept_evidence(self) -> KeptEvidence:
        return KeptEvidence(Table(self.client("dynamodb"), self.table_name))

    def ledger(self) -> Ledger:
        return Ledger(Table(self.client("dynamodb"), self.table_name))

    def queues(self) -> Queues:
        return Queues(
            self.client("sqs"),
            rollback_url=self._environment.get("ROLLBACK_QUEUE_URL", ""),
            follow_up_url=self._environment.get("FOLLOW_UP_QUEUE_URL", ""),
        )

    @property
    def kill_switch_parameter(self) -> str:
        return self._environment.get("KILL_SWITCH_PARAMETER", "/gateway-triage/rollback-enabled")

    def mouths(self, time_left: Callable[[], float]) -> tuple[Mouth, ...]:
        """Every channel to people that the stack has; `time_left` is in seconds."""
        sns = SnsMouth(self.client("sns"), self._environment["TOPIC_ARN"])
        if not self._environment.get("SLACK_SECRET_ARN"):
            return (sns,)
        return (sns, SlackMouth(self.slack_secret, time_left))

    def slack_secret(self) -> SlackSecret | Unusable:
        """The secret that leads to Slack, kept for five minutes so that a new one is taken up."""
        kept = self._secret
        if kept and self.seconds() - kept[0] < SECRET_LASTS_SECONDS:
            return kept[1]
        read = self._read_secret()
        if isinstance(read, SlackSecret):
            self._secret = (self.seconds(), read)
        return read

    def _read_secret(self) -> SlackSecret | Unusable:
        arn = self._environment.get("SLACK_SECRET_ARN")
        if not arn:
            return Unusable("No Slack secret is set up.")
        try:
            answer = self.client("secretsmanager").get_secret_value(SecretId=arn)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown error")
            return Unusable(f"The Slack secret could not be read: {code}")
        except BotoCoreError as error:
            return Unusable(f"The Slack secret could not be read: {type(error).__name__}")
        return parse(answer.get("SecretString", ""))


class Deadline:
    """How long this invocation may still run."""

    UNKNOWN_SECONDS = 60.0

    def __init__(self, context: object, seconds: Callable[[], float]) -> None:
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        self._seconds = seconds
        self._ends = seconds() + (remaining() / 1000 if callable(remaining) else self.UNKNOWN_SECONDS)

    def left(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._ends - self._seconds())


@cache
def live() -> Wiring:
    """The wiring of this very function; `live.cache_clear()` forgets its clients."""
    return Wiring(os.environ)
