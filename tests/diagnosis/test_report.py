"""The diagnosis document: complete, and always of the contract's schema."""

import json
import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from diagnosis import links
from diagnosis.alarm import Alarm, AlarmState, Ignored
from diagnosis.cause import Cause, Signal
from diagnosis.decision import Decision, Guard, RollbackPlan
from diagnosis.document import Document, timestamp
from diagnosis.evidence import Revision
from diagnosis.report import diagnosed, duplicate, failed, ignored, resolved, with_notified, with_rollback
from diagnosis.settings import RollbackMode, Settings
from diagnosis.verdict import Candidate, Finding, Impact, Trigger, Verdict
from tests.notification.incidents import (
    ALARM,
    BROKE,
    DEPLOYMENT,
    ENTRY_POINT,
    INCIDENT,
    NOW,
    PLAN,
    RELEASE,
    decision,
    document,
    inconclusive,
    verdict,
)

SCHEMA = json.loads(Path(__file__).with_name("diagnosis.schema.json").read_text(encoding="utf-8"))
FORMATS = FormatChecker(formats=[])


@FormatChecker.checks(FORMATS, "date-time", raises=ValueError)  # type: ignore[arg-type, untyped-decorator, unused-ignore]
def is_utc(value: object) -> bool:
    """Stricter than RFC 3339: a moment in UTC that ends in Z."""
    return not isinstance(value, str) or (value.endswith("Z") and bool(datetime.fromisoformat(value)))


def check(told: Document) -> None:
    Draft202012Validator(SCHEMA, format_checker=FORMATS).validate(told)
    plain = json.dumps(told, allow_nan=False, ensure_ascii=False)
    assert json.loads(plain.encode("utf-8")) == told


def steps(outcome: str, **changes: Any) -> list[str]:
    told = diagnosed(INCIDENT, ALARM, ENTRY_POINT, verdict(), decision(outcome, **changes), Settings(), {})
    return told["next_steps"]


def test_the_document_of_a_diagnosis_has_every_section() -> None:
    told = document()
    check(told)
    optional = {"reason", "report_url"}
    assert set(SCHEMA["properties"]) - set(told) == optional
    assert told["cause"] == {
        "code": "target_broke_exchange",
        "origin": "load_balancer",
        "confidence": 0.97,
        "title": "Targets broke the exchange (502)",
    }
    assert told["onset"] == "2026-11-20T14:44:00Z"
    assert told["alarm"]["time"] == "2026-11-20T14:47:10.040Z"


def test_the_trigger_names_revision_group_and_time() -> None:
    summary = document()["trigger"]["summary"]
    assert summary == (
        "deployment d-NEW240XYZ (order-api-v2.4.0.zip) to order-api/production, finished 14:44 UTC"
    )


def test_a_running_deployment_is_told_by_its_beginning() -> None:
    running = replace(DEPLOYMENT, status="InProgress", completed=None)
    chosen = replace(verdict().trigger.chosen, deployment=running)
    told = document(judged=verdict(trigger=Trigger(chosen, ())))
    assert told["trigger"]["summary"].endswith("begun 14:37 UTC, InProgress")


def test_signals_come_strongest_first_with_their_weights() -> None:
    assert [signal["weight"] for signal in document()["signals"]] == [3.0, 1.0, 0.7, -0.4]


def test_an_alternative_says_what_speaks_against_it() -> None:
    assert document()["alternatives"] == [
        {
            "code": "target_refused_connection",
            "confidence": 0.01,
            "against": ["connections to the targets succeed"],
        },
        {
            "code": "keepalive_mismatch",
            "confidence": 0.008,
            "against": ["8.4 % of requests fail, too many for a race on idle connections"],
        },
        {
            "code": "targets_out_of_memory",
            "confidence": 0.0,
            "against": ["It could not be judged: no memory metric"],
        },
    ]


def test_the_best_candidate_of_an_inconclusive_verdict_is_the_first_alternative() -> None:
    told = document("none", judged=inconclusive())
    check(told)
    assert told["alternatives"][0]["code"] == "target_broke_exchange"
    assert told["retry_advice"].startswith("Unknown")
    assert told["reason"] == "Two causes explain the evidence nearly equally well."


def test_a_recommended_rollback_is_one_command_away() -> None:
    step = steps("recommended")[0]
    assert step.startswith("Go back to order-api-v2.3.1.zip by hand:\n")
    words = shlex.split(step.partition("\n")[2])
    assert words[:3] == ["aws", "deploy", "create-deployment"]
    assert words[words.index("--deployment-group-name") + 1] == "production"
    assert "--ignore-application-stop-failures" in words
    assert words[words.index("--override-alarm-configuration") + 1] == "enabled=false"
    assert words[-1].startswith("$(aws deploy get-deployment --region eu-west-1 --deployment-id d-OLD231XYZ ")


