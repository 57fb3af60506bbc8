"""A CloudFront distribution: its origins, behaviours, functions, and what it caches of errors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from diagnosis.series import NOT_LOOKED_UP, Missing

# Seconds for which an error is cached unless the distribution says otherwise (CloudFront developer guide,
# "How CloudFront processes and caches HTTP 4xx and 5xx status codes from your origin").
DEFAULT_ERROR_CACHING = 10.0

LOAD_BALANCER, CLASSIC, BUCKET, API, FUNCTION_URL, CUSTOM = (
    "load_balancer",
    "classic",
    "bucket",
    "api",
    "function_url",
    "custom",
)


@dataclass(frozen=True, slots=True)
class EdgeOrigin:
    """Where a distribution fetches what it has not cached; times in seconds.

    `kind` is load_balancer, classic, bucket, api, function_url or custom, as its domain name tells.
    `access` is the id of its origin access control, or its origin access identity. The defaults are
    CloudFront's (API reference, Origin and CustomOriginConfig).
    """

    id: str
    domain: str
    kind: str = CUSTOM
    protocol_policy: str | None = None
    read_timeout: float = 30.0
    connect_timeout: float = 10.0
    attempts: int = 3
    tls_protocols: tuple[str, ...] = ()
    access: str | None = None
    path: str = ""

    @property
    def speaks_tls(self) -> bool:
        """Whether the edge may speak TLS to it; with match-viewer it depends on the viewer."""
        return self.protocol_policy != "http-only"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Which requests go to which origin (several: a fail-over group), and the functions that run on the way.

    `functions` are names of CloudFront Functions, `lambda_functions` ARNs of Lambda@Edge versions.
    """

    pattern: str
    origins: tuple[str, ...]
    functions: tuple[str, ...] = ()
    lambda_functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """One statement of a bucket's policy; `sources` are all values of its conditions."""

    effect: str
    principals: tuple[str, ...]
    actions: tuple[str, ...]
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bucket:
    """The bucket behind an origin; `policy` is None where it has none."""

    name: str
    found: bool
    region: str | None = None
    policy: tuple[Grant, ...] | Missing | None = NOT_LOOKED_UP


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution; `error_caching` is seconds by status code, `buckets` are by the id of their origin.

    `additional_metrics` is None where it could not be read whether the rates by code are published.
    """

    id: str
    domain: str = ""
    arn: str = ""
    enabled: bool = True
    status: str = "Deployed"
    aliases: tuple[str, ...] = ()
    web_acl: str | None = None
    origins: tuple[EdgeOrigin, ...] = ()
    behaviours: tuple[Behaviour, ...] = ()
    error_caching: Mapping[str, float] = field(default_factory=dict)
    additional_metrics: bool | None = None
    last_modified: datetime | None = None
    buckets: Mapping[str, Bucket | Missing] = field(default_factory=dict)

    def caches_for(self, code: str) -> float:
        """For how many seconds at least an error of this status code is served again."""
        return self.error_caching.get(code, DEFAULT_ERROR_CACHING)

    def origin(self, id: str) -> EdgeOrigin | None:
        """The origin of that id."""
        return next((each for each in self.origins if each.id == id), None)

    @property
    def functions(self) -> tuple[str, ...]:
        """The CloudFront Functions of all behaviours, by name."""
        return tuple(dict.fromkeys(name for each in self.behaviours for name in each.functions))

    @property
    def lambda_functions(self) -> tuple[str, ...]:
        """The Lambda@Edge versions of all behaviours, by ARN."""
        return tuple(dict.fromkeys(arn for each in self.behaviours for arn in each.lambda_functions))

    def identifiers(self) -> Iterator[str]:
        """Everything by which a recorded change may name a part of this distribution."""
        yield from (self.id, self.arn, self.domain, *self.aliases, *self.functions, *self.lambda_functions)
        for origin in self.origins:
            yield from filter(None, (origin.domain, _bare(origin.access)))
        yield from (each.name for each in self.buckets.values() if isinstance(each, Bucket))

    def lets_in(self, origin: EdgeOrigin) -> bool | None:
        """Whether the bucket's policy lets this distribution read; None where that cannot be told.

        Without origin access control or identity the edge asks as anybody, which only a public bucket allows.
        """
        bucket = self.buckets.get(origin.id, NOT_LOOKED_UP)
        if isinstance(bucket, Missing) or isinstance(bucket.policy, Missing) or not bucket.found:
            return None
        granted = [each for each in bucket.policy or () if _reads(each) and self._is_meant(each, origin)]
        if any(each.effect == "Deny" and not each.sources for each in granted):
            return False
        return any(each.effect == "Allow" for each in granted)

    def _is_meant(self, grant: Grant, origin: EdgeOrigin) -> bool:
        everybody = "*" in grant.principals
        arns = [each for each in grant.sources if each.startswith("arn:aws:cloudfront:")]
        named = not arns or any(each in (self.arn, "*") or each.endswith("/*") for each in arns)
        identity = _bare(origin.access)
        service = "cloudfront.amazonaws.com" in grant.principals
        by_identity = bool(identity) and any(identity in each for each in grant.principals)
        return by_identity or ((everybody or service) and named)


def _reads(grant: Grant) -> bool:
    return any(each in {"s3:GetObject", "s3:*", "*", "s3:Get*", "s3:GetObject*"} for each in grant.actions)


def _bare(access: str | None) -> str:
    """The id in origin-access-identity/cloudfront/ID, or of an origin access control as it is."""
    return access.rsplit("/", 1)[-1] if access else ""
