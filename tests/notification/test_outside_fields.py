"""Whatever others wrote into chain, component, dimensions, owner or prevention stays harmless: for every kind
of entry point, in the first message and in that of a later look.
"""

from typing import Any

import pytest

from diagnosis import links
from diagnosis.document import Document
from notification.diagnosis_message import diagnosed
from notification.second_look import looked_again
from tests.notification.hostile import STRINGS, poisoned_document
from tests.notification.incidents import document, inconclusive
from tests.notification.test_kinds import check

KINDS = {
    "alb": {"LoadBalancer": "app/order-api/50dc6c495c0c9188"},
    "clb": {"LoadBalancerName": "orders"},
    "apigateway": {"ApiName": "shop", "Stage": "live"},
    "cloudfront": {"DistributionId": "E2ABCDEF", "Region": "Global"},
}
# A log line of a function, a reason of ECS and a text of AWS Health reach people inside such statements.
QUOTED = '81 % of the failed invocations in the log: exceptions ("{}")'


def of_kind(kind: str, told: Document) -> Document:
    """The document as of another kind of entry point, whose links are made of its dimensions."""
    resource: Any = {**told["resource"], "kind": kind, "dimensions": KINDS[kind]}
    return {**told, "resource": resource}


def hostile(kind: str, text: str) -> Document:
    poisoned: Any = poisoned_document(of_kind(kind, document()), text)
    poisoned["resource"]["kind"] = kind
    poisoned["signals"][0]["statement"] = QUOTED.format(text)
    return poisoned  # type: ignore[no-any-return]


def test_every_new_field_is_poisoned() -> None:
    poisoned = poisoned_document(of_kind("apigateway", document()), "evil")
    assert {each["text"] for each in poisoned["chain"]} == {"evil"}
    assert poisoned["owner"] == poisoned["prevention"] == poisoned["resource"]["component"] == "evil"
    assert poisoned["resource"]["dimensions"] == {"evil": "evil"}


@pytest.mark.parametrize("text", STRINGS, ids=range(len(STRINGS)))
@pytest.mark.parametrize("kind", KINDS)
def test_the_first_message_is_harmless(kind: str, text: str) -> None:
    check(diagnosed(hostile(kind, text)))


@pytest.mark.parametrize("text", STRINGS, ids=range(len(STRINGS)))
@pytest.mark.parametrize("told", ["nothing", "another trigger", "another cause"])
def test_the_message_of_a_later_look_is_harmless(told: str, text: str) -> None:
    before = {
        "nothing": None,
        "another trigger": poisoned_document(document(), f"{text} before"),
        "another cause": poisoned_document(document("none", judged=inconclusive()), text),
    }[told]
    check(looked_again(hostile("alb", text), before, called_off=told == "another trigger"))


@pytest.mark.parametrize("text", STRINGS, ids=range(len(STRINGS)))
@pytest.mark.parametrize("kind", KINDS)
def test_the_chain_is_one_bounded_line(kind: str, text: str) -> None:
    long = of_kind(kind, document())
    long["chain"] = [{"role": "mechanism", "text": f"{text}\n{text}"}] * 50
    check(diagnosed(long))


@pytest.mark.parametrize("text", STRINGS, ids=range(len(STRINGS)))
@pytest.mark.parametrize("kind", KINDS)
def test_dimensions_cannot_lead_a_link_elsewhere(kind: str, text: str) -> None:
    for link in links.for_document(hostile(kind, text)):
        assert links.is_console(link.url) or link.url.startswith("https://us-east-1.console.aws.amazon.com/")
        assert link.url.isascii()
        assert not set(link.url) & set(" \r\n<>|\"'`") - {"'"}
