"""The whole judgement: evidence in, verdict out."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.evidence import Changes, Deployments, Evidence, Missing
from tests.diagnosis.sketches import BREAKS, judged, release, sketch

T = TypeVar("T")

INCIDENT: dict[str, Any] = {
    "target_groups": {
        "orders": {
            **BREAKS,
            "health": {"unhealthy": 2, "reason": "Target.Timeout"},
            "unhealthy": "0, -3: 2",
            "healthy": "6, -3: 4",
        },
        "api": {"requests": "900"},
        "search": {"requests": "2000", "target_5xx": "0, -3: 90"},
    },
    "deployments": [
        release(),
        release(id="d-API", group="api", target_groups=["api"]),
        release(id="d-OLD", created="-900", started="-900", completed="-890"),
    ],
    "changes": [
        {"id": "e-1", "at": "-4", "name": "PutParameter", "source": "ssm", "resources": ["/orders/flag"]},
        {"id": "e-2", "at": "-4", "name": "ModifyListener", "source": "elasticloadbalancing"},
        {"id": "e-3", "at": "-20", "name": "UpdateWebACL", "source": "wafv2"},
    ],
}


def shuffled(items: Iterable[T], source: Random) -> tuple[T, ...]:
    listed = list(items)
    return tuple(source.sample(listed, len(listed)))


def reordered(evidence: Evidence, source: Random) -> Evidence:
    """The same evidence, as AWS might list it another time."""
    assert isinstance(evidence.deployments, Deployments)
    assert isinstance(evidence.changes, Changes)
    assert not isinstance(evidence.target_groups, Missing)
    assert not isinstance(evidence.target_health, Missing)
    health = {
        group: targets if isinstance(targets, Missing) else shuffled(targets, source)
        for group, targets in shuffled(evidence.target_health.items(), source)
    }
    return replace(
        evidence,
        target_groups=shuffled(evidence.target_groups, source),
        target_health=health,
        deployments=replace(evidence.deployments, found=shuffled(evidence.deployments.found, source)),
        changes=replace(evidence.changes, found=shuffled(evidence.changes.found, source)),
    )


# --- What a verdict says ---


def test_a_release_that_breaks_its_responses_is_named_with_what_set_it_off() -> None:
    verdict = judged(sketch(target_groups={"orders": BREAKS, "api": {}}, deployments=[release()]))
    assert (verdict.code, verdict.origin) == ("target_broke_exchange", "load_balancer")
    assert (verdict.trigger.chosen.kind, verdict.trigger.chosen.id) == ("deployment", "d-NEW")
    assert verdict.component == "orders"
    assert [each.split("/")[1] for each in verdict.failing_target_groups] == ["orders"]
    assert verdict.onset == datetime(2026, 11, 20, 14, 44, tzinfo=UTC)
    assert verdict.errors_continue
    assert verdict.missing == ()


def test_the_impact_counts_failures_and_requests_since_the_onset() -> None:
    impact = judged(sketch(target_groups={"orders": BREAKS})).impact
    assert impact is not None
    assert (impact.failed_requests, impact.requests) == (3 * 369, 3 * 4421)
    assert impact.error_rate == pytest.approx(369 / 4421)
    assert impact.baseline_error_rate == 0.0


def test_all_findings_add_up_to_one_and_come_likeliest_first() -> None:
    verdict = judged(sketch(target_groups={"orders": BREAKS}))
    shares = [found.confidence for found in verdict.findings]
    assert sum(shares) == pytest.approx(1.0)
    assert shares == sorted(shares, reverse=True)


def test_the_support_for_going_back_is_that_of_the_causes_for_which_it_helps() -> None:
    verdict = judged(sketch(target_groups={"orders": BREAKS}))
    helped = sum(found.confidence for found in verdict.findings if found.cause.rollback_helps)
    assert verdict.rollback_support == pytest.approx(helped)


def test_errors_that_are_over_do_not_continue() -> None:
    verdict = judged(sketch(target_groups={"orders": {"elb_502": "0, -12..-8: 369"}}))
    assert not verdict.errors_continue


# --- What cannot be said ---


def test_without_metrics_the_verdict_is_inconclusive_and_the_trigger_unknown() -> None:
    verdict = judged(replace(sketch(deployments=[release()]), metrics=Missing("AccessDenied")))
    assert (verdict.code, verdict.origin, verdict.leading) == ("inconclusive", "unknown", None)
    assert verdict.trigger.chosen.kind == "unknown"
    assert (verdict.onset, verdict.impact, verdict.component) == (None, None, None)
    assert verdict.rollback_support == 0.0
    assert verdict.missing == (("metrics", "AccessDenied"),)


def test_everything_missing_is_inconclusive_and_every_source_is_told() -> None:
    names = [name for name in Evidence.__slots__ if name != "now"]
    unread: dict[str, Any] = dict.fromkeys(names, Missing("Timeout"))
    verdict = judged(replace(sketch(), **unread))
    assert verdict.code == "inconclusive"
    assert verdict.missing == tuple((name, "Timeout") for name in sorted(names))


@pytest.mark.parametrize(
    "source", [name for name in Evidence.__slots__ if name not in {"now", "metrics", "kind"}]
)
def test_a_verdict_is_reached_without_any_one_other_source_and_says_so(source: str) -> None:
    unread: dict[str, Any] = {source: Missing("AccessDenied")}
    assert (source, "AccessDenied") in judged(replace(sketch(**INCIDENT), **unread)).missing


# --- Always the same ---


@settings(max_examples=25, deadline=None)
@given(source=st.randoms(use_true_random=False))
def test_the_order_of_the_evidence_never_matters(source: Random) -> None:
    evidence = sketch(**INCIDENT)
    assert judged(reordered(evidence, source)) == judged(evidence)


def test_the_same_evidence_gives_the_same_verdict() -> None:
    evidence = sketch(**INCIDENT)
    assert judged(evidence) == judged(evidence)
