"""Deep links into the console."""

from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis import links
from diagnosis.document import Document
from tests.notification.incidents import document

REGION = "eu-west-1"
CONSOLE = "https://eu-west-1.console.aws.amazon.com"


def test_a_deployment_that_is_not_codedeploys_has_no_page_there() -> None:
    assert links.deployment_page(REGION, "orders:live:43") is None


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (
            links.alarm_page(REGION, "order api/5xx"),
            "/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/order%20api%2F5xx",
        ),
        (
            links.load_balancer_page(REGION, "arn:aws:elb:eu-west-1:1:loadbalancer/app/a/5"),
            "/ec2/home?region=eu-west-1#LoadBalancer:loadBalancerArn=arn:aws:elb:eu-west-1:1:loadbalancer/app/a/5",
        ),
        (
            links.target_group_page(REGION, "arn:aws:elb:eu-west-1:1:targetgroup/a/5"),
            "/ec2/home?region=eu-west-1#TargetGroup:targetGroupArn=arn:aws:elb:eu-west-1:1:targetgroup/a/5",
        ),
        (
            links.deployment_page(REGION, "d-NEW240XYZ"),
            "/codesuite/codedeploy/deployments/d-NEW240XYZ?region=eu-west-1",
        ),
        (
            links.deployment_group_page(REGION, "order api", "prod"),
            "/codesuite/codedeploy/applications/order%20api/deployment-groups/prod?region=eu-west-1",
        ),
        (
            links.service_page(REGION, "shop", "orders"),
            "/ecs/v2/clusters/shop/services/orders/deployments?region=eu-west-1",
        ),
        (
            links.alias_page(REGION, "orders", "live"),
            "/lambda/home?region=eu-west-1#/functions/orders/aliases/live",
        ),
        (
            links.change_page(REGION, "8c1d-5e2f"),
            "/cloudtrailv2/home?region=eu-west-1#/events?EventId=8c1d-5e2f",
        ),
    ],
    ids=[
        "alarm",
        "load balancer",
        "target group",
        "deployment",
        "deployment group",
        "service",
        "alias",
        "change",
    ],
)
def test_a_page_has_the_address_that_the_console_shows(link: str, expected: str) -> None:
    assert link == f"{CONSOLE}{expected}"


def test_metrics_are_graphed_from_an_hour_before_the_onset() -> None:
    link = (
        links.metrics_page(REGION, "alb", "app/order-api/50dc", datetime(2026, 11, 20, 14, 44, tzinfo=UTC))
        or ""
    )
    _, graph = link.split("#metricsV2:graph=")
    assert graph == (
        "~(metrics~("
        "~(~'AWS*2fApplicationELB~'RequestCount~'LoadBalancer~'app*2forder-api*2f50dc)"
        "~(~'.~'HTTPCode_ELB_502_Count~'.~'.)"
        "~(~'.~'HTTPCode_ELB_503_Count~'.~'.)"
        "~(~'.~'HTTPCode_ELB_504_Count~'.~'.)"
        "~(~'.~'HTTPCode_Target_5XX_Count~'.~'.)"
        "~(~'.~'TargetConnectionErrorCount~'.~'.))"
        "~view~'timeSeries~stacked~false~region~'eu-west-1~stat~'Sum~period~60"
        "~start~'2026-11-20T13*3a44*3a00Z~end~'2026-11-20T15*3a14*3a00Z)"
    )


@pytest.mark.parametrize(
    "region", ["evil.example/", "eu-west-1.evil.example", "", "EU (Ireland)", "eu-west-1\n"]
)
def test_there_is_no_link_for_what_is_no_region(region: str) -> None:
    assert links.alarm_page(region, "x") is None


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_other_partitions_have_their_own_console(region: str, host: str) -> None:
    assert urlsplit(links.alarm_page(region, "x") or "").netloc == host


@given(st.text(max_size=200))
def test_no_name_breaks_out_of_its_place(name: str) -> None:
    link = links.alarm_page(REGION, name) or ""
    prefix, encoded = link.split("alarm/", 1)
    assert prefix == "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:"
    assert not set(encoded) & set("/?#&<>|\"'` \n")
    assert unquote(encoded) == name.encode("utf-8", "replace").decode()


def test_only_a_console_is_a_console() -> None:
    assert links.is_console(f"{CONSOLE}/ec2/home")
    for other in (
        "",
        "https://evil.example/",
        f"{CONSOLE}.evil.example/",
        "https://eu-west-1",
        f"x{CONSOLE}/",
    ):
        assert not links.is_console(other)


def test_the_pages_of_an_incident_are_named() -> None:
    labels = [link.label for link in links.for_document(document())]
    assert labels == ["Alarm", "Metrics around the onset", "Load balancer", "Deployment d-NEW240XYZ"]


def test_a_bare_document_has_only_what_it_knows() -> None:
    bare: Document = {
        "schema_version": "1",
        "outcome": "failed",
        "incident_id": None,
        "alarm": {"name": "x", "state": "ALARM"},
    }
    assert links.for_document(bare) == ()
