"""Every cause examined and ranked."""

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.cause import Cause, Origin, Retry, Signal
from diagnosis.evidence import Missing
from diagnosis.facts import Facts
from diagnosis.judgement import NAMED_FROM, findings, leading, softmax
from diagnosis.verdict import Finding
from tests.diagnosis.sketches import facts_of, sketch

QUIET = facts_of(sketch())


def cause(code: str, prior: float = 0.0, *weights: float, needs: tuple[str, ...] = ("metrics",)) -> Cause:
    """A cause whose signals have these weights, whatever the facts."""

    def examine(facts: Facts) -> Iterable[Signal]:
        return [Signal(weight, f"a fact worth {weight}", "a test") for weight in weights]

    return Cause(
        code=code,
        origin=Origin.UNKNOWN,
        title=code,
        why="",
        prior=prior,
        needs=needs,
        examine=examine,
        first_look=(),
        prevention="",
        retry=Retry.UNKNOWN,
        rollback_helps=False,
        sources=(),
        cases=(),
    )


def finding(code: str, confidence: float) -> Finding:
    return Finding(cause(code), confidence, ())


# --- Softmax ---


@given(st.lists(st.floats(-700, 700), min_size=1, max_size=30))
def test_the_confidences_add_up_to_one_and_keep_the_order_of_the_scores(scores: list[float]) -> None:
    shares = softmax(scores)
    assert math.fsum(shares) == pytest.approx(1.0)
    by_score = [share for _, share in sorted(zip(scores, shares, strict=True))]
    assert by_score == sorted(by_score)


def test_a_difference_of_scores_is_the_logarithm_of_the_odds() -> None:
    likely, unlikely = softmax((2.0, -1.0))
    assert math.log(likely / unlikely) == pytest.approx(3.0)


def test_no_score_gives_no_confidence() -> None:
    assert softmax(()) == ()


# --- Findings ---


def test_the_prior_and_the_weights_of_all_signals_are_added_up() -> None:
    first, second = findings(QUIET, (cause("plain", 1.5), cause("weighed", -1.0, 4.0, -2.0)))
    assert (first.cause.code, second.cause.code) == ("plain", "weighed")
    assert math.log(first.confidence / second.confidence) == pytest.approx(0.5)


def test_equally_likely_causes_are_ranked_by_code() -> None:
    ranked = findings(QUIET, (cause("b"), cause("c"), cause("a")))
    assert [found.cause.code for found in ranked] == ["a", "b", "c"]


def test_signals_are_told_heaviest_first_whichever_way_they_point() -> None:
    (found,) = findings(QUIET, (cause("one", 0.0, 1.0, -5.0, 3.0),))
    assert [signal.weight for signal in found.signals] == [-5.0, 3.0, 1.0]


def test_a_cause_whose_evidence_is_missing_keeps_its_prior_and_says_what_it_lacked() -> None:
    facts = replace(QUIET, evidence=replace(QUIET.evidence, listeners=Missing("AccessDenied")))
    judged = findings(
        facts, (cause("misroute", 0.5, 9.0, needs=("metrics", "listeners")), cause("other", 0.5, -1.0))
    )
    skipped = next(found for found in judged if found.cause.code == "misroute")
    assert skipped.skipped == "listeners could not be read: AccessDenied"
    assert skipped.signals == ()
    assert math.log(judged[0].confidence / judged[1].confidence) == pytest.approx(1.0)


def test_a_cause_whose_evidence_was_read_and_was_empty_is_judged() -> None:
    facts = replace(QUIET, evidence=replace(QUIET.evidence, listeners=()))
    (found,) = findings(facts, (cause("misroute", 0.0, 9.0, needs=("listeners",)),))
    assert (found.skipped, len(found.signals)) == (None, 1)


# --- The one that is named ---


@pytest.mark.parametrize(
    ("code", "confidence", "named"),
    [
        ("target_timeout", 0.99, True),
        ("target_timeout", NAMED_FROM, True),
        ("target_timeout", NAMED_FROM - 0.01, False),
        ("inconclusive", 0.99, False),
    ],
)
def test_the_first_finding_is_named_when_likely_enough_and_not_the_unknown(
    code: str, confidence: float, named: bool
) -> None:
    ranked = (finding(code, confidence), finding("other", 1 - confidence))
    assert (leading(ranked) is ranked[0]) is named


def test_nothing_is_named_without_findings() -> None:
    assert leading(()) is None
