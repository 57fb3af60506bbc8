"""What AWS Health tells of the region, and that an account may not be allowed to ask."""

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from collectors.health import MOST_ENTITIES, MOST_EVENTS, collect_health_events, newest_events
from diagnosis.evidence import Evidence, Metrics, Missing, from_json, to_json
from diagnosis.systems.health import MAY_NOT_ASK, HealthEvent
from tests.collectors.fake_aws import FakeAws, before, error, scope


def _arn(number: int) -> str:
    return f"arn:aws:health:eu-west-1::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/{number}"


def _event(number: int = 1, **changed: Any) -> dict[str, Any]:
    """One of DescribeEvents."""
    return {
        "arn": _arn(number),
        "service": "EC2",
        "eventTypeCode": "AWS_EC2_OPERATIONAL_ISSUE",
        "eventTypeCategory": "issue",
        "region": "eu-west-1",
        "availabilityZone": "eu-west-1b",
        "startTime": before(minutes=number),
        "lastUpdatedTime": before(minutes=1),
        "statusCode": "open",
        **changed,
    }


def _aws(*events: dict[str, Any], **changed: Any) -> FakeAws:
    details = [
        {
            "event": {"arn": each["arn"]},
            "eventDescription": {"latestDescription": f"{each['service']} is ill. " * 60},
        }
        for each in events
    ]
    named = [
        {"eventArn": each["arn"], "entityValue": f"i-{number}"} for each in events for number in range(20)
    ]
    return FakeAws(
        **{
            "DescribeEvents": {"events": list(events)},
            "DescribeEventDetails": {"successfulSet": details, "failedSet": []},
            "DescribeAffectedEntities": {"entities": named},
            **changed,
        }
    )


def test_an_event_comes_with_times_zone_text_and_what_it_affects() -> None:
    found = collect_health_events(scope(_aws(_event())), {})

    assert isinstance(found, tuple)
    assert found == (
        HealthEvent(
            arn=_arn(1),
            service="EC2",
            code="AWS_EC2_OPERATIONAL_ISSUE",
            category="issue",
            region="eu-west-1",
            zones=("eu-west-1b",),
            status="open",
            start=before(minutes=1),
            updated=before(minutes=1),
            entities=found[0].entities,
            text=found[0].text,
        ),
    )
    assert isinstance(found[0].entities, tuple)
    assert isinstance(found[0].text, str)
    assert len(found[0].entities) == MOST_ENTITIES
    assert found[0].text.startswith("EC2 is ill.")
    assert len(found[0].text) <= 500


def test_problems_of_the_region_and_of_global_services_in_the_last_day_are_asked_for() -> None:
    aws = _aws()
    collect_health_events(scope(aws), {})

    (asked,) = aws.asked("DescribeEvents")
    assert asked["filter"]["regions"] == ["eu-west-1", "global"]
    assert asked["filter"]["lastUpdatedTimes"] == [{"from": before(hours=24)}]
    assert not aws.asked("DescribeEventDetails")


def test_the_endpoint_of_us_east_1_is_asked() -> None:
    aws, regions = _aws(), list[tuple[str, str]]()

    def elsewhere(service: str, region: str) -> Any:
        regions.append((service, region))
        return aws.client(service)

    collect_health_events(replace(scope(aws), elsewhere=elsewhere), {})
    assert regions == [("health", "us-east-1")]


def test_an_account_without_the_support_plan_may_not_ask_and_that_is_no_gap() -> None:
    refused = error("DescribeEvents", "SubscriptionRequiredException")
    found = collect_health_events(scope(_aws(DescribeEvents=refused)), {})

    assert found == MAY_NOT_ASK
    evidence = Evidence(now=before(), metrics=Metrics(scope(_aws()).window, {}), health_events=found)
    assert evidence.missing() == ()


def test_a_missing_permission_is_a_gap() -> None:
    denied = error("DescribeEvents", "AccessDeniedException")
    with pytest.raises(ClientError):
        collect_health_events(scope(_aws(DescribeEvents=denied)), {})


def test_an_event_whose_details_are_denied_is_told_without_them() -> None:
    denied = error("DescribeEventDetails", "AccessDeniedException")
    found = collect_health_events(scope(_aws(_event(), DescribeEventDetails=denied)), {})

    assert isinstance(found, tuple)
    assert found[0].text == Missing("health:DescribeEventDetails: AccessDeniedException")
    assert found[0].entities


def test_of_many_events_those_that_began_last_are_kept() -> None:
    events = [_event(number) for number in range(1, 40)]

    assert [each["arn"] for each in newest_events({"events": events})] == [
        _arn(number) for number in range(1, MOST_EVENTS + 1)
    ]


def test_placeholders_are_no_resources() -> None:
    entities = [{"eventArn": _arn(1), "entityValue": name} for name in ("UNKNOWN", "AWS_ACCOUNT", "vol-1")]
    found = collect_health_events(scope(_aws(_event(), DescribeAffectedEntities={"entities": entities})), {})

    assert isinstance(found, tuple)
    assert found[0].entities == ("vol-1",)


def test_what_was_read_survives_being_stored() -> None:
    denied = error("DescribeAffectedEntities", "AccessDeniedException")
    for aws in (_aws(_event()), _aws(_event(), DescribeAffectedEntities=denied)):
        events = collect_health_events(scope(aws), {})
        read = Evidence(now=before(), metrics=Metrics(scope(aws).window, {}), health_events=events)
        assert from_json(Evidence, to_json(read)) == read
