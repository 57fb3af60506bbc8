"""An API of API Gateway: its stages, what stands behind its routes, who is let in, and what its log says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from diagnosis.series import NOT_LOOKED_UP, Missing

REST, HTTP, WEBSOCKET = "rest", "http", "websocket"
# What an integration may be: a function, an address, an address in a VPC, an AWS service, or nothing at all.
LAMBDA, ADDRESS, VPC_LINK, SERVICE, MOCK = "lambda", "http", "vpc_link", "aws", "mock"
# Milliseconds an integration may take unless it says otherwise (API Gateway developer guide, quotas).
USUAL_LIMIT = {REST: 29_000, HTTP: 30_000, WEBSOCKET: 29_000}


@dataclass(frozen=True, slots=True)
class Limit:
    """Throttling by token bucket: requests a second, and how many may come at once."""

    rate: float
    burst: int | None = None


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Where the access log of a stage goes and what it says: `fields` maps $context variables to the keys
    that hold them (outer.inner), None where the format cannot be read by meaning.
    """

    log_group: str | None
    fields: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage: what is deployed to it and since when, and its limits.

    `lost_routes` were in the deployment before this one and are not in it; it is Missing where that was not
    or could not be compared. `updated` is when any setting of the stage was last changed.
    """

    name: str
    deployment: str | None = None
    deployed: datetime | None = None
    updated: datetime | None = None
    lost_routes: tuple[str, ...] | Missing = NOT_LOOKED_UP
    limit: Limit | None = None
    route_limits: Mapping[str, Limit] = field(default_factory=dict)
    detailed_metrics: bool = False
    log: LogSettings | None = None
    web_acl: str | None = None


@dataclass(frozen=True, slots=True)
class Integration:
    """What answers a route: a function (its name, its alias or version) or an address (host name or ARN).

    `authorization` is what callers are asked for: NONE, AWS_IAM, CUSTOM, JWT, COGNITO_USER_POOLS or API_KEY.
    """

    route: str
    kind: str
    limit_milliseconds: int
    function: str | None = None
    qualifier: str | None = None
    address: str | None = None
    authorization: str = "NONE"
    authorizer: str | None = None


@dataclass(frozen=True, slots=True)
class Authorizer:
    """Who decides on callers: a function, or an issuer of tokens (JWT, Cognito user pool)."""

    id: str
    name: str
    kind: str
    function: str | None = None
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class UsagePlan:
    """Limits for the holders of certain API keys; `quota` is requests a period (DAY, WEEK or MONTH)."""

    id: str
    name: str
    limit: Limit | None = None
    quota: int | None = None
    period: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """How many requests of one minute were answered alike, as the access log tells it.

    `response_type` is the gateway response (THROTTLED, INTEGRATION_TIMEOUT ...) and None where the
    integration answered; `integration_status` is the integration's own code, None where there is none.
    """

    minute: datetime
    status: int
    count: int
    response_type: str | None = None
    integration_status: int | None = None
    route: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class AccessLog:
    """The failed requests of the access log from `since` on, newest first as far as `lines` reach.

    `truncated` means that there were more; `unreadable` lines did not keep to the stage's format. `sources`
    and `paths` count distinct callers and paths, None where the format does not tell them.
    """

    since: datetime
    lines: int
    truncated: bool
    answers: tuple[Answered, ...]
    unreadable: int = 0
    sources: int | None = None
    paths: int | None = None


@dataclass(frozen=True, slots=True)
class Api:
    """One API. `stage` is the one that the alarm is about, None if it is about all.

    `namesakes` are further REST APIs of the same name: CloudWatch adds their figures up under the name.
    `account_limit` is what all APIs of the account and region share.
    """

    id: str
    name: str
    kind: str
    stage: str | None = None
    namesakes: tuple[str, ...] = ()
    stages: tuple[Stage, ...] | Missing = NOT_LOOKED_UP
    integrations: tuple[Integration, ...] | Missing = NOT_LOOKED_UP
    authorizers: tuple[Authorizer, ...] | Missing = NOT_LOOKED_UP
    usage_plans: tuple[UsagePlan, ...] | Missing = NOT_LOOKED_UP
    account_limit: Limit | Missing = NOT_LOOKED_UP
    access_log: AccessLog | Missing = NOT_LOOKED_UP

    @property
    def known_integrations(self) -> tuple[Integration, ...]:
        """Those that could be read."""
        return () if isinstance(self.integrations, Missing) else self.integrations

    @property
    def known_stages(self) -> tuple[Stage, ...]:
        """The stage that the alarm is about, or all."""
        stages = () if isinstance(self.stages, Missing) else self.stages
        return tuple(each for each in stages if self.stage in (None, each.name))

    @property
    def known_authorizers(self) -> tuple[Authorizer, ...]:
        """Those that could be read."""
        return () if isinstance(self.authorizers, Missing) else self.authorizers

    def identifiers(self) -> Iterator[str]:
        """What changes may call it or a part of it, besides its functions, which are known by themselves."""
        yield from (each.id for each in self.known_authorizers)
        yield from (each.issuer for each in self.known_authorizers if each.issuer)
        yield from () if isinstance(self.usage_plans, Missing) else (each.id for each in self.usage_plans)
        yield from (each.web_acl for each in self.known_stages if each.web_acl)
        yield from self.origins

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of the functions behind the routes, then those that authorize callers, each once."""
        behind = (each.function for each in self.known_integrations)
        deciding = (each.function for each in self.known_authorizers)
        return tuple(dict.fromkeys(name for name in (*behind, *deciding) if name))

    @property
    def origins(self) -> tuple[str, ...]:
        """The addresses behind the routes, each once: host names, or ARNs of load balancers and listeners."""
        return tuple(dict.fromkeys(each.address for each in self.known_integrations if each.address))
