"""Virtual waiting: seconds that a thread waited are counted, not slept.

They go along with the tasks a thread hands to a pool, and come back with their results, so waits side by side
overlap, waits one after the other add up, and a deadline cuts in; whichever thread really runs first.
"""

from __future__ import annotations

import concurrent.futures
import heapq
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

_waited: ContextVar[float] = ContextVar("waited", default=0.0)

_submit, _shutdown = ThreadPoolExecutor.submit, ThreadPoolExecutor.shutdown
_result, _wait = Future.result, concurrent.futures.wait
_perf_counter = time.perf_counter


def waited() -> float:
    """Seconds that this thread, or what it waited for, has waited since the invocation began."""
    return _waited.get()


def spend(seconds: float) -> None:
    """Count seconds that this thread waits."""
    _waited.set(waited() + seconds)


def forget() -> None:
    """Start counting anew."""
    _waited.set(0.0)


def _wait_until(moment: float) -> None:
    _waited.set(max(waited(), moment))


@dataclass(slots=True)
class _Pool:
    """The workers of a pool in virtual time: a task beyond their number begins when one of them is free."""

    workers: int
    begun: int = 0
    free_at: list[float] = field(default_factory=list)
    ended: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        with self.lock:
            self.begun += 1
            if self.begun > self.workers:
                _wait_until(heapq.heappop(self.free_at))

    def end(self) -> float:
        with self.lock:
            heapq.heappush(self.free_at, waited())
            self.ended = max(self.ended, waited())
            return waited()


@dataclass(slots=True)
class _Task:
    """When a task ended, in virtual seconds."""

    ended: float = 0.0


_pools: WeakKeyDictionary[ThreadPoolExecutor, _Pool] = WeakKeyDictionary()
_tasks: WeakKeyDictionary[Future[Any], _Task] = WeakKeyDictionary()


def _ended(future: Future[Any]) -> float:
    return _tasks.get(future, _Task()).ended


def _submitted(
    threads: ThreadPoolExecutor, act: Callable[..., Any], /, *given: Any, **named: Any
) -> Future[Any]:
    """Run the task in a copy of this thread's context: what it waited, and for which function it works."""
    task, context = _Task(), copy_context()
    pool = _pools.setdefault(threads, _Pool(threads._max_workers))

    def run() -> Any:
        pool.begin()
        try:
            return act(*given, **named)
        finally:
            task.ended = pool.end()

    future = _submit(threads, context.run, run)
    _tasks[future] = task
    return future


def _shut_down(threads: ThreadPoolExecutor, wait: bool = True, *, cancel_futures: bool = False) -> None:
    _shutdown(threads, wait, cancel_futures=cancel_futures)
    if wait and threads in _pools:
        _wait_until(_pools[threads].ended)


def _result_in_time(future: Future[Any], timeout: float | None = None) -> Any:
    limit = float("inf") if timeout is None else waited() + timeout
    try:
        return _result(future, timeout)
    finally:
        if future.done():
            _join(future, limit)


def _join(future: Future[Any], limit: float) -> None:
    """Wait for its end, but not beyond the limit: then what came of it is late."""
    _wait_until(min(limit, _ended(future)))
    if _ended(future) > limit:
        raise TimeoutError


def _wait_in_time(
    futures: Iterable[Future[Any]], timeout: float | None = None, return_when: str = ALL_COMPLETED
) -> Any:
    """`concurrent.futures.wait`; of what ended, the first is what waited least."""
    asked, now = set(futures), waited()
    limit = float("inf") if timeout is None else now + timeout
    ended, running = _wait(asked, timeout, return_when)
    until = None if timeout is None else _perf_counter() + timeout
    # What waited virtually ends at once; what is still at work may come before it.
    while running and ended and min(map(_ended, ended)) > now:
        left = None if until is None else max(0.0, until - _perf_counter())
        more, running = _wait(running, left, FIRST_COMPLETED)
        if not more:
            break
        ended |= more
    choose = min if return_when == FIRST_COMPLETED else max
    moment = min(limit, max(now, choose(map(_ended, ended), default=now)))
    _wait_until(moment)
    in_time = {each for each in ended if _ended(each) <= moment}
    return concurrent.futures._base.DoneAndNotDoneFutures(in_time, asked - in_time)


@contextmanager
def counted() -> Iterator[None]:
    """Let the thread pools of this process keep virtual time."""
    with ExitStack() as patches:
        patches.enter_context(patch.object(ThreadPoolExecutor, "submit", _submitted))
        patches.enter_context(patch.object(ThreadPoolExecutor, "shutdown", _shut_down))
        patches.enter_context(patch.object(Future, "result", _result_in_time))
        for module in [concurrent.futures, *_importers()]:
            patches.enter_context(patch.object(module, "wait", _wait_in_time))
        yield


def _importers() -> list[Any]:
    """The modules that took `wait` by its name."""
    return [module for module in list(sys.modules.values()) if vars(module).get("wait") is _wait]
