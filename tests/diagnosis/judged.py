"""A release that is proven guilty: the verdict, the evidence and the history that allow a rollback."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from diagnosis.cause import Cause, Origin, Retry
from diagnosis.decision import History
from diagnosis.evidence import (
    Changes,
    Deployment,
    DeploymentGroup,
    Deployments,
    Evidence,
    LoadBalancer,
    Metrics,
    Revision,
    Target,
    TargetGroup,
    Window,
)
from diagnosis.settings import RollbackMode, Settings
from diagnosis.verdict import Candidate, Finding, Impact, Trigger, Verdict

NOW = datetime(2026, 11, 20, 14, 47, 10, tzinfo=UTC)
ORDERS = "targetgroup/orders/0123456789abcdef"
BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/order-api/50dc6c495c0c9188"


def minutes(count: float) -> datetime:
    return NOW.replace(second=0) + timedelta(minutes=count)


GROUP = DeploymentGroup(
    "order-api",
    "production",
    ("orders",),
    tags={"gateway-triage:auto-rollback": "enabled"},
    application_tags={},
)


def deployment(name: str, begun: float, ended: float | None, revision: str, **changes: Any) -> Deployment:
    made = Deployment(
        id=name,
        application="order-api",
        group_name="production",
        status="Succeeded" if ended is not None else "InProgress",
        creator="user",
        platform="Server",
        created=minutes(begun),
        started=minutes(begun),
        completed=None if ended is None else minutes(ended),
        revision=Revision("S3", revision, revision),
        group=GROUP,
        succeeded_targets=6,
        total_targets=6,
    )
    return replace(made, **changes)


NEW = deployment("d-NEW", -10, -3, "v2.4.0")
OLD = deployment("d-OLD", -2890, -2880, "v2.3.1")


def cause(*, helps: bool = True) -> Cause:
    return Cause(
        code="target_broke_exchange",
        origin=Origin.LOAD_BALANCER,
        title="The target broke the exchange",
        why="",
        prior=0.0,
        needs=(),
        examine=lambda _facts: (),
        first_look=(),
        prevention="",
        retry=Retry.UNKNOWN,
        rollback_helps=helps,
        sources=(),
        cases=(),
    )


def candidate(
    deployed: Deployment | None = NEW, kind: str = "deployment", confidence: float = 0.97
) -> Candidate:
    name = deployed.id if deployed else None
    return Candidate(kind, name, minutes(-10), "user", "Something happened.", confidence, (), deployed)


def verdict(**changes: Any) -> Verdict:
    made = Verdict(
        code="target_broke_exchange",
        origin="load_balancer",
        title="The target broke the exchange",
        confidence=0.97,
        leading=Finding(cause(), 0.97, ()),
        findings=(),
        trigger=Trigger(candidate(), ()),
        onset=minutes(-3),
        component="orders",
        impact=Impact(1847, 22104, 0.0836, 0.0),
        severity="P1",
        rollback_support=0.97,
        failing_target_groups=(ORDERS,),
        errors_continue=True,
        requests_per_minute=4421.0,
    )
    return replace(made, **changes)


def evidence(**changes: Any) -> Evidence:
    made = Evidence(
        now=NOW,
        metrics=Metrics(Window(minutes(-180), 180), {}),
        load_balancer=LoadBalancer(BALANCER, "order-api", "active", ("eu-west-1a",), ("sg-balancer",)),
        attributes={},
        target_groups=(TargetGroup(f"arn:{ORDERS}", ORDERS, "orders", "instance", "HTTP", "HTTP1", 8080),),
        target_group_attributes={},
        target_health={ORDERS: (Target("i-1", 8080, "eu-west-1a", "healthy"),)},
        listeners=(),
        deployments=Deployments(minutes(-10080), (NEW, OLD)),
        changes=Changes(minutes(-60), minutes(-5), ()),
        instances=(),
        processor={},
    )
    return replace(made, **changes)


HISTORY = History(True, None, (), timedelta(seconds=40))
AUTO = Settings(mode=RollbackMode.AUTO)


def found(*deployments: Deployment, truncated: bool = False) -> Deployments:
    return Deployments(minutes(-10080), deployments, truncated)
