"""What a scenario says of an API, and what each kind of failure looks like from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.timeline import Timeline

API_KINDS = ("rest", "http", "websocket")
INTEGRATION_KINDS = ("lambda", "http", "vpc_link", "aws", "mock")
AUTHORIZER_KINDS = ("function", "jwt", "cognito")
USUAL_TIMEOUT = {"rest": 29_000, "http": 30_000, "websocket": 29_000}


@dataclass(frozen=True, slots=True)
class Failure:
    """How one kind of failed request shows: the status a REST API answers and any other API, the gateway
    response, the integration's own code, what Lambda's service said, and the error text.

    `asked` tells whether the integration saw the request. The metric of a WebSocket API is `metric`.
    """

    rest: int
    http: int
    response_type: str | None = None
    own_status: int | None = None
    service_status: int | None = None
    error: str | None = None
    asked: bool = True
    metric: str = "ExecutionError"


# Gateway responses and their codes: API Gateway developer guide, "Gateway response types". An HTTP API says
# 503 where an integration is late, and 500 with one of these texts where a function fails ("Troubleshooting
# issues with HTTP API Lambda integrations").
FAILURES: Mapping[str, Failure] = {
    "exception": Failure(
        502, 500, None, None, 200,
        "The Lambda function returned the following error: Unhandled. Check your Lambda function code and try"
        " again.",
    ),
    "malformed": Failure(
        502, 500, None, None, 200,
        "The response from the Lambda function doesn't match the format that API Gateway expects. Lambda body"
        " contains the wrong type for field \"headers\".",
    ),
    "forbidden": Failure(
        500, 500, "API_CONFIGURATION_ERROR", None, None,
        "The IAM role configured on the integration or API Gateway doesn't have permissions to call the"
        " integration. Check the permissions and try again.", asked=False,
    ),
    "lambda_throttled": Failure(500, 503, None, None, 429, "Rate exceeded."),
    "integration_timeout": Failure(
        504, 503, "INTEGRATION_TIMEOUT", None, None, "Endpoint request timed out"
    ),
    "integration_failure": Failure(
        504, 503, "INTEGRATION_FAILURE", None, None, "Network error communicating with endpoint"
    ),
    "backend_5xx": Failure(500, 500, None, 500, 500, metric="IntegrationError"),
    "backend_502": Failure(502, 502, None, 502, 502, metric="IntegrationError"),
    "backend_503": Failure(503, 503, None, 503, 503, metric="IntegrationError"),
    "backend_504": Failure(504, 504, None, 504, 504, metric="IntegrationError"),
    "backend_4xx": Failure(404, 404, None, 404, 404, metric="IntegrationError"),
    "backend_422": Failure(422, 422, None, 422, 422, metric="IntegrationError"),
    "throttled": Failure(
        429, 429, "THROTTLED", None, None, "Too Many Requests", asked=False, metric="ClientError"
    ),
    "quota_exceeded": Failure(
        429, 429, "QUOTA_EXCEEDED", None, None, "Limit Exceeded", asked=False, metric="ClientError"
    ),
    "unauthorized": Failure(
        401, 401, "UNAUTHORIZED", None, None, "Unauthorized", asked=False, metric="ClientError"
    ),
    "access_denied": Failure(
        403, 403, "ACCESS_DENIED", None, None, "User is not authorized to access this resource",
        asked=False, metric="ClientError",
    ),
    "expired_token": Failure(
        403, 401, "EXPIRED_TOKEN", None, None, "The incoming token has expired", asked=False,
        metric="ClientError",
    ),
    "invalid_api_key": Failure(
        403, 403, "INVALID_API_KEY", None, None, "Forbidden", asked=False, metric="ClientError"
    ),
    "authorizer_failure": Failure(500, 500, "AUTHORIZER_FAILURE", None, None, None, asked=False),
    "route_missing": Failure(
        403, 404, "MISSING_AUTHENTICATION_TOKEN", None, None, "Missing Authentication Token", asked=False,
        metric="ClientError",
    ),
    "waf_filtered": Failure(
        403, 403, "WAF_FILTERED", None, None, "Forbidden", asked=False, metric="ClientError"
    ),
    "execution_error": Failure(500, 500, "DEFAULT_5XX", None, None, "Internal server error"),
    "integration_error": Failure(500, 500, None, 500, 500, metric="IntegrationError"),
    "client_error": Failure(
        400, 400, "BAD_REQUEST_BODY", None, None, "Invalid request body", asked=False, metric="ClientError"
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Route:
    """A route (a REST API's method and resource), what stands behind it, and its figures; seconds for times.

    `missing` is asked for by clients and is not there (any more); with `odd_paths` it stands for many paths.
    `callers` is how many addresses the failed requests come from.
    """

    key: str
    kind: str
    timeout: int
    function: str | None
    alias: str | None
    address: str | None
    authorizer: str | None
    missing: bool
    odd_paths: bool
    callers: int
    requests: Timeline
    latency: Timeline
    latency_p99: Timeline
    failures: Mapping[str, Timeline]
    error: str | None


@dataclass(frozen=True, slots=True)
class Authorizer:
    """Who decides on callers."""

    name: str
    kind: str
    function: str | None
    issuer: str | None


@dataclass(frozen=True, slots=True)
class UsagePlan:
    """Limits for the holders of certain keys: requests a second, and requests a day."""

    id: str
    name: str
    rate: float | None
    quota: int | None


@dataclass(frozen=True, slots=True)
class Data:
    """One API; minutes count from the alarm."""

    kind: str
    id: str
    name: str
    stage: str
    namesakes: tuple[str, ...]
    rate: float | None
    burst: int | None
    account_rate: float
    detailed_metrics: bool
    alarm_stage: bool
    deployed: float
    updated: float | None
    lost_routes: tuple[str, ...]
    variables: Mapping[str, str]
    web_acl: str | None
    log_format: str | None
    usage_plans: tuple[UsagePlan, ...]
    authorizers: tuple[Authorizer, ...]
    routes: tuple[Route, ...]
    drawn: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def log_group(self) -> str:
        """Where the access log goes."""
        return f"/aws/apigateway/{self.name}"

    def status(self, failure: str) -> int:
        """The code that a client of this kind of API sees."""
        shown = FAILURES[failure]
        return shown.rest if self.kind == "rest" else shown.http
