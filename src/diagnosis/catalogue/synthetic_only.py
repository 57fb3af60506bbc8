"""Only a canary or test is affected."""

from collections.abc import Iterable, Iterator, Sequence

from diagnosis.breadth import failed_canaries
from diagnosis.cause import EVERYWHERE, Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.facts import Facts
from diagnosis.phrase import percent, rate
from diagnosis.regularity import beat, evenness

# A prober asks once or a few times a minute; users make more errors than that, and less evenly.
MOST_A_MINUTE = 6.0
FEWEST_MINUTES = 8
# Deviations of evenness: more than chance allows, and far more.
EVEN, VERY_EVEN = 2.5, 5.0
SMALL_SHARE = 0.02


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh how evenly the errors come, how few they are, and whether anybody else is affected."""
    counts = _errors(facts)
    mean = sum(counts) / max(1, len(counts))
    if mean > MOST_A_MINUTE or mean <= 0.0:
        yield Signal(-6.0, f"{rate(mean)} errors a minute are not one prober's", "CloudWatch")
        return
    yield from _rhythm(counts)
    if facts.error_share <= SMALL_SHARE:
        yield Signal(1.0, f"{percent(facts.error_share)} of all requests fail", "CloudWatch RequestCount")
    if not facts.successes.fallen:
        yield Signal(1.0, "users are answered as before", "CloudWatch")
    else:
        yield Signal(-3.0, "successes fell as well", "CloudWatch")
    canaries = failed_canaries(facts)
    if canaries:
        yield Signal(2.5, f"the canary's alarm {canaries[0].name} went off with it", "DescribeAlarms")
    if facts.targets and not facts.all_healthy:
        yield Signal(-2.5, "targets are not all healthy", "DescribeTargetHealth")
    if facts.response_time.raised:
        yield Signal(-1.5, "response time rose for everybody", "CloudWatch TargetResponseTime")


def _errors(facts: Facts) -> Sequence[float]:
    """The errors of the code that rose most since the onset, without the part minute in which they began;
    all errors that there were where nothing began.
    """
    symptom, span = facts.symptom, facts.span
    if facts.onset is None:
        return symptom.errors[span.first :]
    leading = max(facts.parts, key=lambda name: facts.parts[name].excess)
    return symptom.parts[leading][span.onset + 1 : span.until]


def _rhythm(counts: Sequence[float]) -> Iterator[Signal]:
    even, period = evenness(counts), beat(counts)
    if even >= VERY_EVEN:
        yield Signal(
            6.0,
            f"the same {rate(sum(counts) / len(counts))} errors come every minute, as a machine asks",
            "CloudWatch",
        )
    elif even >= EVEN:
        yield Signal(3.5, "the errors come more evenly than users make them", "CloudWatch")
    elif period is not None:
        yield Signal(5.0, f"an error comes every {period} minutes and never between", "CloudWatch")
    elif len(counts) < FEWEST_MINUTES:
        yield Signal(-3.0, "it has not lasted long enough to tell a prober's rhythm", "CloudWatch")
    else:
        yield Signal(-5.0, "the errors come irregularly, as users make them", "CloudWatch")


CAUSE = Cause(
    code="synthetic_only",
    origin=Origin.CLIENT,
    title="Only a canary or test is affected, and no user",
    why=(
        "A prober asks for the same thing on the minute and is refused each time: its path, its token or its"
        " expectation is out of date. Errors are as many as its requests, whatever the users do."
    ),
    prior=-2.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Find the one client in the access log: its user agent (CloudWatchSynthetics, health check).",
            Look.LOGS,
        ),
        Check("See whether the prober's path, credentials or expectation are out of date.", Look.LOGS),
        Check("Repair the prober, or take its requests out of the alarm.", Look.ALARM),
    ),
    prevention="Give probes a path, a user agent and an alarm of their own; keep them with what they test.",
    retry=Retry.NOT_UNCHANGED,
    rollback_helps=False,
    triggers={"none_found": 2.0, "schedule": 1.0, "deployment": -2.0},
    systems=EVERYWHERE,
    owner=Owner.PLATFORM,
    short="canary",
    component=lambda _: "canary",
    sources=("CloudWatch user guide, synthetic monitoring", "Route 53 developer guide, health checks"),
    cases=(
        Case(
            "a canary's account was closed",
            True,
            {
                "alarm": {"metric": "HTTPCode_Target_4XX_Count"},
                "target_groups": {
                    "orders": {
                        "target_4xx": "0, -26: [" + "2 " * 26 + "2]",
                        "target_5xx": "0",
                        "requests": "900",
                    }
                },
            },
        ),
        Case(
            "a probe every five minutes asks for what is no longer there",
            True,
            {
                "alarm": {"metric": "HTTPCode_Target_5XX_Count"},
                "target_groups": {
                    "orders": {
                        "target_4xx": "0",
                        "target_5xx": "0, -41: [" + "1 0 0 0 0 " * 8 + "1 0]",
                        "requests": "1500",
                    }
                },
            },
        ),
        Case(
            "one route in a thousand fails for users",
            False,
            {"target_groups": {"orders": {"target_4xx": "0", "target_5xx": "0, -30: 3"}}},
        ),
    ),
)
