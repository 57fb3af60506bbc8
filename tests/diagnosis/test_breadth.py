"""Trouble that is wider than the entry point."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from diagnosis.breadth import elsewhere, failed_canaries, involved_events
from diagnosis.evidence import Missing
from diagnosis.facts import Facts
from diagnosis.systems.health import MAY_NOT_ASK, AlarmInAlarm, HealthEvent
from tests.diagnosis.sketches import facts_of, sketch

BREAKS = {"orders": {"target_5xx": "0, -6: 400"}}


def facts(**known: Any) -> Facts:
    """The facts of errors since six minutes, with this read besides."""
    return facts_of(replace(sketch(target_groups=BREAKS), **known))


ONSET = facts().onset
assert ONSET is not None


def event(minutes: float = -2.0, **changed: Any) -> HealthEvent:
    """A problem of instances that began so many minutes after the onset."""
    assert ONSET is not None
    made = HealthEvent(
        "arn:event", "EC2", "AWS_EC2_OPERATIONAL_ISSUE", start=ONSET + timedelta(minutes=minutes)
    )
    return replace(made, **changed)


def alarm(
    name: str, minutes: float = 1.0, namespace: str = "AWS/SQS", resource: str | None = None
) -> AlarmInAlarm:
    """An alarm that went off so many minutes after the onset."""
    assert ONSET is not None
    return AlarmInAlarm(name, ONSET + timedelta(minutes=minutes), namespace, "Age", resource or name)


@pytest.mark.parametrize("service", ["EC2", "ELASTICLOADBALANCING", "MULTIPLE_SERVICES"])
def test_a_problem_of_what_carries_the_requests_is_involved(service: str) -> None:
    (found,) = involved_events(facts(health_events=(event(service=service),)))
    assert (found.carries, found.names_ours) == (True, False)


def test_a_problem_of_what_applications_rest_on_is_involved_from_behind() -> None:
    (found,) = involved_events(facts(health_events=(event(service="DYNAMODB"),)))
    assert not found.carries


def test_an_event_that_names_one_of_our_machines_comes_first() -> None:
    ours = sketch(target_groups=BREAKS).instances
    assert not isinstance(ours, Missing)
    named = event(service="RDS", arn="arn:ours", entities=(ours[0].id,))
    found = involved_events(facts(health_events=(event(), named)))
    assert [each.event.arn for each in found] == ["arn:ours", "arn:event"]
    assert found[0].names_ours


@pytest.mark.parametrize(
    "other",
    [
        event(service="SAGEMAKER"),
        event(category="scheduledChange"),
        event(minutes=-200),
        event(minutes=40),
        event(minutes=-30, end=event(minutes=-10).start, status="closed"),
        event(start=None),
    ],
    ids=["another service", "no problem", "long before", "long after", "over before", "without a time"],
)
def test_other_events_are_not_involved(other: HealthEvent) -> None:
    assert involved_events(facts(health_events=(other,))) == ()


@pytest.mark.parametrize("unknown", [MAY_NOT_ASK, Missing("AccessDenied"), ()])
def test_without_events_nothing_is_involved(unknown: Missing | tuple[()]) -> None:
    assert involved_events(facts(health_events=unknown)) == ()


def test_alarms_of_the_same_minutes_about_other_things_are_elsewhere() -> None:
    found = elsewhere(facts(alarms_in_alarm=(alarm("queue"), alarm("routes", 3, "AWS/Lambda"))))
    assert [each.name for each in found.alarms] == ["queue", "routes"]
    assert found.namespaces == {"AWS/SQS", "AWS/Lambda"}


def test_two_alarms_about_one_thing_are_one() -> None:
    found = elsewhere(facts(alarms_in_alarm=(alarm("age", resource="q"), alarm("depth", resource="q"))))
    assert len(found.alarms) == 1


def test_older_alarms_are_not_part_of_it() -> None:
    assert not elsewhere(facts(alarms_in_alarm=(alarm("disk", -300),))).alarms


def test_alarms_about_this_very_service_are_not_elsewhere() -> None:
    known = facts()
    balancer = known.evidence.load_balancer
    assert not isinstance(balancer, Missing)
    ours = alarm("own", namespace="AWS/ApplicationELB", resource=balancer.arn.split(":loadbalancer/")[1])
    machine = alarm("cpu", namespace="AWS/EC2", resource=known.targets[0].id)
    assert not elsewhere(facts(alarms_in_alarm=(ours, machine))).alarms


def test_a_canary_that_fails_at_the_same_time_is_found() -> None:
    failing = alarm("login", namespace="CloudWatchSynthetics")
    found = failed_canaries(
        facts(alarms_in_alarm=(failing, alarm("queue"), alarm("old", -90, "CloudWatchSynthetics")))
    )
    assert [each.name for each in found] == ["login"]
