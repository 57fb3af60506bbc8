"""docs/performance.md from the figures."""

from __future__ import annotations

import textwrap

from benchmarks.price import METRIC
from benchmarks.result import Result
from benchmarks.tables import Table, steps, tables

WIDTH = 110
HEAD = """
Written by `make bench`; do not edit. Milliseconds are of the machine and the moment of this run; take the
ratios. Nothing here ran on AWS or on Arm.
"""


def page(result: Result) -> str:
    """The whole page."""
    texts = (_warm(result), _cold(result), _CALLS, _price(), _SIZE)
    parts = [f"{_section(table)}\n{_filled(text)}" for table, text in zip(tables(result), texts, strict=True)]
    return "\n\n".join(["# Performance", _filled(HEAD), *parts]) + "\n"


def _section(table: Table) -> str:
    lines = [table.heads, tuple("---:" if n else "---" for n in range(len(table.heads))), *table.rows]
    return f"## {table.title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _filled(text: str) -> str:
    """Each paragraph with its lines filled anew."""
    paragraphs = text.strip().split("\n\n")
    return "\n\n".join(
        textwrap.fill(each, WIDTH, break_long_words=False, break_on_hyphens=False) for each in paragraphs
    )


def _warm(result: Result) -> str:
    chain = " → ".join(f"`{step}`" for step in steps(result))
    longer, answering = result.lab.told / result.warm.told, result.lab.answering / result.lab.told
    return f"""
From the alarm's event to the answer to the last message (SNS, Slack), for the incident of `make demo`
in mode auto, with {1000 * result.latency:.0f} ms added to every call. The answers of AWS were recorded
once and are replayed below botocore, each after exactly that time; Slack is a server on this machine,
as far away. So all of the function's own work is in it, writing, signing and reading included, and
nothing of what answers. A warm function has its TLS connections open; they are not in it. Python
{result.python} runs the package that `make build` makes.

The longest chain of calls that wait for one another: {chain}. It was found by holding up each call in
turn and looking which others then begin later.

On the lab itself, which answers in the same process on the same processors, the same event takes
{longer:.1f} times as long until it is published; added up over its threads, {answering:.1f} times that
time goes into the lab's answers. That is why the figures above come from a replay.
"""


def _cold(result: Result) -> str:
    alarm, bare = result.cold[True], result.bare[True]
    return f"""
**The alarm function takes {alarm.total / bare.total:.1f} times as long as a bare one.** Without
compiled bytecode it would take {result.cold[False].total / alarm.total:.1f} times as long as it does.

A new interpreter, from the first import to the end of the first event, answers replayed with no wait;
medians, the functions taking turns. 1.00 is the bare function with bytecode: boto3, Powertools' Logger
and idempotency, one client, and it logs its event. The alarm function makes a client for every service
it asks, and a whole diagnosis. With {1000 * result.latency:.0f} ms for every call, a new function's
last message is out after {result.first_message / alarm.total:.1f} times its time in the table: clients
are made while calls are under way.
"""


_CALLS = """
Of a first event; a warm function reads the Slack secret every five minutes only. Load balancers with more
listeners, target groups or deployments need more calls, side by side.
"""


def _price() -> str:
    return f"""
GetMetricData is USD {1000 * METRIC:.2f} for 1,000 metrics; every statistic of every metric in every
zone and target group is one. Lambda's seconds are those measured warm here, at the template's memory:
an estimate, for at that size Lambda gives a part of a processor. The prices are assumptions of
`benchmarks/price.py` (us-east-1, no free tier). Storage, logs and metrics of the functions are not in
it.
"""


_SIZE = "Each component zipped by itself. Lambda's limit is 250 MB unzipped."
