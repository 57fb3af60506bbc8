"""What the evidence says, in the terms that causes are judged in: derived once, read by every cause."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from diagnosis.changes import Effect, RelevantChange, relevant_changes
from diagnosis.evidence import NOT_LOOKED_UP, Deployments, Evidence, Metrics, Missing, Target, TargetGroup
from diagnosis.rates import dispersion
from diagnosis.rhythm import Rhythm, rhythm
from diagnosis.rollout import FLAT, Rollout, Staircase, rollout, staircase
from diagnosis.shift import LEAD_MINUTES, Level, Shift, Span, count_shift, level_shift
from diagnosis.symptom import Family, Symptom, find_symptom
from diagnosis.tails import log_binomial_tail

# The baseline reaches back at most two hours before the onset: long enough for rare errors, short enough for
# the time of day.
BASELINE_MINUTES = 120
# Without an onset the newest minutes are compared with the rest.
NEWEST_MINUTES = 5
# A share of what goes wrong that counts as nearly all of it, and one that counts as hardly any.
NEARLY_ALL = 0.8
HARDLY_ANY = 0.1
# A group is failing when this share of its requests goes wrong more than before, and it is a visible part of
# the whole.
FAILING_SHARE_OF_ERRORS = 0.1
# Roll-outs that ended up to this long before the onset are looked at.
ROLLOUT_LOOK_BACK_MINUTES = 45.0
# The groups' own figures are used where they tell of at least this share of the errors.
FEWEST_TOLD = 0.5
# A zone is alone when it has this share of the failures with a part of the traffic, beyond chance.
NEARLY_ALONE, MOST_TRAFFIC_OF_A_ZONE, ZONE_BY_CHANCE = 0.85, 0.75, math.log(1e-6)
# A processor load this far off its neighbours' is another life.
ODD_BELOW, ODD_ABOVE = 0.4, 1.9

COUNTS = {
    "redirects": "HTTP_Redirect_Count",
    "fixed_responses": "HTTP_Fixed_Response_Count",
    "elb_4xx": "HTTPCode_ELB_4XX_Count",
    "target_2xx": "HTTPCode_Target_2XX_Count",
    "target_3xx": "HTTPCode_Target_3XX_Count",
    "target_4xx": "HTTPCode_Target_4XX_Count",
    "target_5xx": "HTTPCode_Target_5XX_Count",
    "connection_errors": "TargetConnectionErrorCount",
    "tls_errors": "TargetTLSNegotiationErrorCount",
    "rejected_connections": "RejectedConnectionCount",
    "low_reputation_denied": "LowReputationRequestsDenied",
    "new_connections": "NewConnectionCount",
    "desync": "DesyncMitigationMode_NonCompliant_Request_Count",
}


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


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything causes and triggers are judged by. `onset` is None when nothing changed."""

    evidence: Evidence
    symptom: Symptom
    span: Span
    onset: datetime | None
    errors: Shift
    attempted: Shift
    requests: Shift
    parts: dict[str, Shift]
    counts: dict[str, Shift]
    response_time: Level
    slowest: Level
    idle_timeout: float
    groups: tuple[GroupFacts, ...]
    zones: tuple[ZoneFacts, ...]
    rhythm: Rhythm
    rollouts: tuple[Rollout, ...]
    changes: tuple[RelevantChange, ...]
    processor_peak: float | None
    processor_before: float | None
    odd_processor: str | None

    def part(self, *names: str) -> float:
        """The share of the additional errors that these codes make up, 0 to 1; of all without an onset."""
        weight = {name: shift.excess if self.onset else shift.events for name, shift in self.parts.items()}
        total = sum(weight.values())
        return sum(weight.get(name, 0.0) for name in names) / total if total else 0.0

    def ratio(self, count: str, *codes: str) -> float:
        """How many of these events came with each additional error of these codes, e.g. connection errors per
        502.
        """
        errors = sum(self.parts[code].excess for code in codes if code in self.parts)
        return self.counts[count].excess / errors if errors else 0.0

    @property
    def error_share(self) -> float:
        """The share of attempted requests that failed since the onset, 0 to 1."""
        return min(1.0, self.errors.events / max(self.attempted.events, 1.0))

    @property
    def is_5xx(self) -> bool:
        """Whether the alarm's errors are server errors."""
        return self.symptom.family is Family.SERVER_ERRORS

    @property
    def failing_groups(self) -> tuple[GroupFacts, ...]:
        """The groups in which requests go wrong, worst first."""
        return tuple(
            sorted(
                (group for group in self.groups if group.failing), key=lambda each: (-each.failed, each.id)
            )
        )

    @property
    def busy_groups(self) -> tuple[GroupFacts, ...]:
        """The groups that had traffic before the onset."""
        return tuple(group for group in self.groups if group.requests.before > 0)

    @property
    def worst(self) -> GroupFacts | None:
        """The group with the most failures, else the only group."""
        return next(iter(self.failing_groups), self.groups[0] if len(self.groups) == 1 else None)

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets of the failing groups as they are now (of all groups when none fails)."""
        chosen = self.failing_groups or self.groups
        return tuple(
            target for group in chosen if not isinstance(group.targets, Missing) for target in group.targets
        )

    @property
    def health_known(self) -> bool:
        """Whether target health of the failing groups could be read."""
        chosen = self.failing_groups or self.groups
        return bool(chosen) and all(not isinstance(group.targets, Missing) for group in chosen)

    @property
    def all_healthy(self) -> bool:
        """Whether the failing groups kept every target healthy, now and since the onset."""
        chosen = self.failing_groups or self.groups
        steady = not self.hosts_fell and not any(group.hosts.turned_unhealthy for group in chosen)
        return steady and bool(self.targets) and all(target.state != "unhealthy" for target in self.targets)

    @property
    def hosts_fell(self) -> bool:
        """Whether a failing group has lost healthy targets, beyond those that a roll-out takes out."""
        return any(group.hosts.lost > self._being_replaced for group in self.failing_groups or self.groups)

    @property
    def _being_replaced(self) -> int:
        """How many targets the roll-out has out of service in the newest minutes."""
        rollout, end = self.rollout_at_onset, len(self.symptom.errors)
        if rollout is None or rollout.takes_all:
            return 0
        return rollout.in_flight if rollout.ended is None or rollout.ended >= end - 2 else 0

    @property
    def hosts_dipped(self) -> bool:
        """Whether a failing group had fewer healthy targets at any time since the onset."""
        return any(group.hosts.dipped for group in self.failing_groups or self.groups)

    @property
    def failing_share(self) -> float:
        """The share of the failing groups' own requests that failed in the last minutes of it, 0 to 1."""
        errors, asked = self._of_failing_groups()
        last = slice(max(self.span.onset, self.span.until - NEWEST_MINUTES), self.span.until)
        return min(1.0, sum(errors[last]) / max(sum(asked[last]), 1.0))

    @property
    def turned_unhealthy(self) -> bool:
        """Whether targets of a failing group became unhealthy."""
        chosen = self.failing_groups or self.groups
        return any(group.hosts.turned_unhealthy for group in chosen)

    def unhealthy(self, *reasons: str) -> tuple[Target, ...]:
        """The unhealthy targets of the failing groups, with one of these reasons if any are given."""
        return tuple(
            target
            for target in self.targets
            if target.state == "unhealthy" and (not reasons or target.reason in reasons)
        )

    def in_state(self, *states: str) -> tuple[Target, ...]:
        """The targets of the failing groups in one of these states."""
        return tuple(target for target in self.targets if target.state in states)

    @property
    def lone_zone(self) -> ZoneFacts | None:
        """The one zone that fails while others with traffic are clean, if it is so."""
        total = sum(zone.failed.excess for zone in self.zones)
        if len(self.zones) < 2 or not total:
            return None
        worst = max(self.zones, key=lambda zone: zone.failed.excess)
        asked = sum(zone.requests.events for zone in self.zones)
        share = worst.requests.events / max(asked, 1.0)
        if worst.failed.excess < NEARLY_ALONE * total or share > MOST_TRAFFIC_OF_A_ZONE:
            return None
        # A few errors fall into one zone by chance.
        return worst if log_binomial_tail(worst.failed.excess, total, share) < ZONE_BY_CHANCE else None

    @property
    def lone_target(self) -> Target | None:
        """The one target of a failing group that is unhealthy while at least two neighbours are well, if it
        is so.
        """
        ill = [
            target for target in self.targets if target.state != "healthy" or target.id == self.odd_processor
        ]
        return (
            ill[0]
            if len(ill) == 1 and ill[0].state in {"healthy", "unhealthy"} and len(self.targets) >= 3
            else None
        )

    @property
    def several_were_unhealthy(self) -> bool:
        """Whether a failing group had two or more unhealthy targets at a time since the onset."""
        return any((group.hosts.unhealthy_most or 0.0) >= 2 for group in self.failing_groups)

    @property
    def surged(self) -> bool:
        """Whether clearly more requests came than before."""
        return self.attempted.risen and self.attempted.factor >= 1.5

    @property
    def rollouts_of_failing(self) -> tuple[Rollout, ...]:
        """Roll-outs of another version to a failing group (or to an unknown one), newest first."""
        return tuple(
            each for each in self.rollouts if each.changes_version and each.serves_failing is not False
        )

    @property
    def rollout_at_onset(self) -> Rollout | None:
        """The roll-out of the failing group that was going on, or had just ended, as the errors began."""
        return next(
            (each for each in self.rollouts_of_failing if self.onset and each.covers(self.span.onset)), None
        )

    def staircase(self, step: Rollout) -> Staircase:
        """How the errors followed the targets of this roll-out."""
        if not self.onset:
            return FLAT
        errors, asked = self._of_failing_groups()
        quiet = slice(self.span.first, self.span.onset)
        return staircase(step, errors, asked, self.span, dispersion(errors[quiet], asked[quiet]))

    def _of_failing_groups(self) -> tuple[Sequence[float], Sequence[float]]:
        """Failures and requests a minute, of the failing groups or, if they do not tell, of all."""
        errors = [
            sum(minute) for minute in zip(*(group.failures for group in self.failing_groups), strict=True)
        ]
        asked = [sum(minute) for minute in zip(*(group.asked for group in self.failing_groups), strict=True)]
        told = sum(errors[self.span.onset : self.span.until]) >= FEWEST_TOLD * self.errors.excess
        return (errors, asked) if errors and told else (self.symptom.errors, self.symptom.attempted)

    def changes_of(self, *effects: Effect) -> tuple[RelevantChange, ...]:
        """Changes near the onset that can break one of these and are not known to be somebody else's."""
        return tuple(each for each in self.changes if each.effect in effects and each.ours is not False)


