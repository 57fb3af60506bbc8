"""GetMetricData through a real client: ranges, order, pages, percentiles, errors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import Lab


def query(
    lab: Lab, id_: str, name: str, stat: str = "Sum", period: int = 60, **dimensions: str
) -> dict[str, Any]:
    named = {"LoadBalancer": lab.scenario.load_balancer.dimension} | dimensions
    metric = {
        "Namespace": "AWS/ApplicationELB",
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in named.items()],
    }
    return {"Id": id_, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}


def minute(lab: Lab, offset: float) -> datetime:
    return lab.scenario.moment(offset)


@pytest.fixture
def ask(staged: Lab, client: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    cloudwatch = client(staged, "cloudwatch")

    def asked(*queries: dict[str, Any], start: float = -10, end: float = 0, **rest: Any) -> dict[str, Any]:
        answer: dict[str, Any] = cloudwatch.get_metric_data(
            MetricDataQueries=list(queries),
            StartTime=minute(staged, start),
            EndTime=minute(staged, end),
            **rest,
        )
        return answer

    return asked


def test_the_newest_point_comes_first_unless_asked_otherwise(staged: Lab, ask: Callable[..., Any]) -> None:
    newest = ask(query(staged, "a", "RequestCount"))["MetricDataResults"][0]["Timestamps"]
    oldest = ask(query(staged, "a", "RequestCount"), ScanBy="TimestampAscending")["MetricDataResults"][0][
        "Timestamps"
    ]
    assert newest == sorted(newest, reverse=True)
    assert oldest == sorted(oldest)


def test_the_start_is_included_and_the_end_is_not(staged: Lab, ask: Callable[..., Any]) -> None:
    stamps = ask(query(staged, "a", "RequestCount"), start=-5, end=-2)["MetricDataResults"][0]["Timestamps"]
    assert (min(stamps), max(stamps)) == (minute(staged, -5), minute(staged, -3))


def test_the_start_is_rounded_down_to_the_minute(staged: Lab, ask: Callable[..., Any]) -> None:
    stamps = ask(query(staged, "a", "RequestCount"), start=-4.5, end=-2)["MetricDataResults"][0]["Timestamps"]
    assert min(stamps) == minute(staged, -5)


def test_minutes_without_data_are_absent_not_zero(staged: Lab, ask: Callable[..., Any]) -> None:
    result = ask(query(staged, "a", "HTTPCode_ELB_502_Count"))["MetricDataResults"][0]
    assert result["Timestamps"] == [minute(staged, -1), minute(staged, -2), minute(staged, -3)]
    assert result["Values"] == [370, 369, 369]


def test_an_unknown_metric_is_complete_and_empty(staged: Lab, ask: Callable[..., Any]) -> None:
    result = ask(query(staged, "a", "NoSuchMetric"))["MetricDataResults"][0]
    assert (result["StatusCode"], result["Values"], result["Timestamps"]) == ("Complete", [], [])


def test_the_minute_that_is_running_holds_only_what_came_so_far(staged: Lab, ask: Callable[..., Any]) -> None:
    result = ask(query(staged, "a", "RequestCount"), start=-1, end=5)["MetricDataResults"][0]
    assert result["Timestamps"] == [minute(staged, 0), minute(staged, -1)]
    assert result["Values"][0] == pytest.approx(result["Values"][1] / 6, rel=0.01)


def test_the_future_shows_itself_only_as_the_clock_moves(staged: Lab, ask: Callable[..., Any]) -> None:
    staged.clock.advance_to(minute(staged, 3))
    result = ask(query(staged, "a", "HTTPCode_ELB_502_Count"), start=0, end=10)["MetricDataResults"][0]
    assert result["Timestamps"] == [minute(staged, 2), minute(staged, 1), minute(staged, 0)]


def test_several_metrics_and_dimensions_come_in_one_call(staged: Lab, ask: Callable[..., Any]) -> None:
    group = staged.balancer.dimensions["orders"]
    answer = ask(
        query(staged, "whole", "RequestCount"),
        query(staged, "group", "RequestCount", TargetGroup=group),
        query(staged, "zone", "RequestCount", TargetGroup=group, AvailabilityZone="eu-west-1a"),
    )
    values = {result["Id"]: result["Values"][0] for result in answer["MetricDataResults"]}
    assert values["whole"] == 5321
    assert values["group"] == 4421
    assert values["zone"] == pytest.approx(4421 / 3, abs=2)


def test_the_namespace_is_part_of_the_question(staged: Lab, ask: Callable[..., Any]) -> None:
    elsewhere = query(staged, "a", "RequestCount")
    elsewhere["MetricStat"]["Metric"]["Namespace"] = "AWS/NetworkELB"
    assert ask(elsewhere)["MetricDataResults"][0]["Values"] == []


@pytest.mark.parametrize(
    "stat", ["Average", "Minimum", "Maximum", "SampleCount", "Sum", "p50", "p90", "p99", "p99.9"]
)
def test_every_statistic_is_answered(staged: Lab, ask: Callable[..., Any], stat: str) -> None:
    assert ask(query(staged, "a", "TargetResponseTime", stat))["MetricDataResults"][0]["Values"][0] > 0


def test_a_longer_period_gathers_its_minutes(staged: Lab, ask: Callable[..., Any]) -> None:
    result = ask(query(staged, "a", "RequestCount", period=300), start=-27, end=-2)["MetricDataResults"][0]
    assert result["Values"] == [5 * 5321] * 5
    assert all(int(stamp.timestamp()) % 300 == 0 for stamp in result["Timestamps"])


def test_the_average_of_an_error_count_is_one(staged: Lab, ask: Callable[..., Any]) -> None:
    result = ask(query(staged, "a", "HTTPCode_ELB_502_Count", "Average"))["MetricDataResults"][0]
    assert set(result["Values"]) == {1}


def test_a_query_not_to_be_returned_is_left_out(staged: Lab, ask: Callable[..., Any]) -> None:
    hidden = query(staged, "b", "RequestCount") | {"ReturnData": False}
    assert [one["Id"] for one in ask(query(staged, "a", "RequestCount"), hidden)["MetricDataResults"]] == [
        "a"
    ]


def test_too_many_points_come_in_pages_that_hold_each_point_once(
    staged: Lab, ask: Callable[..., Any]
) -> None:
    queries = [query(staged, "a", "RequestCount"), query(staged, "b", "HTTPCode_Target_4XX_Count")]
    whole = {one["Id"]: one["Values"] for one in ask(*queries, start=-30)["MetricDataResults"]}
    pages: dict[str, list[float]] = {"a": [], "b": []}
    token: dict[str, str] = {}
    first_codes: list[str] | None = None
    while True:
        answer = ask(*queries, start=-30, MaxDatapoints=13, **token)
        first_codes = first_codes or [one["StatusCode"] for one in answer["MetricDataResults"]]
        assert sum(len(one["Values"]) for one in answer["MetricDataResults"]) <= 13
        for one in answer["MetricDataResults"]:
            pages[one["Id"]] += one["Values"]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert pages == whole
    assert first_codes == ["PartialData"]


def error_of(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call()
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_more_than_500_queries_are_refused(staged: Lab, ask: Callable[..., Any]) -> None:
    queries = [query(staged, f"q{index}", "RequestCount") for index in range(501)]
    assert error_of(lambda: ask(*queries))[0] == "ValidationError"


def test_an_id_must_begin_with_a_small_letter(staged: Lab, ask: Callable[..., Any]) -> None:
    code, message = error_of(lambda: ask(query(staged, "A1", "RequestCount")))
    assert code == "ValidationError"
    assert "A1" in message


def test_ids_are_unique(staged: Lab, ask: Callable[..., Any]) -> None:
    code, message = error_of(
        lambda: ask(query(staged, "a", "RequestCount"), query(staged, "a", "RequestCount"))
    )
    assert (code, "not unique" in message) == ("ValidationError", True)


def test_a_range_that_ends_before_it_begins_is_refused(staged: Lab, ask: Callable[..., Any]) -> None:
    assert error_of(lambda: ask(query(staged, "a", "RequestCount"), start=0, end=-1))[0] == "ValidationError"


@pytest.mark.parametrize(("stat", "period"), [("Median", 60), ("p101", 60), ("Sum", 61)])
def test_a_statistic_or_period_there_is_not_is_refused(
    staged: Lab, ask: Callable[..., Any], stat: str, period: int
) -> None:
    assert error_of(lambda: ask(query(staged, "a", "RequestCount", stat, period)))[0] == "ValidationError"


def test_metric_math_is_refused_loudly_rather_than_answered_wrongly(
    staged: Lab, ask: Callable[..., Any]
) -> None:
    with pytest.raises(NotImplementedError, match="metric math"):
        ask({"Id": "e1", "Expression": "m1 * 2"})


def test_a_widget_is_a_png_of_the_size_asked_for(staged: Lab, client: Callable[..., Any]) -> None:
    widget = '{"width": 80, "height": 30, "metrics": []}'
    image = client(staged, "cloudwatch").get_metric_widget_image(MetricWidget=widget)["MetricWidgetImage"]
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    assert image[16:24] == (80).to_bytes(4, "big") + (30).to_bytes(4, "big")


def test_listed_metrics_are_those_with_data(staged: Lab, client: Callable[..., Any]) -> None:
    answer = client(staged, "cloudwatch").list_metrics(
        Namespace="AWS/ApplicationELB", MetricName="HTTPCode_ELB_502_Count"
    )
    assert {len(metric["Dimensions"]) for metric in answer["Metrics"]} == {1, 2}


def test_the_older_call_answers_from_the_same_figures(staged: Lab, client: Callable[..., Any]) -> None:
    answer = client(staged, "cloudwatch").get_metric_statistics(
        Namespace="AWS/ApplicationELB",
        MetricName="HTTPCode_ELB_502_Count",
        Dimensions=[{"Name": "LoadBalancer", "Value": staged.scenario.load_balancer.dimension}],
        StartTime=minute(staged, -10),
        EndTime=minute(staged, 0) + timedelta(seconds=1),
        Period=60,
        Statistics=["Sum"],
    )
    assert [point["Sum"] for point in answer["Datapoints"]][:3] == [369, 369, 370]