def test_a_running_deployment_is_stopped_with_rollback() -> None:
    command = steps("recommended", plan=replace(PLAN, action="stop"))[0].partition("\n")[2]
    assert command == (
        "aws deploy stop-deployment --region eu-west-1 --deployment-id d-NEW240XYZ --auto-rollback-enabled"
    )


def test_a_refused_rollback_is_the_last_step() -> None:
    assert steps("refused")[-1].startswith("Only if you know better than the guards")


def test_a_requested_rollback_comes_with_the_way_to_stop_it() -> None:
    assert steps("requested")[0].partition("\n")[2] == (
        "aws ssm put-parameter --region eu-west-1"
        " --name /gateway-triage/rollback-enabled --value false --overwrite"
    )


def test_names_are_quoted_for_the_shell() -> None:
    name = "order api; rm -rf '$HOME' \"x\""
    command = steps("recommended", plan=replace(PLAN, application=name))[0].partition("\n")[2]
    words = shlex.split(command)
    assert words[words.index("--application-name") + 1] == name


@pytest.mark.parametrize(
    "name", ["a`id`b", "a\nb", "a\u202eb", "-a", "file:///etc/passwd", "a" * 300, "", "naïve"]
)
def test_a_name_that_cannot_be_shown_as_it_is_gives_a_page_instead_of_a_command(name: str) -> None:
    step = steps("recommended", plan=replace(PLAN, application=name))[0]
    assert step.partition("\n")[2].startswith("https://eu-west-1.console.aws.amazon.com/codesuite/")


def test_no_command_is_offered_for_a_platform_that_does_not_go_back_that_way() -> None:
    guards = (Guard("platform_supported", False, "Deployments to Lambda cannot be rolled back."),)
    assert "aws deploy" not in steps("refused", guards=guards)[-1]


@pytest.mark.parametrize(
    ("system", "page"), [("ecs", "/ecs/v2/clusters/shop/"), ("lambda", "#/functions/shop/aliases/orders")]
)
def test_a_native_deployment_leads_to_its_own_system_and_never_to_codedeploy(system: str, page: str) -> None:
    guards = (Guard("platform_supported", False, "It cannot be rolled back by this version."),)
    own = replace(DEPLOYMENT, id="orders:live:43", system=system, application="shop", group_name="orders")
    trigger = Trigger(replace(RELEASE, id=own.id, deployment=own), ())
    plan = replace(PLAN, deployment_id=own.id, application="shop", deployment_group="orders")
    told = diagnosed(
        INCIDENT,
        ALARM,
        ENTRY_POINT,
        verdict(trigger=trigger),
        decision("refused", guards=guards, plan=plan),
        Settings(),
        {},
    )

    leading = [each.partition("\n")[2] for each in told["next_steps"] if "orders" in each]
    assert len([each for each in leading if page in each]) == 2
    assert "codedeploy" not in json.dumps(told["next_steps"])
    assert "aws deploy" not in json.dumps(told["next_steps"])
    assert not any("codedeploy" in each.url for each in links.for_document(told))


def test_only_the_second_line_of_a_step_can_be_a_command() -> None:
    plan = replace(PLAN, to_revision=Revision("S3", "x", "v1\naws iam delete-everything"))
    assert steps("recommended", plan=plan)[0].count("\n") == 1


def test_the_rollback_section_says_how_long_a_veto_is_possible() -> None:
    rollback = document("requested", veto_seconds=90)["rollback"]
    assert rollback["veto_seconds"] == 90
    assert rollback["to_revision"] == "order-api-v2.3.1.zip"
    assert rollback["expires_at"] == "2026-11-20T15:47:10.040Z"


def test_an_ignored_event_keeps_what_could_be_read() -> None:
    told = ignored(Ignored("The event is no alarm.", alarm_name="x", region="eu-west-1"))
    check(told)
    assert told["alarm"] == {"name": "x", "state": "INSUFFICIENT_DATA", "region": "eu-west-1"}


@pytest.mark.parametrize("alarm", [None, ALARM, Ignored("no alarm")])
def test_a_failed_diagnosis_needs_next_to_nothing(alarm: Alarm | Ignored | None) -> None:
    told = failed(None, alarm, "Diagnosis ran out of time.")
    check(told)
    assert told["outcome"] == "failed"


