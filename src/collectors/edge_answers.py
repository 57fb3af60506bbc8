"""What CloudFront answers about a distribution, as evidence; which kind of service an origin's name tells."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collectors.reading import Answer, UnreadableAnswerError, in_utc
from diagnosis.systems.edge import (
    API,
    BUCKET,
    CUSTOM,
    FUNCTION_URL,
    LOAD_BALANCER,
    Behaviour,
    Distribution,
    EdgeOrigin,
)

# A distribution has at most 100 origins and 75 behaviours unless its quotas were raised (CloudFront developer
# guide, quotas).
MOST_ORIGINS, MOST_BEHAVIOURS, MOST_ALIASES = 25, 75, 25
LONGEST_NAME = 253

_BALANCER = re.compile(
    r"(?:dualstack\.)?(?P<name>[a-z0-9-]+)-\d+\.(?P<region>[a-z0-9-]+)\.elb\.amazonaws\.com"
)
_API = re.compile(r"(?P<name>[a-z0-9]+)\.execute-api\.(?P<region>[a-z0-9-]+)\.amazonaws\.com")
_FUNCTION_URL = re.compile(r"(?P<name>[a-z0-9]+)\.lambda-url\.(?P<region>[a-z0-9-]+)\.on\.aws")
_BUCKET = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9.-]+)\.s3(?:-website)?(?:[.-](?P<region>[a-z]{2}(?:-[a-z]+)+-\d))?\.amazonaws\.com"
)
_KINDS = ((_BALANCER, LOAD_BALANCER), (_API, API), (_FUNCTION_URL, FUNCTION_URL), (_BUCKET, BUCKET))


def place(domain: str) -> tuple[str, str, str | None]:
    """What stands behind an origin's domain name: its kind, its name there, and its region if that is told.

    The forms are those of the services' endpoints (AWS general reference); everything else is "custom".
    """
    name = domain.lower()
    for form, kind in _KINDS:
        found = form.fullmatch(name)
        if found:
            return kind, found["name"], found["region"]
    return CUSTOM, name, None


def parse_distribution(answer: Answer, additional_metrics: bool | None) -> Distribution:
    """The distribution of a GetDistribution answer, bounded.

    Raises `UnreadableAnswerError` where there is none in it.
    """
    found: Answer = answer.get("Distribution", {})
    configuration: Answer = found.get("DistributionConfig", {})
    if "Id" not in found or not configuration:
        raise UnreadableAnswerError("the distribution was not found")
    groups = {each["Id"]: tuple(_members(each)) for each in _items(configuration, "OriginGroups")}
    return Distribution(
        id=found["Id"],
        domain=found.get("DomainName", ""),
        arn=found.get("ARN", ""),
        enabled=configuration.get("Enabled", True),
        status=found.get("Status", ""),
        aliases=tuple(str(each)[:LONGEST_NAME] for each in _items(configuration, "Aliases", MOST_ALIASES)),
        web_acl=configuration.get("WebACLId") or None,
        origins=tuple(_origin(each) for each in _items(configuration, "Origins", MOST_ORIGINS)),
        behaviours=tuple(_behaviours(configuration, groups)),
        error_caching={
            str(each["ErrorCode"]): float(each["ErrorCachingMinTTL"])
            for each in _items(configuration, "CustomErrorResponses")
            if "ErrorCachingMinTTL" in each
        },
        additional_metrics=additional_metrics,
        last_modified=in_utc(found.get("LastModifiedTime")),
    )


def _items(holder: Answer, key: str, most: int = 100) -> list[Answer]:
    """CloudFront wraps every list: {Quantity, Items}, without Items where it is empty."""
    return list((holder.get(key) or {}).get("Items") or ())[:most]


def _members(group: Answer) -> Iterator[str]:
    yield from (each["OriginId"] for each in _items(group, "Members") if "OriginId" in each)


def _origin(origin: Answer) -> EdgeOrigin:
    custom: Answer = origin.get("CustomOriginConfig") or {}
    inside: Answer = origin.get("VpcOriginConfig") or {}
    stored: Answer = origin.get("S3OriginConfig") or {}
    settings = custom or inside or stored
    domain = origin.get("DomainName", "")
    return EdgeOrigin(
        id=origin.get("Id", ""),
        domain=domain[:LONGEST_NAME],
        kind=BUCKET if stored else place(domain)[0],
        protocol_policy=custom.get("OriginProtocolPolicy"),
        read_timeout=float(settings.get("OriginReadTimeout", 30)),
        connect_timeout=float(origin.get("ConnectionTimeout", 10)),
        attempts=int(origin.get("ConnectionAttempts", 3)),
        tls_protocols=tuple(str(each) for each in _items(custom, "OriginSslProtocols")),
        access=origin.get("OriginAccessControlId") or stored.get("OriginAccessIdentity") or None,
        path=origin.get("OriginPath", "")[:LONGEST_NAME],
    )


def _behaviours(configuration: Answer, groups: dict[str, tuple[str, ...]]) -> Iterator[Behaviour]:
    first: Answer = configuration.get("DefaultCacheBehavior") or {}
    for pattern, each in [
        ("*", first),
        *((each.get("PathPattern", ""), each) for each in _items(configuration, "CacheBehaviors")),
    ][:MOST_BEHAVIOURS]:
        target = each.get("TargetOriginId", "")
        yield Behaviour(
            pattern=str(pattern)[:LONGEST_NAME],
            origins=groups.get(target, (target,)),
            functions=tuple(
                str(function.get("FunctionARN", "")).rsplit("/", 1)[-1]
                for function in _items(each, "FunctionAssociations")
            ),
            lambda_functions=tuple(
                str(function.get("LambdaFunctionARN", ""))
                for function in _items(each, "LambdaFunctionAssociations")
            ),
        )
