"""The tables of causes and guards in Markdown, made from the catalogue and from the guards' docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from diagnosis.catalogue import causes
from diagnosis.cause import Cause
from diagnosis.guards import GUARDS

BEGIN = "<!-- causes:begin (made by: python -m cli causes --write README.md) -->"
END = "<!-- causes:end -->"
ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = Path("src/diagnosis/catalogue")


class NoMarkersError(ValueError):
    """The file has no place for the tables."""


def markdown() -> str:
    """Both tables, each with a line about it."""
    return "\n\n".join((_causes_told(), "\n".join(_causes()), _guards_told(), "\n".join(_guards())))


def _causes_told() -> str:
    helped = sum(cause.rollback_helps for cause in causes())
    return (
        f"It knows {len(causes())} causes; against {helped} of them going back to the revision before can "
        "help. Every cause is one file with its text, its signals and their weights, and its own cases."
    )


def _causes() -> Iterator[str]:
    yield from _header("cause", "in words", "where to look first", "rollback")
    for cause in causes():
        name = f"[`{cause.code}`]({CATALOGUE / f'{cause.code}.py'})"
        helps = "can help" if cause.rollback_helps else "does not help"
        yield _row((name, cause.title, _first_look(cause), helps))


def _first_look(cause: Cause) -> str:
    return cause.first_look[0].sentence if cause.first_look else "-"


def _guards_told() -> str:
    return (
        f"A rollback is made only if none of these {len(GUARDS)} guards objects. Each can only refuse, in a "
        "sentence that people get to read. They are asked in this order, and all of them, so that everything "
        "in the way is seen."
    )


def _guards() -> Iterator[str]:
    yield from _header("guard", "agrees only if")
    for guard in GUARDS:
        sentence = " ".join((inspect.getdoc(guard) or "").split("\n\n")[0].split())
        yield _row((f"`{guard.__name__}`", sentence))


def _header(*titles: str) -> Iterable[str]:
    return _row(titles), "|" + "---|" * len(titles)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def placed(text: str, tables: str) -> str:
    """The text with the tables between its markers. Raises NoMarkersError."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoMarkersError(f"the tables belong between the lines {BEGIN} and {END}, which are not there")
    return f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}"


def write(path: Path) -> None:
    """Put the tables between the markers of the file."""
    path.write_text(placed(path.read_text(encoding="utf-8"), markdown()), encoding="utf-8")
