"""The HTTP version or gRPC does not fit the target group (464)."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.evidence import Missing
from diagnosis.facts import Facts, GroupFacts
from diagnosis.phrase import moved, percent
from diagnosis.refusals import HARDLY_ANY, MOST, Refusals, refusals_of

USUAL = "HTTP1"
STARVED = 0.5
# Fewer requests for the targets, among the refusals: about as many.
AS_MANY = (0.6, 1.6)


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh refusals before any target was chosen, a group that gets no requests, and what it speaks."""
    found = refusals_of(facts)
    if found is None:
        yield Signal(-6.0, "4xx of the load balancer are not what rose", "CloudWatch HTTPCode_ELB_4XX_Count")
        return
    share, maker = found.explained
    if share >= MOST:
        yield Signal(-6.0, f"{maker} accounts for {percent(min(1.0, share))} of them", "CloudWatch")
    if found.share(found.given_up) >= MOST:
        yield Signal(-5.0, "they had been sent to a target, which 464 never are", "CloudWatch")
    elif found.given_up is not None and found.share(found.given_up) < HARDLY_ANY:
        yield Signal(0.5, "no target ever got them", "CloudWatch RequestCount less HTTPCode_Target_*")
    if found.share(found.non_compliant) >= MOST:
        yield Signal(
            -3.0, "the requests break HTTP", "CloudWatch DesyncMitigationMode_NonCompliant_Request_Count"
        )
    yield from _protocols(facts)
    yield from _moves(facts, found)


def _protocols(facts: Facts) -> Iterator[Signal]:
    groups = facts.evidence.target_groups
    if isinstance(groups, Missing):
        yield Signal(-1.0, "what the target groups speak could not be read", "DescribeTargetGroups")
        return
    odd = [group for group in groups if group.protocol_version not in (None, USUAL)]
    if odd:
        yield Signal(2.0, f"{odd[0].name} takes {odd[0].protocol_version} only", "DescribeTargetGroups")
    else:
        yield Signal(
            -1.5, "every target group takes HTTP/1.1, so only gRPC would not fit", "DescribeTargetGroups"
        )


def _moves(facts: Facts, found: Refusals) -> Iterator[Signal]:
    """What a rule was made to point at, and who gets no requests since."""
    edits = facts.changes_of(Effect.ROUTING)
    if edits:
        newest = edits[0].change
        yield Signal(3.0, f"{newest.name} at {newest.at:%H:%M:%S} by {newest.by}", "CloudTrail")
        fewer = (facts.requests.before - facts.requests.after) * facts.span.minutes
        if AS_MANY[0] <= found.share(fewer) <= AS_MANY[1]:
            yield Signal(
                2.5, f"targets get as many fewer requests, {moved(facts.requests)}", "CloudWatch RequestCount"
            )
    elif isinstance(facts.evidence.changes, Missing):
        yield Signal(-0.5, "whether a rule was edited cannot be told", "CloudTrail")
    else:
        yield Signal(-1.5, "no listener and no rule was edited", "CloudTrail")
    for group in facts.groups:
        if _starves(group) or (edits and group.id in _forwarded_to(facts) and _never_asked(group)):
            yield Signal(
                2.0,
                f"{group.name} is healthy and its requests went {moved(group.requests)}",
                "CloudWatch RequestCount by TargetGroup",
            )
            return


def _never_asked(group: GroupFacts) -> bool:
    return not group.requests.before and not group.requests.after and bool(group.hosts.healthy_now)


def _forwarded_to(facts: Facts) -> frozenset[str]:
    """The groups that a listener or rule sends requests to."""
    listeners = facts.evidence.listeners
    found = set[str]()
    for listener in () if isinstance(listeners, Missing) else listeners:
        rules = () if isinstance(listener.rules, Missing) else listener.rules
        for action in (*listener.default_actions, *(each for rule in rules for each in rule.actions)):
            found.update(group for group, weight in action.weights.items() if weight)
    return frozenset(found)


def _starves(group: GroupFacts) -> bool:
    asked, hosts = group.requests, group.hosts
    return asked.fallen and asked.after <= STARVED * asked.before and bool(hosts.healthy_now)


def _component(facts: Facts) -> str | None:
    """The group whose protocol is not the usual one, or else one that gets no requests."""
    groups = facts.evidence.target_groups
    known = () if isinstance(groups, Missing) else groups
    odd = (group.name for group in known if group.protocol_version not in (None, USUAL))
    idle = (group.name for group in facts.groups if _starves(group) or _never_asked(group))
    return next(odd, None) or next(idle, None)


CAUSE = Cause(
    code="protocol_mismatch",
    origin=Origin.LOAD_BALANCER,
    title="Requests do not fit the protocol version of the target group (464)",
    why=(
        "A target group takes one of HTTP/1.1, HTTP/2 and gRPC, for good; requests of another kind that a"
        " rule sends to it are refused with 464 before a target is chosen."
    ),
    prior=-2.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Compare the protocol version of the target group with what its clients speak.", Look.TARGET_GROUP
        ),
        Check(
            "See which rule was pointed at another group, and point it back; it takes effect in seconds.",
            Look.LISTENERS,
        ),
        Check("Confirm status 464 and the field type (http, h2, grpcs) in the access log.", Look.LOGS),
    ),
    prevention="Make a new group with the right protocol version, send it a request, then move the rule.",
    retry=Retry.NOT_UNCHANGED,
    rollback_helps=False,
    triggers={"configuration_change": 2.5, "deployment": -2.0},
    touched_by=(Effect.ROUTING,),
    systems=frozenset({"alb"}),
    owner=Owner.PLATFORM,
    short="protocol version",
    component=_component,
    sources=(
        "ALB user guide, troubleshooting, HTTP 464",
        "ALB user guide, target groups: protocol version cannot be changed after creation",
    ),
    cases=(
        Case(
            "the rule was pointed at a gRPC group",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {
                    "orders": {"requests": "4421, -6: 40", "target_4xx": "60, -6: 0"},
                    "orders-grpc": {"protocol_version": "GRPC", "requests": "0", "target_4xx": "0"},
                },
                "listeners": [{"port": 443, "default": {"forward": "orders-grpc"}}],
                "traffic": {"elb_4xx": "6, -6: 4380"},
                "changes": [
                    {
                        "at": "-6.5",
                        "name": "ModifyListener",
                        "source": "elasticloadbalancing",
                        "by": "terraform",
                        "resources": ["order-api"],
                    }
                ],
            },
        ),
        Case(
            "the new HTTP/2 group gets old clients",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {
                    "web": {"requests": "900", "target_4xx": "12"},
                    "feed": {"requests": "700, -9: 0", "target_4xx": "9, -9: 0"},
                    "feed-h2": {"protocol_version": "HTTP2", "requests": "0, -9: 350", "target_4xx": "0"},
                },
                "traffic": {"elb_4xx": "2, -9: 352"},
                "changes": [
                    {
                        "at": "-9.3",
                        "name": "ModifyRule",
                        "source": "elasticloadbalancing",
                        "by": "deploy-role",
                        "resources": ["order-api"],
                    }
                ],
            },
        ),
        Case(
            "malformed requests beside a gRPC group that is well",
            False,
            {
                "alarm": {"metric": "HTTPCode_ELB_4XX_Count"},
                "target_groups": {
                    "orders": {},
                    "orders-grpc": {"protocol_version": "GRPC", "requests": "400", "target_4xx": "0"},
                },
                "traffic": {"elb_4xx": "5, -6: 400", "desync_non_compliant": "2, -6: 390"},
            },
        ),
    ),
)
