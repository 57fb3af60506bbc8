"""The bucket that a web ACL logs to: a packed file for every five minutes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from lab.errors import AwsError
from lab.systems import Stage
from lab.systems.firewall_data import Acl
from lab.systems.firewall_requests import packed, records
from lab.wire import Answer

# A file of five minutes is in the bucket a good minute after they are over.
DELIVERED_AFTER = timedelta(seconds=75)
LOGGED_MINUTES = range(-45, 40)


class _File(bytes):
    """A file's content that can be read like a stream, as clients without the wire expect."""

    def read(self, amount: int | None = None) -> bytes:
        """So much of it, from its beginning."""
        return bytes(self[:amount])


class Bucket:
    """What S3 answers about it."""

    def __init__(self, stage: Stage, data: Acl, name: str) -> None:
        self._stage = stage
        self._data = data
        self._name = name

    def operations(self) -> Mapping[str, Answer]:
        """The operations that the lab answers itself."""
        return {"ListObjectsV2": self.list_objects, "GetObject": self.get_object}

    def list_objects(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """The files below a prefix that have been delivered."""
        keys = [key for key in self._files() if key.startswith(asked.get("Prefix", ""))]
        contents = [
            {"Key": key, "Size": len(self._content(key))} for key in keys[: asked.get("MaxKeys", 1000)]
        ]
        return {"Contents": contents, "KeyCount": len(contents), "IsTruncated": len(contents) < len(keys)}

    def get_object(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """One file."""
        if asked["Bucket"] != self._name or asked["Key"] not in self._files():
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        return {"Body": _File(self._content(asked["Key"]))}

    def _files(self) -> dict[str, datetime]:
        """The delivered files by key, with the five minutes that they hold."""
        scenario, acl = self._stage.scenario, self._data
        place = "cloudfront" if acl.edge else scenario.region
        head = f"security/AWSLogs/{scenario.account}/WAFLogs/{place}/{acl.name}"
        first = scenario.moment(LOGGED_MINUTES.start)
        slot = first.replace(minute=first.minute - first.minute % 5)
        found: dict[str, datetime] = {}
        while slot + timedelta(minutes=5) + DELIVERED_AFTER <= self._stage.clock.now():
            name = f"{scenario.account}_waflogs_{place}_{acl.name}_{slot:%Y%m%dT%H%MZ}_e0ca43b5.log.gz"
            found[f"{head}/{slot:%Y/%m/%d/%H/%M}/{name}"] = slot
            slot += timedelta(minutes=5)
        return found

    def _content(self, key: str) -> bytes:
        minute = (self._files()[key] - self._stage.scenario.minute_zero) // timedelta(minutes=1)
        return packed(records(self._stage.scenario, self._data, range(minute, minute + 5)))
