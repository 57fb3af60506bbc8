"""A Classic Load Balancer as a scenario file has it; `state` of its instances is why they are as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lab.figures import Figures
from lab.loading import stable_hex
from lab.scenario import GROUP_FIGURES, Scenario, Target, TargetGroup
from lab.strict import Section, read
from lab.timeline import ABSENT, ZERO, Timeline, constant

ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
# Key of the scenario file -> figure of a target group, which is drawn in the same way.
FIGURES = {
    "requests": "requests",
    "backend_3xx": "target_3xx",
    "backend_4xx": "target_4xx",
    "backend_5xx": "target_5xx",
    "elb_502": "elb_502",
    "elb_504": "elb_504",
    "connection_errors": "connection_errors",
}
TRAFFIC = ("elb_503", "elb_4xx", "spillover", "desync_non_compliant")
# Why an instance is as it is -> State, ReasonCode and Description (API reference, InstanceState).
WHY: Mapping[str, tuple[str, str, str]] = {
    "in_service": ("InService", "N/A", "N/A"),
    "failed_checks": (
        "OutOfService",
        "Instance",
        "Instance has failed at least the UnhealthyThreshold number of health checks consecutively.",
    ),
    "not_passed_yet": (
        "OutOfService",
        "Instance",
        "Instance has not passed the configured HealthyThreshold number of health checks consecutively.",
    ),
    "registering": ("OutOfService", "ELB", "Instance registration is still in progress."),
    "zone_not_enabled": (
        "OutOfService",
        "ELB",
        (
            "Instance is in the EC2 Availability Zone for which LoadBalancer is not configured to route"
            " traffic to."
        ),
    ),
    "deregistering": ("InService", "N/A", "Instance deregistration currently in progress."),
    "stopped": ("OutOfService", "Instance", "Instance is in stopped state."),
    "terminated": ("OutOfService", "Instance", "Instance is in terminated state."),
    "unknown": ("Unknown", "ELB", "A transient error occurred. Please try again later."),
}
_HEALTHY, _UNHEALTHY = ("in_service", "deregistering"), ("failed_checks", "not_passed_yet")


@dataclass(slots=True)
class Data:
    """A Classic Load Balancer: `group` holds its instances with their figures, `traffic` its own figures."""

    group: TargetGroup
    zones: tuple[str, ...]
    security_groups: tuple[str, ...]
    listeners: tuple[Mapping[str, Any], ...]
    check: Mapping[str, Any]
    cross_zone: bool
    idle_timeout: int
    draining: int | None
    traffic: Mapping[str, Timeline]
    queue: Timeline
    checks_refused: bool
    deserted: Mapping[str, int]
    drawn: dict[object, Figures] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """The load balancer's name."""
        return self.group.name


def as_if_alone(scenario: Scenario, data: Data) -> Scenario:
    """The scenario as if this load balancer were its only one."""
    balancer = replace(scenario.load_balancer, name=data.name, zones=data.zones)
    return replace(
        scenario, load_balancer=balancer, target_groups=(data.group,), traffic=data.traffic, systems={}
    )


def read_data(section: Section) -> Data:
    """Read the section `classic_load_balancer`."""
    zones = section.texts("zones", ZONES)
    check = read(section.section("health_check"), _check)
    data = Data(
        group=_group(section, section.text("name"), zones),
        zones=zones,
        security_groups=section.texts("security_groups", ("sg-0c1a551c",)),
        listeners=tuple(read(part, _listener) for part in section.sections("listeners")) or (_LISTENER,),
        check=check,
        cross_zone=section.flag("cross_zone", True),
        idle_timeout=section.whole("idle_timeout", 60),
        draining=None if section.raw("draining", 300) is None else section.whole("draining", 300),
        traffic={key: section.line(key, ZERO) for key in TRAFFIC},
        queue=section.line("surge_queue", ABSENT),
        checks_refused=section.flag("checks_refused", False),
        deserted=_deserted(section, zones),
    )
    section.finish()
    return data


_LISTENER = {"Protocol": "HTTPS", "LoadBalancerPort": 443, "InstanceProtocol": "HTTP", "InstancePort": 8080}


def _listener(section: Section) -> Mapping[str, Any]:
    return {
        "Protocol": section.text("protocol", "HTTPS", choices=("HTTP", "HTTPS", "TCP", "SSL")),
        "LoadBalancerPort": section.whole("port", 443),
        "InstanceProtocol": section.text("instance_protocol", "HTTP"),
        "InstancePort": section.whole("instance_port", 8080),
    }


