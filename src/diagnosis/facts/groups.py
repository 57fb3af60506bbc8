"""The target groups and the zones of a load balancer around the onset, and which of them fail."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from diagnosis.evidence import NOT_LOOKED_UP, Evidence, Metrics, Missing, Target, TargetGroup
from diagnosis.shift import Level, Shift, Span, count_shift, level_shift, middle, newest, present
from diagnosis.symptom import Family, Symptom

# A group is failing when this share of its requests goes wrong more than before, and it is a visible part of
# the whole.
FAILING_SHARE_OF_ERRORS = 0.1


@dataclass(frozen=True, slots=True)
class Hosts:
    """Targets of one group as the load balancer counts them; None where there were no data points."""

    healthy_before: float | None
    healthy_least: float | None
    healthy_now: float | None
    unhealthy_before: float | None
    unhealthy_most: float | None
    unhealthy_now: float | None
    vanished: bool

    @property
    def lost(self) -> float:
        """How many fewer targets are healthy now than before."""
        now = 0.0 if self.vanished else self.healthy_now
        return (
            0.0
            if None in (self.healthy_before, now)
            else max(0.0, (self.healthy_before or 0.0) - (now or 0.0))
        )

    @property
    def dipped(self) -> bool:
        """Whether fewer targets than before were healthy at any time since the onset."""
        if self.vanished:
            return True
        return None not in (self.healthy_before, self.healthy_least) and (self.healthy_least or 0.0) < (
            self.healthy_before or 0.0
        )

    @property
    def emptied(self) -> bool:
        """Whether there was a time without any healthy target."""
        return bool(self.healthy_before) and self.healthy_least == 0.0

    @property
    def grew(self) -> bool:
        """Whether there are more healthy targets now than before."""
        return (self.healthy_now or 0.0) > (self.healthy_before or 0.0) > 0.0

    @property
    def turned_unhealthy(self) -> bool:
        """Whether targets became unhealthy, as opposed to leaving the group."""
        return (self.unhealthy_most or 0.0) > (self.unhealthy_before or 0.0)


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """One target group around the onset; `unanswered` is requests less responses, the load balancer's own 5xx
    in it.
    """

    id: str
    name: str
    configuration: TargetGroup | None
    requests: Shift
    unanswered: Shift
    target_2xx: Shift
    target_4xx: Shift
    target_5xx: Shift
    connection_errors: Shift
    tls_errors: Shift
    unhealthy_routing: Shift
    lambda_errors: Shift
    response_time: Level
    hosts: Hosts
    targets: tuple[Target, ...] | Missing
    failures: tuple[float, ...]
    asked: tuple[float, ...]
    failing: bool

    @property
    def failed(self) -> float:
        """Requests that went wrong since the onset, beyond the baseline."""
        return self.unanswered.excess + self.target_5xx.excess


@dataclass(frozen=True, slots=True)
class ZoneFacts:
    """One Availability Zone around the onset."""

    name: str
    requests: Shift
    failed: Shift
    response_time: Level
    hosts_fell: bool


def group_ids(evidence: Evidence, metrics: Metrics) -> tuple[str, ...]:
    listed = (
        ()
        if isinstance(evidence.target_groups, Missing)
        else tuple(group.id for group in evidence.target_groups)
    )
    seen = {key.target_group for key in metrics.series if key.target_group}
    return tuple(sorted({*listed, *seen}))


def group_facts(evidence: Evidence, metrics: Metrics, group: str, span: Span) -> GroupFacts:
    def counts(name: str) -> tuple[float, ...]:
        return metrics.counts(name, target_group=group)

    asked = counts("RequestCount")
    answers = [counts(f"HTTPCode_Target_{kind}_Count") for kind in ("2XX", "3XX", "4XX", "5XX")]
    unanswered = _unanswered(asked, answers)
    per_minute = (1.0,) * len(asked)
    configuration = next((each for each in _known(evidence.target_groups) if each.id == group), None)
    return GroupFacts(
        id=group,
        name=group.split("/")[1] if "/" in group else group,
        configuration=configuration,
        requests=count_shift(asked, per_minute, span),
        unanswered=count_shift(unanswered, asked, span),
        target_2xx=count_shift(answers[0], per_minute, span),
        target_4xx=count_shift(answers[2], asked, span),
        target_5xx=count_shift(answers[3], asked, span),
        connection_errors=count_shift(counts("TargetConnectionErrorCount"), per_minute, span),
        tls_errors=count_shift(counts("TargetTLSNegotiationErrorCount"), per_minute, span),
        unhealthy_routing=count_shift(counts("UnhealthyRoutingRequestCount"), per_minute, span),
        lambda_errors=count_shift(counts("LambdaUserError"), per_minute, span),
        response_time=level_shift(metrics.levels("TargetResponseTime", "Average", target_group=group), span),
        hosts=_hosts(metrics, group, span),
        targets=_targets(evidence, group),
        failures=tuple(lost + raised for lost, raised in zip(unanswered, answers[3], strict=True)),
        asked=asked,
        failing=False,
    )


def _unanswered(asked: Sequence[float], answers: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Requests less responses a minute; none where the group's successes were not published at all."""
    if not any(answers[0]) and not any(answers[1]):
        return (0.0,) * len(asked)
    return tuple(max(0.0, total - sum(parts)) for total, *parts in zip(asked, *answers, strict=True))


