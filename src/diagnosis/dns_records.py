"""What a recorded change of DNS did to names (Route 53 API reference, ChangeResourceRecordSets)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from diagnosis.effects import bare_name
from diagnosis.evidence import Change

# By these types a name is found; text and mail records may go without harm to requests.
ADDRESSES = frozenset({"A", "AAAA", "CNAME"})


@dataclass(frozen=True, slots=True)
class Record:
    """A name in small letters, without the full stop that DNS ends it with, and whether it was deleted."""

    name: str
    deleted: bool


def addresses_of(change: Change) -> tuple[Record, ...]:
    """The names whose addresses the change deleted or set; nothing for changes of another kind."""
    if bare_name(change.name) != "ChangeResourceRecordSets":
        return ()
    found = [
        Record(name.rstrip(".").lower(), edit.get("action") == "DELETE")
        for edit, record in _edits(change.parameters)
        if isinstance(name := record.get("name"), str) and record.get("type") in ADDRESSES
    ]
    # Deleted and set anew in one batch is an edit.
    kept = {each.name for each in found if not each.deleted}
    return tuple(each for each in found if not each.deleted or each.name not in kept)


def _edits(parameters: Mapping[str, object]) -> Iterator[tuple[Mapping[str, object], Mapping[str, object]]]:
    batch = parameters.get("changeBatch")
    edits = batch.get("changes") if isinstance(batch, Mapping) else None
    for edit in edits if isinstance(edits, list | tuple) else ():
        record = edit.get("resourceRecordSet") if isinstance(edit, Mapping) else None
        if isinstance(record, Mapping):
            yield edit, record
