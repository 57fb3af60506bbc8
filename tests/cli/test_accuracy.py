"""How right the judgement is, computed on made-up answers, and how those answers are got."""

from dataclasses import replace

import pytest

from cli.accuracy import redraw, report, rivals, scores, trial
from cli.accuracy.result import Measured, Result
from lab import load
from lab.straight import evidence_of

RIGHT = Result(
    scenario="release-then-5xx",
    expected=("application_errors",),
    named="application_errors",
    confidence=0.95,
    expected_trigger=("deployment",),
    trigger="deployment",
    went_back="d-1",
    wanted=True,
    wanted_of="d-1",
)
NOTHING_TO_DO = replace(
    RIGHT,
    scenario="surge",
    expected=("traffic_surge", "target_saturated"),
    named="traffic_surge",
    expected_trigger=("traffic_change",),
    trigger="traffic_change",
    went_back=None,
    wanted=False,
    wanted_of=None,
)
ACCEPTED = replace(NOTHING_TO_DO, scenario="long-surge", named="target_saturated", confidence=0.7)
MISTAKEN = replace(
    NOTHING_TO_DO, scenario="flood", expected=("traffic_flood",), confidence=0.6, trigger="unknown"
)
UNDECIDED = replace(
    NOTHING_TO_DO, scenario="fog", expected=("inconclusive",), named="inconclusive", confidence=0.4
)
RESULTS = (RIGHT, NOTHING_TO_DO, ACCEPTED, MISTAKEN, UNDECIDED)


def test_causes_and_triggers_are_counted():
    counts = scores.count(RESULTS)
    assert (counts.scenarios, counts.causes_right, counts.triggers_right) == (5, 4, 4)


def test_a_rollback_that_was_wanted_and_made_is_right():
    counts = scores.count(RESULTS)
    assert (counts.rollbacks_right, counts.rollbacks_wanted, counts.wrong, counts.missed) == (1, 1, (), ())


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(replace(NOTHING_TO_DO, went_back="d-1"), id="none was wanted"),
        pytest.param(replace(RIGHT, went_back="d-2"), id="of another deployment"),
    ],
)
def test_a_rollback_is_wrong_when(wrong):
    counts = scores.count([wrong])
    assert counts.wrong == (wrong,)
    assert counts.rollbacks_right == 0


def test_a_rollback_that_was_wanted_and_not_made_is_missed():
    missed = replace(RIGHT, went_back=None)
    assert scores.count([missed]).missed == (missed,)


def test_where_the_scenario_leaves_it_open_a_rollback_is_neither_right_nor_wrong():
    counts = scores.count([replace(RIGHT, wanted=None)])
    assert (counts.rollbacks_wanted, counts.rollbacks_right, counts.wrong, counts.missed) == (0, 0, (), ())


def test_the_confusion_has_a_row_for_each_cause_expected_first():
    rows = {row.expected: row for row in scores.confusion(RESULTS)}
    assert set(rows) == {"application_errors", "traffic_surge", "traffic_flood", "inconclusive"}
    assert (rows["traffic_surge"].scenarios, rows["traffic_surge"].right) == (2, 2)
    assert rows["traffic_surge"].instead == (ACCEPTED,)
    assert rows["traffic_flood"].instead == (MISTAKEN,)


def test_the_calibration_leaves_out_what_claims_nothing():
    assert sum(each.verdicts for each in scores.calibration(RESULTS)) == 4


def test_a_confidence_on_a_border_belongs_to_the_bin_above():
    bins = scores.calibration([replace(RIGHT, confidence=0.9), replace(RIGHT, confidence=1.0)])
    assert [(each.low, each.high, each.verdicts) for each in bins] == [(0.9, 0.95, 1), (0.99, 1.0, 1)]


