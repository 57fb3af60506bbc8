"""How deep the calls of an event are: how many had to wait for one another."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

MESSAGES = frozenset({"sns.Publish", "slack.post"})


def late(base: Mapping[str, float], held: Mapping[str, float], by: float) -> set[str]:
    """The calls that began later by so many seconds than they do when nothing is held up."""
    return {call for call, started in held.items() if call in base and started - base[call] > by}


def longest_chain(base: Mapping[str, float], waits_for: Mapping[str, Collection[str]]) -> Sequence[str]:
    """The longest chain of calls that ends with a message, each of them waiting for the one before.

    `base` is when each call begins; `waits_for` names for each call those that it begins later for.
    """
    chains: dict[str, list[str]] = {}
    for call in sorted(base, key=base.__getitem__):
        before = (chains[each] for each in waits_for.get(call, ()) if each in chains)
        chains[call] = [*max(before, key=len, default=[]), call]
    ending = (chain for call, chain in chains.items() if operation(call) in MESSAGES)
    return max(ending, key=len, default=[])


def operation(call: str) -> str:
    """Service and operation of a call: what its fingerprint begins with."""
    return call.partition(" ")[0].partition("#")[0]
