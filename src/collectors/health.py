"""Reads what AWS Health tells of the region in the last day: problems of AWS itself.

AWS Health has one active endpoint for the whole partition, global.health.amazonaws.com, signed for us-east-1;
a client made for a region that has a passive endpoint of its own would ask that one (AWS Health user guide,
"Accessing the AWS Health API"; botocore's endpoint rules).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from collectors.reading import Answer, Reading, Scope, ask_all, in_utc
from diagnosis import untrusted
from diagnosis.series import Missing
from diagnosis.systems.health import MAY_NOT_ASK, HealthEvent

HOME = "us-east-1"
PERMISSIONS = ("health:DescribeEvents", "health:DescribeEventDetails", "health:DescribeAffectedEntities")
# An event that was last told of before this is over or chronic.
LOOK_BACK = timedelta(hours=24)
# DescribeEventDetails and DescribeAffectedEntities take ten ARNs (API reference).
MOST_EVENTS = 10
MOST_ENTITIES = 10
LONGEST_TEXT, LONGEST_ENTITY = 500, 200
_CATEGORIES = ("issue", "investigation")


def collect_health_events(scope: Scope, read: Mapping[str, object]) -> tuple[HealthEvent, ...] | Missing:
    """The problems that AWS tells of in this region or everywhere, the newest first, with what they affect.

    An account without the support plan may not ask, which is no gap in the evidence.
    """
    client = scope.client_in("health", HOME)
    try:
        answer = client.describe_events(filter=_asked(scope), maxResults=100)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "SubscriptionRequiredException":
            return MAY_NOT_ASK
        raise
    events = newest_events(answer)
    return _explained(client, events) if events else ()


def _asked(scope: Scope) -> dict[str, Any]:
    return {
        "regions": [scope.entry_point.region, "global"],
        "eventTypeCategories": [*_CATEGORIES],
        "lastUpdatedTimes": [{"from": scope.now - LOOK_BACK}],
    }


def newest_events(answer: Answer) -> tuple[Answer, ...]:
    """The events of a DescribeEvents page that began last, at most as many as can be asked about at once."""
    named = [each for each in answer.get("events", ()) if "arn" in each and "startTime" in each]
    return tuple(sorted(named, key=lambda each: each["startTime"], reverse=True)[:MOST_EVENTS])


def _explained(client: Any, events: Sequence[Answer]) -> tuple[HealthEvent, ...]:
    arns = [each["arn"] for each in events]
    told = ask_all(
        "health",
        {
            "details": lambda: client.describe_event_details(eventArns=arns),
            "entities": lambda: client.describe_affected_entities(filter={"eventArns": arns}, maxResults=100),
        },
    )
    texts, entities = descriptions(told["details"]), affected(told["entities"])
    return tuple(_event(each, texts, entities) for each in events)


def descriptions(answer: Answer | Missing) -> Mapping[str, str] | Missing:
    """The beginning of each event's newest description, by its ARN."""
    if isinstance(answer, Missing):
        return answer
    return {
        each["event"]["arn"]: untrusted.text(_latest(each), LONGEST_TEXT) or ""
        for each in answer.get("successfulSet", ())
        if "arn" in each.get("event", {})
    }


def _latest(detail: Answer) -> object:
    return detail.get("eventDescription", {}).get("latestDescription")


def affected(answer: Answer | Missing) -> Mapping[str, tuple[str, ...]] | Missing:
    """The first few resources of the account that each event names, by its ARN."""
    if isinstance(answer, Missing):
        return answer
    found: dict[str, list[str]] = defaultdict(list)
    for each in answer.get("entities", ()):
        name = untrusted.text(each.get("entityValue"), LONGEST_ENTITY)
        # "UNKNOWN" stands for an event of the whole service, "AWS_ACCOUNT" for the account (user guide).
        if name and name not in {"UNKNOWN", "AWS_ACCOUNT"} and len(found[each["eventArn"]]) < MOST_ENTITIES:
            found[each["eventArn"]].append(name)
    return {arn: tuple(names) for arn, names in found.items()}


def _event(
    event: Answer,
    texts: Mapping[str, str] | Missing,
    entities: Mapping[str, tuple[str, ...]] | Missing,
) -> HealthEvent:
    arn, zone = event["arn"], event.get("availabilityZone")
    return HealthEvent(
        arn=arn,
        service=event.get("service", ""),
        code=event.get("eventTypeCode", ""),
        category=event.get("eventTypeCategory", "issue"),
        region=event.get("region"),
        zones=(zone,) if zone else (),
        status=event.get("statusCode", "open"),
        start=in_utc(event["startTime"]),
        end=in_utc(event.get("endTime")),
        updated=in_utc(event.get("lastUpdatedTime")),
        entities=entities if isinstance(entities, Missing) else entities.get(arn, ()),
        text=texts if isinstance(texts, Missing) else texts.get(arn, ""),
    )


READINGS = (Reading("health_events", "health", (), PERMISSIONS, collect_health_events, on_demand=True),)