def test_the_brier_score_is_the_mean_squared_distance_to_the_truth():
    sure_and_right, sure_and_wrong = replace(RIGHT, confidence=1.0), replace(MISTAKEN, confidence=1.0)
    assert scores.brier([sure_and_right]) == 0.0
    assert scores.brier([sure_and_right, sure_and_wrong]) == 0.5
    assert scores.brier([replace(RIGHT, confidence=0.5)]) == 0.25
    assert scores.brier([]) == 0.0


def measured() -> Measured:
    wrong = replace(NOTHING_TO_DO, went_back="d-9")
    missed = replace(RIGHT, scenario="slow", went_back=None, refused_by=("errors_continue",))
    ours = (*RESULTS, missed)
    return Measured(
        examined=RESULTS,
        draws=3,
        ours=ours,
        latest=(RIGHT, wrong),
        running=(missed, NOTHING_TO_DO),
        redrawn=RESULTS,
    )


def test_the_report_begins_with_the_figures_that_matter():
    text = report.markdown(measured())
    assert (
        "**Causes right: 5 of 6 (83.3 %). Wrong rollbacks: 0. Right rollbacks made: 1 of 2 (50.0 %).**"
        in text
    )


def test_the_report_tells_what_others_examined():
    section = report.markdown(measured()).split("## Examined by others")[1].split("\n## ")[0]
    counts = scores.count(RESULTS)
    assert f"| cause right | {counts.causes_right} of {counts.scenarios} (" in section
    assert f"| wrong rollbacks | {len(counts.wrong)} |" in section


def test_the_report_names_the_rollbacks_missed_and_the_guards_that_refused_them():
    assert "Missed rollbacks: `slow` (refused by `errors_continue`)." in report.markdown(measured())


def test_the_report_shows_what_was_named_instead_with_its_confidence():
    text = report.markdown(measured())
    assert "| `traffic_flood` | 1 | 0 | `traffic_surge`, 60 % (flood) |" in text
    assert "| `traffic_surge` | 2 | 2 | `target_saturated`, accepted (long-surge) |" in text


def test_the_report_sets_the_rivals_beside_us():
    text = report.markdown(measured())
    assert "| blame the latest deployment | 2 of 2 (100.0 %) | 1 of 1 (100.0 %) | 1 |" in text
    assert "| stop what is still running | names none | 0 of 1 (0.0 %) | 0 |" in text


def test_the_report_of_the_same_answers_is_the_same_text():
    assert report.markdown(measured()) == report.markdown(measured())


def test_the_rival_that_blames_the_latest_deployment_rolls_back_an_innocent_one():
    result = rivals.blame_latest("security-group-change-same-minutes")
    assert (result.named, result.went_back) == ("target_timeout", "d-NEW240XYZ")
    assert result.wrong_rollback


def test_the_rival_that_stops_what_runs_cannot_reach_a_deployment_that_has_finished():
    assert rivals.stop_running("release-breaks-responses").missed_rollback


def test_the_rivals_keep_to_the_kill_switch_and_the_opt_in_tag():
    assert rivals.blame_latest("kill-switch-is-off").went_back is None
    assert rivals.blame_latest("opt-in-tag-is-absent").went_back is None


def test_each_draw_of_the_noise_gives_other_figures():
    scenario = load("security-group-change-same-minutes")
    first, second = (evidence_of(redraw.drawn(scenario, number)).metrics for number in (0, 1))
    assert first == evidence_of(redraw.drawn(scenario, 0)).metrics
    assert first != second


def test_every_draw_is_judged_under_the_name_of_its_scenario():
    results = redraw.run("security-group-change-same-minutes", 2)
    assert [each.scenario for each in results] == ["security-group-change-same-minutes"] * 2
    assert all(each.right for each in results)


def test_scenarios_with_failing_calls_are_left_to_the_lab():
    assert redraw.run("metrics-denied-after-a-release", 2) == ()


def test_our_own_answer_comes_from_the_lab_with_the_deployment_that_was_rolled_back():
    result = trial.run("release-breaks-responses")
    assert result.right
    assert result.trigger_right
    assert result.went_back == "d-NEW240XYZ"
    assert result.right_rollback
