"""What a diagnosis costs."""

import pytest

from benchmarks.price import by_service, costs

CALLS = {"cloudwatch.GetMetricData": 2, "sns.Publish": 1, "elbv2.DescribeRules": 3, "dynamodb.GetItem": 1}


def test_metrics_are_a_cent_a_thousand_and_come_first() -> None:
    parts = costs(CALLS, metrics=139, seconds=0.5, megabytes=1024)
    assert parts[0].what == "CloudWatch GetMetricData"
    assert parts[0].usd == pytest.approx(0.00139)


def test_the_function_is_priced_by_memory_and_time() -> None:
    (function,) = [part for part in costs({}, 0, seconds=2.0, megabytes=512) if part.what == "Lambda"]
    assert function.how_much == "1.00 GB-s, 1 invocation"
    assert function.usd == pytest.approx(0.0000133334 + 0.0000002)


def test_calls_without_a_price_are_listed_together_at_the_end() -> None:
    last = costs(CALLS, 0, 0.0, 0)[-1]
    assert (last.what, last.how_much, last.usd) == ("all other calls", "3 calls", 0.0)


def test_calls_are_counted_by_service_the_most_first() -> None:
    assert list(by_service(CALLS).items())[:2] == [("Elastic Load Balancing", 3), ("CloudWatch", 2)]
