"""Deployments of functions: an alias that was shifted, or new code, in the form in which all are weighed.

Who calls UpdateAlias shows in CloudTrail. Where that is not yet seen, a version published just before the
onset to which the alias points tells as much.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from diagnosis.effects import bare_name, service_of
from diagnosis.evidence import Change, Changes, Deployment, DeploymentGroup, Evidence, Missing, Revision
from diagnosis.systems.functions import Function

SHIFTS, NEW_CODE = "UpdateAlias", "UpdateFunctionCode"
NEWEST = "$LATEST"
# CodeDeploy shifts an alias while its deployment goes on; its times and CloudTrail's differ by seconds.
MARGIN = timedelta(minutes=1)
# A version that was published so lately may have been put behind the alias within the time looked at.
LATELY = timedelta(hours=3)
UNTOLD = Missing("which function it shifts could not be told")


def native_deployments(evidence: Evidence) -> tuple[Deployment, ...]:
    """What was deployed to the functions without CodeDeploy, newest first."""
    functions = {} if isinstance(evidence.functions, Missing) else evidence.functions
    calls = [each for each in _calls(evidence) if not _by_codedeploy(each)]
    found = [each for function in functions.values() for each in _of(function, calls, evidence)]
    return tuple(sorted(found, key=lambda each: (each.created, each.id), reverse=True))


def _calls(evidence: Evidence) -> Sequence[Change]:
    """Recorded calls that put other code behind a function's name, oldest first."""
    changes = evidence.changes.found if isinstance(evidence.changes, Changes) else ()
    ours = (each for each in changes if service_of(each) == "lambda" and each.error is None)
    return sorted((each for each in ours if bare_name(each.name) in (SHIFTS, NEW_CODE)), key=lambda e: e.at)


def _by_codedeploy(change: Change) -> bool:
    return "codedeploy" in change.by.lower()


def _of(function: Function, calls: Sequence[Change], evidence: Evidence) -> Iterator[Deployment]:
    own = [each for each in calls if function_of(each) == function.name]
    shifts = [each for each in own if bare_name(each.name) == SHIFTS]
    yield from _shifted(function, shifts)
    if function.qualifier is None:
        yield from (_new_code(function, each) for each in own if bare_name(each.name) == NEW_CODE)
    seen = {f"{function.name}:{_asked(each, 'name')}:{_version(each)}" for each in shifts}
    unseen = _published_lately(function, evidence)
    if unseen and unseen.id not in seen and not _made_by_codedeploy(unseen, evidence):
        yield unseen


def function_of(change: Change) -> str:
    """The name of the function that a call is about; requests name it by name or by ARN."""
    asked = _asked(change, "functionName") or next(iter(change.resources), "")
    return asked.split(":function:", 1)[-1].partition(":")[0]


def _asked(change: Change, key: str) -> str:
    value = change.parameters.get(key)
    return value if isinstance(value, str) else ""


def _version(change: Change) -> str:
    """The version that a shift brings: the one with a part of the weight, else the one pointed to."""
    routing: Any = change.parameters.get("routingConfig") or {}
    weights = routing.get("additionalVersionWeights") if isinstance(routing, dict) else None
    return str(next(iter(weights), "")) if isinstance(weights, dict) and weights else _pointed_to(change)


def _pointed_to(change: Change) -> str:
    return _asked(change, "functionVersion")


def _shifted(function: Function, shifts: Sequence[Change]) -> Iterator[Deployment]:
    """Every version that an alias was shifted to: its first share begins it, the whole ends it."""
    steps: dict[tuple[str, str], list[Change]] = {}
    for each in shifts:
        if _version(each):
            steps.setdefault((_asked(each, "name"), _version(each)), []).append(each)
    for (alias, version), made in steps.items():
        whole = next((each for each in made if _pointed_to(each) == version), None)
        yield _deployment(function, alias, version, made[0].by, made[0].at, whole.at if whole else None)


