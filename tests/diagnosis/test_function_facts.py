"""A function around the onset, and the deployments that its aliases tell of."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from diagnosis.evidence import (
    Change,
    Changes,
    Deployment,
    DeploymentGroup,
    Deployments,
    Evidence,
    MetricKey,
    Metrics,
    Missing,
    Window,
)
from diagnosis.facts.alias_shifts import native_deployments, placed
from diagnosis.facts.functions import FunctionFacts, derive_functions
from diagnosis.shift import Span
from diagnosis.systems.functions import (
    Alias,
    Function,
    FunctionLog,
    FunctionSettings,
    LogLines,
    Trouble,
    Version,
)
from diagnosis.systems.gateway import AccessLog, Answered, Api, Integration

NOW = datetime(2026, 11, 20, 14, 47, 10, tzinfo=UTC)
MINUTES = 120
WINDOW = Window(datetime(2026, 11, 20, 12, 47, tzinfo=UTC), MINUTES)
ONSET = 110
SPAN = Span(0, ONSET, MINUTES)
ARN = "arn:aws:lambda:eu-west-1:111122223333:function:orders"
SETTINGS = FunctionSettings("python3.12", 512, 10.0, "/aws/lambda/orders")


def at(minute: float) -> datetime:
    """So many minutes after the onset."""
    return WINDOW.minute(ONSET) + timedelta(minutes=minute)


def line(before: float, after: float, since: int = ONSET) -> tuple[float | None, ...]:
    return (before,) * since + (after,) * (MINUTES - since)


def function(settings: FunctionSettings = SETTINGS, **figures: tuple[float | None, ...]) -> Function:
    """A function with a thousand invocations a minute and what is given besides."""
    named = {"Invocations": line(1000, 1000), **figures}
    series = {_key(name): values for name, values in named.items()}
    return Function("orders", ARN, settings=settings, metrics=Metrics(WINDOW, series))


def _key(name: str) -> MetricKey:
    statistic = {"Duration": "Average", "Slowest": "Maximum", "ConcurrentExecutions": "Maximum"}.get(name)
    return MetricKey("Duration" if name == "Slowest" else name, statistic or "Sum")


def evidence(*functions: Function, **more: Any) -> Evidence:
    """An API of a thousand requests a minute, of which three hundred fail since the onset."""
    series: Mapping[MetricKey, tuple[float | None, ...]] = {
        MetricKey("Count", "Sum"): line(1000, 1000),
        MetricKey("5XXError", "Sum"): line(0, 300),
    }
    named = {each.name: each for each in functions}
    return Evidence(now=NOW, metrics=Metrics(WINDOW, series), kind="apigateway", functions=named, **more)


def facts(made: Function, **more: Any) -> FunctionFacts:
    (found,) = derive_functions(evidence(made, **more), SPAN)
    return found


def test_a_function_fails_when_its_errors_are_a_part_of_what_fails_in_front_of_it() -> None:
    assert facts(function(Errors=line(0, 290))).failing
    assert not facts(function(Errors=line(0, 4))).failing
    assert not facts(function()).failing


def test_errors_of_long_invocations_count_from_where_they_began() -> None:
    slow = replace(SETTINGS, timeout_seconds=300.0)
    found = facts(function(slow, Errors=line(0, 290, since=ONSET - 5)))

    assert found.errors.before == 0.0
    assert found.errors.risen


def test_calls_that_were_throttled_are_in_neither_errors_nor_invocations() -> None:
    found = facts(
        function(
            Invocations=line(1000, 700),
            Throttles=line(0, 300),
            ConcurrentExecutions=line(20, 40),
        )
    )

    assert found.breaks
    assert not found.errors.risen
    assert not found.starved


@pytest.mark.parametrize(("after", "starved"), [(0, True), (300, True), (800, False)])
def test_a_function_is_starved_when_its_invocations_vanish_but_the_requests_do_not(
    after: float, starved: bool
) -> None:
    assert facts(function(Invocations=line(1000, after))).starved is starved


def test_it_is_at_its_time_out_when_the_longest_take_all_of_it() -> None:
    found = facts(function(Errors=line(0, 290), Slowest=line(900, 10_002)))

    assert found.at_timeout == 1.0
    assert found.at_timeout_before == 0.0


def test_the_limit_is_the_reserved_one_or_else_the_accounts() -> None:
    made = function(ConcurrentExecutions=line(20, 40))
    own = facts(replace(made, reserved=40))
    shared = facts(replace(made, reserved=None, account_limit=1000))

    assert (own.limit, own.limit_is_reserved, own.at_limit) == (40, True, True)
    assert (shared.limit, shared.limit_is_reserved, shared.at_limit) == (1000, False, False)


def test_errors_on_one_version_only_are_told() -> None:
    made = function(Errors=line(0, 100))
    assert isinstance(made.metrics, Metrics)
    by_version = {
        MetricKey("Invocations", "Sum", part="version:41"): line(1000, 900),
        MetricKey("Invocations", "Sum", part="version:42"): line(0, 100),
        MetricKey("Errors", "Sum", part="version:42"): line(0, 100),
    }
    series = {**made.metrics.series, **by_version}

    assert facts(replace(made, metrics=Metrics(WINDOW, series))).bad_version == "42"


def test_what_the_log_told_all_day_is_taken_off() -> None:
    quiet = [LogLines(at(minute), Trouble.EXCEPTION, 4) for minute in range(-10, 10)]
    killed = [LogLines(at(minute), Trouble.OUT_OF_MEMORY, 30) for minute in range(10)]
    log = FunctionLog("/g", at(-10), 380, truncated=False, found=(*quiet, *killed))

    found = facts(replace(function(Errors=line(0, 290)), log=log))

    assert found.told(Trouble.OUT_OF_MEMORY) == 1.0
    assert found.told(Trouble.EXCEPTION) == 0.0


def test_an_api_blames_its_only_function_and_by_its_log_the_failing_route() -> None:
    routes = (
        Integration("GET /a", "lambda", 29_000, function="orders"),
        Integration("GET /b", "lambda", 29_000, function="search"),
    )
    other = replace(function(), name="search")
    log = AccessLog(at(-10), 9, False, (Answered(at(1), 502, 90, route="GET /b"),))
    alone = evidence(function(), gateway=Api("a", "a", "rest", integrations=routes[:1]))
    told = evidence(function(), other, gateway=Api("a", "a", "rest", integrations=routes, access_log=log))

    assert [each.failing for each in derive_functions(alone, SPAN)] == [True]
    assert [(each.name, each.failing) for each in derive_functions(told, SPAN)] == [
        ("search", True),
        ("orders", False),
    ]


# --- Deployments ---


def call(event: str, minute: float, by: str = "pipeline", **parameters: Any) -> Change:
    asked = {"functionName": "orders", **parameters}
    return Change(f"e{minute}", event, "lambda.amazonaws.com", at(minute), by, ("orders",), None, asked)


def changes(*found: Change) -> Changes:
    return Changes(at(-60), NOW - timedelta(minutes=5), found)


def aliased(version: str = "42", **weights: float) -> Function:
    alias = Alias("live", version, {number.removeprefix("v"): share for number, share in weights.items()})
    versions = (Version("42", at(-2)), Version("41", at(-9000)))
    return replace(function(), qualifier="live", aliases=(alias,), versions=versions)


def shift(minute: float, by: str = "pipeline", **asked: Any) -> Change:
    return call("UpdateAlias20150331", minute, by, **{"name": "live", "functionVersion": "42", **asked})


def test_an_alias_that_somebody_shifted_is_a_deployment_of_its_function() -> None:
    made = evidence(aliased(), changes=changes(shift(-1)))

    (found,) = native_deployments(made)

    assert (found.id, found.system, found.platform) == ("orders:live:42", "lambda", "Lambda")
    assert (found.created, found.completed, found.creator) == (at(-1), at(-1), "pipeline")
    assert isinstance(found.group, DeploymentGroup)
    assert found.group.target_groups == ("orders",)


def test_a_share_of_the_weight_begins_a_deployment_and_the_whole_ends_it() -> None:
    canary = shift(-20, functionVersion="41", routingConfig={"additionalVersionWeights": {"42": 0.1}})

    (begun,) = native_deployments(evidence(aliased("41", v42=0.1), changes=changes(canary)))
    (ended,) = native_deployments(evidence(aliased(), changes=changes(canary, shift(-5))))

    assert (begun.id, begun.status, begun.completed) == ("orders:live:42", "InProgress", None)
    assert (ended.created, ended.completed) == (at(-20), at(-5))


def test_a_version_published_just_before_tells_of_a_shift_that_is_not_recorded_yet() -> None:
    (found,) = native_deployments(evidence(aliased(), changes=changes()))

    assert (found.id, found.created, found.creator) == ("orders:live:42", at(-2), "unknown")


def test_another_alias_than_the_one_that_is_asked_serves_nothing_here() -> None:
    beta = shift(-1, name="beta", functionVersion="43")
    made = replace(aliased("41"), versions=(Version("41", at(-9000)),))

    (found,) = native_deployments(evidence(made, changes=changes(beta)))

    assert isinstance(found.group, DeploymentGroup)
    assert found.group.target_groups == ("orders:beta",)


def test_new_code_deploys_only_what_is_asked_without_an_alias() -> None:
    update = call("UpdateFunctionCode20150331v2", -1)

    assert [
        each.group_name for each in native_deployments(evidence(function(), changes=changes(update)))
    ] == ["$LATEST"]
    made = replace(aliased("41"), versions=(Version("41", at(-9000)),))
    assert native_deployments(evidence(made, changes=changes(update))) == ()


def test_a_refused_call_and_somebody_elses_function_deploy_nothing() -> None:
    refused = replace(shift(-1), error="AccessDenied")
    elses = shift(-1, functionName="mailer")
    made = replace(aliased("41"), versions=(Version("41", at(-9000)),))

    assert native_deployments(evidence(made, changes=changes(refused, elses))) == ()


GROUP = DeploymentGroup("orders-app", "live", ())


def by_codedeploy() -> Deployment:
    return Deployment(
        "d-1", "orders-app", "live", "Succeeded", "user", "Lambda", at(-3), at(-3), at(-1), None, group=GROUP
    )


def test_a_deployment_of_codedeploy_is_placed_by_what_it_did_to_an_alias() -> None:
    step = shift(-2, by="AWSServiceRoleForCodeDeploy/CodeDeploy")
    made = evidence(
        replace(aliased(), groups=("targetgroup/shop/0123456789abcdef",)),
        changes=changes(step),
        deployments=Deployments(at(-60), (by_codedeploy(),)),
    )

    (found,) = placed(made, (by_codedeploy(),))

    assert isinstance(found.group, DeploymentGroup)
    assert found.group.target_groups == ("orders", "shop")
    assert native_deployments(made) == ()


def test_where_nobody_tells_what_codedeploy_shifted_it_is_not_guessed() -> None:
    (found,) = placed(evidence(aliased(), changes=changes()), (by_codedeploy(),))

    assert isinstance(found.group, Missing)


def test_deployments_to_servers_are_left_as_they_are() -> None:
    server = replace(by_codedeploy(), platform="Server")

    assert placed(evidence(aliased()), (server,)) == (server,)
