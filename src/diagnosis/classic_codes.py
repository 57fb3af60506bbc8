"""What a Classic Load Balancer does not publish, as far as it can be told from what it does.

It publishes its own 5xx in one sum, and counts the failed connections of health checks with those of
requests. What is said of the metrics is the Classic Load Balancer guide's, "CloudWatch metrics" and
"Troubleshoot: HTTP errors".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diagnosis.classic import MADE_5XX
from diagnosis.evidence import Evidence, Missing
from diagnosis.series import MetricKey, Metrics
from diagnosis.shift import middle, present

Minutes = Sequence[float | None]

CONNECTIONS, OWN_CONNECTIONS = "TargetConnectionErrorCount", "BackendConnectionErrors"
RESPONSES = tuple(f"HTTPCode_Target_{code}_Count" for code in ("2XX", "3XX", "4XX", "5XX"))
# An answer that took this share of the idle timeout shows that others were waited for in vain.
NEAR_TIMEOUT = 0.6
DEFAULT_IDLE_TIMEOUT = 60.0
# Every node checks every instance by itself. Each zone has a node, and seldom more than two.
NODES_A_ZONE = 2
USUAL_INTERVAL_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Setting:
    """What of the configuration the reading of the metrics rests on; times in seconds."""

    balancer: str
    idle_timeout: float
    cross_zone: bool
    check_interval: int


def setting_of(evidence: Evidence, metrics: Metrics) -> Setting:
    """The settings as they were read, else the usual ones."""
    attributes = {} if isinstance(evidence.attributes, Missing) else evidence.attributes
    groups = () if isinstance(evidence.target_groups, Missing) else evidence.target_groups
    named = {key.target_group for key in metrics.series if key.target_group}
    try:
        timeout = float(attributes.get("idle_timeout.timeout_seconds", DEFAULT_IDLE_TIMEOUT))
    except ValueError:
        timeout = DEFAULT_IDLE_TIMEOUT
    return Setting(
        balancer=groups[0].id if groups else next(iter(sorted(filter(None, named))), ""),
        idle_timeout=timeout,
        cross_zone=attributes.get("load_balancing.cross_zone.enabled", "true") == "true",
        check_interval=(groups[0].health_check_interval_seconds if groups else None)
        or USUAL_INTERVAL_SECONDS,
    )


def told_apart(metrics: Metrics, setting: Setting) -> Metrics:
    """The series with what can be derived from them.

    503 is what was answered without an instance in service, and what spilled over from the full surge queue.
    Of the rest, 504 is what came while the slowest answers took nearly the idle timeout; where no answer took
    long, the exchange was broken off: that goes by the name of 502 here, although a Classic also answers 504
    when the instance closes the connection. Where no answers tell, the rest stays what it is, unsplit.
    Failed connections are those beyond what the health checks of unhealthy instances can have made.
    """
    zones = sorted({key.zone for key in metrics.series if key.zone})
    derived = dict(metrics.series)
    for zone in zones:
        derived.update(_codes(metrics, setting, zone))
    apart = not setting.cross_zone and any(any(metrics.counts(MADE_5XX, zone=zone)) for zone in zones)
    derived.update(_summed(derived, zones) if apart else _codes(metrics, setting, None))
    for key in [key for key in derived if key.name == "RequestCount"]:
        derived[key] = _at_least_answered(Metrics(metrics.window, derived), key)
    for key in [key for key in derived if key.name == CONNECTIONS]:
        if key.zone is None and key.target_group is None:
            derived[MetricKey(OWN_CONNECTIONS, "Sum")] = derived[key]
        derived[key] = _beyond_checks(derived[key], metrics, setting, 1 if key.zone else max(1, len(zones)))
    return Metrics(metrics.window, derived, metrics.unread)


def _codes(metrics: Metrics, setting: Setting, zone: str | None) -> dict[MetricKey, tuple[float | None, ...]]:
    """The 5xx of a zone's nodes or of all as 502, 503 and 504, as far as they can be told apart."""
    empty = without_instance(metrics, setting, None if setting.cross_zone else zone)
    refused = _refused(metrics, empty, zone)
    split = [
        _split(made, min(made, unavailable), late)
        for made, unavailable, late in zip(
            metrics.counts(MADE_5XX, zone=zone), refused, _waited(metrics, setting, zone), strict=True
        )
    ]
    return {
        MetricKey(f"HTTPCode_ELB_{code}_Count", "Sum", None, zone): tuple(minute[at] for minute in split)
        for at, code in enumerate((502, 503, 504))
    }


