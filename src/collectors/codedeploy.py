"""Reads the deployments around the alarm, what they deploy to, and what could be gone back to.

CodeDeploy cannot be asked what deploys to a target group, so all deployments of the account are listed by
time; each tells its application and its target groups. The calls are four deep: ids; deployments; their
groups with tags and history; and last their targets and the deployments of the history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from collectors.codedeploy_answers import (
    parse_deployments,
    parse_groups,
    parse_tags,
    parse_targets,
    target_groups_of,
)
from collectors.codedeploy_plan import DeploymentRecords, Pair, Plan, newest_first, pair_of, plan
from collectors.reading import NOT_LOOKED_UP, Reading, Scope, UnreadableAnswerError, ask_all, read_each
from diagnosis.arn import partition
from diagnosis.evidence import (
    Deployment,
    DeploymentGroup,
    Deployments,
    DeploymentTarget,
    Missing,
    TargetGroup,
)

if TYPE_CHECKING:
    from mypy_boto3_codedeploy import CodeDeployClient

LOOK_BACK = timedelta(hours=24)
# A blue/green deployment may wait and shift for as long as this (CodeDeploy user guide, "Limits": 109 h on
# EC2, 120 h of waiting on ECS).
LONGEST_DEPLOYMENT = timedelta(hours=120)
RUNNING = ("Created", "Queued", "InProgress", "Baking", "Ready")
MOST_DEPLOYMENTS = 100
MOST_TARGETS = 100
# BatchGetDeployments and BatchGetDeploymentTargets take 25 ids (CodeDeploy API reference).
BATCH = 25


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids of deployments in the order in which they were listed, and whether there were no more."""

    ids: tuple[str, ...]
    complete: bool


def _client(scope: Scope) -> CodeDeployClient:
    return cast("CodeDeployClient", scope.clients("codedeploy"))


def collect_deployment_ids(scope: Scope, read: Mapping[str, object]) -> Ids | Missing:
    """Which deployments were created in the last day, and which older ones still run."""
    day, oldest = scope.now - LOOK_BACK, scope.now - LONGEST_DEPLOYMENT
    recent_ones = {"createTimeRange": {"start": day, "end": scope.now}}
    running_ones = {"createTimeRange": {"start": oldest, "end": day}, "includeOnlyStatuses": RUNNING}
    listed = ask_all(
        "codedeploy",
        {
            "recent": partial(_ids, _client(scope), recent_ones),
            "running": partial(_ids, _client(scope), running_ones),
        },
    )
    recent, running = listed["recent"], listed["running"]
    if isinstance(recent, Missing):
        return recent
    if isinstance(running, Missing):
        return replace(recent, complete=False)
    ids = tuple(dict.fromkeys((*running.ids, *recent.ids)))
    return Ids(ids, recent.complete and running.complete)


def _ids(client: CodeDeployClient, wanted: Mapping[str, Any]) -> Ids:
    pages = client.get_paginator("list_deployments").paginate(
        **wanted, PaginationConfig={"MaxItems": MOST_DEPLOYMENTS}
    )
    answer: Mapping[str, Any] = pages.build_full_result()
    return Ids(tuple(answer.get("deployments", ())), "NextToken" not in answer)


def collect_deployment_records(scope: Scope, read: Mapping[str, object]) -> DeploymentRecords | Missing:
    """The deployments themselves; Missing if any batch of them could not be read."""
    listed = cast("Ids | Missing", read["deployment_ids"])
    if isinstance(listed, Missing):
        return listed
    client = _client(scope)
    answers = read_each(
        "codedeploy", _batches(listed.ids), lambda ids: client.batch_get_deployments(deploymentIds=ids)
    )
    infos: list[Mapping[str, Any]] = []
    for answer in answers.values():
        if isinstance(answer, Missing):
            return answer
        infos += answer.get("deploymentsInfo", ())
    found = parse_deployments({"deploymentsInfo": infos})
    named = {each.get("deploymentId", ""): target_groups_of(each) for each in infos}
    return DeploymentRecords(found, named, listed.complete and len(found) == len(listed.ids))


def _batches(ids: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(ids[start : start + BATCH]) for start in range(0, len(ids), BATCH)]


