"""Reading the parts of a scenario that describe what lies in AWS."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from lab.scenario import GROUP_COUNTS, Alarm, Change, Listener, LoadBalancer, Rule, Target, TargetGroup
from lab.strict import Section, read
from lab.timeline import ABSENT, ZERO, Timeline, constant

TRAFFIC = {
    "elb_3xx": "HTTPCode_ELB_3XX_Count",
    "elb_4xx": "HTTPCode_ELB_4XX_Count",
    "elb_500": "HTTPCode_ELB_500_Count",
    "elb_502": "HTTPCode_ELB_502_Count",
    "elb_503": "HTTPCode_ELB_503_Count",
    "elb_504": "HTTPCode_ELB_504_Count",
    "elb_5xx_other": "HTTPCode_ELB_5XX_Count",
    "fixed_responses": "HTTP_Fixed_Response_Count",
    "redirects": "HTTP_Redirect_Count",
    "redirect_url_too_long": "HTTP_Redirect_Url_Limit_Exceeded_Count",
    "rejected_connections": "RejectedConnectionCount",
    "client_tls_errors": "ClientTLSNegotiationErrorCount",
    "low_reputation_denied": "LowReputationRequestsDenied",
    "desync_non_compliant": "DesyncMitigationMode_NonCompliant_Request_Count",
    "dropped_invalid_headers": "DroppedInvalidHeaderRequestCount",
    "new_connections": "NewConnectionCount",
    "active_connections": "ActiveConnectionCount",
    "processed_bytes": "ProcessedBytes",
    "capacity_utilization": "CapacityUtilization",
    "elb_auth_error": "ELBAuthError",
    "elb_auth_failure": "ELBAuthFailure",
    "elb_auth_success": "ELBAuthSuccess",
    "elb_auth_latency": "ELBAuthLatency",
    "elb_auth_claims_too_large": "ELBAuthUserClaimsSizeExceeded",
    "jwt_validation_failures": "JWTValidationFailureCount",
}

# Of these each data point is a level and no count.
LEVELS = frozenset({"capacity_utilization", "elb_auth_latency"})

# What AWS says with each state when nothing else is given ("TargetHealth" in the API reference).
HEALTH_DEFAULTS: dict[str, tuple[str | None, str | None]] = {
    "healthy": (None, None),
    "unhealthy": ("Target.FailedHealthChecks", "Health checks failed"),
    "draining": ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
    "unhealthy.draining": ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
    "unused": (
        "Target.NotInUse",
        "Target group is not configured to receive traffic from the load balancer",
    ),
    "initial": ("Elb.InitialHealthChecking", "Initial health checks in progress"),
    "unavailable": ("Target.HealthCheckDisabled", "Health checks are disabled for this target group"),
}
REASONS = (
    "Elb.RegistrationInProgress",
    "Elb.InitialHealthChecking",
    "Target.ResponseCodeMismatch",
    "Target.Timeout",
    "Target.FailedHealthChecks",
    "Target.NotRegistered",
    "Target.NotInUse",
    "Target.DeregistrationInProgress",
    "Target.InvalidState",
    "Target.IpUnusable",
    "Target.HealthCheckDisabled",
    "Elb.InternalError",
)
LINES_BY_DEFAULT_ZERO = dict.fromkeys(GROUP_COUNTS, ZERO)
MISMATCH_DESCRIPTION = "Health checks failed with these codes: [500]"


def load_balancer(section: Section, alarm: Alarm) -> LoadBalancer:
    """The load balancer; its name and id may also come from the dimension in a verbatim event."""
    known = _dimension_in(alarm.event)
    name = section.text("name", known[0] if known else None)
    attributes = section.text_map("attributes")
    if section.has("idle_timeout"):
        attributes["idle_timeout.timeout_seconds"] = str(section.whole("idle_timeout", 60))
    zones = section.texts("zones", ("eu-west-1a", "eu-west-1b", "eu-west-1c"))
    if len({zone[:-1] for zone in zones}) != 1:
        raise section.error("zones", "all zones lie in one region, as in [eu-west-1a, eu-west-1b]")
    section.raw("idle_timeout")
    default_id = known[1] if known and known[0] == name else "50dc6c495c0c9188"
    return LoadBalancer(
        name=name,
        id=section.text("id", default_id),
        zones=zones,
        attributes=attributes,
        tags=section.text_map("tags"),
        security_groups=section.texts("security_groups", ("sg-0a1b2c3d",)),
        scheme=section.text("scheme", "internet-facing", choices=("internet-facing", "internal")),
    )


def _dimension_in(event: object) -> tuple[str, str] | None:
    """Name and id of the first `app/name/id` found anywhere in an event."""
    if isinstance(event, str):
        for word in event.replace('"', " ").replace("\\", " ").split():
            parts = word.split("/")
            if len(parts) == 3 and parts[0] == "app":
                return parts[1], parts[2]
        return None
    items: Iterable[object] = ()
    if isinstance(event, Mapping):
        items = event.values()
    elif isinstance(event, list):
        items = event
    return next((found for found in map(_dimension_in, items) if found), None)


def target_groups(section: Section, balancer: LoadBalancer) -> tuple[TargetGroup, ...]:
    """All target groups, in the order of the file."""
    named = section.named_sections("target_groups")
    return tuple(read(part, _group, name, balancer) for name, part in named.items())


def _group(section: Section, name: str, balancer: LoadBalancer) -> TargetGroup:
    target_type = section.text("target_type", "instance", choices=("instance", "ip", "lambda"))
    port = section.whole("port", 8080)
    targets = _targets(section, name, balancer, target_type, port)
    figures = {key: section.line(key, ZERO) for key in GROUP_COUNTS}
    figures["requests"] = section.line("requests", ZERO)
    figures["response_time"] = section.line("response_time")
    figures["response_time_p99"] = section.line("response_time_p99")
    figures["healthy"] = section.line("healthy", _hosts(targets, "healthy"))
    figures["unhealthy"] = section.line("unhealthy", _hosts(targets, "unhealthy"))
    return TargetGroup(
        name=name,
        targets=targets,
        target_type=target_type,
        port=port,
        protocol=section.text("protocol", "HTTP", choices=("HTTP", "HTTPS")),
        protocol_version=section.text("protocol_version", "HTTP1", choices=("HTTP1", "HTTP2", "GRPC")),
        health_check=read(section.section("health_check"), _health_check),
        attributes=section.text_map("attributes"),
        tags=section.text_map("tags"),
        security_groups=section.texts("security_groups", ("sg-0target",)),
        figures=figures,
        zone_share=_zone_shares(section, balancer.zones),
        response_time_by_zone=_by_zone(section, balancer.zones),
        cpu=_cpu(section, targets),
    )


def _health_check(section: Section) -> dict[str, Any]:
    return {
        "path": section.text("path", "/health"),
        "matcher": section.text("matcher", "200"),
        "port": section.text("port", "traffic-port"),
        "protocol": section.text("protocol", "HTTP", choices=("HTTP", "HTTPS")),
        "timeout": section.whole("timeout", 5),
        "interval": section.whole("interval", 30),
        "healthy_threshold": section.whole("healthy_threshold", 5),
        "unhealthy_threshold": section.whole("unhealthy_threshold", 2),
        "enabled": section.flag("enabled", True),
    }


def _hosts(targets: tuple[Target, ...], state: str) -> Timeline:
    """So many hosts in every minute as are in that state now; absent when nothing is registered."""
    registered = [target for target in targets if target.state in ("healthy", "unhealthy", "initial")]
    if not registered:
        return ABSENT
    return constant(float(sum(target.state == state for target in targets)))


def _targets(
    section: Section, name: str, balancer: LoadBalancer, target_type: str, port: int
) -> tuple[Target, ...]:
    value = section.raw("targets", 0)
    if isinstance(value, bool) or not isinstance(value, (int, list)):
        raise section.error(
            "targets", "expected how many, or a list of {id, zone, state, reason, description}"
        )
    listed = [] if isinstance(value, int) else section.sections("targets")
    count = value if isinstance(value, int) else len(listed)
    ids = [_target_id(target_type, name, index) for index in range(count)]
    spread = [balancer.zones[index % len(balancer.zones)] for index in range(count)]
    states = _states(section.section("health"), count)
    own_port = None if target_type == "lambda" else port
    made = [Target(id_, zone, own_port, *state) for id_, zone, state in zip(ids, spread, states, strict=True)]
    if not listed:
        return tuple(made)
    return tuple(
        read(part, _target, default, balancer.zones) for part, default in zip(listed, made, strict=True)
    )


def _target(section: Section, default: Target, zones: tuple[str, ...]) -> Target:
    state = section.text("state", default.state, choices=HEALTH_DEFAULTS)
    known = (default.reason, default.description) if state == default.state else HEALTH_DEFAULTS[state]
    reason = section.optional_text("reason", choices=REASONS)
    return Target(
        id=section.text("id", default.id),
        zone=section.text("zone", default.zone, choices=zones),
        port=section.whole("port", default.port or 0) or None,
        state=state,
        reason=reason or known[0],
        description=section.optional_text("description") or _described(reason, known[1]),
        launched=section.optional_number("launched"),
    )


def _states(section: Section, count: int) -> list[tuple[str, str | None, str | None]]:
    """The health of each target: all in one state, or the first so many in others."""
    usual = section.text("state", "healthy", choices=HEALTH_DEFAULTS)
    reason = section.optional_text("reason", choices=REASONS)
    description = section.optional_text("description")
    special: list[str] = []
    for state in HEALTH_DEFAULTS:
        if section.has(state):
            special += [state] * section.whole(state, 0)
    if len(special) > count:
        raise section.error("health", f"{len(special)} targets are given a state, but there are {count}")
    section.finish()
    states = special + [usual] * (count - len(special))
    odd = set(special) - {"healthy"} or {usual}
    return [
        _explained(state, reason if state in odd else None, description if state in odd else None)
        for state in states
    ]


def _explained(state: str, reason: str | None, description: str | None) -> tuple[str, str | None, str | None]:
    known = HEALTH_DEFAULTS[state]
    if state == "healthy":
        return state, None, None
    return state, reason or known[0], description or _described(reason, known[1])


def _described(reason: str | None, default: str | None) -> str | None:
    """The sentence the console shows for a reason (user guide, "Target health reason codes")."""
    sentences = {
        "Target.Timeout": "Request timed out",
        "Target.ResponseCodeMismatch": MISMATCH_DESCRIPTION,
        "Target.NotRegistered": "Target is not registered to the target group",
        "Target.InvalidState": "Target is in the stopped state",
        "Elb.RegistrationInProgress": "Target registration is in progress",
    }
    return sentences.get(reason or "", default)


def _target_id(target_type: str, group: str, index: int) -> str:
    digest = hashlib.sha256(f"{group}/{index}".encode()).hexdigest()
    if target_type == "instance":
        return f"i-0{digest[:16]}"
    if target_type == "ip":
        return f"10.0.{index % 3}.{10 + index}"
    return f"arn:aws:lambda:eu-west-1:123456789012:function:{group}"


def _zone_shares(section: Section, zones: tuple[str, ...]) -> dict[str, dict[str, float]]:
    shares: dict[str, dict[str, float]] = {}
    for zone, part in section.named_sections("zone_share").items():
        if zone not in zones:
            raise section.error(f"zone_share.{zone}", f"is not one of {', '.join(zones)}")
        for figure in part.keys():  # noqa: SIM118 - a Section is no mapping
            if figure not in (*GROUP_COUNTS, "requests", "healthy", "unhealthy"):
                raise part.error(
                    figure, f"is not one of {', '.join((*GROUP_COUNTS, 'requests', 'healthy', 'unhealthy'))}"
                )
            share = part.number(figure, 0.0)
            if not 0.0 <= share <= 1.0:
                raise part.error(figure, f"{share} is not a share between 0 and 1")
            shares.setdefault(figure, {})[zone] = share
    return shares


def _by_zone(section: Section, zones: tuple[str, ...]) -> dict[str, Timeline]:
    part = section.section("response_time_by_zone")
    unknown = [zone for zone in part.keys() if zone not in zones]  # noqa: SIM118 - a Section is no mapping
    if unknown:
        raise part.error(unknown[0], f"is not one of {', '.join(zones)}")
    return {zone: part.line(zone) for zone in part.keys()}  # noqa: SIM118


def _cpu(section: Section, targets: tuple[Target, ...]) -> dict[str, Timeline]:
    value = section.raw("cpu", 35)
    instances = [target.id for target in targets if target.id.startswith("i-")]
    if not isinstance(value, Mapping):
        return dict.fromkeys(instances, section.parse_line("cpu", value))
    unknown = [name for name in value if name not in instances]
    if unknown:
        raise section.error(f"cpu.{unknown[0]}", f"is not one of the instances {', '.join(instances)}")
    given = {name: section.parse_line(f"cpu.{name}", line) for name, line in value.items()}
    return {name: given.get(name, constant(35.0)) for name in instances}


def traffic(section: Section) -> dict[str, Timeline]:
    """The load balancer's own figures; those not given are absent."""
    lines = {key: section.line(key) for key in TRAFFIC}
    section.finish()
    return lines


