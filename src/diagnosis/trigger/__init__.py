"""What set it off: everything near the onset weighed against the onset and the failing part, with its rivals.

Each kind of candidate has its own file: roll-outs, changes, and the circumstances that nobody's act explains.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from diagnosis.cause import Cause
from diagnosis.changes import RelevantChange, relevant_changes
from diagnosis.facts import Facts
from diagnosis.judgement import softmax
from diagnosis.timetable import timetable
from diagnosis.trigger.changes import change_candidate, is_act_of
from diagnosis.trigger.circumstances import circumstances, is_blind
from diagnosis.trigger.rollouts import rollout_candidate
from diagnosis.verdict import Candidate, Trigger

__all__ = ["find_trigger", "is_blind"]


def find_trigger(facts: Facts, cause: Cause | None) -> Trigger:
    """Weigh all candidates, likeliest first; the confidences of all candidates and of "nothing" add up to
    one.
    """
    weighed = [*_candidates(facts, cause)]
    scores = [sum(signal.weight for signal in each.signals) for each in weighed]
    likely = softmax(scores)
    ranked = sorted(
        (replace(each, confidence=confidence) for each, confidence in zip(weighed, likely, strict=True)),
        key=_order,
    )
    return Trigger(ranked[0], tuple(ranked[1:]), blind=is_blind(facts))


def _order(candidate: Candidate) -> tuple[float, bool, str, str]:
    """Likeliest first; of two that are as likely, the one that blames nobody."""
    blames = candidate.kind not in {"unknown", "none_found"}
    return (-round(candidate.confidence, 9), blames, candidate.kind, candidate.id or "")


def _candidates(facts: Facts, cause: Cause | None) -> Iterator[Candidate]:
    origin, scheduled = _origin(facts), timetable(facts)
    places = (facts, origin) if origin else (facts,)
    rollouts = {each.deployment.id: (place, each) for place in places for each in place.rollouts}
    yield from (rollout_candidate(place, cause, each) for place, each in rollouts.values())
    if facts.onset is not None:
        known = tuple(each for _, each in rollouts.values())
        for place, each in _changes(facts, origin):
            if not is_act_of(each, known):
                behind = place is not facts
                yield change_candidate(place, facts.onset, cause, each, scheduled, behind=behind)
    yield from circumstances(facts, cause, scheduled)


def _changes(facts: Facts, origin: Facts | None) -> Iterable[tuple[Facts, RelevantChange]]:
    """Every change once, at the place where it is known to belong."""
    found = {each.change.id: (facts, each) for each in facts.changes}
    for each in origin.changes if origin else ():
        if each.ours or each.change.id not in found:
            found[each.change.id] = (origin or facts, each)
    return found.values()


def _origin(facts: Facts) -> Facts | None:
    """The origin that fails behind the entry point, where things may have happened as well.

    One that cannot be reached notices nothing; then the entry point's onset is that of its errors too.
    """
    origin = facts.origins.get(facts.failing_origin or "")
    if origin is None or origin.onset is not None or facts.onset is None:
        return origin
    changes = relevant_changes(origin.evidence, facts.onset)
    return replace(origin, onset=facts.onset, span=facts.span, changes=changes)
