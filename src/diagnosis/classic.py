"""The Classic Load Balancer in the terms in which causes are judged, those of the Application one, and back.

`translate` renames what is published and adds nothing; `own_terms` words a statement as a Classic calls it.
"""

import re
from collections.abc import Mapping
from typing import TypeVar

from diagnosis.series import MetricKey, Metrics
from diagnosis.shift import present

Found = TypeVar("Found")

# As it is published -> as it is judged. SpilloverCount and SurgeQueueLength have no counterpart.
CANONICAL: Mapping[str, str] = {
    "RequestCount": "RequestCount",
    "HTTPCode_Backend_2XX": "HTTPCode_Target_2XX_Count",
    "HTTPCode_Backend_3XX": "HTTPCode_Target_3XX_Count",
    "HTTPCode_Backend_4XX": "HTTPCode_Target_4XX_Count",
    "HTTPCode_Backend_5XX": "HTTPCode_Target_5XX_Count",
    "HTTPCode_ELB_4XX": "HTTPCode_ELB_4XX_Count",
    "HTTPCode_ELB_5XX": "HTTPCode_ELB_5XX_Count",
    "BackendConnectionErrors": "TargetConnectionErrorCount",
    "Latency": "TargetResponseTime",
}
MADE_5XX, MADE_4XX = "HTTPCode_ELB_5XX_Count", "HTTPCode_ELB_4XX_Count"
HOSTS = ("HealthyHostCount", "UnHealthyHostCount")
HOST_STATISTICS = ("Minimum", "Maximum")
# What an Application Load Balancer publishes for each target group; a Classic is its own only group.
OF_GROUP = frozenset(CANONICAL.values()) - {MADE_5XX, MADE_4XX}


def translate(metrics: Metrics, balancer: str) -> Metrics:
    """The series under the names in which they are judged: of the whole, of each zone, and of the pseudo
    target group that bears the load balancer's name.
    """
    series = _named(metrics.series, balancer)
    # The whole's host counts are those of one node, which knows its own zone only unless it serves all zones.
    for name in HOSTS:
        for statistic in HOST_STATISTICS:
            if summed := _over_zones(series, name, statistic, balancer):
                series[MetricKey(name, statistic, balancer)] = summed
    # Where no percentile was published, the slowest answer tells as much.
    for key in [key for key in series if (key.name, key.statistic) == ("TargetResponseTime", "Maximum")]:
        series.setdefault(key._replace(statistic="p99"), series[key])
    return Metrics(metrics.window, series, _named(metrics.unread, balancer))


def _named(series: Mapping[MetricKey, Found], balancer: str) -> dict[MetricKey, Found]:
    found: dict[MetricKey, Found] = {}
    for key, values in series.items():
        known = key._replace(name=CANONICAL.get(key.name, key.name))
        if known.name in HOSTS:
            found[known._replace(target_group=balancer)] = values
            continue
        found[known] = values
        if known.name in OF_GROUP and known.zone is None:
            found[known._replace(target_group=balancer)] = values
    return found


def _over_zones(
    series: Mapping[MetricKey, tuple[float | None, ...]], name: str, statistic: str, balancer: str
) -> tuple[float | None, ...]:
    """The sum over the zones a minute; None where no zone has a data point."""
    zones = [
        values
        for key, values in series.items()
        if (key.name, key.statistic, key.target_group) == (name, statistic, balancer) and key.zone
    ]
    return tuple(sum(known) if (known := present(minute)) else None for minute in zip(*zones, strict=True))


# What people read -> how it is called of a Classic, in this order. Of its 5xx only some can be told apart.
_BROKEN_OFF = "exchanges broken off (502 or 504 of its unsplit 5xx, as no answer took long)"
_WAITED = "504 (of its unsplit 5xx, as the slowest answers took nearly the idle timeout)"
_REFUSED = "503 (of its unsplit 5xx, as no instance was in service or the surge queue was full)"
_TERMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"HTTPCode_ELB_(?:5XX|500|502|503|504)_Count", "HTTPCode_ELB_5XX"),
        (r"HTTPCode_ELB_4XX_Count", "HTTPCode_ELB_4XX"),
        (r"HTTPCode_Target_([2345]XX)_Count", r"HTTPCode_Backend_\1"),
        (r"TargetConnectionErrorCount", "BackendConnectionErrors"),
        (r"TargetResponseTime", "Latency"),
        (r"DescribeTargetHealth", "DescribeInstanceHealth"),
        (
            r"The group that a rule chose has no .* fails open\.",
            "No instance is registered, or none passes its check; a Classic then answers 503 by itself.",
        ),
        (r"(Warm up before registering), or set .* slow start\.", r"\1; a Classic has no slow start."),
        (r"Check slow start on the target group\.", "Check how long the warm-up takes after registration."),
        (r"aws elbv2 deregister-targets", "aws elb deregister-instances-from-load-balancer"),
        (
            r"aws elbv2 describe-target-health( --region \S+)? --target-group-arn \S+:(\S+)",
            r"aws elb describe-instance-health\1 --load-balancer-name \2",
        ),
        (r"aws elbv2 describe-target-health", "aws elb describe-instance-health"),
        (r"aws elbv2 ", "aws elb "),
        (r" by TargetGroup", ""),
        (r"502 and 504 made by the load balancer", "5xx made by the load balancer"),
        (r"502 and 504, as", "5xx made by the load balancer, as"),
        (r"502 made by the load balancer is", f"of the load balancer's own 5xx, {_BROKEN_OFF} are"),
        (r"502 made by the load balancer", f"of the load balancer's own 5xx, {_BROKEN_OFF}"),
        (r"503 made by the load balancer", f"of the load balancer's own 5xx, {_REFUSED}"),
        (r"504 made by the load balancer", f"of the load balancer's own 5xx, {_WAITED}"),
        (r"are 502, which has", "are the load balancer's own 5xx, which has"),
        (r"\b50[24] comes in step", "5xx made by the load balancer comes in step"),
        (r"\(a few 502\)", "(a few 504)"),
        (r"\(bursts of 502\)", "(bursts of 5xx)"),
        (r"packets are dropped \(504\)", "packets are dropped (5xx)"),
        (r"\(502\)", "(5xx)"),
        (r"by target group", "by zone"),
        (r"\b[Tt]arget groups?\b", "load balancer"),
        (r"\b([Aa]) target\b", r"\1n instance"),
        (r"\bTargets\b", "Instances"),
        (r"\btargets\b", "instances"),
        (r"(?<![-_/.])\bTarget\b(?!\.)", "Instance"),
        (r"(?<![-_/.])\btarget\b", "instance"),
    )
)


def own_terms(kind: str, text: str) -> str:
    """The text in the words of that kind of entry point: of a Classic Load Balancer its own metrics, calls
    and instances; of others as it is.
    """
    if kind != "clb":
        return text
    for pattern, words in _TERMS:
        text = pattern.sub(words, text)
    return text


def own_command(kind: str, line: str) -> str:
    """A command or an address as that kind of entry point has it: the names in it stay, whatever they say."""
    if kind != "clb" or not line.startswith("aws "):
        return line
    for pattern, words in _TERMS:
        line = pattern.sub(words, line) if pattern.pattern.startswith("aws ") else line
    return line
