"""Publishing to SNS."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from notification.message import Sent
from notification.sns import PERMISSIONS, SnsMouth
from tests.notification.messages import KINDS

TOPIC = "arn:aws:sns:eu-west-1:111122223333:diagnoses"


class Topic:
    """A client that keeps what it publishes and fails as told, in turn."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.published: list[dict[str, Any]] = []

    def publish(self, **parameters: Any) -> dict[str, str]:
        self.published.append(parameters)
        if self.failures:
            raise self.failures.pop(0)
        return {"MessageId": "1"}


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Publish")


def send(topic: Topic) -> Sent:
    told, write = KINDS["requested"]
    return SnsMouth(topic, TOPIC).send(write(told))


def test_people_get_text_and_programs_get_attributes() -> None:
    topic = Topic()
    assert send(topic) == Sent("sns", ok=True)
    (published,) = topic.published
    assert published["TopicArn"] == TOPIC
    assert published["Subject"] == "P1 order-api: targets broke the exchange (502), 8.4 % of requests"
    assert published["MessageAttributes"]["rollback"] == {"DataType": "String", "StringValue": "requested"}


@pytest.mark.parametrize(
    ("failure", "detail"),
    [
        (refusal("AuthorizationError"), "AuthorizationError"),
        (ClientError({}, "Publish"), "ClientError"),  # type: ignore[typeddict-item, unused-ignore]
        (ConnectTimeoutError(endpoint_url="https://sns"), "ConnectTimeoutError"),
    ],
)
def test_a_failure_is_an_answer(failure: Exception, detail: str) -> None:
    assert send(Topic(failure)) == Sent("sns", ok=False, detail=detail)


def test_an_invalid_parameter_leaves_the_text() -> None:
    topic = Topic(refusal("InvalidParameter"))
    assert send(topic).ok
    assert set(topic.published[1]) == {"TopicArn", "Subject", "Message"}
    assert topic.published[1]["Subject"] == "Gateway Triage"


def test_only_publishing_is_needed() -> None:
    assert PERMISSIONS == ("sns:Publish",)
