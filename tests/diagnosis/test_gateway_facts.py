"""An API around the onset: why requests failed, who answered them, and whether they ran into the limit."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from diagnosis.evidence import Evidence, from_json, to_json
from diagnosis.facts.gateway import GatewayFacts, derive_gateway
from diagnosis.facts.gateway_answers import Reason, reason_of
from diagnosis.facts.gateway_functions import gateway_itself
from diagnosis.series import MINUTE, MetricKey, Metrics, Missing, Window
from diagnosis.shift import Span
from diagnosis.systems.functions import Function
from diagnosis.systems.gateway import (
    AccessLog,
    Answered,
    Api,
    Authorizer,
    Integration,
    Limit,
    LogSettings,
    Stage,
    UsagePlan,
)

START = datetime(2026, 11, 20, 11, 47, tzinfo=UTC)
WINDOW = Window(START, 180)
ONSET = 170
SPAN = Span(50, ONSET, 180)
ORDERS = Integration("GET /orders", "lambda", 29_000, function="orders")
FILES = Integration("GET /files", "http", 29_000, address="files.example.com")
QUICK = replace(FILES, route="GET /quick", limit_milliseconds=5_000)
FIELDS = {"status": "status", "error.responseType": "type", "integration.status": "own"}


def api(*integrations: Integration, log: AccessLog | Missing | None = None, kind: str = "rest") -> Api:
    stage = Stage("prod", limit=Limit(50.0), log=LogSettings("/aws/apigateway/shop", FIELDS))
    return Api(
        "a1b2c3d4e5",
        "shop",
        kind,
        stage="prod",
        stages=(stage, Stage("test", limit=Limit(1.0))),
        integrations=integrations,
        account_limit=Limit(10_000.0),
        access_log=log or Missing("the stage writes no access log"),
    )


def series(before: float, after: float) -> tuple[float, ...]:
    return (before,) * ONSET + (after,) * (180 - ONSET)


def facts(
    gateway: Api | Missing,
    errors: Sequence[float] = series(0, 300),
    slowest: Sequence[float] = series(900, 900),
) -> GatewayFacts:
    known = {
        MetricKey("5XXError", "Sum"): tuple(errors),
        MetricKey("Count", "SampleCount"): series(2000, 2000),
        MetricKey("IntegrationLatency", "Average"): series(90, 90),
        MetricKey("IntegrationLatency", "Maximum"): tuple(slowest),
    }
    evidence = Evidence(START + 180 * MINUTE, Metrics(WINDOW, known), gateway=gateway, kind="apigateway")
    found = derive_gateway(evidence, SPAN)
    assert found is not None
    return found


def logged(*answers: Answered, truncated: bool = False) -> AccessLog:
    return AccessLog(START + 160 * MINUTE, len(answers), truncated, answers)


def answered(status: int, count: int, *, minute: int = 172, **known: Any) -> Answered:
    return replace(Answered(WINDOW.minute(minute), status, count), **known)


# --- Why a request failed ---


@pytest.mark.parametrize(
    ("status", "known", "reason"),
    [
        (429, {"response_type": "THROTTLED"}, Reason.THROTTLED),
        (429, {"response_type": "QUOTA_EXCEEDED"}, Reason.THROTTLED),
        (429, {}, Reason.THROTTLED),
        (429, {"integration_status": 429}, Reason.ANSWERED),
        (504, {"response_type": "INTEGRATION_TIMEOUT"}, Reason.TIMED_OUT),
        (503, {"error": "Endpoint request timed out"}, Reason.TIMED_OUT),
        (504, {"integration_status": 504}, Reason.ANSWERED),
        (504, {"response_type": "INTEGRATION_FAILURE"}, Reason.UNREACHABLE),
        (401, {"response_type": "UNAUTHORIZED"}, Reason.REJECTED),
        (500, {"response_type": "AUTHORIZER_FAILURE"}, Reason.AUTHORIZER),
        (403, {"response_type": "MISSING_AUTHENTICATION_TOKEN", "route": "GET /old"}, Reason.NO_ROUTE),
        (403, {"response_type": "MISSING_AUTHENTICATION_TOKEN", "route": "GET /signed"}, Reason.REJECTED),
        (404, {}, Reason.NO_ROUTE),
        (404, {"integration_status": 404}, Reason.ANSWERED),
        (403, {"response_type": "WAF_FILTERED"}, Reason.FIREWALL),
        (
            500,
            {"error": "API Gateway doesn't have permissions to call the integration"},
            Reason.MISCONFIGURED,
        ),
        (502, {"integration_status": 200}, Reason.UNUSABLE),
        (500, {"integration_status": 200}, Reason.ANSWERED),
        (500, {"integration_status": 200, "error": "The Lambda function returned an error"}, Reason.UNUSABLE),
        (502, {}, Reason.UNUSABLE),
        (500, {"integration_status": 500}, Reason.ANSWERED),
    ],
)
def test_the_reason_of_an_answer(status: int, known: dict[str, Any], reason: Reason) -> None:
    told, signed = frozenset(FIELDS), frozenset({"GET /signed"})
    assert reason_of(answered(status, 1, **known), "rest", told, signed) is reason


def test_a_status_alone_tells_no_reason() -> None:
    told = frozenset({"status"})
    assert reason_of(answered(429, 1), "rest", told, frozenset()) is Reason.UNKNOWN
    assert reason_of(answered(502, 1), "rest", told, frozenset()) is Reason.UNKNOWN


# --- What the log tells since the onset ---


def test_what_was_answered_alike_before_is_taken_off() -> None:
    known = logged(
        answered(401, 100, minute=165, response_type="UNAUTHORIZED"),
        answered(401, 90, response_type="UNAUTHORIZED"),
        answered(429, 400, response_type="THROTTLED", route="GET /orders"),
    )
    found = facts(api(ORDERS, log=known))

    assert found.share(4, Reason.THROTTLED) == 1.0
    assert found.routes(4, Reason.THROTTLED) == ("GET /orders",)


def test_of_a_log_that_reaches_not_back_all_counts() -> None:
    known = logged(
        answered(401, 500, minute=169, response_type="UNAUTHORIZED"),
        answered(401, 90, response_type="UNAUTHORIZED"),
        answered(429, 10, response_type="THROTTLED"),
        truncated=True,
    )
    assert facts(api(ORDERS, log=known)).share(4, Reason.REJECTED) == 0.9


def test_without_a_log_no_share_is_known() -> None:
    found = facts(api(ORDERS))

    assert found.answers is None
    assert found.share(5, Reason.TIMED_OUT) is None


# --- The limit of the integration ---


def test_requests_that_take_the_whole_limit_since_the_onset_run_into_it() -> None:
    found = facts(api(FILES), slowest=series(900, 29_010))
    assert (found.limit_seconds, found.at_limit) == (29.0, True)


def test_an_integration_has_a_limit_of_its_own() -> None:
    found = facts(api(FILES, QUICK), slowest=series(900, 5_003))
    assert (found.limit_seconds, found.at_limit) == (5.0, True)


def test_what_ran_into_the_limit_on_every_day_is_no_news() -> None:
    assert not facts(api(FILES), slowest=series(29_001, 29_010)).at_limit


def test_an_api_that_cannot_be_read_has_the_usual_limit() -> None:
    found = facts(Missing("apigateway:GET: AccessDenied"), slowest=series(900, 29_010))

    assert (found.api, found.limit_seconds, found.at_limit) == (None, 29.0, True)


def test_the_tightest_limit_of_the_stage_in_question_counts() -> None:
    assert facts(api(FILES)).limit == Limit(50.0)


# --- What stands behind ---


def test_the_only_address_behind_the_api_is_the_one_that_fails() -> None:
    assert facts(api(FILES)).failing_origin == "files.example.com"
    assert facts(api(FILES), errors=series(1, 1)).failing_origin is None
    assert facts(api(FILES, ORDERS)).failing_origin is None


def test_the_log_tells_which_address_fails() -> None:
    own = answered(500, 300, integration_status=500, route="GET /files")
    gateways = answered(500, 300, response_type="AUTHORIZER_FAILURE", route="GET /files")

    assert facts(api(FILES, ORDERS, log=logged(own))).failing_origin == "files.example.com"
    assert facts(api(FILES, log=logged(gateways))).failing_origin is None


def test_evidence_of_another_kind_has_no_gateway() -> None:
    evidence = Evidence(START, Metrics(WINDOW, {}), gateway=api(FILES))
    assert derive_gateway(evidence, SPAN) is None


def test_an_api_survives_the_way_through_json() -> None:
    known = api(FILES, ORDERS, log=logged(answered(429, 3, route="GET /files", error="x")))
    known = replace(
        known,
        authorizers=(Authorizer("au1", "people", "jwt", issuer="https://login.example.com"),),
        usage_plans=(UsagePlan("pl1", "silver", Limit(5.0, 10), 1000, "DAY"),),
        stages=(replace(known.known_stages[0], deployed=START + timedelta(hours=1)),),
    )
    assert from_json(Api, to_json(known)) == known


def test_the_functions_of_an_api_are_those_behind_it_and_those_that_let_callers_in() -> None:
    known = replace(api(ORDERS, FILES, ORDERS), authorizers=(Authorizer("a", "a", "function", "check"),))

    assert known.functions == ("orders", "check")
    assert known.origins == ("files.example.com",)
    assert {"a", "files.example.com"} <= set(known.identifiers())


# --- Functions behind it ---


def evidence_with(*integrations: Integration, **functions: Sequence[float]) -> Evidence:
    """Functions by the errors that they make, with 1,000 calls a minute each."""
    figures = {
        name: Metrics(
            WINDOW,
            {MetricKey("Invocations", "Sum"): series(1000, 600), MetricKey("Errors", "Sum"): tuple(errors)},
        )
        for name, errors in functions.items()
    }
    return Evidence(
        START + 180 * MINUTE,
        Metrics(WINDOW, {MetricKey("Count", "Sum"): series(1000, 1000)}),
        gateway=api(*integrations),
        functions={name: Function(name, f"arn:{name}", metrics=each) for name, each in figures.items()},
        kind="apigateway",
    )


def test_how_often_the_functions_were_called_is_known_if_they_are_all_there_is() -> None:
    known = derive_gateway(evidence_with(ORDERS, orders=series(0, 0)), SPAN)
    mixed = derive_gateway(evidence_with(ORDERS, FILES, orders=series(0, 0)), SPAN)

    assert known is not None
    assert known.invoked is not None
    assert (known.invoked.before, known.invoked.after) == (1000, 600)
    assert mixed is not None
    assert mixed.invoked is None


def test_the_functions_whose_errors_rose() -> None:
    found = derive_gateway(evidence_with(ORDERS, orders=series(1, 1), check=series(0, 500)), SPAN)

    assert found is not None
    assert list(found.raising) == ["check"]


def test_an_api_with_nothing_unknown_behind_it_fails_by_itself() -> None:
    assert gateway_itself(evidence_with(ORDERS, orders=series(0, 0))) == {"shop"}
    assert not gateway_itself(evidence_with(ORDERS, FILES, orders=series(0, 0)))
    assert not gateway_itself(Evidence(START, Missing("denied"), kind="apigateway"))
