"""A Classic Load Balancer read as if it were an Application Load Balancer with one target group, itself."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest

from collectors.classic_answers import (
    parse_attributes,
    parse_instance_health,
    parse_listeners,
    parse_target_group,
    to_load_balancers,
)
from collectors.classic_load_balancing import (
    PERMISSIONS,
    READINGS,
    collect_description,
    collect_load_balancer,
    collect_metrics,
    collect_target_groups,
    collect_target_health,
)
from collectors.gather import gather
from collectors.reading import Scope, UnreadableAnswerError
from diagnosis.evidence import Deployments, Evidence, MetricKey, Metrics, Missing, Target
from diagnosis.incident import EntryPoint
from tests.collectors.fake_aws import NOW, ZONES, FakeAws, before, codedeploy, error, scope
from tests.diagnosis.judged import GROUP, NEW

SHOP = EntryPoint("clb", "old-shop", "old-shop", None, "111122223333", "eu-west-1")
ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/old-shop"
DESCRIPTION: dict[str, Any] = {
    "LoadBalancerName": "old-shop",
    "DNSName": "old-shop-1.eu-west-1.elb.amazonaws.com",
    "ListenerDescriptions": [
        {
            "Listener": {
                "Protocol": "HTTPS",
                "LoadBalancerPort": 443,
                "InstanceProtocol": "HTTP",
                "InstancePort": 8080,
            },
            "PolicyNames": [],
        }
    ],
    "AvailabilityZones": list(ZONES),
    "Instances": [{"InstanceId": "i-0a1"}, {"InstanceId": "i-0a2"}],
    "HealthCheck": {
        "Target": "HTTP:8080/health",
        "Interval": 30,
        "Timeout": 5,
        "UnhealthyThreshold": 2,
        "HealthyThreshold": 10,
    },
    "SecurityGroups": ["sg-0a1"],
    "CreatedTime": before(days=900),
}
FAILED = "Instance has failed at least the UnhealthyThreshold number of health checks consecutively."
HEALTH = {
    "InstanceStates": [
        {"InstanceId": "i-0a1", "State": "InService", "ReasonCode": "N/A", "Description": "N/A"},
        {"InstanceId": "i-0a2", "State": "OutOfService", "ReasonCode": "Instance", "Description": FAILED},
    ]
}
ATTRIBUTES = {
    "LoadBalancerAttributes": {
        "CrossZoneLoadBalancing": {"Enabled": True},
        "AccessLog": {"Enabled": False},
        "ConnectionDraining": {"Enabled": True, "Timeout": 300},
        "ConnectionSettings": {"IdleTimeout": 60},
        "AdditionalAttributes": [{"Key": "elb.http.desyncmitigationmode", "Value": "defensive"}],
    }
}


def _aws(**changed: Any) -> FakeAws:
    answers = {
        "DescribeLoadBalancers": {"LoadBalancerDescriptions": [DESCRIPTION]},
        "DescribeLoadBalancerAttributes": ATTRIBUTES,
        "DescribeInstanceHealth": HEALTH,
        **changed,
    }
    return FakeAws(**answers)


def _scope(aws: FakeAws) -> Scope:
    return scope(aws, SHOP)


def _read(**changed: object) -> Mapping[str, object]:
    return {"classic_description": DESCRIPTION, **changed}


# --- What it is ---


def test_it_is_found_by_its_name() -> None:
    aws = _aws()

    assert collect_description(_scope(aws), {}) == DESCRIPTION
    assert aws.asked("DescribeLoadBalancers") == [{"LoadBalancerNames": ["old-shop"]}]


def test_one_that_is_not_there_cannot_be_read() -> None:
    aws = FakeAws(DescribeLoadBalancers={"LoadBalancerDescriptions": []})

    with pytest.raises(UnreadableAnswerError):
        collect_description(_scope(aws), {})


def test_it_has_zones_security_groups_and_an_arn_that_ends_in_its_name() -> None:
    balancer = collect_load_balancer(_scope(_aws()), _read())

    assert not isinstance(balancer, Missing)
    assert (balancer.arn, balancer.zones, balancer.security_groups) == (ARN, ZONES, ("sg-0a1",))
    assert balancer.created is not None
    assert balancer.created.tzinfo is UTC


def test_what_could_not_be_described_is_missing_in_every_part_with_the_one_reason() -> None:
    refused = Missing("elasticloadbalancing:DescribeLoadBalancers: AccessDenied")

    assert collect_load_balancer(_scope(_aws()), {"classic_description": refused}) is refused
    assert collect_target_groups(_scope(_aws()), {"classic_description": refused}) is refused


def test_its_instances_are_its_only_group_and_an_http_check_wants_exactly_200() -> None:
    group = parse_target_group(DESCRIPTION, ARN)

    assert (group.id, group.name, group.port, group.protocol) == ("old-shop", "old-shop", 8080, "HTTP")
    assert (group.health_check_protocol, group.health_check_port) == ("HTTP", "8080")
    assert (group.health_check_path, group.health_check_matcher) == ("/health", "200")
    assert (group.unhealthy_threshold, group.healthy_threshold) == (2, 10)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("TCP:5000", ("TCP", "5000", None, None)),
        ("SSL:443", ("SSL", "443", None, None)),
        ("HTTPS:8443/a/b?c", ("HTTPS", "8443", "/a/b?c", "200")),
        ("", (None, None, None, None)),
        ("GOPHER:70", (None, None, None, None)),
    ],
)
def test_a_check_that_only_opens_a_connection_has_no_code(target: str, said: tuple[str | None, ...]) -> None:
    group = parse_target_group({**DESCRIPTION, "HealthCheck": {"Target": target}}, ARN)

    assert said == (
        group.health_check_protocol,
        group.health_check_port,
        group.health_check_path,
        group.health_check_matcher,
    )


def test_half_an_answer_makes_half_a_group() -> None:
    group = parse_target_group({"LoadBalancerName": "old-shop"}, ARN)

    assert (group.port, group.protocol, group.health_check_interval_seconds) == (None, None, None)


def test_every_listener_sends_everything_to_the_instances() -> None:
    (listener,) = parse_listeners(DESCRIPTION, ARN)

    assert (listener.port, listener.protocol, listener.rules) == (443, "HTTPS", ())
    assert listener.default_actions[0].weights == {"old-shop": 1}


# --- Settings ---


def test_attributes_bear_the_keys_of_an_application_load_balancer() -> None:
    assert parse_attributes(ATTRIBUTES) == {
        "idle_timeout.timeout_seconds": "60",
        "load_balancing.cross_zone.enabled": "true",
        "connection_draining.enabled": "true",
        "deregistration_delay.timeout_seconds": "300",
        "access_logs.s3.enabled": "false",
        "elb.http.desyncmitigationmode": "defensive",
    }


def test_attributes_that_are_not_told_are_left_out() -> None:
    assert parse_attributes({}) == {}


# --- Health ---


@pytest.mark.parametrize(
    ("state", "code", "description", "read"),
    [
        ("InService", "N/A", "N/A", ("healthy", None)),
        (
            "InService",
            "N/A",
            "Instance deregistration currently in progress.",
            ("draining", "Target.DeregistrationInProgress"),
        ),
        ("OutOfService", "Instance", FAILED, ("unhealthy", "Instance")),
        (
            "OutOfService",
            "Instance",
            "Instance has not passed the configured HealthyThreshold number of health checks consecutively.",
            ("initial", "Elb.InitialHealthChecking"),
        ),
        (
            "OutOfService",
            "ELB",
            "Instance registration is still in progress.",
            ("initial", "Elb.RegistrationInProgress"),
        ),
        (
            "OutOfService",
            "ELB",
            (
                "Instance is in the EC2 Availability Zone for which LoadBalancer is not configured to route"
                " traffic to."
            ),
            ("unused", "Target.NotInUse"),
        ),
        (
            "OutOfService",
            "Instance",
            "Instance is not currently registered with the LoadBalancer.",
            ("unused", "Target.NotRegistered"),
        ),
        ("OutOfService", "Instance", "Instance is in stopped state.", ("unused", "Target.InvalidState")),
        ("OutOfService", "Instance", "Something new.", ("unhealthy", "Instance")),
        ("Unknown", "ELB", "A transient error occurred. Please try again later.", ("unknown", "ELB")),
        ("Unknown", "N/A", "N/A", ("unknown", None)),
    ],
)
def test_a_state_keeps_its_meaning(
    state: str, code: str, description: str, read: tuple[str, str | None]
) -> None:
    said = {"InstanceId": "i-0a1", "State": state, "ReasonCode": code, "Description": description}

    (target,) = parse_instance_health({"InstanceStates": [said]})

    assert (target.state, target.reason) == read


def test_the_health_is_that_of_the_only_group() -> None:
    health = collect_target_health(_scope(_aws()), {})

    assert health == {
        "old-shop": (
            Target("i-0a1", None, None, "healthy"),
            Target("i-0a2", None, None, "unhealthy", "Instance", FAILED),
        )
    }


# --- Metrics ---


def test_metrics_are_read_for_the_whole_and_for_each_zone_and_named_as_they_are_judged() -> None:
    aws = _aws()
    balancer = collect_load_balancer(_scope(aws), _read())

    metrics = collect_metrics(_scope(aws), {"load_balancer": balancer})

    assert isinstance(metrics, Metrics)
    assert MetricKey("HTTPCode_ELB_5XX_Count", "Sum") in metrics.series
    assert MetricKey("HTTPCode_Target_5XX_Count", "Sum", "old-shop") in metrics.series
    assert MetricKey("RequestCount", "Sum", None, "eu-west-1a") in metrics.series
    assert MetricKey("SpilloverCount", "Sum") in metrics.series
    (call,) = aws.asked("GetMetricData")
    asked = [query["MetricStat"]["Metric"] for query in call["MetricDataQueries"]]
    assert {each["Namespace"] for each in asked} == {"AWS/ELB"}
    assert not any(each["MetricName"].endswith("XX_Count") for each in asked)


def test_without_zones_only_the_whole_is_read() -> None:
    metrics = collect_metrics(_scope(_aws()), {"load_balancer": Missing("AccessDenied")})

    assert isinstance(metrics, Metrics)
    assert {key.zone for key in metrics.series} == {None}


# --- Deployments ---


def test_a_deployment_group_deploys_to_the_load_balancers_that_it_names() -> None:
    ours = replace(NEW, id="d-ours", group=replace(GROUP, target_groups=(), load_balancers=("old-shop",)))
    foreign = replace(NEW, id="d-foreign", group=replace(GROUP, target_groups=("old-shop",)))
    unread = replace(NEW, id="d-unread", group=Missing("AccessDenied"))

    found = to_load_balancers(Deployments(NOW, (ours, foreign, unread))).found

    assert [each.group.target_groups for each in found[:2] if not isinstance(each.group, Missing)] == [
        ("old-shop",),
        (),
    ]
    assert found[2].group == Missing("AccessDenied")


# --- All together ---


def _gathered(aws: FakeAws) -> Evidence:
    gathered = gather(_scope(aws), deadline_seconds=30, clock=lambda: 0.0, readings=READINGS)
    assert not gathered.unexpected
    return gathered.evidence


def test_everything_is_read_of_an_account_that_answers() -> None:
    evidence = _gathered(_aws(**codedeploy()))

    assert evidence.kind == "clb"
    assert evidence.missing() == ()
    assert not isinstance(evidence.target_health, Missing)
    assert set(evidence.target_health) == {"old-shop"}


def test_a_refused_description_leaves_metrics_and_health() -> None:
    refused = error("DescribeLoadBalancers", "AccessDenied", 403)

    evidence = _gathered(_aws(**codedeploy(), DescribeLoadBalancers=refused))

    assert evidence.load_balancer == Missing("elasticloadbalancing:DescribeLoadBalancers: AccessDenied")
    assert isinstance(evidence.metrics, Metrics)
    assert not isinstance(evidence.target_health, Missing)


def test_nothing_but_reading_is_asked_for() -> None:
    assert PERMISSIONS == (
        "cloudwatch:GetMetricData",
        "elasticloadbalancing:DescribeInstanceHealth",
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "elasticloadbalancing:DescribeLoadBalancers",
    )
