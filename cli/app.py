"""The commands and how they fail: with one sentence, and an exit code that says so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Gateway Triage on a developer's machine: a demo, generated tables, measurements.",
)

DEFAULT_SCENARIO = "release-breaks-responses"
USAGE, FAILED = 2, 1


@app.command()
def demo(
    scenario: Annotated[
        str, typer.Argument(help="A scenario of tests/scenarios, or 'list'.")
    ] = DEFAULT_SCENARIO,
    mode: Annotated[
        str | None,
        typer.Option(help="recommend, approve, auto or off; else as the scenario says, which is auto."),
    ] = None,
) -> None:
    """Play an incident from the alarm to the last message, through the functions of template.yaml."""
    from cli import choosing, demo
    from cli.page import page

    if scenario == "list":
        choosing.show_list(page())
        return
    try:
        chosen = choosing.choose(scenario, mode)
    except choosing.NoSuchChoiceError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(USAGE) from None
    try:
        demo.play(page(), chosen)
    except demo.DemoFailedError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(FAILED) from None


@app.command()
def causes(
    write: Annotated[
        Path | None, typer.Option(help="Replace the tables between the markers of this file.")
    ] = None,
) -> None:
    """Print the tables of causes and guards in Markdown, made from the code."""
    from cli import tables

    if write is None:
        typer.echo(tables.markdown())
        return
    try:
        tables.write(write)
    except (OSError, tables.NoMarkersError) as error:
        typer.echo(f"{write}: {error}", err=True)
        raise typer.Exit(FAILED) from None


@app.command()
def accuracy(
    write: Annotated[Path, typer.Option(help="The file to write.")] = Path("docs/accuracy.md"),
    draws: Annotated[
        int, typer.Option(min=1, help="How often the noise of each scenario is drawn anew.")
    ] = 10,
    processes: Annotated[int, typer.Option(min=1, help="How many processes share the work.")] = 2,
) -> None:
    """Judge every scenario and write what came of it."""
    from cli import accuracy
    from cli.page import page

    accuracy.measure(page(), write, draws, processes)
