"""AWS Health and the certificates of listeners, as real clients see them in the lab."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from lab import Lab
from lab.loading import parse
from lab.scenario import Scenario
from lab.strict import ScenarioError


def scenario(section: str) -> Scenario:
    """A quiet service with this in its account."""
    return parse(
        "title: a quiet service\n"
        "at: 2027-01-01T10:00:30Z\n"
        "alarm: {name: a}\n"
        "load_balancer: {name: shop}\n"
        "target_groups: {shop: {targets: 1, requests: '10'}}\n" + section,
        name="quiet",
    )


def test_an_event_is_told_from_its_minute_on_and_over_at_its_end() -> None:
    told = scenario(
        "health: {events: [{service: EC2, started: '-5', told: '3', ended: '9', zone: eu-west-1a}]}"
    )
    with Lab.stage(told) as lab:
        health = lab.client("health")
        assert health.describe_events()["events"] == []
        lab.run_until(minutes=4)
        (event,) = health.describe_events()["events"]
        assert (event["statusCode"], event["availabilityZone"]) == ("open", "eu-west-1a")
        lab.run_until(minutes=10)
        (event,) = health.describe_events()["events"]
        assert event["statusCode"] == "closed"
        assert event["endTime"] - event["startTime"] == timedelta(minutes=14)


def test_events_are_filtered_as_asked() -> None:
    told = scenario(
        "health: {events: [{service: EC2}, {service: IAM, region: global, category: investigation}]}"
    )
    with Lab.stage(told) as lab:
        health = lab.client("health")
        asked = {"regions": ["global"], "eventTypeCategories": ["investigation"]}
        (event,) = health.describe_events(filter=asked)["events"]
        assert event["service"] == "IAM"
        late = {"lastUpdatedTimes": [{"from": lab.clock.now()}]}
        assert health.describe_events(filter=late)["events"] == []


def test_details_and_entities_are_told_by_arn() -> None:
    told = scenario("health: {events: [{service: EC2, text: Trouble., entities: [i-1]}, {service: RDS}]}")
    with Lab.stage(told) as lab:
        health = lab.client("health")
        arns = [event["arn"] for event in health.describe_events()["events"]]
        details = health.describe_event_details(eventArns=arns[:1])["successfulSet"]
        assert [each["eventDescription"]["latestDescription"] for each in details] == ["Trouble."]
        entities = health.describe_affected_entities(filter={"eventArns": arns})["entities"]
        assert [each["entityValue"] for each in entities] == ["i-1", "UNKNOWN"]


def test_an_account_without_the_plan_may_not_ask() -> None:
    with Lab.stage(scenario("health: {subscribed: false}")) as lab, pytest.raises(ClientError) as refused:
        lab.client("health").describe_events()
    assert refused.value.response["Error"]["Code"] == "SubscriptionRequiredException"


def test_without_a_section_a_listener_has_one_good_certificate() -> None:
    with Lab.stage(scenario("")) as lab:
        balancer = lab.client("elbv2").describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
        listener = lab.client("elbv2").describe_listeners(LoadBalancerArn=balancer)["Listeners"][0]
        listed = lab.client("elbv2").describe_listener_certificates(ListenerArn=listener["ListenerArn"])
        first = listed["Certificates"][0]
        described = lab.client("acm").describe_certificate(CertificateArn=first["CertificateArn"])[
            "Certificate"
        ]
        assert first["IsDefault"]
        assert described["Status"] == "ISSUED"
        assert described["NotAfter"] > lab.clock.now() + timedelta(days=30)


def test_a_certificate_that_has_expired_says_so_and_one_of_iam_is_not_described() -> None:
    given = (
        "certificates: {old: {expires: '-3', kind: IMPORTED, domains: [a.example.com]}, kept: {by_iam: true}}"
    )
    with Lab.stage(scenario(given)) as lab:
        listed = lab.client("elbv2").describe_listener_certificates(ListenerArn="arn")["Certificates"]
        old, kept = listed[0]["CertificateArn"], listed[1]["CertificateArn"]
        described = lab.client("acm").describe_certificate(CertificateArn=old)["Certificate"]
        assert (described["Status"], described["Type"]) == ("EXPIRED", "IMPORTED")
        assert described["NotAfter"] < lab.clock.now()
        assert kept.startswith("arn:aws:iam::")
        with pytest.raises(ClientError):
            lab.client("acm").describe_certificate(CertificateArn=kept)


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("health: {events: [{service: EC2, since: '-5'}]}", "since"),
        ("health: {events: [{started: '-5'}]}", "service"),
        ("certificates: {shop: {expiry: '-5'}}", "expiry"),
        ("certificates: {shop: {kind: SELF_MADE}}", "kind"),
    ],
)
def test_a_misspelt_key_is_refused_and_named(section: str, key: str) -> None:
    with pytest.raises(ScenarioError, match=key):
        scenario(section)
