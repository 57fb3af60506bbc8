"""The target takes the request and answers too late."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.context import began_lately, lambda_target, software_fails_everywhere
from diagnosis.facts import HARDLY_ANY, NEARLY_ALL, Facts
from diagnosis.phrase import moved, seconds

# Close to the idle timeout: the slowest answers that still arrive.
NEAR_TIMEOUT = 0.6


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh 504 without failed connections, and response times that climb towards the idle timeout."""
    made_504, share = facts.parts.get("elb_504"), facts.part("elb_504")
    if not facts.is_5xx or made_504 is None or share < 0.3:
        yield Signal(
            -4.0, "504 made by the load balancer is not what failed", "CloudWatch HTTPCode_ELB_504_Count"
        )
        return
    weight = 3.0 if share >= NEARLY_ALL else 2.0 if share >= 0.5 else 0.5
    yield Signal(
        weight, f"504 made by the load balancer went {moved(made_504)}", "CloudWatch HTTPCode_ELB_504_Count"
    )
    if facts.ratio("connection_errors", "elb_502", "elb_504") < HARDLY_ANY:
        yield Signal(1.0, "connections to the targets succeed", "CloudWatch TargetConnectionErrorCount")
    else:
        yield Signal(-4.0, "connections to the targets fail", "CloudWatch TargetConnectionErrorCount")
    if facts.ratio("tls_errors", "elb_502", "elb_504") >= HARDLY_ANY:
        yield Signal(-4.0, "TLS to the targets fails", "CloudWatch TargetTLSNegotiationErrorCount")
    yield from _slowness(facts)
    if facts.part("target_5xx") >= 0.25 and facts.rollout_at_onset is None:
        yield Signal(
            -1.5, "targets answer 5xx as well and nothing was released: something behind them", "CloudWatch"
        )
    yield from began_lately(facts)
    yield from software_fails_everywhere(facts)
    yield from lambda_target(facts)


def _slowness(facts: Facts) -> Iterable[Signal]:
    peak = facts.slowest.peak or 0.0
    if peak >= NEAR_TIMEOUT * facts.idle_timeout:
        yield Signal(
            1.5,
            f"the slowest answers take {peak:.0f} s of the {facts.idle_timeout:.0f} s allowed",
            "CloudWatch TargetResponseTime p99",
        )
    elif facts.response_time.raised:
        yield Signal(
            0.7, f"response time went {seconds(facts.response_time)}", "CloudWatch TargetResponseTime"
        )
    for each in facts.changes_of(Effect.TIMEOUT)[:1]:
        yield Signal(
            1.0,
            f"{each.change.name} at {each.change.at:%H:%M} changed the load balancer's attributes",
            "CloudTrail",
        )
    if facts.rollout_at_onset:
        yield Signal(1.0, "it began with a release to these targets", "CodeDeploy")


CAUSE = Cause(
    code="target_timeout",
    origin=Origin.LOAD_BALANCER,
    title="Targets answer too late: the idle timeout passes (504)",
    why=(
        "The target accepted the request and sent nothing until the load balancer's idle timeout: a slow"
        " query, a lock, an endless loop, or work that needs longer than the limit."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Find the slow path: access log by target_processing_time, or the application's traces.",
            Look.LOGS,
        ),
        Check("Look at the database's slowest statements and locks since the onset.", Look.METRICS),
        Check("Check whether a release changed a query, an index or a time-out.", Look.DEPLOYMENTS),
    ),
    prevention=(
        "Give every outgoing call a time-out shorter than the load balancer's, and move long work to a queue."
    ),
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=True,
    owner=Owner.APPLICATION,
    short="slow answers",
    triggers={"deployment": 1.0},
    touched_by=(Effect.TIMEOUT, Effect.DATABASE, Effect.CONFIGURATION, Effect.NETWORK),
    sources=(
        (
            "ALB user guide, troubleshooting, HTTP 504: the target did not respond before the idle timeout"
            " period elapsed"
        ),
    ),
    known_problems="Requests that time out add nothing to TargetResponseTime, so the average may stay low.",
    cases=(
        Case(
            "a Classic, where only the slowest answers tell that it is waiting",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_5XX"},
                "classic_load_balancer": {
                    "elb_504": "0, -6: 420",
                    "latency": "0.09, -7: 6",
                    "latency_p99": "0.42, -7: 57",
                },
            },
        ),
        Case(
            "an index hint was dropped",
            True,
            {
                "target_groups": {
                    "orders": {
                        "elb_504": "0, -9: 210",
                        "response_time": "0.085, -12: 3.4",
                        "response_time_p99": "0.42, -12: 58",
                    }
                }
            },
        ),
        Case("some requests hang for ever", True, {"target_groups": {"orders": {"elb_504": "0, -6: 150"}}}),
        Case(
            "packets are dropped",
            False,
            {"target_groups": {"orders": {"elb_504": "0, -9: 700", "connection_errors": "0, -9: 720"}}},
        ),
    ),
)