def derive(
    evidence: Evidence, alarm_metrics: Sequence[str], alarm_group: str | None = None
) -> Facts | Missing:
    """Derive the facts; without metrics there is nothing to judge by.

    `alarm_group` is the target group that the alarm names (targetgroup/name/hash), if it names one.
    """
    metrics = evidence.metrics
    if isinstance(metrics, Missing):
        return Missing(f"no metrics: {metrics.reason}")
    symptom = find_symptom(metrics, alarm_metrics)
    span = _span(symptom, metrics.window.minutes)
    moment = metrics.window.minute(span.onset) if symptom.onset else None
    groups = tuple(_group(evidence, metrics, group, span) for group in _group_ids(evidence, metrics))
    groups = _mark_failing(groups, symptom, alarm_group)
    per_minute = (1.0,) * metrics.window.minutes
    processor_before, processor_peak = _processor(evidence, groups, span)
    return Facts(
        evidence=evidence,
        symptom=symptom,
        span=span,
        onset=moment,
        errors=count_shift(symptom.errors, symptom.attempted, span),
        attempted=count_shift(symptom.attempted, per_minute, span),
        requests=count_shift(metrics.counts("RequestCount"), per_minute, span),
        parts={name: count_shift(counts, symptom.attempted, span) for name, counts in symptom.parts.items()},
        counts={
            name: count_shift(metrics.counts(metric), per_minute, span) for name, metric in COUNTS.items()
        },
        response_time=level_shift(metrics.levels("TargetResponseTime", "Average"), span),
        slowest=level_shift(metrics.levels("TargetResponseTime", "p99"), span),
        idle_timeout=_idle_timeout(evidence),
        groups=groups,
        zones=_zones(metrics, span),
        rhythm=rhythm(symptom.errors, span),
        rollouts=_rollouts(evidence, metrics, groups, span),
        changes=relevant_changes(evidence, moment) if moment else (),
        processor_peak=processor_peak,
        processor_before=processor_before,
        odd_processor=_odd_processor(evidence, span) if symptom.onset else None,
    )


