"""The replay: botocore does its own work, and the recording answers."""

import boto3
import pytest
from botocore.client import BaseClient
from botocore.httpsession import URLLib3Session

from benchmarks.answers import answer, fingerprint
from benchmarks.replay import NotRecordedError, Replay

ASKED = {"Name": "/switch"}
KNOWN = fingerprint("ssm", "GetParameter", ASKED)


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> Replay:
    monkeypatch.setattr(BaseClient, "_make_api_call", BaseClient._make_api_call)  # type: ignore[attr-defined]
    monkeypatch.setattr(URLLib3Session, "send", URLLib3Session.send)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "TEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    recorded = answer(200, {}, b'{"Parameter": {"Value": "true"}}')
    replay = Replay({KNOWN: recorded}, latency=0.0)
    replay.start()
    return replay


def test_a_recorded_call_is_answered_and_counted(replay: Replay) -> None:
    client = boto3.session.Session().client("ssm", region_name="eu-west-1")
    for _ in range(2):
        assert client.get_parameter(**ASKED)["Parameter"]["Value"] == "true"
    assert [name for name, _, _ in replay.calls] == [f"{KNOWN}#0", f"{KNOWN}#1"]


def test_a_call_that_was_not_recorded_is_an_error_and_is_named(replay: Replay) -> None:
    client = boto3.session.Session().client("ssm", region_name="eu-west-1")
    with pytest.raises(NotRecordedError):
        client.get_parameter(Name="/other")
    assert replay.not_recorded == [fingerprint("ssm", "GetParameter", {"Name": "/other"})]
