"""Every cause of the catalogue: complete, of the contract, and at home in its own cases alone."""

import json
import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from diagnosis import catalogue
from diagnosis.catalogue import causes
from diagnosis.cause import Case, Cause
from diagnosis.evidence import Evidence
from diagnosis.pipeline import diagnose
from lab.straight import case_scenario, evidence_of
from lab.strict import ScenarioError

CONTRACT = json.loads(Path(__file__).with_name("contract_causes.json").read_text(encoding="utf-8"))
MODULES = [found.name for found in pkgutil.iter_modules(catalogue.__path__)]
CASES = [
    pytest.param(cause, case, id=f"{cause.code}: {case.title}") for cause in causes() for case in cause.cases
]

every_cause = pytest.mark.parametrize("cause", causes(), ids=lambda cause: cause.code)


def sentences(cause: Cause) -> Iterator[str]:
    """The texts that are read as sentences."""
    yield from (cause.why, cause.prevention, *(check.sentence for check in cause.first_look))
    if cause.known_problems:
        yield cause.known_problems


@cache
def verdict_code(title: str, incident: str) -> str:
    """The code that the whole catalogue gives to an incident."""
    scenario = case_scenario(title, json.loads(incident))
    return diagnose(evidence_of(scenario), [scenario.alarm.metric or ""]).code


def claimed(case: Case) -> str:
    return verdict_code(case.title, json.dumps(case.incident))


# --- Modules and codes ---


@pytest.mark.parametrize("module", MODULES)
def test_every_module_of_the_catalogue_has_a_cause_of_its_own_name(module: str) -> None:
    cause = import_module(f"diagnosis.catalogue.{module}").CAUSE
    assert isinstance(cause, Cause)
    assert cause.code == module


def test_every_code_of_the_contract_can_be_diagnosed() -> None:
    assert {cause.code for cause in causes()} == set(CONTRACT["causes"])


def test_the_catalogue_has_every_module_once_by_code() -> None:
    assert [cause.code for cause in causes()] == sorted(MODULES)


@every_cause
def test_code_and_origin_are_those_of_the_contract(cause: Cause) -> None:
    assert CONTRACT["causes"].get(cause.code) == cause.origin.value


@every_cause
def test_triggers_are_those_of_the_contract(cause: Cause) -> None:
    assert set(cause.triggers) <= set(CONTRACT["triggers"])


@every_cause
def test_what_a_cause_needs_is_a_field_of_the_evidence(cause: Cause) -> None:
    assert set(cause.needs) <= set(Evidence.__slots__)


# --- Texts ---


@every_cause
def test_a_cause_is_told_in_sentences(cause: Cause) -> None:
    for sentence in sentences(cause):
        assert sentence == sentence.strip()
        assert sentence.endswith("."), sentence
        assert sentence[0].isupper() or sentence[0].isdigit(), sentence


@every_cause
def test_a_title_is_a_phrase_without_a_full_stop(cause: Cause) -> None:
    assert cause.title[0].isupper()
    assert not cause.title.endswith(".")


@every_cause
def test_a_cause_says_where_to_look_first_second_and_third(cause: Cause) -> None:
    assert len({check.sentence for check in cause.first_look}) == 3


@every_cause
def test_a_cause_has_a_short_name_that_reads_well_behind_a_possessive(cause: Cause) -> None:
    assert cause.short
    assert cause.short[0].islower() or cause.short.startswith("TLS")
    assert not cause.short.endswith(".")
    assert not cause.short.startswith(("the ", "a ", "an "))


@every_cause
def test_a_cause_names_its_sources(cause: Cause) -> None:
    assert cause.sources
    assert all(source.strip() for source in cause.sources)


# --- Cases ---


@every_cause
def test_a_cause_has_two_cases_that_it_claims_and_one_that_it_must_not(cause: Cause) -> None:
    assert sum(case.fires for case in cause.cases) >= 2
    assert sum(not case.fires for case in cause.cases) >= 1


@every_cause
def test_the_cases_of_a_cause_have_titles_of_their_own(cause: Cause) -> None:
    titles = [case.title for case in cause.cases]
    assert sorted(set(titles)) == sorted(titles)


@pytest.mark.parametrize(("cause", "case"), CASES)
def test_a_case_is_claimed_by_its_cause_against_the_whole_catalogue_or_left_alone(
    cause: Cause, case: Case
) -> None:
    assert (claimed(case) == cause.code) is case.fires, f"the catalogue says {claimed(case)}"


@pytest.mark.parametrize(
    ("incident", "key"),
    [
        ({"target_gruops": {"orders": {}}}, "target_gruops"),
        ({"target_groups": {"orders": {"elb_520": "0"}}}, "elb_520"),
        ({"alarm": {"metrik": "RequestCount"}}, "metrik"),
        ({"changes": [{"at": "-1", "name": "A", "source": "b", "who": "c"}]}, "who"),
    ],
)
def test_a_case_with_a_misspelt_key_fails_and_names_it(incident: dict[str, object], key: str) -> None:
    with pytest.raises(ScenarioError, match=key):
        case_scenario("a misspelt case", incident)
