"""A deployment as a plan in time, read against the clock; groups and revisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lab.loading import stable_hex
from lab.loading_deployments import CLASSIC, FINAL_STATUSES
from lab.scenario import Revision, Scenario

GroupKey = tuple[str, str]


@dataclass(slots=True)
class TargetRun:
    """What a deployment does on one target."""

    id: str
    started: datetime | None
    completed: datetime | None
    final_status: str = "Succeeded"

    def status(self, now: datetime) -> str:
        """The target's status now."""
        if self.completed is not None and now >= self.completed:
            return self.final_status
        if self.started is not None and now >= self.started:
            return "InProgress"
        return "Pending"


@dataclass(slots=True)
class Run:
    """One deployment."""

    id: str
    key: GroupKey
    created: datetime
    started: datetime | None
    completed: datetime | None
    final_status: str
    revision: Revision
    creator: str
    by: str
    running_status: str = "InProgress"
    description: str = ""
    config: str = "CodeDeployDefault.OneAtATime"
    platform: str = "Server"
    style: str = "in_place"
    target_groups: tuple[str, ...] = ()
    targets: list[TargetRun] = field(default_factory=list)
    overview: Mapping[str, int] = field(default_factory=dict)
    rollback_of: str | None = None
    rolled_back_by: str | None = None
    rollback_message: str | None = None
    error: tuple[str, str] | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)
    termination_wait_started: bool = False
    external_id: str | None = None
    ours: bool = False

    def status(self, now: datetime) -> str:
        """The status of the API now."""
        if self.completed is not None and now >= self.completed:
            return self.final_status
        if self.started is None or now < self.started:
            return "Created"
        return self.running_status

    def is_running(self, now: datetime) -> bool:
        """Whether it is not in a final status."""
        return self.status(now) not in FINAL_STATUSES


@dataclass(slots=True)
class Group:
    """A deployment group and its settings."""

    key: GroupKey
    platform: str
    style: str
    config: str
    target_groups: tuple[str, ...]
    tags: dict[str, str]
    alarms: tuple[str, ...]
    auto_rollback: tuple[str, ...]
    instances: tuple[str, ...]

    @property
    def id(self) -> str:
        """The group's id, a UUID."""
        digest = stable_hex("group", *self.key, length=32)
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"


def location(revision: Revision) -> dict[str, Any]:
    """The revision as RevisionLocation."""
    if revision.repository:
        found = {"repository": revision.repository, "commitId": revision.commit or ""}
        return {"revisionType": "GitHub", "gitHubLocation": found}
    place = {"bucket": revision.bucket, "key": revision.key, "bundleType": revision.bundle_type}
    if revision.version:
        place["version"] = revision.version
    if revision.etag:
        place["eTag"] = revision.etag
    return {"revisionType": "S3", "s3Location": place}


def revision_from(given: Mapping[str, Any]) -> Revision | None:
    """A revision from RevisionLocation; None for kinds the lab does not deploy."""
    if given.get("revisionType") == "GitHub":
        place = given.get("gitHubLocation", {})
        return Revision(repository=place.get("repository"), commit=place.get("commitId"))
    if given.get("revisionType") != "S3" or "s3Location" not in given:
        return None
    place = given["s3Location"]
    return Revision(
        bucket=place.get("bucket", ""),
        key=place.get("key", ""),
        bundle_type=place.get("bundleType", "zip"),
        version=place.get("version"),
        etag=place.get("eTag"),
    )


def same(one: Revision, other: Revision) -> bool:
    """The same bytes, as far as the description says; a version or ETag not given matches any."""
    if (one.bucket, one.key, one.repository, one.commit) != (
        other.bucket,
        other.key,
        other.repository,
        other.commit,
    ):
        return False
    pairs = ((one.version, other.version), (one.etag, other.etag))
    return all(left is None or right is None or left == right for left, right in pairs)


def groups_of(scenario: Scenario) -> dict[GroupKey, Group]:
    """The groups, oldest deployment first, so that the newest one's settings win."""
    groups: dict[GroupKey, Group] = {}
    for given in sorted(scenario.deployments, key=lambda one: one.created):
        key = given.application, given.group
        before = groups.get(key)
        target_groups = given.target_groups or (before.target_groups if before else ())
        groups[key] = Group(
            key=key,
            platform=given.platform,
            style=given.style,
            config=given.config,
            target_groups=target_groups,
            tags=(before.tags if before else {}) | dict(given.tags),
            alarms=given.alarms or (before.alarms if before else ()),
            auto_rollback=given.auto_rollback or (before.auto_rollback if before else ()),
            instances=_instances(scenario, target_groups),
        )
    return groups


def _instances(scenario: Scenario, target_groups: Iterable[str]) -> tuple[str, ...]:
    known = {group.name: group for group in scenario.target_groups}
    known |= {f"{CLASSIC}{each.group.name}": each.group for each in _classic(scenario)}
    ids = [
        target.id
        for name in target_groups
        if name in known and known[name].target_type == "instance"
        for target in known[name].targets
    ]
    return tuple(dict.fromkeys(ids))


def _classic(scenario: Scenario) -> Iterable[Any]:
    found = scenario.systems.get("classic_load_balancer")
    return (found,) if found else ()


def application_tags(scenario: Scenario) -> dict[str, dict[str, str]]:
    """The tags of each application."""
    tags: dict[str, dict[str, str]] = {}
    for given in scenario.deployments:
        tags.setdefault(given.application, {}).update(given.application_tags)
    return tags
