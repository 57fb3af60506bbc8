"""The evidence does not decide."""

from collections.abc import Iterable

from diagnosis.cause import EVERYWHERE, Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.facts import Facts


def examine(facts: Facts) -> Iterable[Signal]:
    """Nothing speaks for not knowing: this is the weight that every other cause has to outdo."""
    del facts
    return ()


CAUSE = Cause(
    code="inconclusive",
    origin=Origin.UNKNOWN,
    title="The evidence does not decide",
    why=(
        "No cause explains the evidence well enough, several explain it equally well, or what would tell"
        " could not be read."
    ),
    prior=1.0,
    needs=(),
    examine=examine,
    first_look=(
        Check("See below which evidence is missing or contradicts, and the best candidates.", Look.CHANGES),
        Check("Look at the access log of the minutes after the onset.", Look.ATTRIBUTES),
        Check("Compare with the last hours on the load balancer's dashboard.", Look.METRICS),
    ),
    prevention="Turn on access logs, and grant the permissions named as missing.",
    retry=Retry.UNKNOWN,
    rollback_helps=False,
    owner=Owner.APPLICATION,
    short="unknown cause",
    systems=EVERYWHERE,
    sources=("ALB user guide, troubleshooting",),
    cases=(
        Case("500s of an unknown maker", True, {"traffic": {"elb_500": "0, -6: 40"}}),
        Case(
            "codes that have no metric of their own",
            True,
            {"traffic": {"elb_5xx_other": "0, -6: 90"}},
        ),
        Case(
            "a clear break after a release", False, {"target_groups": {"orders": {"elb_502": "0, -3: 369"}}}
        ),
    ),
)
