"""The target closes idle connections sooner than the load balancer."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.context import functions_answer, lambda_target, software_fails_everywhere
from diagnosis.facts import HARDLY_ANY, Facts
from diagnosis.function_context import FUNCTION
from diagnosis.phrase import percent
from diagnosis.rhythm import correlation

# "few 502, well under 1 %" (contract, causes.md).
WELL_UNDER = 0.01
TOO_MANY = 0.02
# A race is always there; what was hardly there before is something else.
CHRONIC = 0.3
# The share of 502 in thin minutes against busy ones.
WORSE_WHEN_THIN = -0.25
SOURCE = "CloudWatch HTTPCode_ELB_502_Count"


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh few, scattered 502 that go on and on against anything that came all at once."""
    if not facts.is_5xx or facts.part("elb_502") < 0.5:
        yield Signal(-4.0, "502 made by the load balancer is not most of what failed", SOURCE)
        return
    if functions_answer(facts):
        yield Signal(
            -8.0, "the targets are functions, to which no connection is kept", "DescribeTargetGroups"
        )
        return
    yield Signal(1.5, "the failures are 502 made by the load balancer", SOURCE)
    if facts.ratio("connection_errors", "elb_502", "elb_504") >= HARDLY_ANY:
        yield Signal(
            -3.0,
            "connections to the targets fail, a race would not show that",
            "CloudWatch TargetConnectionErrorCount",
        )
    share = facts.failing_share
    if share < WELL_UNDER:
        yield Signal(3.0, f"only {percent(share)} of requests fail", SOURCE)
    elif share >= TOO_MANY:
        yield Signal(-4.0, f"{percent(share)} of requests fail, a race on idle connections is rarer", SOURCE)
    if facts.all_healthy:
        yield Signal(0.7, "all targets stayed healthy", "DescribeTargetHealth")
    elif facts.hosts_fell:
        yield Signal(-1.5, "targets were lost", "CloudWatch HealthyHostCount")
    yield from _constancy(facts)
    yield from software_fails_everywhere(facts)
    yield from lambda_target(facts)


def _constancy(facts: Facts) -> Iterable[Signal]:
    if facts.onset is None:
        yield Signal(2.0, "it has been so for hours, at the same rate", SOURCE)
    elif facts.parts["elb_502"].before >= CHRONIC * facts.parts["elb_502"].after:
        yield Signal(1.5, "there were some of them all along", SOURCE)
    elif facts.rhythm.sawtooth or facts.rhythm.over:
        yield Signal(-2.5, "the errors came in bursts or are over", SOURCE)
    elif not facts.rollouts_of_failing and not facts.changes_of(Effect.TIMEOUT):
        yield Signal(-1.5, "it began all at once, and no release or setting changed the time-outs", SOURCE)
    elif facts.rollout_at_onset:
        yield Signal(
            0.5, "it began with a release, which may have changed the server's keep-alive time", "CodeDeploy"
        )
    for each in facts.changes_of(Effect.TIMEOUT)[:1]:
        yield Signal(
            2.5,
            f"{each.change.name} at {each.change.at:%H:%M} changed the load balancer's attributes",
            "CloudTrail",
        )
    errors = facts.parts["elb_502"].events and facts.symptom.parts["elb_502"]
    shares = [
        bad / asked if asked else 0.0
        for bad, asked in zip(errors or (), facts.symptom.attempted, strict=False)
    ]
    if facts.onset is None and correlation(shares, facts.symptom.attempted) < WORSE_WHEN_THIN:
        yield Signal(1.0, "the share is higher in minutes with little traffic", SOURCE)


CAUSE = Cause(
    code="keepalive_mismatch",
    origin=Origin.LOAD_BALANCER,
    title="Targets close idle connections before the load balancer does (a few 502)",
    why=(
        "The target's keep-alive time is shorter than the load balancer's idle timeout, so now and then a"
        " request is sent on a connection that the target is just closing."
    ),
    prior=-2.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Compare the server's keep-alive time with the load balancer's idle timeout; the server's must be"
            " longer.",
            Look.ATTRIBUTES,
        ),
        Check(
            "Look in the access log for 502 with target_processing_time near zero on every path.",
            Look.ATTRIBUTES,
        ),
        Check(
            "If it began with a release, see whether it changed the web server, its worker class or its"
            " time-outs.",
            Look.DEPLOYMENTS,
        ),
    ),
    prevention="Set the server's keep-alive time above the idle timeout (for 60 s, 75 s is usual).",
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=True,
    owner=Owner.APPLICATION,
    short="keep-alive time",
    onset_after_deployment_minutes=25.0,
    triggers={"none_found": 1.0},
    touched_by=(Effect.TIMEOUT,),
    sources=(
        (
            "ALB user guide, troubleshooting, HTTP 502: the target received the request and closed the"
            " connection; check that its keep-alive is longer than the idle timeout"
        ),
    ),
    known_problems="Between 1 % and 2 % it cannot be told from a partly broken release without access logs.",
    cases=(
        Case(
            "a Classic, where the race shows as 504",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_5XX"},
                "classic_load_balancer": {"elb_504": "9"},
            },
        ),
        Case("a chronic trickle on a busy service", True, {"target_groups": {"orders": {"elb_502": "9"}}}),
        Case(
            "a new worker class turned keep-alive on",
            True,
            {
                "target_groups": {"orders": {"elb_502": "0, -20: 24"}},
                "deployments": [
                    {
                        "id": "d-NEW",
                        "application": "order-api",
                        "group": "production",
                        "target_groups": ["orders"],
                        "created": "-23",
                        "started": "-23",
                        "completed": "-19",
                        "status": "Succeeded",
                        "revision": {"bucket": "releases", "key": "v2.zip"},
                    }
                ],
            },
        ),
        Case(
            "a function that has always raised now and then",
            False,
            {"target_groups": {"orders": {**FUNCTION, "elb_502": "9", "lambda_user_errors": "9"}}},
        ),
        Case(
            "a few connections have been refused all day",
            False,
            {"target_groups": {"orders": {"elb_502": "9", "connection_errors": "10"}}},
        ),
        Case("one request in twelve fails", False, {"target_groups": {"orders": {"elb_502": "0, -3: 369"}}}),
    ),
)
