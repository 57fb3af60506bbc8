"""The readings together: order, deadline, and one that fails leaving the others alone."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoRegionError, ReadTimeoutError

from collectors import codedeploy, reading
from collectors.gather import PERMISSIONS, READINGS, READINGS_OF, Gathered, gather, read_all
from collectors.reading import NOT_LOOKED_UP, Reading, Scope
from diagnosis.evidence import Deployments, Evidence, Metrics, Missing, from_json, to_json
from tests.collectors.fake_aws import ANSWERS, BALANCER, NOW, ORDERS, SEARCH, FakeAws, error, scope

DEADLINE = 30.0


def _standing_clock() -> float:
    return 0.0


def _gather(aws: FakeAws) -> Gathered:
    return gather(scope(aws), deadline_seconds=DEADLINE, clock=_standing_clock)


def _reading(name: str, collect: Callable[[Scope, Mapping[str, object]], object], *needs: str) -> Reading:
    return Reading(name, "elbv2", needs, ("elasticloadbalancing:DescribeRules",), collect)


def test_everything_is_read_of_a_load_balancer_that_answers() -> None:
    gathered = _gather(FakeAws())

    evidence = gathered.evidence
    assert {reason for _, reason in evidence.missing()} <= {NOT_LOOKED_UP}
    assert evidence.now == NOW
    assert isinstance(evidence.metrics, Metrics)
    assert isinstance(evidence.deployments, Deployments)
    assert [each.id for each in evidence.deployments.found] == ["d-NEW", "d-OLD"]
    assert not gathered.unexpected
    assert set(gathered.seconds) == {each.name for each in READINGS_OF["alb"]}


def test_the_evidence_survives_being_stored() -> None:
    evidence = _gather(FakeAws()).evidence

    assert from_json(Evidence, to_json(evidence)) == evidence


def test_the_readings_cover_every_field_of_the_evidence() -> None:
    read = {each.name for readings in READINGS_OF.values() for each in readings}
    assert {*Evidence.__dataclass_fields__} - read == {"now", "kind"}


ERRORS: dict[str, Callable[[str], Exception]] = {
    "refused": lambda operation: error(operation, "AccessDeniedException"),
    "throttled": lambda operation: error(operation, "ThrottlingException"),
    "broken": lambda operation: error(operation, "InternalFailure", 500),
    "silent": lambda _: ReadTimeoutError(endpoint_url="https://secret.example"),
    "unreachable": lambda _: EndpointConnectionError(endpoint_url="https://secret.example"),
}


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("operation", sorted(ANSWERS))
def test_an_operation_that_fails_is_named_and_the_rest_is_read(operation: str, kind: str) -> None:
    gathered = _gather(FakeAws(**{operation: ERRORS[kind](operation)}))

    reasons = {reason for _, reason in gathered.evidence.missing()}
    if operation != "DescribeNetworkInterfaces":  # no target is an address here
        assert any(operation in reason or "Error" in reason for reason in reasons)
    assert not any("secret" in reason or "arn:" in reason for reason in reasons)
    assert not gathered.unexpected
    read = [
        name
        for name in Evidence.__dataclass_fields__
        if not isinstance(getattr(gathered.evidence, name), Missing)
    ]
    assert len(read) >= 8


@pytest.mark.parametrize("operation", sorted(ANSWERS))
def test_an_empty_answer_takes_nothing_down(operation: str) -> None:
    gathered = _gather(FakeAws(**{operation: {}}))

    assert not gathered.unexpected


def test_a_mistake_in_one_collector_costs_only_what_it_would_have_read() -> None:
    def mistaken(scope: Scope, read: Mapping[str, object]) -> object:
        raise ZeroDivisionError("secret")

    readings = (_reading("attributes", mistaken), _reading("listeners", lambda *_: ()))
    gathered = gather(scope(FakeAws()), deadline_seconds=DEADLINE, clock=_standing_clock, readings=readings)

    assert gathered.evidence.attributes == Missing("attributes: unexpected ZeroDivisionError")
    assert gathered.evidence.listeners == ()
    assert isinstance(gathered.unexpected["attributes"], ZeroDivisionError)


def test_what_needs_a_missing_answer_still_runs_and_sees_why() -> None:
    def refused(scope: Scope, read: Mapping[str, object]) -> object:
        raise error("DescribeRules", "AccessDenied")

    readings = (_reading("first", refused), _reading("second", lambda _, read: read["first"], "first"))
    outcomes = read_all(readings, scope(FakeAws()), DEADLINE, _standing_clock)

    assert outcomes["second"].value == Missing("elasticloadbalancing:DescribeRules: AccessDenied")


def test_what_is_not_answered_at_the_deadline_is_missing_with_all_that_needs_it() -> None:
    released, answered = threading.Event(), threading.Event()

    def slow(scope: Scope, read: Mapping[str, object]) -> object:
        released.wait()
        return "late"

    def quick(scope: Scope, read: Mapping[str, object]) -> object:
        answered.set()
        return "in time"

    def clock() -> float:
        # The deadline passes as soon as the quick one has answered.
        return 100.0 if answered.is_set() else 0.0

    readings = (
        _reading("quick", quick),
        _reading("slow", slow),
        _reading("after", lambda *_: "never asked", "slow"),
    )
    outcomes = read_all(readings, scope(FakeAws()), 5.0, clock)
    released.set()

    assert outcomes["slow"].value == Missing("not answered within 5 s")
    assert outcomes["after"].value == Missing("not answered within 5 s")
    assert outcomes["slow"].seconds is None


def test_a_reading_begins_as_soon_as_its_own_needs_are_there() -> None:
    followed = threading.Event()

    def patient(scope: Scope, read: Mapping[str, object]) -> object:
        # Answers only when a reading of the next level has begun, while this one still runs.
        return followed.wait(timeout=20)

    def following(scope: Scope, read: Mapping[str, object]) -> object:
        followed.set()
        return True

    readings = (
        _reading("patient", patient),
        _reading("first", lambda *_: True),
        _reading("following", following, "first"),
    )
    outcomes = read_all(readings, scope(FakeAws()), DEADLINE, _standing_clock)

    assert outcomes["patient"].value is True


def test_clients_are_made_once_each_in_the_thread_that_gathers() -> None:
    """Those of readings that seldom ask are made by who asks, one after the other, and once as well."""
    made: list[tuple[str, threading.Thread]] = []
    aws = FakeAws()

    def client(service: str) -> object:
        made.append((service, threading.current_thread()))
        return aws.client(service)

    asked = scope(aws)
    gather(
        replace(asked, clients=client),
        deadline_seconds=DEADLINE,
        clock=_standing_clock,
    )

    at_once = {each.service for each in READINGS_OF["alb"] if not each.on_demand}
    services = [service for service, _ in made]
    assert len(services) == len(set(services))
    assert at_once <= set(services)
    assert {thread for service, thread in made if service in at_once} == {threading.current_thread()}


def test_a_client_that_cannot_be_made_costs_only_its_own_readings() -> None:
    aws = FakeAws()

    def client(service: str) -> object:
        if service == "cloudtrail":
            raise NoRegionError
        return aws.client(service)

    asked = scope(aws)
    evidence = gather(
        replace(asked, clients=client),
        deadline_seconds=DEADLINE,
        clock=_standing_clock,
    ).evidence

    assert evidence.changes == Missing("cloudtrail: NoRegionError")
    assert isinstance(evidence.metrics, Metrics)


class _Depth:
    """Counts how many calls lie one behind the other, by doing in turn what else is done at once."""

    def __init__(self) -> None:
        self.now = 0

    def call(self) -> None:
        self.now += 1

    def ask_all(self, service: str, questions: Mapping[Any, Callable[[], Any]]) -> dict[Any, Any]:
        began, ends, answers = self.now, [self.now], {}
        for key, question in questions.items():
            self.now = began
            answers[key] = question()
            ends.append(self.now)
        self.now = max(ends)
        return answers


@pytest.fixture
def depth(monkeypatch: pytest.MonkeyPatch) -> _Depth:
    depth = _Depth()
    monkeypatch.setattr(reading, "ask_all", depth.ask_all)
    monkeypatch.setattr(codedeploy, "ask_all", depth.ask_all)
    return depth


def test_no_more_than_four_calls_lie_one_behind_the_other(depth: _Depth) -> None:
    aws = FakeAws()
    aws.on_call = depth.call
    values: dict[str, object] = {}
    ends: dict[str, int] = {}
    waiting = list(READINGS)
    while waiting:
        each = next(one for one in waiting if all(need in ends for need in one.needs))
        waiting.remove(each)
        depth.now = max((ends[need] for need in each.needs), default=0)
        values[each.name] = each.collect(scope(aws), values)
        ends[each.name] = depth.now

    assert max(ends.values()) == ends["deployments"] == 4
    assert ends["metrics"] == 2


def test_an_ordinary_diagnosis_takes_about_two_dozen_calls() -> None:
    aws = FakeAws()
    _gather(aws)

    assert len(aws.calls) <= 29


_PREFIXES = {"elbv2": "elasticloadbalancing"}


def test_every_call_is_covered_by_the_permissions_of_its_reading() -> None:
    values: dict[str, object] = {}
    waiting = list(READINGS)
    while waiting:
        each = next(one for one in waiting if all(need in values for need in one.needs))
        waiting.remove(each)
        aws = FakeAws()
        values[each.name] = each.collect(scope(aws), values)
        used = {f"{_PREFIXES.get(service, service)}:{operation}" for service, operation, _ in aws.calls}
        assert used <= set(each.permissions), each.name


def test_every_permission_of_a_load_balancers_own_readings_is_an_operation_that_is_used() -> None:
    aws = FakeAws()
    _gather(aws)

    used = {f"{_PREFIXES.get(service, service)}:{operation}" for service, operation, _ in aws.calls}
    declared = {each for reading in READINGS for each in reading.permissions}
    assert declared - used == {"ec2:DescribeNetworkInterfaces"}
    assert declared <= set(PERMISSIONS)


def test_with_nothing_but_the_alarm_its_own_target_group_is_read() -> None:
    aws = FakeAws(
        DescribeTargetGroups=error("DescribeTargetGroups", "AccessDenied"),
        DescribeListeners=error("DescribeListeners", "AccessDenied"),
        DescribeLoadBalancers=error("DescribeLoadBalancers", "AccessDenied"),
    )
    asked = scope(aws)
    evidence = gather(
        replace(asked, entry_point=replace(asked.entry_point, target_group=ORDERS)),
        deadline_seconds=DEADLINE,
        clock=_standing_clock,
    ).evidence

    assert isinstance(evidence.target_health, Mapping)
    assert set(evidence.target_health) == {ORDERS}
    assert isinstance(evidence.metrics, Metrics)
    keys = evidence.metrics.series
    assert {key.target_group for key in keys} == {None, ORDERS}
    assert {key.zone for key in keys} == {None}
    assert SEARCH not in str(keys)
    assert any(BALANCER in str(each) for each in aws.asked("GetMetricData"))


def test_a_reading_knows_how_long_anybody_waits_for_it() -> None:
    seen: list[float] = []

    def collect(scope: Scope, _: Mapping[str, object]) -> None:
        seen.append(scope.left())

    read_all((_reading("first", collect),), scope(FakeAws()), DEADLINE, _standing_clock)

    assert seen == [DEADLINE]
