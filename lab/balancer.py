"""The load balancer, its groups, listeners and network on moto; target health with all of AWS's reasons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from moto.core.utils import iso_8601_datetime_with_milliseconds
from moto.ec2.models import ec2_backends
from moto.elbv2.models import FakeListener, FakeLoadBalancer, FakeTargetGroup, elbv2_backends

from lab.errors import AwsError
from lab.loading import stable_hex
from lab.scenario import Listener, Rule, Scenario, Target, TargetGroup
from lab.wire import Answer

# What AWS shows where nobody touched an attribute (API reference, LoadBalancerAttribute).
_ATTRIBUTES = {
    "access_logs.s3.enabled": "false",
    "access_logs.s3.bucket": "",
    "access_logs.s3.prefix": "",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.enabled": "false",
    "deletion_protection.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
_GROUP_ATTRIBUTES = {
    "deregistration_delay.timeout_seconds": "300",
    "load_balancing.algorithm.type": "round_robin",
    "load_balancing.algorithm.anomaly_mitigation": "off",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    "slow_start.duration_seconds": "0",
    "stickiness.enabled": "false",
    "stickiness.type": "lb_cookie",
    "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
}


# It was there long before the incident.
STANDS_SINCE = timedelta(days=90)


class Balancer:
    """Stages the load balancer of a scenario and answers for the health of its targets."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._backend = elbv2_backends[scenario.account][scenario.region]
        self._network = ec2_backends[scenario.account][scenario.region]
        self.recovered = False
        self.arn = f"{self._arn_head}:loadbalancer/{scenario.load_balancer.dimension}"
        self.target_group_arns = {
            group.name: f"{self._arn_head}:targetgroup/{group.name}/{stable_hex('tg', group.name)}"
            for group in scenario.target_groups
        }
        self.vpc_id = ""
        self.subnets: dict[str, str] = {}

    @property
    def dimensions(self) -> dict[str, str]:
        """Target group name -> value of the TargetGroup dimension, the tail of the ARN."""
        return {name: arn.rsplit(":", 1)[1] for name, arn in self.target_group_arns.items()}

    @property
    def _arn_head(self) -> str:
        return f"arn:aws:elasticloadbalancing:{self._scenario.region}:{self._scenario.account}"

    def operations(self) -> dict[str, Answer]:
        """The operations that the lab answers itself."""
        return {"DescribeTargetHealth": self.describe_target_health}

    def stage(self) -> None:
        """Create everything on moto's backends."""
        vpc = self._network.create_vpc("10.0.0.0/16")
        self.vpc_id = vpc.id
        subnets = [
            self._network.create_subnet(vpc.id, f"10.0.{index}.0/24", availability_zone=zone)
            for index, zone in enumerate(self._scenario.load_balancer.zones)
        ]
        self.subnets = {subnet.availability_zone: subnet.id for subnet in subnets}
        self._stage_security_groups()
        balancer = self._stage_balancer([subnet.id for subnet in subnets])
        for group in self._scenario.target_groups:
            self._stage_group(group)
        for listener in self._scenario.listeners:
            self._stage_listener(balancer, listener)

    def describe_target_health(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Every state and reason of the API; a target that is not registered is `unused`."""
        name = next(
            (name for name, arn in self.target_group_arns.items() if arn == parameters["TargetGroupArn"]),
            None,
        )
        if name is None:
            raise AwsError("TargetGroupNotFound", "One or more target groups not found")
        group = self._scenario.group(name)
        known = {target.id: target for target in group.targets}
        asked = [target["Id"] for target in parameters.get("Targets", [])]
        found = (
            [known.get(id_) or _unregistered(id_, group) for id_ in asked] if asked else list(group.targets)
        )
        return {"TargetHealthDescriptions": [self._described(target, group) for target in found]}

    def _described(self, target: Target, group: TargetGroup) -> dict[str, Any]:
        healed = self.recovered and target.state in ("unhealthy", "initial")
        health = {"State": "healthy" if healed else target.state}
        if not healed and target.reason:
            health |= {"Reason": target.reason, "Description": target.description or ""}
        described: dict[str, Any] = {"Target": {"Id": target.id}, "TargetHealth": health}
        if group.target_type == "lambda":
            return described
        described["Target"]["Port"] = target.port or group.port
        if group.target_type == "ip":
            described["Target"]["AvailabilityZone"] = target.zone
        port = group.health_check["port"]
        described["HealthCheckPort"] = str(target.port or group.port) if port == "traffic-port" else port
        return described

    def _stage_security_groups(self) -> None:
        port_sources = {
            id_: group.port for group in self._scenario.target_groups for id_ in group.security_groups
        }
        for id_ in dict.fromkeys([*self._scenario.load_balancer.security_groups, *port_sources]):
            made = self._network.create_security_group(id_, f"{id_} of the lab", vpc_id=self.vpc_id)
            del self._network.groups[self.vpc_id][made.id]
            made.group_id = made.id = id_
            self._network.groups[self.vpc_id][id_] = made

    def _stage_balancer(self, subnets: list[str]) -> FakeLoadBalancer:
        wanted = self._scenario.load_balancer
        made = self._backend.create_load_balancer(
            wanted.name, list(wanted.security_groups), subnets, scheme=wanted.scheme
        )
        del self._backend.load_balancers[made.arn]
        made.arn, made.state = self.arn, "active"
        made.created_time = iso_8601_datetime_with_milliseconds(self._scenario.at - STANDS_SINCE)
        made.attrs = _ATTRIBUTES | dict(wanted.attributes)
        self._backend.load_balancers[self.arn] = made
        self._tag(self.arn, wanted.tags)
        return made

    def _stage_group(self, group: TargetGroup) -> None:
        check = group.health_check
        is_function = group.target_type == "lambda"
        made: FakeTargetGroup = self._backend.create_target_group(
            name=group.name,
            vpc_id=None if is_function else self.vpc_id,
            protocol=None if is_function else group.protocol,
            protocol_version=None if is_function else group.protocol_version,
            port=None if is_function else str(group.port),
            healthcheck_protocol=check["protocol"],
            healthcheck_port=check["port"],
            healthcheck_path=check["path"],
            healthcheck_interval_seconds=check["interval"],
            healthcheck_timeout_seconds=check["timeout"],
            healthcheck_enabled=str(check["enabled"]).lower(),
            healthy_threshold_count=str(check["healthy_threshold"]),
            unhealthy_threshold_count=str(check["unhealthy_threshold"]),
            matcher={"HttpCode": check["matcher"]},
            target_type=group.target_type,
        )
        del self._backend.target_groups[made.arn]
        made.arn = self.target_group_arns[group.name]
        made.attributes = {**_GROUP_ATTRIBUTES, **group.attributes}
        for target in group.targets:
            made.targets[target.id] = {"Id": target.id, "Port": str(target.port or group.port)}
        self._backend.target_groups[made.arn] = made
        self._tag(made.arn, group.tags)

    def _stage_listener(self, balancer: FakeLoadBalancer, listener: Listener) -> None:
        secure = listener.protocol == "HTTPS"
        made: FakeListener = self._backend.create_listener(
            balancer.arn,
            listener.protocol,
            str(listener.port),
            "ELBSecurityPolicy-TLS13-1-2-2021-06" if secure else "",
            None,
            self._actions(listener.default),
        )
        for rule in listener.rules:
            self._backend.create_rule(made.arn, _conditions(rule), rule.priority or 1, self._actions(rule))

    def _actions(self, rule: Rule) -> list[dict[str, Any]]:
        actions: list[dict[str, Any]] = []
        if rule.authenticate_oidc:
            actions.append({"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": _OIDC})
        if rule.fixed:
            response = {
                "StatusCode": rule.fixed,
                "ContentType": "text/plain",
                "MessageBody": "",
            }
            return [*actions, {"Type": "fixed-response", "Order": 2, "FixedResponseConfig": response}]
        if rule.redirect:
            redirect: dict[str, Any] = {
                "Host": rule.redirect,
                "StatusCode": "HTTP_301",
                "Protocol": "HTTPS",
                "Port": "443",
                "Path": "/#{path}",
                "Query": "#{query}",
            }
            return [*actions, {"Type": "redirect", "Order": 2, "RedirectConfig": redirect}]
        return [*actions, self._forward(rule)]

    def _forward(self, rule: Rule) -> dict[str, Any]:
        groups = [
            {"TargetGroupArn": self.target_group_arns[name], "Weight": weight}
            for name, weight in rule.forward.items()
        ]
        action: dict[str, Any] = {"Type": "forward", "Order": 2, "ForwardConfig": {"TargetGroups": groups}}
        return action | ({"TargetGroupArn": groups[0]["TargetGroupArn"]} if len(groups) == 1 else {})

    def _tag(self, arn: str, tags: Mapping[str, str]) -> None:
        self._backend.tagging_service.tag_resource(
            arn, [{"Key": key, "Value": value} for key, value in tags.items()]
        )


_OIDC = {
    "Issuer": "https://login.example.com",
    "AuthorizationEndpoint": "https://login.example.com/authorize",
    "TokenEndpoint": "https://login.example.com/token",
    "UserInfoEndpoint": "https://login.example.com/userinfo",
    "ClientId": "lab",
}


def _conditions(rule: Rule) -> list[dict[str, Any]]:
    configs = {
        "path-pattern": "PathPatternConfig",
        "host-header": "HostHeaderConfig",
        "http-request-method": "HttpRequestMethodConfig",
    }
    return [
        {"Field": field, configs[field]: {"Values": list(values)}}
        for field, values in rule.conditions.items()
    ]


def _unregistered(id_: str, group: TargetGroup) -> Target:
    description = "Target is not registered to the target group"
    return Target(id_, "", group.port, "unused", "Target.NotRegistered", description)
