"""Which errors the alarm is about, minute by minute, and among how many requests."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from diagnosis.evidence import Metrics
from diagnosis.onset import Onset, find_level_onset, find_onset

# HTTP codes with a metric of their own; what is left of HTTPCode_ELB_5XX_Count is 501, 505, 507, 561 (ALB
# user guide, metrics).
OWN_METRIC = ("500", "502", "503", "504")


LOAD_BALANCERS = frozenset({"alb", "clb"})
# CloudFront publishes rates of single codes only where the additional metrics are on (developer guide).
EDGE_5XX, EDGE_4XX = ("502", "503", "504"), ("401", "403", "404")


class Family(StrEnum):
    """The kind of trouble an alarm is about."""

    SERVER_ERRORS = "5xx"
    CLIENT_ERRORS = "4xx"
    HOSTS = "unhealthy targets"
    REJECTED = "rejected connections"


@dataclass(frozen=True, slots=True)
class Symptom:
    """The errors of one family: counts a minute by part, their sum, and the requests attempted."""

    family: Family
    parts: dict[str, tuple[float, ...]]
    errors: tuple[float, ...]
    attempted: tuple[float, ...]
    onset: Onset | None


def find_symptom(metrics: Metrics, alarm_metrics: Sequence[str], kind: str = "alb") -> Symptom:
    """The family that the alarm names if it moved, else the first other one that did, else the alarm's own,
    unmoved.

    `kind` is the entry point's: alb, clb, apigateway or cloudfront.
    """
    families = _families(alarm_metrics, kind)
    found = [_symptom(metrics, family, kind) for family in families]
    return next((symptom for symptom in found if symptom.onset), found[0])


_ABOUT_4XX = re.compile(r"4XX|\b40\d|CLIENTERROR")
_ABOUT_5XX = re.compile(r"5XX|50\d|EXECUTIONERROR|INTEGRATIONERROR")


def _families(alarm_metrics: Sequence[str], kind: str) -> tuple[Family, ...]:
    text = " ".join(alarm_metrics).upper()
    if _ABOUT_4XX.search(text) and not _ABOUT_5XX.search(text):
        return (Family.CLIENT_ERRORS, Family.SERVER_ERRORS)
    if kind not in LOAD_BALANCERS:
        return (Family.SERVER_ERRORS, Family.CLIENT_ERRORS)
    if "REJECTEDCONNECTION" in text:
        return (Family.REJECTED, Family.SERVER_ERRORS)
    return (Family.SERVER_ERRORS, Family.HOSTS)


def _symptom(metrics: Metrics, family: Family, kind: str) -> Symptom:
    parts = _PARTS.get(kind, _parts)(metrics, family)
    errors = _sum(parts.values(), metrics.window.minutes)
    attempted = _ATTEMPTED.get(kind, attempted_requests)(metrics)
    if family is Family.HOSTS:
        return Symptom(family, parts, errors, attempted, find_level_onset(errors))
    exposures = (1.0,) * len(errors) if family is Family.REJECTED else attempted
    return Symptom(family, parts, errors, attempted, find_onset(errors, exposures))


def attempted_requests(metrics: Metrics) -> tuple[float, ...]:
    """RequestCount counts only requests for which a target could be chosen, so the refused ones are added."""
    refused = (
        "HTTPCode_ELB_503_Count",
        "HTTPCode_ELB_500_Count",
        "HTTPCode_ELB_4XX_Count",
        "HTTP_Fixed_Response_Count",
    )
    counts = [metrics.counts(name) for name in refused]
    return tuple(
        asked + max(fixed, unavailable + internal + client)
        for asked, unavailable, internal, client, fixed in zip(
            metrics.counts("RequestCount"), *counts, strict=True
        )
    )


def _parts(metrics: Metrics, family: Family) -> dict[str, tuple[float, ...]]:
    if family is Family.CLIENT_ERRORS:
        return {
            "elb_4xx": metrics.counts("HTTPCode_ELB_4XX_Count"),
            "target_4xx": metrics.counts("HTTPCode_Target_4XX_Count"),
        }
    if family is Family.HOSTS:
        return {"unhealthy": unhealthy_hosts(metrics)}
    if family is Family.REJECTED:
        return {"rejected": metrics.counts("RejectedConnectionCount")}
    named = {f"elb_{code}": metrics.counts(f"HTTPCode_ELB_{code}_Count") for code in OWN_METRIC}
    everything = metrics.counts("HTTPCode_ELB_5XX_Count")
    known = _sum(named.values(), metrics.window.minutes)
    other = tuple(max(0.0, total - part) for total, part in zip(everything, known, strict=True))
    return {**named, "elb_other_5xx": other, "target_5xx": metrics.counts("HTTPCode_Target_5XX_Count")}


def unhealthy_hosts(metrics: Metrics) -> tuple[float, ...]:
    """Targets that some load-balancer node holds unhealthy, summed over the groups; no data point is none."""
    groups = {
        key.target_group for key in metrics.series if key.name == "UnHealthyHostCount" and key.target_group
    }
    each = (metrics.levels("UnHealthyHostCount", "Maximum", target_group=group) for group in sorted(groups))
    return _sum(([value or 0.0 for value in levels] for levels in each), metrics.window.minutes)


def _sum(series: Iterable[Sequence[float]], minutes: int) -> tuple[float, ...]:
    total = [0.0] * minutes
    for values in series:
        for index, value in enumerate(values):
            total[index] += value
    return tuple(total)


# API Gateway: one of three kinds of API publishes each of these names (API Gateway developer guide, metrics).


def _of_api(metrics: Metrics, family: Family) -> dict[str, tuple[float, ...]]:
    if family is Family.CLIENT_ERRORS:
        return {"gateway_4xx": _counted(metrics, "4XXError", "4xx", "ClientError")}
    return {"gateway_5xx": _counted(metrics, "5XXError", "5xx", "ExecutionError", "IntegrationError")}


def _asked_of_api(metrics: Metrics) -> tuple[float, ...]:
    """REST APIs document SampleCount for Count, HTTP APIs Sum; both count requests."""
    sampled = metrics.counts("Count", statistic="SampleCount")
    if any(sampled):
        return sampled
    return _counted(metrics, "Count", "ConnectCount", "MessageCount")


def _counted(metrics: Metrics, *names: str) -> tuple[float, ...]:
    return _sum((metrics.counts(name) for name in names), metrics.window.minutes)


# CloudFront publishes percentages of all requests (CloudFront developer guide, metrics).


def _of_edge(metrics: Metrics, family: Family) -> dict[str, tuple[float, ...]]:
    server = family is not Family.CLIENT_ERRORS
    whole, codes = ("5xx", EDGE_5XX) if server else ("4xx", EDGE_4XX)
    named = {f"edge_{code}": _rated(metrics, f"{code}ErrorRate") for code in codes}
    known = _sum(named.values(), metrics.window.minutes)
    total = _rated(metrics, f"{whole}ErrorRate")
    rest = tuple(max(0.0, all_ - part) for all_, part in zip(total, known, strict=True))
    return {**{name: counts for name, counts in named.items() if any(counts)}, f"edge_{whole}": rest}


def _rated(metrics: Metrics, name: str) -> tuple[float, ...]:
    """How many requests a percentage stands for, whole ones."""
    rates = metrics.levels(name, "Average")
    asked = metrics.counts("Requests")
    return tuple(float(round((rate or 0.0) / 100 * all_)) for rate, all_ in zip(rates, asked, strict=True))


def _asked_of_edge(metrics: Metrics) -> tuple[float, ...]:
    return metrics.counts("Requests")


_PARTS: Mapping[str, Callable[[Metrics, Family], dict[str, tuple[float, ...]]]] = {
    "apigateway": _of_api,
    "cloudfront": _of_edge,
}
_ATTEMPTED: Mapping[str, Callable[[Metrics], tuple[float, ...]]] = {
    "apigateway": _asked_of_api,
    "cloudfront": _asked_of_edge,
}


def requests_served(metrics: Metrics, kind: str) -> tuple[float, ...]:
    """Requests that were passed on to a target; of an API or a distribution, all requests."""
    return metrics.counts("RequestCount") if kind in LOAD_BALANCERS else _ATTEMPTED[kind](metrics)


def response_times(metrics: Metrics, kind: str) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    """How long what stands behind takes in the mean and at its slowest, in seconds."""
    if kind in LOAD_BALANCERS:
        return metrics.levels("TargetResponseTime", "Average"), metrics.levels("TargetResponseTime", "p99")
    name, usual = ("IntegrationLatency", "Average") if kind == "apigateway" else ("OriginLatency", "p50")
    return _in_seconds(metrics.levels(name, usual)), _in_seconds(metrics.levels(name, "p99"))


def _in_seconds(milliseconds: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(None if value is None else value / 1000 for value in milliseconds)
