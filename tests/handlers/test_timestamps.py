"""Times of AWS's answers: fast for the forms that come by the thousand, and never other than botocore's."""

from datetime import UTC

import pytest
from botocore.utils import parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

from handlers import timestamps
from handlers.wiring import Wiring


@given(
    st.floats(min_value=-2e9, max_value=4e9) | st.integers(min_value=-2_000_000_000, max_value=4_000_000_000)
)
def test_a_number_is_the_same_moment_as_botocore_reads(seconds: float) -> None:
    assert timestamps.parse(seconds) == parse_timestamp(seconds)
    assert timestamps.parse(seconds).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T14:47:00Z",
        "2026-11-20T14:47:00.123Z",
        "2026-11-20T14:47:00.123456789Z",
        "2026-11-20T14:47:00+01:00",
        "2026-11-20T14:47Z",
        "Fri, 20 Nov 2026 14:47:00 GMT",
        "1795186020",
        "1795186020.5",
        "20261120T144700Z",
    ],
)
def test_a_text_is_the_same_moment_as_botocore_reads(text: str) -> None:
    assert timestamps.parse(text) == parse_timestamp(text)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-40T14:47:00Z"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Invalid timestamp"):
        timestamps.parse(text)


def test_every_client_reads_times_so() -> None:
    client = Wiring({"AWS_REGION": "eu-west-1"}).client("sqs")
    parser = client._endpoint._response_parser_factory.create_parser("json")
    assert parser._timestamp_parser is timestamps.parse
