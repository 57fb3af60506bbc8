"""What a later look says first: what is different now from what people were told."""

import json
from typing import Any

import pytest

from diagnosis.document import Document
from notification.second_look import looked_again
from tests.notification.incidents import document as diagnosed_document

CHANGE = {
    "kind": "configuration_change",
    "id": "e-1",
    "at": "2026-11-20T14:43:00Z",
    "by": "terraform",
    "summary": "RevokeSecurityGroupIngress by terraform at 14:43:00 (network)",
    "confidence": 0.97,
}
NOTHING = {
    "kind": "none_found",
    "id": None,
    "at": None,
    "summary": "everything was looked at, nothing changed",
    "confidence": 0.9,
}
UNKNOWN = {**NOTHING, "kind": "unknown", "summary": "changes just before the onset cannot have been seen yet"}
TIMED_OUT = {"code": "target_connect_timeout", "title": "Connections to targets time out", "confidence": 0.93}
UNDECIDED = {"code": "inconclusive", "title": "The cause is not clear", "confidence": 0.4}


def told(**sections: Any) -> Document:
    """A document as it was told, with some of its sections changed."""
    document: Any = json.loads(json.dumps(diagnosed_document()))
    for name, section in sections.items():
        document[name] = {**document.get(name, {}), **section}
    return document  # type: ignore[no-any-return]


def first_line(now: Document, before: Document | None, **options: bool) -> str:
    [text] = looked_again(now, before, **options).glance[0]
    assert isinstance(text, str)
    return text


def test_a_change_that_came_to_light_after_a_deployment_was_blamed() -> None:
    assert first_line(told(trigger=CHANGE), told()).startswith(
        "Not the deployment after all: RevokeSecurityGroupIngress by terraform at 14:43:00 (network),"
        " 60 s before the errors began."
    )


def test_a_change_in_the_minute_of_the_onset() -> None:
    line = first_line(told(trigger={**CHANGE, "at": "2026-11-20T14:43:30Z"}), told())
    assert "in the minute in which the errors began" in line


def test_a_trigger_that_was_not_known_before() -> None:
    line = first_line(told(trigger=CHANGE), told(trigger=UNKNOWN))
    assert line.startswith("Now it is known what set it off: RevokeSecurityGroupIngress")


def test_a_trigger_that_is_not_held_responsible_any_more() -> None:
    line = first_line(told(trigger=NOTHING), told())
    assert line.startswith("It was not the deployment after all: everything was looked at, nothing changed.")


def test_that_still_nothing_is_known_is_no_change() -> None:
    assert first_line(told(trigger=NOTHING), told(trigger=UNKNOWN)).startswith("Looked again")


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ({}, TIMED_OUT, 'after all, but "connections to targets time out" (93 % sure).'),
        (UNDECIDED, TIMED_OUT, "Now the cause is known: connections to targets time out (93 % sure)."),
        (TIMED_OUT, UNDECIDED, "Not sure any more that connections to targets time out."),
    ],
)
def test_another_cause(before: dict[str, Any], now: dict[str, Any], said: str) -> None:
    assert said in first_line(told(cause=now), told(cause=before))


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ("requested", "A rollback is now proven to be right."),
        ("awaiting_approval", "A rollback can now be approved."),
        ("recommended", "Going back is now recommended."),
    ],
)
def test_another_decision(decision: str, said: str) -> None:
    before, now = told(rollback={"decision": "refused"}), told(rollback={"decision": decision})
    assert said in first_line(now, before)


def test_a_rollback_that_was_called_off_is_said_to_be() -> None:
    now = told(trigger=CHANGE, rollback={"decision": "refused"})
    assert "The rollback that was announced is called off." in first_line(now, told(), called_off=True)
    assert "called off" not in first_line(now, told())


def test_where_nothing_was_told_before_there_is_nothing_to_compare_with() -> None:
    assert "nothing could be told" in first_line(told(), None)


def test_the_rest_is_the_whole_message() -> None:
    message = looked_again(told(trigger=CHANGE), told())
    assert len(message.glance) > 2
    assert any(each.title == "Why" for each in message.sections)
