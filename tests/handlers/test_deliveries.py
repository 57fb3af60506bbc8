"""Deliveries: the functions know the last one as the queues do."""

import pytest

from handlers.deliveries import MOST_DELIVERIES, each_delivery
from remediation.refusals import UncertainError
from tools.transformed_template import transformed_template


@pytest.mark.parametrize("queue", ["RollbackQueue", "FollowUpQueue"])
def test_the_last_delivery_is_the_one_after_which_the_queue_gives_up(queue: str) -> None:
    properties = transformed_template()["Resources"][queue]["Properties"]
    assert properties["RedrivePolicy"]["maxReceiveCount"] == MOST_DELIVERIES


@pytest.mark.parametrize(
    ("attributes", "last"),
    [({}, False), ({"ApproximateReceiveCount": "2"}, False), ({"ApproximateReceiveCount": "3"}, True)],
)
def test_a_delivery_knows_whether_it_is_the_last(attributes: dict[str, str], last: bool) -> None:
    seen: list[bool] = []
    record = {"messageId": "m-1", "body": "{}", "attributes": attributes}
    answer = each_delivery({"Records": [record]}, lambda delivery: seen.append(delivery.is_last))
    assert (seen, answer) == ([last], {"batchItemFailures": []})


def test_only_what_failed_comes_again() -> None:
    def work(delivery: object) -> None:
        if "m-2" in str(delivery):
            raise UncertainError("not yet")

    records = [{"messageId": name, "body": "{}"} for name in ("m-1", "m-2", "m-3")]
    assert each_delivery({"Records": records}, work) == {"batchItemFailures": [{"itemIdentifier": "m-2"}]}
