"""The famous incident, and variants of it: the scenario file with changes laid over it."""

import copy
from collections.abc import Mapping
from typing import Any

import yaml

from lab import Scenario, parse
from lab.loading import DIRECTORY

RELEASE = "release-breaks-responses"
SECURITY_GROUP = "security-group-change-same-minutes"
GOOD, BAD = "order-api-v2.3.1.zip", "order-api-v2.4.0.zip"
NEW, OLD = "d-NEW240XYZ", "d-OLD231XYZ"


def changed(name: str = RELEASE, **changes: Any) -> Scenario:
    """The scenario of that name with changes; mappings are merged, everything else is replaced."""
    content = yaml.safe_load((DIRECTORY / f"{name}.yaml").read_text(encoding="utf-8"))
    return parse(yaml.safe_dump(_merged(content, changes)), name=name)


def with_deployment(deployment: Mapping[str, Any]) -> Scenario:
    """The famous incident with one more deployment of the same group."""
    content = yaml.safe_load((DIRECTORY / f"{RELEASE}.yaml").read_text(encoding="utf-8"))
    same = {key: content["deployments"][0][key] for key in ("application", "group", "target_groups", "tags")}
    return changed(deployments=[{**same, **deployment}, *content["deployments"]])


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    result = copy.deepcopy(dict(base))
    for key, value in changes.items():
        inner = result.get(key)
        both = isinstance(value, Mapping) and isinstance(inner, dict)
        result[key] = _merged(inner, value) if both else value
    return result
