"""Recorded events of CloudTrail as changes: who did what to what, in bounded size and without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from collectors.masking import HIDDEN, masked
from collectors.reading import Answer, in_utc
from diagnosis.evidence import Change

MOST_RESOURCES = 40
# Room for the longest ARN; a request may hold policies and templates of any size.
MOST_TEXT, MOST_ITEMS, MOST_DEPTH, MOST_CHARACTERS = 256, 12, 8, 4000
# So much of a text is looked through for secrets before it is cut.
MOST_MASKED = 2_000

# Recorded as writes, but nothing that serves requests is changed by them.
NOISE: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "AssumeRole",
            "AssumeRoleWithSAML",
            "AssumeRoleWithWebIdentity",
            "ConsoleLogin",
            "CredentialChallenge",
            "GetFederationToken",
            "GetSessionToken",
            "UserAuthentication",
        ),
        "somebody signs in",
    ),
    **dict.fromkeys(
        (
            "Decrypt",
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "ReEncrypt",
            "RetireGrant",
        ),
        "a key is used",
    ),
    **dict.fromkeys(
        (
            "CreateLogGroup",
            "CreateLogStream",
            "PutLogEvents",
            "PutRetentionPolicy",
            "StartQuery",
            "StopQuery",
        ),
        "logs are written or searched",
    ),
    **dict.fromkeys(("PutMetricData", "SetAlarmState"), "monitoring at work"),
    **dict.fromkeys(
        (
            "OpenControlChannel",
            "OpenDataChannel",
            "CreateControlChannel",
            "CreateDataChannel",
            "PutComplianceItems",
            "PutConfigurePackageResult",
            "PutInventory",
            "UpdateInstanceAssociationStatus",
            "UpdateInstanceInformation",
        ),
        "the Systems Manager agent reports",
    ),
    **dict.fromkeys(
        (
            "PostHostCommandUpdate",
            "PutHostCommandAcknowledgement",
            "PutHostCommandComplete",
            "PollHostCommand",
        ),
        "the CodeDeploy agent reports",
    ),
    **dict.fromkeys(
        ("DiscoverPollEndpoint", "SubmitContainerStateChange", "SubmitTaskStateChange"),
        "the ECS agent reports",
    ),
    **dict.fromkeys(("CreateSnapshot", "CreateSnapshots", "DeleteSnapshot", "StartBackupJob"), "a back-up"),
}

_IDENTIFIER = re.compile(r"arn:\S+|[a-z]{1,12}-[0-9a-f]{8}(?:[0-9a-f]{9})?")
_NAMING_KEY = re.compile(
    r"(?:.*(?:Name|Id|Arn|ARN|Identifier)|name|id|arn|groupName|resource|cluster|service|function|bucket)s?"
)
# "secretId", "secretArn" and "secrets" name secrets; a "clientToken" only tells a call from its repetition.
_SECRET_KEY = re.compile(
    r"pass(?:word|wd|phrase)|secret(?!s$|s?_?(?:id|arn|name|target|option|version|manager))|userdata|private_?key"
    r"|credential|auth_?token|session_?token|api_?key_?value|header_?value|httpheaderconfig|searchstring"
    r"|connection_?string",
    re.IGNORECASE,
)
# What holds values that a program is given, in clear: of these the names are kept. RegisterTaskDefinition
# records all the variables of its containers, and a stage its own.
_GIVEN_KEY = re.compile(
    r"environment(?:variables|overrides)?|(?:stage)?variables|customheaders|dockerlabels|optionsettings",
    re.IGNORECASE,
)
_NAMES = frozenset({"name", "key", "headername", "optionname", "namespace", "type"})


def parse_changes(events: Iterable[Answer]) -> tuple[Change, ...]:
    """The changes among recorded events, each once, newest first; without reads and noise."""
    changes = {change.id: change for event in events if (change := parse_event(event))}
    return tuple(sorted(changes.values(), key=lambda each: (each.at, each.id), reverse=True))


def parse_event(event: Answer) -> Change | None:
    """One recorded event as a change; None if it changes nothing, or lacks its id or time."""
    record = _record(event)
    name, at = event.get("EventName", ""), in_utc(event.get("EventTime"))
    reads = event.get("ReadOnly") == "true" or record.get("readOnly") is True
    if reads or name in NOISE or at is None or not event.get("EventId"):
        return None
    parameters = record.get("requestParameters") or {}
    return Change(
        id=event["EventId"],
        name=name,
        source=event.get("EventSource", ""),
        at=at,
        by=_by(record.get("userIdentity") or {}) or event.get("Username") or "unknown",
        resources=_resources(event, parameters),
        error=record.get("errorCode"),
        parameters=_bounded(parameters) if isinstance(parameters, dict) else {},
    )


def _record(event: Answer) -> dict[str, Any]:
    """The record itself, which LookupEvents gives as JSON text."""
    try:
        record = json.loads(event.get("CloudTrailEvent") or "{}")
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _by(identity: Answer) -> str | None:
    """Who did it: a user, `role/session` or a service (CloudTrail user guide, "userIdentity element")."""
    if identity.get("type") == "Root":
        return "root"
    arn = identity.get("arn") or ""
    named = arn.partition(":assumed-role/")[2] or identity.get("userName") or identity.get("invokedBy")
    return named or arn.rsplit("/", 1)[-1] or None


def _resources(event: Answer, parameters: object) -> tuple[str, ...]:
    listed = (each.get("ResourceName") for each in event.get("Resources", ()))
    found = dict.fromkeys(filter(None, (*listed, *_identifiers("", parameters, MOST_DEPTH))))
    return tuple(found)[:MOST_RESOURCES]


def _identifiers(key: str, value: object, depth: int) -> Iterator[str]:
    """Every text that looks like an identifier, or stands under a key that names something; the uppermost
    first, since they name what the request is about.
    """
    if isinstance(value, str) and len(value) <= MOST_TEXT:
        if _IDENTIFIER.fullmatch(value) or _NAMING_KEY.fullmatch(key):
            yield value
    elif isinstance(value, dict) and depth:
        nested = [each for each in value.items() if not isinstance(each[1], str)]
        for inner, item in (*(each for each in value.items() if isinstance(each[1], str)), *nested):
            yield from _identifiers(str(inner), item, depth - 1)
    elif isinstance(value, list) and depth:
        for item in value:
            yield from _identifiers(key, item, depth - 1)


def _bounded(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters, or only their uppermost where all would be too many."""
    whole: dict[str, Any] = _cut("", parameters, MOST_DEPTH)
    return whole if len(str(whole)) <= MOST_CHARACTERS else _cut("", parameters, 1)


