"""The target takes the connection and then closes, resets or garbles it."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.classic_signals import unsplit
from diagnosis.context import began_lately, lambda_target, software_fails_everywhere
from diagnosis.facts import HARDLY_ANY, NEARLY_ALL, Facts
from diagnosis.phrase import moved, percent

# A keep-alive race stays well under this share; a broken response does not (causes facts, section 2.1).
MORE_THAN_A_RACE = 0.02
A_RACE = 0.01
# A process that crashes and restarts refuses some connections meanwhile (causes facts, section 2.2).
MORE_THAN_RESTARTS = 0.4


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh the load balancer's 502 against connections, TLS and the targets' own answers."""
    made_502 = facts.parts.get("elb_502")
    share = facts.part("elb_502")
    if not facts.is_5xx or made_502 is None or share < 0.3:
        yield Signal(
            -4.0, "502 made by the load balancer is not what failed", "CloudWatch HTTPCode_ELB_502_Count"
        )
        return
    weight = 3.0 if share >= NEARLY_ALL else 1.0
    yield Signal(
        weight, f"502 made by the load balancer went {moved(made_502)}", "CloudWatch HTTPCode_ELB_502_Count"
    )
    refused = facts.ratio("connection_errors", "elb_502", "elb_504")
    if refused < HARDLY_ANY:
        yield Signal(1.0, "connections to the targets succeed", "CloudWatch TargetConnectionErrorCount")
    elif refused >= MORE_THAN_RESTARTS:
        yield Signal(
            -4.0,
            "connections to the targets fail, so the exchange never begins",
            "CloudWatch TargetConnectionErrorCount",
        )
    if facts.ratio("tls_errors", "elb_502", "elb_504") >= HARDLY_ANY:
        yield Signal(
            -4.0,
            "TLS to the targets fails, so the exchange never begins",
            "CloudWatch TargetTLSNegotiationErrorCount",
        )
    if facts.part("target_5xx") < HARDLY_ANY:
        yield Signal(
            0.7, "targets themselves answer no more 5xx than before", "CloudWatch HTTPCode_Target_5XX_Count"
        )
    if facts.all_healthy:
        yield Signal(1.0, f"all {len(facts.targets)} targets stayed healthy", "DescribeTargetHealth")
    elif facts.hosts_fell:
        yield Signal(-1.5, "targets were lost or became unhealthy", "CloudWatch HealthyHostCount")
    if facts.in_state("draining") and facts.rollout_at_onset is None:
        yield Signal(-2.5, "targets are being taken out, which cuts requests off", "DescribeTargetHealth")
    yield from _extent(facts)
    yield from unsplit(facts)
    yield from began_lately(facts)
    yield from software_fails_everywhere(facts)
    yield from lambda_target(facts)


def _extent(facts: Facts) -> Iterable[Signal]:
    if facts.failing_share >= MORE_THAN_A_RACE:
        yield Signal(
            1.5,
            f"{percent(facts.failing_share)} of requests fail, too many for a race on idle connections",
            "CloudWatch",
        )
    elif facts.failing_share < A_RACE:
        yield Signal(-2.0, f"only {percent(facts.failing_share)} of requests fail", "CloudWatch")
    if facts.rhythm.sawtooth:
        yield Signal(
            -2.0, "the errors come in bursts with quiet between", "CloudWatch HTTPCode_ELB_502_Count"
        )
    if facts.rhythm.over and facts.rollout_at_onset:
        yield Signal(-3.0, "the errors ended with the roll-out", "CodeDeploy and CloudWatch")


CAUSE = Cause(
    code="target_broke_exchange",
    origin=Origin.LOAD_BALANCER,
    title="Targets accept requests and then break the response (502)",
    why=(
        "The target closed or reset the connection with a request outstanding, or sent a response that is not"
        " valid HTTP: a crash in a handler, a second response on the same request, malformed or oversized"
        " headers."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Read the application's log on one target for crashes, restarts and errors about headers already"
            " sent.",
            Look.LOGS,
        ),
        Check("Send one failing request straight to a target and look at the raw response.", Look.TARGETS),
        Check("Compare the failing paths and methods with what the last release touched.", Look.DEPLOYMENTS),
    ),
    prevention=(
        "Let the health check go through the same middleware as real requests, and alarm on"
        " HTTPCode_ELB_502_Count."
    ),
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=True,
    owner=Owner.APPLICATION,
    short="broken responses",
    triggers={"deployment": 1.5, "configuration_change": -1.0},
    sources=(
        (
            "ALB user guide, troubleshooting, HTTP 502: the target closed the connection with a RST or FIN"
            " with a request outstanding"
        ),
        (
            "ALB user guide, troubleshooting, HTTP 502: the target response is malformed or contains invalid"
            " headers"
        ),
    ),
    known_problems="Without access logs a crash and a malformed response look alike.",
    cases=(
        Case(
            "a release that ends its responses twice",
            True,
            {"target_groups": {"orders": {"elb_502": "0, -3: 369"}}},
        ),
        Case(
            "the same from half the targets of a small service",
            True,
            {"target_groups": {"orders": {"requests": "240", "target_4xx": "3", "elb_502": "0, -12: 30"}}},
        ),
        Case(
            "nothing listens on the port",
            False,
            {"target_groups": {"orders": {"elb_502": "0, -5: 900", "connection_errors": "0, -5: 930"}}},
        ),
        Case(
            "a rare race on idle connections",
            False,
            {"target_groups": {"orders": {"elb_502": "9"}}},
        ),
    ),
)
