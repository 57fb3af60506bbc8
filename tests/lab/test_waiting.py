"""Virtual waiting through thread pools: what overlaps, what adds up, and where a deadline cuts in."""

import concurrent.futures
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from lab.clock import Clock


@pytest.fixture
def clock() -> Iterator[Clock]:
    with Clock(datetime(2026, 11, 20, tzinfo=UTC)).running() as clock:
        yield clock


def test_waits_side_by_side_overlap_whichever_thread_runs_them(clock: Clock) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(time.sleep, [5] * 8))
    assert clock.spent() == 5


def test_a_pool_with_fewer_workers_than_tasks_takes_them_in_turns(clock: Clock) -> None:
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(time.sleep, [5] * 6))
    assert clock.spent() == 15


def test_waits_one_after_the_other_add_up(clock: Clock) -> None:
    with ThreadPoolExecutor(1) as threads:
        threads.submit(time.sleep, 5).result()
        threads.submit(time.sleep, 5).result()
    assert clock.spent() == 10


def test_leaving_a_pool_waits_for_what_nobody_asked_the_result_of(clock: Clock) -> None:
    with ThreadPoolExecutor(1) as threads:
        threads.submit(time.sleep, 5)
    assert clock.spent() == 5


def test_a_result_that_comes_too_late_is_not_waited_for_longer_than_was_said(clock: Clock) -> None:
    threads = ThreadPoolExecutor(1)
    late = threads.submit(time.sleep, 60)
    with pytest.raises(TimeoutError):
        late.result(20)
    assert clock.spent() == 20
    threads.shutdown(wait=False)


def test_the_first_to_end_is_the_one_that_waited_least(clock: Clock) -> None:
    with ThreadPoolExecutor(3) as threads:
        waits = {threads.submit(time.sleep, seconds): seconds for seconds in (30, 5, 12)}
        ended, running = concurrent.futures.wait(waits, 20, FIRST_COMPLETED)
        assert [waits[each] for each in ended] == [5]
        assert clock.spent() == 5
        ended, running = concurrent.futures.wait(running, 20, FIRST_COMPLETED)
        assert [waits[each] for each in ended] == [12]
        assert concurrent.futures.wait(running, 8, FIRST_COMPLETED).done == set()
        assert clock.spent() == 20


def test_settling_moves_the_clock_by_what_was_waited_and_nothing_runs_backwards(clock: Clock) -> None:
    began, monotonic = clock.now(), time.monotonic()
    time.sleep(7)
    assert clock.settle() == 7
    assert (clock.now() - began).total_seconds() == 7
    assert clock.spent() == 0
    assert time.monotonic() - monotonic >= 7
