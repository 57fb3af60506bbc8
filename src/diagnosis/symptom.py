"""Which errors the alarm is about, minute by minute, and among how many requests."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from diagnosis.evidence import Metrics
from diagnosis.lost_requests import lost_requests
from diagnosis.onset import Onset, find_level_onset, find_onset

# HTTP codes with a metric of their own; what is left of HTTPCode_ELB_5XX_Count is 501, 505, 507, 561 (ALB
# user guide, metrics).
OWN_METRIC = ("500", "502", "503", "504")


LOAD_BALANCERS = frozenset({"alb", "clb"})
# CloudFront publishes rates of single codes only where the additional metrics are on (developer guide).
EDGE_5XX, EDGE_4XX = ("502", "503", "504"), ("401", "403", "404")


# Errors that make up this share of the missing requests explain the loss.
EXPLAINS_SHARE = 0.3
# ... and so many times as many errors a minute are more of them.
MORE = 1.3
# An alarm that watches nothing else than these is about too few requests, or too many.
VOLUME = frozenset(
    {
        *("RequestCount", "HTTPCode_Target_2XX_Count", "HTTPCode_Backend_2XX", "NewConnectionCount"),
        *("ActiveConnectionCount", "RequestCountPerTarget", "Count", "Requests", "ConnectCount"),
    }
)


class Family(StrEnum):
    """The kind of trouble an alarm is about."""

    SERVER_ERRORS = "5xx"
    CLIENT_ERRORS = "4xx"
    HOSTS = "unhealthy targets"
    REJECTED = "rejected connections"
    HANDSHAKES = "failed TLS handshakes of clients"
    LOST = "requests that no longer come"


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
    if families[0] is Family.LOST:
        return _instead_of(found)
    return next((symptom for symptom in found if symptom.onset), found[0])


def _instead_of(found: Sequence[Symptom]) -> Symptom:
    """What explains that requests are missing, if it is seen: errors at the same time, not much fewer than
    the missing requests, or handshakes that fail; else the loss itself.
    """
    lost, *others = found
    if lost.onset is None:
        return next((symptom for symptom in others if _grew(symptom)), others[0])
    since = slice(lost.onset.index, lost.onset.until)
    missing = sum(lost.errors[since])
    for symptom in others:
        meets = symptom.onset and _overlap(symptom.onset, lost.onset)
        enough = sum(symptom.errors[since]) >= EXPLAINS_SHARE * missing
        if meets and (enough or symptom.family is Family.HANDSHAKES):
            return symptom
    return lost


def _grew(symptom: Symptom) -> bool:
    """Whether there are more errors a minute too: their share also grows where requests become fewer."""
    if symptom.onset is None:
        return False
    before = symptom.errors[: symptom.onset.index]
    since = symptom.errors[symptom.onset.index : symptom.onset.until]
    return sum(since) / max(1, len(since)) > MORE * sum(before) / max(1, len(before))


def _overlap(one: Onset, other: Onset) -> bool:
    ends = [each.until for each in (one, other) if each.until is not None]
    return not ends or max(one.index, other.index) < min(ends)


def clients_stay_away(metrics: Metrics, kind: str = "alb") -> bool:
    """Whether clients' handshakes fail more often than before, or requests are missing."""
    families = [Family.LOST, *([Family.HANDSHAKES] if kind in LOAD_BALANCERS else [])]
    return any(_symptom(metrics, family, kind).onset for family in families)


_ABOUT_4XX = re.compile(r"4XX|\b40\d|CLIENTERROR")
_ABOUT_5XX = re.compile(r"5XX|50\d|EXECUTIONERROR|INTEGRATIONERROR")


def _families(alarm_metrics: Sequence[str], kind: str) -> tuple[Family, ...]:
    text = " ".join(alarm_metrics).upper()
    if alarm_metrics and VOLUME.issuperset(alarm_metrics):
        families = (Family.LOST, Family.SERVER_ERRORS, Family.CLIENT_ERRORS)
        return (*families, Family.HANDSHAKES, Family.HOSTS) if kind in LOAD_BALANCERS else families
    if "CLIENTTLS" in text:
        return (Family.HANDSHAKES, Family.SERVER_ERRORS)
    if _ABOUT_4XX.search(text) and not _ABOUT_5XX.search(text):
        return (Family.CLIENT_ERRORS, Family.SERVER_ERRORS)
    if kind not in LOAD_BALANCERS:
        return (Family.SERVER_ERRORS, Family.CLIENT_ERRORS)
    if "REJECTEDCONNECTION" in text:
        return (Family.REJECTED, Family.SERVER_ERRORS)
    return (Family.SERVER_ERRORS, Family.HOSTS)


def _symptom(metrics: Metrics, family: Family, kind: str) -> Symptom:
    if family in {Family.LOST, Family.HANDSHAKES}:
        return _before_the_listener(metrics, family, kind)
    parts = _PARTS.get(kind, _parts)(metrics, family)
    errors = _sum(parts.values(), metrics.window.minutes)
    attempted = _ATTEMPTED.get(kind, attempted_requests)(metrics)
    if family is Family.HOSTS:
        return Symptom(family, parts, errors, attempted, find_level_onset(errors))
    exposures = (1.0,) * len(errors) if family is Family.REJECTED else attempted
    return Symptom(family, parts, errors, attempted, find_onset(errors, exposures))


def _before_the_listener(metrics: Metrics, family: Family, kind: str) -> Symptom:
    """Trouble that leaves no response: what was to be expected stands for what was attempted."""
    asked = _ATTEMPTED.get(kind, attempted_requests)(metrics)
    lost, expected = lost_requests(asked)
    if family is Family.LOST:
        return Symptom(family, {"lost": lost}, lost, expected, find_onset(lost, expected))
    failed = metrics.counts("ClientTLSNegotiationErrorCount")
    onset = find_onset(failed, (1.0,) * len(failed))
    return Symptom(family, {"client_tls": failed}, failed, expected, onset)


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


def successes(metrics: Metrics, kind: str) -> tuple[float, ...]:
    """Requests answered well: 2XX of the targets; of an API or a distribution, all that are no errors."""
    if kind in LOAD_BALANCERS:
        return metrics.counts("HTTPCode_Target_2XX_Count")
    families = (Family.SERVER_ERRORS, Family.CLIENT_ERRORS)
    failed = _sum(
        (part for each in families for part in _PARTS[kind](metrics, each).values()), metrics.window.minutes
    )
    return tuple(max(0.0, all_ - lost) for all_, lost in zip(_ATTEMPTED[kind](metrics), failed, strict=True))


def response_times(metrics: Metrics, kind: str) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    """How long what stands behind takes in the mean and at its slowest, in seconds."""
    if kind in LOAD_BALANCERS:
        return metrics.levels("TargetResponseTime", "Average"), metrics.levels("TargetResponseTime", "p99")
    name, usual = ("IntegrationLatency", "Average") if kind == "apigateway" else ("OriginLatency", "p50")
    return _in_seconds(metrics.levels(name, usual)), _in_seconds(metrics.levels(name, "p99"))


def _in_seconds(milliseconds: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(None if value is None else value / 1000 for value in milliseconds)
