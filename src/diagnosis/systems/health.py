"""What AWS Health and the account's other alarms say."""

from dataclasses import dataclass
from datetime import datetime

from diagnosis.series import Missing

# AWS Health answers accounts with Business, Enterprise On-Ramp or Enterprise Support only (AWS Health API
# reference, Welcome). That is a state of the account and no gap in the evidence.
MAY_NOT_ASK = Missing("the account may not ask AWS Health (no Business or Enterprise Support plan)")


@dataclass(frozen=True, slots=True)
class HealthEvent:
    """One event of AWS Health; `service` and `code` are its words ("EC2", "AWS_EC2_OPERATIONAL_ISSUE").

    `region` may be "global". `zones` are zone ids or names as the event tells them. `end` is None while it
    goes on. `entities` are the account's resources that it names, `text` is the beginning of its newest
    description; both are bounded where they are read.
    """

    arn: str
    service: str
    code: str
    category: str = "issue"
    region: str | None = None
    zones: tuple[str, ...] = ()
    status: str = "open"
    start: datetime | None = None
    end: datetime | None = None
    updated: datetime | None = None
    entities: tuple[str, ...] | Missing = ()
    text: str | Missing = ""

    @property
    def id(self) -> str:
        """Its name among events."""
        return self.arn


@dataclass(frozen=True, slots=True)
class AlarmInAlarm:
    """Another alarm of the account and region that is in ALARM, and since when.

    `namespace` and `metric` are of the first metric that it watches; None for a composite alarm. `resource`
    is the value of the dimension that names what it watches, such as a load balancer, function or queue.
    """

    name: str
    since: datetime | None
    namespace: str | None = None
    metric: str | None = None
    resource: str | None = None
