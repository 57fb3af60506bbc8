"""The health check disagrees with a target that serves well."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.context import software_fails_everywhere
from diagnosis.facts import Facts
from diagnosis.facts.classic import ClassicFacts
from diagnosis.phrase import percent

# Real requests succeed when fewer than this share of those that reach targets go wrong there.
SERVES_WELL = 0.05
BUSY_PROCESSOR = 85.0
# Of a Classic: so many of the errors were answered without an instance in service.
MOSTLY_OUT = 0.5


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh unhealthy targets by code or time-out against real requests that succeed."""
    mismatched, silent = facts.unhealthy("Target.ResponseCodeMismatch"), facts.unhealthy("Target.Timeout")
    if not facts.turned_unhealthy and not mismatched and not silent:
        yield Signal(
            -6.0, "no target became unhealthy", "DescribeTargetHealth and CloudWatch UnHealthyHostCount"
        )
        return
    if mismatched:
        said = mismatched[0].description or "another code than the matcher accepts"
        yield Signal(
            3.0, f"{len(mismatched)} targets fail the check by its code: {said}", "DescribeTargetHealth"
        )
    elif silent:
        yield Signal(1.5, f"{len(silent)} targets fail the check by its time-out", "DescribeTargetHealth")
    if refused := facts.unhealthy("Target.FailedHealthChecks"):
        yield Signal(
            -2.5,
            f"{len(refused)} targets refuse the check's connection or garble its answer",
            "DescribeTargetHealth",
        )
    if (fresh := facts.in_state("initial")) and not facts.in_state("unhealthy"):
        yield Signal(
            -3.0,
            f"{len(fresh)} targets are new and have yet to pass; none has failed",
            "DescribeTargetHealth",
        )
    if facts.classic:
        yield from _checks_of_classic(facts, facts.classic)
    if facts.classic and facts.classic.without_instance >= MOSTLY_OUT:
        yield from _until_they_were_out(facts.classic)
    else:
        yield from _real_requests(facts)
    for each in facts.changes_of(Effect.HEALTH_CHECK)[:1]:
        yield Signal(2.5, f"{each.change.name} at {each.change.at:%H:%M:%S} changed the check", "CloudTrail")
    if facts.rollout_at_onset and (mismatched or facts.classic):
        yield Signal(0.7, "it began with a release, which may have moved the checked path", "CodeDeploy")
    yield from software_fails_everywhere(facts)


def _checks_of_classic(facts: Facts, classic: ClassicFacts) -> Iterable[Signal]:
    """A Classic does not tell how a check failed, but counts the connections that checks could not make."""
    known = facts.worst.configuration if facts.worst else None
    if known and known.health_check_protocol in ("TCP", "SSL"):
        yield Signal(
            -3.5, "the check only opens a connection, so no code can fail it", "DescribeLoadBalancers"
        )
    elif known and known.health_check_matcher:
        yield Signal(0.7, "the check passes on exactly 200, not on a redirect", "DescribeLoadBalancers")
    if classic.checks_refused:
        yield Signal(
            -4.0, "the checks cannot even connect to the instances", "CloudWatch BackendConnectionErrors"
        )
    elif classic.checks_refused is False:
        yield Signal(
            2.0,
            "the checks do connect: what they lack is exactly 200 in time, or the right path",
            "CloudWatch BackendConnectionErrors",
        )


def _until_they_were_out(classic: ClassicFacts) -> Iterable[Signal]:
    """Without an instance in service there are no real requests to compare with but those before."""
    if classic.served_well:
        yield Signal(
            3.0, "requests were answered well up to the minute in which the instances were out", "CloudWatch"
        )
    elif classic.served_well is False:
        yield Signal(-3.5, "requests went wrong before the instances were out", "CloudWatch")


