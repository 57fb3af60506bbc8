"""Targets stop while requests are still sent to them."""

from collections.abc import Iterable, Sequence

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.container_context import TASKS, stopped, tally
from diagnosis.facts import Facts
from diagnosis.facts.task_stops import FAILED_START, KILLED, LOST_CAPACITY, TERMINATED, Stop, Why

# The load balancer needs up to this long after the last target has left to stop sending to it.
SETTLED_MINUTES = 1
# Log-likelihood from which errors are taken to follow the updated targets.
GROWS = 2.0
# Only what is in flight to a leaving target is lost.
FEW = 0.05
SEVERAL_SWAPS = 4
SOURCE = "CodeDeploy and CloudWatch"


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh a burst that lives and dies with the replacement of targets."""
    if not facts.is_5xx or facts.onset is None or facts.part("elb_502", "elb_504", "elb_503") < 0.5:
        yield Signal(-4.0, "502 and 504 made by the load balancer are not what failed", "CloudWatch")
        return
    rollout = facts.rollout_at_onset
    if draining := facts.in_state("draining"):
        yield Signal(1.5, f"{len(draining)} targets are draining", "DescribeTargetHealth")
    left, told = facts.hosts_dipped and not facts.turned_unhealthy, stopped(facts, Why.SCHEDULER)
    replaced = (
        left or bool(draining) or bool(told) or bool(facts.changes_of(Effect.REGISTRATION, Effect.CAPACITY))
    )
    if rollout is None and not replaced:
        yield Signal(-4.0, "no targets were being replaced", SOURCE)
        return
    yield Signal(1.0, "it began while targets were being replaced", SOURCE)
    if left and rollout is None:
        yield Signal(
            2.5,
            "targets left the group in those minutes without having turned unhealthy",
            "CloudWatch HealthyHostCount",
        )
    if facts.classic and not facts.classic.draining:
        yield Signal(1.0, "connection draining is off", "DescribeLoadBalancerAttributes")
    yield from _tasks(facts, told)
    yield from _end(facts)
    yield from _growth(facts)
    if facts.part("elb_503") < 0.3:
        yield Signal(0.5, "502 and 504, as for requests cut off in flight", "CloudWatch")
    if facts.error_share >= 0.1:
        yield Signal(-1.5, "more requests fail than are in flight to a leaving target", "CloudWatch")


def _tasks(facts: Facts, told: Sequence[Stop]) -> Iterable[Signal]:
    """Tasks that were told to stop, and how they took it."""
    if abrupt := [each for each in told if each.exit_code in (TERMINATED, KILLED)]:
        code = abrupt[0].exit_code
        yield Signal(2.0, f"{tally(abrupt)} ended abruptly, with exit code {code}", TASKS)
    if ended := stopped(facts, *FAILED_START, *LOST_CAPACITY, Why.MEMORY):
        yield Signal(-3.0, tally(ended), TASKS)


def _growth(facts: Facts) -> Iterable[Signal]:
    if facts.rollout_at_onset is None:
        return
    if facts.span.onset + 1 <= facts.rollout_at_onset.first_updated:
        yield Signal(1.5, "it began before any target had the new version", SOURCE)
    steps = facts.staircase(facts.rollout_at_onset)
    if steps.gain > GROWS:
        yield Signal(-3.0, "errors grew with every target that has the new version", SOURCE)
    elif steps.visible and steps.gain < -GROWS and _a_few_at_each_swap(facts):
        yield Signal(2.5, "as many fail at each swap, however many targets have the new version", SOURCE)


def _a_few_at_each_swap(facts: Facts) -> bool:
    return facts.failing_share < FEW and facts.span.minutes >= SEVERAL_SWAPS


def _end(facts: Facts) -> Iterable[Signal]:
    rollout, shape = facts.rollout_at_onset, facts.rhythm
    if rollout is None:
        if shape.quiet_minutes:
            yield Signal(2.5, "it was short", SOURCE)
        elif not facts.in_state("draining"):
            yield Signal(-3.0, "it goes on", SOURCE)
    elif rollout.ended is None:
        if shape.bursts >= 2 and shape.busy_share <= 0.5:
            yield Signal(4.0, f"{shape.bursts} short bursts, as targets are swapped one by one", SOURCE)
    elif shape.last_elevated > rollout.ended + SETTLED_MINUTES:
        yield Signal(-5.0, "it goes on after the replacement ended", SOURCE)
    elif shape.quiet_minutes:
        yield Signal(5.0, "it ended with the replacement, although every target runs the new version", SOURCE)


CAUSE = Cause(
    code="target_drain_race",
    origin=Origin.LOAD_BALANCER,
    title="Targets stop while requests are still sent to them (a burst during a roll-out)",
    why=(
        "A target exits before the load balancer has noticed that it leaves, so requests in flight or just"
        " sent are lost; it happens at every replacement and ends with it."
    ),
    prior=-2.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            (
                "Compare the time between the stop signal and exit with the time until the target shows as"
                " draining."
            ),
            Look.DEPLOYMENTS,
        ),
        Check("See the group's deregistration delay and the longest request.", Look.TARGET_GROUP),
        Check("Look at the last roll-outs: the same short burst should be there.", Look.DEPLOYMENTS),
    ),
    prevention=(
        "Deregister first, wait, then stop: a stop hook that sleeps longer than deregistration takes to"
        " spread."
    ),
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=False,
    owner=Owner.PLATFORM,
    short="draining of targets",
    triggers={"deployment": 1.0},
    grows_with_rollout=False,
    touched_by=(Effect.REGISTRATION, Effect.CAPACITY),
    sources=(
        (
            "ALB user guide, troubleshooting, HTTP 502: the deregistration delay period elapsed for a request"
            " being handled by a deregistered target"
        ),
    ),
    cases=(
        Case(
            "pods are killed before they are drained",
            True,
            {
                "target_groups": {
                    "orders": {
                        "elb_502": "0, -12..-8: 45",
                        "elb_504": "0, -12..-8: 12",
                        "connection_errors": "0, -12..-8: 50",
                    }
                },
                "deployments": [
                    {
                        "id": "d-NEW",
                        "application": "order-api",
                        "group": "production",
                        "target_groups": ["orders"],
                        "created": "-12",
                        "started": "-12",
                        "completed": "-8",
                        "status": "Succeeded",
                        "revision": {"bucket": "releases", "key": "v2.zip"},
                    }
                ],
            },
        ),
        Case(
            "a small service between two versions",
            True,
            {
                "target_groups": {
                    "orders": {"requests": "900", "target_4xx": "9", "elb_502": "0, -9..-6: 20"}
                },
                "deployments": [
                    {
                        "id": "d-NEW",
                        "application": "order-api",
                        "group": "production",
                        "target_groups": ["orders"],
                        "created": "-10",
                        "started": "-10",
                        "completed": "-6",
                        "status": "Succeeded",
                        "revision": {"bucket": "releases", "key": "v2.zip"},
                    }
                ],
            },
        ),
        Case(
            "the release itself is broken and stays so",
            False,
            {
                "target_groups": {"orders": {"elb_502": "0, -8: 369"}},
                "deployments": [
                    {
                        "id": "d-NEW",
                        "application": "order-api",
                        "group": "production",
                        "target_groups": ["orders"],
                        "created": "-14",
                        "started": "-14",
                        "completed": "-8",
                        "status": "Succeeded",
                        "revision": {"bucket": "releases", "key": "v2.zip"},
                    }
                ],
            },
        ),
    ),
)