def _targets(evidence: Evidence, group: str) -> tuple[Target, ...] | Missing:
    """The group's targets, with the zone of their machine: target health tells no zone for instances."""
    if isinstance(evidence.target_health, Missing):
        return evidence.target_health
    targets = evidence.target_health.get(group, NOT_LOOKED_UP)
    if isinstance(targets, Missing) or isinstance(evidence.instances, Missing):
        return targets
    zones = {instance.id: instance.zone for instance in evidence.instances}
    return tuple(replace(target, zone=target.zone or zones.get(target.id)) for target in targets)


def _known(groups: tuple[TargetGroup, ...] | Missing) -> tuple[TargetGroup, ...]:
    return () if isinstance(groups, Missing) else groups


def _hosts(metrics: Metrics, group: str, span: Span) -> Hosts:
    def levels(name: str, statistic: str) -> tuple[float | None, ...]:
        return metrics.levels(name, statistic, target_group=group)

    # Minimum of healthy and of unhealthy hosts is what every load-balancer node agrees on (ALB user guide,
    # metrics).
    healthy, unhealthy = levels("HealthyHostCount", "Minimum"), levels("UnHealthyHostCount", "Maximum")
    # The health check notices only after some failures, so the minutes just before the onset belong to
    # neither side.
    calm = slice(span.first, max(span.first + 1, span.onset - 5))
    since = slice(max(0, span.onset - 1), None)
    return Hosts(
        healthy_before=middle(healthy[calm]),
        healthy_least=min(present(healthy[since]), default=None),
        healthy_now=newest(healthy[since]),
        unhealthy_before=middle(unhealthy[calm]),
        unhealthy_most=max(present(unhealthy[since]), default=None),
        unhealthy_now=newest(unhealthy[since]),
        vanished=bool(present(healthy[calm])) and all(value is None for value in healthy[-2:]),
    )


def mark_failing(
    groups: tuple[GroupFacts, ...], symptom: Symptom, alarm_group: str | None
) -> tuple[GroupFacts, ...]:
    total = sum(group.failed for group in groups)
    failing = {group.id for group in groups if _is_failing(group, symptom.family, total)}
    if not failing and symptom.onset:
        # The groups' own figures may be incomplete; then the only group, or the one the alarm names, is at
        # fault.
        failing = {group.id for group in groups if len(groups) == 1 or group.id == alarm_group}
    return tuple(replace(group, failing=group.id in failing) for group in groups)


def _is_failing(group: GroupFacts, family: Family, total: float) -> bool:
    if family is Family.CLIENT_ERRORS:
        return group.target_4xx.risen
    troubled = (
        group.connection_errors.risen
        or group.tls_errors.risen
        or group.hosts.turned_unhealthy
        or group.hosts.vanished
        or group.hosts.emptied
        or group.lambda_errors.risen
    )
    return troubled or (total > 0 and group.failed >= FAILING_SHARE_OF_ERRORS * total)


def zones(metrics: Metrics, span: Span) -> tuple[ZoneFacts, ...]:
    names = sorted({key.zone for key in metrics.series if key.zone})
    return tuple(_zone(metrics, name, span) for name in names)


def _zone(metrics: Metrics, zone: str, span: Span) -> ZoneFacts:
    def counts(name: str) -> tuple[float, ...]:
        return metrics.counts(name, zone=zone)

    asked = counts("RequestCount")
    named = (
        "HTTPCode_ELB_502_Count",
        "HTTPCode_ELB_504_Count",
        "HTTPCode_ELB_503_Count",
        "HTTPCode_Target_5XX_Count",
    )
    failed = tuple(sum(each) for each in zip(*(counts(name) for name in named), strict=True))
    groups = sorted({key.target_group for key in metrics.series if key.zone == zone and key.target_group})
    healthy = [
        metrics.levels("HealthyHostCount", "Minimum", target_group=group, zone=zone) for group in groups
    ]
    return ZoneFacts(
        name=zone,
        requests=count_shift(asked, (1.0,) * len(asked), span),
        failed=count_shift(failed, asked, span),
        response_time=level_shift(metrics.levels("TargetResponseTime", "Average", zone=zone), span),
        hosts_fell=any(_fell(levels, span) for levels in healthy),
    )


def _fell(healthy: Sequence[float | None], span: Span) -> bool:
    before = middle(healthy[span.first : max(span.first + 1, span.onset - 5)])
    least = min(present(healthy[max(0, span.onset - 1) :]), default=None)
    return before is not None and least is not None and least < before
