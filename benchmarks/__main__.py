"""`python -m benchmarks`: measures everything, prints it and writes docs/performance.md."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks import measure, package, price, record
from benchmarks.page import page
from benchmarks.result import Result
from benchmarks.tables import Table, steps, tables

PAGE = package.ROOT / "docs" / "performance.md"


def run(console: Console) -> Result:
    """All measurements, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        console.print("Building the package ...")
        built = package.build(Path(folder))
        console.print(f"Recording the incident on the lab; then all runs on Python {built.version} ...")
        recorded = record.record()
        console.print("A warm function ...")
        warm = measure.warm(recorded, built, measure.LATENCY)
        without_latency = measure.warm(recorded, built, 0.0)
        lab = record.in_the_lab(measure.LATENCY)
        console.print("Holding up each call in turn; this takes a minute ...")
        chain = measure.chain(recorded, built)
        console.print("Cold starts ...")
        first = measure.first_events(recorded, built)
        return Result(
            python=built.version,
            latency=measure.LATENCY,
            warm=warm,
            without_latency=without_latency,
            chain=chain,
            lab=lab,
            cold={each: first["cold", each] for each in (True, False)},
            bare={each: first["bare", each] for each in (True, False)},
            first_message=measure.first_message(recorded, built, measure.LATENCY),
            calls=recorded.counts(),
            costs=price.costs(
                recorded.counts(), recorded.metrics_requested(), warm.returned, recorded.memory_megabytes
            ),
            sizes=package.sizes(built.compiled),
        )


def _shown(table: Table) -> RichTable:
    shown = RichTable(title=table.title, title_justify="left")
    for number, head in enumerate(table.heads):
        shown.add_column(head, justify="right" if number else "left")
    for row in table.rows:
        shown.add_row(*row)
    return shown


def main() -> None:
    """Measure, print, write."""
    console = Console()
    result = run(console)
    for table in tables(result):
        console.print(_shown(table))
    console.print("Longest chain:", " -> ".join(steps(result)))
    PAGE.write_text(page(result), encoding="utf-8")
    console.print(f"Written to {PAGE.relative_to(package.ROOT)}")


if __name__ == "__main__":
    main()
