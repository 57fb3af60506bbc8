"""A CloudFront distribution in front of the scenario's load balancer, API, a bucket or a host elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.metrics import Sample, Series, Spread
from lab.scenario import Scenario
from lab.systems import Stage, counts, levels
from lab.systems.edge_answers import Answers
from lab.systems.edge_data import CODES, Data, load
from lab.wire import Answer

KEY = "distribution"
ENTRY = "AWS/CloudFront"
METRIC = "5xxErrorRate"
WHOLE = ("cloudfront", "route53")
__all__ = ["ENTRY", "KEY", "METRIC", "WHOLE", "Staged", "alarm_dimensions", "load", "quiet", "series"]
# Published per code only with additional metrics.
BY_CODE = ("401", "403", "404", "502", "503", "504")


def quiet(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A case's section over a quiet distribution with a few unknown paths."""
    usual: dict[str, Any] = {"requests": "12000", "errors": {"404": "60", "500": "2"}}
    errors = {**usual["errors"], **given.get("errors", {})}
    return {**usual, **given, "errors": errors}


def alarm_dimensions(data: Data) -> Mapping[str, str]:
    """What an alarm on the distribution names."""
    return {"DistributionId": data.id, "Region": "Global"}


def load_balancer_origins(data: Data) -> tuple[str, ...]:
    """The origins that are the scenario's load balancer."""
    return tuple(each.id for each in data.origins if each.to == "load_balancer")


def series(
    scenario: Scenario,
    data: Data,
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    recovered_from: int | None,
) -> Series | None:
    """What CloudFront publishes: percentages, requests, and what the functions did."""
    if namespace != ENTRY:
        return None
    if dimensions == alarm_dimensions(data):
        return _of_distribution(scenario, data, name, recovered_from)
    function = data.functions.get(dimensions.get("FunctionName", ""))
    if function is None or dimensions.get("Region") != "Global" or name not in function:
        return {}
    line = function[name]
    return _sums(counts(scenario, f"{dimensions['FunctionName']}/{name}", line, recovered_from))


def _of_distribution(scenario: Scenario, data: Data, name: str, recovered_from: int | None) -> Series:
    if name == "Requests":
        return _sums(counts(scenario, "edge/requests", data.requests, recovered_from))
    if name in data.at_edge:
        return _sums(counts(scenario, f"edge/{name}", data.at_edge[name], recovered_from))
    if name in {"OriginLatency", "CacheHitRate"} and not data.additional_metrics:
        return {}
    if name == "OriginLatency":
        return _latency(scenario, data, recovered_from)
    if name == "CacheHitRate":
        return _levels(levels(scenario, "edge/hits", data.cache_hit_rate, recovered_from))
    return _rates(scenario, data, _codes(data, name.removesuffix("ErrorRate")), recovered_from)


def _codes(data: Data, of: str) -> tuple[str, ...]:
    """The codes that a rate adds up; none for a rate that is not published."""
    if of in BY_CODE:
        return (of,) if data.additional_metrics else ()
    families = {"4xx": "4", "5xx": "5", "Total": "45"}
    return tuple(code for code in CODES if code.removeprefix("other_")[0] in families.get(of, ""))


def _rates(scenario: Scenario, data: Data, codes: tuple[str, ...], recovered_from: int | None) -> Series:
    """The share of requests in percent; published for every minute with requests, also where it is zero."""
    asked = counts(scenario, "edge/requests", data.requests, recovered_from)
    failed = [counts(scenario, f"edge/{code}", data.errors[code], recovered_from) for code in codes]
    if not codes:
        return {}
    shares = {
        minute: 100.0 * min(all_, sum(each.get(minute, 0) for each in failed)) / all_
        for minute, all_ in asked.items()
        if all_
    }
    return _levels(shares)


def _latency(scenario: Scenario, data: Data, recovered_from: int | None) -> Series:
    """Milliseconds to the first byte of what was fetched from an origin."""
    usual = levels(scenario, "edge/latency", data.latency, recovered_from)
    slowest = levels(scenario, "edge/latency_p99", data.latency_p99, recovered_from)
    return {
        minute: Sample(
            1000.0 * mean * 1000,
            1000.0,
            0.0,
            1000.0 * slowest.get(minute, mean),
            (Spread(1000.0, 1000.0 * mean, 1000.0 * max(slowest.get(minute, mean), mean)),),
        )
        for minute, mean in usual.items()
        if mean
    }


def _sums(found: Mapping[int, int]) -> Series:
    return {minute: Sample(float(each), float(each), 1.0, 1.0) for minute, each in found.items() if each}


def _levels(found: Mapping[int, float]) -> Series:
    return {minute: Sample(each, 1.0, each, each) for minute, each in found.items()}


class Staged:
    """Answers for CloudFront, and for the buckets and the load balancer among the origins."""

    def __init__(self, stage: Stage, data: Data | None) -> None:
        self._answers = Answers(stage, data) if data else None

    def operations(self) -> dict[str, dict[str, Answer]]:
        """The operations by boto3's name of the service; none without a distribution."""
        return self._answers.operations() if self._answers else {}