def _cut(key: str, value: object, depth: int) -> Any:
    """The value in bounded size and depth, without what looks like a secret."""
    if _SECRET_KEY.search(key):
        return HIDDEN
    if _GIVEN_KEY.fullmatch(key):
        return _names_in(value, depth)
    if isinstance(value, str):
        return masked(value[:MOST_MASKED])[:MOST_TEXT]
    if isinstance(value, dict):
        kept = list(value.items())[:MOST_ITEMS] if depth else []
        secret = any(
            isinstance(value.get(name), str) and _is_secret(value[name]) for name in ("name", "key", "path")
        )
        return {
            str(inner): HIDDEN if secret and inner == "value" else _cut(str(inner), item, depth - 1)
            for inner, item in kept
        }
    if isinstance(value, list):
        return [_cut(key, item, depth - 1) for item in value[:MOST_ITEMS]] if depth else []
    return value


def _is_secret(name: str) -> bool:
    """Whether a pair's name says that its value is a secret."""
    return bool(_SECRET_KEY.search(name)) or "token" in name.lower()


def _names_in(value: object, depth: int) -> Any:
    """The same without any value: of a map its keys, of a list of pairs their names."""
    if isinstance(value, list):
        return [_name_in(item, depth - 1) for item in value[:MOST_ITEMS]] if depth else []
    if not isinstance(value, dict):
        return HIDDEN
    kept = list(value.items())[:MOST_ITEMS] if depth else []
    return {str(key)[:MOST_TEXT]: _names_in(item, depth - 1) for key, item in kept}


def _name_in(pair: object, depth: int) -> Any:
    without = _names_in(pair, depth)
    if not isinstance(pair, dict):
        return without
    named = {key: str(value)[:MOST_TEXT] for key, value in pair.items() if _names(key, value)}
    return {key: named.get(key, value) for key, value in without.items()}


def _names(key: object, value: object) -> bool:
    return str(key).lower() in _NAMES and isinstance(value, str)
