"""What readings have in common: the minutes, the reasons, and reading many things at once."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

from collectors.reading import UnreadableAnswerError, complete_minutes, failure, in_utc, read_each
from diagnosis.evidence import Missing
from tests.collectors.fake_aws import error


def test_the_running_minute_is_left_out() -> None:
    window = complete_minutes(datetime(2026, 11, 20, 14, 47, 59, 999, tzinfo=UTC))

    assert window.end == datetime(2026, 11, 20, 14, 47, tzinfo=UTC)
    assert window.start == datetime(2026, 11, 20, 11, 47, tzinfo=UTC)
    assert window.minutes == 180


def test_the_minutes_are_told_in_utc_whatever_the_clock_says() -> None:
    now = datetime(2026, 11, 20, 15, 47, 10, tzinfo=timezone(timedelta(hours=1)))

    assert complete_minutes(now).end == datetime(2026, 11, 20, 14, 47, tzinfo=UTC)
    assert in_utc(now) == now
    assert in_utc(None) is None


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (error("LookupEvents", "AccessDeniedException"), "cloudtrail:LookupEvents: AccessDeniedException"),
        (EndpointConnectionError(endpoint_url="https://x"), "cloudtrail: EndpointConnectionError"),
        (ConnectTimeoutError(endpoint_url="https://x"), "cloudtrail: ConnectTimeoutError"),
        (UnreadableAnswerError("more than 100 targets"), "cloudtrail: more than 100 targets"),
    ],
)
def test_a_reason_is_short_and_holds_no_message_of_aws(raised: Exception, reason: str) -> None:
    assert failure("cloudtrail", raised) == Missing(reason)


def test_one_that_cannot_be_read_leaves_the_others() -> None:
    def read(number: int) -> int:
        if number == 3:
            raise error("DescribeRules", "Throttling")
        return number * number

    found = read_each("elasticloadbalancing", [1, 2, 3, 2], read)

    assert found == {1: 1, 2: 4, 3: Missing("elasticloadbalancing:DescribeRules: Throttling")}


def test_a_mistake_of_ours_is_not_taken_for_a_failing_aws() -> None:
    def read(number: int) -> int:
        raise KeyError(number)

    with pytest.raises(KeyError):
        read_each("elasticloadbalancing", [1, 2], read)
