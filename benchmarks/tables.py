"""The figures as tables: what each is called, and how it is written. Terminal and page show the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.chain import operation
from benchmarks.package import MEGABYTE, Size
from benchmarks.price import by_service
from benchmarks.result import MOST_DEEP, MOST_SECONDS, Result

BYTECODE = {True: "with bytecode", False: "without"}


@dataclass(frozen=True, slots=True)
class Table:
    """A title, the heads of the columns, and the rows; all but the first column are figures."""

    title: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def tables(result: Result) -> list[Table]:
    """All the tables, in the order of the page."""
    return [_warm(result), _cold(result), _calls(result), _price(result), _size(result.sizes)]


def _warm(result: Result) -> Table:
    warm, latency = result.warm, result.latency
    waiting = len(result.chain) * latency
    rows = [
        (
            "event to last message, median",
            _ms(warm.told),
            f"at most {_ms(MOST_SECONDS)}",
            _met(result.fast_enough),
        ),
        ("the same, slowest", _ms(warm.slowest), "", ""),
        (
            "calls deep, AWS and Slack",
            str(len(result.chain)),
            f"at most {MOST_DEEP}",
            _met(result.shallow_enough),
        ),
        ("calls to AWS", str(warm.calls), "", ""),
        ("waiting that cannot be avoided (depth x latency), of the time", _share(waiting, warm.told), "", ""),
        ("with nothing to wait for, of the time", _share(result.without_latency.told, warm.told), "", ""),
        ("processor time, of the time", _share(warm.processor, warm.told), "", ""),
    ]
    return Table("A warm function", ("", "measured", "target", "met"), rows)


def _cold(result: Result) -> Table:
    unit, processor = result.bare[True].total, result.bare[True].processor
    rows = [
        (
            f"{name}, {BYTECODE[bytecode]}",
            *(_times(each / unit) for each in (cold.imports, cold.event, cold.total)),
            _times(cold.processor / processor),
            _ms(cold.total),
        )
        for bytecode in (True, False)
        for name, cold in (
            ("bare function", result.bare[bytecode]),
            ("alarm function", result.cold[bytecode]),
        )
    ]
    return Table("A cold start", ("", "imports", "first event", "both", "processor time", "both, here"), rows)


def _calls(result: Result) -> Table:
    rows = [(service, str(count)) for service, count in by_service(result.calls).items()]
    total = ("together", str(sum(result.calls.values())))
    return Table("Calls of a diagnosis", ("service", "calls"), [*rows, total])


def _price(result: Result) -> Table:
    rows = [(cost.what, cost.how_much, _usd(cost.usd), _share(cost.usd, result.usd)) for cost in result.costs]
    total = ("together", "", _usd(result.usd), "100 %")
    return Table("Price of a diagnosis", ("", "how much", "USD for 1,000", "share"), [*rows, total])


def _size(sizes: Sequence[Size]) -> Table:
    unzipped, zipped = sum(size.unzipped for size in sizes), sum(size.zipped for size in sizes)
    bytecode = sum(size.bytecode for size in sizes)
    rows = [
        (
            size.component,
            _megabytes(size.unzipped),
            _megabytes(size.bytecode),
            _megabytes(size.zipped),
            _share(size.zipped, zipped),
        )
        for size in sizes
    ]
    total = ("together", _megabytes(unzipped), _megabytes(bytecode), _megabytes(zipped), "100 %")
    heads = ("component", "MB unzipped", "of it bytecode", "MB zipped", "share")
    return Table("Size of the package", heads, [*rows, total])


def steps(result: Result) -> list[str]:
    """The longest chain, call by call."""
    return [operation(call) for call in result.chain]


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"


def _times(ratio: float) -> str:
    return f"{ratio:.2f}"


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %"


def _usd(usd: float) -> str:
    return f"{1000 * usd:.4f}"


def _megabytes(count: int) -> str:
    return f"{count / MEGABYTE:.1f}"


def _met(met: bool) -> str:
    return "yes" if met else "no"
