"""Too few requests for the figure to mean anything."""

from collections.abc import Iterable

from diagnosis.cause import EVERYWHERE, Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.context import requests_source
from diagnosis.facts import Facts
from diagnosis.phrase import rate

# "tens of requests, not thousands" (contract, causes.md): requests a minute before, and failures in all.
FEW_REQUESTS = 30.0
FEW_ERRORS = 20.0


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh how few requests and errors there were."""
    asked = max(facts.attempted.before, facts.attempted.after)
    errors = facts.errors.events
    if asked > FEW_REQUESTS or errors > FEW_ERRORS:
        yield Signal(
            -6.0,
            f"{rate(asked)} requests a minute and {errors:,.0f} errors are enough to judge by",
            requests_source(facts),
        )
        return
    yield Signal(
        4.0, f"only {rate(asked)} requests a minute, {errors:.0f} errors in all", requests_source(facts)
    )
    if facts.onset is None:
        yield Signal(2.0, "the errors are no clear change against the hours before", "CloudWatch")
    elif facts.error_share >= 0.5:
        yield Signal(-3.5, "most of the few requests fail", "CloudWatch")
    if not facts.all_healthy and facts.targets:
        yield Signal(-3.0, "targets are not all healthy", "DescribeTargetHealth")


CAUSE = Cause(
    code="low_traffic",
    origin=Origin.UNKNOWN,
    title="Too few requests for the alarm to mean anything",
    why="With tens of requests a single failure is a high rate; the alarm needs a floor on traffic.",
    prior=-1.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("See whether the few failures hit a person or a probe.", Look.METRICS),
        Check("Give the alarm a floor: IF(requests > 100, errors / requests, 0).", Look.ALARM),
        Check("Ask for more than one breaching minute.", Look.ALARM),
    ),
    prevention="Use rate alarms with a floor on the number of requests.",
    retry=Retry.UNKNOWN,
    rollback_helps=False,
    systems=EVERYWHERE,
    owner=Owner.APPLICATION,
    short="little traffic",
    triggers={"none_found": 2.0, "deployment": -2.0},
    sources=("CloudWatch user guide, metric math IF function",),
    cases=(
        Case(
            "one of three requests at night",
            True,
            {"target_groups": {"orders": {"requests": "3", "target_4xx": "0", "target_5xx": "0, -2..-2: 1"}}},
        ),
        Case(
            "two failures among twenty a minute",
            True,
            {
                "target_groups": {
                    "orders": {"requests": "20", "target_4xx": "0", "target_5xx": "0, -2..-1: 1"}
                }
            },
        ),
        Case("thousands of requests", False, {"target_groups": {"orders": {"target_5xx": "0, -3: 200"}}}),
        Case(
            "one of eight requests to an API",
            True,
            {
                "alarm": {"metric": "5XXError"},
                "api": {
                    "routes": {
                        "GET /orders": {"requests": "8", "backend_4xx": "0", "backend_5xx": "0, -2..-2: 1"}
                    }
                },
            },
        ),
    ),
)
