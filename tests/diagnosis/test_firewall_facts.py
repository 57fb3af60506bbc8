"""The web ACL around the onset: which rule, whom it costs, and whether the vendor began by itself."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from diagnosis.evidence import Changes, Evidence, MetricKey, Metrics, Missing, from_json, to_json
from diagnosis.facts.firewall import FirewallFacts
from diagnosis.systems.firewall import WebAcl
from tests.diagnosis.sketches import facts_of, judged, sketch

METRIC = "HTTPCode_ELB_4XX_Count"
COMMON = {"name": "common", "kind": "managed", "group": "AWSManagedRulesCommonRuleSet"}
EDIT = {
    "at": "-7.5",
    "name": "UpdateWebACL",
    "source": "wafv2",
    "by": "terraform",
    "resources": ["order-api-acl"],
}


def blocking(*rules: dict[str, Any], requests: str = "4421, -7: 3811", **more: Any) -> Evidence:
    incident = {
        "alarm": {"metric": METRIC},
        "target_groups": {"orders": {"requests": requests}},
        "web_acl": {"rules": list(rules)},
        **more,
    }
    return sketch(**incident)


def firewall(evidence: Evidence) -> FirewallFacts:
    found = facts_of(evidence, METRIC).firewall
    assert found is not None
    return found


def test_an_entry_point_without_a_web_acl_has_no_facts_of_one() -> None:
    evidence = sketch()
    assert evidence.firewall is None
    assert facts_of(evidence).firewall is None


def test_a_web_acl_whose_figures_could_not_be_read_has_no_facts() -> None:
    evidence = blocking({**COMMON, "blocked": "3, -7: 610"})
    assert isinstance(evidence.firewall, WebAcl)
    blind = replace(evidence, firewall=replace(evidence.firewall, metrics=Missing("denied")))
    assert facts_of(blind, METRIC).firewall is None


def test_the_leading_rule_is_the_one_that_blocks_most_of_what_is_more() -> None:
    quiet = {"name": "busy", "kind": "rate", "blocked": "900"}
    found = firewall(blocking(quiet, {**COMMON, "blocked": "3, -7: 610"}))
    assert [each.rule.name for each in found.rules] == ["common"]


def test_the_rule_inside_the_group_is_named() -> None:
    inner = {"CrossSiteScripting_BODY": 0.9, "GenericRFI_BODY": 0.1}
    found = firewall(blocking({**COMMON, "blocked": "3, -7: 610", "inner": inner}))
    assert found.leading is not None
    assert found.leading.label == "AWSManagedRulesCommonRuleSet/CrossSiteScripting_BODY"
    assert found.leading.inner_share > 0.8


def test_without_samples_the_group_is_named_and_the_rule_in_it_is_not() -> None:
    found = firewall(blocking({**COMMON, "sampled": False, "blocked": "3, -7: 610"}))
    assert found.leading is not None
    assert found.leading.label == "common (AWSManagedRulesCommonRuleSet)"
    assert found.crowd is None


def test_a_group_of_ones_own_has_its_name_and_not_its_arn() -> None:
    found = firewall(
        blocking({"name": "house", "kind": "group", "group": "house-rules", "blocked": "0, -7: 600"})
    )
    assert found.leading is not None
    assert found.leading.label == "house-rules/rule-1"


def test_what_is_blocked_is_missing_from_what_is_allowed() -> None:
    loss = firewall(blocking({**COMMON, "blocked": "3, -7: 610"})).loss
    assert loss is not None
    assert loss.by_as_much
    assert loss.share == pytest.approx(1.0, abs=0.1)


def test_refused_clients_that_try_again_are_still_missing_from_the_allowed() -> None:
    loss = firewall(blocking({**COMMON, "blocked": "3, -7: 1830"})).loss
    assert loss is not None
    assert loss.partly
    assert not loss.none


def test_what_comes_on_top_is_missing_from_nothing() -> None:
    loss = firewall(blocking({**COMMON, "blocked": "3, -7: 610"}, requests="4421")).loss
    assert loss is not None
    assert loss.none
    assert not loss.by_as_much


def test_where_requests_vary_by_more_than_is_blocked_nothing_is_said_of_it() -> None:
    evidence = blocking({**COMMON, "blocked": "1, -7: 40"}, requests="4421 ~ 9%", noise="poisson")
    loss = firewall(evidence).loss
    assert loss is not None
    assert not loss.decided


def test_a_rule_that_counted_before_is_told_from_one_that_began() -> None:
    assert firewall(blocking({**COMMON, "blocked": "0, -7: 600", "counted": "600, -7: 0"})).counted_before
    assert not firewall(blocking({**COMMON, "blocked": "0, -7: 600"})).counted_before


@pytest.mark.parametrize(("response", "code"), [(0, 403), (451, 451)])
def test_the_answer_is_403_unless_the_rule_has_another(response: int, code: int) -> None:
    rule = {"name": "countries", "kind": "geo", "blocked": "0, -7: 600", "response": response}
    assert firewall(blocking(rule)).response_code == code


# --- The vendor ---


def test_a_default_version_that_begins_to_block_users_without_an_edit_is_the_vendors_change() -> None:
    sentence = firewall(blocking({**COMMON, "blocked": "3, -7: 610"})).vendor_change
    assert sentence is not None
    assert sentence.startswith("a change of AWSManagedRulesCommonRuleSet by its vendor: ")
    assert "SizeRestrictions_BODY began to block at 14:40" in sentence


@pytest.mark.parametrize(
    ("rule", "more"),
    [
        ({**COMMON, "version": "Version_1.9", "blocked": "3, -7: 610"}, {}),
        ({**COMMON, "blocked": "3, -7: 610"}, {"requests": "4421"}),
        ({**COMMON, "blocked": "0, -7: 610", "counted": "610, -7: 0"}, {}),
        ({**COMMON, "blocked": "3, -7: 610"}, {"changes": [EDIT]}),
        ({**COMMON, "blocked": "3, -3: 610"}, {"requests": "4421, -3: 3811"}),
        ({"name": "own", "blocked": "3, -7: 610"}, {}),
    ],
    ids=[
        "pinned",
        "an attack",
        "counted until then",
        "edited",
        "changes not visible yet",
        "a rule of our own",
    ],
)
def test_nothing_else_is_the_vendors_change(rule: dict[str, Any], more: dict[str, Any]) -> None:
    assert firewall(blocking(rule, **more)).vendor_change is None


def test_without_the_record_of_changes_the_vendor_is_not_accused() -> None:
    evidence = replace(blocking({**COMMON, "blocked": "3, -7: 610"}), changes=Missing("denied"))
    assert firewall(evidence).vendor_change is None


# --- The verdict ---


def test_users_who_try_again_are_no_attack() -> None:
    verdict = judged(blocking({**COMMON, "blocked": "3, -7: 1830"}), METRIC)
    assert verdict.code == "waf_managed_rule_false_positive"


def test_a_rule_of_our_own_that_nobody_edited_is_no_edit() -> None:
    verdict = judged(blocking({"name": "own", "blocked": "0, -7: 610"}), METRIC)
    assert verdict.code == "inconclusive"


def test_an_edit_of_another_web_acl_accuses_nobody() -> None:
    other = {**EDIT, "resources": ["another-acl"]}
    verdict = judged(blocking({**COMMON, "blocked": "3, -7: 610"}, changes=[other]), METRIC)
    assert verdict.code == "waf_managed_rule_false_positive"
    assert verdict.trigger.chosen.kind == "vendor_change"


def test_blocks_that_are_a_small_part_of_the_errors_do_not_explain_them() -> None:
    incident = {
        "alarm": {"metric": METRIC},
        "traffic": {"elb_4xx": "5, -7: 900"},
        "web_acl": {"rules": [{**COMMON, "blocked": "3, -7: 40"}]},
    }
    assert not judged(sketch(**incident), METRIC).code.startswith("waf_")


def test_a_web_acl_that_blocks_more_than_fails_here_guards_others_too() -> None:
    evidence = blocking({**COMMON, "blocked": "3, -7: 610"})
    assert isinstance(evidence.metrics, Metrics)
    here = {**evidence.metrics.series, MetricKey(METRIC, "Sum"): (5.0,) * 173 + (160.0,) * 7}
    shared = replace(evidence, metrics=replace(evidence.metrics, series=here))
    (found,) = [each for each in judged(shared, METRIC).findings if each.cause.code == "waf_attack_blocked"]
    assert any("guards other resources too" in signal.statement for signal in found.signals)


def test_the_rule_that_sets_puzzles_is_named() -> None:
    puzzle = {"name": "robots", "kind": "own", "action": "captcha", "captcha": "0, -7: 500"}
    assert firewall(blocking(puzzle)).puzzle_rule == "robots"


def test_the_evidence_of_a_web_acl_survives_being_stored() -> None:
    evidence = blocking({**COMMON, "blocked": "3, -7: 610"})
    assert from_json(Evidence, to_json(evidence)) == evidence


def test_blocks_do_not_explain_server_errors() -> None:
    incident = {
        "target_groups": {"orders": {"target_5xx": "1, -7: 300"}},
        "web_acl": {"rules": [{**COMMON, "blocked": "3, -7: 610"}]},
    }
    assert judged(sketch(**incident)).code == "application_errors"


def test_what_could_not_be_read_of_the_firewall_is_named() -> None:
    evidence = blocking({**COMMON, "blocked": "3, -7: 610"})
    assert isinstance(evidence.firewall, WebAcl)
    denied = replace(evidence.firewall, logged=Missing("s3:ListObjectsV2: AccessDenied"))
    missing = replace(evidence, firewall=denied).missing()
    assert ("firewall.logged", "s3:ListObjectsV2: AccessDenied") in missing


def test_an_edit_that_cannot_be_seen_yet_is_not_ruled_out() -> None:
    evidence = blocking(
        {"name": "own", "blocked": "0, -3: 900"}, requests="4421, -3: 3520", cloudtrail_delay=300
    )
    assert isinstance(evidence.changes, Changes)
    assert evidence.changes.shown_until < evidence.now - timedelta(minutes=4)
    verdict = judged(evidence, METRIC)
    assert verdict.code == "waf_rule_change"
    assert verdict.trigger.chosen.kind == "unknown"
