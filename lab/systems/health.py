"""AWS Health: what it tells of problems of AWS itself, and from when on it tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lab.errors import AwsError
from lab.strict import Section, read
from lab.systems import Stage
from lab.wire import Answer

KEY = "health"
WHOLE = ("health",)
CATEGORIES = ("issue", "investigation", "accountNotification", "scheduledChange")
STATES = ("open", "closed", "upcoming")


@dataclass(frozen=True, slots=True)
class Event:
    """One event; minutes count from the alarm, `told` is when AWS Health first shows it."""

    service: str
    code: str
    category: str
    region: str | None
    zone: str | None
    started: float
    ended: float | None
    told: float
    text: str
    entities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Data:
    """Whether the account may ask, and what it would be told."""

    subscribed: bool = True
    events: tuple[Event, ...] = ()


def load(section: Section, scenario_name: str) -> Data:  # noqa: ARG001 - one interface for all systems
    """Read the section `health`."""
    data = Data(
        subscribed=section.flag("subscribed", True),
        events=tuple(read(part, _event) for part in section.sections("events")),
    )
    section.finish()
    return data


def _event(section: Section) -> Event:
    started = section.number("started", -10.0)
    service = section.text("service")
    return Event(
        service=service,
        code=section.text("code", f"AWS_{service}_OPERATIONAL_ISSUE"),
        category=section.text("category", "issue", choices=CATEGORIES),
        region=section.optional_text("region"),
        zone=section.optional_text("zone"),
        started=started,
        ended=section.optional_number("ended"),
        told=section.number("told", started),
        text=section.text("text", ""),
        entities=section.texts("entities"),
    )


def quiet(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a case says; there is nothing else."""
    return given


def series(*_: object) -> None:
    """AWS Health has no metrics."""
    return


class Staged:
    """Answers for AWS Health, whose one active endpoint tells of every region."""

    def __init__(self, stage: Stage, data: Data | None) -> None:
        self._stage = stage
        self._data = data or Data()

    def operations(self) -> dict[str, dict[str, Answer]]:
        """The operations by boto3's name of the service."""
        return {
            "health": {
                "DescribeEvents": self.describe_events,
                "DescribeEventDetails": self.describe_event_details,
                "DescribeAffectedEntities": self.describe_affected_entities,
            }
        }

    def describe_events(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The events that the filter lets through."""
        self._check_plan()
        wanted = parameters.get("filter", {})
        return {"events": [event for event in self._shown() if _wanted(event, wanted)]}

    def describe_event_details(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Descriptions of at most ten events."""
        self._check_plan()
        found = [event for event in self._shown() if event["arn"] in parameters["eventArns"]]
        texts = {self._arn(index): event.text for index, event in enumerate(self._data.events)}
        return {
            "successfulSet": [
                {"event": event, "eventDescription": {"latestDescription": texts[event["arn"]]}}
                for event in found
            ],
            "failedSet": [],
        }

    def describe_affected_entities(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The account's resources that the events name."""
        self._check_plan()
        asked = parameters["filter"]["eventArns"]
        return {
            "entities": [
                {"eventArn": self._arn(index), "entityValue": name, "statusCode": "IMPAIRED"}
                for index, event in enumerate(self._data.events)
                for name in event.entities or ("UNKNOWN",)
                if self._arn(index) in asked
            ]
        }

    def _check_plan(self) -> None:
        if not self._data.subscribed:
            message = "The AWS Support plan of this account does not include the AWS Health API"
            raise AwsError("SubscriptionRequiredException", message)

    def _shown(self) -> list[dict[str, Any]]:
        now = self._stage.clock.now()
        return [
            self._event(index, event)
            for index, event in enumerate(self._data.events)
            if self._stage.scenario.moment(event.told) <= now
        ]

    def _event(self, index: int, event: Event) -> dict[str, Any]:
        scenario = self._stage.scenario
        ended = scenario.moment(event.ended) if event.ended is not None else None
        over = ended is not None and ended <= self._stage.clock.now()
        told = scenario.moment(max(event.told, event.ended if over and event.ended else event.told))
        answer = {
            "arn": self._arn(index),
            "service": event.service,
            "eventTypeCode": event.code,
            "eventTypeCategory": event.category,
            "region": event.region or scenario.region,
            "startTime": scenario.moment(event.started),
            "lastUpdatedTime": told + timedelta(seconds=20),
            "statusCode": "closed" if over else "open",
            "eventScopeCode": "ACCOUNT_SPECIFIC" if event.entities else "PUBLIC",
        }
        return (
            answer
            | ({"availabilityZone": event.zone} if event.zone else {})
            | ({"endTime": ended} if over else {})
        )

    def _arn(self, index: int) -> str:
        event = self._data.events[index]
        region = event.region or self._stage.scenario.region
        return f"arn:aws:health:{region}::event/{event.service}/{event.code}/lab-{index}"


def _wanted(event: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    since = [each["from"] for each in wanted.get("lastUpdatedTimes", ()) if "from" in each]
    return (
        event["region"] in wanted.get("regions", [event["region"]])
        and event["eventTypeCategory"] in wanted.get("eventTypeCategories", CATEGORIES)
        and event["statusCode"] in wanted.get("eventStatusCodes", STATES)
        and all(event["lastUpdatedTime"] >= moment for moment in since)
    )
