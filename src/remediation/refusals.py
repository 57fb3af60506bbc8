"""What CodeDeploy's errors say: a refusal for good, or nothing but that nobody knows yet."""

from __future__ import annotations

from botocore.exceptions import ClientError

from remediation.deployments import DeploymentGoneError

COMPLETED = "DeploymentAlreadyCompletedException"


class UncertainError(Exception):
    """It is not known yet whether the rollback was made: a later delivery of the message must ask again."""


def code(error: ClientError) -> str:
    """What AWS calls the error."""
    return error.response.get("Error", {}).get("Code", "unknown error")


def may_pass(error: ClientError) -> bool:
    """Whether it says nothing about the request itself: throttled, or the service's own trouble."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return status >= 500 or "Throttl" in code(error)


def reason(error: Exception) -> str:
    """Why, without the text of AWS's message, which may hold names of the account."""
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {code(error)}"
    return str(error) if isinstance(error, DeploymentGoneError | UncertainError) else type(error).__name__
