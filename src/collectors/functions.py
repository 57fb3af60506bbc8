"""Reads the Lambda functions behind an entry point: settings, limits, aliases, who may call, and figures.

Which functions these are is known from target groups of type lambda, from the integrations of an API, or from
the behaviours and origins of a distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from collectors import function_answers as answers
from collectors.function_logs import LOG_PERMISSIONS, read_log
from collectors.function_names import Called, behind_api, behind_edge, behind_load_balancer
from collectors.metric_data import PERMISSION as METRICS_PERMISSION
from collectors.metric_data import Asked, read_series
from collectors.reading import READ_ERRORS, Answer, Reading, Scope, ask_all, failure, read_each
from diagnosis.series import NOT_LOOKED_UP, MetricKey, Metrics, Missing
from diagnosis.systems.functions import ALIAS, VERSION, Alias, Function

SERVICE, NAMESPACE = "lambda", "AWS/Lambda"
PERMISSIONS = (
    "lambda:GetFunctionConfiguration",
    "lambda:GetFunctionConcurrency",
    "lambda:GetAccountSettings",
    "lambda:GetPolicy",
    "lambda:ListAliases",
    "lambda:ListVersionsByFunction",
)
# The control plane answers 15 calls a second, the account's other tools included (Lambda quotas), and every
# function takes five.
MOST_FUNCTIONS = 6
MOST_VERSIONS = 3
EDGE_HOME = "us-east-1"
# Metric -> statistics (Lambda developer guide, "Types of metrics"). Durations are in milliseconds.
COUNTS = ("Errors", "Invocations", "Throttles", "ProvisionedConcurrencySpilloverInvocations")
PUBLISHED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(COUNTS, ("Sum",)),
    "Duration": ("Average", "Maximum", "p99"),
    "ConcurrentExecutions": ("Maximum",),
}
BY_ALIAS: Mapping[str, tuple[str, ...]] = {name: PUBLISHED[name] for name in (*COUNTS, "Duration")}
BY_VERSION: Mapping[str, tuple[str, ...]] = dict.fromkeys(("Errors", "Invocations"), ("Sum",))
OF_ACCOUNT: Mapping[str, tuple[str, ...]] = dict.fromkeys(
    ("ConcurrentExecutions", "UnreservedConcurrentExecutions"), ("Maximum",)
)
ACCOUNT = "account"


# --- What is known of them ---


def collect_functions(
    which: Callable[[Scope, Mapping[str, object]], list[Called]],
    scope: Scope,
    read: Mapping[str, object],
    region: str | None = None,
) -> Mapping[str, Function] | Missing:
    """The functions behind the entry point by name; not looked up where there are none."""
    found = which(scope, read)[:MOST_FUNCTIONS]
    if not found:
        return NOT_LOOKED_UP
    client = scope.client_in(SERVICE, region) if region else scope.clients(SERVICE)
    settled = ask_all(SERVICE, dict(_questions(client, found)))
    functions = [_function(each, settled) for each in found]
    figures = _figures(scope, functions, region)
    known = {each.name: replace(each, metrics=figures[each.name]) for each in functions}
    # All at once: each search may take ten seconds.
    logs = read_each("logs", known, lambda name: read_log(scope, known[name], read, region))
    return {name: replace(each, log=logs[name]) for name, each in known.items()}


def _questions(client: Any, found: Sequence[Called]) -> Iterator[tuple[tuple[str, str], Callable[[], Any]]]:
    for each in found:
        name, qualified = {"FunctionName": each.name}, {"FunctionName": each.name}
        if each.qualifier:
            qualified["Qualifier"] = each.qualifier
        yield (each.name, "settings"), partial(_settings, client, qualified)
        yield (each.name, "reserved"), partial(_reserved, client, name)
        yield (each.name, "callers"), partial(_callers, client, qualified)
        yield (each.name, "aliases"), partial(_aliases, client, name)
        yield (each.name, "versions"), partial(_versions, client, name)
    yield ("", "account_limit"), partial(_account_limit, client)


def _settings(client: Any, asked: Mapping[str, str]) -> Any:
    try:
        return answers.parse_settings(client.get_function_configuration(**asked))
    except ClientError as error:
        return _none_if_absent(error)


def _reserved(client: Any, asked: Mapping[str, str]) -> int | None:
    answer: Answer = client.get_function_concurrency(**asked)
    return answer.get("ReservedConcurrentExecutions")


def _callers(client: Any, asked: Mapping[str, str]) -> Any:
    """A function without a resource policy answers ResourceNotFoundException (API reference, GetPolicy)."""
    try:
        return answers.parse_callers(client.get_policy(**asked))
    except ClientError as error:
        return _none_if_absent(error)


def _none_if_absent(error: ClientError) -> None:
    if error.response.get("Error", {}).get("Code") != "ResourceNotFoundException":
        raise error


def _aliases(client: Any, asked: Mapping[str, str]) -> Any:
    return answers.parse_aliases(client.list_aliases(**asked, MaxItems=answers.MOST_ALIASES))


def _versions(client: Any, asked: Mapping[str, str]) -> Any:
    """The newest published versions; they are listed oldest first, so pages are followed to the end."""
    pages: list[Answer] = []
    token: dict[str, str] = {}
    for _ in range(answers.MOST_PAGES):
        pages.append(client.list_versions_by_function(**asked, **token, MaxItems=answers.PAGE))
        if not pages[-1].get("NextMarker"):
            break
        token = {"Marker": pages[-1]["NextMarker"]}
    return answers.parse_versions(pages)


def _account_limit(client: Any) -> int | Missing:
    limit: int | None = client.get_account_settings().get("AccountLimit", {}).get("ConcurrentExecutions")
    return Missing("the account's concurrency limit was not told") if limit is None else limit


def _function(each: Called, settled: Mapping[tuple[str, str], Any]) -> Function:
    of_its_own = ("settings", "reserved", "callers", "aliases", "versions")
    told = {name: settled[each.name, name] for name in of_its_own}
    return Function(
        name=each.name,
        arn=each.arn,
        qualifier=each.qualifier,
        groups=each.groups,
        account_limit=settled["", "account_limit"],
        **told,
    )


# --- Their figures ---


def _figures(scope: Scope, functions: Sequence[Function], region: str | None) -> dict[str, Metrics | Missing]:
    """The figures of every function, read in one call and told apart by the name before their part."""
    asked = {
        MetricKey(key.name, key.statistic, part=f"{each.name} {key.part or ''}"): question
        for each in functions
        for key, question in _asked(each)
    }
    try:
        found = read_series(scope, asked, region)
    except READ_ERRORS as error:
        found = failure("cloudwatch", error)
    if isinstance(found, Missing):
        return {each.name: found for each in functions}
    return {each.name: _of(each.name, found) for each in functions}


def _of(name: str, found: Metrics) -> Metrics:
    def own(key: MetricKey) -> MetricKey | None:
        owner, _, part = (key.part or "").partition(" ")
        return key._replace(part=part or None) if owner == name else None

    series = {mine: values for key, values in found.series.items() if (mine := own(key))}
    unread = {mine: reason for key, reason in found.unread.items() if (mine := own(key))}
    return Metrics(found.window, series, unread)


def _asked(function: Function) -> Iterator[tuple[MetricKey, Asked]]:
    whole = {"FunctionName": function.name}
    yield from _of_part(None, whole, PUBLISHED)
    yield from _of_part(ACCOUNT, {}, OF_ACCOUNT)
    if function.qualifier is None:
        return
    resource = whole | {"Resource": f"{function.name}:{function.qualifier}"}
    yield from _of_part(f"{ALIAS}{function.qualifier}", resource, BY_ALIAS)
    for version in _live_versions(function):
        yield from _of_part(f"{VERSION}{version}", resource | {"ExecutedVersion": version}, BY_VERSION)


def _of_part(
    part: str | None, dimensions: Mapping[str, str], published: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[MetricKey, Asked]]:
    for name, statistics in published.items():
        for statistic in statistics:
            yield MetricKey(name, statistic, part=part), Asked(NAMESPACE, name, statistic, dimensions)


def _live_versions(function: Function) -> tuple[str, ...]:
    """The versions that may have served through the alias lately: those it names, then the newest ones.

    ExecutedVersion is published for weighted aliases only (developer guide, "Dimensions").
    """
    alias: Alias | None = function.alias
    named = alias.versions if alias else ()
    newest = () if isinstance(function.versions, Missing) else function.versions
    return tuple(dict.fromkeys((*named, *(each.number for each in newest))))[:MOST_VERSIONS]


_ALL = (*PERMISSIONS, METRICS_PERMISSION, *LOG_PERMISSIONS)


def _reading(
    needs: tuple[str, ...],
    which: Callable[[Scope, Mapping[str, object]], list[Called]],
    region: str | None = None,
) -> tuple[Reading, ...]:
    collect = partial(collect_functions, which, region=region)
    return (Reading("functions", SERVICE, needs, _ALL, collect, on_demand=True),)


READINGS_FOR_LOAD_BALANCER = _reading(("target_health", "metrics"), behind_load_balancer)
READINGS_FOR_API = _reading(("api", "metrics"), behind_api)
READINGS_FOR_EDGE = _reading(("distribution", "metrics"), behind_edge, EDGE_HOME)
