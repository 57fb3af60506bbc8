"""What a judge made of a scenario, and whether that was right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab import Scenario

INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Result:
    """One answer beside what was expected; `expected` and `expected_trigger` hold all that is accepted.

    `went_back` is the deployment that was rolled back, if any; `wanted` whether going back was right (None:
    open), `wanted_of` of which deployment; `refused_by` are the guards that objected. `kind` is the entry
    point's; `calls` are the AWS calls up to the answer, by service and operation, `metrics` the series asked
    for.
    """

    scenario: str
    expected: tuple[str, ...]
    named: str
    confidence: float
    expected_trigger: tuple[str, ...]
    trigger: str
    went_back: str | None
    wanted: bool | None
    wanted_of: str | None
    refused_by: tuple[str, ...] = ()
    kind: str = ""
    calls: Mapping[str, int] = field(default_factory=dict)
    metrics: int = 0

    @property
    def right(self) -> bool:
        """Whether the cause is one of those accepted."""
        return self.named in self.expected

    @property
    def trigger_right(self) -> bool:
        """Whether the trigger is one of those accepted."""
        return self.trigger in self.expected_trigger

    @property
    def wrong_rollback(self) -> bool:
        """Whether something was rolled back that should not have been."""
        if self.went_back is None:
            return False
        return self.wanted is False or self.wanted_of not in {None, self.went_back}

    @property
    def missed_rollback(self) -> bool:
        """Whether going back was right and was not done."""
        return self.wanted is True and self.went_back is None

    @property
    def right_rollback(self) -> bool:
        """Whether going back was right and was done."""
        return self.wanted is True and self.went_back is not None and not self.wrong_rollback


@dataclass(frozen=True, slots=True)
class Measured:
    """All answers: ours end to end and in the examination, the rivals', ours on noise drawn anew, and ours
    with each story left out of what is fitted.
    """

    draws: int
    ours: tuple[Result, ...]
    examined: tuple[Result, ...]
    latest: tuple[Result, ...]
    running: tuple[Result, ...]
    redrawn: tuple[Result, ...]
    left_out: tuple[Result, ...] = ()


def judged(
    scenario: Scenario,
    named: str,
    confidence: float,
    trigger: str = "",
    went_back: str | None = None,
    refused_by: tuple[str, ...] = (),
) -> Result:
    """An answer beside what the scenario expects."""
    expect = scenario.expect
    return Result(
        scenario=scenario.name,
        expected=expect.cause,
        named=named,
        confidence=confidence,
        expected_trigger=expect.trigger,
        trigger=trigger,
        went_back=went_back,
        wanted=expect.rollback,
        wanted_of=expect.trigger_id,
        refused_by=refused_by,
    )
