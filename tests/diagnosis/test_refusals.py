"""The load balancer's own 4xx, told apart by what their makers count."""

from dataclasses import replace
from typing import Any

import pytest

from diagnosis.evidence import Metrics, Missing
from diagnosis.refusals import Refusals, refusals_of
from tests.diagnosis.sketches import facts_of, sketch

METRIC = "HTTPCode_ELB_4XX_Count"


def refused(**incident: Any) -> Refusals | None:
    return refusals_of(facts_of(replace(sketch(**incident), firewall=None), METRIC))


def test_refusals_that_no_target_got_were_not_given_up() -> None:
    found = refused(traffic={"elb_4xx": "5, -6: 400"})
    assert found is not None
    assert found.total == pytest.approx(6 * 395, rel=0.02)
    assert found.given_up == 0.0
    assert found.explained[0] == 0.0


def test_requests_that_a_target_never_answered_were_given_up() -> None:
    found = refused(target_groups={"orders": {"elb_460": "0, -6: 200"}})
    assert found is not None
    assert found.share(found.given_up) == pytest.approx(1.0, rel=0.02)


def test_502_and_504_are_no_requests_that_clients_gave_up() -> None:
    found = refused(target_groups={"orders": {"elb_502": "0, -6: 90"}}, traffic={"elb_4xx": "5, -6: 400"})
    assert found is not None
    assert found.share(found.given_up) < 0.05


@pytest.mark.parametrize(
    ("counted", "maker"),
    [
        ({"elb_auth_failure": "0, -6: 390"}, "the identity provider"),
        ({"jwt_validation_failures": "0, -6: 390"}, "the identity provider"),
        ({"low_reputation_denied": "0, -6: 390"}, "protection against ill-reputed addresses"),
        ({"fixed_responses": "0, -6: 390"}, "a rule's fixed response"),
    ],
)
def test_a_maker_that_counts_by_itself_is_named(counted: dict[str, str], maker: str) -> None:
    found = refused(traffic={"elb_4xx": "5, -6: 400", **counted})
    assert found is not None
    share, name = found.explained
    assert share > 0.9
    assert name == maker


def test_without_a_look_at_the_firewall_its_part_is_unknown() -> None:
    evidence = replace(sketch(traffic={"elb_4xx": "5, -6: 400"}), firewall=Missing("AccessDenied"))
    found = refusals_of(facts_of(evidence, METRIC))
    assert found is not None
    assert found.firewall is None


def test_where_the_targets_answers_are_not_published_nothing_is_known_of_what_clients_gave_up() -> None:
    evidence = sketch(target_groups={"orders": {"elb_460": "0, -6: 200"}})
    assert isinstance(evidence.metrics, Metrics)
    known = {key: each for key, each in evidence.metrics.series.items() if "Target_" not in key.name}
    found = refusals_of(facts_of(replace(evidence, metrics=replace(evidence.metrics, series=known)), METRIC))
    assert found is not None
    assert found.given_up is None


@pytest.mark.parametrize(
    "incident",
    [
        {"traffic": {"elb_4xx": "5"}},
        {"target_groups": {"orders": {"target_4xx": "60, -6: 900"}}},
        {"target_groups": {"orders": {"target_5xx": "0, -6: 900"}}},
    ],
    ids=["nothing rose", "the targets refuse", "server errors"],
)
def test_there_are_none_where_the_load_balancers_own_4xx_are_not_what_rose(incident: dict[str, Any]) -> None:
    assert refused(**incident) is None


def test_invalid_headers_are_summed_over_the_zones() -> None:
    zones = {"name": "order-api", "zones": ["eu-west-1a", "eu-west-1b"]}
    found = refused(
        load_balancer=zones, traffic={"elb_4xx": "5, -6: 400", "dropped_invalid_headers": "0, -6: 300"}
    )
    assert found is not None
    assert found.odd_headers == pytest.approx(6 * 300, rel=0.02)
