"""The guards: each rule can only refuse a rollback, and says why in one sentence.

The order is the order of presentation; all are evaluated, so that people see everything in the way.
"""

from collections.abc import Callable
from dataclasses import dataclass

from diagnosis.guards.deployment import (
    entry_point_watched,
    newest_deployment,
    no_deployment_under_way,
    no_later_change,
    not_itself_a_rollback,
    owns_failing_group,
    platform_supported,
    something_to_go_back_to,
)
from diagnosis.guards.permission import (
    kill_switch,
    mode_allows,
    not_opted_out,
    not_rolled_back_before,
    not_too_many,
    opted_in,
)
from diagnosis.guards.proof import (
    alarm_is_fresh,
    enough_traffic,
    errors_continue,
    evidence_complete,
    proven_cause,
    proven_trigger,
    rollback_helps,
)
from diagnosis.guards.question import Answer, Question, Situation

GUARDS: tuple[Callable[[Question], Answer], ...] = (
    mode_allows,
    proven_cause,
    proven_trigger,
    rollback_helps,
    evidence_complete,
    errors_continue,
    enough_traffic,
    alarm_is_fresh,
    entry_point_watched,
    platform_supported,
    owns_failing_group,
    newest_deployment,
    no_deployment_under_way,
    not_itself_a_rollback,
    something_to_go_back_to,
    no_later_change,
    opted_in,
    not_opted_out,
    kill_switch,
    not_rolled_back_before,
    not_too_many,
)

# These can be asked when no deployment is in question: they say what would stand in the way of any rollback.
OF_THE_INCIDENT: tuple[Callable[[Situation], Answer], ...] = (
    mode_allows,
    proven_cause,
    rollback_helps,
    evidence_complete,
    kill_switch,
)


@dataclass(frozen=True, slots=True)
class Guard:
    """One rule's answer: `detail` is a sentence for people, whether it passed or not."""

    name: str
    passed: bool
    detail: str


def ask_all(question: Question) -> tuple[Guard, ...]:
    """Every guard's answer, in the order of presentation."""
    return tuple(_named(guard.__name__, guard(question)) for guard in GUARDS)


def ask_without_deployment(situation: Situation) -> tuple[Guard, ...]:
    """The answers of the guards that speak of the incident alone."""
    return tuple(_named(guard.__name__, guard(situation)) for guard in OF_THE_INCIDENT)


def _named(name: str, answer: Answer) -> Guard:
    return Guard(name, answer.passed, answer.detail)
