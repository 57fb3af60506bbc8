"""The application fails because something behind it is slow or down."""

from collections.abc import Iterable

from diagnosis.behind_an_api import slow_back_end
from diagnosis.capacity import BUSY_PROCESSOR, IDLE_PROCESSOR, busiest_processor
from diagnosis.cause import LOAD_BALANCERS, Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.context import lambda_target, software_fails_everywhere
from diagnosis.facts import HARDLY_ANY, Facts
from diagnosis.phrase import moved, seconds


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh errors that come slowly, on all targets, with ordinary traffic and idle processors."""
    if facts.kind == "apigateway":
        yield from slow_back_end(facts)
        return
    share_5xx, share_504 = facts.part("target_5xx"), facts.part("elb_504")
    if not facts.is_5xx or facts.onset is None or share_5xx + share_504 < 0.6 or share_5xx < 0.15:
        yield Signal(
            -3.5, "targets did not answer the errors that failed", "CloudWatch HTTPCode_Target_5XX_Count"
        )
        return
    yield Signal(
        1.0,
        f"5xx of the targets went {moved(facts.parts['target_5xx'])}",
        "CloudWatch HTTPCode_Target_5XX_Count",
    )
    if facts.ratio("connection_errors", "elb_502", "elb_504", "target_5xx") >= HARDLY_ANY:
        yield Signal(
            -3.0, "connections to the targets themselves fail", "CloudWatch TargetConnectionErrorCount"
        )
    yield from _slowness(facts)
    busy, failing = facts.busy_groups, facts.failing_groups
    if len(failing) >= 2 and len(failing) == len(busy):
        yield Signal(
            2.0,
            f"all {len(busy)} groups fail together: what they share is behind them",
            "CloudWatch by TargetGroup",
        )
    if facts.rollout_at_onset is None:
        yield Signal(1.0, "nothing was released to these targets as it began", "CodeDeploy")
    for each in facts.changes_of(Effect.DATABASE)[:1]:
        yield Signal(2.0, f"{each.change.name} at {each.change.at:%H:%M:%S}", "CloudTrail")
    yield from software_fails_everywhere(facts)
    yield from lambda_target(facts)


def _slowness(facts: Facts) -> Iterable[Signal]:
    if not facts.response_time.known:
        return
    if not facts.response_time.raised:
        yield Signal(-2.5, "response time is as before", "CloudWatch TargetResponseTime")
        return
    yield Signal(2.5, f"response time went {seconds(facts.response_time)}", "CloudWatch TargetResponseTime")
    if facts.response_time.climbing:
        yield Signal(
            -1.0,
            "response time still climbs, as with a resource that fills up",
            "CloudWatch TargetResponseTime",
        )
    else:
        yield Signal(
            0.5, "response time stays at a plateau, as with a time-out", "CloudWatch TargetResponseTime"
        )
    peak = busiest_processor(facts)
    if peak is not None and peak >= BUSY_PROCESSOR:
        yield Signal(-3.0, f"the targets' processors are at {peak:.0f} %", "CloudWatch CPUUtilization")
    elif peak is not None and peak < IDLE_PROCESSOR:
        yield Signal(
            0.7, f"the targets' processors are at {peak:.0f} %: they wait", "CloudWatch CPUUtilization"
        )


CAUSE = Cause(
    code="dependency_failure",
    origin=Origin.TARGET,
    title="Something behind the application is slow or down",
    why=(
        "A database, cache, queue or foreign service fails or hangs, and the application's calls to it time"
        " out or are refused."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Find the dependency in the application's log: connection refused, pool exhausted, time-out.",
            Look.LOGS,
        ),
        Check("Look at the database: connections, locks, the newest statements.", Look.METRICS),
        Check("Check the status of foreign services called.", Look.HEALTH),
    ),
    prevention="Give each dependency a short time-out, a circuit breaker and an alarm of its own.",
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=False,
    systems=LOAD_BALANCERS | {"apigateway"},
    owner=Owner.APPLICATION,
    short="failing dependency",
    triggers={"deployment": -1.0, "other_deployment": 1.0},
    touched_by=(Effect.DATABASE, Effect.NETWORK, Effect.CONFIGURATION, Effect.PERMISSION),
    sources=("ALB user guide, CloudWatch metrics: HTTPCode_Target_5XX_Count, TargetResponseTime",),
    known_problems=(
        "Without logs a release that overloads its database cannot be told from the database failing by"
        " itself."
    ),
    cases=(
        Case(
            "the database's connections are exhausted",
            True,
            {
                "target_groups": {
                    "orders": {
                        "target_5xx": "1, -9: 300",
                        "response_time": "0.09, -9: 5.1",
                        "response_time_p99": "0.4, -9: 9",
                    }
                }
            },
        ),
        Case(
            "a shared cache is gone and two services fail together",
            True,
            {
                "target_groups": {
                    "orders": {"target_5xx": "1, -7: 250", "response_time": "0.09, -7: 2"},
                    "basket": {
                        "requests": "1500",
                        "target_4xx": "10",
                        "target_5xx": "0, -7: 160",
                        "response_time": "0.05, -7: 2",
                    },
                },
            },
        ),
        Case("errors come at once", False, {"target_groups": {"orders": {"target_5xx": "1, -6: 440"}}}),
        Case(
            "what stands behind an API waits and gives up",
            True,
            {
                "alarm": {"metric": "5XXError"},
                "api": {
                    "access_log": "json",
                    "routes": {"GET /orders": {"backend_5xx": "2, -7: 900", "latency": "0.09, -7: 2.4"}},
                },
            },
        ),
    ),
)
