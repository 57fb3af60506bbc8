"""ECS services around the onset: why tasks stopped, how full they are, and what ECS deployed by itself."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from diagnosis.evidence import (
    Change,
    Changes,
    Deployment,
    Evidence,
    MetricKey,
    Metrics,
    Missing,
    Window,
    from_json,
    to_json,
)
from diagnosis.facts.containers import ServiceFacts, derive_services
from diagnosis.facts.native_deployments import native_deployments
from diagnosis.facts.task_stops import Why, read_stop
from diagnosis.rollout import rollout
from diagnosis.shift import Span
from diagnosis.systems.containers import (
    Container,
    ContainerService,
    RunningTask,
    ServiceDeployment,
    ServiceEvent,
    StoppedContainer,
    StoppedTask,
    TaskDefinition,
)
from diagnosis.trigger import find_trigger
from tests.diagnosis.judged import ORDERS, evidence, minutes
from tests.diagnosis.sketches import facts_of, sketch

WINDOW = Window(minutes(-180), 180)
SPAN = Span(60, 170, 180)
"""The errors began ten minutes ago."""


def stopped(at: float = -5, lived: float | None = 20, **changed: Any) -> StoppedTask:
    exit_code, told = changed.pop("exit_code", None), changed.pop("told", None)
    made = StoppedTask(
        id=f"task{at}",
        at=minutes(at),
        code="EssentialContainerExited",
        reason="Essential container in task exited",
        started=None if lived is None else minutes(at - lived),
        task_definition="orders:42",
        containers=(StoppedContainer("web", exit_code, told),),
    )
    return replace(made, **changed)


def service(**changed: Any) -> ContainerService:
    made = ContainerService(
        arn="arn:aws:ecs:eu-west-1:111122223333:service/production/orders",
        name="orders",
        cluster="production",
        target_groups=(ORDERS,),
        desired=4,
        running=4,
        deployments=(),
        stopped_tasks=(),
        running_tasks=(),
        metrics=Metrics(WINDOW, {}),
    )
    return replace(made, **changed)


def facts(**changed: Any) -> ServiceFacts:
    (found,) = derive_services(seen(service(**changed)), SPAN)
    return found


def seen(*services: ContainerService, **changed: Any) -> Evidence:
    return evidence(metrics=Metrics(WINDOW, {}), services=services, **changed)


def deployment(name: str, created: float, finished: float | None, **changed: Any) -> ServiceDeployment:
    made = ServiceDeployment(
        id=name,
        status="IN_PROGRESS" if finished is None else "SUCCESSFUL",
        created=minutes(created),
        started=minutes(created),
        finished=None if finished is None else minutes(finished),
        task_definition="orders:42",
    )
    return replace(made, **changed)


def native(*deployments: ServiceDeployment, **changed: Any) -> list[Deployment]:
    return list(native_deployments(seen(service(deployments=deployments, **changed))))


# --- Why tasks stop ---


@pytest.mark.parametrize(
    ("task", "why"),
    [
        (stopped(told="OutOfMemoryError: Container killed due to memory usage", exit_code=137), Why.MEMORY),
        (stopped(exit_code=137), Why.MEMORY),
        (
            stopped(code="ServiceSchedulerInitiated", reason="Scaling activity initiated", exit_code=137),
            Why.SCHEDULER,
        ),
        (stopped(lived=None, code="TaskFailedToStart", reason="CannotPullContainerError: x"), Why.PULL),
        (
            stopped(lived=None, code="TaskFailedToStart", reason="ResourceInitializationError: no secret"),
            Why.START,
        ),
        (
            stopped(lived=None, code="TaskFailedToStart", reason="Capacity is unavailable at this time."),
            Why.NO_CAPACITY,
        ),
        (stopped(lived=None, code="TaskFailedToStart", reason="something new"), Why.START),
        (stopped(lived=0.3, exit_code=1), Why.EXIT_AT_START),
        (stopped(lived=60, exit_code=1), Why.EXIT),
        (
            stopped(lived=4, code="ServiceSchedulerInitiated", reason="Task failed ELB health checks in (x)"),
            Why.NEVER_HEALTHY,
        ),
        (
            stopped(
                lived=90, code="ServiceSchedulerInitiated", reason="Task failed ELB health checks in (x)"
            ),
            Why.UNHEALTHY,
        ),
        (stopped(code="SpotInterruption", reason="Your Spot Task was interrupted."), Why.SPOT),
        (stopped(code="InfrastructureHealth", reason="Host EC2 (instance i-1) terminated."), Why.MACHINE),
        (stopped(code="UserInitiated", reason="Task stopped by user"), Why.BY_HAND),
        (stopped(code=None, reason=""), Why.OTHER),
    ],
)
def test_a_stopped_task_says_why(task: StoppedTask, why: Why) -> None:
    assert read_stop(task).why is why


def test_the_container_s_words_come_before_the_task_s() -> None:
    found = read_stop(stopped(told="OutOfMemoryError: Container killed", exit_code=137))

    assert found.said == "OutOfMemoryError: Container killed Essential container in task exited"
    assert (found.exit_code, found.lived) == (137, timedelta(minutes=20))


# --- Around the onset ---


def test_stops_from_just_before_the_onset_count() -> None:
    found = facts(stopped_tasks=(stopped(-1), stopped(-14), stopped(-30)))

    assert [each.at for each in found.stops] == [minutes(-1), minutes(-14)]
    assert len(found.earlier) == 1


def test_stops_as_frequent_as_before_are_no_news() -> None:
    often = tuple(stopped(at, exit_code=137) for at in range(-58, 0, 4))

    assert facts(stopped_tasks=often).stopped(Why.MEMORY) == ()
    assert len(facts(stopped_tasks=often[-3:]).stopped(Why.MEMORY)) == 3


def test_stops_that_could_not_be_read_are_not_known() -> None:
    assert facts().stops_known
    assert not facts(stopped_tasks=Missing("denied")).stops_known


def test_only_events_around_the_onset_say_that_tasks_find_no_place() -> None:
    old = ServiceEvent(minutes(-40), "(service orders) was unable to place a task because ...")
    new = replace(old, at=minutes(-3))

    assert facts(events=(old,)).unplaced is None
    assert facts(events=(new, old)).unplaced == new


def test_usage_is_compared_with_the_time_before() -> None:
    series = {MetricKey("CPUUtilization", "Average"): (40.0,) * 168 + (97.0,) * 12}
    found = facts(metrics=Metrics(WINDOW, series))

    assert (found.processor.before, found.processor.peak, found.processor.now) == (40.0, 97.0, 97.0)
    assert found.memory.peak is None


def test_wanted_tasks_that_do_not_run_are_lacking() -> None:
    assert facts(desired=6, running=2).lacks == 4
    assert facts(desired=0, running=2).lacks == 0


def test_services_that_could_not_be_read_tell_nothing() -> None:
    assert derive_services(evidence(services=Missing("denied")), SPAN) == ()


# --- Deployments by ECS itself ---


def test_a_native_deployment_is_one_of_the_service_to_its_target_groups() -> None:
    (found,) = native(deployment("NCWG", -10, -3, wanted_tasks=4, running_tasks=4))

    assert (found.id, found.system, found.platform, found.status) == ("NCWG", "ecs", "ECS", "Succeeded")
    assert (found.application, found.group_name) == ("production", "orders")
    assert not isinstance(found.group, Missing)
    assert found.group.target_groups == ("orders",)
    assert found.revision is not None
    assert found.revision.label == "orders:42"


@pytest.mark.parametrize(
    ("status", "running"),
    [
        ("PENDING", True),
        ("ROLLBACK_IN_PROGRESS", True),
        ("SUCCESSFUL", False),
        ("ROLLBACK_SUCCESSFUL", False),
        ("STOPPED", False),
        ("SOMETHING_NEW", True),
    ],
)
def test_a_native_deployment_is_running_until_ecs_says_that_it_ended(status: str, running: bool) -> None:
    (found,) = native(deployment("NCWG", -10, None, status=status))

    assert found.running is running


def test_its_tasks_are_its_steps() -> None:
    tasks = (
        RunningTask("one", minutes(-8), "orders:42"),
        RunningTask("two", minutes(-6), "orders:42"),
        RunningTask("old", minutes(-900), "orders:41"),
        RunningTask("not yet", None, "orders:42"),
    )
    (found,) = native(deployment("NCWG", -10, None), running_tasks=tasks)

    assert not isinstance(found.targets, Missing)
    assert [each.completed for each in found.targets] == [minutes(-7.5), minutes(-5.5)]


def test_the_same_definition_with_the_same_image_is_the_same_revision() -> None:
    old = deployment("OLD", -900, -890, images={"web": "sha256:1"})
    new = deployment("NEW", -10, -3, images={"web": "sha256:1"})
    found = native(new, old)

    assert rollout(found[0], found, WINDOW, frozenset({"orders"}), frozenset()).same_revision


def test_a_tag_that_stands_for_another_image_by_now_is_another_revision() -> None:
    old = deployment("OLD", -900, -890, images={"web": "sha256:aaaa"})
    new = deployment("NEW", -10, -3, images={"web": "sha256:bbbb"})
    found = native(new, old)

    assert not rollout(found[0], found, WINDOW, frozenset({"orders"}), frozenset()).same_revision
    assert [each.revision.label for each in found if each.revision] == [
        "orders:42, image bbbb",
        "orders:42, image aaaa",
    ]


def test_images_that_are_not_known_of_all_tell_nothing_apart() -> None:
    found = native(deployment("NEW", -10, -3, images={"web": "sha256:1"}), deployment("OLD", -900, -890))

    assert found[0].revision == found[1].revision


def test_who_called_update_service_made_it() -> None:
    call = Change("e1", "UpdateService", "ecs.amazonaws.com", minutes(-10.2), "alice", ("orders",))
    other = replace(call, id="e2", by="bob", resources=("basket",))
    changes = Changes(minutes(-60), minutes(0), (other, call))
    services = (service(deployments=(deployment("NCWG", -10, -3),)),)

    (found,) = native_deployments(seen(*services, changes=changes))
    assert found.creator == "alice"
    (unknown,) = native_deployments(seen(*services, changes=Missing("denied")))
    assert unknown.creator == "user"


@pytest.mark.parametrize(
    ("least", "most", "takes_all", "in_flight"),
    [(100, 200, True, 4), (50, 100, False, 2), (75, 100, False, 1)],
)
def test_how_many_tasks_it_replaces_at_a_time(least: int, most: int, takes_all: bool, in_flight: int) -> None:
    made = deployment("NCWG", -10, -3, least_healthy_percent=least, most_percent=most, wanted_tasks=4)
    found = native(made)
    placed = rollout(found[0], found, WINDOW, frozenset({"orders"}), frozenset())

    assert (placed.takes_all, placed.in_flight) == (takes_all, in_flight)


def test_a_deployment_that_ecs_took_back_has_failed_and_is_rolled_back_already() -> None:
    made = deployment("NCWG", -10, -3, status="ROLLBACK_SUCCESSFUL", rollback_started=minutes(-6))
    (found,) = native(made)

    assert (found.status, found.rolled_back_by) == ("Failed", "ECS")
    assert facts(deployments=(made,)).rolled_back == "NCWG"


@pytest.mark.parametrize(("status", "innocent"), [("ROLLBACK_SUCCESSFUL", True), ("SUCCESSFUL", False)])
def test_what_begins_after_ecs_took_a_deployment_back_is_not_its_doing(status: str, innocent: bool) -> None:
    back = {"rollback_started": "-9", "rollback_reason": "circuit breaker"} if innocent else {}
    made = {
        "id": "NCWG",
        "task_definition": "orders:42",
        "created": "-15",
        "finished": "-6",
        "status": status,
    }
    incident = sketch(
        target_groups={"orders": {"target_type": "ip", "elb_502": "0, -3: 369"}},
        services={"orders": {"deployments": [{**made, **back}]}},
    )
    weighed = find_trigger(facts_of(incident), None)
    (found,) = (each for each in (weighed.chosen, *weighed.rivals) if each.id == "NCWG")
    assert any("rolled back by then" in each.statement for each in found.signals) is innocent


# --- Evidence ---


def test_a_service_survives_json() -> None:
    whole = service(
        deployments=(deployment("NCWG", -10, -3, images={"web": "sha256:1"}),),
        stopped_tasks=(stopped(exit_code=137),),
        running_tasks=Missing("denied"),
        events=(ServiceEvent(minutes(-1), "x"),),
        task_definition=TaskDefinition("arn", "orders:42", 512, 1024, (Container("web", "web:live"),)),
    )
    told = seen(whole)

    assert from_json(Evidence, to_json(told)) == told
    assert ("services[arn:aws:ecs:eu-west-1:111122223333:service/production/orders].running_tasks") in dict(
        told.missing()
    )


def test_a_service_is_named_by_what_it_is_passed_and_by_its_roles() -> None:
    secret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders/key-AbCdEf"
    container = Container("web", "web:live", secrets=(f"{secret}:key::", "/orders/flag"))
    definition = TaskDefinition("arn:definition", "orders:42", containers=(container,), roles=("arn:role",))
    names = set(service(task_definition=definition, security_groups=("sg-1",)).identifiers())

    assert {
        secret,
        "/orders/flag",
        "arn:role",
        "arn:definition",
        "sg-1",
        "service/production/orders",
    } <= names
