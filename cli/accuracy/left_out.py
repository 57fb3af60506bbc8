"""Leaving one story out: what is fitted to incidents is fitted anew without a story, and judges that one.

Fitted are the priors of the causes and how sharply log-odds become confidences; the weights of the signals
are written down from the field's documentation. If the figures held only because something was tuned to
single incidents, they would fall here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from cli.accuracy.redraw import alarm_group, alarm_metrics
from cli.accuracy.result import Result, judged
from diagnosis.catalogue import causes
from diagnosis.evidence import Missing
from diagnosis.facts import derive
from diagnosis.judgement import NAMED_FROM, UNDECIDED, findings
from lab import load
from lab.straight import evidence_of

Array = NDArray[np.float64]
# How strongly a prior is held to what is written, in squared log-odds: a single incident moves it a little.
HELD = 1.0
SHARPNESS_HELD = 1.0
# What a cause that this entry point cannot have scores.
IMPOSSIBLE = -60.0


@dataclass(frozen=True, slots=True)
class Judged:
    """One incident: its story, the log-odds of every cause, and which of them are right."""

    scenario: str
    story: str
    scores: tuple[float, ...]
    right: tuple[bool, ...]


def score(name: str) -> Judged | None:
    """The log-odds of every cause for a scenario; None where calls fail, which only the lab can play."""
    scenario = load(name)
    if scenario.faults or scenario.expect.outcome != "diagnosed":
        return None
    evidence = evidence_of(scenario)
    facts = derive(evidence, alarm_metrics(scenario.alarm), alarm_group(scenario.alarm, evidence))
    if isinstance(facts, Missing):
        return None
    found = {each.cause.code: each for each in findings(facts, causes())}
    scores = tuple(
        found[cause.code].cause.prior + sum(signal.weight for signal in found[cause.code].signals)
        if cause.code in found
        else IMPOSSIBLE
        for cause in causes()
    )
    right = tuple(cause.code in scenario.expect.cause for cause in causes())
    return Judged(name, scenario.story, scores, right)


def results(incidents: Sequence[Judged]) -> tuple[Result, ...]:
    """The answer to each incident by a judgement that was fitted to the other stories."""
    stories = sorted({each.story for each in incidents})
    answers = {story: _fit([each for each in incidents if each.story != story]) for story in stories}
    return tuple(_answer(each, answers[each.story]) for each in incidents)


def _fit(incidents: Sequence[Judged]) -> Array:
    """Sharpness and a correction of each prior, by penalised likelihood of the accepted causes."""
    scores = np.array([each.scores for each in incidents])
    right = np.array([each.right for each in incidents])
    start = np.zeros(scores.shape[1] + 1)

    def loss(parameters: Array) -> tuple[float, Array]:
        sharpness, corrections = np.exp(parameters[0]), parameters[1:]
        corrected = scores + corrections
        believed = _softmax(sharpness * corrected)
        accepted = np.clip((believed * right).sum(axis=1), 1e-12, None)
        pull = believed * right / accepted[:, None] - believed
        gradient = np.concatenate(
            [[-(pull * corrected).sum() * sharpness], -sharpness * pull.sum(axis=0)]
        ) + np.concatenate([[SHARPNESS_HELD * parameters[0]], HELD * corrections])
        penalty = 0.5 * (SHARPNESS_HELD * parameters[0] ** 2 + HELD * (corrections**2).sum())
        return float(-np.log(accepted).sum() + penalty), gradient

    fitted = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return np.asarray(fitted.x, dtype=np.float64)


def _answer(incident: Judged, parameters: Array) -> Result:
    believed = _softmax(np.exp(parameters[0]) * (np.array([incident.scores]) + parameters[1:]))[0]
    best = int(np.argmax(believed))
    code = causes()[best].code
    named = code if believed[best] >= NAMED_FROM else UNDECIDED
    return judged(load(incident.scenario), named, float(believed[best]))


def _softmax(scores: Array) -> Array:
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True), dtype=np.float64)
