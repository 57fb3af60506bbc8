"""Answers about a Classic Load Balancer as evidence: pure, and content with half of an answer."""

import re
from dataclasses import replace

from collectors.reading import Answer, in_utc
from diagnosis.evidence import Action, Deployments, Listener, LoadBalancer, Missing, Target, TargetGroup

MOST_INSTANCES, MOST_LISTENERS, MOST_TEXT = 200, 50, 300

# What DescribeInstanceHealth says of an instance (API reference, InstanceState) -> state and reason in the
# words of a target group. The first whose text is found in the description holds. A check that failed keeps
# the API's own word, Instance: whether by its code, its time-out or its connection is not told.
FAILED_CHECKS = "Instance"
SAID: tuple[tuple[str, str, str], ...] = (
    ("deregistration currently in progress", "draining", "Target.DeregistrationInProgress"),
    ("Disable Availability Zone", "draining", "Target.DeregistrationInProgress"),
    ("failed at least the UnhealthyThreshold", "unhealthy", FAILED_CHECKS),
    ("not passed the configured HealthyThreshold", "initial", "Elb.InitialHealthChecking"),
    ("registration is still in progress", "initial", "Elb.RegistrationInProgress"),
    ("in pending state", "initial", "Elb.RegistrationInProgress"),
    ("not currently registered", "unused", "Target.NotRegistered"),
    ("not configured to route traffic to", "unused", "Target.NotInUse"),
    ("in stopped state", "unused", "Target.InvalidState"),
    ("in terminated state", "unused", "Target.InvalidState"),
)
# "HTTP:80/index.html", "TCP:5000" (API reference, HealthCheck).
_CHECK = re.compile(r"(HTTP|HTTPS|TCP|SSL):(\d+)(/.*)?")


def parse_load_balancer(found: Answer, arn: str) -> LoadBalancer:
    """A Classic has no state: it is there or it is not."""
    return LoadBalancer(
        arn=arn,
        name=found["LoadBalancerName"],
        state="active",
        zones=tuple(found.get("AvailabilityZones", ())),
        security_groups=tuple(found.get("SecurityGroups", ())),
        created=in_utc(found.get("CreatedTime")),
    )


def parse_target_group(found: Answer, arn: str) -> TargetGroup:
    """Id and name are the load balancer's; an HTTP check passes on 200 alone (guide, health checks)."""
    name: str = found["LoadBalancerName"]
    check: Answer = found.get("HealthCheck") or {}
    protocol, port, path = _check_of(check.get("Target", ""))
    first: Answer = next(iter(found.get("ListenerDescriptions", ())), {})
    listener: Answer = first.get("Listener") or {}
    return TargetGroup(
        arn=arn,
        id=name,
        name=name,
        target_type="instance",
        protocol=listener.get("InstanceProtocol") or listener.get("Protocol"),
        protocol_version=None,
        port=listener.get("InstancePort"),
        health_check_path=path,
        health_check_port=port,
        health_check_protocol=protocol,
        health_check_matcher="200" if protocol in ("HTTP", "HTTPS") else None,
        health_check_interval_seconds=check.get("Interval"),
        health_check_timeout_seconds=check.get("Timeout"),
        healthy_threshold=check.get("HealthyThreshold"),
        unhealthy_threshold=check.get("UnhealthyThreshold"),
    )


def _check_of(target: str) -> tuple[str | None, str | None, str | None]:
    known = _CHECK.fullmatch(target)
    return (known[1], known[2], known[3]) if known else (None, None, None)


def parse_listeners(found: Answer, arn: str) -> tuple[Listener, ...]:
    """A listener of a Classic has no ARN of its own; it is named by its port below the load balancer's."""
    name = found["LoadBalancerName"]
    listed = [each.get("Listener", {}) for each in found.get("ListenerDescriptions", ())[:MOST_LISTENERS]]
    return tuple(
        Listener(
            arn=f"{arn}:{each['LoadBalancerPort']}",
            port=each["LoadBalancerPort"],
            protocol=each.get("Protocol", ""),
            default_actions=(Action("forward", {name: 1}),),
        )
        for each in listed
        if "LoadBalancerPort" in each
    )


def parse_attributes(answer: Answer) -> dict[str, str]:
    """Those of the answer; connection draining is what a target group calls deregistration delay."""
    found = answer.get("LoadBalancerAttributes", {})
    known = {
        "idle_timeout.timeout_seconds": found.get("ConnectionSettings", {}).get("IdleTimeout"),
        "load_balancing.cross_zone.enabled": found.get("CrossZoneLoadBalancing", {}).get("Enabled"),
        "connection_draining.enabled": found.get("ConnectionDraining", {}).get("Enabled"),
        "deregistration_delay.timeout_seconds": found.get("ConnectionDraining", {}).get("Timeout"),
        "access_logs.s3.enabled": found.get("AccessLog", {}).get("Enabled"),
        "access_logs.s3.bucket": found.get("AccessLog", {}).get("S3BucketName"),
        "access_logs.s3.prefix": found.get("AccessLog", {}).get("S3BucketPrefix"),
        **{each["Key"]: each.get("Value") for each in found.get("AdditionalAttributes", ()) if "Key" in each},
    }
    return {key: _as_text(value) for key, value in known.items() if value is not None}


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)[:MOST_TEXT]


def parse_instance_health(answer: Answer) -> tuple[Target, ...]:
    """The instances of a DescribeInstanceHealth answer in the words of a target group."""
    listed = answer.get("InstanceStates", ())[:MOST_INSTANCES]
    return tuple(_target(each) for each in listed if "InstanceId" in each)


def _target(said: Answer) -> Target:
    description = said.get("Description", "")[:MOST_TEXT]
    state, reason = _state(said.get("State", "Unknown"), description, said.get("ReasonCode"))
    told = None if description in ("", "N/A") else description
    return Target(said["InstanceId"], None, None, state, reason, told)


def _state(state: str, description: str, code: str | None) -> tuple[str, str | None]:
    """While requests in flight are served a leaving instance is InService (guide, connection draining)."""
    for text, known, reason in SAID:
        if text in description:
            return known, reason
    if state == "InService":
        return "healthy", None
    own = code if code not in (None, "N/A") else None
    return ("unhealthy", own) if state == "OutOfService" else ("unknown", own)


def to_load_balancers(found: Deployments) -> Deployments:
    """The same, with the names of Classic load balancers in place of those of target groups."""
    return replace(
        found,
        found=tuple(
            each
            if isinstance(each.group, Missing)
            else replace(each, group=replace(each.group, target_groups=each.group.load_balancers))
            for each in found.found
        ),
    )
