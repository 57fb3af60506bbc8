"""One figure minute by minute, written compactly.

Minutes count from the minute of the alarm. A timeline covers minutes -180 to +40:

    "4421"                                     constant
    "0, -3: 369"                               0, then 369 from minute -3 on
    "0, -3..-1: 60"                            a burst of three minutes, then what was before it
    "0, -10..-5: 0->200"                       a straight ramp that ends, and stays, at 200
    "0, -3: [369 369 370 369 370]"             one by one, then stays at the last
    "6, -4: -"                                 no data points from minute -4 on
    "0.09, -9..-4: 0.09->2.9 ~ 5%"             with gaussian jitter of 5 %

Figures written one by one in brackets were measured: they are exact and get no noise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

FIRST_MINUTE = -180
LAST_MINUTE = 40
MINUTES = LAST_MINUTE - FIRST_MINUTE + 1

_JITTER = re.compile(r"~\s*(?P<percent>\d+(\.\d+)?)\s*%\s*$")
_CHANGE = re.compile(r"^(?P<first>[+-]?\d+)(\s*\.\.\s*(?P<last>[+-]?\d+))?\s*:\s*(?P<value>.+)$")
_RAMP = re.compile(r"^(?P<start>\S+?)\s*->\s*(?P<end>\S+)$")
_NUMBER = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)$")


class TimelineError(ValueError):
    """A timeline that cannot be read; the message says which part and what is allowed."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """A figure for each minute from -180 to +40; None where AWS publishes no data point."""

    values: tuple[float | None, ...]
    exact: tuple[bool, ...]
    jitter: float = 0.0

    def at(self, minute: int) -> float | None:
        """The figure of that minute; beyond the ends it stays as it was there."""
        return self.values[_index(minute)]

    def is_exact(self, minute: int) -> bool:
        """Whether that minute's figure was given one by one and so bears no noise."""
        return self.exact[_index(minute)]

    def returning_to_normal(self, minute: int) -> Timeline:
        """The same timeline, but back at its first level from that minute on."""
        kept = max(0, min(MINUTES, minute - FIRST_MINUTE))
        rest = MINUTES - kept
        return Timeline(
            values=self.values[:kept] + (self.values[0],) * rest,
            exact=self.exact[:kept] + (False,) * rest,
            jitter=self.jitter,
        )


def constant(value: float | None) -> Timeline:
    """The same figure in every minute."""
    return Timeline((value,) * MINUTES, (False,) * MINUTES)


ABSENT = constant(None)
ZERO = constant(0.0)


def parse(text: str | int | float) -> Timeline:
    """Read a compact timeline; raises TimelineError naming the part that is wrong."""
    if isinstance(text, bool):
        raise TimelineError(f"{text!r} is not a timeline; write a number or text such as '0, -3: 369'")
    if isinstance(text, (int, float)):
        return constant(float(text))
    body, jitter = _without_jitter(text)
    first, *changes = _parts(body)
    series = _Series(_numbers(first)[0] if first.startswith("[") else _number(first))
    for change in changes:
        series.apply(change)
    return Timeline(tuple(series.values), tuple(series.exact), jitter)


@dataclass(slots=True)
class _Series:
    level: float | None
    values: list[float | None] = field(init=False)
    exact: list[bool] = field(init=False)

    def __post_init__(self) -> None:
        self.values = [self.level] * MINUTES
        self.exact = [False] * MINUTES

    def apply(self, text: str) -> None:
        match = _CHANGE.match(text)
        if match is None:
            raise TimelineError(f"{text!r} is not a change; write 'minute: value' or 'first..last: value'")
        first = _minute(match["first"])
        last = _minute(match["last"]) if match["last"] else None
        if last is not None and last < first:
            raise TimelineError(f"{text!r}: the range ends before it begins")
        self._write(first, last, match["value"].strip())

    def _write(self, first: int, last: int | None, value: str) -> None:
        ramp = _RAMP.match(value)
        if value.startswith("["):
            self._write_list(first, last, _numbers(value))
        elif ramp:
            self._write_ramp(first, last, ramp["start"], ramp["end"])
        else:
            self._fill(first, LAST_MINUTE if last is None else last, _number(value), exact=False)

    def _write_list(self, first: int, last: int | None, numbers: list[float | None]) -> None:
        if last is not None and len(numbers) != last - first + 1:
            raise TimelineError(f"{len(numbers)} figures for the {last - first + 1} minutes {first}..{last}")
        for offset, number in enumerate(numbers):
            self._fill(first + offset, first + offset, number, exact=True)
        if last is None:
            self._fill(first + len(numbers), LAST_MINUTE, numbers[-1], exact=False)

    def _write_ramp(self, first: int, last: int | None, start: str, end: str) -> None:
        begin, finish = _number(start), _number(end)
        if last is None or begin is None or finish is None:
            raise TimelineError(
                f"a ramp needs a range and two numbers, as in '-10..-5: 0->200', not {start}->{end}"
            )
        steps = max(1, last - first)
        for minute in range(first, last + 1):
            self._fill(minute, minute, begin + (finish - begin) * (minute - first) / steps, exact=False)
        self._fill(last + 1, LAST_MINUTE, finish, exact=False)

    def _fill(self, first: int, last: int, value: float | None, *, exact: bool) -> None:
        for minute in range(max(first, FIRST_MINUTE), min(last, LAST_MINUTE) + 1):
            self.values[minute - FIRST_MINUTE] = value
            self.exact[minute - FIRST_MINUTE] = exact


def _index(minute: int) -> int:
    return max(0, min(MINUTES - 1, minute - FIRST_MINUTE))


def _without_jitter(text: str) -> tuple[str, float]:
    match = _JITTER.search(text)
    if match:
        return text[: match.start()], float(match["percent"]) / 100
    if "~" in text:
        raise TimelineError(f"{text!r}: jitter is written at the end as '~ 5%'")
    return text, 0.0


def _parts(text: str) -> list[str]:
    """Split at the commas outside brackets."""
    parts = [part.strip() for part in re.split(r",(?![^\[]*\])", text)]
    if not all(parts):
        raise TimelineError(f"{text!r}: an empty part; write a level, then changes separated by commas")
    return parts


def _minute(text: str) -> int:
    minute = int(text)
    if not FIRST_MINUTE <= minute <= LAST_MINUTE:
        raise TimelineError(f"minute {minute} lies outside {FIRST_MINUTE}..{LAST_MINUTE}")
    return minute


def _number(text: str) -> float | None:
    if text == "-":
        return None
    if not _NUMBER.match(text):
        raise TimelineError(f"{text!r} is not a number (or '-' for no data points)")
    return float(text)


def _numbers(text: str) -> list[float | None]:
    if not text.endswith("]"):
        raise TimelineError(f"{text!r}: a list of figures ends with ']'")
    numbers = [_number(word) for word in re.split(r"[\s,]+", text[1:-1].strip()) if word]
    if not numbers:
        raise TimelineError("a list of figures needs at least one")
    return numbers
