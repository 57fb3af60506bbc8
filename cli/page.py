"""How the command line writes: colours and progress on a terminal, plain lines of 100 columns elsewhere.

Meaning never hangs on colour: every coloured word says the same without it. Blue and yellow, which nearly
everybody can tell apart.
"""

from __future__ import annotations

import io
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

WIDTH = 100
NARROWEST = 72
INDENT = 3

HEADING = "bold blue"
STRONG = "bold"
QUIET = "dim"
GOOD = "blue"
BAD = "bold yellow"


class Page:
    """A place to write lines to, one below the other."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = max(NARROWEST, min(console.width, WIDTH))

    def blank(self) -> None:
        """An empty line."""
        self.console.print()

    def heading(self, title: str) -> None:
        """A new part."""
        self.blank()
        self.console.print(Text(title, HEADING), soft_wrap=True)

    def text(self, words: str, style: str = "", indent: int = INDENT) -> None:
        """A paragraph."""
        self.item("", words, label_width=0, style=style, indent=indent)

    def item(
        self,
        label: str,
        words: str,
        *,
        label_width: int,
        style: str = "",
        label_style: str = "",
        indent: int = INDENT,
    ) -> None:
        """A label and, beside it, a paragraph that stays beside it when it is wrapped."""
        room = self.width - indent - label_width
        lines = textwrap.wrap(words, room, break_long_words=False, break_on_hyphens=False) or [""]
        for number, line in enumerate(lines):
            beside = f"{label:<{label_width}}" if number == 0 else " " * label_width
            self.parts((" " * indent, ""), (beside, label_style), (line, style))

    def parts(self, *parts: tuple[str, str]) -> None:
        """One line made of pieces with their styles; it is not wrapped, and ends where its words end."""
        line = Text.assemble(*parts)
        line.rstrip()
        self.console.print(line, soft_wrap=True)

    @contextmanager
    def working(self, doing: Callable[[], str]) -> Iterator[None]:
        """Show what is being done for as long as the block takes; on a terminal only."""
        if not self.console.is_terminal or self.console.is_dumb_terminal:
            yield
            return
        spinner = Spinner("line", style=HEADING)

        def shown() -> Spinner:
            spinner.update(text=Text(doing()[: self.width - 4], QUIET))
            return spinner

        # The lab captures what functions print; the display must not come between.
        with Live(
            get_renderable=shown,
            console=self.console,
            transient=True,
            refresh_per_second=10,
            redirect_stdout=False,
            redirect_stderr=False,
        ):
            yield


def page(stream: TextIO | None = None) -> Page:
    """The page on standard output. Whatever Rich guesses, what is no terminal gets plain text."""
    file = stream or sys.stdout
    if isinstance(file, io.TextIOWrapper):
        file.reconfigure(errors="replace")  # a sparkline must not break a terminal that knows Latin-1 only
    terminal = file.isatty()
    return Page(
        Console(
            file=file,
            width=None if terminal else WIDTH,
            force_terminal=terminal,
            highlight=False,
            markup=False,
            emoji=False,
        )
    )
