"""New or restarted targets exit or never become healthy."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Origin, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.context import software_fails_everywhere
from diagnosis.evidence import Missing
from diagnosis.facts import Facts
from diagnosis.phrase import moved

CONNECTIONS_IN_STEP = 0.15
STARTS = frozenset(
    {"StartInstanceRefresh", "RunInstances", "CreateFleet", "UpdateAutoScalingGroup", "RebootInstances"}
)


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh targets that turn unhealthy right after a start against targets that ran and then failed."""
    if not facts.is_5xx or facts.part("elb_502", "elb_503", "elb_504") < 0.5:
        yield Signal(-3.5, "what failed was not mostly answered by the load balancer", "CloudWatch")
        return
    refused, starting = facts.unhealthy("Target.FailedHealthChecks"), facts.in_state("initial")
    if not facts.turned_unhealthy and not facts.hosts_fell and not refused and not starting:
        yield Signal(-4.0, "no target was lost or became unhealthy", "CloudWatch UnHealthyHostCount")
        return
    yield Signal(1.5, "targets were lost or became unhealthy as it began", "CloudWatch UnHealthyHostCount")
    if refused or starting:
        yield Signal(1.5, f"{len(refused) + len(starting)} targets do not come up", "DescribeTargetHealth")
    if silent := facts.unhealthy("Target.Timeout"):
        yield Signal(
            -1.5,
            f"{len(silent)} targets accept connections but do not answer in time",
            "DescribeTargetHealth",
        )
    if mismatched := facts.unhealthy("Target.ResponseCodeMismatch"):
        yield Signal(
            -2.0,
            f"{len(mismatched)} targets answer the health check with another code",
            "DescribeTargetHealth",
        )
    yield from _connections(facts)
    yield from _starts(facts)
    if facts.rhythm.over:
        yield Signal(-2.5, "the errors are over", "CloudWatch")
    if facts.rhythm.sawtooth:
        yield Signal(-2.0, "the errors come in bursts with quiet between", "CloudWatch")
    yield from software_fails_everywhere(facts)


def _connections(facts: Facts) -> Iterable[Signal]:
    connections = facts.counts["connection_errors"]
    if facts.ratio("connection_errors", "elb_502", "elb_504", "elb_503") >= CONNECTIONS_IN_STEP:
        yield Signal(
            1.5, f"refused connections went {moved(connections)}", "CloudWatch TargetConnectionErrorCount"
        )
    elif facts.part("elb_502") >= 0.5:
        yield Signal(-2.0, "targets accept the connections", "CloudWatch TargetConnectionErrorCount")
    if facts.part("elb_504") >= 0.5:
        yield Signal(-3.0, "the failures are time-outs, not refusals", "CloudWatch HTTPCode_ELB_504_Count")


def _starts(facts: Facts) -> Iterable[Signal]:
    rollout = facts.rollout_at_onset
    refresh = [each.change for each in facts.changes if each.change.name in STARTS and each.ours is not False]
    if rollout is None and refresh:
        yield Signal(3.0, f"{refresh[0].name} at {refresh[0].at:%H:%M:%S} started new targets", "CloudTrail")
        return
    if rollout is None:
        yield Signal(-1.5, "no roll-out started new processes at the onset", "CodeDeploy")
        return
    yield Signal(2.5, f"it began with deployment {rollout.deployment.id}, which started them", "CodeDeploy")
    targets = () if isinstance(rollout.deployment.targets, Missing) else rollout.deployment.targets
    if rollout.deployment.status == "Failed" and facts.part("elb_503") >= 0.5:
        yield Signal(3.5, "the deployment failed and left the group without targets", "CodeDeploy")
    if failed := [target for target in targets if target.failed_event]:
        yield Signal(
            1.5, f"{failed[0].failed_event} failed on {failed[0].id}", "CodeDeploy deployment targets"
        )


CAUSE = Cause(
    code="targets_fail_to_start",
    origin=Origin.LOAD_BALANCER,
    title="New targets do not start or never become healthy (502)",
    why=(
        "Processes started by a release, a restart or a scale-out exit at once or never pass the health"
        " check, so the group has too few targets that answer."
    ),
    prior=-2.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        "Read the first lines the process logs at start on one new target, and its exit code.",
        "Compare the environment variables, secrets and permissions that it needs with what it has.",
        "See the deployment's life-cycle events: aws deploy get-deployment-target.",
    ),
    prevention=(
        "Validate the service in the deployment before it takes traffic, and keep the minimum of healthy"
        " targets above zero."
    ),
    retry=Retry.SAFE,
    rollback_helps=True,
    triggers={"deployment": 1.0},
    grows_with_rollout=False,
    touched_by=(Effect.CONFIGURATION, Effect.PERMISSION, Effect.CAPACITY),
    sources=(
        (
            "ALB user guide, troubleshooting, HTTP 502: the load balancer received a TCP RST from the target"
            " when connecting"
        ),
        "ALB user guide, target groups, health status reason codes",
    ),
    known_problems="A release that listens on another port looks the same to the load balancer.",
    cases=(
        Case(
            "a variable is missing and the process exits",
            True,
            {
                "target_groups": {
                    "orders": {
                        "elb_502": "0, -6: 2300",
                        "connection_errors": "0, -6: 2400",
                        "healthy": "6, -5: 0",
                        "unhealthy": "0, -5: 6",
                        "health": {"unhealthy": 6, "reason": "Target.FailedHealthChecks"},
                    }
                },
                "deployments": [
                    {
                        "id": "d-NEW",
                        "application": "order-api",
                        "group": "production",
                        "target_groups": ["orders"],
                        "created": "-8",
                        "started": "-8",
                        "completed": "-5",
                        "status": "Succeeded",
                        "config": "CodeDeployDefault.AllAtOnce",
                        "revision": {"bucket": "releases", "key": "v2.zip"},
                    }
                ],
            },
        ),
        Case(
            "half of the new targets do not come up",
            True,
            {
                "target_groups": {
                    "orders": {
                        "elb_502": "0, -7: 900",
                        "connection_errors": "0, -7: 950",
                        "healthy": "6, -6: 3",
                        "unhealthy": "0, -6: 3",
                        "health": {"unhealthy": 3, "reason": "Target.FailedHealthChecks"},
                    }
                },
                "deployments": [
                    {
                        "id": "d-NEW",
                        "application": "order-api",
                        "group": "production",
                        "target_groups": ["orders"],
                        "created": "-9",
                        "started": "-9",
                        "completed": None,
                        "status": "InProgress",
                        "revision": {"bucket": "releases", "key": "v2.zip"},
                    }
                ],
            },
        ),
        Case("all targets stay healthy", False, {"target_groups": {"orders": {"elb_502": "0, -3: 369"}}}),
    ),
)
