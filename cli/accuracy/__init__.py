"""How right the judgement is: measured on every scenario, beside two naive rivals, and written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from cli.accuracy import left_out, redraw, report, rivals, trial
from cli.accuracy.result import Measured, Result
from cli.page import Page
from lab import scenarios

Item = TypeVar("Item")
EXAMINATION = Path(__file__).parents[2] / "tests" / "examination"


def measure(page: Page, write: Path, draws: int, processes: int) -> None:
    """Judge every scenario in the lab and write the report."""
    names = tuple(path.stem for path in scenarios())
    measured = _measured(page, names, draws, processes)
    write.parent.mkdir(parents=True, exist_ok=True)
    write.write_text(report.markdown(measured), encoding="utf-8")
    page.text(report.headline(measured), indent=0)
    page.text(f"Written: {write}", indent=0)


def _measured(page: Page, names: Sequence[str], draws: int, processes: int) -> Measured:
    exam = scenarios(EXAMINATION)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return Measured(
            draws=draws,
            ours=tuple(_watched(page, "run end to end", names, pool.map(trial.run, names))),
            examined=tuple(_watched(page, "examined", exam, pool.map(trial.run, exam))),
            latest=tuple(_watched(page, "shown to rivals", names, pool.map(rivals.blame_latest, names))),
            running=tuple(map(rivals.stop_running, names)),
            redrawn=tuple(_redrawn(page, names, draws, pool.map)),
            left_out=left_out.results([each for each in pool.map(left_out.score, names) if each]),
        )


def _redrawn(
    page: Page, names: Sequence[str], draws: int, spread: Callable[..., Iterator[Sequence[Result]]]
) -> Iterator[Result]:
    found = spread(redraw.run, names, [draws] * len(names))
    for results in _watched(page, "drawn anew", names, found):
        yield from results


def _watched(page: Page, doing: str, names: Sequence[object], results: Iterable[Item]) -> Iterator[Item]:
    """The results, with a word on how far it is."""
    done = 0
    with page.working(lambda: f"{done} of {len(names)} scenarios {doing}"):
        for result in results:
            done += 1
            yield result