def collect_deployments(scope: Scope, read: Mapping[str, object]) -> Deployments | Missing:
    """The deployments that may have to do with the alarm, with their groups, and the groups' earlier ones.

    Groups, tags and targets that could not be read are Missing inside. The deployments around the alarm are
    complete since the window began; of a group's history there are the newest successes.
    """
    records = cast("DeploymentRecords | Missing", read["deployment_records"])
    if isinstance(records, Missing):
        return records
    groups = cast("tuple[TargetGroup, ...] | Missing", read["target_groups"])
    planned = plan(records, groups, scope.window, scope.alarm_time)
    asked = ask_all("codedeploy", _questions(scope, planned))
    details = ask_all("codedeploy", _detail_questions(_client(scope), asked, records))
    described = _groups(scope, planned, asked)
    found = newest_first(
        [
            *planned.around,
            *(each for each in records.found if pair_of(each) in planned.pairs),
            *_history(asked, details),
        ]
    )
    return Deployments(
        since=scope.window.start,
        found=tuple(
            replace(each, group=described[pair_of(each)], targets=_targets(each.id, asked, details))
            for each in found
        ),
        truncated=not records.complete,
    )


Question: TypeAlias = tuple[str, Any]
"""The kind of a question, and what it is about."""
Answers: TypeAlias = Mapping[Question, Any]


def _questions(scope: Scope, planned: Plan) -> dict[Question, Callable[[], Any]]:
    """The third step; first those on which the fourth builds."""
    client = _client(scope)
    names: dict[str, list[str]] = {}
    for application, name in planned.described:
        names.setdefault(application, []).append(name)
    arns = dict.fromkeys(arn for pair in planned.tagged for arn in _arns(scope, pair))
    return {
        **{("target ids", id): partial(_target_ids, client, id) for id in planned.suspects},
        **{("history", pair): partial(_history_ids, client, pair) for pair in planned.histories},
        **{("groups", each): partial(_read_groups, client, each, names[each]) for each in names},
        **{("tags", arn): partial(_read_tags, client, arn) for arn in arns},
    }


def _arns(scope: Scope, pair: Pair) -> tuple[str, str]:
    """The ARNs of a deployment group and of its application (service authorization reference, CodeDeploy)."""
    region, (application, group) = scope.entry_point.region, pair
    prefix = f"arn:{partition(region)}:codedeploy:{region}:{scope.entry_point.account}"
    return f"{prefix}:deploymentgroup:{application}/{group}", f"{prefix}:application:{application}"


def _target_ids(client: CodeDeployClient, deployment: str) -> tuple[str, ...]:
    pages = client.get_paginator("list_deployment_targets").paginate(
        deploymentId=deployment, PaginationConfig={"MaxItems": MOST_TARGETS}
    )
    answer: Mapping[str, Any] = pages.build_full_result()
    if "NextToken" in answer:
        raise UnreadableAnswerError(f"more than {MOST_TARGETS} targets")
    return tuple(answer.get("targetIds", ()))


def _history_ids(client: CodeDeployClient, pair: Pair) -> Ids:
    """The group's successes, from both ends of the first page: which end is the newest is not documented."""
    answer = client.list_deployments(
        applicationName=pair[0], deploymentGroupName=pair[1], includeOnlyStatuses=["Succeeded"]
    )
    ids = answer.get("deployments", [])
    return Ids(tuple(dict.fromkeys([*ids[:BATCH], *ids[-BATCH:]])), not answer.get("nextToken"))


def _read_groups(
    client: CodeDeployClient, application: str, names: Sequence[str]
) -> dict[str, DeploymentGroup | Missing]:
    answer = client.batch_get_deployment_groups(applicationName=application, deploymentGroupNames=names)
    absent = Missing(
        f"codedeploy:BatchGetDeploymentGroups: {answer.get('errorMessage') or 'not in the answer'}"
    )
    return {**dict.fromkeys(names, absent), **parse_groups(answer)}


def _read_tags(client: CodeDeployClient, arn: str) -> dict[str, str]:
    answer = client.list_tags_for_resource(ResourceArn=arn)
    tags = parse_tags(answer)
    while token := answer.get("NextToken"):
        answer = client.list_tags_for_resource(ResourceArn=arn, NextToken=token)
        tags.update(parse_tags(answer))
    return tags