def _span(symptom: Symptom, minutes: int) -> Span:
    if symptom.onset is None:
        return Span(max(0, minutes - BASELINE_MINUTES), max(0, minutes - NEWEST_MINUTES), minutes)
    onset = symptom.onset
    return Span(max(0, onset.index - BASELINE_MINUTES), onset.index, onset.until or minutes)


def _idle_timeout(evidence: Evidence) -> float:
    """Seconds; 60 is the default (ALB user guide, load balancer attributes)."""
    attributes = {} if isinstance(evidence.attributes, Missing) else evidence.attributes
    try:
        return float(attributes.get("idle_timeout.timeout_seconds", "60"))
    except ValueError:
        return 60.0


def _group_ids(evidence: Evidence, metrics: Metrics) -> tuple[str, ...]:
    listed = (
        ()
        if isinstance(evidence.target_groups, Missing)
        else tuple(group.id for group in evidence.target_groups)
    )
    seen = {key.target_group for key in metrics.series if key.target_group}
    return tuple(sorted({*listed, *seen}))


def _group(evidence: Evidence, metrics: Metrics, group: str, span: Span) -> GroupFacts:
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
        healthy_before=_median(healthy[calm]),
        healthy_least=min(_present(healthy[since]), default=None),
        healthy_now=_last(healthy[since]),
        unhealthy_before=_median(unhealthy[calm]),
        unhealthy_most=max(_present(unhealthy[since]), default=None),
        unhealthy_now=_last(unhealthy[since]),
        vanished=bool(_present(healthy[calm])) and all(value is None for value in healthy[-2:]),
    )


