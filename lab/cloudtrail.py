"""CloudTrail's LookupEvents: late, region by region, slow to answer, one filter at a time, newest first."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lab.clock import Clock
from lab.errors import AwsError
from lab.loading import stable_hex
from lab.moments import moment, zulu
from lab.paging import page
from lab.scenario import Scenario
from lab.wire import Answer, asking_region

LOOKUPS_A_SECOND = 2
# Global services record their events here (CloudTrail user guide, "Global service events").
GLOBAL, GLOBAL_SERVICES = "us-east-1", frozenset({"iam", "cloudfront", "route53", "sts", "organizations"})
PAGE = 50

_RESOURCE_TYPES = {
    "sg-": "AWS::EC2::SecurityGroup",
    "i-": "AWS::EC2::Instance",
    "subnet-": "AWS::EC2::Subnet",
    "acl-": "AWS::EC2::NetworkAcl",
    "rtb-": "AWS::EC2::RouteTable",
    "arn:aws:elasticloadbalancing": "AWS::ElasticLoadBalancingV2::LoadBalancer",
}


@dataclass(frozen=True, slots=True)
class Event:
    """A management event as it happened."""

    at: datetime
    name: str
    source: str
    by: str
    resources: tuple[str, ...] = ()
    parameters: Mapping[str, Any] | None = None
    error: str | None = None
    read_only: bool = False
    invoked_by: str | None = None
    id: str = ""
    region: str | None = None


def changes_of(scenario: Scenario) -> list[Event]:
    """The changes that a scenario tells, as events."""
    return [
        Event(
            scenario.moment(change.at),
            change.name,
            change.source,
            change.by,
            change.resources,
            change.parameters,
            change.error,
            change.read_only,
            change.invoked_by,
            change.event_id,
            change.region,
        )
        for change in scenario.changes
    ]


class CloudTrail:
    """Holds the events; each can be looked up `delay` seconds after it happened."""

    def __init__(self, clock: Clock, account: str, region: str, delay: float) -> None:
        self._clock = clock
        self._account = account
        self._region = region
        self._delay = timedelta(seconds=delay)
        self._events: list[Event] = []
        self._sources: list[Callable[[], Iterable[Event]]] = []
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def operations(self) -> dict[str, Answer]:
        """The operations that the lab answers itself."""
        return {"LookupEvents": self.lookup_events}

    def add(self, event: Event) -> None:
        """An event happened."""
        self._events.append(event)

    def add_source(self, source: Callable[[], Iterable[Event]]) -> None:
        """Ask this for further events at each look-up."""
        self._sources.append(source)

    def lookup_events(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """As the API reference has it: one attribute, 50 a page, two calls a second, account and region."""
        region = asking_region.get() or self._region
        self._take_token(region)
        attributes = parameters.get("LookupAttributes", [])
        if len(attributes) > 1:
            raise AwsError("InvalidLookupAttributesException", "You can only specify one lookup attribute.")
        size = int(parameters.get("MaxResults", PAGE))
        if not 1 <= size <= PAGE:
            raise AwsError("InvalidMaxResultsException", f"A value between 1 and {PAGE} must be specified.")
        start, end = _range(parameters)
        found = [
            event
            for event in self._visible(region)
            if (start is None or event.at >= start)
            and (end is None or event.at <= end)
            and all(_matches(event, one["AttributeKey"], one["AttributeValue"]) for one in attributes)
        ]
        found.sort(key=lambda event: event.at, reverse=True)
        events, token = page(found, parameters.get("NextToken"), size, "InvalidNextTokenException")
        return {"Events": [self._shown(event) for event in events]} | ({"NextToken": token} if token else {})

    def _take_token(self, region: str) -> None:
        with self._lock:
            now = self._clock.ticks()
            tokens, filled_at = self._buckets.get(region, (float(LOOKUPS_A_SECOND), now))
            tokens = min(float(LOOKUPS_A_SECOND), tokens + max(0.0, now - filled_at) * LOOKUPS_A_SECOND)
            if tokens < 1:
                raise AwsError("ThrottlingException", "Rate exceeded")
            self._buckets[region] = (tokens - 1, max(now, filled_at))

    def _visible(self, region: str) -> list[Event]:
        now = self._clock.now()
        everything = [*self._events, *(event for source in self._sources for event in source())]
        return [each for each in everything if each.at + self._delay <= now and self._place(each) == region]

    def _place(self, event: Event) -> str:
        """The region that records it."""
        at_edge = (event.parameters or {}).get("scope") == "CLOUDFRONT"
        return event.region or (GLOBAL if at_edge or event.source in GLOBAL_SERVICES else self._region)

    def _shown(self, event: Event) -> dict[str, Any]:
        id_ = event.id or _uuid(event)
        shown: dict[str, Any] = {
            "EventId": id_,
            "EventName": event.name,
            "ReadOnly": str(event.read_only).lower(),
            "EventTime": event.at.replace(microsecond=0),
            "EventSource": f"{event.source}.amazonaws.com",
            "Username": event.by,
            "Resources": [{"ResourceType": _type_of(name), "ResourceName": name} for name in event.resources],
            "CloudTrailEvent": json.dumps(self._record(event, id_)),
        }
        return shown if event.invoked_by else shown | {"AccessKeyId": "ASIAEXAMPLEEXAMPLE00"}

    def _record(self, event: Event, id_: str) -> dict[str, Any]:
        """The record itself (user guide, "CloudTrail record contents")."""
        record: dict[str, Any] = {
            "eventVersion": "1.11",
            "userIdentity": self._identity(event),
            "eventTime": zulu(event.at),
            "eventSource": f"{event.source}.amazonaws.com",
            "eventName": event.name,
            "awsRegion": self._place(event),
            "sourceIPAddress": event.invoked_by or "198.51.100.7",
            "userAgent": event.invoked_by or "APN/1.0 HashiCorp/1.0 Terraform/1.9.8",
            "requestParameters": dict(event.parameters) if event.parameters else None,
            "responseElements": None,
            "requestID": stable_hex(id_, "request", length=32),
            "eventID": id_,
            "readOnly": event.read_only,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self._account,
            "eventCategory": "Management",
        }
        if event.error:
            record |= {"errorCode": event.error, "errorMessage": f"{event.error}: the call was refused"}
        return record

    def _identity(self, event: Event) -> dict[str, Any]:
        principal = f"AROAEXAMPLE:{event.by}"
        identity: dict[str, Any] = {
            "type": "AssumedRole",
            "principalId": principal,
            "arn": f"arn:aws:sts::{self._account}:assumed-role/{event.by}/{event.by}",
            "accountId": self._account,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAEXAMPLE",
                    "arn": f"arn:aws:iam::{self._account}:role/{event.by}",
                    "accountId": self._account,
                    "userName": event.by,
                }
            },
        }
        return identity | (
            {"invokedBy": event.invoked_by} if event.invoked_by else {"accessKeyId": "ASIAEXAMPLEEXAMPLE00"}
        )


def _range(parameters: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    start = moment(parameters["StartTime"]) if "StartTime" in parameters else None
    end = moment(parameters["EndTime"]) if "EndTime" in parameters else None
    if start and end and start > end:
        raise AwsError("InvalidTimeRangeException", "The start time is after the end time.")
    return start, end


def _matches(event: Event, key: str, value: str) -> bool:
    known: dict[str, object] = {
        "EventId": event.id or _uuid(event),
        "EventName": event.name,
        "ReadOnly": str(event.read_only).lower(),
        "Username": event.by,
        "EventSource": f"{event.source}.amazonaws.com",
        "AccessKeyId": None if event.invoked_by else "ASIAEXAMPLEEXAMPLE00",
    }
    if key == "ResourceName":
        return value in event.resources
    if key == "ResourceType":
        return value in map(_type_of, event.resources)
    return known[key] == value


def _type_of(name: str) -> str:
    return next(
        (kind for head, kind in _RESOURCE_TYPES.items() if name.startswith(head)), "AWS::Other::Resource"
    )


def _uuid(event: Event) -> str:
    digest = stable_hex(event.at, event.name, event.source, event.by, event.resources, length=32)
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"
