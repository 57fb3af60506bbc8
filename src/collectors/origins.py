"""Reads what stands behind a distribution or an API: the load balancer, API or bucket, in its own region.

For each it is the same gathering that an alarm of its own would start. It is bounded to a few origins, and
what it finds is told by the origin's id.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, cast

from collectors.cloudtrail import collect_changes
from collectors.origin_places import PERMISSIONS, Place, aliased, entry_points, place_of
from collectors.reading import Reading, Scope, read_each
from diagnosis.evidence import Changes, Evidence
from diagnosis.incident import EntryPoint
from diagnosis.series import NOT_LOOKED_UP, Missing
from diagnosis.systems.edge import API, BUCKET, LOAD_BALANCER, Distribution

if TYPE_CHECKING:
    from diagnosis.systems.gateway import Api

MOST_ORIGINS = 3
# An origin's own gathering takes no longer than this, and ends so much before that of the entry point does:
# what it has read by then is better than nothing.
SECONDS, ENDS_BEFORE = 12.0, 1.0
# As what kind of entry point the changes of each are looked up.
RECORDED_AS = {LOAD_BALANCER: "alb", API: "apigateway", BUCKET: "bucket"}
NOBODY_WAITS = Missing("not begun, since nobody waits for it any more")
# What an origin's own gathering leaves out: it is read once for all, or would not end.
NOT_AGAIN = frozenset({"changes", "origins", "health_events", "alarms_in_alarm"})


Behind = Callable[[Scope], Evidence]


def gathered(scope: Scope) -> Evidence:
    """All the evidence about an origin that is an entry point itself, but for its changes."""
    from collectors.gather import READINGS_OF, gather

    readings = [each for each in READINGS_OF[scope.entry_point.kind] if each.name not in NOT_AGAIN]
    while_waited = while_waited_for(scope, readings)
    return gather(
        scope, deadline_seconds=seconds(scope), clock=time.monotonic, readings=while_waited
    ).evidence


def while_waited_for(scope: Scope, readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """The readings, none of which begins when nobody waits for the whole any more."""

    def unless_late(reading: Reading, inner: Scope, answers: Mapping[str, object]) -> object:
        return reading.collect(inner, answers) if scope.left() > 0 else NOBODY_WAITS

    return tuple(replace(each, collect=partial(unless_late, each)) for each in readings)


def seconds(scope: Scope) -> float:
    """How long an origin may be read: within the time that is left for the whole."""
    return round(max(0.0, min(SECONDS, scope.left() - ENDS_BEFORE)), 1)


def collect_origins_of_edge(
    scope: Scope, read: Mapping[str, object], behind: Behind = gathered
) -> dict[str, Evidence | Missing] | Missing:
    """The evidence of each origin of a distribution that is in this account, by the origin's id."""
    edge = cast("Distribution | Missing", read["edge"])
    if isinstance(edge, Missing):
        return edge
    used = [id_ for behaviour in edge.behaviours for id_ in behaviour.origins]
    ordered = sorted(edge.origins, key=lambda each: used.index(each.id) if each.id in used else len(used))
    places = {each.id: place_of(each.domain, edge.buckets.get(each.id)) for each in ordered}
    unknown = {each.id: each.domain for each in ordered if isinstance(places[each.id], Missing)}
    return _read(scope, read, {**places, **aliased(scope, unknown)}, behind)


def collect_origins_of_api(
    scope: Scope, read: Mapping[str, object], behind: Behind = gathered
) -> dict[str, Evidence | Missing] | Missing:
    """The evidence of each load balancer or API that an API integrates with, by its address."""
    api = cast("Api | Missing", read["api"])
    if isinstance(api, Missing):
        return api
    if not api.origins:
        return NOT_LOOKED_UP
    places = {each: place_of(each, None, scope.entry_point.region) for each in api.origins}
    return _read(scope, read, places, behind)


def _read(
    scope: Scope, read: Mapping[str, object], places: Mapping[str, Place | Missing], behind: Behind
) -> dict[str, Evidence | Missing]:
    known = {id_: each for id_, each in places.items() if not isinstance(each, Missing)}
    asked = dict(islice(known.items(), MOST_ORIGINS))
    with ThreadPoolExecutor(1 + MOST_ORIGINS) as threads:
        changes = threads.submit(_changes, scope, read, asked)
        entered = entry_points(scope, asked)
        found = dict(zip(asked, threads.map(partial(_evidence, scope, entered, behind), asked), strict=True))
    beyond = Missing(f"only {MOST_ORIGINS} of {len(known)} origins were read")
    recorded = {id_: _with_changes(each, changes.result()[asked[id_].region]) for id_, each in found.items()}
    return {
        id_: each if isinstance(each, Missing) else recorded.get(id_, beyond) for id_, each in places.items()
    }


def _evidence(
    scope: Scope, entered: Mapping[str, EntryPoint | Missing | None], behind: Behind, id_: str
) -> Evidence | Missing:
    entry_point = entered[id_]
    if isinstance(entry_point, Missing):
        return entry_point
    if entry_point is None:
        return Evidence(scope.now, NOT_LOOKED_UP, kind=BUCKET)
    return behind(_inside(scope, entry_point))


def _with_changes(origin: Evidence | Missing, changes: Changes | Missing) -> Evidence | Missing:
    return origin if isinstance(origin, Missing) else replace(origin, changes=changes)


def _inside(scope: Scope, entry_point: EntryPoint) -> Scope:
    """The scope of an origin: the same minutes, its own region's clients."""
    return replace(
        scope,
        clients=lambda service: scope.client_in(service, entry_point.region),
        entry_point=entry_point,
        elsewhere=scope.client_in,
    )


def _changes(
    scope: Scope, read: Mapping[str, object], asked: Mapping[str, Place]
) -> dict[str, Changes | Missing]:
    """What CloudTrail shows of each region, asked once: the account shares two look-ups a second in each."""
    own = cast("Changes | Missing", read["changes"])
    first = {each.region: each.kind for each in reversed(list(asked.values()))}
    elsewhere = [region for region in first if region != scope.entry_point.region]
    found = read_each("cloudtrail", elsewhere, lambda region: _changes_in(scope, region, first[region]))
    return {scope.entry_point.region: own, **found}


def _changes_in(scope: Scope, region: str, kind: str) -> Changes | Missing:
    """The region's own writes; those of global services are the entry point's reading already."""
    about = replace(scope.entry_point, kind=RECORDED_AS[kind], region=region)
    return collect_changes(replace(_inside(scope, about), elsewhere=None), {})


READINGS_FOR_EDGE = (
    Reading(
        "origins",
        "elbv2",
        ("edge", "changes"),
        PERMISSIONS,
        collect_origins_of_edge,
        on_demand=True,
    ),
)
READINGS_FOR_API = (
    Reading("origins", "elbv2", ("api", "changes"), PERMISSIONS, collect_origins_of_api, on_demand=True),
)
