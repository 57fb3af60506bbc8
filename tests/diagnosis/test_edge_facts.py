"""What is told of a distribution and of its origins in the minutes of the edge's errors."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from diagnosis.changes import RelevantChange
from diagnosis.effects import Effect
from diagnosis.evidence import Change, Changes, Evidence, Missing, from_json, to_json
from diagnosis.facts import Facts
from diagnosis.facts.behind import merged, standing_out
from diagnosis.facts.edge import EdgeFacts
from diagnosis.systems.edge import Bucket, Distribution, EdgeOrigin, Grant
from tests.diagnosis.sketches import facts_of, sketch

MINUTE = timedelta(minutes=1)
ARN = "arn:aws:cloudfront::123456789012:distribution/E1SHOP00000001"
OTHER = "arn:aws:cloudfront::123456789012:distribution/E1OTHER0000001"
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/order-api/50dc6c495c0c9188/1"


def edge_of(metric: str = "5xxErrorRate", **incident: Any) -> tuple[Facts, EdgeFacts]:
    facts = facts_of(sketch(**{"distribution": {}, **incident}), metric)
    assert facts.edge is not None
    return facts, facts.edge


def orders(**figures: Any) -> dict[str, Any]:
    return {"orders": figures}


def test_rates_in_percent_become_requests() -> None:
    _, edge = edge_of(distribution={"errors": {"502": "0, -5: 1200"}})
    assert edge.codes_known
    assert edge.by_code["502"].events == pytest.approx(5 * 1200, rel=0.01)
    assert edge.server_errors.risen


def test_without_additional_metrics_the_codes_are_not_known() -> None:
    _, edge = edge_of(distribution={"additional_metrics": False, "errors": {"502": "0, -5: 1200"}})
    assert not edge.codes_known
    assert edge.by_code["502"].events == 0
    assert edge.server_errors.risen


def test_a_load_balancer_has_no_facts_of_an_edge() -> None:
    assert facts_of(sketch(target_groups=orders(elb_502="0, -3: 369"))).edge is None


def test_an_origin_that_fails_in_the_same_minutes_is_in_step_and_at_fault() -> None:
    _, edge = edge_of(
        distribution={"errors": {"500": "0, -6: 400"}}, target_groups=orders(target_5xx="0, -6: 420")
    )
    assert edge.failing is not None
    assert (edge.failing.id, edge.failing.in_step, edge.failing.lingering) == ("order-api", 1.0, 0)
    assert edge.passes_on


def test_an_origin_that_stays_clean_does_not_explain_the_edge() -> None:
    _, edge = edge_of(
        distribution={"errors": {"502": "0, -6: 400"}}, target_groups=orders(target_5xx="0, -6: 4")
    )
    assert edge.failing is not None
    assert not edge.passes_on


def test_what_no_longer_reaches_the_origin_is_counted() -> None:
    _, edge = edge_of(
        distribution={"errors": {"504": "0, -5: 4000"}},
        target_groups=orders(requests="4400, -5: 400", target_4xx="60, -5: 5"),
    )
    assert edge.failing is not None
    assert edge.failing.deserted
    assert edge.failing.lost == pytest.approx(5 * 4000, rel=0.05)


def test_errors_that_outlast_the_origins_are_counted_by_the_minute() -> None:
    _, edge = edge_of(
        distribution={"error_caching": {"503": 300}, "errors": {"503": "0, -12: 2000"}},
        target_groups=orders(target_5xx="0, -12: 1500, -7: 0"),
    )
    [origin] = edge.origins
    assert origin.lingering == 7
    assert origin.in_step < 0.7


def test_rejections_that_outlast_the_origins_are_counted_apart_from_its_errors() -> None:
    _, edge = edge_of(
        "4xxErrorRate",
        distribution={"error_caching": {"404": 900}, "errors": {"404": "20, -12: 2000"}},
        target_groups=orders(target_4xx="20, -12: 1500, -7: 20"),
    )
    [origin] = edge.origins
    assert (origin.lingering_4xx, origin.lingering) == (7, 0)


def test_an_old_failure_of_the_origin_is_no_explanation_of_new_errors() -> None:
    _, edge = edge_of(
        distribution={"errors": {"503": "0, -50: 2000, -45: 0, -4: 2000"}},
        target_groups=orders(target_5xx="0, -50: 1500, -45: 0"),
    )
    assert edge.origins[0].lingering == 0


def test_of_two_origins_the_one_that_answers_errors_is_at_fault() -> None:
    origins = {"assets": {"bucket": "shop-assets"}, "order-api": {"load_balancer": True}}
    _, edge = edge_of(
        distribution={"origins": origins, "errors": {"500": "0, -6: 400"}},
        target_groups=orders(target_5xx="0, -6: 420"),
    )
    assert edge.failing_origin == "order-api"


def test_of_two_origins_the_one_that_shuts_the_edge_out_is_at_fault() -> None:
    origins = {
        "order-api": {"load_balancer": True},
        "assets": {"bucket": "shop-assets", "policy": "none"},
    }
    _, edge = edge_of("4xxErrorRate", distribution={"origins": origins, "errors": {"403": "0, -6: 4000"}})
    assert edge.failing_origin == "assets"


def test_where_a_function_fails_no_origin_is_at_fault() -> None:
    _, edge = edge_of(
        distribution={
            "errors": {"503": "0, -6: 900"},
            "functions": {"rewrite": {"execution_errors": "0, -6: 890"}},
        }
    )
    assert edge.failing_origin is None
    assert edge.failing_function is not None
    assert edge.failing_function.name == "rewrite"


def test_a_function_that_fails_now_and_then_is_not_at_fault() -> None:
    _, edge = edge_of(
        distribution={
            "errors": {"503": "0, -6: 900"},
            "functions": {"rewrite": {"execution_errors": "2, -6: 12"}},
        }
    )
    assert edge.failing_function is None


def test_nothing_is_at_fault_where_nothing_rose() -> None:
    _, edge = edge_of(distribution={"errors": {"502": "3"}})
    assert edge.failing_origin is None


def test_an_origin_that_could_not_be_read_is_told_from_a_clean_one() -> None:
    evidence = sketch(distribution={"errors": {"502": "0, -6: 900"}})
    blind = replace(evidence, origins={"order-api": Missing("elasticloadbalancing: AccessDenied")})
    edge = facts_of(blind, "5xxErrorRate").edge
    assert edge is not None
    [origin] = edge.origins
    assert not origin.read
    assert edge.failing_origin == "order-api"


def test_without_its_settings_the_edges_rates_still_count() -> None:
    evidence = replace(
        sketch(distribution={"errors": {"502": "0, -6: 900"}}),
        edge=Missing("cloudfront:GetDistribution: AccessDenied"),
        origins=Missing("cloudfront:GetDistribution: AccessDenied"),
    )
    edge = facts_of(evidence, "5xxErrorRate").edge
    assert edge is not None
    assert edge.distribution is None
    assert edge.by_code["502"].risen


@pytest.mark.parametrize(
    ("errors", "asked", "expected"),
    [
        ((0, 0, 9, 0), (10, 10, 10, 10), (False, False, True, False)),
        ((2, 2, 2, 2), (10, 10, 10, 10), (False,) * 4),
        ((0, 0, 2, 0), (10, 10, 10, 10), (False,) * 4),
        ((0, 0), (0, 0), (False, False)),
    ],
)
def test_a_minute_stands_out_by_its_share_and_by_more_than_a_stray_error(
    errors: tuple[float, ...], asked: tuple[float, ...], expected: tuple[bool, ...]
) -> None:
    assert standing_out(errors, asked) == expected


# --- changes made behind the edge ---


def change(name: str, at: datetime, *resources: str, id: str = "1") -> Change:
    return Change(id, name, "elasticloadbalancing.amazonaws.com", at, "terraform", resources)


def with_changes(evidence: Evidence, **of: Changes) -> Evidence:
    assert not isinstance(evidence.origins, Missing)
    origins = {
        name: replace(each, changes=of[name.replace("-", "_")]) if isinstance(each, Evidence) else each
        for name, each in evidence.origins.items()
    }
    return replace(evidence, origins=origins)


def test_a_change_in_the_origins_region_is_among_the_edges_changes() -> None:
    evidence = sketch(
        distribution={"errors": {"502": "0, -5: 900"}},
        target_groups=orders(requests="4400, -5: 0", target_4xx="60, -5: 0"),
    )
    at = evidence.now - 6 * MINUTE
    made = Changes(evidence.now - 45 * MINUTE, evidence.now, (change("ModifyListener", at, LISTENER),))
    facts = facts_of(with_changes(evidence, order_api=made), "5xxErrorRate")
    assert [each.change.name for each in facts.changes] == ["ModifyListener"]


def test_a_change_that_both_regions_show_counts_once_and_as_ours() -> None:
    at = datetime(2026, 11, 20, 14, 40, tzinfo=UTC)
    strange = RelevantChange(change("ModifyListener", at), Effect.ROUTING, None)
    ours = RelevantChange(change("ModifyListener", at), Effect.ROUTING, True)
    other = RelevantChange(change("DeleteRule", at - MINUTE, id="2"), Effect.ROUTING, False)
    assert merged((strange, other), (ours,)) == (ours, other)


# --- who is let in ---


def stored(policy: Any, access: str | None = "E2CONTROL") -> tuple[Distribution, EdgeOrigin]:
    origin = EdgeOrigin("assets", "shop-assets.s3.amazonaws.com", "bucket", access=access)
    bucket = Bucket("shop-assets", found=True, policy=policy)
    return Distribution("E1SHOP00000001", arn=ARN, origins=(origin,), buckets={"assets": bucket}), origin


READS = ("s3:GetObject",)
SERVICE = ("cloudfront.amazonaws.com",)


@pytest.mark.parametrize(
    ("policy", "access", "expected"),
    [
        ((Grant("Allow", SERVICE, READS, (ARN,)),), "E2CONTROL", True),
        ((Grant("Allow", SERVICE, READS, (OTHER,)),), "E2CONTROL", False),
        ((Grant("Allow", SERVICE, ("s3:*",)),), "E2CONTROL", True),
        ((Grant("Allow", SERVICE, ("s3:PutObject",), (ARN,)),), "E2CONTROL", False),
        ((Grant("Allow", ("*",), READS),), None, True),
        (
            (
                Grant(
                    "Allow", ("arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E3ID",), READS
                ),
            ),
            "origin-access-identity/cloudfront/E3ID",
            True,
        ),
        (
            (Grant("Allow", SERVICE, READS, (ARN,)), Grant("Deny", ("*",), ("s3:*",))),
            "E2CONTROL",
            False,
        ),
        (
            (Grant("Allow", SERVICE, READS, (ARN,)), Grant("Deny", ("*",), ("s3:*",), ("false",))),
            "E2CONTROL",
            True,
        ),
        (None, "E2CONTROL", False),
        (Missing("s3:GetBucketPolicy: AccessDenied"), "E2CONTROL", None),
    ],
)
def test_a_policy_lets_the_distribution_in_or_not_or_it_cannot_be_told(
    policy: Any, access: str | None, expected: bool | None
) -> None:
    distribution, origin = stored(policy, access)
    assert distribution.lets_in(origin) is expected


def test_a_distribution_survives_being_stored() -> None:
    distribution, _ = stored((Grant("Allow", SERVICE, READS, (ARN,)),))
    assert from_json(Distribution, to_json(distribution)) == distribution
    empty, _ = stored(None)
    assert from_json(Distribution, to_json(empty)) == empty


def test_evidence_with_origins_survives_being_stored() -> None:
    evidence = sketch(distribution={"errors": {"502": "0, -5: 900"}})
    assert from_json(Evidence, to_json(evidence)) == evidence
