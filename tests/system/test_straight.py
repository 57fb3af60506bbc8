"""The evidence straight from a scenario's data is what the collectors read from the AWS staged from it."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.gather import gather
from collectors.reading import Scope, complete_minutes
from diagnosis.evidence import (
    Changes,
    Deployment,
    Deployments,
    DeploymentTarget,
    Evidence,
    Listener,
    LoadBalancer,
    Metrics,
    Missing,
    Rule,
    TargetGroup,
    to_json,
)
from diagnosis.incident import EntryPoint
from lab import Lab
from lab.straight import evidence_of

SCENARIOS = (
    "release-breaks-responses",
    "security-group-change-same-minutes",
    "release-then-5xx-in-one-of-four-groups",
    "release-breaks-responses-one-target-at-a-time",
    "release-breaks-responses-after-blue-green-switch",
    "zone-fails-across-four-groups",
    "scaled-in-to-zero-on-the-hour",
    "maintenance-rule-left-in-front-of-everything",
    "matcher-narrowed-by-terraform",
    "nightly-backup-eats-the-processors",
    "automatic-rollback-brought-a-worse-revision",
    "release-and-parameter-change-in-the-same-minute",
    "vulnerability-scan-after-a-release",
    "load-balancer-500s-of-an-unknown-maker",
    "container-release-outgrows-its-memory",
    "capacity-provider-finds-no-machine-for-tasks",
)


def collected(lab: Lab) -> Evidence:
    """What the collectors read at the alarm."""
    staged, now = lab.scenario, lab.clock.now()
    balancer = staged.load_balancer
    about = EntryPoint("alb", balancer.dimension, balancer.name, None, staged.account, staged.region)
    asked = Scope(lab.client, about, now, complete_minutes(now), now)
    gathered = gather(asked, deadline_seconds=60, clock=time.monotonic)
    assert not gathered.unexpected
    return gathered.evidence


# What differs without meaning. Everything that is not named here has to be equal.


def without_what_aws_makes_up(evidence: Evidence) -> Evidence:
    """The same evidence without identifiers and times that no scenario tells."""
    return replace(
        evidence,
        **{name: normal(getattr(evidence, name)) for name, normal in NORMAL.items() if _read(evidence, name)},
    )


def _read(evidence: Evidence, name: str) -> bool:
    return not isinstance(getattr(evidence, name), Missing)


def _load_balancer(read: LoadBalancer) -> LoadBalancer:
    """When it was created is not told."""
    return replace(read, created=None)


def _target_groups(read: tuple[TargetGroup, ...]) -> tuple[TargetGroup, ...]:
    """The order means nothing."""
    return tuple(sorted(read, key=lambda each: each.id))


def _target_health(read: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of instances AWS tells no zone here: it is that of the instance. The order means nothing."""
    return {key: _healths(each) if isinstance(each, tuple) else each for key, each in read.items()}


def _healths(targets: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(sorted((replace(each, zone=None) for each in targets), key=lambda each: str(each.id)))


def _listeners(read: tuple[Listener, ...]) -> tuple[Listener, ...]:
    """Names end in made-up digits; the default action is told once more as a rule of its own."""
    return tuple(replace(each, arn="", rules=_rules(each.rules)) for each in read)


def _rules(rules: tuple[Rule, ...] | Missing) -> tuple[Rule, ...] | Missing:
    if isinstance(rules, Missing):
        return rules
    own = (each for each in rules if each.priority != "default")
    return tuple(replace(each, listener_arn="", **_no_arn(each)) for each in own)


def _no_arn(rule: Rule) -> dict[str, Any]:
    return {"arn": ""} if hasattr(rule, "arn") else {}


def _deployments(read: Deployments) -> Deployments:
    """How far back was looked is the collectors' business; how revisions are written is, too."""
    names: dict[str, str] = {}
    found = tuple(_deployment(each, names) for each in read.found)
    since = datetime.min.replace(tzinfo=UTC)
    return replace(read, since=since, found=found)


def _deployment(read: Deployment, names: dict[str, str]) -> Deployment:
    revision = read.revision
    if revision:
        number = names.setdefault(revision.id, f"revision {len(names) + 1}")
        revision = replace(revision, id=number)
    targets = read.targets
    if not isinstance(targets, Missing):
        targets = tuple(sorted((_deployed(each) for each in targets), key=lambda each: each.id))
    return replace(read, revision=revision, targets=targets)


def _deployed(target: DeploymentTarget) -> DeploymentTarget:
    """CodeDeploy's last event of a target ends a millisecond before the target is done."""
    completed = target.completed
    rounded = completed and datetime.fromtimestamp(round(completed.timestamp()), completed.tzinfo)
    return replace(target, completed=rounded)


def _changes(read: Changes) -> Changes:
    """What CodeDeploy did for a deployment is told by the deployment."""
    by_hand = (each for each in read.found if "CodeDeploy" not in each.by and "codedeploy" not in each.source)
    return replace(read, found=tuple(by_hand))


def _instances(read: tuple[Any, ...]) -> tuple[Any, ...]:
    """Subnets and the time of the launch are not told; the order means nothing."""
    made = (replace(each, launched=None, subnet=None) for each in read)
    return tuple(sorted(made, key=lambda each: str(each.id)))


NORMAL: dict[str, Callable[[Any], Any]] = {
    "load_balancer": _load_balancer,
    "target_groups": _target_groups,
    "target_health": _target_health,
    "listeners": _listeners,
    "deployments": _deployments,
    "changes": _changes,
    "instances": _instances,
}
# Settings that a scenario leaves out have AWS's defaults: only those it names are compared.
SETTINGS = frozenset({"attributes", "target_group_attributes"})


def differences(name: str, read: Any, straight: Any) -> Iterator[str]:
    """Every value of a field in which the two differ, by its path."""
    ours, theirs = dict(_flat(_plain(read), name)), dict(_flat(_plain(straight), name))
    for path in {**theirs} if name in SETTINGS else {**ours, **theirs}:
        if ours.get(path, "nothing") != theirs.get(path, "nothing"):
            yield f"{path}: read {ours.get(path, 'nothing')}, straight {theirs.get(path, 'nothing')}"


def _plain(value: Any) -> Any:
    """Plain data; series by their names, since their order means nothing."""
    if not isinstance(value, Metrics):
        return to_json(value)
    series = {" ".join(str(part) for part in key if part): list(each) for key, each in value.series.items()}
    return {**to_json(replace(value, series={})), "series": series}


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}")
    elif isinstance(value, list):
        yield f"{path} how many", len(value)
        for index, item in enumerate(value):
            yield from _flat(item, f"{path}[{index}]")
    else:
        yield path, value


@pytest.mark.parametrize("name", SCENARIOS)
def test_straight_evidence_is_what_the_collectors_read(name: str) -> None:
    with Lab.stage(name) as lab:
        read, straight = collected(lab), evidence_of(lab.scenario)
    read, straight = without_what_aws_makes_up(read), without_what_aws_makes_up(straight)
    found = [
        difference
        for field in fields(Evidence)
        for difference in differences(field.name, getattr(read, field.name), getattr(straight, field.name))
    ]
    assert not found, "\n".join([name, *found])
