"""How bad it is."""

from typing import Any

import pytest

from diagnosis.facts import Facts
from diagnosis.settings import SeverityLimits
from diagnosis.severity import severity
from tests.diagnosis.sketches import facts_of, sketch

LIMITS = SeverityLimits()


def orders(metric: str = "HTTPCode_ELB_5XX_Count", **figures: Any) -> Facts:
    return facts_of(sketch(target_groups={"orders": {"requests": "10000", **figures}}), metric)


@pytest.mark.parametrize(
    ("figures", "level"),
    [
        ({"target_5xx": "0, -5: 150"}, "P1"),  # 1.5 % of requests
        ({"target_5xx": "0, -5: 80"}, "P2"),  # 0.8 %
        ({"target_5xx": "0, -5: 12"}, "P2"),  # 0.12 %
        ({"target_5xx": "0, -5: 8"}, "P3"),  # 0.08 %
        ({"elb_504": "0, -5: 30"}, "P1"),  # 0.3 %, and 30 time-outs a minute
        ({"elb_504": "0, -5: 9"}, "P3"),  # 0.09 %
        ({"requests": "10000, -5: 4000", "target_5xx": "0, -5: 3"}, "P1"),  # hardly any error, but 2xx halved
        ({"target_5xx": "150"}, "P2"),  # 1.5 % as ever
        ({"target_5xx": "5"}, "P3"),
    ],
)
def test_server_errors_are_graded_by_their_share_and_by_being_new(
    figures: dict[str, str], level: str
) -> None:
    assert severity(orders(**figures), "application_errors", LIMITS) == level


@pytest.mark.parametrize("code", ["base_rate", "low_traffic", "scanner_noise", "synthetic_only"])
def test_what_is_no_incident_can_wait(code: str) -> None:
    assert severity(orders(target_5xx="0, -5: 5000"), code, LIMITS) == "P3"


@pytest.mark.parametrize(("figures", "level"), [({"target_4xx": "60, -5: 900"}, "P2"), ({}, "P3")])
def test_a_jump_of_client_errors_is_p2_and_none_is_p3(figures: dict[str, str], level: str) -> None:
    assert (
        severity(orders("HTTPCode_Target_4XX_Count", **figures), "application_rejects_requests", LIMITS)
        == level
    )


def test_the_limits_are_the_owners() -> None:
    few = orders(target_5xx="0, -5: 150")
    assert severity(few, "application_errors", SeverityLimits(p1_error_share=0.05)) == "P2"
    assert (
        severity(few, "application_errors", SeverityLimits(p1_error_share=0.05, p2_error_share=0.04)) == "P3"
    )


def test_a_drop_of_successes_counts_from_the_share_that_the_owner_says() -> None:
    facts = orders(requests="10000, -5: 7000", target_5xx="0, -5: 3")
    assert severity(facts, "inconclusive", LIMITS) == "P3"
    assert severity(facts, "inconclusive", SeverityLimits(p1_lost_share=0.2)) == "P1"