def _present(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _median(values: Sequence[float | None]) -> float | None:
    present = sorted(_present(values))
    return present[len(present) // 2] if present else None


def _last(values: Sequence[float | None]) -> float | None:
    present = _present(values)
    return present[-1] if present else None


def _mark_failing(
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


def _zones(metrics: Metrics, span: Span) -> tuple[ZoneFacts, ...]:
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
    before = _median(healthy[span.first : max(span.first + 1, span.onset - 5)])
    least = min(_present(healthy[max(0, span.onset - 1) :]), default=None)
    return before is not None and least is not None and least < before


def _rollouts(
    evidence: Evidence, metrics: Metrics, groups: tuple[GroupFacts, ...], span: Span
) -> tuple[Rollout, ...]:
    if not isinstance(evidence.deployments, Deployments):
        return ()
    failing = frozenset(group.name for group in groups if group.failing)
    clean = frozenset(group.name for group in groups if not group.failing)
    placed = (
        rollout(each, evidence.deployments.found, metrics.window, failing, clean)
        for each in evidence.deployments.found
    )
    near = (
        each for each in placed if each.ended is None or each.ended >= span.onset - ROLLOUT_LOOK_BACK_MINUTES
    )
    return tuple(sorted(near, key=lambda each: (-each.begun, each.deployment.id)))


def _processor(
    evidence: Evidence, groups: tuple[GroupFacts, ...], span: Span
) -> tuple[float | None, float | None]:
    """The mean load of the failing groups' instances before, and in the busiest minute since the onset
    (percent).
    """
    if isinstance(evidence.processor, Missing):
        return None, None
    chosen = [group for group in groups if group.failing] or groups
    targets = [each for group in chosen if not isinstance(group.targets, Missing) for each in group.targets]
    serving = {each.id for each in targets if each.state == "healthy"} or {each.id for each in targets}
    series = [values for name, values in evidence.processor.items() if name in serving]
    if not series:
        return None, None
    means = [
        sum(present) / len(present) if (present := _present(column)) else None
        for column in zip(*series, strict=True)
    ]
    before = _median(means[span.first : max(span.first + 1, span.onset - LEAD_MINUTES)])
    return before, max(_present(means[max(0, span.onset - 2) :]), default=None)


def _odd_processor(evidence: Evidence, span: Span) -> str | None:
    """The one instance whose processor load since the onset has nothing to do with its neighbours', if there
    is one.
    """
    if isinstance(evidence.processor, Missing) or len(evidence.processor) < 3:
        return None
    now = {name: _median(series[span.onset :]) for name, series in evidence.processor.items()}
    then = {
        name: _median(series[span.first : max(span.first + 1, span.onset)])
        for name, series in evidence.processor.items()
    }
    usual = _median(tuple(now.values()))
    if not usual:
        return None
    odd = [
        name
        for name, load in now.items()
        if load is not None
        and not ODD_BELOW <= load / usual <= ODD_ABOVE
        and ODD_BELOW <= (then[name] or 0.0) / (_median(tuple(then.values())) or 1.0) <= ODD_ABOVE
    ]
    return odd[0] if len(odd) == 1 else None
