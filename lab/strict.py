"""Reading a data file strictly: every key is known, every value of its kind, every error names the place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from lab import timeline
from lab.timeline import Timeline, TimelineError

T = TypeVar("T")
P = ParamSpec("P")


class ScenarioError(ValueError):
    """A scenario file that cannot be used; the message names file, key and what is allowed."""


class Section:
    """One mapping of a scenario file, read key by key; `finish` refuses what was not asked for."""

    def __init__(self, source: str, path: str, content: object) -> None:
        self.source = source
        self.path = path
        if not isinstance(content, Mapping):
            raise ScenarioError(f"{source}: {path or 'the file'}: expected a mapping, not {_shown(content)}")
        self._content: dict[str, Any] = {str(key): value for key, value in content.items()}
        self._asked: list[str] = []

    def has(self, key: str) -> bool:
        """Whether the key is given, even as null."""
        return key in self._content

    def raw(self, key: str, default: Any = None) -> Any:
        """The value as it stands in the file."""
        self._asked.append(key)
        return self._content.get(key, default)

    def text(self, key: str, default: str | None = None, *, choices: Iterable[str] = ()) -> str:
        """A string; without a default the key is required."""
        value = self.optional_text(key, choices=choices)
        if value is not None:
            return value
        if default is None:
            raise self.error(key, "is required")
        return default

    def optional_text(self, key: str, *, choices: Iterable[str] = ()) -> str | None:
        """A string or None; numbers are taken as written."""
        value = self.raw(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise self.error(key, f"expected text, not {_shown(value)}")
        allowed = list(choices)
        if allowed and str(value) not in allowed:
            raise self.error(key, f"{value!r} is not one of {', '.join(allowed)}")
        return str(value)

    def whole(self, key: str, default: int) -> int:
        """A whole number."""
        value = self.raw(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(key, f"expected a whole number, not {_shown(value)}")
        return value

    def number(self, key: str, default: float) -> float:
        """A number, also when written as text."""
        value = self.optional_number(key)
        return default if value is None else value

    def optional_number(self, key: str) -> float | None:
        """A number or None; text such as '-9.5' is read as a number."""
        value = self.raw(key)
        if value is None:
            return None
        try:
            return float(_no_flag(value))
        except (TypeError, ValueError):
            raise self.error(key, f"expected a number, not {_shown(value)}") from None

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self.raw(key, default)
        if not isinstance(value, bool):
            raise self.error(key, f"expected true or false, not {_shown(value)}")
        return value

    def line(self, key: str, default: Timeline = timeline.ABSENT) -> Timeline:
        """A compact timeline."""
        value = self.raw(key)
        return default if value is None else self.parse_line(key, value)

    def parse_line(self, key: str, value: Any) -> Timeline:
        """Read a value below that key as a timeline."""
        try:
            return timeline.parse(value)
        except (TimelineError, TypeError) as error:
            raise self.error(key, str(error)) from None

    def texts(self, key: str, default: Iterable[str] = ()) -> tuple[str, ...]:
        """A list of strings; one string stands for a list of one."""
        value = self.raw(key)
        if value is None:
            return tuple(default)
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(key, f"expected a list of texts, not {_shown(value)}")
        return tuple(value)

    def text_map(self, key: str) -> dict[str, str]:
        """A mapping of texts; numbers are taken as written, true and false as AWS writes them."""
        value = self.raw(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.error(key, f"expected a mapping, not {_shown(value)}")
        return {str(name): _as_aws_writes(item) for name, item in value.items()}

    def section(self, key: str) -> Section:
        """A nested mapping; an absent one reads as empty."""
        value = self.raw(key)
        return Section(self.source, self._below(key), {} if value is None else value)

    def sections(self, key: str) -> list[Section]:
        """A list of nested mappings."""
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(key, f"expected a list, not {_shown(value)}")
        return [
            Section(self.source, f"{self._below(key)}[{index}]", item) for index, item in enumerate(value)
        ]

    def named_sections(self, key: str) -> dict[str, Section]:
        """A mapping of names to nested mappings."""
        value = self.raw(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.error(key, f"expected a mapping of names, not {_shown(value)}")
        return {
            str(name): Section(self.source, f"{self._below(key)}.{name}", item)
            for name, item in value.items()
        }

    def keys(self) -> list[str]:
        """The keys given, in the order of the file."""
        return list(self._content)

    def finish(self) -> None:
        """Refuse keys that nobody asked for."""
        unknown = [key for key in self._content if key not in self._asked]
        if unknown:
            allowed = ", ".join(sorted(dict.fromkeys(self._asked)))
            raise self.error(unknown[0], f"is not a key here; allowed are {allowed}")

    def error(self, key: str, problem: str) -> ScenarioError:
        """An error that names the file and the key."""
        return ScenarioError(f"{self.source}: {self._below(key)}: {problem}")

    def _below(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def read(
    section: Section, build: Callable[Concatenate[Section, P], T], *rest: P.args, **named: P.kwargs
) -> T:
    """Build something from a section and refuse the keys it did not use."""
    built = build(section, *rest, **named)
    section.finish()
    return built


def _no_flag(value: Any) -> Any:
    if isinstance(value, bool):
        raise TypeError
    return value


def _as_aws_writes(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(value: Any) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {str(value)[:60]!r}"
