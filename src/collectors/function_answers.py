"""What Lambda answers, as evidence: bounded, and without a value of any environment variable."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from collectors.reading import Answer, UnreadableAnswerError
from diagnosis.systems.functions import Alias, FunctionSettings, Version

PAGE, MOST_PAGES, MOST_ALIASES = 50, 6, 50
KEPT_VERSIONS, MOST_NAMES, MOST_CALLERS, MOST_TEXT = 10, 20, 20, 300
# Lambda's own default (developer guide, "Configuring CloudWatch log groups").
USUAL_LOG_GROUP = "/aws/lambda/"

# An environment may hold secrets in plain text. What is kept of it are ARNs of secrets and parameters, and
# what a variable holds whose name says that it is the name or path of one.
_ARN = re.compile(r"arn:aws[a-z-]*:(?:secretsmanager|ssm|kms):[\w:/+=.@-]{1,512}")
_NAMES_ONE = re.compile(
    r"(?:.*_)?(?:SECRET_(?:NAME|ID|ARN)|(?:PARAMETER|PARAM|SSM)(?:_(?:NAME|PATH|PREFIX))?)", re.IGNORECASE
)
# A path of plain words is no secret either: parameters are mostly named so.
_PATH = re.compile(r"(?:/[a-z][a-z0-9_.-]{1,40}){2,8}")
_NAME = re.compile(r"/[\w/.-]{1,255}|[A-Za-z][\w./-]{2,127}")


def parse_settings(answer: Answer) -> FunctionSettings:
    """The settings of a GetFunctionConfiguration answer."""
    name = answer.get("FunctionName")
    if not name:
        raise UnreadableAnswerError("the answer names no function")
    logging: Answer = answer.get("LoggingConfig", {})
    return FunctionSettings(
        runtime=answer.get("Runtime") or answer.get("PackageType"),
        memory_megabytes=answer.get("MemorySize", 128),
        timeout_seconds=float(answer.get("Timeout", 3)),
        log_group=logging.get("LogGroup") or f"{USUAL_LOG_GROUP}{name}",
        modified=_moment(answer.get("LastModified")),
        version=answer.get("Version"),
        role=answer.get("Role"),
        key=answer.get("KMSKeyArn"),
        layers=tuple(each["Arn"] for each in answer.get("Layers", ())[:MOST_NAMES] if each.get("Arn")),
        security_groups=tuple(answer.get("VpcConfig", {}).get("SecurityGroupIds", ()))[:MOST_NAMES],
        names=tuple(_named(answer.get("Environment", {}).get("Variables") or {}))[:MOST_NAMES],
        state=answer.get("State"),
        state_reason=_reason(answer, "State"),
        update_status=answer.get("LastUpdateStatus"),
        update_reason=_reason(answer, "LastUpdateStatus"),
        environment_error=_environment_error(answer),
    )


def _reason(answer: Answer, of: str) -> str | None:
    told = [answer.get(f"{of}ReasonCode"), answer.get(f"{of}Reason")]
    return ": ".join(filter(None, told))[:MOST_TEXT] or None


def _environment_error(answer: Answer) -> str | None:
    """What the answer has instead of the variables where they cannot be decrypted.

    They are decrypted for whoever asks: where access is denied it is denied to us, who have no permission of
    KMS, and nothing is told of the function (Lambda developer guide, "Securing environment variables").
    """
    error: Answer = answer.get("Environment", {}).get("Error") or {}
    if "AccessDenied" in error.get("ErrorCode", ""):
        return None
    told = filter(None, (error.get("ErrorCode"), error.get("Message")))
    return ": ".join(told)[:MOST_TEXT] or None


def _named(variables: Mapping[str, str]) -> Iterator[str]:
    for variable, value in variables.items():
        told = _NAMES_ONE.fullmatch(variable) and _NAME.fullmatch(value)
        if told or _ARN.fullmatch(value) or _PATH.fullmatch(value):
            yield value


def _moment(text: str | None) -> datetime | None:
    """Lambda writes 2026-11-20T14:43:05.123+0000."""
    try:
        return datetime.strptime(text or "", "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)
    except ValueError:
        return None


def parse_aliases(answer: Answer) -> tuple[Alias, ...]:
    """The aliases of a ListAliases answer, with the weights of their routing configuration."""
    return tuple(
        Alias(
            each["Name"],
            each.get("FunctionVersion", ""),
            dict((each.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}),
        )
        for each in answer.get("Aliases", ())[:MOST_ALIASES]
        if each.get("Name")
    )


def parse_versions(pages: Iterable[Answer]) -> tuple[Version, ...]:
    """The newest published versions, newest first."""
    found = [
        Version(each["Version"], _moment(each.get("LastModified")), each.get("CodeSha256"))
        for page in pages
        for each in page.get("Versions", ())
        if str(each.get("Version", "")).isdecimal()
    ]
    return tuple(sorted(found, key=lambda each: -int(each.number))[:KEPT_VERSIONS])


def parse_callers(answer: Answer) -> tuple[str, ...]:
    """Whom the resource policy of a GetPolicy answer lets in: services, or accounts and roles by ARN."""
    try:
        policy = json.loads(answer.get("Policy") or "{}")
    except ValueError:
        raise UnreadableAnswerError("the resource policy is not JSON") from None
    statements = policy.get("Statement", ()) if isinstance(policy, dict) else ()
    allowed = (
        each for each in _listed(statements) if isinstance(each, dict) and each.get("Effect") == "Allow"
    )
    found = dict.fromkeys(name for each in allowed for name in _principals(each.get("Principal")))
    return tuple(found)[:MOST_CALLERS]


def _principals(principal: Any) -> Iterator[str]:
    groups = principal.values() if isinstance(principal, dict) else [principal]
    for group in groups:
        yield from (str(each)[:MOST_TEXT] for each in _listed(group))


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]
