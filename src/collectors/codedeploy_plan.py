"""Which of the deployments found are worth a closer look: pure, and bounded whatever the account holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from diagnosis.evidence import Deployment, Missing, TargetGroup, Window

MOST_GROUPS = 10
# Targets and history are read of deployments that ended so shortly before the alarm that they may have to do
# with it.
MOST_SUSPECTS, SUSPECT_TIME = 3, timedelta(minutes=45)
MOST_HISTORIES, HISTORY_TIME = 5, timedelta(hours=2)

Pair: TypeAlias = tuple[str, str]
"""An application and one of its deployment groups."""


@dataclass(frozen=True, slots=True)
class DeploymentRecords:
    """Deployments, the names of the target groups of those that tell them, and whether there were no more."""

    found: tuple[Deployment, ...]
    target_groups: Mapping[str, tuple[str, ...]]
    complete: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What to look at: `around` are the deployments that may have to do with the alarm, newest first.

    `pairs` are all their groups, `described` those to read, `tagged` those whose tags to read, `histories`
    those whose earlier successes to read, `suspects` the deployments whose targets to read.
    """

    around: tuple[Deployment, ...]
    pairs: tuple[Pair, ...]
    described: tuple[Pair, ...]
    tagged: tuple[Pair, ...]
    histories: tuple[Pair, ...]
    suspects: tuple[str, ...]


def plan(
    records: DeploymentRecords,
    groups: tuple[TargetGroup, ...] | Missing,
    window: Window,
    alarm_time: datetime,
) -> Plan:
    """What to look at, those first that deploy to a target group of this load balancer or may do so."""
    around = _around(records.found, window.start)
    ours = [each for each in around if _may_be_ours(each, records.target_groups, groups)]
    recent = [each for each in ours if _under_way_since(each, alarm_time - HISTORY_TIME)]
    suspects = [each.id for each in recent if _under_way_since(each, alarm_time - SUSPECT_TIME)]
    pairs = _pairs([*ours, *around])
    described = pairs[:MOST_GROUPS]
    return Plan(
        around=around,
        pairs=pairs,
        described=described,
        tagged=tuple(pair for pair in _pairs(ours) if pair in described),
        histories=_pairs(recent)[:MOST_HISTORIES],
        suspects=tuple(suspects[:MOST_SUSPECTS]),
    )


def pair_of(deployment: Deployment) -> Pair:
    """The application and the group of a deployment."""
    return deployment.application, deployment.group_name


def newest_first(deployments: Iterable[Deployment]) -> tuple[Deployment, ...]:
    """Each deployment once, by the time of its creation."""
    each_once = {deployment.id: deployment for deployment in deployments}.values()
    return tuple(sorted(each_once, key=lambda each: (each.created, each.id), reverse=True))


def _around(found: Iterable[Deployment], start: datetime) -> tuple[Deployment, ...]:
    """Those that had not ended when the window began, and whatever was created after the first of them."""
    under_way = [each.created for each in found if _under_way_since(each, start)]
    return newest_first(each for each in found if under_way and each.created >= min(under_way))


def _under_way_since(deployment: Deployment, moment: datetime) -> bool:
    return deployment.running or (deployment.completed or deployment.begun) >= moment


def _may_be_ours(
    deployment: Deployment,
    target_groups: Mapping[str, tuple[str, ...]],
    groups: tuple[TargetGroup, ...] | Missing,
) -> bool:
    """Whether it deploys to a target group of this load balancer, as far as that can be told."""
    names = target_groups.get(deployment.id)
    return isinstance(groups, Missing) or not names or any(group.name in names for group in groups)


def _pairs(deployments: Iterable[Deployment]) -> tuple[Pair, ...]:
    return tuple(dict.fromkeys(map(pair_of, deployments)))
