"""Signals that speak against any fault of the software itself, whichever mechanism it has."""

from collections.abc import Iterator

from diagnosis.cause import Signal
from diagnosis.facts import Facts
from diagnosis.phrase import moved
from diagnosis.shift import Shift, count_shift

_REQUESTS = {"apigateway": "Count", "cloudfront": "Requests"}


def requests_source(facts: Facts) -> str:
    """The metric that counts an entry point's requests."""
    return f"CloudWatch {_REQUESTS.get(facts.kind, 'RequestCount')}"


def latency_source(facts: Facts) -> str:
    """The metric that measures how long what stands behind takes."""
    names = {"apigateway": "IntegrationLatency", "cloudfront": "OriginLatency"}
    return f"CloudWatch {names.get(facts.kind, 'TargetResponseTime')}"


def successes(facts: Facts) -> Shift:
    """The requests that went well: 2XX of the targets, or all that are not the alarm's errors where those
    are all that is published.
    """
    if facts.kind not in _REQUESTS:
        return facts.counts["target_2xx"]
    asked, failed = facts.symptom.attempted, facts.symptom.errors
    good = tuple(max(0.0, all_ - bad) for all_, bad in zip(asked, failed, strict=True))
    return count_shift(good, (1.0,) * len(good), facts.span)


def rejections(facts: Facts) -> float:
    """Requests that were refused as bad since the onset, beyond those of before."""
    if facts.gateway:
        return facts.gateway.client_errors.excess
    return facts.counts["target_4xx"].excess + facts.counts["elb_4xx"].excess


def successes_source(facts: Facts) -> str:
    """The metric that counts what went well."""
    return requests_source(facts) if facts.kind in _REQUESTS else "CloudWatch HTTPCode_Target_2XX_Count"


def software_fails_everywhere(facts: Facts) -> Iterator[Signal]:
    """Software that is the same on every target fails in every zone, on every target, and without a rush of
    requests.
    """
    if facts.lone_zone:
        yield Signal(
            -3.5,
            f"only {facts.lone_zone.name} fails, the other zones are clean",
            "CloudWatch by AvailabilityZone",
        )
    if facts.lone_target:
        yield Signal(
            -2.5,
            f"only target {facts.lone_target.id} differs from its neighbours",
            "DescribeTargetHealth and CPUUtilization",
        )
    if facts.surged:
        yield Signal(-2.5, f"requests rose {moved(facts.attempted)}", "CloudWatch RequestCount")


def began_lately(facts: Facts) -> Iterator[Signal]:
    """A fault that somebody or something brought about has a beginning."""
    if facts.onset is None:
        yield Signal(-3.0, "the errors are no clear change against the hours before", "CloudWatch")


def functions_answer(facts: Facts) -> bool:
    """Whether functions stand behind the groups whose requests went unanswered.

    A function is invoked anew for each request: no connection is kept to it, refused or closed (ALB user
    guide, "Lambda functions as targets").
    """
    lossy = tuple(group for group in facts.groups if group.unanswered.events)
    chosen = facts.failing_groups or lossy or facts.groups
    return bool(chosen) and all(
        group.configuration is not None and group.configuration.target_type == "lambda" for group in chosen
    )


def lambda_target(facts: Facts) -> Iterator[Signal]:
    """A function behind the load balancer has failure mechanisms of its own."""
    if any(group.lambda_errors.risen for group in facts.failing_groups):
        yield Signal(
            -8.0, "the target is a function and LambdaUserError rose in step", "CloudWatch LambdaUserError"
        )


# A rate rule counts single addresses; crowds of visitors stay below its limit (AWS WAF developer guide).
MOSTLY_OVER_RATE = 0.5


def mostly_over_rate(facts: Facts) -> bool:
    """Whether a rate rule of the firewall counts most of the requests that came on top."""
    over = facts.firewall.over_rate if facts.firewall else 0.0
    return over > 0 and over >= MOSTLY_OVER_RATE * facts.attempted.excess
