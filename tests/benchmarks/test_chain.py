"""How deep the calls are."""

from benchmarks.chain import late, longest_chain, operation

BASE = {
    "dynamodb.PutItem#0": 0.00,
    'elbv2.DescribeRules {"ListenerArn": "a"}#0': 0.01,
    "dynamodb.TransactWriteItems#0": 0.02,
    "sns.Publish#0": 0.03,
    "slack.post": 0.03,
    "dynamodb.UpdateItem#0": 0.04,
}


def test_the_longest_chain_ends_with_a_message() -> None:
    waits_for = {
        "dynamodb.TransactWriteItems#0": {"dynamodb.PutItem#0"},
        "sns.Publish#0": {"dynamodb.PutItem#0", "dynamodb.TransactWriteItems#0"},
        "dynamodb.UpdateItem#0": {"sns.Publish#0"},
    }
    assert list(longest_chain(BASE, waits_for)) == [
        "dynamodb.PutItem#0",
        "dynamodb.TransactWriteItems#0",
        "sns.Publish#0",
    ]


def test_calls_side_by_side_are_no_chain() -> None:
    assert len(longest_chain(BASE, {})) == 1


def test_without_a_message_there_is_no_chain() -> None:
    assert not longest_chain({"dynamodb.PutItem#0": 0.0}, {})


def test_a_call_never_waits_for_one_that_begins_after_it() -> None:
    assert list(longest_chain(BASE, {"sns.Publish#0": {"dynamodb.UpdateItem#0"}})) == ["sns.Publish#0"]


def test_only_what_begins_later_by_more_than_the_threshold_waited() -> None:
    held = {**BASE, "sns.Publish#0": 0.53, "slack.post": 0.05, "sqs.SendMessage#0": 9.0}
    assert late(BASE, held, by=0.25) == {"sns.Publish#0"}


def test_an_operation_is_known_by_its_fingerprint() -> None:
    assert [operation(call) for call in BASE][:2] == ["dynamodb.PutItem", "elbv2.DescribeRules"]
