"""What the evidence says, in the terms that causes are judged in: derived once, read by every cause."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from diagnosis.changes import Effect, RelevantChange, relevant_changes
from diagnosis.evidence import Deployment, Deployments, Evidence, Metrics, Missing, Target
from diagnosis.facts import containers
from diagnosis.facts import functions as lambda_functions
from diagnosis.facts.behind import merged, origin_changes
from diagnosis.facts.classic import ClassicFacts, derive_classic, metrics_told_apart, until_they_were_out
from diagnosis.facts.containers import ServiceFacts, derive_services
from diagnosis.facts.edge import EdgeFacts, derive_edge
from diagnosis.facts.firewall import FirewallFacts, derive_firewall
from diagnosis.facts.functions import FunctionFacts, derive_functions
from diagnosis.facts.gateway import GatewayFacts, derive_gateway
from diagnosis.facts.gateway_functions import deciding_functions, gateway_itself
from diagnosis.facts.groups import GroupFacts, Hosts, ZoneFacts, group_facts, group_ids, mark_failing, zones
from diagnosis.facts.processor import odd_processor, processor_load
from diagnosis.rates import dispersion
from diagnosis.rhythm import Rhythm, in_bursts, rhythm
from diagnosis.rollout import FLAT, Rollout, Staircase, rollout, staircase
from diagnosis.shift import Level, Shift, Span, count_shift, level_shift
from diagnosis.symptom import Family, Symptom, find_symptom, requests_served, response_times, successes
from diagnosis.tails import log_binomial_tail

__all__ = ["Facts", "GroupFacts", "Hosts", "ZoneFacts", "derive"]

# The baseline reaches back at most two hours before the onset: long enough for rare errors, short enough for
# the time of day.
BASELINE_MINUTES = 120
# Without an onset the newest minutes are compared with the rest.
NEWEST_MINUTES = 5
# A share of what goes wrong that counts as nearly all of it, and one that counts as hardly any.
NEARLY_ALL = 0.8
HARDLY_ANY = 0.1
# Roll-outs that ended up to this long before the onset are looked at.
ROLLOUT_LOOK_BACK_MINUTES = 45.0
# The groups' own figures are used where they tell of at least this share of the errors.
FEWEST_TOLD = 0.5
# A zone is alone when it has this share of the failures with a part of the traffic, beyond chance.
NEARLY_ALONE, MOST_TRAFFIC_OF_A_ZONE, ZONE_BY_CHANCE = 0.85, 0.75, math.log(1e-6)

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
    "client_tls": "ClientTLSNegotiationErrorCount",
    "auth_errors": "ELBAuthError",
    "auth_failures": "ELBAuthFailure",
    "auth_successes": "ELBAuthSuccess",
    "claims_too_large": "ELBAuthUserClaimsSizeExceeded",
    "token_failures": "JWTValidationFailureCount",
    "redirects_too_long": "HTTP_Redirect_Url_Limit_Exceeded_Count",
}


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
    successes: Shift
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
    kind: str = "alb"
    classic: ClassicFacts | None = None
    firewall: FirewallFacts | None = None
    functions: tuple[FunctionFacts, ...] = ()
    services: tuple[ServiceFacts, ...] = ()
    gateway: GatewayFacts | None = None
    edge: EdgeFacts | None = None
    origins: Mapping[str, "Facts"] = field(default_factory=dict)

    def part(self, *names: str) -> float:
        """The share of the additional errors that these codes make up, 0 to 1; of all without an onset."""
        weight = {name: self._weight(shift) for name, shift in self.parts.items()}
        total = sum(weight.values())
        return sum(weight.get(name, 0.0) for name in names) / total if total else 0.0

    def ratio(self, count: str, *codes: str) -> float:
        """How many of these events came with each additional error of these codes, e.g. connection errors per
        502; of all without an onset.
        """
        errors = sum(self._weight(self.parts[code]) for code in codes if code in self.parts)
        return self._weight(self.counts[count]) / errors if errors else 0.0

    def _weight(self, shift: Shift) -> float:
        return shift.excess if self.onset else shift.events

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

    @property
    def failing_origin(self) -> str | None:
        """The id of the origin that fails behind a distribution or an API, if one does."""
        through = self.edge or self.gateway
        return through.failing_origin if through else None

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
    metrics = metrics_told_apart(evidence, metrics)
    symptom = find_symptom(metrics, alarm_metrics, evidence.kind)
    span = _span(symptom, metrics.window.minutes)
    telling = until_they_were_out(evidence, metrics, span) if symptom.onset else span
    moment = metrics.window.minute(span.onset) if symptom.onset else None
    groups = tuple(group_facts(evidence, metrics, group, span) for group in group_ids(evidence, metrics))
    groups = mark_failing(groups, symptom, alarm_group)
    functions = derive_functions(evidence, span)
    per_minute = (1.0,) * metrics.window.minutes
    attempted = count_shift(symptom.attempted, per_minute, span)
    processor_before, processor_peak = processor_load(evidence, groups, span)
    usual, slowest = response_times(metrics, evidence.kind)
    shape = rhythm(symptom.errors, span)
    if shape.sawtooth:
        usual, slowest = (in_bursts(levels, symptom.errors, span) for levels in (usual, slowest))
    return Facts(
        evidence=evidence,
        symptom=symptom,
        span=span,
        onset=moment,
        errors=count_shift(symptom.errors, symptom.attempted, span),
        attempted=attempted,
        requests=count_shift(requests_served(metrics, evidence.kind), per_minute, span),
        successes=count_shift(successes(metrics, evidence.kind), per_minute, span),
        parts={
            name: count_shift(counts, symptom.attempted, telling) for name, counts in symptom.parts.items()
        },
        counts={
            name: count_shift(metrics.counts(metric), per_minute, span) for name, metric in COUNTS.items()
        },
        response_time=level_shift(usual, span),
        slowest=level_shift(slowest, span),
        idle_timeout=_idle_timeout(evidence),
        groups=groups,
        zones=zones(metrics, span),
        rhythm=shape,
        rollouts=_rollouts(evidence, metrics, groups, functions, span, symptom.family),
        changes=merged(relevant_changes(evidence, moment), origin_changes(evidence, moment))
        if moment
        else (),
        processor_peak=processor_peak,
        processor_before=processor_before,
        odd_processor=odd_processor(evidence, span) if symptom.onset else None,
        kind=evidence.kind,
        classic=derive_classic(evidence, metrics, span),
        firewall=derive_firewall(evidence, span),
        functions=functions,
        services=derive_services(evidence, span),
        gateway=derive_gateway(evidence, span),
        edge=derive_edge(evidence, span),
        origins=_origins(evidence, symptom.family),
    )


def _origins(evidence: Evidence, family: Family) -> dict[str, Facts]:
    """The facts of each origin whose evidence could be read, about the same kind of errors."""
    if isinstance(evidence.origins, Missing):
        return {}
    derived = {
        name: derive(origin, (f"HTTPCode_{family.value}",))
        for name, origin in evidence.origins.items()
        if not isinstance(origin, Missing)
    }
    return {name: facts for name, facts in derived.items() if not isinstance(facts, Missing)}


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


def _rollouts(
    evidence: Evidence,
    metrics: Metrics,
    groups: tuple[GroupFacts, ...],
    functions: tuple[FunctionFacts, ...],
    span: Span,
    family: Family,
) -> tuple[Rollout, ...]:
    found = _all_deployments(evidence)
    state = {each.name: each.failing for each in groups} | {each.name: each.failing for each in functions}
    failing = frozenset(name for name, fails in state.items() if fails)
    if family is Family.CLIENT_ERRORS:
        failing |= deciding_functions(evidence)
    clean = frozenset(state) - failing
    failing = failing or gateway_itself(evidence)
    placed = (rollout(each, found, metrics.window, failing, clean) for each in found)
    near = (
        each for each in placed if each.ended is None or each.ended >= span.onset - ROLLOUT_LOOK_BACK_MINUTES
    )
    return tuple(sorted(near, key=lambda each: (-each.begun, each.deployment.id)))


def _all_deployments(evidence: Evidence) -> tuple[Deployment, ...]:
    """Those of CodeDeploy, and those that ECS and Lambda make by themselves."""
    found = evidence.deployments.found if isinstance(evidence.deployments, Deployments) else ()
    by_codedeploy = lambda_functions.placed(evidence, found)
    native = (*containers.native_deployments(evidence), *lambda_functions.native_deployments(evidence))
    return (*by_codedeploy, *native)
