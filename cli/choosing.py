"""Which scenario to play, and in which mode."""

from __future__ import annotations

import difflib
import itertools
import textwrap
from collections.abc import Sequence

from cli.page import HEADING, STRONG, Page
from diagnosis.catalogue import causes
from diagnosis.settings import RollbackMode
from lab import Scenario, load, scenarios

# One line a scenario; names alone take half of a page.
LIST_WIDTH = 120


class NoSuchChoiceError(Exception):
    """There is no such scenario or mode; the message says what there is."""


def choose(name: str, mode: str | None) -> tuple[Scenario, RollbackMode]:
    """The scenario of that name, and the mode to play it in. Raises NoSuchChoiceError."""
    known = [path.stem for path in scenarios()]
    if name not in known:
        raise NoSuchChoiceError(_unknown(name, known))
    scenario = load(name)
    wanted = mode or scenario.mode
    if wanted not in set(RollbackMode):
        raise NoSuchChoiceError(f"There is no mode {wanted!r}. There are: {', '.join(RollbackMode)}.")
    return scenario, RollbackMode(wanted)


def _unknown(name: str, known: Sequence[str]) -> str:
    near = near_names(name, known)
    listed = "".join(f"\n  {each}" for each in near)
    meant = f" Near it:{listed}" if near else ""
    return f"There is no scenario {name!r}.{meant}\nSee all of them: make demo SCENARIO=list"


def near_names(name: str, known: Sequence[str], most: int = 5) -> list[str]:
    """The names that are spelt alike, then those that share a word with it."""
    alike = difflib.get_close_matches(name, known, n=most, cutoff=0.6)
    words = {word for word in name.lower().split("-") if len(word) > 3}
    sharing = sorted(known, key=lambda each: -len(words & set(each.split("-"))))
    related = [each for each in sharing if words & set(each.split("-"))]
    return list(dict.fromkeys([*alike, *related]))[:most]


def show_list(page: Page) -> None:
    """A line for each scenario, under the cause that is expected of it."""
    titles = {cause.code: cause.title for cause in causes()}
    found = sorted((load(path) for path in scenarios()), key=lambda each: (_expected(each), each.name))
    page.text(f"{len(found)} scenarios, each under the cause that is expected of it.", indent=0)
    for code, group in itertools.groupby(found, key=_expected):
        page.heading(f"{code}: {titles.get(code, 'not diagnosed')}")
        _show_group(page, tuple(group))
    page.blank()
    page.parts(("Play one: ", HEADING), ("make demo SCENARIO=<name> MODE=recommend|approve|auto", ""))


def _show_group(page: Page, group: Sequence[Scenario]) -> None:
    name_width = max(len(each.name) for each in group) + 2
    room = LIST_WIDTH - name_width - 2
    for each in group:
        title = textwrap.shorten(each.title, room, placeholder=" ...")
        page.parts((f"  {each.name:<{name_width}}", STRONG), (title, ""))


def _expected(scenario: Scenario) -> str:
    return scenario.expect.cause[0] if scenario.expect.cause else scenario.expect.outcome
