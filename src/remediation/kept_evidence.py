"""The evidence of an incident's newest look, kept so that the next one reads only what was late or missing.

It stands beside the incident as an item of its own: the incident is rewritten with every step, and DynamoDB
charges a write by the size of the whole item. Compressed, an ordinary load balancer's evidence has some
10 kB. What would not fit is not kept; the next look then reads everything anew.

botocore's ClientError and BotoCoreError pass through.
"""

from __future__ import annotations

import gzip
import json
import zlib
from datetime import timedelta

from diagnosis.evidence import Evidence, EvidenceFormatError, from_json, to_json
from remediation.table import ConditionFailedError, Table, seconds, update

PERMISSIONS = ("dynamodb:GetItem", "dynamodb:UpdateItem")

# An item has at most 400 kB (DynamoDB developer guide, quotas); a good part is left for its other members.
MOST_BYTES = 300_000
# What is unpacked is bounded too, though only this function writes it.
MOST_UNPACKED_BYTES = 64_000_000
KEPT = timedelta(hours=1)


class KeptEvidence:
    """The newest evidence of each incident."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, incident_id: str, evidence: Evidence) -> bool:
        """Keep it unless newer evidence is kept already; False if it was not kept."""
        packed = packed_evidence(evidence)
        if len(packed) > MOST_BYTES:
            return False
        kept = {
            "taken_at": seconds(evidence.now),
            "expires_at": seconds(evidence.now + KEPT),
            "evidence": packed,
        }
        condition = "attribute_not_exists(pk) OR #taken_at <= :taken_at"
        newer = {"taken_at": seconds(evidence.now)}
        try:
            self._table.change(update(_key(incident_id), kept, condition, newer))
        except ConditionFailedError:
            return False
        return True

    def get(self, incident_id: str) -> Evidence | None:
        """What was kept; None if nothing was, or if another version of this program wrote it."""
        item = self._table.get(_key(incident_id))
        return unpacked_evidence(bytes(item["evidence"])) if item else None


def packed_evidence(evidence: Evidence) -> bytes:
    """The evidence as compressed JSON."""
    return gzip.compress(json.dumps(to_json(evidence), separators=(",", ":")).encode(), 6, mtime=0)


def unpacked_evidence(packed: bytes) -> Evidence | None:
    """The inverse; None for anything that is not evidence of this version."""
    try:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        text = unpacker.decompress(packed, MOST_UNPACKED_BYTES)
        return from_json(Evidence, json.loads(text))
    except (zlib.error, EvidenceFormatError, ValueError, TypeError, KeyError, IndexError):
        return None


def _key(incident_id: str) -> dict[str, str]:
    return {"pk": f"incident#{incident_id}", "sk": "evidence"}
