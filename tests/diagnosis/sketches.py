"""Evidence and facts from a few lines of data: what differs from a quiet service, without noise."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from diagnosis.evidence import Evidence, Missing
from diagnosis.facts import Facts, derive
from diagnosis.pipeline import diagnose
from diagnosis.verdict import Verdict
from lab.straight import case_scenario, evidence_of

ALARM_METRIC = "HTTPCode_ELB_5XX_Count"
# One zone unless zones matter: a third of the series.
LOAD_BALANCER = {"name": "order-api", "zones": ["eu-west-1a"]}
BREAKS = {"elb_502": "0, -3: 369"}
RELEASE: Mapping[str, Any] = {
    "id": "d-NEW",
    "application": "order-api",
    "group": "production",
    "target_groups": ["orders"],
    "created": "-4",
    "started": "-4",
    "completed": "-2",
    "revision": {"bucket": "releases", "key": "order-api-2.zip"},
}


def release(**differences: Any) -> dict[str, Any]:
    """A deployment to the group orders that ended two minutes ago, or what differs from it."""
    return {**RELEASE, **differences}


def sketch(**incident: Any) -> Evidence:
    """What is read when a quiet service differs in this (the keys are those of a scenario file)."""
    return _drawn(json.dumps({"noise": "none", "load_balancer": LOAD_BALANCER, **incident}))


@cache
def _drawn(incident: str) -> Evidence:
    return evidence_of(case_scenario("a sketch", json.loads(incident)))


def facts_of(evidence: Evidence, metric: str = ALARM_METRIC) -> Facts:
    """The facts of evidence that has metrics."""
    facts = derive(evidence, [metric])
    assert not isinstance(facts, Missing)
    return facts


def judged(evidence: Evidence, metric: str = ALARM_METRIC) -> Verdict:
    """The verdict for an alarm on that metric."""
    return diagnose(evidence, [metric])
