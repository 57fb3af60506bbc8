"""Errors as AWS sends them, in each wire format."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from botocore.model import ServiceModel

# What each fault is called, by wire format: (code of query services, code of JSON services, status).
_ACCESS_DENIED_BY_SERVICE = {
    "ec2": "UnauthorizedOperation",
    "elbv2": "AccessDenied",
    "sns": "AuthorizationError",
}
_THROTTLED_BY_SERVICE = {"elbv2": "Throttling", "ec2": "RequestLimitExceeded", "sns": "Throttled"}


class AwsError(Exception):
    """An error answer: code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def access_denied(service: str, action: str, principal: str) -> AwsError:
    """What AWS answers when no policy of the caller allows the action."""
    code = _ACCESS_DENIED_BY_SERVICE.get(service, "AccessDeniedException")
    reason = f"because no identity-based policy allows the {action} action"
    sentence = f"User: {principal} is not authorized to perform: {action} {reason}"
    return AwsError(code, sentence, 403 if code != "AccessDeniedException" else 400)


def throttled(service: str) -> AwsError:
    """What AWS answers above its request rate."""
    return AwsError(_THROTTLED_BY_SERVICE.get(service, "ThrottlingException"), "Rate exceeded")


def server_error() -> AwsError:
    """An internal error of AWS."""
    return AwsError("InternalFailure", "We encountered an internal error. Please try again.", 500)


def response(error: AwsError, model: ServiceModel) -> tuple[int, dict[str, str], bytes]:
    """The error on the wire: status, headers, body."""
    protocol = model.resolved_protocol
    if protocol in ("query", "rest-xml"):
        fault = "Sender" if error.status < 500 else "Receiver"
        return (
            error.status,
            {"Content-Type": "text/xml"},
            (
                f"<ErrorResponse><Error><Type>{fault}</Type><Code>{escape(error.code)}</Code>"
                f"<Message>{escape(error.message)}</Message></Error><RequestId>lab</RequestId></ErrorResponse>"
            ).encode(),
        )
    if protocol == "ec2":
        return (
            error.status,
            {"Content-Type": "text/xml"},
            (
                f"<Response><Errors><Error><Code>{escape(error.code)}</Code>"
                f"<Message>{escape(error.message)}</Message></Error></Errors><RequestID>lab</RequestID></Response>"
            ).encode(),
        )
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": error.code}
    return error.status, headers, json.dumps({"__type": error.code, "message": error.message}).encode()