def _real_requests(facts: Facts) -> Iterable[Signal]:
    asked = max(facts.requests.events, 1.0)
    wrong = (facts.counts["target_5xx"].excess + facts.counts["connection_errors"].excess) / asked
    overloaded = (facts.processor_peak or 0.0) >= BUSY_PROCESSOR
    if overloaded and wrong >= SERVES_WELL:
        yield Signal(0.5, "the targets that are left are overloaded", "CloudWatch CPUUtilization")
        return
    if facts.requests.events and wrong < SERVES_WELL:
        yield Signal(
            2.5, f"of the requests that reached targets only {percent(wrong)} went wrong there", "CloudWatch"
        )
    else:
        yield Signal(
            -3.5, f"{percent(min(wrong, 1.0))} of real requests went wrong at the targets too", "CloudWatch"
        )
    timed_out = facts.parts["elb_504"].excess / asked if "elb_504" in facts.parts else 0.0
    if timed_out >= SERVES_WELL:
        yield Signal(-2.5, "real requests time out as well", "CloudWatch HTTPCode_ELB_504_Count")


CAUSE = Cause(
    code="health_check_mismatch",
    origin=Origin.LOAD_BALANCER,
    title="The health check fails targets that serve well",
    why=(
        "Path, code, host, port or time-out of the check do not fit the application, so good targets are held"
        " unhealthy and taken out, and the rest carries the load."
    ),
    prior=-2.5,
    needs=("metrics", "target_health"),
    examine=examine,
    first_look=(
        Check(
            "Send the check's own request to a target: path, port, and the Host header the check uses.",
            Look.TARGETS,
        ),
        Check("Compare the code it answers with the group's matcher.", Look.TARGET_GROUP),
        Check("See whether a release moved the path or a change edited the check.", Look.CHANGES),
    ),
    prevention="Treat the checked path as part of the service's contract and test it in the pipeline.",
    retry=Retry.SAFE,
    rollback_helps=True,
    owner=Owner.PLATFORM,
    short="health check",
    triggers={"deployment": 0.5, "configuration_change": 0.5},
    touched_by=(Effect.HEALTH_CHECK, Effect.CONFIGURATION),
    sources=(
        (
            "ALB user guide, target groups, health status reason codes: Target.ResponseCodeMismatch,"
            " Target.Timeout"
        ),
        "ALB user guide, troubleshooting: a registered target is not in service",
    ),
    cases=(
        Case(
            "a Classic takes all instances out, for a 301 where it wants 200",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_5XX"},
                "classic_load_balancer": {
                    "requests": "4421, -6: 0",
                    "backend_4xx": "60, -6: 0",
                    "elb_503": "0, -6: 4421",
                    "healthy": "6, -6: 0",
                    "unhealthy": "0, -6: 6",
                    "health": {"failed_checks": 6},
                },
            },
        ),
        Case(
            "the matcher no longer accepts what the path answers",
            True,
            {
                "target_groups": {
                    "orders": {
                        "healthy": "6, -6: 0",
                        "unhealthy": "0, -6: 6",
                        "unhealthy_routing": "0, -6: 4421",
                        "health": {
                            "unhealthy": 6,
                            "reason": "Target.ResponseCodeMismatch",
                            "description": "Health checks failed with these codes: [204]",
                        },
                    }
                }
            },
        ),
        Case(
            "a release moved the checked path and targets are replaced for it",
            True,
            {
                "target_groups": {
                    "orders": {
                        "elb_502": "0, -4: 60",
                        "healthy": "6, -5: 2",
                        "unhealthy": "0, -5: 4",
                        "health": {
                            "unhealthy": 4,
                            "reason": "Target.ResponseCodeMismatch",
                            "description": "Health checks failed with these codes: [404]",
                        },
                    }
                }
            },
        ),
        Case(
            "the application fails and so does its check",
            False,
            {
                "target_groups": {
                    "orders": {
                        "target_5xx": "0, -6: 4000",
                        "healthy": "6, -5: 0",
                        "unhealthy": "0, -5: 6",
                        "health": {
                            "unhealthy": 6,
                            "reason": "Target.ResponseCodeMismatch",
                            "description": "Health checks failed with these codes: [500]",
                        },
                    }
                }
            },
        ),
    ),
)