def test_a_resolved_incident_keeps_its_cause_and_takes_the_new_alarm() -> None:
    ok = replace(ALARM, state=AlarmState.OK, time=NOW + timedelta(minutes=12))
    told = resolved(INCIDENT, ok, document())
    check(told)
    assert told["cause"]["code"] == "target_broke_exchange"
    assert told["alarm"]["state"] == "OK"
    assert "next_steps" not in told
    check(resolved(INCIDENT, ok, None))


def test_a_duplicate_is_the_stored_document_under_another_outcome() -> None:
    told = duplicate(document())
    check(told)
    assert told["outcome"] == "duplicate"
    assert told["cause"] == document()["cause"]


def test_the_document_follows_the_rollback_and_the_messages() -> None:
    told = with_rollback(document(), "started", "d-BACK")
    told = with_notified(told, [{"channel": "sns", "ok": True, "detail": ""}])
    check(told)
    assert told["rollback"]["decision"] == "started"
    assert told["rollback"]["rollback_deployment_id"] == "d-BACK"
    assert told["rollback"]["guards"] == document()["rollback"]["guards"]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC), "2026-01-02T03:04:05.123Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05Z"),  # noqa: DTZ001 # a time without a zone counts as UTC
    ],
)
def test_times_are_written_in_utc(moment: datetime, expected: str) -> None:
    assert timestamp(moment) == expected


ANY_TEXT = st.text(st.characters(), max_size=40) | st.just("\ud800<!channel>\n`")
SHARES = st.floats(allow_nan=True, allow_infinity=True)
WHEN = st.datetimes(datetime(2009, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
SIGNALS = st.lists(st.builds(Signal, SHARES, ANY_TEXT, ANY_TEXT), max_size=4).map(tuple)
CAUSES: st.SearchStrategy[Cause] = st.builds(
    lambda code, title: replace(BROKE, code=code, title=title), ANY_TEXT, ANY_TEXT
)
FINDINGS = st.builds(Finding, CAUSES, SHARES, SIGNALS, st.none() | ANY_TEXT)
CANDIDATES = st.builds(
    Candidate,
    st.sampled_from(["deployment", "configuration_change", "unknown", "none_found", "something new"]),
    st.none() | ANY_TEXT,
    st.none() | WHEN,
    st.none() | ANY_TEXT,
    ANY_TEXT,
    SHARES,
    SIGNALS,
    st.sampled_from([None, DEPLOYMENT]),
)
VERDICTS = st.builds(
    Verdict,
    ANY_TEXT,
    ANY_TEXT,
    ANY_TEXT,
    SHARES,
    st.none() | FINDINGS,
    st.lists(FINDINGS, max_size=8).map(tuple),
    st.builds(Trigger, CANDIDATES, st.lists(CANDIDATES, max_size=7).map(tuple)),
    st.none() | WHEN,
    st.none() | ANY_TEXT,
    st.none() | st.builds(Impact, st.integers(0), st.integers(0), SHARES, SHARES),
    ANY_TEXT,
    SHARES,
    st.lists(st.tuples(ANY_TEXT, ANY_TEXT), max_size=5).map(tuple),
    st.lists(ANY_TEXT, max_size=2).map(tuple),
    st.lists(ANY_TEXT, max_size=5).map(tuple),
)
PLANS = st.builds(
    RollbackPlan,
    st.sampled_from(["stop", "redeploy"]),
    ANY_TEXT,
    ANY_TEXT,
    ANY_TEXT,
    st.none() | st.builds(Revision, ANY_TEXT, ANY_TEXT, ANY_TEXT),
    st.none() | ANY_TEXT,
)
DECISIONS = st.builds(
    Decision,
    st.sampled_from(["none", "recommended", "refused", "awaiting_approval", "requested"]),
    st.lists(st.builds(Guard, ANY_TEXT, st.booleans(), ANY_TEXT), max_size=5).map(tuple),
    st.none() | PLANS,
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)
@given(VERDICTS, DECISIONS, st.sampled_from(RollbackMode), st.dictionaries(ANY_TEXT, SHARES, max_size=3))
def test_every_verdict_and_decision_makes_a_document_of_the_schema(
    judged: Verdict, decided: Decision, mode: RollbackMode, timings: dict[str, float]
) -> None:
    told = diagnosed(INCIDENT, ALARM, ENTRY_POINT, judged, decided, Settings(mode), timings)
    check(told)
    check(duplicate(told))
    check(resolved(INCIDENT, ALARM, told))
