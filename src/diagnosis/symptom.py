"""Which errors the alarm is about, minute by minute, and among how many requests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from diagnosis.evidence import Metrics
from diagnosis.onset import Onset, find_level_onset, find_onset

# HTTP codes with a metric of their own; what is left of HTTPCode_ELB_5XX_Count is 501, 505, 507, 561 (ALB
# user guide, metrics).
OWN_METRIC = ("500", "502", "503", "504")


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


def find_symptom(metrics: Metrics, alarm_metrics: Sequence[str]) -> Symptom:
    """The family that the alarm names if it moved, else the first other one that did, else the alarm's own,
    unmoved.
    """
    families = _families(alarm_metrics)
    found = [_symptom(metrics, family) for family in families]
    return next((symptom for symptom in found if symptom.onset), found[0])


def _families(alarm_metrics: Sequence[str]) -> tuple[Family, ...]:
    text = " ".join(alarm_metrics).upper()
    if "4XX" in text and "5XX" not in text and "50" not in text:
        return (Family.CLIENT_ERRORS, Family.SERVER_ERRORS)
    if "REJECTEDCONNECTION" in text:
        return (Family.REJECTED, Family.SERVER_ERRORS)
    return (Family.SERVER_ERRORS, Family.HOSTS)


def _symptom(metrics: Metrics, family: Family) -> Symptom:
    parts = _parts(metrics, family)
    errors = _sum(parts.values(), metrics.window.minutes)
    attempted = attempted_requests(metrics)
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
