"""The evidence of an incident's newest look, kept in the table for the next one."""

import gzip
import json
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from diagnosis.evidence import MetricKey, Metrics, Missing, Window
from remediation.kept_evidence import MOST_BYTES, KeptEvidence, packed_evidence, unpacked_evidence
from remediation.table import Table
from tests.diagnosis.judged import NOW, evidence


@pytest.fixture
def kept(table: Table) -> KeptEvidence:
    return KeptEvidence(table)


def noisy(series: int) -> Metrics:
    """Figures that cannot be compressed well."""
    drawn = random.Random(7)  # noqa: S311 - figures, not secrets
    window = Window(NOW, 180)
    return Metrics(
        window,
        {
            MetricKey(f"Metric{number}", "Sum"): tuple(drawn.random() for _ in range(window.minutes))
            for number in range(series)
        },
    )


def test_evidence_comes_back_as_it_was(kept: KeptEvidence) -> None:
    known = evidence(metrics=noisy(20), deployments=Missing("throttled"))
    assert kept.put("inc-1", known)
    assert kept.get("inc-1") == known


def test_nothing_comes_back_where_nothing_was_kept(kept: KeptEvidence) -> None:
    assert kept.get("inc-1") is None


def test_newer_evidence_replaces_older_and_not_the_other_way_round(kept: KeptEvidence) -> None:
    later = replace(evidence(), now=NOW + timedelta(minutes=3))
    assert kept.put("inc-1", evidence())
    assert kept.put("inc-1", later)
    assert not kept.put("inc-1", evidence())
    assert kept.get("inc-1") == later


def test_evidence_that_would_not_fit_into_an_item_is_not_kept(kept: KeptEvidence) -> None:
    enormous = evidence(metrics=noisy(400))
    assert len(packed_evidence(enormous)) > MOST_BYTES
    assert not kept.put("inc-1", enormous)
    assert kept.get("inc-1") is None


def test_evidence_of_a_full_call_of_metrics_fits(kept: KeptEvidence) -> None:
    """Five hundred series of counts, which repeat themselves as real ones do."""
    drawn = random.Random(7)  # noqa: S311 - figures, not secrets
    counts = Metrics(
        Window(NOW, 180),
        {
            MetricKey(f"Metric{number}", "Sum"): tuple(float(drawn.randint(900, 1100)) for _ in range(180))
            for number in range(500)
        },
    )
    assert len(packed_evidence(evidence(metrics=counts))) < MOST_BYTES


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip",
        gzip.compress(b"{"),
        gzip.compress(b"[]"),
        gzip.compress(json.dumps({"now": 1}).encode()),
    ],
)
def test_what_another_version_wrote_is_as_if_nothing_were_kept(content: bytes) -> None:
    assert unpacked_evidence(content) is None


def test_a_cut_off_item_is_as_if_nothing_were_kept() -> None:
    assert unpacked_evidence(packed_evidence(evidence())[:-40]) is None


def test_the_item_goes_by_itself_after_an_hour(kept: KeptEvidence, table: Table) -> None:
    kept.put("inc-1", evidence())
    item: dict[str, Any] | None = table.get({"pk": "incident#inc-1", "sk": "evidence"})
    assert item is not None
    assert int(item["expires_at"]) == int((NOW + timedelta(hours=1)).timestamp())
