"""Signals that speak against any fault of the software itself, whichever mechanism it has."""

from collections.abc import Iterator

from diagnosis.cause import Signal
from diagnosis.facts import Facts
from diagnosis.phrase import moved


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


def lambda_target(facts: Facts) -> Iterator[Signal]:
    """A function behind the load balancer has failure mechanisms of its own."""
    if any(group.lambda_errors.risen for group in facts.failing_groups):
        yield Signal(
            -8.0, "the target is a function and LambdaUserError rose in step", "CloudWatch LambdaUserError"
        )
