"""A Classic Load Balancer in the lab, through real clients: its answers and its metrics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from lab import Lab, parse
from lab.strict import ScenarioError
from lab.systems.classic_figures import classic_series

BALANCER: dict[str, Any] = {
    "name": "old-shop",
    "zones": ["eu-west-1a", "eu-west-1b"],
    "instances": 4,
    "health": {"failed_checks": 1, "deregistering": 1},
    "idle_timeout": 90,
    "draining": None,
    "requests": "1000",
    "backend_5xx": "0, -3: 40",
    "elb_504": "0, -3: 20",
    "elb_503": "0, -3: 6",
    "spillover": "0, -2: 30",
    "surge_queue": "0, -3: 700, -2: 5000",
    "connection_errors": "0, -3: 9",
    "checks_refused": True,
    "latency": "0.1",
    "latency_p99": "0.5",
}


def scenario(**changed: Any) -> Any:
    content = {
        "title": "A Classic Load Balancer",
        "at": "2026-11-20T14:47:10Z",
        "noise": "none",
        "alarm": {"name": "old-shop-5xx", "metric": "HTTPCode_ELB_5XX", "threshold": 10},
        "classic_load_balancer": {**BALANCER, **changed},
    }
    return parse(yaml.safe_dump(content))


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.stage(scenario(), slack=False) as staged:
        yield staged


def series(lab: Lab, name: str, statistic: str, zone: str | None = None) -> list[float]:
    """The last three complete minutes."""
    dimensions = [{"Name": "LoadBalancerName", "Value": "old-shop"}]
    if zone:
        dimensions.append({"Name": "AvailabilityZone", "Value": zone})
    metric = {"Namespace": "AWS/ELB", "MetricName": name, "Dimensions": dimensions}
    answer = lab.client("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}}],
        StartTime=lab.scenario.minute_zero - timedelta(minutes=3),
        EndTime=lab.scenario.minute_zero,
        ScanBy="TimestampAscending",
    )
    values: list[float] = answer["MetricDataResults"][0]["Values"]
    return values


def test_it_is_described_by_its_name_and_another_does_not_exist(lab: Lab) -> None:
    elb = lab.client("elb")
    (found,) = elb.describe_load_balancers(LoadBalancerNames=["old-shop"])["LoadBalancerDescriptions"]

    assert found["HealthCheck"]["Target"] == "HTTP:8080/health"
    assert found["AvailabilityZones"] == ["eu-west-1a", "eu-west-1b"]
    assert len(found["Instances"]) == 4
    with pytest.raises(ClientError, match="no ACTIVE Load Balancer"):
        elb.describe_load_balancers(LoadBalancerNames=["new-shop"])


def test_its_attributes_are_those_of_the_scenario(lab: Lab) -> None:
    answer = lab.client("elb").describe_load_balancer_attributes(LoadBalancerName="old-shop")

    attributes = answer["LoadBalancerAttributes"]
    assert attributes["ConnectionSettings"] == {"IdleTimeout": 90}
    assert attributes["ConnectionDraining"]["Enabled"] is False
    assert attributes["CrossZoneLoadBalancing"] == {"Enabled": True}


def test_each_instance_is_as_the_load_balancer_sees_it(lab: Lab) -> None:
    states = lab.client("elb").describe_instance_health(LoadBalancerName="old-shop")["InstanceStates"]

    assert [each["State"] for each in states] == ["OutOfService", "InService", "InService", "InService"]
    assert states[0]["ReasonCode"] == "Instance"
    assert states[1]["Description"] == "Instance deregistration currently in progress."


def test_its_instances_are_machines(lab: Lab) -> None:
    ids = [target.id for target in lab.scenario.systems["classic_load_balancer"].group.targets]

    answer = lab.client("ec2").describe_instances(Filters=[{"Name": "instance-id", "Values": ids}])

    assert len(answer["Reservations"]) == 4


def test_its_5xx_are_one_sum_and_what_spilled_over_is_in_it(lab: Lab) -> None:
    assert series(lab, "HTTPCode_ELB_5XX", "Sum") == [26.0, 56.0, 56.0]
    assert series(lab, "SpilloverCount", "Sum") == [30.0, 30.0]
    assert series(lab, "HTTPCode_ELB_504", "Sum") == []


def test_requests_are_those_that_were_routed(lab: Lab) -> None:
    assert series(lab, "RequestCount", "Sum") == [1000.0, 1000.0, 1000.0]
    by_zone = [series(lab, "RequestCount", "Sum", zone) for zone in ("eu-west-1a", "eu-west-1b")]
    assert [sum(minute) for minute in zip(*by_zone, strict=True)] == [1000.0, 1000.0, 1000.0]


def test_the_queue_is_never_longer_than_its_limit(lab: Lab) -> None:
    assert series(lab, "SurgeQueueLength", "Maximum") == [700.0, 1024.0, 1024.0]


def test_the_health_checks_own_failed_connections_are_counted(lab: Lab) -> None:
    # One ill instance, asked twice a minute by a node in each of two zones.
    assert series(lab, "BackendConnectionErrors", "Sum") == [13.0, 13.0, 13.0]


def drawn(name: str, zone: str | None = None, **changed: Any) -> list[float]:
    """The highest of the last three minutes' samples, of a scenario that nobody has staged."""
    staged = scenario(**{"health": {}, **changed})
    dimensions = {"LoadBalancerName": "old-shop", **({"AvailabilityZone": zone} if zone else {})}
    data = staged.systems["classic_load_balancer"]
    found = classic_series(staged, data, name, dimensions, None)
    sums = name not in ("Latency", "HealthyHostCount")
    return [found[at].total if sums else found[at].high for at in (-3, -2, -1) if at in found]


