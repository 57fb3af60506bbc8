"""What the message of a diagnosis says, sentence by sentence."""

from dataclasses import replace

import pytest

from diagnosis.decision import Decision, Guard
from diagnosis.document import Document, TriggerSection
from diagnosis.report import diagnosed as document_of
from diagnosis.settings import Settings
from notification import slack_message, sns_message, update_messages
from notification.diagnosis_message import diagnosed, headline, triggered
from notification.message import Command, Message, Section
from tests.notification.incidents import ALARM, ENTRY_POINT, GUARDS, INCIDENT, document, verdict
from tests.notification.rules import texts


def told(outcome: str, guards: tuple[Guard, ...]) -> str:
    """The message as text, with the rollback decided so and no plan."""
    decided = Decision(outcome, guards, None)
    return text_of(document_of(INCIDENT, ALARM, ENTRY_POINT, verdict(), decided, Settings(), {}))


def text_of(document: Document) -> str:
    return sns_message.rendered(diagnosed(document)).text


def trigger(kind: str, confidence: float, summary: str = "a thing.") -> TriggerSection:
    return {"kind": kind, "confidence": confidence, "summary": summary}


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        (trigger("deployment", 0.95), "Set off by a thing."),
        (trigger("deployment", 0.7), "Probably set off by a thing."),
        (trigger("configuration_change", 0.3), "Possibly set off by a thing."),
        (trigger("none_found", 0.8), "Nothing was found that set it off."),
        (trigger("unknown", 0.5), "What set it off is not known: a thing."),
        (trigger("unknown", 0.5, ""), "What set it off is not known."),
        (None, ""),
    ],
)
def test_the_trigger_is_told_as_surely_as_it_is_known(section: TriggerSection | None, sentence: str) -> None:
    assert triggered(section) == sentence


def test_the_headline_leaves_out_a_rate_that_is_not_known() -> None:
    assert headline(document(judged=verdict(impact=None))) == "P1 order-api: targets broke the exchange (502)"


def test_an_abbreviation_keeps_its_capitals() -> None:
    shouting = document(judged=verdict(title="TLS handshakes fail (502)", impact=None))
    assert headline(shouting) == "P1 order-api: TLS handshakes fail (502)"


def test_without_a_deployment_it_says_why_nothing_is_rolled_back() -> None:
    assert "No rollback: no deployment is in question." in text_of(document("none"))


def test_a_mode_that_is_off_is_the_reason() -> None:
    off = Guard("mode_allows", False, "Rollbacks are turned off in this stack.")
    assert "No rollback: Rollbacks are turned off in this stack." in told("none", (off, *GUARDS))


def test_many_objections_are_counted_and_all_told_below() -> None:
    objections = tuple(Guard(f"guard_{number}", False, f"Objection {number}.") for number in range(5))
    text = told("refused", objections)
    assert "Not rolled back: Objection 0. Objection 1. (3 more below.)" in text
    assert "guard_4: Objection 4." in text


def test_a_rollback_without_a_veto_time_is_told_as_begun() -> None:
    assert "Rolling back to order-api-v2.3.1.zip now." in text_of(document(veto_seconds=0))
    assert diagnosed(document(veto_seconds=0)).buttons == ()


def test_more_missing_sources_than_fit_are_counted() -> None:
    missing = tuple((f"source {number}", "AccessDenied") for number in range(12))
    assert "and 4 more." in text_of(document(judged=verdict(missing=missing)))


def test_a_change_of_trigger_is_a_change_of_verdict() -> None:
    before = document()
    rivals = replace(verdict().trigger, chosen=verdict().trigger.rivals[0])
    after = document(judged=verdict(trigger=rivals))
    assert "changed the verdict" in sns_message.rendered(update_messages.further_alarm(after, before)).text


def test_a_message_begins_with_slacks_own_date_for_each_reader() -> None:
    rendered = slack_message.rendered(diagnosed(document()))
    assert any("<!date^1795185840^{time}|14:44 UTC>" in text for _, text in texts(rendered.blocks))
    assert "<!date" not in rendered.text


@pytest.mark.parametrize("command", ["aws `id`", "aws\nrm", "aws \u202ex", "aws " + "x" * 2_000])
def test_a_command_is_shown_whole_or_not_at_all(command: str) -> None:
    message = Message("x", (("y",),), (Section("Next steps", (("Do it:", Command(command)),)),))
    shown = [text for _, text in texts(slack_message.rendered(message).blocks)]
    assert any("(the command cannot be shown here)" in text for text in shown)
    assert not any("aws" in text for text in shown)


def test_an_address_outside_the_console_is_no_link() -> None:
    step = "Look here:\nhttps://evil.example/"
    assert "evil.example" not in text_of({**document(), "next_steps": [step]})
