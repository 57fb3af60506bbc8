"""Two naive judges, shown the same incidents with the same permissions: what most set-ups do today."""

from __future__ import annotations

from collections.abc import Iterator

from cli.accuracy.redraw import alarm_metrics
from cli.accuracy.result import Result, judged
from diagnosis.evidence import Metrics, Missing
from diagnosis.guards.question import OPT_IN_TAG, OPT_IN_VALUE, OPT_OUT_TAG
from lab import Scenario, load
from lab.scenario import Deployment
from lab.straight import evidence_of

BLAMED_MINUTES = 30
LOOKED_AT_MINUTES = 5
# What an engineer in a hurry makes of the code that there is most of.
GUESSES = {
    "HTTPCode_Target_5XX_Count": "application_errors",
    "HTTPCode_ELB_502_Count": "target_broke_exchange",
    "HTTPCode_ELB_503_Count": "no_usable_targets",
    "HTTPCode_ELB_504_Count": "target_timeout",
}


def blame_latest(name: str) -> Result:
    """Blames the newest deployment of the last 30 minutes, and guesses the cause by the commonest code."""
    scenario = load(name)
    recent = [
        each for each in _known(scenario) if each.completed is None or each.completed >= -BLAMED_MINUTES
    ]
    newest = max(recent, key=lambda each: each.created, default=None)
    trigger = "deployment" if newest else "none_found"
    return judged(scenario, _guess(scenario), 1.0, trigger, _gone_back(scenario, newest))


def stop_running(name: str) -> Result:
    """Stops the deployment that runs when the alarm comes, whatever the errors: CodeDeploy's own alarms."""
    scenario = load(name)
    running = [each for each in _known(scenario) if each.completed is None or each.completed > 0]
    newest = max(running, key=lambda each: each.created, default=None)
    return judged(scenario, "names no cause", 0.0, "", _gone_back(scenario, newest))


def _known(scenario: Scenario) -> Iterator[Deployment]:
    return (each for each in scenario.deployments if each.created <= 0)


def _gone_back(scenario: Scenario, deployment: Deployment | None) -> str | None:
    """The deployment, if what we must respect allows it: mode, kill switch, opt-in and opt-out tags."""
    if deployment is None or scenario.mode != "auto" or scenario.kill_switch != "true":
        return None
    opted_out = OPT_OUT_TAG in {*deployment.tags, *deployment.application_tags}
    opted_in = deployment.tags.get(OPT_IN_TAG) == OPT_IN_VALUE
    return deployment.id if opted_in and not opted_out else None


def _guess(scenario: Scenario) -> str:
    if all("4XX" in metric for metric in alarm_metrics(scenario.alarm)):
        return "application_rejects_requests"
    metrics = evidence_of(scenario).metrics
    sums = {name: sum(_last(metrics, name)) for name in GUESSES}
    return GUESSES[max(GUESSES, key=lambda name: sums[name])]


def _last(metrics: Metrics | Missing, name: str) -> Iterator[float]:
    if isinstance(metrics, Missing):
        return
    for key, column in metrics.series.items():
        if key.name == name and key.statistic == "Sum" and not key.target_group and not key.zone:
            yield from (value or 0.0 for value in column[-LOOKED_AT_MINUTES:])
