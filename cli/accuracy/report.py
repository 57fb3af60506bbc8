"""docs/accuracy.md: what was measured, how, and where it was wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks import price
from cli.accuracy import scores
from cli.accuracy.result import INCONCLUSIVE, Measured, Result

INTRODUCTION = """# How right it is

Made by `make accuracy`; do not edit. On a quiet machine the same code gives the same file.

Every incident of `tests/scenarios` is staged in the lab, which deploys `template.yaml` itself. The alarm
is sent, the very handlers run to the end, and what CodeDeploy was asked for is counted. Each scenario is
played in the mode it names: `auto`, but for the one whose story is `recommend`. A cause is right if the
scenario accepts it; where experts could differ a scenario accepts more than one. Cause and trigger are
those of the answer to the alarm, before anything was looked at again.

The scenarios were written from documentation and post-mortems, but in this project, and the judgement has
been changed since they were written. So these are figures on known incidents. They do not say how often an
incident that nobody has thought of will be judged right; for that an unseen set is needed."""

CALIBRATION = """## How far a confidence can be believed

Of the verdicts given at 90 %, nine in ten should be right. "Inconclusive" makes no claim and is left out.
The Brier score is the mean squared distance between confidence and truth: 0 is best, always saying 50 %
scores 0.25."""

REDRAWN = """### The same incidents with other noise

{draws} new draws of the noise of every scenario, judged by the same code straight from the scenario's
data, at the alarm's time and without AWS calls in between. Left out are scenarios with failing calls,
which only the lab can play. Draws of one incident resemble each other, so this says how steady a verdict
is, not how many kinds of incident are known."""

GROUPED = """## By group of codes

The groups are those of the contract; an incident counts for the cause that is expected first."""

LEFT_OUT = """## With each story left out

The weights of the signals are written down from documentation, one for all incidents. What could be tuned
to the incidents, the priors of the causes and how sharply log-odds become confidences, is fitted here to
all other stories, once for each story, and judges the story that was left out. Variants of one incident
are one story. Were the judgement tuned to single incidents, it would do worse here. Only the entry
point's own causes are scored here, so what only an origin's evidence tells counts as not named."""

PRICE = """## Calls and price of a diagnosis

AWS calls from the event to the message, by kind of entry point, and what those of them cost that AWS
charges for (list prices of us-east-1, without the function's own time, which docs/performance.md has, and
without what Logs Insights scans, about 0.005 USD a gigabyte of the minutes that are searched)."""

RIVALS = """## Beside two naive rivals

Both see the same incidents and keep to the same permissions: mode, opt-in and opt-out tags, kill switch.

- **Blame the latest deployment**: the newest deployment that ran in the last 30 minutes did it and is
  rolled back, whatever the errors are. Its cause is the usual reading of the code there is most of: 502
  the target broke the exchange, 503 no usable targets, 504 the target timed out, 5xx of the targets
  application errors, 4xx the application rejects requests.
- **Stop what is still running**: a deployment that runs when the alarm comes is stopped, whatever the
  errors are, as CodeDeploy's own alarms do. It names no cause, and a deployment that has finished is out
  of its reach."""


EXAMINED = """## Examined by others

