"""The query language of Logs Insights, as much of it as the product asks:

    fields @timestamp, @message | filter <condition> | sort @timestamp desc | limit <number>

A condition is `@message like /regular expression/` or `field.of.json = "value"`, several joined by and, or.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.errors import AwsError

# CloudWatch Logs API reference, StartQuery.
MOST_CHARACTERS = 10_000

_STAGES = re.compile(r'(?:/(?:\\.|[^/\\])*/|"(?:\\.|[^"\\])*"|[^|/"])+')
_FIELDS = re.compile(r"fields\s+@timestamp\s*,\s*@message")
_SORT = re.compile(r"sort\s+@timestamp\s+desc")
_LIMIT = re.compile(r"limit\s+(\d+)")
_LIKE = re.compile(r"@message\s+like\s+/(?P<pattern>(?:\\.|[^/\\])+)/\s*")
_EQUALS = re.compile(r'(?P<path>[\w.-]+)\s*=\s*"(?P<value>(?:\\.|[^"\\])*)"\s*')
_JOIN = re.compile(r"(and|or)\s+")

Condition = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query that this place understands."""

    condition: Condition
    limit: int | None = None


def parse_query(text: str) -> ParsedQuery:
    """Read a query; whatever is not of the one form is a MalformedQueryException."""
    if len(text) > MOST_CHARACTERS:
        raise AwsError("InvalidParameterException", f"A query has at most {MOST_CHARACTERS} characters.")
    stages = [stage.strip() for stage in _STAGES.findall(text)]
    if len(stages) < 2 or not _FIELDS.fullmatch(stages[0]) or "".join(_STAGES.split(text)).strip("|"):
        raise _malformed(text)
    conditions: list[Condition] = []
    limit = None
    for stage in stages[1:]:
        if stage.startswith("filter "):
            conditions.append(_condition(stage.removeprefix("filter ").strip()))
        elif number := _LIMIT.fullmatch(stage):
            limit = int(number.group(1))
        elif not _SORT.fullmatch(stage):
            raise _malformed(stage)
    return ParsedQuery(lambda message: all(holds(message) for holds in conditions), limit)


def _condition(text: str) -> Condition:
    """Terms joined by and, or; "and" binds closer."""
    alternatives: list[list[Condition]] = [[]]
    rest = text
    while True:
        holds, rest = _term(rest, text)
        alternatives[-1].append(holds)
        if not rest:
            return lambda message: any(all(each(message) for each in terms) for terms in alternatives)
        join = _JOIN.match(rest)
        if join is None:
            raise _malformed(text)
        if join.group(1) == "or":
            alternatives.append([])
        rest = rest[join.end() :]


def _term(rest: str, whole: str) -> tuple[Condition, str]:
    if like := _LIKE.match(rest):
        try:
            pattern = re.compile(like["pattern"].replace("\\/", "/"))
        except re.error:
            raise _malformed(whole) from None
        return lambda message: bool(pattern.search(message)), rest[like.end() :]
    if equals := _EQUALS.match(rest):
        path, value = equals["path"], equals["value"].replace('\\"', '"')
        return lambda message: _at(message, path) == value, rest[equals.end() :]
    raise _malformed(whole)


def _at(message: str, path: str) -> str | None:
    """The value of a field of an event that is JSON, as Logs Insights discovers it."""
    try:
        value = json.loads(message)
    except ValueError:
        return None
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value if isinstance(value, str) else json.dumps(value)


def _malformed(text: str) -> AwsError:
    return AwsError("MalformedQueryException", f"unexpected symbol found in: {text[:120]}")
