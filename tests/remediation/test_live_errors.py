"""Do the errors still go on? Neither a quiet moment between bursts nor a late data point decides it."""

from datetime import UTC, datetime, timedelta

import pytest

from remediation.live_errors import Level, Minute, are_over, read_minutes, still_going_on
from tests.remediation.fakes import FakeCloudWatch

NOW = datetime(2026, 11, 20, 14, 48, 10, tzinfo=UTC)
LEVEL = Level(before=0.001, after=0.08)


def minutes(*errors: float, requests: float = 4421.0) -> list[Minute]:
    start = NOW.replace(second=0) - timedelta(minutes=len(errors))
    return [Minute(start + timedelta(minutes=n), requests, failed) for n, failed in enumerate(errors)]


@pytest.mark.parametrize(
    ("errors", "going_on", "over"),
    [
        ((4, 4, 369, 370, 369), True, False),
        ((4, 4, 4, 370, 369), True, False),
        ((4, 4, 4, 4, 369), False, False),  # one minute may be anything
        ((4, 369, 369, 369, 4), False, False),
        ((369, 369, 4, 4, 4), False, True),
        ((4, 4, 4, 4, 4), False, True),
        ((369, 369, 40, 40, 40), False, False),  # better, but neither as before nor as bad as it was
        ((80, 0, 0, 0, 0, 75, 0, 0, 0), True, False),  # bursts: quiet for less than between them
        ((80, 0, 0, 0, 0, 75, 0, 0, 0, 0, 0, 0, 0), False, True),
        ((), False, False),
        ((4, 4), False, False),
    ],
)
def test_errors_go_on_are_over_or_neither(errors: tuple[float, ...], going_on: bool, over: bool) -> None:
    level = Level(before=0.001, after=0.016) if 75 in errors else LEVEL
    assert (still_going_on(minutes(*errors), level), are_over(minutes(*errors), level)) == (going_on, over)


def test_a_few_errors_of_few_requests_are_none() -> None:
    assert not still_going_on(minutes(2, 2, 2, requests=10), LEVEL)


def test_requests_for_which_there_was_no_target_still_count() -> None:
    assert minutes(900, requests=0)[0].share == 1.0


def test_minutes_without_a_data_point_are_left_out() -> None:
    read = read_minutes(FakeCloudWatch([0, 369, None]), "app/order-api/1", "5xx", NOW)  # type: ignore[arg-type]
    assert [(each.start.minute, each.errors, each.requests) for each in read] == [
        (45, 0, 4421),
        (46, 369, 4421),
    ]


def test_the_total_counts_where_the_parts_are_missing() -> None:
    class Totals:
        def get_metric_data(self, **request: object) -> dict[str, object]:
            end = NOW.replace(second=0)
            at = [end - timedelta(minutes=1)]
            values = {
                "httpcode_elb_5xx_count": 70.0,
                "httpcode_elb_502_count": 50.0,
                "httpcode_target_5xx_count": 5.0,
            }
            results = [{"Id": name, "Timestamps": at, "Values": [value]} for name, value in values.items()]
            return {"MetricDataResults": results}

    [minute] = read_minutes(Totals(), "app/order-api/1", "5xx", NOW)  # type: ignore[arg-type]
    assert minute.errors == 75.0