def test_no_answer_is_slower_than_the_idle_timeout() -> None:
    assert max(drawn("Latency", latency="30", latency_p99="200")) == 90.0


def test_without_cross_zone_a_node_counts_its_own_instances_alone() -> None:
    assert drawn("HealthyHostCount", cross_zone=False) == [2.0, 2.0, 2.0]
    assert drawn("HealthyHostCount", cross_zone=True) == [4.0, 4.0, 4.0]


def test_a_deserted_zone_routes_nothing_and_answers_503_alone() -> None:
    changed = {"cross_zone": False, "spillover": "0", "elb_504": "0", "deserted": {"eu-west-1a": -2}}

    assert drawn("RequestCount", "eu-west-1a", **changed) == [500.0]
    assert drawn("RequestCount", "eu-west-1b", **changed) == [500.0, 1000.0, 1000.0]
    assert drawn("HTTPCode_ELB_5XX", "eu-west-1a", **changed)[1:] == [6.0, 6.0]
    assert drawn("HealthyHostCount", "eu-west-1a", **changed) == [2.0, 0.0, 0.0]


def test_the_alarm_is_about_the_load_balancer(lab: Lab) -> None:
    (alarm,) = lab.client("cloudwatch").describe_alarms(AlarmNames=["old-shop-5xx"])["MetricAlarms"]

    assert alarm["Namespace"] == "AWS/ELB"
    assert alarm["Dimensions"] == [{"Name": "LoadBalancerName", "Value": "old-shop"}]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"elb_5xx": "0"}, "elb_5xx"),
        ({"health": {"ill": 1}}, "ill"),
        ({"zone_share": {"eu-west-1c": {"requests": 0.5}}}, "eu-west-1c"),
        ({"deserted": {"eu-west-1c": -2}}, "eu-west-1c"),
        ({"cpu": {"i-0abc": "5"}}, "i-0abc"),
    ],
)
def test_a_misspelt_key_is_refused_by_name(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(ScenarioError, match=named):
        scenario(**changed)
