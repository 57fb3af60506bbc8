"""Classic Load Balancer: the surge queue is full."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.facts import Facts
from diagnosis.facts.classic import QUEUE_LIMIT
from diagnosis.phrase import moved, percent, seconds

MOST, VISIBLE = 0.5, 0.15


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh requests that were rejected because the queue before the instances was full."""
    classic = facts.classic
    if classic is None or not facts.is_5xx or not classic.spillover.risen:
        yield Signal(-6.0, "no request was rejected by the surge queue", "CloudWatch SpilloverCount")
        return
    yield Signal(
        6.5,
        f"requests rejected because the surge queue is full went {moved(classic.spillover)}",
        "CloudWatch SpilloverCount",
    )
    if classic.queue_full:
        yield Signal(
            1.0,
            f"{classic.queue.peak:,.0f} requests waited at a time, of {QUEUE_LIMIT:,} that can",
            "CloudWatch SurgeQueueLength",
        )
    yield from _extent(classic.spilled)
    if facts.response_time.raised:
        yield Signal(
            0.5, f"response time went {seconds(facts.response_time)}", "CloudWatch TargetResponseTime"
        )


def _extent(share: float) -> Iterable[Signal]:
    if share >= MOST:
        yield Signal(1.0, f"these are {percent(share)} of the errors", "CloudWatch SpilloverCount")
    elif share < VISIBLE:
        yield Signal(-4.0, f"these are only {percent(share)} of the errors", "CloudWatch SpilloverCount")
    else:
        yield Signal(-1.5, f"these are {percent(share)} of the errors", "CloudWatch SpilloverCount")


CAUSE = Cause(
    code="surge_queue_overflow",
    origin=Origin.LOAD_BALANCER,
    title="The load balancer's surge queue is full (503)",
    why=(
        "The instances take requests more slowly than they come; 1,024 wait in the queue of a load balancer"
        " node, and what comes on top is rejected."
    ),
    prior=-2.0,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("See whether requests rose or the instances became slow: RequestCount, Latency.", Look.METRICS),
        Check("Compare the instances' workers and connections with their limits.", Look.TARGETS),
        Check("See what the instances wait for: a database, a lock, a foreign service.", Look.LOGS),
    ),
    prevention=(
        "Alarm on SurgeQueueLength long before 1,024, scale on it, and let a server with a bounded accept"
        " queue shed load by itself."
    ),
    retry=Retry.SAFE,
    rollback_helps=True,
    sources=(
        "Classic Load Balancer guide, CloudWatch metrics: SurgeQueueLength, SpilloverCount",
        "AWS knowledge center, Elastic Load Balancing capacity troubleshooting",
    ),
    known_problems="Why the instances are slow is not told by the queue: the trigger and their own logs are.",
    onset_after_deployment_minutes=10.0,
    triggers={"traffic_change": 2.0},
    touched_by=(Effect.CAPACITY, Effect.REGISTRATION, Effect.DATABASE, Effect.CONFIGURATION),
    systems=frozenset({"clb"}),
    owner=Owner.PLATFORM,
    short="full surge queue",
    cases=(
        Case(
            "an audience comes and two instances cannot follow",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_5XX"},
                "classic_load_balancer": {
                    "requests": "4421, -7: 8200",
                    "spillover": "0, -6: 3100",
                    "surge_queue": "0, -7: 700, -6: 1024",
                    "latency": "0.09, -7: 3.2",
                    "cpu": "40, -7: 97",
                },
            },
        ),
        Case(
            "the database is slow and requests pile up",
            True,
            {
                "alarm": {"metric": "HTTPCode_ELB_5XX"},
                "classic_load_balancer": {
                    "requests": "4421, -8: 1500",
                    "backend_5xx": "1, -8: 120",
                    "spillover": "0, -7: 2900",
                    "surge_queue": "0, -8: 900, -7: 1024",
                    "latency": "0.09, -8: 8",
                },
            },
        ),
        Case(
            "the queue fills for a moment and nothing is rejected",
            False,
            {
                "alarm": {"metric": "HTTPCode_Backend_5XX"},
                "classic_load_balancer": {"backend_5xx": "1, -6: 440", "surge_queue": "0, -6: 90"},
            },
        ),
    ),
)
