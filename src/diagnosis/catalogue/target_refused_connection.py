"""Nothing listens on the registered port: the process is down, or the port is wrong."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.classic_signals import refused_rather_than_dropped, unreached
from diagnosis.context import began_lately, lambda_target, software_fails_everywhere
from diagnosis.facts import Facts
from diagnosis.phrase import moved, percent

# In step: about one failed connection for each 502, some being retried on another target.
IN_STEP = 0.4
OUT_OF_STEP = 0.15


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh 502 in step with failed connections against a roll-out that would explain processes that do not
    start.
    """
    share, ratio = unreached(facts, "elb_502")
    if not facts.is_5xx or share < 0.5:
        yield Signal(
            -4.0,
            "502 made by the load balancer is not most of what failed",
            "CloudWatch HTTPCode_ELB_502_Count",
        )
        return
    if ratio < OUT_OF_STEP:
        yield Signal(-4.0, "connections to the targets succeed", "CloudWatch TargetConnectionErrorCount")
        return
    failed = facts.counts["connection_errors"]
    yield Signal(
        4.5 if ratio >= IN_STEP else 0.5,
        f"502 comes in step with refused connections, {moved(failed)}",
        "CloudWatch TargetConnectionErrorCount",
    )
    refused = facts.unhealthy("Target.FailedHealthChecks")
    if refused:
        yield Signal(
            0.5, f"{len(refused)} targets fail health checks at the connection", "DescribeTargetHealth"
        )
    elif facts.all_healthy:
        yield Signal(1.0, "the health check, on its own port or path, sees nothing", "DescribeTargetHealth")
    started = [
        each for each in facts.changes_of(Effect.CAPACITY) if each.change.name == "StartInstanceRefresh"
    ]
    if facts.rollout_at_onset is None and not started:
        yield Signal(1.0, "no roll-out started these processes", "CodeDeploy")
    elif facts.turned_unhealthy:
        yield Signal(
            -1.5,
            "it began as targets were replaced, which speaks for processes that do not start",
            "CodeDeploy and CloudTrail",
        )
    if facts.rhythm.sawtooth:
        yield Signal(
            -2.0, "the errors come in bursts with quiet between", "CloudWatch HTTPCode_ELB_502_Count"
        )
    if facts.rhythm.over:
        yield Signal(
            -2.0,
            f"{percent(facts.rhythm.busy_share)} of the minutes since the onset were bad: it is over",
            "CloudWatch",
        )
    if facts.classic and facts.classic.checks_refused:
        yield Signal(1.0, "health checks cannot connect either", "CloudWatch BackendConnectionErrors")
    yield from refused_rather_than_dropped(facts)
    yield from began_lately(facts)
    yield from software_fails_everywhere(facts)
    yield from lambda_target(facts)


CAUSE = Cause(
    code="target_refused_connection",
    origin=Origin.LOAD_BALANCER,
    title="Targets refuse connections: nothing listens on the port (502)",
    why=(
        "The load balancer's connection is answered by a reset: the process is down, its backlog is full, or"
        " it listens on another port than the one registered."
    ),
    prior=-2.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "On one target, see what listens: ss -ltnp, and compare it with the registered port.",
            Look.TARGETS,
        ),
        Check("Read the process manager's log for a stop or crash at the onset.", Look.LOGS),
        Check("Check that the health check uses the traffic port.", Look.TARGET_GROUP),
    ),
    prevention=(
        "Health-check the traffic port, restart crashed processes, and refuse a release that does not listen."
    ),
    retry=Retry.SAFE,
    rollback_helps=True,
    owner=Owner.APPLICATION,
    short="refused connections",
    triggers={"deployment": 0.5},
    touched_by=(Effect.REGISTRATION, Effect.HEALTH_CHECK, Effect.CONFIGURATION, Effect.CAPACITY),
    sources=(
        (
            "ALB user guide, troubleshooting, HTTP 502: the load balancer received a TCP RST when connecting"
            " to the target"
        ),
    ),
    known_problems=(
        "A release that listens on another port and one that does not start look alike to the load balancer."
    ),
    cases=(
        Case(
            "a Classic, whose own checks are refused too",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_5XX"},
                "classic_load_balancer": {
                    "requests": "4421, -6: 0",
                    "backend_4xx": "60, -7: 3, -6: 0",
                    "elb_502": "0, -7: 4300, -6: 0",
                    "elb_503": "0, -6: 4421",
                    "connection_errors": "0, -7: 6100, -6: 0",
                    "checks_refused": True,
                    "healthy": "6, -6: 0",
                    "unhealthy": "0, -6: 6",
                    "health": {"failed_checks": 6},
                },
            },
        ),
        Case(
            "the process was stopped on all targets",
            True,
            {
                "target_groups": {
                    "orders": {
                        "elb_502": "0, -6: 4421",
                        "connection_errors": "0, -6: 4500",
                        "target_4xx": "60, -6: 0",
                        "healthy": "6, -5: 0",
                        "unhealthy": "0, -5: 6",
                        "unhealthy_routing": "0, -5: 4421",
                        "health": {"unhealthy": 6, "reason": "Target.FailedHealthChecks"},
                    }
                }
            },
        ),
        Case(
            "a full backlog behind a green health check",
            True,
            {"target_groups": {"orders": {"elb_502": "0, -8: 500", "connection_errors": "0, -8: 520"}}},
        ),
        Case(
            "packets are dropped",
            False,
            {"target_groups": {"orders": {"elb_504": "0, -8: 500", "connection_errors": "0, -8: 520"}}},
        ),
    ),
)