The incidents of `tests/examination` are by seven outside authors who did not see the causes.
What they showed when they were first read stands in `tests/examination/README.md`; the causes
have been changed because of them since. They are played end to end as well. Some of them run on platforms
or entry points that this version refuses to roll back, which counts as missed here."""


def headline(measured: Measured) -> str:
    """The result in a sentence."""
    ours = scores.count(measured.ours)
    return (
        f"Causes right: {_share(ours.causes_right, ours.scenarios)}. Wrong rollbacks: {len(ours.wrong)}. "
        f"Right rollbacks made: {_share(ours.rollbacks_right, ours.rollbacks_wanted)}."
    )


def markdown(measured: Measured) -> str:
    """The whole file."""
    parts = (
        INTRODUCTION,
        f"**{headline(measured)}**",
        "\n".join(_overview(measured)),
        "\n".join(_named_rollbacks(measured)),
        GROUPED,
        "\n".join(_groups(measured.ours)),
        "\n".join(_confusion(measured.ours)),
        EXAMINED,
        "\n".join(_examined(measured.examined)),
        CALIBRATION,
        "### The scenarios, end to end",
        "\n".join(_calibration(measured.ours)),
        REDRAWN.format(draws=measured.draws),
        "\n".join(_calibration(measured.redrawn)),
        _steadiness(measured.redrawn),
        LEFT_OUT,
        "\n".join(_left_out(measured.left_out)),
        PRICE,
        "\n".join(_prices(measured.ours)),
        RIVALS,
        "\n".join(_rivals(measured)),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _overview(measured: Measured) -> Iterator[str]:
    ours = scores.count(measured.ours)
    undecided = sum(each.named == INCONCLUSIVE for each in measured.ours)
    expected = sum(each.expected[:1] == (INCONCLUSIVE,) for each in measured.ours)
    yield "| measured | result |"
    yield "|---|---|"
    yield f"| scenarios | {ours.scenarios} |"
    yield f"| cause right | {_share(ours.causes_right, ours.scenarios)} |"
    yield f"| trigger right, at the time of the alarm | {_share(ours.triggers_right, ours.scenarios)} |"
    yield f'| answered "inconclusive" | {undecided} (expected first: {expected}) |'
    yield f"| right rollbacks made | {_share(ours.rollbacks_right, ours.rollbacks_wanted)} |"
    yield f"| rollbacks missed | {len(ours.missed)} |"
    forbidden = sum(each.wanted is False for each in measured.ours)
    yield f"| wrong rollbacks | {len(ours.wrong)}; going back is wrong in {forbidden} scenarios |"


def _named_rollbacks(measured: Measured) -> Iterator[str]:
    ours = scores.count(measured.ours)
    yield f"Wrong rollbacks: {_names(ours.wrong)}."
    yield ""
    yield f"Missed rollbacks: {_names(ours.missed)}."


def _examined(results: Sequence[Result]) -> Iterator[str]:
    counts = scores.count(results)
    wrong = [each for each in results if not each.right]
    yield "| measured | result |"
    yield "|---|---|"
    yield f"| cause right | {_share(counts.causes_right, counts.scenarios)} |"
    yield f"| right rollbacks made | {_share(counts.rollbacks_right, counts.rollbacks_wanted)} |"
    yield f"| wrong rollbacks | {len(counts.wrong)} |"
    yield ""
    yield f"Causes named wrongly: {'; '.join(map(_instead, wrong)) or 'none'}."
    yield ""
    yield f"Missed rollbacks: {_names(counts.missed)}."


def _groups(results: Sequence[Result]) -> Iterator[str]:
    yield "| group | incidents | cause right | trigger right | wrong rollbacks |"
    yield "|---|---|---|---|---|"
    for name, counts in scores.by_group(results).items():
        yield (
            f"| {name} | {counts.scenarios} | {_share(counts.causes_right, counts.scenarios)} "
            f"| {_share(counts.triggers_right, counts.scenarios)} | {len(counts.wrong)} |"
        )


def _left_out(results: Sequence[Result]) -> Iterator[str]:
    wrong = [each for each in results if not each.right]
    yield "| measured | result |"
    yield "|---|---|"
    yield f"| cause right | {_share(len(results) - len(wrong), len(results))} |"
    yield f"| calibration error | {scores.calibration_error(results):.3f} |"
    yield f"| Brier score | {scores.brier(results):.4f} |"
    yield ""
    yield f"Named wrongly: {'; '.join(map(_instead, wrong)) or 'none'}."


def _prices(results: Sequence[Result]) -> Iterator[str]:
    yield "| entry point | diagnoses | calls, mean | calls, most | series asked for, mean | USD, mean |"
    yield "|---|---|---|---|---|---|"
    kinds = sorted({each.kind for each in results if each.kind})
    for kind in kinds:
        found = [each for each in results if each.kind == kind]
        calls = [sum(each.calls.values()) for each in found]
        asked = sum(each.metrics for each in found) / len(found)
        price = sum(_price(each) for each in found) / len(found)
        mean = sum(calls) / len(calls)
        yield f"| {kind} | {len(found)} | {mean:.0f} | {max(calls)} | {asked:.0f} | {price:.5f} |"


def _price(result: Result) -> float:
    found = price.costs(result.calls, result.metrics, 0.0, 0)
    return sum(each.usd for each in found)


def _names(results: Sequence[Result]) -> str:
    return ", ".join(map(_name, results)) or "none"


def _name(result: Result) -> str:
    refused = ", ".join(f"`{guard}`" for guard in result.refused_by)
    return f"`{result.scenario}`" + (f" (refused by {refused})" if refused else "")


def _confusion(results: Sequence[Result]) -> Iterator[str]:
    yield "## Causes expected and named"
    yield ""
    yield "A row for each cause that scenarios expect first; some of them accept another one too."
    yield ""
    yield "| expected | scenarios | right | named instead |"
    yield "|---|---|---|---|"
    for row in scores.confusion(results):
        instead = "; ".join(_instead(each) for each in row.instead)
        yield f"| `{row.expected}` | {row.scenarios} | {row.right} | {instead} |"
    wrong = scores.named_too_often(results)
    if wrong:
        named = ", ".join(f"`{code}` {times}" for code, times in sorted(wrong.items()))
        yield ""
        yield f"Named where it was wrong: {named}."


def _instead(result: Result) -> str:
    word = ", accepted" if result.right else f", {100 * result.confidence:.0f} %"
    return f"`{result.named}`{word} ({result.scenario})"


def _calibration(results: Sequence[Result]) -> Iterator[str]:
    made = scores.claims(results)
    expected, wrong = sum(1 - each.confidence for each in made), sum(not each.right for each in made)
    yield (
        f"{len(made)} verdicts that name a cause, Brier score {scores.brier(results):.4f}. "
        f"By their confidences {expected:.1f} of them should be wrong; {wrong} were. "
        f"Calibration error {scores.calibration_error(results):.3f}: the mean distance between confidence "
        "and truth over the rows below."
    )
    yield ""
    yield "| confidence | verdicts | mean confidence | right |"
    yield "|---|---|---|---|"
    for each in scores.calibration(results):
        yield (
            f"| {100 * each.low:.0f} to {100 * each.high:.0f} % | {each.verdicts} "
            f"| {100 * each.mean_confidence:.1f} % | {_share(each.right, each.verdicts)} |"
        )


def _steadiness(results: Sequence[Result]) -> str:
    right = sum(each.right for each in results)
    scenarios = len({each.scenario for each in results})
    return (
        f'Of all {len(results)} draws of {scenarios} scenarios, "inconclusive" included, '
        f"{_share(right, len(results))} have the cause right."
    )


def _rivals(measured: Measured) -> Iterator[str]:
    yield "| judge | cause right | right rollbacks made | wrong rollbacks |"
    yield "|---|---|---|---|"
    yield _rival("Gateway Triage", measured.ours)
    yield _rival("blame the latest deployment", measured.latest)
    yield _rival("stop what is still running", measured.running, names_causes=False)


def _rival(name: str, results: Sequence[Result], *, names_causes: bool = True) -> str:
    counts = scores.count(results)
    causes = _share(counts.causes_right, counts.scenarios) if names_causes else "names none"
    made = _share(counts.rollbacks_right, counts.rollbacks_wanted)
    return f"| {name} | {causes} | {made} | {len(counts.wrong)} |"


def _share(part: int, whole: int) -> str:
    """`93 of 100 (93.0 %)`."""
    return f"{part} of {whole} ({100 * part / whole:.1f} %)" if whole else "0 of 0"
