"""What stands behind a distribution or an API: what each origin did in the minutes of the errors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from diagnosis.changes import RelevantChange, relevant_changes
from diagnosis.evidence import Evidence, Metrics, Missing
from diagnosis.shift import STILL, UNKNOWN_LEVEL, Level, Shift, Span, count_shift, level_shift, middle
from diagnosis.symptom import attempted_requests
from diagnosis.systems.edge import (
    API,
    CLASSIC,
    LOAD_BALANCER,
    Bucket,
    Distribution,
    EdgeOrigin,
)

# A minute stands out when it has several errors and this many times the share that is usual.
FEWEST_ERRORS, STANDS_OUT = 3.0, 4.0
# Two services' minutes do not end at the same instant.
NEIGHBOURS = 1
# Errors that come back after so many quiet minutes are another matter.
LONGEST_PAUSE = 2
# An origin's failure is remembered for so many minutes: error caching may be long.
LOOK_BACK_MINUTES = 90
# What does not answer within this share of the time allowed is on its way to the time-out.
NEAR_TIMEOUT = 0.8

# What the origins publish, by kind of service: the names differ, so those that are absent count as none.
SERVER_ERRORS = (
    "HTTPCode_ELB_5XX_Count", "HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX", "HTTPCode_Backend_5XX",
    "5XXError", "5xx",
)  # fmt: skip
REJECTIONS = (
    "HTTPCode_ELB_4XX_Count", "HTTPCode_Target_4XX_Count", "HTTPCode_ELB_4XX", "HTTPCode_Backend_4XX",
    "4XXError", "4xx",
)  # fmt: skip
LATENCIES = (
    ("TargetResponseTime", "p99", 1.0),
    ("Latency", "p99", 1.0),
    ("IntegrationLatency", "p99", 1000.0),
)

# What the evidence shows an origin to be, whatever its name is.
KINDS = {"alb": LOAD_BALANCER, "clb": CLASSIC, "apigateway": API}


@dataclass(frozen=True, slots=True)
class EdgeSeries:
    """What the edge counted a minute: 5xx, 4xx, and requests."""

    errors: Sequence[float]
    rejections: Sequence[float]
    asked: Sequence[float]


@dataclass(frozen=True, slots=True)
class OriginFacts:
    """One origin in the minutes of the edge's errors; `read` tells whether its own figures are known.

    `errors` are the 5xx that it answered, `in_step` the share of the edge's bad minutes in which it failed
    too (0 to 1). `lingering` counts the newest minutes in which the edge still failed and it did not any
    more, `lingering_4xx` the same of rejections, `lost` the requests that it did not get and would have had
    before. `slowest` is in seconds.
    """

    id: str
    configuration: EdgeOrigin | None
    kind: str
    read: bool = False
    requests: Shift = STILL
    requests_of_the_edges: Shift = STILL
    errors: Shift = STILL
    rejections: Shift = STILL
    refused_tls: Shift = STILL
    slowest: Level = UNKNOWN_LEVEL
    in_step: float = 0.0
    lingering: int = 0
    lingering_4xx: int = 0
    lost: float = 0.0
    lets_in: bool | None = None
    bucket: Bucket | None = None

    @property
    def read_timeout(self) -> float:
        """How long the edge waits for its answer, in seconds."""
        return self.configuration.read_timeout if self.configuration else 30.0

    @property
    def slow(self) -> bool:
        """Whether its slowest answers come as late as the edge gives up."""
        return (self.slowest.peak or 0.0) >= NEAR_TIMEOUT * self.read_timeout

    @property
    def deserted(self) -> bool:
        """Whether clearly fewer requests reach it than before, also of those that the edge has."""
        return self.requests.fallen and self.requests_of_the_edges.fallen


def origin_facts(
    evidence: Evidence,
    distribution: Distribution | None,
    span: Span,
    edge: EdgeSeries,
) -> tuple[OriginFacts, ...]:
    """Every origin that is configured or was read, beside what the edge counted."""
    behind = {} if isinstance(evidence.origins, Missing) else evidence.origins
    configured = {each.id: each for each in distribution.origins} if distribution else {}
    return tuple(
        _origin(name, configured.get(name), distribution, behind.get(name), span, edge)
        for name in dict.fromkeys([*configured, *behind])
    )


def _origin(
    name: str,
    configuration: EdgeOrigin | None,
    distribution: Distribution | None,
    evidence: Evidence | Missing | None,
    span: Span,
    edge: EdgeSeries,
) -> OriginFacts:
    kind = configuration.kind if configuration else "custom"
    known = OriginFacts(name, configuration, kind)
    if distribution and configuration:
        bucket = distribution.buckets.get(name)
        known = replace(
            known,
            lets_in=distribution.lets_in(configuration),
            bucket=None if isinstance(bucket, Missing) else bucket,
        )
    if evidence is None or isinstance(evidence, Missing) or isinstance(evidence.metrics, Missing):
        return known
    known = replace(known, kind=KINDS.get(evidence.kind, kind))
    return _with_figures(known, evidence.metrics, span, edge)


def _with_figures(known: OriginFacts, metrics: Metrics, span: Span, edge: EdgeSeries) -> OriginFacts:
    per_minute = (1.0,) * metrics.window.minutes
    asked, errors = requests_of(metrics), summed(metrics, SERVER_ERRORS)
    rejections = summed(metrics, REJECTIONS)
    failing, edge_failing = standing_out(errors, asked), standing_out(edge.errors, edge.asked)
    requests = count_shift(asked, per_minute, span)
    return replace(
        known,
        read=True,
        requests=requests,
        requests_of_the_edges=count_shift(asked, edge.asked, span),
        lost=max(0.0, requests.before - requests.after) * span.minutes,
        errors=count_shift(errors, asked, span),
        rejections=count_shift(rejections, asked, span),
        refused_tls=count_shift(metrics.counts("ClientTLSNegotiationErrorCount"), per_minute, span),
        slowest=_slowest(metrics, span),
        in_step=_in_step(edge_failing[span.onset : span.until], failing[span.onset : span.until]),
        lingering=_lingering(edge_failing, failing),
        lingering_4xx=_lingering(standing_out(edge.rejections, edge.asked), standing_out(rejections, asked)),
    )


def requests_of(metrics: Metrics) -> tuple[float, ...]:
    """The requests that came to an origin, whichever kind it is."""
    if any(each.name == "RequestCount" for each in metrics.series):
        return attempted_requests(metrics)
    counted = metrics.counts("Count", statistic="SampleCount")
    return counted if any(counted) else metrics.counts("Count")


def _slowest(metrics: Metrics, span: Span) -> Level:
    for name, statistic, in_a_second in LATENCIES:
        values = metrics.levels(name, statistic)
        if any(value is not None for value in values):
            scale = 1000.0 if name == "Latency" and _is_api(metrics) else in_a_second
            return level_shift([None if value is None else value / scale for value in values], span)
    return UNKNOWN_LEVEL


def _is_api(metrics: Metrics) -> bool:
    """API Gateway and the Classic Load Balancer both call it Latency; an API tells it in milliseconds."""
    return any(each.name == "Count" for each in metrics.series)


def standing_out(errors: Sequence[float], asked: Sequence[float]) -> tuple[bool, ...]:
    """The minutes in which clearly more requests failed than is usual."""
    shares = [bad / all_ for bad, all_ in zip(errors, asked, strict=True) if all_]
    usual = middle(shares) or 0.0
    return tuple(
        bad >= FEWEST_ERRORS and bad >= STANDS_OUT * usual * all_
        for bad, all_ in zip(errors, asked, strict=True)
    )


def _in_step(edge: Sequence[bool], origin: Sequence[bool]) -> float:
    """The share of the edge's bad minutes that are the origin's, or next to one."""
    bad = [index for index, failing in enumerate(edge) if failing]
    both = [index for index in bad if any(origin[max(0, index - NEIGHBOURS) : index + NEIGHBOURS + 1])]
    return len(both) / len(bad) if bad else 0.0


def _lingering(edge: Sequence[bool], origin: Sequence[bool]) -> int:
    """In how many minutes after the origin's last bad one the edge went on to fail without a pause."""
    last = max((index for index, failing in enumerate(origin) if failing), default=None)
    if last is None or last < len(origin) - LOOK_BACK_MINUTES:
        return 0
    count = paused = 0
    for failing in edge[last + 1 :]:
        count, paused = (count + 1, 0) if failing else (count, paused + 1)
        if paused > LONGEST_PAUSE:
            break
    return count


