"""The cloud provider's own event."""

from collections.abc import Iterable, Iterator

from diagnosis.breadth import Elsewhere, InvolvedEvent, elsewhere, involved_events
from diagnosis.cause import EVERYWHERE, Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.evidence import Missing
from diagnosis.facts import Facts
from diagnosis.systems.health import MAY_NOT_ASK

HEALTH = "AWS Health"
# So many things of so many services at once have one reason in common, and hardly one of ours.
# (Alarms, services, log-odds.)
BREADTH = ((6, 4, 7.5), (4, 3, 6.0), (3, 2, 2.0))
CONTROL_PLANE = ("API_ISSUE", "API_OPERATIONAL_ISSUE")
OWN_ACTS = (Effect.NETWORK, Effect.ROUTING, Effect.REGISTRATION, Effect.HEALTH_CHECK, Effect.CERTIFICATE)


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh what AWS itself tells, else how broad the trouble is, against acts of our own."""
    if facts.onset is None:
        yield Signal(-5.0, "nothing changed", "CloudWatch")
        return
    events, others = involved_events(facts), elsewhere(facts)
    if events:
        yield from _told(facts, events[0])
    else:
        yield from _untold(facts)
    yield from _broad(others, told=bool(events))
    yield from _shared(facts)
    yield from _own_acts(facts)


def _broad(others: Elsewhere, *, told: bool) -> Iterator[Signal]:
    """A narrow trouble speaks against what AWS has not told of; what it tells of may hit few alarms."""
    alarms, services = len(others.alarms), sorted(others.namespaces)
    weight = next(
        (each for least, kinds, each in BREADTH if alarms >= least and len(services) >= kinds), -3.0
    )
    if weight < 0 and told:
        return
    if weight < 0:
        yield Signal(weight, "hardly anything else went into ALARM with it", "DescribeAlarms")
        return
    what = f"{alarms} other things went into ALARM with it: {', '.join(services[:4])}"
    yield Signal(weight, what, "DescribeAlarms")
    if others.by_aws:
        first = others.by_aws[0]
        yield Signal(2.0, f"{first.metric} of {first.namespace} counts faults of AWS alone", "DescribeAlarms")


def _told(facts: Facts, involved: InvolvedEvent) -> Iterator[Signal]:
    event = involved.event
    weight = _strength(involved)
    place = f" in {', '.join(event.zones)}" if event.zones else ""
    yield Signal(weight, f"{event.code} of {event.service}{place} since {event.start:%H:%M}", HEALTH)
    if involved.names_ours:
        yield Signal(3.0, "and it names a resource of this service", HEALTH)
    elif event.entities and not isinstance(event.entities, Missing):
        yield Signal(1.5, f"and it names {event.entities[0]}, a resource of this account", HEALTH)
    if event.zones:
        lone = facts.lone_zone
        fits = lone is not None and lone.name in event.zones
        yield Signal(
            3.0 if fits else -2.5,
            f"{lone.name if lone else 'no single zone'} fails here",
            "CloudWatch by AvailabilityZone",
        )
    elif not involved.carries and (facts.response_time.raised or facts.part("target_5xx") >= 0.5):
        yield Signal(2.0, "it fails as it does when something behind it is down", "CloudWatch")


def _strength(involved: InvolvedEvent) -> float:
    """A service that is out in a whole region is rare; trouble of its API hits changes, not requests."""
    event = involved.event
    if event.code.endswith(CONTROL_PLANE):
        return 3.0
    if not involved.carries:
        return 5.0
    return 6.0 if event.zones else 8.0


def _untold(facts: Facts) -> Iterator[Signal]:
    events = facts.evidence.health_events
    if events == MAY_NOT_ASK:
        return
    if isinstance(events, Missing):
        yield Signal(-0.5, "AWS Health could not be asked", HEALTH)
    else:
        yield Signal(-1.0, "AWS tells of no problem yet", HEALTH)


def _shared(facts: Facts) -> Iterator[Signal]:
    """What hits all groups alike lies in none of them."""
    busy, failing = facts.busy_groups, facts.failing_groups
    if len(busy) >= 2 and len(failing) == len(busy):
        yield Signal(1.0, f"all {len(busy)} groups fail together", "CloudWatch by TargetGroup")
    elif len(busy) >= 2 and len(failing) < len(busy) and failing:
        yield Signal(-1.5, "some groups are well", "CloudWatch by TargetGroup")


def _own_acts(facts: Facts) -> Iterator[Signal]:
    if facts.rollout_at_onset:
        yield Signal(-3.0, "it began with a release to what fails", "deployments")
    edits = [each for each in facts.changes_of(*OWN_ACTS) if each.ours]
    if edits:
        yield Signal(-2.5, f"{edits[0].change.name} at {edits[0].change.at:%H:%M:%S}", "CloudTrail")
    if facts.surged:
        yield Signal(-2.0, "requests rose first", "CloudWatch RequestCount")


CAUSE = Cause(
    code="provider_event",
    origin=Origin.UNKNOWN,
    title="AWS itself has a problem",
    why=(
        "A service of AWS that carries the requests, or that the application rests on, is impaired. Nothing"
        " of ours changed, and much that has nothing to do with it fails at the same time."
    ),
    prior=-3.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Read the event: what is affected, in which zones, and what AWS advises.", Look.HEALTH),
        Check(
            "See what else fails in the region and what does not; leave an impaired zone by a zonal shift.",
            Look.METRICS,
        ),
        Check(
            "Hold deployments and scale-ins until it is over: replacements may not come.", Look.DEPLOYMENTS
        ),
    ),
    prevention="Run in several zones with room to lose one; send AWS Health events to the on-call channel.",
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=False,
    triggers={"infrastructure": 3.0, "vendor_change": 1.0, "none_found": 1.0, "deployment": -4.0},
    systems=EVERYWHERE,
    owner=Owner.PROVIDER,
    short="trouble at AWS",
    component=lambda facts: next((each.event.service for each in involved_events(facts)), None),
    sources=("AWS Health user guide, types of events", "AWS Health API reference, DescribeEvents"),
    cases=(
        Case(
            "load balancing is impaired in the region",
            True,
            {
                "target_groups": {"orders": {"elb_502": "1, -9: 300"}, "search": {"elb_502": "1, -9: 280"}},
                "traffic": {"elb_503": "0, -9: 150"},
                "health": {"events": [{"service": "ELASTICLOADBALANCING", "started": "-10", "told": "-2"}]},
            },
        ),
        Case(
            "AWS tells nothing yet, and half the account is in ALARM",
            True,
            {
                "target_groups": {
                    "orders": {"target_5xx": "3, -6: 420"},
                    "search": {"target_5xx": "2, -6: 390"},
                },
                "health": {"subscribed": False},
                "alarms": [
                    {
                        "name": f"{namespace}-{number}",
                        "namespace": f"AWS/{namespace}",
                        "metric": metric,
                        "dimensions": {dimension: f"other-{number}"},
                        "since": "-4",
                    }
                    for number, (namespace, metric, dimension) in enumerate(
                        (
                            ("Lambda", "Errors", "FunctionName"),
                            ("SQS", "ApproximateAgeOfOldestMessage", "QueueName"),
                            ("DynamoDB", "SystemErrors", "TableName"),
                            ("States", "ExecutionsFailed", "StateMachineArn"),
                            ("Lambda", "Errors", "FunctionName"),
                        )
                    )
                ],
            },
        ),
        Case(
            "a release breaks responses while AWS tells of a problem elsewhere",
            False,
            {
                "target_groups": {"orders": {"elb_502": "0, -3: 369"}},
                "health": {"events": [{"service": "SAGEMAKER", "started": "-30"}]},
            },
        ),
    ),
)
