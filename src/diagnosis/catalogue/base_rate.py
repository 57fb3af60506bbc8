"""The alarm's threshold lies inside the ordinary error rate."""

from collections.abc import Iterable

from diagnosis.cause import EVERYWHERE, Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.context import functions_answer, requests_source
from diagnosis.facts import HARDLY_ANY, Facts
from diagnosis.function_context import FUNCTION
from diagnosis.phrase import percent, rate

FEW_REQUESTS = 30.0


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh whether anything changed at all."""
    if facts.onset is not None:
        yield Signal(-6.0, f"errors changed at {facts.onset:%H:%M}", "CloudWatch")
        return
    before = facts.errors.before
    yield Signal(
        3.5,
        f"errors are as they were: {rate(before)} a minute before, {rate(facts.errors.after)} now",
        "CloudWatch",
    )
    if before > 0:
        yield Signal(
            1.5,
            f"{percent(before / max(facts.attempted.before, 1.0))} of requests fail on an ordinary day",
            "CloudWatch",
        )
    else:
        yield Signal(-3.0, "there were no errors before to speak of", "CloudWatch")
    if max(facts.attempted.before, facts.attempted.after) <= FEW_REQUESTS:
        yield Signal(-2.0, "there are too few requests to know an ordinary rate", requests_source(facts))
    if facts.part("elb_502") >= 0.8 and _may_be_a_race(facts):
        yield Signal(
            -2.5,
            "nearly all of them are 502, as targets make them that close idle connections too soon",
            "CloudWatch HTTPCode_ELB_502_Count",
        )
    if not facts.all_healthy and facts.targets:
        yield Signal(-1.0, "targets are not all healthy", "DescribeTargetHealth")


def _may_be_a_race(facts: Facts) -> bool:
    """Whether connections to the targets are kept, and do not fail as they are opened."""
    return not functions_answer(facts) and facts.ratio("connection_errors", "elb_502") < HARDLY_ANY


CAUSE = Cause(
    code="base_rate",
    origin=Origin.UNKNOWN,
    title="Nothing changed: the alarm's threshold lies inside the ordinary error rate",
    why="The errors that woke the alarm are there every hour; the threshold is too low or the alarm is new.",
    prior=-1.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Look at the metric over a week.", Look.METRICS),
        Check(
            "Move the threshold above the ordinary rate, or alarm on the rate instead of the count.",
            Look.ALARM,
        ),
        Check("Take the ordinary errors as a task for working hours.", Look.METRICS),
    ),
    prevention="Set thresholds from the metric's own history, for example by an anomaly detector.",
    retry=Retry.UNKNOWN,
    rollback_helps=False,
    systems=EVERYWHERE,
    owner=Owner.APPLICATION,
    short="ordinary error rate",
    triggers={"none_found": 3.0, "deployment": -4.0},
    sources=("CloudWatch user guide, anomaly detection",),
    cases=(
        Case("errors every minute for hours", True, {"target_groups": {"orders": {"target_5xx": "22"}}}),
        Case(
            "rejected requests as on every day",
            True,
            {
                "alarm": {"metric": "HTTPCode_Target_4XX_Count"},
                "target_groups": {"orders": {"target_4xx": "90"}},
            },
        ),
        Case(
            "a function that has always raised now and then",
            True,
            {"target_groups": {"orders": {**FUNCTION, "elb_502": "9", "lambda_user_errors": "9"}}},
        ),
        Case(
            "a few connections have been refused all day",
            True,
            {"target_groups": {"orders": {"elb_502": "9", "connection_errors": "10"}}},
        ),
        Case(
            "ten times as many since a few minutes",
            False,
            {"target_groups": {"orders": {"target_5xx": "22, -4: 260"}}},
        ),
    ),
)
