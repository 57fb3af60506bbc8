"""The demo as a reader of its plain output sees it."""

import io
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import demo
from cli.app import app
from cli.choosing import choose
from cli.page import WIDTH, page

README = Path(__file__).resolve().parents[2] / "README.md"
CREATED = re.compile(r"CreateDeployment (d-[A-Z0-9]+)")


def played(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["demo", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def words(output: str) -> str:
    """As one line, so that it does not matter where lines were wrapped."""
    return " ".join(output.split())


@pytest.fixture(scope="module")
def release() -> str:
    return played()


@pytest.fixture(scope="module")
def security_group() -> str:
    return played("security-group-change-same-minutes")


@pytest.fixture(scope="module")
def approved() -> str:
    return played("release-breaks-responses", "--mode", "approve")


def test_the_demo_plays_the_release_that_breaks_responses_in_mode_auto_unless_told_otherwise(release):
    assert "release-breaks-responses" in release
    assert "Rollback mode auto" in words(release)


def test_the_demo_shows_what_aws_shows(release):
    assert "4,421" in release
    assert "load balancer 502" in release
    assert "order-api-v2.4.0.zip" in release


def test_the_demo_tells_how_long_each_call_took(release):
    assert re.search(r"cloudwatch\.GetMetricData x\d+ \(\d+ series\) +\d[\d,]* ms", release)
    assert re.search(r"codedeploy\.ListDeployments\D+\d+ +\d+ ms", release)


def test_the_demo_names_cause_and_trigger_with_what_speaks_for_them(release):
    assert "target_broke_exchange, confidence" in release
    assert "deployment d-NEW240XYZ (order-api-v2.4.0.zip)" in words(release)
    assert "for: 502 made by the load balancer went from 0 to 369 a minute" in words(release)


def test_the_demo_shows_every_guard(release):
    from diagnosis.guards import GUARDS

    for guard in GUARDS:
        assert re.search(rf"passed +{guard.__name__} ", release), guard.__name__


def test_the_demo_shows_the_deployment_that_was_created_back_to_the_revision_before(release):
    created = CREATED.search(release)
    assert created
    assert re.search(r"revision +order-api-v2\.3\.1\.zip", release)
    assert f"deployment {created[1]} of order-api-v2.3.1.zip is created" in words(release)


def test_the_demo_waits_for_the_veto_and_for_the_recovery(release):
    assert "For 60 s anybody can veto it" in release
    assert "order-api: recovered after the rollback" in release


def test_the_demo_shows_the_messages_as_sent(release):
    assert "Slack, incoming webhook" in release
    assert "[ Veto rollback ]" in release
    assert "Subject: P1 order-api" in release
    assert "Attributes: cause=target_broke_exchange" in release


def test_the_demo_rolls_nothing_back_when_a_security_group_changed_in_the_same_minutes(security_group):
    assert CREATED.search(security_group) is None
    assert "No deployment was created and none was stopped." in security_group
    assert re.search(r"REFUSED +rollback_helps", security_group)


def test_the_demo_tells_what_late_evidence_changed(security_group):
    assert "Looked again, now that" in words(security_group)
    assert "configuration_change with late evidence" in words(security_group)


def test_in_mode_approve_a_person_presses_the_button_and_then_it_is_rolled_back(approved):
    assert "[ Approve rollback ]  [ Reject ]" in approved
    assert "Approve is pressed in Slack; SlackFunction verifies the signature" in words(approved)
    assert CREATED.search(approved)


def test_plain_output_has_no_control_characters_and_no_trailing_blanks(release, security_group, approved):
    for output in (release, security_group, approved):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", output)
        assert not re.search(r" $", output, re.MULTILINE)


def test_plain_output_keeps_to_its_width(release, security_group, approved):
    for output in (release, security_group, approved):
        assert max(map(len, output.splitlines())) <= WIDTH


def test_the_excerpt_in_the_readme_is_what_the_demo_prints(release):
    """Lines of dots stand for what was left out."""
    excerpt = re.search(
        r"<!-- demo:begin -->\n+```text\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
    )
    assert excerpt
    printed = set(release.splitlines())
    shown = [line for line in excerpt[1].splitlines() if line.strip() not in {"", "..."}]
    assert [line for line in shown if line not in printed] == []


class Terminal(io.StringIO):
    """A terminal that remembers what was written to it."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_colours_and_progress(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    demo.play(page(terminal), choose("security-group-change-same-minutes", "recommend"))
    assert "\x1b[1;34m4  The verdict" in terminal.getvalue()
    assert "AWS calls done" in terminal.getvalue()


def test_a_function_that_raises_ends_the_demo_with_a_sentence_and_a_code(monkeypatch):
    from lab import HandlerFailedError, Lab

    def broken(self: Lab) -> None:
        raise HandlerFailedError("Traceback ...\nKeyError: 'detail'")

    monkeypatch.setattr(Lab, "run_alarm", broken)
    result = CliRunner().invoke(app, ["demo"], catch_exceptions=False)
    assert result.exit_code == 1
    assert "AlarmFunction raised, which it never should: KeyError: 'detail'" in result.output
