"""Whether the trouble is wider than this entry point: what AWS itself tells, and what else is in ALARM."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from diagnosis.belongings import own_identifiers
from diagnosis.evidence import Missing
from diagnosis.facts import Facts
from diagnosis.systems.health import AlarmInAlarm, HealthEvent

# AWS tells when an event began, but seldom to the minute, and often after the fact.
BEGAN_BEFORE, BEGAN_AFTER = timedelta(minutes=60), timedelta(minutes=15)
# What fails for the same reason fails at about the same time.
TOGETHER = timedelta(minutes=10)
PROBLEMS = frozenset({"issue", "investigation"})
# AWS Health's names of the services that carry requests themselves, by kind of entry point ...
CARRYING = {
    "alb": frozenset({"ELASTICLOADBALANCING", "EC2", "VPC", "ECS", "EKS", "FARGATE", "AUTOSCALING"}),
    "clb": frozenset({"ELASTICLOADBALANCING", "EC2", "VPC", "ECS", "AUTOSCALING"}),
    "apigateway": frozenset({"APIGATEWAY", "LAMBDA", "VPC"}),
    "cloudfront": frozenset({"CLOUDFRONT", "S3", "LAMBDA", "ROUTE53"}),
}
EVERYTHING = frozenset({"MULTIPLE_SERVICES", "INTERNETCONNECTIVITY", "ROUTE53", "LAMBDA", "WAF"})
# ... and of those that applications commonly rest on.
RESTED_ON = frozenset(
    {
        *("RDS", "AURORA", "DYNAMODB", "ELASTICACHE", "S3", "SQS", "SNS", "KMS", "SECRETSMANAGER", "SSM"),
        *("COGNITO", "IAM", "STS", "KINESIS", "MSK", "OPENSEARCH", "EFS", "EBS", "DOCDB", "REDSHIFT"),
        *("DIRECTCONNECT", "NATGATEWAY", "TRANSITGATEWAY", "CLOUDMAP", "STEPFUNCTIONS", "EVENTS"),
    }
)
# Metrics that count what a service of AWS itself got wrong (the services' user guides).
FAULTS_OF_AWS = frozenset(
    {
        *(
            ("AWS/DynamoDB", "SystemErrors"),
            ("AWS/S3", "5xxErrors"),
            ("AWS/ApplicationELB", "LambdaInternalError"),
        ),
        *(("AWS/EC2", "StatusCheckFailed_System"), ("AWS/EC2", "StatusCheckFailed_AttachedEBS")),
    }
)


@dataclass(frozen=True, slots=True)
class InvolvedEvent:
    """A problem of AWS at the time of the onset, in a service that carries the requests or is rested on.

    `names_ours` tells that it names a resource of this service.
    """

    event: HealthEvent
    carries: bool
    names_ours: bool


def involved_events(facts: Facts) -> tuple[InvolvedEvent, ...]:
    """The problems that AWS tells of which may be behind this, those that name our resources first."""
    return tuple(sorted(_involved(facts), key=lambda each: (not each.names_ours, not each.carries)))


def _involved(facts: Facts) -> Iterator[InvolvedEvent]:
    events, onset = facts.evidence.health_events, facts.onset
    if isinstance(events, Missing) or onset is None:
        return
    own = own_identifiers(facts.evidence)
    carrying = CARRYING.get(facts.kind, frozenset()) | EVERYTHING
    for event in events:
        if event.category not in PROBLEMS or event.start is None:
            continue
        went_on = event.end is None or event.end > onset
        near = onset - BEGAN_BEFORE <= event.start <= onset + BEGAN_AFTER
        if went_on and near and event.service in carrying | RESTED_ON:
            yield InvolvedEvent(event, event.service in carrying, _names(event, own))


def _names(event: HealthEvent, own: frozenset[str]) -> bool:
    return not isinstance(event.entities, Missing) and any(name in own for name in event.entities)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Alarms about other things that went into ALARM with this one, one for each resource."""

    alarms: tuple[AlarmInAlarm, ...]

    @property
    def by_aws(self) -> tuple[AlarmInAlarm, ...]:
        """Those on metrics that count faults of AWS and none of its customers."""
        return tuple(each for each in self.alarms if (each.namespace, each.metric) in FAULTS_OF_AWS)

    @property
    def namespaces(self) -> frozenset[str]:
        """The services they watch."""
        return frozenset(alarm.namespace for alarm in self.alarms if alarm.namespace)


def elsewhere(facts: Facts) -> Elsewhere:
    """What else went wrong at the same time, this service's own parts left out."""
    alarms, onset = facts.evidence.alarms_in_alarm, facts.onset
    if isinstance(alarms, Missing) or onset is None:
        return Elsewhere(())
    own = own_identifiers(facts.evidence)
    names = {each.rpartition(":")[2] for each in own} | set(_dimensions(own))
    others = {
        (alarm.namespace, alarm.resource): alarm
        for alarm in alarms
        if alarm.since is not None
        and alarm.namespace is not None
        and abs(alarm.since - onset) <= TOGETHER
        and alarm.resource not in own
        and alarm.resource not in names
    }
    return Elsewhere(tuple(others.values()))


def _dimensions(own: frozenset[str]) -> Iterator[str]:
    """Load balancers and target groups as CloudWatch names them."""
    for each in own:
        if ":loadbalancer/" in each:
            yield each.split(":loadbalancer/", 1)[1]
        elif ":targetgroup/" in each:
            yield each.rsplit(":", 1)[1]


def failed_canaries(facts: Facts) -> tuple[AlarmInAlarm, ...]:
    """Alarms on canaries of CloudWatch Synthetics that went into ALARM with this one."""
    alarms, onset = facts.evidence.alarms_in_alarm, facts.onset
    if isinstance(alarms, Missing):
        return ()
    return tuple(
        alarm
        for alarm in alarms
        if alarm.namespace == "CloudWatchSynthetics"
        and (onset is None or alarm.since is None or abs(alarm.since - onset) <= TOGETHER)
    )
