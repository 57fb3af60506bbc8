"""Reads refused requests from a web ACL's log: by Logs Insights from a log group, or the files of a bucket.

Both are bounded, and both begin with the newest.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, cast

from collectors.firewall_answers import CLOUDFRONT, parse_record
from collectors.log_queries import PERMISSIONS as QUERY_PERMISSIONS
from collectors.log_queries import search
from collectors.reading import READ_ERRORS, Scope, failure
from diagnosis.series import Missing
from diagnosis.systems.firewall import BUCKET, LOG_GROUP, BlockedRequest, BlockedRequests, WebAcl

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LOG_PERMISSIONS = (*QUERY_PERMISSIONS, "s3:ListBucket", "s3:GetObject")
MOST_RECORDS = 1000
QUERY = f'fields @timestamp, @message | filter action = "BLOCK" | sort @timestamp desc | limit {MOST_RECORDS}'
# A file holds five minutes and at most 75 MB (AWS WAF developer guide, "Amazon S3"). What is read must leave
# most of the function's time and memory to others.
SLOT = timedelta(minutes=5)
MOST_SLOTS, MOST_FILES = 4, 6
MOST_BYTES, MOST_UNPACKED_BYTES = 8_000_000, 48_000_000
LONGEST_LINE = 65_536


def read_log(
    scope: Scope, acl: WebAcl, destination: str, start: datetime, end: datetime
) -> BlockedRequests | Missing:
    """The blocked requests of that time in the log, as many as may be read."""
    service = destination.split(":")[2] if destination.count(":") >= 5 else ""
    try:
        if service == "logs":
            return _from_log_group(scope, destination, start, end)
        if service == "s3":
            return _from_bucket(scope, acl, destination, start, end)
    except READ_ERRORS as error:
        return failure(service, error)
    return Missing(f"wafv2: logs go to {service or 'an unknown place'} and cannot be read there")


def _from_log_group(scope: Scope, destination: str, start: datetime, end: datetime) -> BlockedRequests:
    group = destination.split(":log-group:", 1)[-1].removesuffix(":*")
    rows = search(scope, (group,), QUERY, start, end, MOST_RECORDS)
    found = tuple(_parsed(row.get("@message", "") for row in rows))
    return BlockedRequests(LOG_GROUP, start, end, found, complete=len(rows) < MOST_RECORDS)


def _parsed(lines: Iterable[str | bytes]) -> Iterator[BlockedRequest]:
    for line in lines:
        if b"BLOCK" not in (line.encode() if isinstance(line, str) else line):
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        request = parse_record(record) if isinstance(record, dict) else None
        if request is not None:
            yield request


def _from_bucket(
    scope: Scope, acl: WebAcl, destination: str, start: datetime, end: datetime
) -> BlockedRequests | Missing:
    bucket, _, prefix = destination.split(":::", 1)[-1].partition("/")
    client = cast("S3Client", scope.clients("s3"))
    keys = [each for slot in _slots(start, end) for each in _keys(client, scope, acl, bucket, prefix, slot)]
    if not keys:
        return Missing("s3: no file of the time of the blocks is there yet; they come every five minutes")
    found: list[BlockedRequest] = []
    left, read, oldest, newest = MOST_BYTES, 0, end, min(end, keys[0][2] + SLOT)
    for key, size, slot in keys[:MOST_FILES]:
        if size > left or len(found) >= MOST_RECORDS:
            break
        left, read, oldest = left - size, read + 1, slot
        content = client.get_object(Bucket=bucket, Key=key)["Body"].read(MOST_BYTES)
        blocked = (request for request in _parsed(_lines(content)) if start <= request.at < end)
        found.extend(islice(blocked, MOST_RECORDS - len(found)))
    if not read:
        return Missing(f"s3: the newest file has {keys[0][1]:,} bytes, more than {MOST_BYTES:,}")
    complete = read == len(keys) and len(found) < MOST_RECORDS and newest >= end
    return BlockedRequests(BUCKET, max(start, oldest), newest, tuple(found), complete)


def _slots(start: datetime, end: datetime) -> list[datetime]:
    """The five-minute folders that can hold records of the time, newest first."""
    slot = end.replace(minute=end.minute - end.minute % 5, second=0, microsecond=0)
    first = start - SLOT
    slots: list[datetime] = []
    while slot > first and len(slots) < MOST_SLOTS:
        slots.append(slot)
        slot -= SLOT
    return slots


def _keys(
    client: S3Client, scope: Scope, acl: WebAcl, bucket: str, prefix: str, slot: datetime
) -> list[tuple[str, int, datetime]]:
    """Key, bytes and slot of the files in one folder.

    [prefix/]AWSLogs/account/WAFLogs/region/web ACL/YYYY/MM/dd/HH/mm/ (AWS WAF developer guide, "Amazon S3").
    """
    account = acl.arn.split(":")[4]
    place = "cloudfront" if acl.scope == CLOUDFRONT else scope.entry_point.region
    head = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    folder = f"{head}AWSLogs/{account}/WAFLogs/{place}/{acl.name}/{slot:%Y/%m/%d/%H/%M}/"
    answer = client.list_objects_v2(Bucket=bucket, Prefix=folder, MaxKeys=MOST_FILES)
    files = [each for each in answer.get("Contents", ()) if each.get("Key", "").endswith(".gz")]
    return [(each["Key"], each.get("Size", 0), slot) for each in files]


def _lines(content: bytes) -> Iterator[bytes]:
    """The lines of a packed file, up to the bound; a file that is cut or no gzip ends where it breaks."""
    unpacked = 0
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        while unpacked < MOST_UNPACKED_BYTES:
            try:
                line = file.readline(LONGEST_LINE)
            except (OSError, EOFError, zlib.error):
                return
            if not line:
                return
            unpacked += len(line)
            yield line
