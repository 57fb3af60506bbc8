"""Recorded answers."""

from datetime import UTC, datetime
from pathlib import Path

from benchmarks import answers
from benchmarks.answers import Recording, answer, fingerprint

RECORDING = Recording(
    event={"id": "1"},
    now="2026-11-20T14:47:10+00:00",
    environment={"TABLE_NAME": "t"},
    answers={
        "secretsmanager.GetSecretValue {}": answer(200, {"x": "y"}, b"http://127.0.0.1:1/hook"),
        "sns.Publish": answer(200, {}, b"http://127.0.0.1:1"),
    },
)


def test_a_recording_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "recording.json"
    answers.write(RECORDING, path)
    assert answers.read(path) == RECORDING


def test_only_the_answers_of_the_operation_are_changed() -> None:
    changed = answers.moved(RECORDING, "secretsmanager.GetSecretValue", "127.0.0.1:1", "127.0.0.1:2")
    assert changed.answers["secretsmanager.GetSecretValue {}"].content() == b"http://127.0.0.1:2/hook"
    assert changed.answers["sns.Publish"].content() == b"http://127.0.0.1:1"


def test_reads_are_told_apart_by_what_they_ask() -> None:
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    assert fingerprint("elbv2", "DescribeRules", {"a": 1, "b": moment}) == fingerprint(
        "elbv2", "DescribeRules", {"b": moment, "a": 1}
    )
    assert fingerprint("elbv2", "DescribeRules", {"a": 1}) != fingerprint("elbv2", "DescribeRules", {"a": 2})


def test_writes_are_the_same_whatever_they_write() -> None:
    assert fingerprint("sns", "Publish", {"Message": "a"}) == fingerprint("sns", "Publish", {"Message": "b"})
