"""Our own answer: the scenario staged in the lab, the functions run, CodeDeploy asked what was done."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from cli.accuracy.result import Result, judged
from lab import Lab, load

LAST_MINUTE = 40


def run(source: str | Path) -> Result:
    """The answer to the alarm, and what was rolled back by the end of the scenario of that name or file."""
    scenario = load(source)
    with Lab.stage(scenario) as lab:
        document = lab.run_alarm(raise_errors=False)
        lab.run_until(minutes=LAST_MINUTE)
        went_back = _went_back(lab)
    cause = document.get("cause", {"code": document.get("outcome", "failed"), "confidence": 0.0})
    trigger = document.get("trigger", {"kind": ""})
    guards = document.get("rollback", {}).get("guards", ())
    refused = tuple(guard["name"] for guard in guards if not guard["passed"])
    answer = judged(scenario, cause["code"], cause["confidence"], trigger["kind"], went_back, refused)
    about = document.get("resource", {}).get("kind", "")
    asked = [call for call in lab.calls if call.invocation == 1]
    return replace(
        answer,
        kind=about,
        calls=Counter(call.name for call in asked),
        metrics=sum(len(call.parameters.get("MetricDataQueries", ())) for call in asked),
    )


def _went_back(lab: Lab) -> str | None:
    """The deployment that was answered by a stop or by a deployment of the one before."""
    if not lab.created_deployments and not lab.stopped_deployments:
        return None
    actions = [item for item in lab.items() if item["sk"].get("S") == "action#rollback"]
    return actions[0]["deployment_id"]["S"] if actions else "unknown"
