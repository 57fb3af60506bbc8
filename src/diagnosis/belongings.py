"""What belongs to an entry point: every identifier by which a recorded change may name a part of it.

The same thing is named by an ARN here and by a bare name there (a function, a secret, a role). So each
identifier also stands in the form service:name, in which a change of that service is looked for.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass

from diagnosis.evidence import Evidence, Metrics, Missing

# What functions and tasks name in their configuration, with bare names too.
_CONFIGURATION = ("secretsmanager", "ssm", "iam")
_UNMISTAKABLE = re.compile(r"[./:]|-[0-9a-f]{8,17}$")
_IDENTIFIER = re.compile(r"arn:aws[a-z-]*:\S+|(?:sg|subnet|vpc|vpce|i|eni)-[0-9a-f]{8,17}")
MOST_DEPTH = 5
# The six characters that Secrets Manager appends to a secret's name in its ARN, and the dash before them.
SECRET_SUFFIX = 7


def own_identifiers(evidence: Evidence, groups: frozenset[str] | None = None) -> frozenset[str]:
    """Every identifier of the entry point, what stands behind it, and what that rests on.

    With `groups` (ids such as targetgroup/name/hash) only of these target groups, besides the rest.
    """
    told = {each for each in _identifiers(evidence, groups) if each}
    return frozenset(told) | {called for each in told for called in called_by(each)}


def called_by(identifier: str) -> Iterator[str]:
    """What an ARN's service calls it in its own records, as service:name; nothing for other identifiers."""
    parts = identifier.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return
    service, resource = parts[2], parts[5]
    match service:
        case "lambda":  # function:name, or function:name:version
            yield f"lambda:{resource.removeprefix('function:').partition(':')[0]}"
        case "secretsmanager":
            name = resource.removeprefix("secret:")
            yield from (f"secretsmanager:{name}", f"secretsmanager:{name[:-SECRET_SUFFIX]}")
        case "ssm":  # parameter/orders/flag is called /orders/flag, parameter/flag just flag
            name = resource.removeprefix("parameter")
            yield from (f"ssm:{name}", f"ssm:{name.lstrip('/')}")
        case "s3":
            yield f"s3:{resource.partition('/')[0]}"
        case "execute-api":  # id/stage/method/path
            yield f"apigateway:{resource.partition('/')[0]}"
        case "apigateway":  # /restapis/id/stages/name, or /apis/id
            yield f"apigateway:{resource.strip('/').partition('/')[2].partition('/')[0]}"
        case "iam" | "kms" | "cloudfront" | "ecs" | "wafv2":
            yield f"{service}:{resource.rsplit('/', 1)[-1]}"


def _identifiers(evidence: Evidence, groups: frozenset[str] | None) -> Iterator[str]:
    if not isinstance(evidence.load_balancer, Missing):
        balancer = evidence.load_balancer
        yield from (balancer.arn, *_named("elasticloadbalancing", balancer.name), *balancer.security_groups)
    if not isinstance(evidence.listeners, Missing):
        yield from (listener.arn for listener in evidence.listeners)
    if not isinstance(evidence.instances, Missing):
        for instance in evidence.instances:
            yield from (instance.id, instance.subnet or "", *instance.security_groups)
    yield from _of_groups(evidence, groups)
    yield from _of_deployments(evidence)
    yield from _of_systems(evidence)
    if not isinstance(evidence.origins, Missing):
        for origin in evidence.origins.values():
            yield from () if isinstance(origin, Missing) else _identifiers(origin, None)


def _of_groups(evidence: Evidence, groups: frozenset[str] | None) -> Iterator[str]:
    if not isinstance(evidence.target_groups, Missing):
        for group in evidence.target_groups:
            if groups is None or group.id in groups:
                yield from (group.arn, group.id, *_named("elasticloadbalancing", group.name))
    if not isinstance(evidence.target_health, Missing):
        for id_, targets in evidence.target_health.items():
            if not isinstance(targets, Missing) and (groups is None or id_ in groups):
                yield from (target.id for target in targets)


def _of_deployments(evidence: Evidence) -> Iterator[str]:
    if isinstance(evidence.deployments, Missing):
        return
    for deployment in evidence.deployments.found:
        if not isinstance(deployment.group, Missing):
            for name in deployment.group.auto_scaling_groups:
                yield from _named("autoscaling", name)


def _of_systems(evidence: Evidence) -> Iterator[str]:
    """Of firewall, API, functions, edge, containers and certificates, with the services that name them so."""
    functions = () if isinstance(evidence.functions, Missing) else tuple(evidence.functions.values())
    services = () if isinstance(evidence.services, Missing) else evidence.services
    certificates = () if isinstance(evidence.certificates, Missing) else evidence.certificates
    called = () if isinstance(evidence.gateway, Missing) else evidence.gateway.functions
    parts: tuple[tuple[tuple[str, ...], Iterable[object]], ...] = (
        (("wafv2",), (evidence.firewall,)),
        (("apigateway",), (evidence.gateway,)),
        (("cloudfront", "s3", "lambda"), (evidence.edge,)),
        (("lambda", *_CONFIGURATION), functions),
        (("lambda",), called),
        (("ecs", *_CONFIGURATION), services),
        (("acm", "iam"), certificates),
    )
    for named_by, found in parts:
        for part in found:
            for identifier in _of_part(part):
                yield from _named(named_by, identifier)


def _named(services: str | tuple[str, ...], name: str) -> Iterator[str]:
    """A bare name as each service calls it; what is unmistakable (an ARN, an id, a domain) as it is, too."""
    if _UNMISTAKABLE.search(name):
        yield name
    if not name.startswith("arn:"):
        for service in (services,) if isinstance(services, str) else services:
            yield f"{service}:{name}"


def _of_part(part: object) -> Iterator[str]:
    """What this part is called, and every identifier that it holds."""
    if part is None or isinstance(part, Missing):
        return
    if isinstance(part, str):
        yield part
        return
    tell = getattr(part, "identifiers", None)
    if callable(tell):
        yield from tell()
    else:
        yield from _held(part, MOST_DEPTH)
    for name in ("id", "name"):
        if isinstance(called := getattr(part, name, None), str):
            yield called


def _held(value: object, depth: int) -> Iterator[str]:
    """The unmistakable identifiers in a value, however deep."""
    if isinstance(value, str):
        yield from (value,) if _IDENTIFIER.fullmatch(value) else ()
    elif not depth or isinstance(value, Metrics | Missing):
        return
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from _held(getattr(value, each.name), depth - 1)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from (*_held(key, depth - 1), *_held(item, depth - 1))
    elif isinstance(value, tuple | frozenset):
        for item in value:
            yield from _held(item, depth - 1)
