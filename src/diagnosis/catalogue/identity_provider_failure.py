"""The authenticate action of a listener fails: the identity provider cannot be reached, denies, or errs."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.evidence import Action, Missing
from diagnosis.facts import Facts
from diagnosis.phrase import moved
from diagnosis.shift import Level, level_shift
from diagnosis.symptom import Family

MOST = 0.5
# The load balancer waits five seconds for the identity provider (ALB user guide, troubleshooting, HTTP 500).
PATIENCE_MILLISECONDS = 5000.0
NEAR_PATIENCE = 0.7


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh what the load balancer counts of sign-ins against the errors that it makes itself."""
    if not _its_errors(facts):
        yield Signal(-6.0, "500, 561 and 401 of the load balancer are not what rose", "CloudWatch")
        return
    told = [*_counted(facts)]
    yield from told
    if not told:
        yield from _uncounted(facts)
        return
    latency = _latency(facts)
    if latency.after is not None and latency.after >= NEAR_PATIENCE * PATIENCE_MILLISECONDS:
        yield Signal(
            2.0,
            f"the identity provider takes {latency.after / 1000:.1f} s, the load balancer waits 5 s",
            "CloudWatch ELBAuthLatency",
        )
    if facts.counts["auth_successes"].fallen:
        yield Signal(
            1.5, f"sign-ins went {moved(facts.counts['auth_successes'])}", "CloudWatch ELBAuthSuccess"
        )
    for each in facts.changes_of(Effect.NETWORK, Effect.ROUTING, Effect.CONFIGURATION)[:1]:
        yield Signal(
            0.5, f"{each.change.name} at {each.change.at:%H:%M:%S} by {each.change.by}", "CloudTrail"
        )


def _its_errors(facts: Facts) -> bool:
    """500 and 561 where it cannot be asked or errs, 401 where it denies (ALB user guide, troubleshooting)."""
    if facts.onset is None:
        return False
    if facts.symptom.family is Family.CLIENT_ERRORS:
        return facts.part("elb_4xx") >= MOST
    return facts.is_5xx and facts.part("elb_500", "elb_other_5xx") >= MOST


def _counted(facts: Facts) -> Iterator[Signal]:
    """Sign-ins that failed, as the load balancer counts them, among the errors."""
    served = facts.parts.get("elb_4xx") if facts.symptom.family is Family.CLIENT_ERRORS else None
    errors = (
        served.excess
        if served
        else sum(facts.parts[name].excess for name in ("elb_500", "elb_other_5xx") if name in facts.parts)
    )
    known = (
        ("auth_errors", "ELBAuthError", "sign-ins that could not be completed"),
        ("auth_failures", "ELBAuthFailure", "sign-ins that the identity provider denied"),
        ("claims_too_large", "ELBAuthUserClaimsSizeExceeded", "sign-ins with claims of more than 11 KB"),
        ("token_failures", "JWTValidationFailureCount", "tokens that were not accepted"),
    )
    for name, metric, what in known:
        shift = facts.counts[name]
        if shift.risen:
            weight = 7.0 if shift.excess >= MOST * errors else 2.0
            yield Signal(weight, f"{what} went {moved(shift)}", f"CloudWatch {metric}")


def _uncounted(facts: Facts) -> Iterator[Signal]:
    """Without a metric that rose, only a rule that validates tokens leaves a doubt."""
    kinds = {action.kind for action in _actions(facts)}
    if "jwt-validation" in kinds:
        yield Signal(2.0, "a rule validates tokens, of which not all failures are counted", "DescribeRules")
    elif any(kind.startswith("authenticate") for kind in kinds):
        yield Signal(-3.0, "a rule signs users in, and its failures did not rise", "CloudWatch ELBAuthError")
    else:
        yield Signal(-6.0, "no sign-in failed and no rule is known to sign users in", "DescribeRules")


def _actions(facts: Facts) -> Iterator[Action]:
    listeners = facts.evidence.listeners
    for listener in () if isinstance(listeners, Missing) else listeners:
        yield from listener.default_actions
        for rule in () if isinstance(listener.rules, Missing) else listener.rules:
            yield from rule.actions


def _latency(facts: Facts) -> Level:
    metrics = facts.evidence.metrics
    series = () if isinstance(metrics, Missing) else metrics.levels("ELBAuthLatency", "Average")
    return level_shift(series, facts.span)


CAUSE = Cause(
    code="identity_provider_failure",
    origin=Origin.LOAD_BALANCER,
    title="The load balancer cannot sign users in: its identity provider fails or refuses",
    why=(
        "A rule authenticates requests; the identity provider cannot be reached, answers with an error or"
        " later than five seconds, or denies, so no request gets as far as a target."
    ),
    prior=-2.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Ask the rule's token and user-info endpoints from inside the VPC; see the provider's status.",
            Look.LISTENERS,
        ),
        Check(
            "See whether the load balancer may still reach port 443 outside: security group, NAT, DNS.",
            Look.NETWORK_CHANGES,
        ),
        Check(
            "Check that the rule's client id and secret are still those that the provider knows.",
            Look.CHANGES,
        ),
    ),
    prevention="Alarm on ELBAuthError; rotate the client secret in the rule and at the provider together.",
    retry=Retry.SAFE,
    rollback_helps=False,
    triggers={"configuration_change": 1.0, "none_found": 1.0, "deployment": -4.0},
    touched_by=(Effect.NETWORK, Effect.ROUTING, Effect.CONFIGURATION, Effect.PERMISSION),
    systems=frozenset({"alb"}),
    owner=Owner.IDENTITY,
    short="identity provider",
    component=lambda _: "identity provider",
    sources=(
        "ALB user guide, troubleshooting, HTTP 401, 500 and 561",
        "ALB user guide, CloudWatch metrics, user authentication",
    ),
    cases=(
        Case(
            "the token endpoint cannot be reached",
            True,
            {
                "listeners": [{"port": 443, "default": {"forward": "orders", "authenticate_oidc": True}}],
                "target_groups": {"orders": {"requests": "4421, -7: 3900"}},
                "traffic": {
                    "elb_500": "0, -7: 300",
                    "elb_auth_error": "0, -7: 300",
                    "elb_auth_success": "310, -7: 9",
                    "elb_auth_latency": "180, -7: 5000",
                },
            },
        ),
        Case(
            "the provider denies everybody since its client was changed",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "traffic": {
                    "elb_4xx": "9, -6: 240",
                    "elb_auth_failure": "4, -6: 232",
                    "elb_auth_success": "250, -6: 2",
                },
            },
        ),
        Case(
            "500s without a rule that signs in",
            False,
            {"traffic": {"elb_500": "0, -6: 40"}},
        ),
    ),
)
