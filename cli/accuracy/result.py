"""What a judge made of a scenario, and whether that was right."""

from __future__ import annotations

from dataclasses import dataclass

from lab import Scenario

INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Result:
    """One answer beside what was expected; `expected` and `expected_trigger` hold all that is accepted.

    `went_back` is the deployment that was rolled back, if any; `wanted` whether going back was right (None:
    open), `wanted_of` of which deployment; `refused_by` are the guards that objected.
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
    """All answers: ours end to end and in the examination, the rivals', and ours on noise drawn anew."""

    draws: int
    ours: tuple[Result, ...]
    examined: tuple[Result, ...]
    latest: tuple[Result, ...]
    running: tuple[Result, ...]
    redrawn: tuple[Result, ...]


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
