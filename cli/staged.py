"""The first part of the demo: the incident as AWS shows it when the alarm comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from cli.figures import MINUTES_A_BAR, MINUTES_DRAWN, Row, number, rows, sparkline
from cli.page import INDENT, QUIET, STRONG, Page
from lab import Lab
from lab.scenario import Change, Deployment, Scenario, TargetGroup

LABEL = 24
CELL = 7
LABELS = 14
A_DAY = 1440


def show(page: Page, lab: Lab) -> None:
    """Who serves, what was changed, and the figures of the last hour."""
    scenario = lab.scenario
    page.heading("1  The incident as AWS shows it")
    page.item("Load balancer", _balancer(scenario), label_width=LABELS)
    for group in scenario.target_groups:
        page.item("Target group", _group(group), label_width=LABELS)
    for deployment in sorted(scenario.deployments, key=lambda each: -each.created):
        page.item("Deployment", _deployment(scenario, deployment), label_width=LABELS)
    for change in sorted(scenario.changes, key=lambda each: each.at):
        page.item("Change", _change(scenario, change), label_width=LABELS)
    page.blank()
    _figures(page, lab)


def _balancer(scenario: Scenario) -> str:
    balancer = scenario.load_balancer
    return f"{balancer.name} in {scenario.region}, {len(balancer.zones)} Availability Zones"


def _group(group: TargetGroup) -> str:
    states = Counter(target.state for target in group.targets)
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "no targets"
    return f"{group.name}: {told}"


def _deployment(scenario: Scenario, deployment: Deployment) -> str:
    revision = deployment.revision.key or (deployment.revision.commit or "")[:12]
    style = deployment.style.replace("_", " ") if deployment.platform == "Server" else deployment.platform
    place = f"{deployment.application}/{deployment.group}"
    when = _span(scenario, deployment)
    return f"{deployment.id}: {revision} to {place}, {style}, {when}, {deployment.status}"


def _span(scenario: Scenario, deployment: Deployment) -> str:
    begun = _when(scenario, deployment.created)
    ended = None if deployment.completed is None else _when(scenario, deployment.completed)
    return begun if ended in {None, begun} else f"{begun} to {ended}"


def _change(scenario: Scenario, change: Change) -> str:
    seen = change.at + scenario.cloudtrail_delay / 60
    late = f"; CloudTrail shows it from {_when(scenario, seen)} on" if seen > 0 else ""
    on = ", ".join(change.resources)
    return f"{change.name} on {on} by {change.by} at {_when(scenario, change.at)}{late}"


def _when(scenario: Scenario, minute: float) -> str:
    """The time of day; days ago for what is older than today's story."""
    days = int(-minute // A_DAY)
    if days >= 1:
        return f"{days} {'day' if days == 1 else 'days'} before"
    return f"{scenario.moment(minute):%H:%M:%S}"


def _figures(page: Page, lab: Lab) -> None:
    """A row a figure: a sparkline of the last hour, then the last complete minutes."""
    bars = MINUTES_DRAWN // MINUTES_A_BAR
    shown = max(2, (page.width - INDENT - LABEL - bars - 2) // CELL)
    times = "".join(f"{lab.scenario.moment(minute):%H:%M}".rjust(CELL) for minute in range(-shown, 0))
    page.parts(
        (" " * INDENT, ""), (f"{'a minute':<{LABEL}}{'the hour before the alarm':<{bars + 2}}{times}", QUIET)
    )
    for row in _told(lab):
        cells = "".join(number(value).rjust(CELL) for value in row.values[-shown:])
        label = f"{row.label[: LABEL - 1]:<{LABEL}}"
        page.parts((" " * INDENT, ""), (label, STRONG), (sparkline(row.values), "blue"), (f"  {cells}", ""))


def _told(lab: Lab) -> Iterator[Row]:
    """What has figures; a count that is never published is left out, requests and health never are."""
    for row in rows(lab, -MINUTES_DRAWN, -1):
        if not row.flat or row.label == "requests" or row.label.startswith("healthy"):
            yield row
