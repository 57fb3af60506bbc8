"""Where a check is made: the command or the address for the very resource, harmless whatever it is called."""

import shlex
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis import links
from diagnosis.cause import Look
from diagnosis.incident import EntryPoint
from diagnosis.looks import Place, where

ONSET = datetime(2026, 11, 20, 14, 44, tzinfo=UTC)
ACCOUNT, REGION = "111122223333", "eu-west-1"
BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/order-api/50dc6c495c0c9188"
ENTRY_POINTS = {
    "alb": EntryPoint("alb", "app/order-api/50dc6c495c0c9188", "order-api", None, ACCOUNT, REGION),
    "clb": EntryPoint("clb", "shop", "shop", None, ACCOUNT, REGION, {"LoadBalancerName": "shop"}),
    "apigateway": EntryPoint("apigateway", "a1b2", "a1b2", None, ACCOUNT, REGION, {"ApiId": "a1b2"}),
    "cloudfront": EntryPoint(
        "cloudfront", "E2ABCDEF", "E2ABCDEF", None, ACCOUNT, "us-east-1", {"DistributionId": "E2ABCDEF"}
    ),
}
PARTS = {
    "alarm": "order-api-5xx",
    "target_group": "targetgroup/orders/73e2d6bc24d8a067",
    "load_balancer": BALANCER,
    "web_acl": f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/shop/0a1b",
    "waf_rule_metric": "common-rules",
    "function": "orders",
    "log_group": "/aws/lambda/orders",
    "cluster": "shop",
    "service": "orders",
    "api": "a1b2",
    "api_kind": "rest",
    "stage": "live",
    "distribution": "E2ABCDEF",
    "bucket": "shop-assets",
}


def place(kind: str = "alb", **parts: str) -> Place:
    return Place(ENTRY_POINTS[kind], ONSET, {**PARTS, **parts})


@pytest.mark.parametrize("look", Look)
@pytest.mark.parametrize("kind", ENTRY_POINTS)
def test_every_check_leads_to_a_command_or_to_the_console(kind: str, look: Look) -> None:
    found = where(look, place(kind))
    assert found
    assert found.startswith("aws ") or links.is_console(found)


@pytest.mark.parametrize("look", Look)
@pytest.mark.parametrize("kind", ENTRY_POINTS)
def test_without_the_names_of_the_parts_there_is_still_a_place_to_look(kind: str, look: Look) -> None:
    found = where(look, Place(ENTRY_POINTS[kind], ONSET, {"alarm": "order-api-5xx"}))
    assert found
    assert found.startswith("aws ") or links.is_console(found)


@pytest.mark.parametrize(
    ("look", "kind", "words"),
    [
        (Look.TARGETS, "alb", "elbv2 describe-target-health --region eu-west-1 --target-group-arn"),
        (Look.TARGETS, "clb", "elb describe-instance-health --region eu-west-1 --load-balancer-name shop"),
        (Look.ATTRIBUTES, "clb", "elb describe-load-balancer-attributes"),
        (Look.STAGE, "apigateway", "apigateway get-stage --region eu-west-1 --rest-api-id a1b2"),
        (
            Look.DISTRIBUTION,
            "cloudfront",
            "cloudfront get-distribution-config --region us-east-1 --id E2ABCDEF",
        ),
        (Look.STOPPED_TASKS, "alb", "--service-name orders --desired-status STOPPED"),
        (Look.FUNCTION_LOG, "apigateway", "--log-group-name /aws/lambda/orders --start-time 1795185540000"),
        (Look.BLOCKED_REQUESTS, "alb", "--rule-metric-name common-rules --scope REGIONAL"),
        (Look.NETWORK_CHANGES, "alb", "--start-time 2026-11-20T14:14:00Z --end-time 2026-11-20T14:59:00Z"),
    ],
)
def test_a_command_names_the_resource_and_the_time(look: Look, kind: str, words: str) -> None:
    assert words in (where(look, place(kind)) or "")


def test_an_http_api_is_asked_in_its_own_words() -> None:
    assert "apigatewayv2 get-routes" in (where(Look.ROUTES, place("apigateway", api_kind="http")) or "")


def test_a_distributions_web_acl_is_asked_for_where_it_lives() -> None:
    found = where(
        Look.BLOCKED_REQUESTS, place("cloudfront", web_acl="arn:aws:wafv2:us-east-1:1:global/webacl/a/b")
    )
    assert "--region us-east-1" in (found or "")
    assert "--scope CLOUDFRONT" in (found or "")


@given(st.text(max_size=80))
def test_a_hostile_name_never_becomes_more_than_one_word(name: str) -> None:
    found = where(Look.FUNCTION, place(function=name)) or ""
    if found.startswith("aws "):
        words = shlex.split(found)
        assert words[words.index("--function-name") + 1] == name
        assert "\n" not in found
    else:
        assert links.is_console(found)
