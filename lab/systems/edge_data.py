"""A distribution as a scenario file has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lab.loading import stable_hex
from lab.strict import Section, read
from lab.timeline import ABSENT, ZERO, Timeline, constant

CODES = ("401", "403", "404", "other_4xx", "500", "502", "503", "504", "other_5xx")
KINDS = ("load_balancer", "classic", "api", "bucket", "function_url", "host")
POLICIES = ("this", "other", "identity", "public", "none", "denied")
USUAL_MODIFIED = -40_000.0


@dataclass(frozen=True, slots=True)
class Origin:
    """One origin; `to` says what stands behind, one of KINDS."""

    id: str
    to: str
    name: str
    region: str
    protocol: str
    read_timeout: int
    connect_timeout: int
    attempts: int
    policy: str
    path: str
    there: bool
    domain: str


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Which paths go to which origin, and the functions on the way."""

    path: str
    origin: str
    functions: tuple[str, ...]
    lambda_functions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Data:
    """The section `distribution`."""

    id: str
    domain: str
    aliases: tuple[str, ...]
    enabled: bool
    web_acl: str | None
    additional_metrics: bool
    last_modified: float
    requests: Timeline
    errors: Mapping[str, Timeline]
    latency: Timeline
    latency_p99: Timeline
    cache_hit_rate: Timeline
    error_caching: Mapping[str, int]
    origins: tuple[Origin, ...]
    behaviours: tuple[Behaviour, ...]
    functions: Mapping[str, Mapping[str, Timeline]]
    at_edge: Mapping[str, Timeline]


def load(section: Section, scenario_name: str) -> Data:
    """Read the section `distribution`."""
    origins = tuple(read(part, _origin, id_) for id_, part in section.named_sections("origins").items())
    at_edge = section.section("lambda_edge")
    function = at_edge.text("name", "")
    data = Data(
        id=section.text("id", f"E{stable_hex('distribution', scenario_name, length=12).upper()}"),
        domain=f"d{stable_hex('domain', scenario_name, length=13)}.cloudfront.net",
        aliases=section.texts("aliases"),
        enabled=section.flag("enabled", True),
        web_acl=section.optional_text("web_acl"),
        additional_metrics=section.flag("additional_metrics", True),
        last_modified=section.number("last_modified", USUAL_MODIFIED),
        requests=section.line("requests", constant(12_000.0)),
        errors=read(section.section("errors"), _errors),
        latency=section.line("latency", constant(0.11)),
        latency_p99=section.line("latency_p99", constant(0.6)),
        cache_hit_rate=section.line("cache_hit_rate", constant(70.0)),
        error_caching={code: int(kept) for code, kept in section.text_map("error_caching").items()},
        origins=origins or (_usual_origin(),),
        behaviours=(),
        functions={name: read(part, _function) for name, part in section.named_sections("functions").items()},
        at_edge=_at_edge(at_edge),
    )
    return _with_behaviours(section, data, function)


def _errors(section: Section) -> Mapping[str, Timeline]:
    return {code: section.line(code, ZERO) for code in CODES}


def _usual_origin() -> Origin:
    return Origin(
        "order-api", "load_balancer", "", "", "https-only", 30, 10, 3, "this", "", there=True, domain=""
    )


def _origin(section: Section, id_: str) -> Origin:
    kinds = [kind for kind in KINDS if section.has(kind)]
    if len(kinds) != 1:
        raise section.error("host", f"an origin is one of {', '.join(KINDS)}")
    name = section.raw(kinds[0])
    return Origin(
        id=id_,
        to=kinds[0],
        name="" if name is True else str(name),
        region=section.text("region", ""),
        protocol=section.text("protocol", "https-only", choices=("https-only", "http-only", "match-viewer")),
        read_timeout=section.whole("read_timeout", 30),
        connect_timeout=section.whole("connect_timeout", 10),
        attempts=section.whole("attempts", 3),
        policy=section.text("policy", "this", choices=POLICIES),
        path=section.text("path", ""),
        there=section.flag("there", True),
        domain=section.text("domain", ""),
    )


def _function(section: Section) -> Mapping[str, Timeline]:
    return {
        "FunctionInvocations": section.line("invocations", constant(12_000.0)),
        "FunctionExecutionErrors": section.line("execution_errors", ZERO),
        "FunctionValidationErrors": section.line("validation_errors", ZERO),
        "FunctionThrottles": section.line("throttles", ZERO),
    }


def _at_edge(section: Section) -> Mapping[str, Timeline]:
    lines = {
        "LambdaExecutionError": section.line("execution_errors", ABSENT),
        "LambdaValidationError": section.line("validation_errors", ABSENT),
        "LambdaLimitExceededErrors": section.line("limit_exceeded", ABSENT),
    }
    section.finish()
    return lines


def _with_behaviours(section: Section, data: Data, at_edge: str) -> Data:
    """The behaviours as given; without any, one that sends everything to the first origin."""
    arns = (f"arn:aws:lambda:us-east-1:123456789012:function:{at_edge}:7",) if at_edge else ()
    usual = Behaviour("*", data.origins[0].id, tuple(data.functions), arns)
    given = tuple(read(part, _behaviour, usual) for part in section.sections("behaviours"))
    section.finish()
    return replace(data, behaviours=given or (usual,))


def _behaviour(section: Section, usual: Behaviour) -> Behaviour:
    return Behaviour(
        path=section.text("path", "*"),
        origin=section.text("origin", usual.origin),
        functions=section.texts("functions"),
        lambda_functions=usual.lambda_functions if section.flag("lambda_edge", False) else (),
    )
