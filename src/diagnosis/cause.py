"""What a cause is: a mechanism that makes errors, how to recognise it, and what to do about it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from diagnosis.changes import Effect
from diagnosis.facts import Facts

LOAD_BALANCERS = frozenset({"alb", "clb"})
EVERYWHERE = LOAD_BALANCERS | {"apigateway", "cloudfront"}


class Origin(StrEnum):
    """Who wrote the response that the client saw (contract, causes.md)."""

    LOAD_BALANCER = "load_balancer"
    TARGET = "target"
    CLIENT = "client"
    WAF = "waf"
    GATEWAY = "gateway"
    EDGE = "edge"
    UNKNOWN = "unknown"


class Owner(StrEnum):
    """Who usually puts such a thing right."""

    APPLICATION = "the team of the application"
    PLATFORM = "the platform team"
    NETWORK = "the network team"
    SECURITY = "the security team"
    IDENTITY = "the identity team"
    CLIENTS = "the clients' owners"
    PROVIDER = "AWS Support"


class Look(StrEnum):
    """Where a check is made; `looks.where` turns it into the command or address for the very resource."""

    ALARM = "the alarm"
    METRICS = "the metrics around the onset"
    ENTRY_POINT = "the entry point"
    ATTRIBUTES = "the load balancer's attributes"
    LISTENERS = "listeners and rules"
    CERTIFICATES = "certificates"
    TARGETS = "the targets' health"
    TARGET_GROUP = "the target group's settings"
    SCALING = "scaling activities"
    NETWORK_CHANGES = "changes of the network"
    CHANGES = "all changes"
    DEPLOYMENTS = "deployments"
    LOGS = "logs"
    WEB_ACL = "the web ACL"
    BLOCKED_REQUESTS = "blocked requests"
    FUNCTION = "the function's settings"
    FUNCTION_LOG = "the function's log"
    CONCURRENCY = "the function's concurrency"
    SERVICE = "the ECS service"
    STOPPED_TASKS = "stopped tasks"
    STAGE = "the API's stage"
    ROUTES = "the API's routes"
    DISTRIBUTION = "the distribution's settings"
    BUCKET = "the bucket's policy"
    HEALTH = "AWS Health"


class Check(NamedTuple):
    """One thing to look at first: what to do, and where."""

    sentence: str
    look: Look


class Retry(StrEnum):
    """Whether callers may send again what failed (causes facts, column "retry")."""

    SAFE = "Safe: the request never reached the application."
    IF_IDEMPOTENT = "Only if the operation is idempotent: the request may have been processed."
    NOT_UNCHANGED = "Not unchanged: the same request will be refused again."
    UNKNOWN = "Unknown: treat failed requests as possibly processed."


@dataclass(frozen=True, slots=True)
class Signal:
    """One fact weighed: log-odds (natural logarithm) for the cause if positive, against it if negative.

    `source` names where the fact was read, e.g. "CloudWatch HTTPCode_ELB_502_Count".
    """

    weight: float
    statement: str
    source: str


@dataclass(frozen=True, slots=True)
class Case:
    """An example of the cause, or of a neighbour that it must not claim: only what differs from a quiet
    service.

    `incident` has the keys of a scenario (tests/scenarios/README.md); timelines count from the alarm.
    """

    title: str
    fires: bool
    incident: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause of the contract's list, complete in its file.

    `prior` is the log-odds before any evidence. `needs` names the fields of the evidence without which it
    cannot be judged.
    `examine` yields signals; it reads facts and nothing else. `onset_after_deployment_minutes` says how long
    after its end
    a deployment may still be what set this off. `triggers` gives the log-odds that this mechanism lends to
    each kind of
    trigger (0.0 where silent), `touched_by` the kinds of change that can produce it. `grows_with_rollout` is
    False where the
    replacement of targets itself makes the errors and not the version they run. `systems` are the kinds of
    entry point whose errors
    it can explain. `short` is the noun phrase for the chain of systems ("the listener's certificate"), and
    `component` names what is
    at fault: a function, a route, an origin, a rule (the worst target group if it is None).
    """

    code: str
    origin: Origin
    title: str
    why: str
    prior: float
    needs: tuple[str, ...]
    examine: Callable[[Facts], Iterable[Signal]]
    first_look: tuple[Check, ...]
    prevention: str
    retry: Retry
    rollback_helps: bool
    sources: tuple[str, ...]
    cases: tuple[Case, ...]
    known_problems: str = ""
    onset_after_deployment_minutes: float = 4.0
    triggers: Mapping[str, float] = field(default_factory=dict)
    touched_by: tuple[Effect, ...] = ()
    grows_with_rollout: bool = True
    systems: frozenset[str] = LOAD_BALANCERS
    owner: Owner = Owner.APPLICATION
    short: str = ""
    component: Callable[[Facts], str | None] | None = None
