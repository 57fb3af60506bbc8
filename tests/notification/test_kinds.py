"""Every kind of message: as its readers see it, within the channels' limits, harmless whatever others wrote.

The expected texts lie in `expected/`. After a change that is meant, write them anew and read the difference:

    python -m tests.notification.test_kinds

with `src` and the root on PYTHONPATH.
"""

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notification import slack_message, sns_message
from notification.message import Message
from tests.notification.hostile import STRINGS, poisoned_document
from tests.notification.messages import KINDS
from tests.notification.rules import (
    assert_acceptable_to_sns,
    assert_harmless_in_slack,
    assert_harmless_plain_text,
    assert_within_slacks_limits,
    texts,
)

EXPECTED = Path(__file__).with_name("expected")


def as_slack_shows_it(message: Message) -> str:
    """The notification, then the blocks from top to bottom; buttons in brackets."""
    rendered = slack_message.rendered(message)
    shown = [rendered.text, "-" * 72]
    for block in rendered.blocks:
        if block["type"] == "actions":
            shown.append("  ".join(f"[{button['text']['text']}]" for button in block["elements"]))
        else:
            shown.extend(reversed([text for _, text in texts([block])]))
    return "\n".join(shown) + "\n"


def as_mail_shows_it(message: Message) -> str:
    published = sns_message.rendered(message)
    attributes = ", ".join(f"{name}={value}" for name, value in published.attributes.items())
    return f"Subject: {published.subject}\nAttributes: {attributes}\n\n{published.text}\n"


def shown(kind: str) -> dict[str, str]:
    told, write = KINDS[kind]
    message = write(told)
    return {f"{kind}.slack.txt": as_slack_shows_it(message), f"{kind}.mail.txt": as_mail_shows_it(message)}


@pytest.mark.parametrize("kind", KINDS)
def test_readers_see_what_is_expected(kind: str) -> None:
    for name, text in shown(kind).items():
        assert text == (EXPECTED / name).read_text(encoding="utf-8")


def test_nothing_expected_is_left_over() -> None:
    assert {path.name for path in EXPECTED.iterdir()} == {name for kind in KINDS for name in shown(kind)}


def check(message: Message) -> None:
    slack = slack_message.rendered(message)
    assert_within_slacks_limits(slack.text, slack.blocks)
    assert_harmless_in_slack(slack.text, slack.blocks)
    subject, text, attributes = sns_message.rendered(message)
    assert_acceptable_to_sns(subject, text, dict(attributes))
    assert_harmless_plain_text(text)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_within_limits_and_harmless(kind: str) -> None:
    told, write = KINDS[kind]
    check(write(told))


@pytest.mark.parametrize("text", STRINGS, ids=range(len(STRINGS)))
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_stays_harmless_with_hostile_text_in_every_outside_field(kind: str, text: str) -> None:
    told, write = KINDS[kind]
    check(write(poisoned_document(told, text)))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(KINDS)), st.text(max_size=400))
def test_every_kind_stays_harmless_with_any_text(kind: str, text: str) -> None:
    told, write = KINDS[kind]
    check(write(poisoned_document(told, text)))


def test_a_huge_document_still_says_the_main_thing_first() -> None:
    told, write = KINDS["requested"]
    huge: dict[str, Any] = poisoned_document(told, "x " * 1_000)  # type: ignore[assignment]
    huge["signals"] = huge["signals"] * 50
    huge["alternatives"] = huge["alternatives"] * 50
    message = write(huge)  # type: ignore[arg-type]
    check(message)
    blocks = slack_message.rendered(message).blocks
    assert [block["type"] for block in blocks[:2]] == ["header", "section"]
    assert any("more" in text for _, text in texts(blocks))


if __name__ == "__main__":
    everything = {name: text for each in KINDS for name, text in shown(each).items()}
    for old in EXPECTED.glob("*.txt"):
        old.unlink()
    for file, content in everything.items():
        (EXPECTED / file).write_text(content, encoding="utf-8")
    sys.stdout.write(f"{len(everything)} files written\n")