def listeners(section: Section, groups: list[str]) -> tuple[Listener, ...]:
    """The listeners; without any, one on HTTPS:443 that forwards to the first group."""
    parts = section.sections("listeners")
    if not parts:
        forward = {groups[0]: 1} if groups else {}
        default = Rule(None, {}, forward, None if forward else "503", None)
        return (Listener(443, "HTTPS", default, ()),)
    return tuple(read(part, _listener, groups) for part in parts)


def _listener(section: Section, groups: list[str]) -> Listener:
    return Listener(
        port=section.whole("port", 443),
        protocol=section.text("protocol", "HTTPS", choices=("HTTP", "HTTPS")),
        default=read(section.section("default"), _rule, groups, is_default=True),
        rules=tuple(read(part, _rule, groups, is_default=False) for part in section.sections("rules")),
    )


def _rule(section: Section, groups: list[str], *, is_default: bool) -> Rule:
    conditions = {
        field: section.texts(key)
        for key, field in (
            ("path", "path-pattern"),
            ("host", "host-header"),
            ("method", "http-request-method"),
        )
        if section.has(key)
    }
    rule = Rule(
        priority=None if is_default else section.whole("priority", 1),
        conditions=conditions,
        forward=_forward(section, groups),
        fixed=section.optional_text("fixed"),
        redirect=section.optional_text("redirect"),
        authenticate_oidc=section.flag("authenticate_oidc", False),
    )
    if [bool(rule.forward), bool(rule.fixed), bool(rule.redirect)].count(True) != 1:
        raise section.error("forward", "a rule has exactly one of forward, fixed and redirect")
    return rule