def _check(section: Section) -> Mapping[str, Any]:
    return {
        "Target": section.text("target", "HTTP:8080/health"),
        "Interval": section.whole("interval", 30),
        "Timeout": section.whole("timeout", 5),
        "UnhealthyThreshold": section.whole("unhealthy_threshold", 2),
        "HealthyThreshold": section.whole("healthy_threshold", 10),
    }


def _group(section: Section, name: str, zones: tuple[str, ...]) -> TargetGroup:
    """The instances with their figures; what a Classic does not have is left empty."""
    targets = _instances(section, name, zones)
    lines: dict[str, Timeline] = dict.fromkeys(GROUP_FIGURES, ZERO)
    lines |= {figure: section.line(key, ZERO) for key, figure in FIGURES.items()}
    lines["response_time"] = section.line("latency")
    lines["response_time_p99"] = section.line("latency_p99")
    lines["healthy"] = section.line("healthy", _counted(targets, _HEALTHY))
    lines["unhealthy"] = section.line("unhealthy", _counted(targets, _UNHEALTHY))
    return TargetGroup(
        name=name,
        targets=targets,
        target_type="instance",
        port=8080,
        protocol="HTTP",
        protocol_version="HTTP1",
        health_check={},
        attributes={},
        tags={},
        security_groups=section.texts("instance_security_groups", ("sg-01257a2ce",)),
        figures=lines,
        zone_share=_zone_shares(section, zones),
        response_time_by_zone={},
        cpu=_cpu(section, targets),
    )


def _counted(targets: tuple[Target, ...], reasons: tuple[str, ...]) -> Timeline:
    if not targets:
        return ABSENT
    return constant(float(sum(target.state in reasons for target in targets)))


def _instances(section: Section, name: str, zones: tuple[str, ...]) -> tuple[Target, ...]:
    """So many instances, or a list of them; `health` says why the first of them are as they are."""
    value = section.raw("instances", 6)
    listed = section.sections("instances") if isinstance(value, list) else []
    count = len(listed) if listed else section.whole("instances", 6)
    health = section.section("health")
    reasons = [why for why in WHY if health.has(why) for _ in range(health.whole(why, 0))]
    health.finish()
    reasons += ["in_service"] * (count - len(reasons))
    made = [
        Target(f"i-0{stable_hex(name, at)}", zones[at % len(zones)], None, why, _ec2_reason(why))
        for at, why in enumerate(reasons)
    ]
    if not listed:
        return tuple(made)
    return tuple(read(part, _instance, default, zones) for part, default in zip(listed, made, strict=True))


def _instance(section: Section, default: Target, zones: tuple[str, ...]) -> Target:
    why = section.text("why", default.state, choices=WHY)
    return Target(
        id=section.text("id", default.id),
        zone=section.text("zone", default.zone, choices=zones),
        port=None,
        state=why,
        reason=_ec2_reason(why),
        launched=section.optional_number("launched"),
    )


def _ec2_reason(why: str) -> str | None:
    """What the lab's EC2 knows a machine by that does not run."""
    return "Target.InvalidState" if why in ("stopped", "terminated") else None


def _deserted(section: Section, zones: tuple[str, ...]) -> dict[str, int]:
    """Zones whose node has no instance of its own, and from which minute on."""
    part = section.section("deserted")
    unknown = [zone for zone in part.keys() if zone not in zones]  # noqa: SIM118 - a Section is no mapping
    if unknown:
        raise part.error(unknown[0], f"is not one of {', '.join(zones)}")
    return {zone: round(part.number(zone, 0.0)) for zone in part.keys()}  # noqa: SIM118


def _zone_shares(section: Section, zones: tuple[str, ...]) -> dict[str, dict[str, float]]:
    known = {**FIGURES, "healthy": "healthy", "unhealthy": "unhealthy"}
    shares: dict[str, dict[str, float]] = {}
    for zone, part in section.named_sections("zone_share").items():
        if zone not in zones:
            raise section.error(f"zone_share.{zone}", f"is not one of {', '.join(zones)}")
        for key, figure in known.items():
            if part.has(key):
                shares.setdefault(figure, {})[zone] = part.number(key, 0.0)
        part.finish()
    return shares


def _cpu(section: Section, targets: tuple[Target, ...]) -> dict[str, Timeline]:
    value = section.raw("cpu", 35)
    ids = [target.id for target in targets]
    if not isinstance(value, Mapping):
        return dict.fromkeys(ids, section.parse_line("cpu", value))
    unknown = [name for name in value if name not in ids]
    if unknown:
        raise section.error(f"cpu.{unknown[0]}", f"is not one of the instances {', '.join(ids)}")
    given = {name: section.parse_line(f"cpu.{name}", line) for name, line in value.items()}
    return {name: given.get(name, constant(35.0)) for name in ids}
