"""A web ACL: its rules, what they did minute by minute, and requests that it refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from diagnosis.series import NOT_LOOKED_UP, Metrics, Missing

# The kinds of rule that have causes of their own (AWS WAF developer guide, "Rule statements").
MANAGED, GROUP, RATE, GEO, IP_SET, OWN = "managed", "group", "rate", "geo", "ip set", "own"

# Values of the dimension Rule beside the rules' own metric names (AWS WAF developer guide, "Metrics").
EVERY_RULE, DEFAULT_ACTION = "ALL", "Default_Action"

SAMPLE, LOG_GROUP, BUCKET = "sampled requests", "CloudWatch Logs", "S3"


@dataclass(frozen=True, slots=True)
class WebAclRule:
    """One rule of a web ACL, in the order in which they are evaluated.

    `action` is block, allow, count, captcha or challenge; of a rule group it is "group", since each of its
    rules acts by itself, or "count" where all of them only count. `group` is the name of a managed rule group
    or the ARN of one's own; `version` is None where a managed group follows its vendor's default version.
    `response_code` is that of a custom response. `counted` are the group's rules that only count by an
    override. `refers_to` are the ARNs of rule groups, address lists and pattern sets that it uses.
    """

    name: str
    metric_name: str
    kind: str
    action: str
    vendor: str | None = None
    group: str | None = None
    version: str | None = None
    response_code: int | None = None
    limit: int | None = None
    countries: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    refers_to: tuple[str, ...] = ()
    sampled: bool = True

    @property
    def follows_vendor(self) -> bool:
        """Whether the vendor can change what it does without anybody here doing anything."""
        return self.kind == MANAGED and self.version is None


@dataclass(frozen=True, slots=True)
class BlockedRequest:
    """One request that was refused: by which rule of the web ACL, and by which rule inside a group.

    `uri` is the path, with the query string where the source has it. `signed_in` tells that it carried a
    cookie or an Authorization header, whose value is not kept. `weight` is how many requests it stands for,
    relative to the others (GetSampledRequests, Weight).
    """

    rule: str
    inner: str | None
    at: datetime
    client: str
    country: str | None
    method: str
    uri: str
    agent: str | None = None
    signed_in: bool = False
    weight: float = 1.0
    response_code: int | None = None


@dataclass(frozen=True, slots=True)
class BlockedRequests:
    """Blocked requests that were read from one source: those of a time, all of them or a part.

    `population` is how many requests, blocked or not, a sample was taken from.
    """

    source: str
    start: datetime
    end: datetime
    found: tuple[BlockedRequest, ...]
    complete: bool
    population: int | None = None


@dataclass(frozen=True, slots=True)
class WebAcl:
    """The web ACL in front of an entry point.

    `scope` is REGIONAL or CLOUDFRONT. The metrics have a rule's metric name as part, besides EVERY_RULE and
    DEFAULT_ACTION. `log_destination` is an ARN, None where logging is off. Blocked requests are read only
    when more were blocked than before.
    """

    arn: str
    name: str
    metric_name: str
    scope: str
    default_action: str
    rules: tuple[WebAclRule, ...]
    metrics: Metrics | Missing = NOT_LOOKED_UP
    log_destination: str | Missing | None = NOT_LOOKED_UP
    sampled: BlockedRequests | Missing = NOT_LOOKED_UP
    logged: BlockedRequests | Missing | None = NOT_LOOKED_UP

    @property
    def blocked(self) -> BlockedRequests | Missing:
        """The blocked requests to judge by: the log where it has more of them than the sample."""
        known = [each for each in (self.logged, self.sampled) if isinstance(each, BlockedRequests)]
        if known:
            return max(known, key=lambda each: len(each.found))
        return self.sampled

    def identifiers(self) -> Iterator[str]:
        """Everything by which a recorded change may name this web ACL or a part of it."""
        yield from (self.arn, self.name, self.arn.rsplit("/", 1)[-1])
        for rule in self.rules:
            for arn in rule.refers_to:
                yield from (arn, *arn.split("/")[-2:])