def _forward(section: Section, groups: list[str]) -> dict[str, int]:
    value = section.raw("forward")
    weights = {value: 1} if isinstance(value, str) else value or {}
    if not isinstance(weights, Mapping):
        raise section.error("forward", "expected a target group's name, or {name: weight}")
    unknown = [name for name in weights if name not in groups]
    if unknown:
        raise section.error("forward", f"{unknown[0]!r} is not one of the target groups {', '.join(groups)}")
    return {str(name): int(weight) for name, weight in weights.items()}


def change(section: Section, scenario: str, index: int) -> Change:
    """One CloudTrail event."""
    digest = hashlib.sha256(f"{scenario}/change/{index}".encode()).hexdigest()
    parameters = section.raw("parameters") or {}
    if not isinstance(parameters, Mapping):
        raise section.error("parameters", "expected a mapping of request parameters")
    return Change(
        at=section.number("at", 0.0) if section.has("at") else _required(section, "at"),
        name=section.text("name"),
        source=section.text("source").removesuffix(".amazonaws.com"),
        by=section.text("by", "terraform"),
        resources=section.texts("resources"),
        parameters=dict(parameters),
        error=section.optional_text("error"),
        read_only=section.flag("read_only", False),
        invoked_by=section.optional_text("invoked_by"),
        event_id=section.text("id", _uuid(digest)),
        region=section.optional_text("region"),
    )


def _required(section: Section, key: str) -> float:
    raise section.error(key, "is required")


def _uuid(digest: str) -> str:
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"
