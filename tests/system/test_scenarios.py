"""Every incident of tests/scenarios/ in the deployed stack, from the event to message and CodeDeploy."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import Lab, Scenario, policies, scenarios
from lab.scenario import Deployment
from tests.system.answers import (
    Document,
    acts,
    all_schema_problems,
    cause,
    decision,
    posted,
    refusing,
    stored_documents,
    subjects,
)

# Past the veto and past the second look, when CloudTrail has caught up.
LONG_ENOUGH_MINUTES = 8

Check = Callable[[Lab, Document], Iterator[str]]


def outcome_is_as_expected(lab: Lab, document: Document) -> Iterator[str]:
    expected = lab.scenario.expect.outcome
    if document.get("outcome") != expected:
        yield f"outcome {document.get('outcome')}, not {expected}: {document.get('reason')}"


def cause_is_as_expected(lab: Lab, document: Document) -> Iterator[str]:
    expected = lab.scenario.expect.cause
    if expected and cause(document) not in expected:
        yield f"cause {cause(document)}, not {' or '.join(expected)}"


def trigger_is_as_expected(lab: Lab, document: Document) -> Iterator[str]:
    expect, named = lab.scenario.expect, document.get("trigger") or {}
    if expect.trigger and named.get("kind") not in expect.trigger:
        summary = named.get("summary")
        yield f"trigger {named.get('kind')} ({summary}), not {' or '.join(expect.trigger)}"
    if expect.trigger_id and named.get("id") != expect.trigger_id:
        yield f"trigger {named.get('id')}, not {expect.trigger_id}"


def component_is_as_expected(lab: Lab, document: Document) -> Iterator[str]:
    expected, named = lab.scenario.expect.component, (document.get("resource") or {}).get("component")
    if expected and named != expected:
        yield f"component {named}, not {expected}"


def the_expected_guards_refuse(lab: Lab, document: Document) -> Iterator[str]:
    silent = sorted(set(lab.scenario.expect.refused_by) - set(refusing(document)))
    if silent:
        yield f"{', '.join(silent)} did not refuse; {', '.join(refusing(document)) or 'nobody'} did"


def rolled_back_exactly_if_that_is_right(lab: Lab, document: Document) -> Iterator[str]:
    staged, made = lab.scenario, acts(lab)
    if staged.expect.rollback and staged.mode == "auto":
        if len(made) != 1:
            refused = "; ".join(refusing(document).values()) or "; ".join(subjects(lab)[1:])
            yield f"{len(made)} rollbacks instead of one: {decision(document)}. {refused}"
        yield from (problem for act in made for problem in _wrong_goal(staged, document, act))
    elif made:
        yield f"a rollback that must not happen: {made}"


def _wrong_goal(staged: Scenario, document: Document, act: Document) -> Iterator[str]:
    suspect_id = staged.expect.trigger_id or (document.get("trigger") or {}).get("id")
    suspect = next(each for each in staged.deployments if each.id == suspect_id)
    if "applicationName" not in act:
        if act["deploymentId"] != suspect.id or not act.get("autoRollbackEnabled"):
            yield f"stopped {act}, not {suspect.id} with automatic rollback"
        return
    if (act["applicationName"], act["deploymentGroupName"]) != (suspect.application, suspect.group):
        yield f"rolled back {act['applicationName']}/{act['deploymentGroupName']}"
    good = _last_good(staged, suspect)
    location = act["revision"].get("s3Location", {})
    if good is None or location.get("key") != good.revision.key:
        yield f"went to {location.get('key')}, not {good.revision.key if good else 'nowhere'}"
    if document["incident_id"] not in act["description"]:
        yield f"the description does not say which incident asked: {act['description']}"
    if not act["ignoreApplicationStopFailures"] or act["overrideAlarmConfiguration"]["enabled"]:
        yield "the rollback can be stopped by the bad revision's stop script or by the group's own alarms"


def _last_good(staged: Scenario, suspect: Deployment) -> Deployment | None:
    """The newest success before it whose revision differs."""
    earlier = [
        each
        for each in staged.deployments
        if (each.application, each.group) == (suspect.application, suspect.group)
        and each.status == "Succeeded"
        and each.created < suspect.created
        and each.revision != suspect.revision
        and each.rolled_back_by is None
    ]
    return max(earlier, key=lambda each: each.created, default=None)


def decision_fits_the_mode(lab: Lab, document: Document) -> Iterator[str]:
    possible = {
        "off": {"none"},
        "recommend": {"none", "refused", "recommended"},
        "approve": {"none", "refused", "awaiting_approval"},
        "auto": {"none", "refused", "requested"},
    }
    if decision(document) not in possible[lab.scenario.mode]:
        yield f"decision {decision(document)} in mode {lab.scenario.mode}"


def people_were_told(lab: Lab, document: Document) -> Iterator[str]:
    if document.get("outcome") != "diagnosed":
        return
    notified = {each["channel"]: each["ok"] for each in document.get("notified", ())}
    if notified != {"sns": True, "slack": True} or not posted(lab) or not lab.sns_messages:
        yield f"notified {notified}: {len(posted(lab))} by Slack, {len(lab.sns_messages)} by SNS"


def slack_took_every_message(lab: Lab, _document: Document) -> Iterator[str]:
    yield from (f"Slack: {each.answer}: {each.text}" for each in lab.slack_messages if not each.accepted)


def documents_keep_the_contract(lab: Lab, _document: Document) -> Iterator[str]:
    yield from all_schema_problems(lab)


def every_call_is_allowed(lab: Lab, _document: Document) -> Iterator[str]:
    yield from (str(denied) for denied in policies.denied_calls(lab))


def no_function_failed(lab: Lab, _document: Document) -> Iterator[str]:
    yield from (f"{each.function}: {each.error}" for each in lab.invocations if each.failed)
    yield from (line for line in lab.logs.splitlines() if "failed unexpectedly" in line)


CHECKS: tuple[Check, ...] = (
    outcome_is_as_expected,
    cause_is_as_expected,
    trigger_is_as_expected,
    component_is_as_expected,
    the_expected_guards_refuse,
    rolled_back_exactly_if_that_is_right,
    decision_fits_the_mode,
    people_were_told,
    slack_took_every_message,
    documents_keep_the_contract,
    every_call_is_allowed,
    no_function_failed,
)


@pytest.mark.parametrize("path", scenarios(), ids=lambda path: path.stem)
def test_the_incident_is_answered_as_a_good_engineer_would(path: Path) -> None:
    with Lab.stage(path) as lab:
        document = lab.run_alarm()
        problems = list(_not_kept(lab, document))
        lab.run_until(LONG_ENOUGH_MINUTES)
        problems += [problem for check in CHECKS for problem in check(lab, document)]
    assert not problems, "\n".join([path.stem, *problems])


def _not_kept(lab: Lab, document: Document) -> Iterator[str]:
    """The incident in the table holds what was returned and published."""
    kept = stored_documents(lab).get(document["incident_id"])
    if document.get("outcome") == "diagnosed" and kept != document:
        yield "the table holds another document than the one returned"


def test_lambda_may_do_what_it_does_in_the_functions_names() -> None:
    with Lab.stage("release-breaks-responses") as lab:
        assert policies.denied_wiring(lab) == []


def test_there_are_as_many_incidents_as_were_promised() -> None:
    staged = [path for path in scenarios() if "rollback: true" in path.read_text(encoding="utf-8")]
    assert len(scenarios()) >= 40
    assert len(staged) >= 15
