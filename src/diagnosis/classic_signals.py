"""What causes share about a Classic Load Balancer: where it publishes less than an Application Load Balancer,
and where it behaves otherwise. Nothing is said of other entry points.
"""

from collections.abc import Iterator

from diagnosis.cause import Signal
from diagnosis.changes import Effect
from diagnosis.facts import Facts
from diagnosis.phrase import percent

MOST = 0.5
BUSY_PROCESSOR = 75.0


def unreached(facts: Facts, *codes: str) -> tuple[float, float]:
    """The share of the errors that may come of connections that fail, and the failed connections for each.

    Of a Classic: which code it answered is not published, and once its instances are out of service the
    failing connections are the health checks' alone.
    """
    ratio = facts.ratio("connection_errors", "elb_502", "elb_504")
    classic = facts.classic
    if classic is None:
        return facts.part(*codes), ratio
    share = facts.part("elb_502", "elb_504", "elb_other_5xx")
    if classic.checks_refused:
        return share + classic.without_instance, max(ratio, 1.0)
    return share, ratio


def refused_rather_than_dropped(facts: Facts) -> Iterator[Signal]:
    """A Classic counts a refused connection and one that was never answered alike."""
    if facts.classic is None:
        return
    for each in facts.changes_of(Effect.NETWORK)[:1]:
        yield Signal(
            -3.5, f"{each.change.name} at {each.change.at:%H:%M:%S} changed the network", "CloudTrail"
        )


def dropped_rather_than_refused(facts: Facts) -> Iterator[Signal]:
    """Refusal is the more common of the two, so a drop wants a reason."""
    if facts.classic is not None and not facts.changes_of(Effect.NETWORK):
        yield Signal(
            -3.0,
            "refused connections are counted alike, and no change of the network was recorded",
            "CloudTrail",
        )


def queue_refuses(facts: Facts) -> Iterator[Signal]:
    """Where most of what fails is refused by the full surge queue, that has a name of its own."""
    if facts.classic and facts.classic.spilled >= MOST:
        yield Signal(
            -3.5,
            f"{percent(facts.classic.spilled)} of the errors were refused by the full surge queue",
            "CloudWatch SpilloverCount",
        )


def instances_at_ease(facts: Facts) -> Iterator[Signal]:
    """More requests than the instances can serve make them slow or busy; else it is not they who cannot."""
    busy = facts.processor_peak is None or facts.processor_peak >= BUSY_PROCESSOR
    if facts.classic and not facts.classic.spillover.risen and not facts.response_time.raised and not busy:
        yield Signal(
            -3.0,
            f"the instances are as fast as before, their processors at {facts.processor_peak:.0f} %",
            "CloudWatch TargetResponseTime and CPUUtilization",
        )


def unsplit(facts: Facts) -> Iterator[Signal]:
    """What is read from unsplit codes is a little less sure."""
    if facts.classic:
        yield Signal(
            -0.5,
            "a Classic publishes its 5xx unsplit: 502 and 504 are told by response times alone",
            "CloudWatch",
        )
