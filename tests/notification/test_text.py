"""Text from outside is made harmless."""

import html
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notification.text import (
    attribute,
    code,
    cut,
    defanged,
    escaped,
    one_line,
    plain,
    prose,
    subject,
    visible,
)
from tests.notification.rules import ENTITY, assert_harmless_markdown, assert_visible


def test_slack_escapes_exactly_three_characters() -> None:
    assert escaped("<!channel> & \"Grüße\" 'x'", 100) == "&lt;!channel&gt; &amp; \"Grüße\" 'x'"


@given(st.text("<>&ab", max_size=60), st.integers(1, 80))
def test_an_entity_is_never_cut_in_two(text: str, limit: int) -> None:
    shown = escaped(text, limit)
    assert len(shown) <= limit
    assert "&" not in ENTITY.sub("", shown)
    assert text.startswith(html.unescape(shown.removesuffix("…")))


@given(st.text(max_size=200))
def test_prose_and_code_are_harmless_whatever_they_say(text: str) -> None:
    for shown in (prose(text, 120), code(text, 120)):
        assert_harmless_markdown(shown)
        assert_visible(shown)
        assert "\n" not in shown


@given(st.text(max_size=300))
def test_a_subject_is_always_acceptable(text: str) -> None:
    line = subject(text)
    assert 0 < len(line) < 100
    assert not any(unicodedata.category(each)[0] == "C" for each in line)
    assert line == line.strip()


@given(st.text(max_size=300), st.integers(1, 50))
def test_a_cut_text_is_never_longer(text: str, limit: int) -> None:
    assert len(cut(text, limit)) <= limit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\u202eb\u2066c\u200bd\x00e\x1b", "abcde"),
        ("a\r\nb\rc\td", "a\nb\nc d"),
        ("\ud800x\ufeff", "x"),
        ("Grüße, 東京 🔥", "Grüße, 東京 🔥"),
    ],
)
def test_only_what_a_reader_can_see_is_left(text: str, expected: str) -> None:
    assert visible(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://evil.example/x", "see hxxps[:]//evil.example/x"),
        ("HTTP://EVIL", "hxxp[:]//EVIL"),
        ("www.evil.example", "www[.]evil.example"),
        ("mailto:a@b.example", "mailto[:]a@b.example"),
        ("s3://bucket/key", "s3[:]//bucket/key"),
        ("14:44 UTC, 2 of 3: fine", "14:44 UTC, 2 of 3: fine"),
    ],
)
def test_addresses_are_no_links(text: str, expected: str) -> None:
    assert defanged(text) == expected


def test_backticks_cannot_end_a_code_span() -> None:
    assert code("a`b", 50) == "`a'b`"
    assert code("", 50) == "`-`"
    assert prose("```hidden```", 50) == "'''hidden'''"


def test_prose_is_one_line() -> None:
    assert plain("a\n\nBcc: x", 50) == "a Bcc: x"
    assert one_line(" a \t b ") == "a b"


@pytest.mark.parametrize(
    ("value", "expected"), [("P1", "P1"), ("", "none"), (None, "none"), ("a b", "unknown"), ("🔥", "unknown")]
)
def test_an_attribute_is_a_plain_word(value: object, expected: str) -> None:
    assert attribute(value) == expected