def _split(made: float, refused: float, late: bool | None) -> tuple[float, float, float]:
    if late is None:
        return 0.0, refused, 0.0
    rest = made - refused
    return (0.0, refused, rest) if late else (rest, refused, 0.0)


def _refused(metrics: Metrics, empty: Sequence[bool], zone: str | None) -> list[float]:
    """The 503 a minute: all that was made without an instance in service, else what spilled over.

    In the minutes beside those without an instance it is also what was made beyond the requests that were
    passed on and not answered, as RequestCount counts only requests that were routed.
    """
    made, spilled = metrics.counts(MADE_5XX, zone=zone), metrics.counts("SpilloverCount", zone=zone)
    asked, answered = metrics.counts("RequestCount", zone=zone), _answered(metrics, zone)
    found = []
    for at, none in enumerate(empty):
        beside = any(empty[max(0, at - 1) : at + 2])
        not_passed_on = made[at] - max(0.0, asked[at] - answered[at]) if beside else 0.0
        found.append(made[at] if none else max(spilled[at], not_passed_on))
    return found


def _answered(metrics: Metrics, zone: str | None) -> tuple[float, ...]:
    """Responses of the instances a minute."""
    codes = (metrics.counts(name, zone=zone) for name in RESPONSES)
    return tuple(sum(minute) for minute in zip(*codes, strict=True))


def _at_least_answered(metrics: Metrics, key: MetricKey) -> tuple[float | None, ...]:
    """RequestCount, but no fewer than were answered in the end: it may leave out what was not completed."""
    asked = metrics.counts("RequestCount", target_group=key.target_group, zone=key.zone)
    made, refused = (metrics.counts(name, zone=key.zone) for name in (MADE_5XX, "HTTPCode_ELB_503_Count"))
    known = zip(asked, _answered(metrics, key.zone), made, refused, strict=True)
    return tuple(max(count, answers + own - away) for count, answers, own, away in known)


def without_instance(metrics: Metrics, setting: Setting, zone: str | None = None) -> tuple[bool, ...]:
    """The minutes in which no instance was in service: none was counted, or nothing was and none answered."""
    group = setting.balancer
    healthy = metrics.levels("HealthyHostCount", "Maximum", target_group=group, zone=zone)
    if not present(healthy):
        return (False,) * len(healthy)
    return tuple(
        level == 0 or (level is None and not answers)
        for level, answers in zip(healthy, _answered(metrics, zone), strict=True)
    )


def _waited(metrics: Metrics, setting: Setting, zone: str | None) -> tuple[bool | None, ...]:
    """Whether the slowest answers about each minute took nearly the idle timeout.

    None without answers, unless they ceased after such minutes.

    The slowest of all answers tells only where it is not always so late, as where long exports are usual.
    """
    limit = NEAR_TIMEOUT * setting.idle_timeout
    slowest = metrics.levels("TargetResponseTime", "Maximum", zone=zone)
    if (middle(slowest) or 0.0) >= limit or not present(slowest):
        slowest = metrics.levels("TargetResponseTime", "p99", zone=zone)
    waited: list[bool | None] = []
    for at in range(len(slowest)):
        known = present(slowest[max(0, at - 1) : at + 2])
        silent_since_waiting = bool(waited) and waited[-1] is True
        waited.append(max(known) >= limit if known else True if silent_since_waiting else None)
    return tuple(waited)


def _summed(
    series: Mapping[MetricKey, tuple[float | None, ...]], zones: Sequence[str]
) -> dict[MetricKey, tuple[float | None, ...]]:
    """The codes of the whole from those of the zones, each of which serves by itself."""
    found: dict[MetricKey, tuple[float | None, ...]] = {}
    for code in (502, 503, 504):
        key = MetricKey(f"HTTPCode_ELB_{code}_Count", "Sum")
        parts = [series[key._replace(zone=zone)] for zone in zones]
        found[key] = tuple(sum(present(minute)) for minute in zip(*parts, strict=True))
    return found


def _beyond_checks(
    failed: Minutes, metrics: Metrics, setting: Setting, zones: int
) -> tuple[float | None, ...]:
    expected = most_failed_checks(metrics, setting, zones)
    return tuple(
        None if count is None else max(0.0, count - checks)
        for count, checks in zip(failed, expected, strict=True)
    )


def most_failed_checks(metrics: Metrics, setting: Setting, zones: int) -> tuple[float, ...]:
    """How many connections the health checks of the unhealthy instances can lose a minute."""
    unhealthy = metrics.levels("UnHealthyHostCount", "Maximum", target_group=setting.balancer)
    each = NODES_A_ZONE * zones * 60 / setting.check_interval
    return tuple((count or 0.0) * each for count in unhealthy)
