"""Runs the built package in a process of its own: `-m benchmarks.invocation <what> <recording> <report> ...`

`warm` handles the event again and again, `held` with each call held up in turn, `cold` once from the first
import on; `bare` is a function that has boto3, Powertools and one client and does nothing else. Nothing of
the package is imported before the clock runs.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks import answers

CONTEXT = SimpleNamespace(
    get_remaining_time_in_millis=lambda: 60_000,
    aws_request_id="00000000-0000-0000-0000-000000000000",
    function_name="alarm",
)
Handle = Callable[[], Any]


def cold(recording: answers.Recording, latency: float) -> dict[str, Any]:
    """Seconds for the imports and for the first event."""
    used, began = time.process_time(), time.perf_counter()
    import handlers.alarm  # noqa: F401

    imported = time.perf_counter()
    replay = _replay(recording, latency)
    handle = _alarm(recording)
    posts = _watch_slack(replay)
    handle()
    ended, processor = time.perf_counter(), time.process_time() - used
    told = _last_message(replay, posts) - began
    return _report(replay, imports=imported - began, event=ended - imported, processor=processor, told=told)


def bare(recording: answers.Recording, latency: float) -> dict[str, Any]:
    """The same for a function that only keeps its event from being handled twice."""
    used, began = time.process_time(), time.perf_counter()
    import boto3
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.idempotency import (
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
        idempotent_function,
    )

    logger = Logger(service="bare")
    imported = time.perf_counter()
    replay = _replay(recording, latency)
    client = boto3.session.Session().client("dynamodb", region_name=os.environ["AWS_REGION"])
    store = DynamoDBPersistenceLayer(os.environ["TABLE_NAME"], boto3_client=client)

    def logged(*, event: Any) -> dict[str, str]:
        logger.info("an event", id=event.get("id"))
        return {"outcome": "logged"}

    config = IdempotencyConfig()
    handle = idempotent_function(
        logged, data_keyword_argument="event", persistence_store=store, config=config
    )
    handle(event=recording.event)
    ended, processor = time.perf_counter(), time.process_time() - used
    return _report(replay, imports=imported - began, event=ended - imported, processor=processor)


def warm(recording: answers.Recording, latency: float, times: int) -> dict[str, Any]:
    """What each event after the first took; calls in seconds since the event."""
    import handlers.alarm  # noqa: F401

    replay, handle = _replay(recording, latency), _alarm(recording)
    posts = _watch_slack(replay)
    handle()
    runs = [_one_run(replay, posts, handle) for _ in range(times)]
    return _report(replay, runs=runs)


def held(recording: answers.Recording, seconds: float) -> dict[str, Any]:
    """When each call began, if nothing is held up and if each of the calls is, by `seconds`."""
    import handlers.alarm  # noqa: F401

    replay, handle = _replay(recording, 0.0), _alarm(recording)
    posts = _watch_slack(replay)
    handle()
    base = _starts(_one_run(replay, posts, handle))
    found: dict[str, dict[str, float]] = {}
    for replay.held in base:
        replay.held_for = seconds
        found[replay.held] = _starts(_one_run(replay, posts, handle))
    return _report(replay, base=base, held=found)


def _starts(run: dict[str, Any]) -> dict[str, float]:
    return {name: started for name, started, _ in run["calls"]}


def _one_run(replay: Any, posts: list[float], handle: Handle) -> dict[str, Any]:
    replay.forget()
    posts.clear()
    processor, began = time.process_time(), time.perf_counter()
    handle()
    ended, used = time.perf_counter(), time.process_time()
    return {
        "told": _last_message(replay, posts) - began,
        "returned": ended - began,
        "processor": used - processor,
        "calls": [(name, started - began, done - began) for name, started, done in replay.calls],
    }


def _replay(recording: answers.Recording, latency: float) -> Any:
    from benchmarks.replay import Replay

    replay = Replay(recording.answers, latency)
    replay.start()
    return replay


def _alarm(recording: answers.Recording) -> Handle:
    """The alarm function as Lambda would call it, at the time of the recording."""
    from handlers.alarm import handle
    from handlers.wiring import Deadline, Wiring

    moment = datetime.fromisoformat(recording.now)
    wiring = Wiring(os.environ, now=lambda: moment)
    return lambda: handle(recording.event, CONTEXT, wiring, Deadline(CONTEXT, wiring.seconds))


def _watch_slack(replay: Any) -> list[float]:
    """When each post to Slack was answered."""
    from notification.slack import SlackMouth

    real, posts = SlackMouth.send, list[float]()

    def send(mouth: SlackMouth, *arguments: Any) -> Any:
        started = time.perf_counter()
        sent = real(mouth, *arguments)
        if not sent.ok:
            replay.not_recorded.append(f"slack: {sent.detail}")
        posts.append(time.perf_counter())
        replay.calls.append(("slack.post", started, posts[-1]))
        return sent

    SlackMouth.send = send  # type: ignore[assignment,method-assign]
    return posts


def _last_message(replay: Any, posts: list[float]) -> float:
    published: list[float] = [end for name, _, end in replay.calls if name.startswith("sns.Publish")]
    return max(*posts, *published)


def _report(replay: Any, **figures: Any) -> dict[str, Any]:
    return {"not_recorded": replay.not_recorded, **figures}


def main(what: str, recorded: str, report: str, latency: str, *more: str) -> None:
    """Run and write the figures, as JSON, into the file `report`."""
    recording = answers.read(Path(recorded))
    os.environ.update(recording.environment)
    modes: dict[str, Callable[..., dict[str, Any]]] = {"cold": cold, "bare": bare, "warm": warm, "held": held}
    figures = modes[what](recording, float(latency), *map(int, more))
    Path(report).write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
