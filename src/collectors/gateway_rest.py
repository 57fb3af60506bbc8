"""Reads a REST API: found by its name, with what is deployed to its stages and what it is limited to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from collectors import gateway_answers as answers
from collectors.gateway_pages import PAGE, SERVICE, pages
from collectors.reading import (
    READ_ERRORS,
    Answer,
    Scope,
    UnreadableAnswerError,
    ask_all,
    failure,
    in_utc,
    read_each,
)
from diagnosis.series import Missing
from diagnosis.systems.gateway import REST, Api, Limit, Stage

# Of APIs with one name so many are looked into, and so many stages of one.
MOST_NAMESAKES, MOST_STAGES = 4, 10


def named(scope: Scope) -> list[Answer]:
    """The REST APIs of this name, the newest first. CloudWatch leaves out all but ASCII characters of a name,
    and takes the id where nothing remains (API Gateway developer guide, "Amazon API Gateway dimensions").
    """
    wanted = scope.entry_point.dimensions["ApiName"]
    listed = pages(scope.clients("apigateway").get_rest_apis, "position", "items", limit=PAGE)
    found = [each for each in listed if _published_name(each) == wanted]
    if not found:
        raise UnreadableAnswerError(f"there is no REST API named {wanted[:64]}")
    return sorted(found, key=lambda each: each.get("createdDate", _NEVER), reverse=True)


_NEVER = datetime.min.replace(tzinfo=UTC)


def _published_name(api: Answer) -> str:
    name: str = api.get("name", "")
    return name.encode("ascii", "ignore").decode() or str(api.get("id", ""))


def rest_api(scope: Scope, candidates: Sequence[Answer], stage: str | None) -> Api:
    """The one of these APIs that is meant, with all but its access log."""
    client = scope.clients("apigateway")
    ids = [each["id"] for each in candidates[:MOST_NAMESAKES]]
    listed = read_each(SERVICE, ids, partial(_rest_stages, client))
    id_ = _the_one(listed, stage)
    names = {each["id"]: each.get("name", "") for each in candidates}
    parts: dict[str, Callable[[], Any]] = {
        "stages": partial(_with_deployments, scope, id_, listed[id_]),
        "integrations": partial(_rest_integrations, client, id_, _variables(listed[id_], stage)),
        "authorizers": lambda: answers.rest_authorizers(client.get_authorizers(restApiId=id_, limit=PAGE)),
        "usage_plans": lambda: answers.usage_plans(
            pages(client.get_usage_plans, "position", "items", limit=PAGE), id_, stage
        ),
        "account_limit": lambda: _account_limit(client.get_account()),
    }
    found = ask_all(SERVICE, parts)
    return Api(
        id=id_,
        name=names[id_],
        kind=REST,
        stage=stage,
        namesakes=tuple(other for other in names if other != id_),
        stages=found["stages"],
        integrations=found["integrations"],
        authorizers=found["authorizers"],
        usage_plans=found["usage_plans"],
        account_limit=found["account_limit"],
    )


def _rest_stages(client: Any, id_: str) -> list[Answer]:
    return list(client.get_stages(restApiId=id_).get("item", ()))[:MOST_STAGES]


def _the_one(listed: Mapping[str, list[Answer] | Missing], stage: str | None) -> str:
    """Of APIs that share a name the one that has the stage, else the one whose stages changed last."""

    def rank(id_: str) -> tuple[bool, datetime]:
        stages = listed[id_]
        known = [] if isinstance(stages, Missing) else stages
        moments = [each.get("lastUpdatedDate", _NEVER) for each in known]
        return any(each.get("stageName") == stage for each in known), max(moments, default=_NEVER)

    return max(listed, key=rank)


def _variables(stages: list[Answer] | Missing, stage: str | None) -> Mapping[str, str]:
    """The variables that may stand in addresses: of the stage, of the only one, or none."""
    known = [] if isinstance(stages, Missing) else stages
    named = [each for each in known if len(known) == 1 or each.get("stageName") == stage]
    return named[0].get("variables", {}) if named else {}


def _with_deployments(scope: Scope, id_: str, listed: list[Answer] | Missing) -> tuple[Stage, ...] | Missing:
    """The stages; of those that were changed within the window also when and what was deployed to them."""
    if isinstance(listed, Missing):
        return listed
    return tuple(
        _with_deployment(scope, id_, each) if each.updated and each.updated >= scope.window.start else each
        for each in map(answers.rest_stage, listed)
    )


def _with_deployment(scope: Scope, id_: str, stage: Stage) -> Stage:
    client = scope.clients("apigateway")
    try:
        listed = pages(client.get_deployments, "position", "items", restApiId=id_, limit=PAGE)
        times = {each.get("id", ""): in_utc(each.get("createdDate")) or _NEVER for each in listed}
        at = times.get(stage.deployment or "")
        others = {key: value for key, value in times.items() if key != stage.deployment}
        if not others or stage.deployment is None:
            return replace(stage, deployed=at)
        before = max(others, key=lambda key: others[key])
        now, then = (_routes(client, id_, each) for each in (stage.deployment, before))
    except READ_ERRORS as error:
        return replace(stage, lost_routes=failure(SERVICE, error))
    # A stage that was pointed back at an older deployment serves that since the stage was changed.
    deployed = stage.updated if at is not None and at < others[before] else at
    return replace(stage, deployed=deployed, lost_routes=tuple(sorted(then - now))[: answers.MOST_ROUTES])


def _routes(client: Any, id_: str, deployment: str) -> frozenset[str]:
    return answers.deployed_routes(
        client.get_deployment(restApiId=id_, deploymentId=deployment, embed=["apisummary"])
    )


def _rest_integrations(client: Any, id_: str, variables: Mapping[str, str]) -> object:
    resources = pages(client.get_resources, "position", "items", restApiId=id_, limit=PAGE, embed=["methods"])
    return answers.rest_integrations(resources, variables)


def _account_limit(answer: Answer) -> Limit | Missing:
    settings: Answer = answer.get("throttleSettings", {})
    if "rateLimit" not in settings:
        return Missing("the account's limit was not told")
    return Limit(float(settings["rateLimit"]), settings.get("burstLimit"))
