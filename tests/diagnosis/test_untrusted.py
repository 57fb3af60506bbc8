"""Reading JSON that somebody else wrote."""

from datetime import UTC, datetime

import pytest

from diagnosis.untrusted import decoded, first, mapping, moment, number, sequence, text


def test_text_is_printable_and_cut() -> None:
    assert text("  order\x00api\ud800 ") == "order\ufffdapi\ufffd"
    assert text("abc", 2) == "ab"
    assert text("pay\u202eexe") == "pay\ufffdexe"
    assert text("line\nline") == "line\nline"


@pytest.mark.parametrize("value", ["", "  ", None, 3, [], {}])
def test_what_is_no_text_is_none(value: object) -> None:
    assert text(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3.0), (0.5, 0.5), (True, None), ("3", None), (None, None), (10**400, None), (float("nan"), None)],
)
def test_only_finite_numbers_are_numbers(value: object, expected: float | None) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-20T14:47:10.989+0000",
        "2026-11-20T14:47:10.989Z",
        "2026-11-20T15:47:10.989+01:00",
        "2026-11-20T14:47:10.989",
    ],
)
def test_each_way_to_write_a_time_is_read_as_utc(written: str) -> None:
    read = moment(written)
    assert read == datetime(2026, 11, 20, 14, 47, 10, 989000, tzinfo=UTC)
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "written",
    [
        "lately",
        "",
        None,
        1763650030,
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
    ],
)
def test_what_cannot_be_an_alarms_time_is_none(written: object) -> None:
    assert moment(written) is None


@pytest.mark.parametrize("value", ["{", "", "[" * 100_000, "1" * 5_000])
def test_a_text_that_is_no_json_decodes_to_none(value: str) -> None:
    assert decoded(value) is None


def test_what_is_decoded_already_stays() -> None:
    assert decoded({"a": 1}) == {"a": 1}
    assert decoded('{"a": 1}') == {"a": 1}


def test_misfits_are_empty() -> None:
    assert mapping([1]) == {}
    assert list(sequence({"a": 1})) == []
    assert list(sequence("abc")) == []


def test_the_first_spelling_that_is_there_counts() -> None:
    assert first({"a": None, "A": 1}, "a", "A") == 1
    assert first({}, "a", "A") is None
