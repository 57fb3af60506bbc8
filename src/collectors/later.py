"""What a later look reads: the readings of what was late or missing, on top of what is known already.

Behind a distribution or an API each origin is looked at again in the same way.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import cast

from collectors import cloudtrail
from collectors.edge_answers import place
from collectors.gather import READINGS_OF, gather, readings_again
from collectors.origins import seconds, while_waited_for
from collectors.reading import Reading, Scope, read_each
from diagnosis.evidence import Changes, Evidence, Missing
from diagnosis.incident import EntryPoint
from diagnosis.stages import Stage, awaited
from diagnosis.systems.edge import Bucket


def later_readings(kind: str, known: Evidence, stage: Stage, *, acted: bool = False) -> tuple[Reading, ...]:
    """The readings of this stage for an entry point of this kind of which so much is known."""
    names = awaited(stage, known, acted=acted)
    chosen = readings_again(READINGS_OF[kind], names, known)
    instead = {"changes": cloudtrail.later_changes(known)}
    if not isinstance(known.origins, Missing):
        instead["origins"] = _later_origins(known, known.origins, stage, acted=acted)
    return tuple(instead.get(each.name, each) for each in chosen)


def _later_origins(
    known: Evidence, origins: Mapping[str, Evidence | Missing], stage: Stage, *, acted: bool
) -> Reading:
    collect = partial(_collect_origins, known, origins, stage, acted)
    return Reading("origins", "elbv2", ("changes",), cloudtrail.PERMISSIONS, collect, on_demand=True)


def _collect_origins(
    known: Evidence,
    origins: Mapping[str, Evidence | Missing],
    stage: Stage,
    acted: bool,
    scope: Scope,
    read: Mapping[str, object],
) -> dict[str, Evidence | Missing]:
    """Each origin with what was late or missing of it; one that could not be read stays so."""
    before = {name: each for name, each in origins.items() if not isinstance(each, Missing)}
    places = {name: _entry_point(scope, known, name, each) for name, each in before.items()}
    changes = _changes(scope, read, {about.region: before[name] for name, about in places.items() if about})

    def look(name: str) -> Evidence | Missing:
        about = places.get(name)
        if about is None:
            return origins[name]
        seen = _looked_at(_inside(scope, about), before[name], stage, acted=acted)
        return replace(seen, changes=changes[about.region])

    return read_each("origins", origins, look)


def _changes(
    scope: Scope, read: Mapping[str, object], known: Mapping[str, Evidence]
) -> dict[str, Changes | Missing]:
    """What CloudTrail shows by now of each region, asked once in each: two look-ups a second are for all."""

    def look(region: str) -> Changes | Missing:
        if region == scope.entry_point.region:
            return cast("Changes | Missing", read["changes"])
        there = _inside(scope, replace(scope.entry_point, region=region))
        return cast("Changes | Missing", cloudtrail.later_changes(known[region]).collect(there, {}))

    return read_each("cloudtrail", known, look)


def _looked_at(scope: Scope, known: Evidence, stage: Stage, *, acted: bool) -> Evidence:
    """The origin but for its changes; a bucket has nothing else that could be late."""
    kind = scope.entry_point.kind
    if kind not in READINGS_OF:
        return replace(known, now=scope.now)
    chosen = later_readings(kind, known, stage, acted=acted)
    readings = while_waited_for(scope, (each for each in chosen if each.name != "changes"))
    return gather(
        scope, deadline_seconds=seconds(scope), clock=time.monotonic, readings=readings, known=known
    ).evidence


def _inside(scope: Scope, about: EntryPoint) -> Scope:
    """The same minutes, with the clients of the origin's own region."""
    return replace(
        scope,
        clients=lambda service: scope.client_in(service, about.region),
        entry_point=about,
        elsewhere=scope.client_in,
    )


def _entry_point(scope: Scope, known: Evidence, name: str, origin: Evidence) -> EntryPoint | None:
    """What the origin is, as its evidence tells; None where it does not tell enough."""
    region = _region(scope, known, name, origin)
    account = scope.entry_point.account
    if not isinstance(origin.load_balancer, Missing):
        balancer = origin.load_balancer
        id_ = balancer.arn.split(":loadbalancer/", 1)[-1] if origin.kind == "alb" else balancer.name
        return EntryPoint(origin.kind, id_, balancer.name, None, account, region)
    if not isinstance(origin.gateway, Missing):
        return EntryPoint(origin.kind, origin.gateway.id, origin.gateway.name, None, account, region)
    return None if origin.kind in READINGS_OF else EntryPoint(origin.kind, name, name, None, account, region)


def _region(scope: Scope, known: Evidence, name: str, origin: Evidence) -> str:
    if not isinstance(origin.load_balancer, Missing) and origin.load_balancer.arn.startswith("arn:"):
        return origin.load_balancer.arn.split(":")[3]
    if isinstance(known.edge, Missing):
        return place(name)[2] or scope.entry_point.region
    bucket, configured = known.edge.buckets.get(name), known.edge.origin(name)
    told = bucket.region if isinstance(bucket, Bucket) else None
    return told or (place(configured.domain)[2] if configured else None) or scope.entry_point.region
