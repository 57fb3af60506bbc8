"""A Classic Load Balancer around the onset: its surge queue, and who was in service."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from diagnosis.classic import MADE_5XX
from diagnosis.classic_codes import (
    OWN_CONNECTIONS,
    RESPONSES,
    Setting,
    most_failed_checks,
    setting_of,
    told_apart,
    without_instance,
)
from diagnosis.evidence import Evidence, Metrics, Missing
from diagnosis.shift import Level, Shift, Span, count_shift, level_shift, present

# "The maximum size of the queue is 1,024" (Classic Load Balancer guide, CloudWatch metrics).
QUEUE_LIMIT = 1024
NEARLY_FULL = 0.95
# Failed connections at this share of what failing checks can make are those of the checks.
CHECKS_AT_LEAST, FEWEST_CONNECTIONS = 0.2, 3.0
# Real requests went well while fewer than this share of them failed in the last minutes in service.
SERVED_WELL, LAST_MINUTES = 0.05, 3


@dataclass(frozen=True, slots=True)
class ClassicFacts:
    """A Classic Load Balancer around the onset.

    `spilled` and `without_instance` are shares of the server errors since the onset (0 to 1): refused by the
    full surge queue, and answered while no instance was in service. `checks_refused` tells whether the checks
    of unhealthy instances cannot even connect, `served_well` whether requests still went well in the last
    minutes in which an instance was in service; both None where that cannot be told. `deserted_zones` had no
    instance in service of their own, where each zone serves by itself.
    """

    spillover: Shift
    queue: Level
    spilled: float
    without_instance: float
    checks_refused: bool | None
    served_well: bool | None
    deserted_zones: tuple[str, ...]
    draining: bool

    @property
    def queue_full(self) -> bool:
        """Whether the surge queue was as good as full."""
        return (self.queue.peak or 0.0) >= NEARLY_FULL * QUEUE_LIMIT


def metrics_told_apart(evidence: Evidence, metrics: Metrics) -> Metrics:
    """The metrics with what a Classic does not publish, as far as it can be derived; others as they are."""
    return told_apart(metrics, setting_of(evidence, metrics)) if evidence.kind == "clb" else metrics


def derive_classic(evidence: Evidence, metrics: Metrics, span: Span) -> ClassicFacts | None:
    """The facts, from metrics that were told apart; None of other kinds of entry point."""
    if evidence.kind != "clb":
        return None
    setting = setting_of(evidence, metrics)
    spillover = metrics.counts("SpilloverCount")
    empty = without_instance(metrics, setting)
    attributes = {} if isinstance(evidence.attributes, Missing) else evidence.attributes
    return ClassicFacts(
        spillover=count_shift(spillover, (1.0,) * len(spillover), span),
        queue=_queue(metrics, span),
        spilled=_share(spillover, metrics, span),
        without_instance=_share(_in_empty_minutes(metrics, setting, empty), metrics, span),
        checks_refused=_checks_refused(metrics, setting, span),
        served_well=_served_well(metrics, empty, span),
        deserted_zones=_deserted(metrics, setting, span),
        draining=attributes.get("connection_draining.enabled", "true") == "true",
    )


def until_they_were_out(evidence: Evidence, metrics: Metrics, span: Span) -> Span:
    """The minutes that show how requests fail: of a Classic those before the last instance failed its check.

    From then on it answers 503 by itself, whatever it was that took the instances out. The minutes are all of
    the span where there is nothing before, where instances left without failing, and of other entry points.
    """
    if evidence.kind != "clb":
        return span
    setting = setting_of(evidence, metrics)
    out = _first_empty(without_instance(metrics, setting), span)
    unhealthy = metrics.levels("UnHealthyHostCount", "Maximum", target_group=setting.balancer)
    if out is None or out <= span.onset or not any(present(unhealthy[span.onset : out + 2])):
        return span
    return replace(span, until=min(out, span.until))


def _first_empty(empty: Sequence[bool], span: Span) -> int | None:
    return next((at for at in range(max(0, span.onset - 1), len(empty)) if empty[at]), None)


def _queue(metrics: Metrics, span: Span) -> Level:
    """The longest queue a minute; it is published only while it is not empty."""
    length = metrics.levels("SurgeQueueLength", "Maximum")
    return level_shift([value or 0.0 for value in length], span)


def _share(counts: Sequence[float], metrics: Metrics, span: Span) -> float:
    """How much of the server errors since the onset these are, 0 to 1."""
    since = slice(span.onset, span.until)
    made, raised = metrics.counts(MADE_5XX), metrics.counts("HTTPCode_Target_5XX_Count")
    total = sum(made[since]) + sum(raised[since])
    return min(1.0, sum(counts[since]) / total) if total else 0.0


def _in_empty_minutes(metrics: Metrics, setting: Setting, empty: Sequence[bool]) -> list[float]:
    """The 5xx made in minutes without an instance in service, by zone where each zone serves by itself."""
    zones = [] if setting.cross_zone else sorted({key.zone for key in metrics.series if key.zone})
    if not zones:
        return [made if none else 0.0 for made, none in zip(metrics.counts(MADE_5XX), empty, strict=True)]
    total = [0.0] * len(empty)
    for zone in zones:
        emptied = without_instance(metrics, setting, zone)
        for at, made in enumerate(metrics.counts(MADE_5XX, zone=zone)):
            total[at] += made if emptied[at] else 0.0
    return total


def _checks_refused(metrics: Metrics, setting: Setting, span: Span) -> bool | None:
    """Whether about as many connections fail as the checks of the unhealthy instances make."""
    zones = max(1, len({key.zone for key in metrics.series if key.zone}))
    expected = most_failed_checks(metrics, setting, zones)
    failed = metrics.counts(OWN_CONNECTIONS)
    ill = [at for at in range(span.onset, len(failed)) if expected[at]]
    if not ill:
        return None
    lost = sum(failed[at] for at in ill)
    return lost >= max(FEWEST_CONNECTIONS, CHECKS_AT_LEAST * sum(expected[at] for at in ill))


def _served_well(metrics: Metrics, empty: Sequence[bool], span: Span) -> bool | None:
    """Whether the requests of the last minutes before there was no instance in service were answered well."""
    out = _first_empty(empty, span)
    if out is None:
        return None
    last = slice(max(0, out - LAST_MINUTES), out)
    asked = sum(metrics.counts("RequestCount")[last])
    if not asked:
        return None
    good = sum(sum(metrics.counts(name)[last]) for name in RESPONSES if "5XX" not in name)
    return good >= (1 - SERVED_WELL) * asked


def _deserted(metrics: Metrics, setting: Setting, span: Span) -> tuple[str, ...]:
    if setting.cross_zone:
        return ()
    zones = sorted({key.zone for key in metrics.series if key.zone})
    return tuple(
        zone
        for zone in zones
        if any(without_instance(metrics, setting, zone)[max(0, span.onset - 1) :])
        and present(
            metrics.levels("HealthyHostCount", "Maximum", target_group=setting.balancer, zone=zone)[
                span.first : span.onset
            ]
        )
    )
