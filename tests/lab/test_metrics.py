"""The metric store: published combinations only, sparse, and codes that add up to requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab import Scenario, figures
from lab.metrics import ALB, EC2, MetricStore, Series

DIMENSION = "app/order-api/50dc6c495c0c9188"
GROUPS = {"orders": "targetgroup/orders/1111111111111111", "search": "targetgroup/search/2222222222222222"}
BALANCER = {"LoadBalancer": DIMENSION}
ORDERS = BALANCER | {"TargetGroup": GROUPS["orders"]}
ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")

CODES = (
    "HTTPCode_Target_2XX_Count",
    "HTTPCode_Target_3XX_Count",
    "HTTPCode_Target_4XX_Count",
    "HTTPCode_Target_5XX_Count",
    "HTTPCode_ELB_502_Count",
    "HTTPCode_ELB_504_Count",
)


def store_of(scenario: Scenario, recovered_from: int | None = None) -> MetricStore:
    return MetricStore(scenario, figures.draw(scenario, recovered_from), GROUPS)


@pytest.fixture
def store(incident: Callable[..., Scenario]) -> MetricStore:
    return store_of(incident())


@pytest.fixture
def noisy(incident: Callable[..., Scenario]) -> MetricStore:
    return store_of(incident(noise="poisson"))


def total(series: Series, minute: int) -> float:
    return series[minute].total if minute in series else 0.0


def in_zone(dimensions: dict[str, str], zone: str) -> dict[str, str]:
    return dimensions | {"AvailabilityZone": zone}


def test_requests_are_what_the_codes_add_up_to_in_every_minute(noisy: MetricStore) -> None:
    requests = noisy.series(ALB, "RequestCount", BALANCER)
    codes = [noisy.series(ALB, code, BALANCER) for code in CODES]
    for minute in range(-180, 41):
        assert total(requests, minute) == sum(total(code, minute) for code in codes)


def test_a_figure_of_the_load_balancer_is_the_sum_of_its_groups(noisy: MetricStore) -> None:
    whole = noisy.series(ALB, "RequestCount", BALANCER)
    parts = [noisy.series(ALB, "RequestCount", BALANCER | {"TargetGroup": name}) for name in GROUPS.values()]
    assert all(
        total(whole, minute) == sum(total(part, minute) for part in parts) for minute in range(-180, 41)
    )


@pytest.mark.parametrize("name", ["RequestCount", "HTTPCode_ELB_502_Count", "HTTPCode_ELB_503_Count"])
def test_a_figure_of_the_load_balancer_is_the_sum_of_its_zones(noisy: MetricStore, name: str) -> None:
    whole = noisy.series(ALB, name, BALANCER)
    parts = [noisy.series(ALB, name, in_zone(BALANCER, zone)) for zone in ZONES]
    assert all(
        total(whole, minute) == sum(total(part, minute) for part in parts) for minute in range(-180, 41)
    )


def test_a_group_is_the_sum_of_its_zones(noisy: MetricStore) -> None:
    whole = noisy.series(ALB, "HTTPCode_Target_4XX_Count", ORDERS)
    parts = [noisy.series(ALB, "HTTPCode_Target_4XX_Count", in_zone(ORDERS, zone)) for zone in ZONES]
    assert all(
        total(whole, minute) == sum(total(part, minute) for part in parts) for minute in range(-180, 41)
    )


def test_figures_given_one_by_one_are_exact_in_spite_of_noise(noisy: MetricStore) -> None:
    series = noisy.series(ALB, "HTTPCode_ELB_502_Count", BALANCER)
    assert [total(series, minute) for minute in range(-3, 2)] == [369, 369, 370, 369, 370]


def test_noise_is_the_same_in_every_run(incident: Callable[..., Scenario]) -> None:
    first, second = (
        store_of(incident(noise="poisson")).series(ALB, "RequestCount", BALANCER) for _ in range(2)
    )
    assert first == second


def test_noise_scatters_as_poisson_counts_do(noisy: MetricStore) -> None:
    counts = [sample.total for sample in noisy.series(ALB, "HTTPCode_Target_4XX_Count", ORDERS).values()]
    mean = sum(counts) / len(counts)
    variance = sum((count - mean) ** 2 for count in counts) / len(counts)
    assert 55 < mean < 65
    assert 0.6 < variance / mean < 1.6


def test_without_noise_every_figure_is_as_written(store: MetricStore) -> None:
    assert total(store.series(ALB, "RequestCount", ORDERS), -100) == 4421
    assert total(store.series(ALB, "HTTPCode_Target_4XX_Count", ORDERS), -100) == 60


def test_a_5xx_of_the_load_balancer_is_the_sum_of_its_codes(noisy: MetricStore) -> None:
    parts = ("500", "502", "503", "504")
    for minute in range(-180, 41):
        expected = sum(
            total(noisy.series(ALB, f"HTTPCode_ELB_{part}_Count", BALANCER), minute) for part in parts
        )
        assert total(noisy.series(ALB, "HTTPCode_ELB_5XX_Count", BALANCER), minute) == expected


def test_other_5xx_of_the_load_balancer_count_in_the_sum_only(incident: Callable[..., Scenario]) -> None:
    store = store_of(incident(traffic={"elb_5xx_other": "7"}))
    assert total(store.series(ALB, "HTTPCode_ELB_5XX_Count", BALANCER), -100) == 7
    assert not any(
        -100 in store.series(ALB, f"HTTPCode_ELB_{code}_Count", BALANCER) for code in (500, 502, 503, 504)
    )


def test_requests_without_a_target_are_not_counted_as_requests(incident: Callable[..., Scenario]) -> None:
    quiet, refused = incident(), incident(traffic={"elb_503": "0, -2: 4000"})
    assert store_of(quiet).series(ALB, "RequestCount", BALANCER) == store_of(refused).series(
        ALB, "RequestCount", BALANCER
    )


def test_when_everything_fails_requests_equal_the_failures(incident: Callable[..., Scenario]) -> None:
    orders = {"requests": "4421", "target_4xx": "0", "elb_502": "4421"}
    store = store_of(incident(noise="poisson", target_groups={"orders": orders}))
    failed, requests = (
        store.series(ALB, "HTTPCode_ELB_502_Count", BALANCER),
        store.series(ALB, "RequestCount", ORDERS),
    )
    assert failed == requests
    assert store.series(ALB, "HTTPCode_Target_2XX_Count", ORDERS) == {}


@pytest.mark.parametrize(
    "name", ["HTTPCode_ELB_502_Count", "HTTPCode_ELB_5XX_Count", "RejectedConnectionCount"]
)
def test_the_load_balancers_own_codes_are_never_published_for_a_target_group(
    store: MetricStore, name: str
) -> None:
    assert store.series(ALB, name, ORDERS) == {}


@pytest.mark.parametrize("name", ["HealthyHostCount", "UnHealthyHostCount", "UnhealthyRoutingRequestCount"])
def test_host_counts_exist_only_for_a_group_of_a_load_balancer(store: MetricStore, name: str) -> None:
    assert store.series(ALB, name, BALANCER) == {}
    assert store.series(ALB, name, {"TargetGroup": GROUPS["orders"]}) == {}


def test_requests_per_target_exist_for_a_group_alone(store: MetricStore) -> None:
    alone = store.series(ALB, "RequestCountPerTarget", {"TargetGroup": GROUPS["orders"]})
    assert alone[-100].total == pytest.approx(4421 / 6)
    assert store.series(ALB, "RequestCount", {"TargetGroup": GROUPS["orders"]}) == {}


def test_function_errors_are_published_for_the_group_not_for_the_load_balancer(
    incident: Callable[..., Scenario],
) -> None:
    store = store_of(incident(target_groups={"orders": {"lambda_user_errors": "45"}}))
    assert total(store.series(ALB, "LambdaUserError", {"TargetGroup": GROUPS["orders"]}), 0) == 45
    assert store.series(ALB, "LambdaUserError", BALANCER) == {}


@pytest.mark.parametrize(
    "dimensions",
    [
        {"LoadBalancer": "app/other/50dc6c495c0c9188"},
        BALANCER | {"TargetGroup": "targetgroup/none/3333333333333333"},
        BALANCER | {"AvailabilityZone": "eu-west-1z"},
        BALANCER | {"Listener": "x"},
        {"AvailabilityZone": "eu-west-1a"},
        {},
    ],
)
def test_a_combination_that_is_not_published_is_empty(store: MetricStore, dimensions: dict[str, str]) -> None:
    assert store.series(ALB, "RequestCount", dimensions) == {}


def test_the_namespace_counts(store: MetricStore) -> None:
    assert store.series("AWS/NetworkELB", "RequestCount", BALANCER) == {}


def test_counts_are_sparse_no_zero_is_published(noisy: MetricStore) -> None:
    for metric in noisy.published():
        if metric.name.startswith("HTTPCode"):
            series = noisy.series(metric.namespace, metric.name, dict(metric.dimensions))
            assert all(sample.total for sample in series.values())


def test_host_counts_are_published_also_when_nought(store: MetricStore) -> None:
    assert store.series(ALB, "UnHealthyHostCount", ORDERS)[0].total == 0
    assert store.series(ALB, "HealthyHostCount", ORDERS)[0].total == 6


def test_hosts_of_the_zones_add_up_to_those_of_the_group(store: MetricStore) -> None:
    zones = [store.series(ALB, "HealthyHostCount", in_zone(ORDERS, zone))[0].total for zone in ZONES]
    assert zones == [2, 2, 2]


def test_a_group_without_registered_targets_has_no_host_counts(incident: Callable[..., Scenario]) -> None:
    store = store_of(incident(target_groups={"orders": {"targets": 0}}))
    assert store.series(ALB, "HealthyHostCount", ORDERS) == {}


def test_a_metric_whose_line_has_no_data_points_is_absent_there(incident: Callable[..., Scenario]) -> None:
    store = store_of(incident(target_groups={"orders": {"healthy": "6, -4: -"}}))
    assert max(store.series(ALB, "HealthyHostCount", ORDERS)) == -5


def test_a_share_puts_a_figure_into_its_zone(incident: Callable[..., Scenario]) -> None:
    orders = {"elb_502": "0, -3: 300", "zone_share": {"eu-west-1a": {"elb_502": 1.0}}}
    store = store_of(incident(target_groups={"orders": orders}))
    zones = [total(store.series(ALB, "HTTPCode_ELB_502_Count", in_zone(BALANCER, zone)), 0) for zone in ZONES]
    assert zones == [300, 0, 0]


def test_a_failing_zone_still_gets_its_share_of_requests(incident: Callable[..., Scenario]) -> None:
    orders = {"elb_502": "0, -3: 300", "zone_share": {"eu-west-1a": {"elb_502": 1.0}}}
    store = store_of(incident(target_groups={"orders": orders}))
    zones = [total(store.series(ALB, "RequestCount", in_zone(ORDERS, zone)), 0) for zone in ZONES]
    assert sum(zones) == 4421
    assert max(zones) - min(zones) <= 3


def test_response_times_have_the_mean_and_the_tail_given(store: MetricStore) -> None:
    from lab.cloudwatch import statistic_of

    sample = store.series(ALB, "TargetResponseTime", ORDERS)[-100]
    assert statistic_of([sample], "Average") == pytest.approx(0.09)
    assert statistic_of([sample], "p99") == pytest.approx(0.42, rel=0.01)
    assert statistic_of([sample], "p50") < 0.09 < statistic_of([sample], "p90")
    assert statistic_of([sample], "Minimum") < statistic_of([sample], "p50")
    assert statistic_of([sample], "Maximum") > statistic_of([sample], "p99")


def test_the_load_balancers_response_time_is_that_of_all_its_requests(store: MetricStore) -> None:
    from lab.cloudwatch import statistic_of

    sample = store.series(ALB, "TargetResponseTime", BALANCER)[-100]
    assert statistic_of([sample], "Average") == pytest.approx((4421 * 0.09 + 900 * 0.5) / 5321)
    assert statistic_of([sample], "p50") < 0.5 < statistic_of([sample], "p99")


def test_requests_that_are_never_answered_have_no_response_time(incident: Callable[..., Scenario]) -> None:
    store = store_of(
        incident(target_groups={"orders": {"target_4xx": "0", "elb_504": "0, -3: 4421", "elb_502": "0"}})
    )
    assert max(store.series(ALB, "TargetResponseTime", ORDERS)) == -4


def test_response_time_differs_by_zone_where_the_scenario_says_so(incident: Callable[..., Scenario]) -> None:
    from lab.cloudwatch import statistic_of

    store = store_of(
        incident(target_groups={"orders": {"response_time_by_zone": {"eu-west-1a": "0.09, -9: 8"}}})
    )
    slow, quick = (store.series(ALB, "TargetResponseTime", in_zone(ORDERS, zone))[0] for zone in ZONES[:2])
    assert statistic_of([slow], "Average") == pytest.approx(8)
    assert statistic_of([quick], "Average") == pytest.approx(0.09)


def test_processor_load_is_published_per_instance(incident: Callable[..., Scenario]) -> None:
    scenario = incident(target_groups={"orders": {"cpu": "35, -4: 97"}})
    instance = {"InstanceId": scenario.group("orders").targets[0].id}
    series = store_of(scenario).series(EC2, "CPUUtilization", instance)
    assert (series[-5].total, series[0].total) == (35, 97)


def test_after_recovery_every_figure_is_back_and_the_past_is_unchanged(
    incident: Callable[..., Scenario],
) -> None:
    scenario = incident(noise="poisson")
    sick, well = store_of(scenario), store_of(scenario, recovered_from=5)
    for name in ("HTTPCode_ELB_502_Count", "RequestCount", "HTTPCode_Target_4XX_Count"):
        before, after = sick.series(ALB, name, BALANCER), well.series(ALB, name, BALANCER)
        assert all(total(before, minute) == total(after, minute) for minute in range(-180, 5))
    assert not any(minute in well.series(ALB, "HTTPCode_ELB_502_Count", BALANCER) for minute in range(5, 41))


def test_every_published_metric_is_of_a_combination_in_the_user_guide(noisy: MetricStore) -> None:
    names: dict[str, set[Any]] = {}
    for metric in noisy.published():
        names.setdefault(metric.name, set()).add(tuple(name for name, _ in metric.dimensions))
    assert names["HTTPCode_ELB_503_Count"] == {("LoadBalancer",), ("AvailabilityZone", "LoadBalancer")}
    assert ("TargetGroup",) not in names["RequestCount"]
    assert names["HealthyHostCount"] == {
        ("LoadBalancer", "TargetGroup"),
        ("AvailabilityZone", "LoadBalancer", "TargetGroup"),
    }
