"""Logs and metrics of the functions; the metrics are written as log lines in the embedded metric format."""

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from diagnosis.document import Document

NAMESPACE = "GatewayTriage"
SERVICE = "gateway-triage"

logger = Logger(service=SERVICE)


def count_document(document: Document) -> None:
    """One diagnosis by its outcome and cause, how much evidence was missing, and what was decided."""
    cause, rollback = document.get("cause"), document.get("rollback")
    _count("Outcomes", 1, outcome=document["outcome"])
    if document["outcome"] != "diagnosed":
        return
    _count("Diagnoses", 1, cause=cause["code"] if cause else "inconclusive")
    _count("MissingEvidence", len(document.get("missing", [])))
    if rollback and rollback["decision"] != "none":
        count_rollback(rollback["decision"])


def count_rollback(decision: str) -> None:
    """One step of a rollback, in the contract's word (requested, started, vetoed …)."""
    _count("Rollbacks", 1, decision=decision)


def _count(name: str, value: int, **dimensions: str) -> None:
    service = {"service": SERVICE}
    unit = MetricUnit.Count
    with single_metric(name, unit, value, namespace=NAMESPACE, default_dimensions=service) as metric:
        for dimension, word in dimensions.items():
            metric.add_dimension(dimension, word)
