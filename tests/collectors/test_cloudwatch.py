"""Metrics: which series are asked for, how points fall into minutes, and what could not be read."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from collectors.cloudwatch import PUBLISHED, collect_metrics, collect_processor, wanted_series
from collectors.elastic_load_balancing import parse_target_groups
from collectors.metric_data import parse_metric_data
from diagnosis.evidence import LoadBalancer, MetricKey, Metrics, Missing, Target
from tests.collectors.fake_aws import BALANCER, NOW, ORDERS, SEARCH, ZONES, FakeAws, scope, target_group

WINDOW = scope(FakeAws()).window
KEY = MetricKey("RequestCount", "Sum")
OTHER = MetricKey("HTTPCode_ELB_502_Count", "Sum")


def _read(groups: int = 2, zones: tuple[str, ...] = ZONES) -> dict[str, object]:
    described = [target_group(f"targetgroup/group-{number}/{number:016x}") for number in range(groups)]
    return {
        "load_balancer": LoadBalancer("arn", "order-api", "active", zones, ()),
        "target_groups": parse_target_groups({"TargetGroups": described}),
        "listener_list": (),
    }


def _result(id: str, points: Mapping[int, float] | None = None, status: str = "Complete") -> dict[str, Any]:
    """What is answered for one series: values by minute of the window."""
    times = [WINDOW.start + timedelta(minutes=minute) for minute in points or {}]
    return {"Id": id, "StatusCode": status, "Timestamps": times, "Values": list((points or {}).values())}


def _parsed(*pages: list[dict[str, Any]]) -> tuple[Mapping[MetricKey, Any], Mapping[MetricKey, str]]:
    return parse_metric_data(WINDOW, [KEY, OTHER], [{"MetricDataResults": page} for page in pages])


def test_one_call_asks_for_every_series_of_an_ordinary_load_balancer() -> None:
    aws = FakeAws()
    metrics = collect_metrics(scope(aws), _read())

    (call,) = aws.asked("GetMetricData")
    assert (call["StartTime"], call["EndTime"]) == (WINDOW.start, WINDOW.end)
    assert call["EndTime"] == NOW.replace(second=0)
    assert call["ScanBy"] == "TimestampAscending"
    assert isinstance(metrics, Metrics)
    assert not metrics.unread
    assert len(metrics.series) == len(call["MetricDataQueries"]) == len({*metrics.series})


def test_a_query_names_exactly_the_published_dimensions() -> None:
    aws = FakeAws()
    collect_metrics(scope(aws), _read())

    queries = [query["MetricStat"] for query in aws.asked("GetMetricData")[0]["MetricDataQueries"]]
    assert {query["Period"] for query in queries} == {60}
    elb_502 = [query for query in queries if query["Metric"]["MetricName"] == "HTTPCode_ELB_502_Count"]
    assert [{each["Name"]: each["Value"] for each in query["Metric"]["Dimensions"]} for query in elb_502] == [
        {"LoadBalancer": BALANCER},
        {"LoadBalancer": BALANCER, "AvailabilityZone": ZONES[0]},
        {"LoadBalancer": BALANCER, "AvailabilityZone": ZONES[1]},
    ]


def test_what_the_load_balancer_makes_is_never_asked_for_by_target_group() -> None:
    by_group = {key.name for key in wanted_series([ORDERS], ZONES) if key.target_group}

    assert not {name for name in by_group if name.startswith(("HTTPCode_ELB", "HTTP_", "ELBAuth"))}


def test_host_counts_are_asked_for_by_target_group_only() -> None:
    hosts = [key for key in wanted_series([ORDERS], ZONES) if key.name.endswith("HealthyHostCount")]

    assert hosts
    assert all(key.target_group for key in hosts)


def test_no_series_is_asked_for_twice() -> None:
    wanted = wanted_series([ORDERS, SEARCH], ZONES)

    assert len(wanted) == len({*wanted})
    assert {metric.name for metric in PUBLISHED} == {key.name for key in wanted}


def test_of_too_many_series_those_of_groups_in_zones_are_left_out_and_named() -> None:
    aws = FakeAws()
    metrics = collect_metrics(scope(aws), _read(groups=12, zones=("a", "b", "c")))

    assert isinstance(metrics, Metrics)
    assert len(aws.asked("GetMetricData")[0]["MetricDataQueries"]) == 500
    assert all(key.target_group and key.zone for key in metrics.unread)
    assert {reason.split(":")[0] for reason in metrics.unread.values()} == {"not asked for"}


def test_of_a_hundred_groups_requests_and_answers_come_first() -> None:
    aws = FakeAws()
    metrics = collect_metrics(scope(aws), _read(groups=100, zones=()))

    assert isinstance(metrics, Metrics)
    requests = [key for key in metrics.series if key.name == "RequestCount" and key.target_group]
    assert len(requests) == 100


def test_without_zones_there_are_no_series_by_zone() -> None:
    metrics = collect_metrics(scope(FakeAws()), _read() | {"load_balancer": Missing("AccessDenied")})

    assert isinstance(metrics, Metrics)
    assert {key.zone for key in metrics.series} == {None}


def test_points_fall_into_their_minute_and_gaps_stay_none() -> None:
    series, unread = _parsed([_result("m0", {0: 4.0, 179: 6.0}), _result("m1")])

    assert series[KEY][0] == 4.0
    assert series[KEY][1] is None
    assert series[KEY][179] == 6.0
    assert len(series[KEY]) == 180
    assert OTHER not in series
    assert not unread


def test_points_outside_the_window_are_left_out() -> None:
    series, _ = _parsed([_result("m0", {-1: 4.0, 5: 5.0, 180: 6.0}), _result("m1")])

    assert [value for value in series[KEY] if value is not None] == [5.0]


def test_a_series_spread_over_pages_is_one() -> None:
    series, unread = _parsed(
        [_result("m0", {0: 1.0}, "PartialData"), _result("m1")], [_result("m0", {1: 2.0})]
    )

    assert series[KEY][:2] == (1.0, 2.0)
    assert not unread


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden", "SomethingNew"])
def test_a_series_that_never_completes_is_unread_and_not_zeros(status: str) -> None:
    series, unread = _parsed([_result("m0", {0: 1.0}, status), _result("m1")])

    assert KEY not in series
    assert unread == {KEY: status}


def test_a_series_without_any_result_is_unread() -> None:
    assert _parsed([_result("m0")])[1] == {OTHER: "no answer"}


def test_all_series_forbidden_is_no_metrics_at_all() -> None:
    def forbidden(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            "MetricDataResults": [
                {"Id": each["Id"], "StatusCode": "Forbidden"} for each in parameters["MetricDataQueries"]
            ]
        }

    assert collect_metrics(scope(FakeAws(GetMetricData=forbidden)), _read()) == Missing(
        "cloudwatch:GetMetricData: Forbidden"
    )


def test_pages_are_followed_by_their_token() -> None:
    def paged(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        ids = [each["Id"] for each in parameters["MetricDataQueries"]]
        if "NextToken" in parameters:
            return {"MetricDataResults": [_result(id, {1: 2.0}) for id in ids]}
        return {
            "MetricDataResults": [_result(id, {0: 1.0}, "PartialData") for id in ids],
            "NextToken": "more",
        }

    metrics = collect_metrics(scope(FakeAws(GetMetricData=paged)), _read())

    assert isinstance(metrics, Metrics)
    assert metrics.levels("RequestCount", "Sum")[:3] == (1.0, 2.0, None)


def _processor(aws: FakeAws, *ids: str) -> Any:
    health = {ORDERS: tuple(Target(id, 80, None, "healthy") for id in ids), SEARCH: Missing("Throttling")}
    return collect_processor(scope(aws), {"target_health": health})


def test_processors_of_at_most_fifty_instances_are_read() -> None:
    aws = FakeAws()
    processor = _processor(aws, *(f"i-{number:017x}" for number in range(60)), "10.0.0.1")

    assert len(processor) == 50
    assert processor["i-00000000000000000"][0] == 7.0


def test_without_instances_no_processor_is_asked_for() -> None:
    aws = FakeAws()

    assert _processor(aws, "10.0.0.1") == {}
    assert not aws.calls


def test_without_target_health_it_is_unknown_which_processors_to_read() -> None:
    assert collect_processor(scope(FakeAws()), {"target_health": Missing("Throttling")}) == Missing(
        "Throttling"
    )
