"""Which functions stand behind an entry point: target groups, integrations and behaviours name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from collectors.reading import Scope
from diagnosis.series import Missing
from diagnosis.systems.edge import Distribution
from diagnosis.systems.gateway import Api


@dataclass(frozen=True, slots=True)
class Called:
    """A function that the entry point calls: its ARN, the alias or version, the target groups it is in."""

    arn: str
    qualifier: str | None = None
    groups: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The function's name."""
        return self.arn.split(":")[6]


def called(arn: str, group: str | None = None) -> Called | None:
    """A function by its ARN, with or without a qualifier (arn:aws:lambda:...:function:name:alias)."""
    parts = arn.split(":")
    if len(parts) < 7 or parts[2] != "lambda" or parts[5] != "function" or not parts[6]:
        return None
    qualifier = parts[7] if len(parts) > 7 and parts[7] not in ("", "$LATEST") else None
    return Called(":".join(parts[:7]), qualifier, (group,) if group else ())


def behind_load_balancer(scope: Scope, read: Mapping[str, object]) -> list[Called]:
    """The targets of groups of type lambda."""
    health = cast("Mapping[str, Any] | Missing", read["target_health"])
    targets = {} if isinstance(health, Missing) else health
    found = (
        called(target.id, group)
        for group, registered in targets.items()
        if not isinstance(registered, Missing)
        for target in registered
        if target.id.startswith("arn:")
    )
    return _each_once(found)


def behind_api(scope: Scope, read: Mapping[str, object]) -> list[Called]:
    """The functions of routes, then those of authorizers."""
    api = cast("Api | Missing", read["api"])
    if isinstance(api, Missing):
        return []
    place = f"arn:aws:lambda:{scope.entry_point.region}:{scope.entry_point.account}:function:"
    routes = [(each.function, each.qualifier) for each in api.known_integrations if each.function]
    deciding = [(each.function, None) for each in api.known_authorizers if each.function]
    return _each_once(called(f"{place}{name}:{qualifier or ''}") for name, qualifier in (*routes, *deciding))


def behind_edge(scope: Scope, read: Mapping[str, object]) -> list[Called]:
    """Lambda@Edge versions of the behaviours; a function URL tells no name, so it stays unknown."""
    known = cast("Distribution | Missing", read["distribution"])
    return [] if isinstance(known, Missing) else _each_once(map(called, known.lambda_functions))


def _each_once(found: Iterable[Called | None]) -> list[Called]:
    """Every function once, with all the target groups that it is in."""
    by_name: dict[str, Called] = {}
    for each in found:
        if each is not None:
            known = by_name.get(each.name, each)
            groups = tuple(dict.fromkeys((*known.groups, *each.groups)))
            by_name[each.name] = replace(known, groups=groups)
    return list(by_name.values())
