"""Why a request failed, read off one answer of an API's access log."""

from enum import StrEnum

from diagnosis.systems.gateway import REST, Answered


class Reason(StrEnum):
    """Who wrote an error of an API, and why."""

    THROTTLED = "throttled"
    TIMED_OUT = "integration timed out"
    UNREACHABLE = "integration could not be reached"
    REJECTED = "caller rejected"
    AUTHORIZER = "authorizer failed"
    NO_ROUTE = "no such route"
    FIREWALL = "firewall"
    MISCONFIGURED = "integration may not be called, or is misconfigured"
    UNUSABLE = "no usable answer from the integration"
    ANSWERED = "the integration's own answer"
    BAD_REQUEST = "bad request"
    UNKNOWN = "unknown"


# Gateway responses (API Gateway developer guide, "Gateway response types").
TYPES: dict[str, Reason] = {
    "THROTTLED": Reason.THROTTLED,
    "QUOTA_EXCEEDED": Reason.THROTTLED,
    "INTEGRATION_TIMEOUT": Reason.TIMED_OUT,
    "INTEGRATION_FAILURE": Reason.UNREACHABLE,
    "UNAUTHORIZED": Reason.REJECTED,
    "ACCESS_DENIED": Reason.REJECTED,
    "EXPIRED_TOKEN": Reason.REJECTED,
    "INVALID_API_KEY": Reason.REJECTED,
    "INVALID_SIGNATURE": Reason.REJECTED,
    "AUTHORIZER_FAILURE": Reason.AUTHORIZER,
    "AUTHORIZER_CONFIGURATION_ERROR": Reason.AUTHORIZER,
    "MISSING_AUTHENTICATION_TOKEN": Reason.NO_ROUTE,
    "RESOURCE_NOT_FOUND": Reason.NO_ROUTE,
    "WAF_FILTERED": Reason.FIREWALL,
    "API_CONFIGURATION_ERROR": Reason.MISCONFIGURED,
    "BAD_REQUEST_BODY": Reason.BAD_REQUEST,
    "BAD_REQUEST_PARAMETERS": Reason.BAD_REQUEST,
    "REQUEST_TOO_LARGE": Reason.BAD_REQUEST,
    "UNSUPPORTED_MEDIA_TYPE": Reason.BAD_REQUEST,
}
BY_CODE = {
    401: Reason.REJECTED,
    403: Reason.REJECTED,
    404: Reason.NO_ROUTE,
    429: Reason.THROTTLED,
    504: Reason.TIMED_OUT,
}
# Any of these in the log tells whether the integration answered.
OF_THE_INTEGRATION = frozenset({"integration.status", "integrationStatus", "integration.integrationStatus"})
_LATE = ("timed out", "timeout")
_FORBIDDEN = ("permission", "not authorized", "accessdenied")


def reason_of(answered: Answered, kind: str, told: frozenset[str], signed: frozenset[str]) -> Reason:
    """The reason of an answer. `told` are the $context variables that the log's format has, `signed` the
    routes that ask callers for more than their address.
    """
    by_type = TYPES.get(answered.response_type or "")
    if by_type is Reason.NO_ROUTE and answered.route in signed:
        # A signed route that exists says the same of a request without a signature.
        return Reason.REJECTED
    if by_type:
        return by_type
    behind = answered.integration_status
    if behind is not None:
        return _by_integration(answered, behind, kind)
    text = (answered.error or "").lower()
    if answered.status >= 500 and any(word in text for word in _LATE):
        return Reason.TIMED_OUT
    if answered.status >= 500 and any(word in text for word in _FORBIDDEN):
        return Reason.MISCONFIGURED
    if not told & OF_THE_INTEGRATION:
        return Reason.UNKNOWN
    if answered.status < 500 or answered.status == 504:
        return BY_CODE.get(answered.status, Reason.UNKNOWN)
    return Reason.UNUSABLE


def _by_integration(answered: Answered, behind: int, kind: str) -> Reason:
    """The integration answered, if only Lambda by taking the call: an exception is a 200 of the service and
    a 502 of a REST API, or a 500 with an error text of an HTTP API.
    """
    if behind == answered.status or answered.status < 500:
        return Reason.ANSWERED
    if behind >= 500:
        return Reason.ANSWERED
    unusable = answered.error or (kind == REST and answered.status == 502)
    return Reason.UNUSABLE if unusable else Reason.ANSWERED
