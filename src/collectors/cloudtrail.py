"""Reads who changed what around the onset, from CloudTrail, with as few look-ups as can be.

An account may look up twice a second and region, all its tools together, and each look-up takes just one
attribute (CloudTrail API reference, LookupEvents). So a sweep of all writes is made, beside it the writes of
the service that the entry point belongs to; only where the sweep does not reach back all the way, more is
looked up. What a later look adds is read from where the first one stopped seeing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from collectors.cloudtrail_records import parse_changes
from collectors.reading import Answer, Reading, Scope, read_each
from diagnosis.belongings import own_identifiers
from diagnosis.evidence import Changes, Evidence, Missing

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient
    from mypy_boto3_cloudtrail.literals import LookupAttributeKeyType

PERMISSIONS = ("cloudtrail:LookupEvents",)
LOOK_BACK = timedelta(minutes=45)
# "CloudTrail typically delivers events within an average of about 5 minutes of an API call" (CloudTrail user
# guide). It is an average: a later look goes back twice as far behind what was shown.
DELIVERY = timedelta(minutes=5)
EVENTS_A_PAGE = 50
# A later look is in no hurry: so many pages of the sweep, and so many parts of the service by their names.
MOST_PAGES, MOST_NAMED = 4, 6
# Global services record their events here: IAM, CloudFront, Route 53, WAF for CloudFront (CloudTrail user
# guide, "Global service events").
GLOBAL = "us-east-1"
# By kind of entry point: the service whose writes are looked up beside the sweep, and the one after it.
SERVICES: Mapping[str, tuple[str, str]] = {
    "alb": ("elasticloadbalancing", "ec2"),
    "clb": ("elasticloadbalancing", "ec2"),
    "apigateway": ("apigateway", "lambda"),
    "cloudfront": ("cloudfront", "wafv2"),
    "bucket": ("s3", "kms"),
}
# How CloudTrail lists what a service named in its record; these prefixes are of bare names.
_LOOKED_UP_BY_NAME = ("lambda:", "cloudfront:", "apigateway:", "secretsmanager:", "s3:", "iam:", "ecs:")


@dataclass(frozen=True, slots=True)
class LookUp:
    """What to look up, in which region (None: the entry point's), and from which page on."""

    attribute: LookupAttributeKeyType
    value: str
    region: str | None = None
    token: str | None = None

    def __str__(self) -> str:
        return f"{self.value} in {self.region}" if self.region else self.value


@dataclass(frozen=True, slots=True)
class Shown:
    """Recorded events, newest first, and where the next page begins if there are more."""

    events: tuple[Answer, ...]
    token: str | None


WRITES = LookUp("ReadOnly", "false")
# Roles and policies of every region.
IDENTITIES = LookUp("EventSource", "iam.amazonaws.com", GLOBAL)
# Names that services of every region resolve.
NAMES = LookUp("EventSource", "route53.amazonaws.com", GLOBAL)


def collect_changes(scope: Scope, read: Mapping[str, object]) -> Changes | Missing:
    """The writes of the last 45 minutes: what a sweep of all services shows, and those of the entry point's.

    Only where the sweep does not reach back all the way, it is carried on and the next service's changes are
    looked up by themselves too. `since` is the time since which the sweep showed everything.
    """
    start = scope.now - LOOK_BACK
    look_up = partial(_look_up, scope, start)
    main, further = _of_the_service(scope)
    shown = read_each("cloudtrail", (WRITES, main, *_elsewhere(scope)), look_up)
    sweep = shown[WRITES]
    if isinstance(sweep, Missing):
        return sweep
    if sweep.token:
        onwards = replace(WRITES, token=sweep.token)
        shown |= read_each("cloudtrail", (further, onwards), look_up)
        sweep = _carried_on(sweep, shown.pop(onwards))
        shown[WRITES] = sweep
    return _changes(scope, sweep, shown, start)


def later_changes(known: Evidence) -> Reading:
    """The reading of a later look: what CloudTrail shows by now beyond what was read before."""
    return Reading("changes", "cloudtrail", (), PERMISSIONS, partial(_collect_later, known))


def _collect_later(known: Evidence, scope: Scope, read: Mapping[str, object]) -> Changes | Missing:
    """What was known, with what has landed since. Where that cannot be read, what was known is still true."""
    before = known.changes
    if isinstance(before, Missing):
        return collect_changes(scope, read)
    start = max(before.shown_until - DELIVERY, scope.now - LOOK_BACK)
    look_up = partial(_look_up, scope, start)
    own = (WRITES, _of_the_service(scope)[0])
    # What could not be read of another region has been missed from the beginning.
    elsewhere = partial(_look_up, scope, scope.now - LOOK_BACK) if before.unread else look_up
    shown = read_each(
        "cloudtrail",
        (*own, *_elsewhere(scope)),
        lambda wanted: look_up(wanted) if wanted in own else elsewhere(wanted),
    )
    sweep = shown[WRITES]
    if isinstance(sweep, Missing):
        return before
    for _ in range(MOST_PAGES - 1):
        if sweep.token is None:
            break
        onwards = replace(WRITES, token=sweep.token)
        sweep = _carried_on(sweep, read_each("cloudtrail", (onwards,), look_up)[onwards])
    if before.truncated:
        named = partial(_look_up, scope, scope.now - LOOK_BACK)
        shown |= read_each("cloudtrail", _by_name(known), named)
    new = _changes(scope, sweep, shown | {WRITES: sweep}, start)
    found = {each.id: each for each in (*new.found, *before.found)}
    return replace(
        new,
        since=max(before.since, new.since) if new.truncated else before.since,
        found=tuple(sorted(found.values(), key=lambda each: (each.at, each.id), reverse=True)),
        truncated=before.truncated or new.truncated,
    )


def _of_the_service(scope: Scope) -> tuple[LookUp, LookUp]:
    about = scope.entry_point
    # In another region than that of global services it is the region of an origin behind the edge.
    kind = "alb" if about.kind == "cloudfront" and about.region != GLOBAL else about.kind
    main, further = SERVICES[kind]
    return (
        LookUp("EventSource", f"{main}.amazonaws.com"),
        LookUp("EventSource", f"{further}.amazonaws.com"),
    )


def _elsewhere(scope: Scope) -> tuple[LookUp, ...]:
    """What the entry point's own region does not record; in that of global services the sweep shows it."""
    about = scope.entry_point
    seen = about.region == GLOBAL or about.kind == "cloudfront"
    return () if seen or scope.elsewhere is None else (IDENTITIES, NAMES)


def _by_name(known: Evidence) -> tuple[LookUp, ...]:
    """Look-ups of single parts of the service: its security groups first, then what else has a name."""
    own = sorted(own_identifiers(known))
    names = [each for each in own if each.startswith("sg-")]
    names += [each.partition(":")[2] for each in own if each.startswith(_LOOKED_UP_BY_NAME)]
    return tuple(LookUp("ResourceName", name) for name in dict.fromkeys(names))[:MOST_NAMED]


def _carried_on(sweep: Shown, further: Shown | Missing) -> Shown:
    return sweep if isinstance(further, Missing) else Shown(sweep.events + further.events, further.token)


def _changes(scope: Scope, sweep: Shown, shown: Mapping[LookUp, Shown | Missing], start: datetime) -> Changes:
    events = [event for each in shown.values() if not isinstance(each, Missing) for event in each.events]
    return Changes(
        since=_reach(sweep, start),
        shown_until=scope.now - DELIVERY,
        found=parse_changes(events),
        truncated=sweep.token is not None,
        unread=_gaps(sweep, shown),
    )


def _gaps(sweep: Shown, shown: Mapping[LookUp, Shown | Missing]) -> dict[str, Missing]:
    """What could not be looked up, unless the sweep showed it anyway."""
    missing = {key: each for key, each in shown.items() if isinstance(each, Missing)}
    return {str(key): each for key, each in missing.items() if key.region is not None or sweep.token}


def _look_up(scope: Scope, start: datetime, wanted: LookUp) -> Shown:
    client = scope.client_in("cloudtrail", wanted.region or scope.entry_point.region)
    request: dict[str, Any] = {
        "LookupAttributes": [{"AttributeKey": wanted.attribute, "AttributeValue": wanted.value}],
        "StartTime": start,
        "EndTime": scope.now,
        "MaxResults": EVENTS_A_PAGE,
    }
    token = {"NextToken": wanted.token} if wanted.token else {}
    answer = cast("CloudTrailClient", client).lookup_events(**(request | token))
    return Shown(tuple(answer.get("Events", ())), answer.get("NextToken"))


def _reach(sweep: Shown, start: datetime) -> datetime:
    """Since when the sweep showed everything: LookupEvents goes backwards from the newest event."""
    times = [each["EventTime"] for each in sweep.events if "EventTime" in each]
    return min(times).astimezone(UTC) if sweep.token and times else start


READINGS = (Reading("changes", "cloudtrail", (), PERMISSIONS, collect_changes),)
