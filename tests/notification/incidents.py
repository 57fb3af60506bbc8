"""A few incidents as documents, for the tests of the report and of the messages."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from diagnosis.alarm import Alarm, AlarmState
from diagnosis.catalogue.target_broke_exchange import CAUSE
from diagnosis.cause import Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.decision import Decision, Guard, RollbackPlan
from diagnosis.document import Document
from diagnosis.evidence import Deployment, Revision
from diagnosis.incident import EntryPoint
from diagnosis.report import diagnosed
from diagnosis.settings import RollbackMode, Settings
from diagnosis.verdict import Candidate, Finding, Impact, Link, Trigger, Verdict

NOW = datetime(2026, 11, 20, 14, 47, 10, 40_000, tzinfo=UTC)
ONSET = datetime(2026, 11, 20, 14, 44, tzinfo=UTC)
INCIDENT = "2026-11-20T14-47-order-api-7f3a"

ALARM = Alarm(
    name="order-api-elb-5xx",
    arn="arn:aws:cloudwatch:eu-west-1:111122223333:alarm:order-api-elb-5xx",
    state=AlarmState.ALARM,
    account="111122223333",
    region="eu-west-1",
    time=NOW,
)
ENTRY_POINT = EntryPoint(
    "alb", "app/order-api/50dc6c495c0c9188", "order-api", None, "111122223333", "eu-west-1"
)

BROKE = replace(
    CAUSE,
    code="target_broke_exchange",
    origin=Origin.LOAD_BALANCER,
    title="Targets broke the exchange (502)",
    first_look=(
        Check("Read the application's log on one target for crashes and errors about headers.", Look.LOGS),
    ),
    owner=Owner.APPLICATION,
    short="broken responses",
    retry=Retry.IF_IDEMPOTENT,
    sources=("ALB user guide, troubleshooting, HTTP 502",),
)


def cause(code: str, title: str) -> Cause:
    return replace(BROKE, code=code, title=title)


DEPLOYMENT = Deployment(
    id="d-NEW240XYZ",
    application="order-api",
    group_name="production",
    status="Succeeded",
    creator="user",
    platform="Server",
    created=ONSET - timedelta(minutes=8),
    started=ONSET - timedelta(minutes=7),
    completed=ONSET,
    revision=Revision("S3", "order-api-releases/order-api-v2.4.0.zip", "order-api-v2.4.0.zip"),
)
OLD = Revision("S3", "order-api-releases/order-api-v2.3.1.zip", "order-api-v2.3.1.zip")

RELEASE = Candidate(
    kind="deployment",
    id=DEPLOYMENT.id,
    at=DEPLOYMENT.completed,
    by="user",
    summary="",
    confidence=0.95,
    signals=(
        Signal(2.5, "the errors began in the minute in which it finished", "CodeDeploy"),
        Signal(1.5, "it deployed to the failing target group", "CodeDeploy"),
    ),
    deployment=DEPLOYMENT,
)
CONFIGURATION = Candidate(
    kind="configuration_change",
    id="8c1d5e2f-0000-4000-8000-1234567890ab",
    at=ONSET - timedelta(minutes=41),
    by="terraform",
    summary="ModifyTargetGroup by terraform at 14:03 UTC",
    confidence=0.03,
    signals=(Signal(-3.0, "it came 41 quiet minutes before the errors", "CloudTrail"),),
)

LEADING = Finding(
    BROKE,
    0.97,
    (
        Signal(
            3.0,
            "502 made by the load balancer went from 0 to 369 a minute",
            "CloudWatch HTTPCode_ELB_502_Count",
        ),
        Signal(
            0.7, "targets themselves answer no more 5xx than before", "CloudWatch HTTPCode_Target_5XX_Count"
        ),
        Signal(1.0, "all 6 targets stayed healthy", "DescribeTargetHealth"),
        Signal(-0.4, "the response time has not changed", "CloudWatch TargetResponseTime"),
    ),
)
REFUSED = Finding(
    cause("target_refused_connection", "Targets refuse connections (502)"),
    0.01,
    (Signal(-4.0, "connections to the targets succeed", "CloudWatch TargetConnectionErrorCount"),),
)
KEEPALIVE = Finding(
    cause("keepalive_mismatch", "Targets close idle connections first (502)"),
    0.008,
    (Signal(-2.5, "8.4 % of requests fail, too many for a race on idle connections", "CloudWatch"),),
)
UNSEEN = Finding(
    cause("targets_out_of_memory", "Targets are killed for memory"), 0.0, (), skipped="no memory metric"
)

GUARDS = (
    Guard("proven_cause", True, "The cause is sure to 97 %, and 90 % are needed."),
    Guard("newest_deployment", True, "d-NEW240XYZ is the newest deployment of production."),
    Guard("kill_switch", True, "The kill switch allows rollbacks."),
)
PLAN = RollbackPlan(
    action="redeploy",
    deployment_id=DEPLOYMENT.id,
    application="order-api",
    deployment_group="production",
    to_revision=OLD,
    to_deployment_id="d-OLD231XYZ",
)


def verdict(**changes: Any) -> Verdict:
    """The verdict of the release that breaks its responses, with changes."""
    usual = Verdict(
        chain=(
            Link("symptom", "Application Load Balancer 502"),
            Link("mechanism", "orders's broken responses"),
            Link("trigger", "deployment d-NEW240XYZ (order-api-v2.4.0.zip) 3 minutes before"),
        ),
        code="target_broke_exchange",
        origin="load_balancer",
        title=BROKE.title,
        confidence=0.97,
        leading=LEADING,
        findings=(LEADING, REFUSED, KEEPALIVE, UNSEEN),
        trigger=Trigger(RELEASE, (CONFIGURATION,)),
        onset=ONSET,
        component="orders",
        impact=Impact(1847, 22104, 0.0836, 0.0001),
        severity="P1",
        rollback_support=0.97,
        missing=(("changes", "AccessDenied: cloudtrail:LookupEvents"),),
        failing_target_groups=("targetgroup/orders/73e2d6bc24d8a067",),
    )
    return replace(usual, **changes)


def inconclusive() -> Verdict:
    unknown = Candidate("unknown", None, None, None, "CloudTrail could not be read", 0.4, ())
    return verdict(
        code="inconclusive",
        origin="unknown",
        title="The evidence does not decide",
        confidence=0.41,
        leading=replace(LEADING, confidence=0.41),
        findings=(replace(LEADING, confidence=0.41), replace(REFUSED, confidence=0.32)),
        trigger=Trigger(unknown, ()),
        severity="P2",
        reasons=("Two causes explain the evidence nearly equally well.",),
    )


def decision(outcome: str, **changes: Any) -> Decision:
    guards = GUARDS
    if outcome == "refused":
        guards = (*GUARDS[:2], Guard("kill_switch", False, "The kill switch is off."))
    if outcome == "none":
        return Decision("none", (), None)
    return replace(Decision(outcome, guards, PLAN), **changes)


def document(
    outcome: str = "requested", *, judged: Verdict | None = None, veto_seconds: int = 60
) -> Document:
    """The document of an incident whose rollback is decided so."""
    settings = Settings(RollbackMode.AUTO, veto_seconds)
    return diagnosed(
        INCIDENT, ALARM, ENTRY_POINT, judged or verdict(), decision(outcome), settings, {"gather": 212.5}
    )
