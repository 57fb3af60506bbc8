"""How bad it is."""

from typing import Any

import pytest

from diagnosis.facts import Facts
from diagnosis.severity import severity
from tests.diagnosis.sketches import facts_of, sketch


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
        ({"target_5xx": "150"}, "P2"),  # 1.5 % as ever
        ({"target_5xx": "5"}, "P3"),
    ],
)
def test_server_errors_are_graded_by_their_share_and_by_being_new(
    figures: dict[str, str], level: str
) -> None:
    assert severity(orders(**figures), "application_errors") == level


@pytest.mark.parametrize("code", ["base_rate", "low_traffic", "scanner_noise", "synthetic_only"])
def test_what_is_no_incident_can_wait(code: str) -> None:
    assert severity(orders(target_5xx="0, -5: 5000"), code) == "P3"


@pytest.mark.parametrize(("figures", "level"), [({"target_4xx": "60, -5: 900"}, "P2"), ({}, "P3")])
def test_a_jump_of_client_errors_is_p2_and_none_is_p3(figures: dict[str, str], level: str) -> None:
    assert severity(orders("HTTPCode_Target_4XX_Count", **figures), "application_rejects_requests") == level
