"""The chain: from the errors that clients see back to what set them off."""

from datetime import timedelta
from typing import Any

import pytest

from diagnosis.phrase import ago
from diagnosis.pipeline import diagnose
from diagnosis.verdict import Verdict
from tests.diagnosis.sketches import sketch

RELEASE: dict[str, Any] = {
    "id": "d-NEW240",
    "application": "order-api",
    "group": "production",
    "target_groups": ["orders"],
    "created": "-10",
    "started": "-10",
    "completed": "-3",
    "status": "Succeeded",
    "revision": {"bucket": "releases", "key": "order-api-v2.4.0.zip"},
}


def verdict(metric: str = "HTTPCode_ELB_5XX_Count", **incident: Any) -> Verdict:
    return diagnose(sketch(**incident), [metric])


def texts(found: Verdict) -> list[str]:
    return [each.text for each in found.chain]


def test_a_release_is_followed_from_the_code_to_the_group_to_the_deployment() -> None:
    found = verdict(
        target_groups={"orders": {"elb_502": "0, -3: 369"}},
        deployments=[RELEASE],
    )
    assert [each.role for each in found.chain] == ["symptom", "mechanism", "trigger"]
    assert texts(found)[0] == "Application Load Balancer 502"
    assert texts(found)[1] == "orders' broken responses"
    assert texts(found)[2].startswith("deployment d-NEW240 (")


def test_a_change_is_named_with_its_author_and_how_long_before() -> None:
    found = verdict(
        target_groups={"orders": {"elb_504": "0, -5: 300", "connection_errors": "0, -5: 300"}},
        changes=[
            {
                "at": "-6",
                "name": "RevokeSecurityGroupIngress",
                "source": "ec2",
                "by": "terraform",
                "resources": ["sg-0target"],
                "parameters": {"groupId": "sg-0target"},
            }
        ],
    )
    assert texts(found)[-1] == "RevokeSecurityGroupIngress by terraform/terraform 1 minute before"


def test_an_undecided_verdict_has_no_chain() -> None:
    assert verdict(traffic={"elb_500": "0, -6: 40"}).chain == ()


def test_where_nothing_set_it_off_the_chain_says_so() -> None:
    found = verdict(target_groups={"orders": {"target_5xx": "1, -6: 440"}})
    assert texts(found)[-1] in {"nothing found that set it off", texts(found)[1]}


@pytest.mark.parametrize("minutes", [0.2, -1.0, 2.0])
def test_times_before_the_onset_read_as_people_say_them(minutes: float) -> None:

    said = {0.2: "in the same minute", -1.0: "as the errors began", 2.0: "2 minutes before"}
    assert ago(timedelta(minutes=minutes)) == said[minutes]
