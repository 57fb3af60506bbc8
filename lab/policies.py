"""Holds every recorded call against the policies of the role of the function that made it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from lab.permissions import Need, needs_of
from lab.stack import Role

if TYPE_CHECKING:
    from lab.staging import Lab

# What the AWS managed policies that SAM attaches allow (as published by AWS).
_MANAGED = {
    "AWSLambdaBasicExecutionRole": ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
    "AWSLambdaSQSQueueExecutionRole": (
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    ),
    "AWSXRayDaemonWriteAccess": ("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
    "AWSXrayWriteOnlyAccess": ("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
}


@dataclass(frozen=True, slots=True)
class Denied:
    """A call that the function's role does not allow."""

    function: str
    call: str
    need: Need

    def __str__(self) -> str:
        return f"{self.function}: {self.call} needs {self.need.action} on {self.need.resource}"


def denied_calls(lab: Lab) -> list[Denied]:
    """Every recorded call that the template's policies for its function do not allow, each once."""
    stack = lab.stack
    found: dict[str, Denied] = {}
    for call in lab.calls:
        role = stack.role_of(call.function)
        for need in needs_of(call, lab.scenario.account):
            if not allows(role, need):
                denied = Denied(call.function, call.name, need)
                found.setdefault(str(denied), denied)
    return list(found.values())


def denied_wiring(lab: Lab) -> list[Denied]:
    """What Lambda does in the function's name, polling and dead letters, and the role does not allow."""
    stack, region = lab.stack, lab.scenario.region
    needs: list[tuple[str, str, Need]] = []
    for source in stack.sources:
        needs += [
            (source.function, "event source mapping", Need(action, source.queue_arn, region))
            for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
        ]
    for function in stack.functions.values():
        if function.on_failure:
            needs.append(
                (function.name, "failure destination", Need("sqs:SendMessage", function.on_failure, region))
            )
    return [Denied(name, what, need) for name, what, need in needs if not allows(stack.role_of(name), need)]


def unused_actions(lab: Lab, function: str) -> set[str]:
    """The actions that the role of a function allows by name and that no recorded call of it needed."""
    named = {
        action
        for statement in lab.stack.role_of(function).statements
        for action in _texts(statement.get("Action"))
    }
    used = {
        need.action
        for call in lab.calls
        if call.function == function
        for need in needs_of(call, lab.scenario.account)
    }
    return named - used


def allows(role: Role, need: Need) -> bool:
    """Whether the role's statements allow it; an explicit Deny wins."""
    effects = [statement["Effect"] for statement in role.statements if _applies(statement, need)]
    if "Deny" in effects:
        return False
    return "Allow" in effects or any(
        need.action in _MANAGED.get(arn.rsplit("/", 1)[1], ()) for arn in role.managed
    )


def _applies(statement: Mapping[str, Any], need: Need) -> bool:
    if "NotAction" in statement or "NotResource" in statement:
        raise NotImplementedError("the lab does not read NotAction and NotResource")
    action = any(
        fnmatchcase(need.action.lower(), pattern.lower()) for pattern in _texts(statement.get("Action"))
    )
    resource = any(_matches(need.resource, pattern) for pattern in _texts(statement.get("Resource")))
    return action and resource and _conditions_hold(statement.get("Condition", {}), need)


def _matches(resource: str, pattern: str) -> bool:
    """IAM's wildcards; a call on `*` is allowed by a statement on `*` only."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, resource) is not None if resource != "*" else pattern == "*"


def _conditions_hold(conditions: Mapping[str, Mapping[str, Any]], need: Need) -> bool:
    """Conditions on keys the lab knows; an unknown key does not hold, so that nothing passes unseen."""
    known = {"aws:requestedregion": need.region}
    for operator, pairs in conditions.items():
        for key, wanted in pairs.items():
            value = known.get(key.lower())
            patterns = _texts(wanted)
            if operator in ("StringEquals", "StringEqualsIfExists"):
                holds = value in patterns
            elif operator == "StringLike":
                holds = value is not None and any(fnmatchcase(value, pattern) for pattern in patterns)
            else:
                holds = False
            if not holds:
                return False
    return True


def _texts(value: object) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