def _new_code(function: Function, call: Change) -> Deployment:
    """New code of a function that is called without an alias serves at once."""
    made = _deployment(function, NEWEST, NEWEST, call.by, call.at, call.at)
    digest = call.parameters.get("s3Key") or call.parameters.get("imageUri") or f"{call.at:%H:%M:%S}"
    return replace(
        made,
        id=f"{function.name}:{call.at:%Y-%m-%dT%H:%M:%S}",
        revision=Revision("Lambda", f"{function.name}:{digest}", f"code of {call.at:%H:%M:%S}"),
    )


def _published_lately(function: Function, evidence: Evidence) -> Deployment | None:
    """The version behind the alias, if it was published within the time looked at."""
    alias = function.alias
    versions = () if isinstance(function.versions, Missing) else function.versions
    by_number = {each.number: each for each in versions}
    for number in reversed(alias.versions if alias else ()):
        version = by_number.get(number)
        if alias and version and version.published and version.published >= evidence.now - LATELY:
            whole = None if alias.weights else version.published
            return _deployment(function, alias.name, number, "unknown", version.published, whole)
    return None


def _made_by_codedeploy(unseen: Deployment, evidence: Evidence) -> bool:
    """Whether a deployment of CodeDeploy since about its publication may be the one that shifted to it."""
    found = () if isinstance(evidence.deployments, Missing) else evidence.deployments.found
    for each in found:
        names = {*_targets(each), *_shifted_by(evidence, each)} if each.platform == "Lambda" else None
        ours = names is not None and (not names or unseen.application in names)
        if ours and each.created >= unseen.created - LATELY:
            return True
    return False


def _deployment(
    function: Function, alias: str, version: str, by: str, begun: datetime, whole: datetime | None
) -> Deployment:
    return Deployment(
        id=f"{function.name}:{alias}:{version}",
        application=function.name,
        group_name=alias,
        status="Succeeded" if whole else "InProgress",
        creator=by,
        platform="Lambda",
        created=begun,
        started=begun,
        completed=whole,
        revision=Revision("Lambda", f"{function.name}:{version}", f"version {version}"),
        style="BLUE_GREEN",
        group=DeploymentGroup(
            application=function.name,
            name=alias,
            target_groups=_served(function, alias),
            style="BLUE_GREEN",
        ),
        system="lambda",
    )


def _served(function: Function, alias: str) -> tuple[str, ...]:
    """What it serves: the function and its target groups, if this alias is the one that is asked."""
    if alias not in (function.qualifier or NEWEST, ""):
        return (f"{function.name}:{alias}",)
    return (function.name, *(each.split("/")[1] for each in function.groups if "/" in each))


def placed(evidence: Evidence, found: Iterable[Deployment]) -> tuple[Deployment, ...]:
    """The deployments of CodeDeploy, those of functions with what they deploy to.

    CodeDeploy names the function only in its targets; what it did to which alias shows in CloudTrail.
    """
    return tuple(_placed(evidence, each) if each.platform == "Lambda" else each for each in found)


def _placed(evidence: Evidence, deployment: Deployment) -> Deployment:
    names = {*_targets(deployment), *_shifted_by(evidence, deployment)}
    if not names or isinstance(deployment.group, Missing):
        return replace(deployment, group=UNTOLD)
    functions = {} if isinstance(evidence.functions, Missing) else evidence.functions
    groups = {
        each.split("/")[1]
        for name in names
        if name in functions
        for each in functions[name].groups
        if "/" in each
    }
    return replace(deployment, group=replace(deployment.group, target_groups=tuple(sorted(names | groups))))


def _targets(deployment: Deployment) -> Iterator[str]:
    targets = () if isinstance(deployment.targets, Missing) else deployment.targets
    yield from (each.id.partition(":")[0] for each in targets)


def _shifted_by(evidence: Evidence, deployment: Deployment) -> Iterator[str]:
    end = (deployment.completed or evidence.now) + MARGIN
    for each in _calls(evidence):
        if _by_codedeploy(each) and deployment.begun - MARGIN <= each.at <= end:
            yield function_of(each)