def _detail_questions(
    client: CodeDeployClient, asked: Answers, records: DeploymentRecords
) -> dict[Question, Callable[[], Any]]:
    """The fourth step: the targets by their ids, and deployments of the history not known yet."""
    known = {each.id for each in records.found}
    earlier = [id for ids in _of_kind("history", asked).values() for id in ids.ids if id not in known]
    return {
        **{("history", ids): partial(_read_deployments, client, ids) for ids in _batches(earlier)},
        **{
            ("targets", (id, ids)): partial(_read_targets, client, id, ids)
            for id, listed in _of_kind("target ids", asked).items()
            for ids in _batches(listed)
        },
    }


def _of_kind(kind: str, answers: Answers) -> dict[Any, Any]:
    """The answers to questions of one kind that could be read, by what they are about."""
    return {
        about: each for (k, about), each in answers.items() if k == kind and not isinstance(each, Missing)
    }


def _read_deployments(client: CodeDeployClient, ids: Sequence[str]) -> tuple[Deployment, ...]:
    return parse_deployments(client.batch_get_deployments(deploymentIds=ids))


def _read_targets(
    client: CodeDeployClient, deployment: str, ids: Sequence[str]
) -> tuple[DeploymentTarget, ...]:
    return parse_targets(client.batch_get_deployment_targets(deploymentId=deployment, targetIds=ids))


def _groups(scope: Scope, planned: Plan, asked: Answers) -> dict[Pair, DeploymentGroup | Missing]:
    """Every group with its tags, by application and name."""
    beyond = Missing(f"only {len(planned.described)} of {len(planned.pairs)} deployment groups were read")
    found: dict[Pair, DeploymentGroup | Missing] = dict.fromkeys(planned.pairs, beyond)
    for pair in planned.described:
        answer = asked["groups", pair[0]]
        group = answer if isinstance(answer, Missing) else answer[pair[1]]
        if isinstance(group, DeploymentGroup):
            own, of_application = (
                asked.get(("tags", arn), Missing(NOT_LOOKED_UP)) for arn in _arns(scope, pair)
            )
            group = replace(group, tags=own, application_tags=of_application)
        found[pair] = group
    return found


def _targets(deployment: str, asked: Answers, details: Answers) -> tuple[DeploymentTarget, ...] | Missing:
    ids = asked.get(("target ids", deployment), Missing(NOT_LOOKED_UP))
    if isinstance(ids, Missing):
        return ids
    batches = [details["targets", (deployment, batch)] for batch in _batches(ids)]
    unread = next((batch for batch in batches if isinstance(batch, Missing)), None)
    return unread or tuple(chain.from_iterable(batches))


def _history(asked: Answers, details: Answers) -> list[Deployment]:
    """The earlier successes, but none of a group whose newest lie on a page that was not read."""
    read = {each.id: each for batch in _of_kind("history", details).values() for each in batch}
    found: list[Deployment] = []
    for listed in _of_kind("history", asked).values():
        history = [read[id] for id in listed.ids if id in read]
        oldest_first = len(history) > 1 and history[0].created < history[-1].created
        found += [] if oldest_first and not listed.complete else history
    return found


def _reading(
    name: str,
    collect: Callable[[Scope, Mapping[str, object]], object],
    *actions: str,
    needs: tuple[str, ...] = (),
) -> Reading:
    return Reading(name, "codedeploy", needs, tuple(f"codedeploy:{action}" for action in actions), collect)


READINGS = (
    _reading("deployment_ids", collect_deployment_ids, "ListDeployments"),
    _reading(
        "deployment_records", collect_deployment_records, "BatchGetDeployments", needs=("deployment_ids",)
    ),
    _reading(
        "deployments",
        collect_deployments,
        "BatchGetDeploymentGroups",
        "ListTagsForResource",
        "ListDeploymentTargets",
        "BatchGetDeploymentTargets",
        "ListDeployments",
        "BatchGetDeployments",
        needs=("deployment_records", "target_groups"),
    ),
)
PERMISSIONS = tuple(sorted({permission for reading in READINGS for permission in reading.permissions}))
