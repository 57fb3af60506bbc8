"""The facts as data: nothing found and could not look stay different, also through JSON."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.evidence import (
    Action,
    Change,
    Changes,
    Deployment,
    DeploymentGroup,
    Deployments,
    DeploymentTarget,
    Evidence,
    EvidenceFormatError,
    Instance,
    Listener,
    LoadBalancer,
    MetricKey,
    Metrics,
    Missing,
    Revision,
    Rule,
    Target,
    TargetGroup,
    Window,
    from_json,
    to_json,
)

NOW = datetime(2026, 11, 20, 14, 47, 10, tzinfo=UTC)
WINDOW = Window(NOW.replace(second=0) - timedelta(minutes=3), 3)
DENIED = Missing("AccessDenied")
ORDERS = "targetgroup/orders/0123456789abcdef"
API = "targetgroup/api/fedcba9876543210"
GROUP = DeploymentGroup(
    "order-api", "production", ("orders",), tags={"team": "orders"}, application_tags=DENIED
)
RELEASE = Deployment(
    id="d-NEW",
    application="order-api",
    group_name="production",
    status="Succeeded",
    creator="user",
    platform="Server",
    created=NOW - timedelta(minutes=9),
    started=None,
    completed=NOW - timedelta(minutes=2),
    revision=Revision("S3", "releases|order-api-2.zip", "order-api-2.zip"),
    group=GROUP,
    targets=(DeploymentTarget("i-1", "Succeeded", NOW), DeploymentTarget("i-2", "Pending", None)),
)
FULL = Evidence(
    now=NOW,
    metrics=Metrics(
        WINDOW,
        {
            MetricKey("RequestCount", "Sum"): (4421.0, None, 4400.5),
            MetricKey("TargetResponseTime", "Average", ORDERS, "eu-west-1a"): (0.09, 0.1, None),
        },
        unread={MetricKey("NewConnectionCount", "Sum"): "InternalError"},
    ),
    load_balancer=LoadBalancer("arn:lb", "order-api", "active", ("eu-west-1a",), ("sg-1",), NOW),
    attributes={"idle_timeout.timeout_seconds": "60"},
    target_groups=(TargetGroup("arn:tg", ORDERS, "orders", "instance", "HTTP", None, 8080),),
    target_group_attributes={ORDERS: {"slow_start.duration_seconds": "0"}, API: DENIED},
    target_health={ORDERS: (Target("i-1", 8080, "eu-west-1a", "healthy"),), API: DENIED},
    listeners=(
        Listener("arn:listener", 443, "HTTPS", (Action("forward", {ORDERS: 1}),), DENIED),
        Listener("arn:other", 80, "HTTP", (), (Rule("arn:other", "10", ("/api",), (Action("redirect"),)),)),
    ),
    deployments=Deployments(NOW - timedelta(days=1), (RELEASE, replace(RELEASE, id="d-OLD", targets=DENIED))),
    changes=Changes(
        NOW - timedelta(minutes=45),
        NOW - timedelta(minutes=5),
        (Change("e-1", "ModifyRule", "elasticloadbalancing", NOW, "terraform", parameters={"a": [1, None]}),),
        truncated=True,
    ),
    instances=(Instance("i-1", "eu-west-1a", "running", None, ("sg-1",)),),
    processor={"i-1": (35.0, None, 36.0)},
)


def through_json(evidence: Evidence) -> Evidence:
    return from_json(Evidence, json.loads(json.dumps(to_json(evidence), allow_nan=False)))


# --- To and from JSON ---


def test_evidence_comes_back_from_json_as_it_went() -> None:
    assert through_json(FULL) == FULL


@pytest.mark.parametrize(
    "source",
    [
        "metrics",
        "load_balancer",
        "attributes",
        "target_groups",
        "target_group_attributes",
        "target_health",
        "listeners",
        "deployments",
        "changes",
        "instances",
        "processor",
    ],
)
def test_a_source_that_could_not_be_read_stays_missing_with_its_reason(source: str) -> None:
    unread: dict[str, Any] = {source: Missing("Throttling, after three attempts")}
    told = through_json(replace(FULL, **unread))
    assert getattr(told, source) == unread[source]


def test_nothing_found_and_could_not_look_stay_different() -> None:
    nothing, unread = replace(FULL, target_groups=()), replace(FULL, target_groups=Missing(""))
    assert through_json(nothing).target_groups == ()
    assert through_json(unread).target_groups == Missing("")


def test_a_tag_named_like_the_marker_of_a_missing_source_is_a_tag_beside_another() -> None:
    tagged = replace(RELEASE, group=replace(GROUP, tags={"__missing__": "no", "team": "orders"}))
    evidence = replace(FULL, deployments=Deployments(NOW, (tagged,)))
    assert through_json(evidence) == evidence


@given(reasons=st.text(), values=st.lists(st.none() | st.floats(0, 1e9), min_size=3, max_size=3))
def test_any_reason_and_any_series_come_back(reasons: str, values: list[float | None]) -> None:
    series = {MetricKey("HTTPCode_ELB_502_Count", "Sum", None, "eu-west-1a"): tuple(values)}
    evidence = replace(FULL, metrics=Metrics(WINDOW, series), changes=Missing(reasons))
    assert through_json(evidence) == evidence


@pytest.mark.parametrize(("extra", "absent"), [("colour", None), (None, "changes"), ("chnages", "changes")])
def test_stored_evidence_of_another_shape_is_refused_by_the_name_of_the_type(
    extra: str | None, absent: str | None
) -> None:
    stored = to_json(FULL)
    if extra:
        stored[extra] = []
    if absent:
        del stored[absent]
    with pytest.raises(EvidenceFormatError, match=r"^Evidence: expected the fields \[.*'changes'"):
        from_json(Evidence, stored)


def test_an_unknown_field_deep_inside_is_refused_by_its_path() -> None:
    stored = to_json(FULL)
    stored["load_balancer"]["colour"] = "green"
    with pytest.raises(EvidenceFormatError, match=r"^Evidence\.load_balancer: "):
        from_json(Evidence, stored)


# --- What is missing ---


def test_everything_that_could_not_be_read_is_told_by_its_path() -> None:
    told = dict(replace(FULL, listeners=(), instances=Missing("Timeout")).missing())
    assert told == {
        "target_group_attributes[targetgroup/api/fedcba9876543210]": "AccessDenied",
        "target_health[targetgroup/api/fedcba9876543210]": "AccessDenied",
        "deployments.found[d-NEW].group.application_tags": "AccessDenied",
        "deployments.found[d-OLD].group.application_tags": "AccessDenied",
        "deployments.found[d-OLD].targets": "AccessDenied",
        "instances": "Timeout",
    }


def test_evidence_that_was_read_whole_misses_nothing() -> None:
    whole = replace(
        FULL, target_group_attributes={}, target_health={}, listeners=(), deployments=Deployments(NOW, ())
    )
    assert whole.missing() == ()


# --- Figures ---


def test_a_count_without_a_data_point_is_zero_and_a_level_without_one_is_unknown() -> None:
    assert isinstance(FULL.metrics, Metrics)
    assert FULL.metrics.counts("RequestCount") == (4421.0, 0.0, 4400.5)
    levels = FULL.metrics.levels("TargetResponseTime", "Average", target_group=ORDERS, zone="eu-west-1a")
    assert levels == (0.09, 0.1, None)


def test_a_metric_without_any_data_point_has_one_value_for_each_minute() -> None:
    assert isinstance(FULL.metrics, Metrics)
    assert FULL.metrics.counts("HTTPCode_ELB_502_Count") == (0.0, 0.0, 0.0)
    assert FULL.metrics.levels("TargetResponseTime", "Average") == (None, None, None)


@pytest.mark.parametrize(("seconds", "index"), [(-1, -1), (0, 0), (59.9, 0), (60, 1), (179.9, 2), (180, 3)])
def test_a_moment_lies_in_the_minute_that_holds_it(seconds: float, index: int) -> None:
    assert WINDOW.index(WINDOW.start + timedelta(seconds=seconds)) == index


def test_a_window_ends_where_its_last_complete_minute_does() -> None:
    assert WINDOW.end == NOW.replace(second=0)
    assert WINDOW.minute(WINDOW.minutes) == WINDOW.end


# --- Deployments ---


@pytest.mark.parametrize(
    ("status", "running"),
    [
        *[(status, False) for status in ("Succeeded", "Failed", "Stopped")],
        *[
            (status, True)
            for status in ("Created", "Queued", "InProgress", "Baking", "Ready", "SomethingNew")
        ],
    ],
)
def test_a_deployment_runs_until_it_is_known_to_have_ended(status: str, running: bool) -> None:
    assert replace(RELEASE, status=status).running is running


def test_a_deployment_that_never_started_may_have_begun_when_it_was_created() -> None:
    assert RELEASE.begun == RELEASE.created
    assert replace(RELEASE, started=NOW).begun == NOW