def origin_changes(evidence: Evidence, onset: datetime) -> tuple[RelevantChange, ...]:
    """The changes near the onset that were made to what stands behind, in its own region's CloudTrail.

    What the entry point's own region shows as well is left to be told once; see `merged`.
    """
    if isinstance(evidence.origins, Missing):
        return ()
    return tuple(
        _placed(change, evidence, name)
        for name, origin in evidence.origins.items()
        if not isinstance(origin, Missing)
        for change in relevant_changes(origin, onset)
    )


def merged(own: Sequence[RelevantChange], behind: Sequence[RelevantChange]) -> tuple[RelevantChange, ...]:
    """Every change once, newest first; one that names a part of either is ours."""
    found: dict[str, RelevantChange] = {}
    for each in (*own, *behind):
        known = found.get(each.change.id)
        if known is None or _rank(each) > _rank(known):
            found[each.change.id] = each
    return tuple(sorted(found.values(), key=lambda each: (each.change.at, each.change.id), reverse=True))


def _rank(change: RelevantChange) -> int:
    return {True: 2, None: 1, False: 0}[change.ours]


def _placed(change: RelevantChange, evidence: Evidence, origin: str) -> RelevantChange:
    """A bucket is named by the distribution only, so that is where its changes are recognised."""
    bucket = None if isinstance(evidence.edge, Missing) else evidence.edge.buckets.get(origin)
    named = isinstance(bucket, Bucket) and any(bucket.name in each for each in change.change.resources)
    return replace(change, ours=True) if named else change


def summed(metrics: Metrics, names: Sequence[str], part: str | None = None) -> tuple[float, ...]:
    """Several counts a minute as one."""
    each = [metrics.counts(name, part=part) for name in names]
    return tuple(sum(minute) for minute in zip(*each, strict=True))
