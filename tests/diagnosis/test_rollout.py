"""A deployment seen from the onset. Indexes are minutes of the window; its start is index 0."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from diagnosis.evidence import (
    Deployment,
    DeploymentGroup,
    DeploymentTarget,
    Missing,
    Revision,
    Window,
)
from diagnosis.rollout import FLAT, Rollout, rollout, staircase
from diagnosis.shift import Span

WINDOW = Window(datetime(2026, 11, 20, 11, 47, tzinfo=UTC), 180)
ONE_AT_A_TIME = DeploymentGroup(
    "order-api", "production", ("orders",), deployment_config="CodeDeployDefault.OneAtATime"
)


def moment(index: float) -> datetime:
    return WINDOW.start + timedelta(minutes=index)


def deployment(
    begun: float = 160, ended: float | None = 172, revision: str = "2", **differences: Any
) -> Deployment:
    """Six targets one after the other between begun and ended (minute 160 to 172 of the window)."""
    step = 2.0 if ended is None else (ended - begun) / 6
    done = 3 if ended is None else 6
    told = Deployment(
        id="d-NEW",
        application="order-api",
        group_name="production",
        status="InProgress" if ended is None else "Succeeded",
        creator="user",
        platform="Server",
        created=moment(begun),
        started=moment(begun),
        completed=None if ended is None else moment(ended),
        revision=Revision("S3", revision, revision),
        total_targets=6,
        group=ONE_AT_A_TIME,
        targets=tuple(
            DeploymentTarget(f"i-{number}", "Succeeded", moment(begun + step * number))
            for number in range(1, done + 1)
        ),
    )
    return replace(told, **differences)


def placed(
    which: Deployment | None = None,
    others: tuple[Deployment, ...] = (),
    failing: tuple[str, ...] = ("orders",),
) -> Rollout:
    which = which or deployment()
    return rollout(which, (which, *others), WINDOW, frozenset(failing), frozenset({"api"}))


# --- Where it stood ---


@pytest.mark.parametrize(
    ("index", "covered"), [(158.9, False), (159, True), (160, True), (172, True), (174, True), (174.1, False)]
)
def test_a_roll_out_covers_from_a_minute_before_its_first_touch_to_two_after_its_end(
    index: float, covered: bool
) -> None:
    assert placed().covers(index) is covered


def test_a_roll_out_that_ecs_took_back_covers_nothing_once_it_has_ended() -> None:
    failed = deployment(targets=(), system="ecs", rolled_back_by="ECS", status="Failed")
    assert placed(failed).taken_back
    assert placed(failed).covers(172)
    assert not placed(failed).covers(173.1)


@pytest.mark.parametrize(
    "differences",
    [
        {"system": "ecs"},
        {"rolled_back_by": "d-BACK", "targets": ()},
        {"system": "ecs", "rolled_back_by": "ECS"},
    ],
    ids=["not rolled back", "by another deployment", "its tasks still run"],
)
def test_a_roll_out_of_which_something_may_serve_is_not_taken_back(differences: dict[str, Any]) -> None:
    assert not placed(deployment(**differences)).taken_back


def test_a_roll_out_that_is_being_taken_back_is_not_yet() -> None:
    going_back = deployment(ended=None, targets=(), system="ecs", rolled_back_by="ECS")
    assert not placed(going_back).taken_back


def test_a_running_roll_out_covers_everything_since_it_began() -> None:
    running = placed(deployment(ended=None))
    assert running.covers(1000)
    assert running.minutes_since_end(1000) == 0.0


@pytest.mark.parametrize(("index", "quiet"), [(165, 0.0), (172, 0.0), (177, 5.0)])
def test_quiet_minutes_are_counted_from_its_end(index: float, quiet: float) -> None:
    assert placed().minutes_since_end(index) == pytest.approx(quiet)


def test_a_deployment_created_before_it_started_begins_when_it_started() -> None:
    assert placed(deployment(created=moment(150))).begun == 160


def test_the_first_updated_target_counts_and_without_any_the_beginning() -> None:
    assert placed().first_updated == 162
    assert placed(deployment(targets=Missing("AccessDenied"))).first_updated == 160


# --- How far it had come ---


@pytest.mark.parametrize(
    ("index", "share"), [(160, 0), (161, 0), (162, 1 / 5), (165, 2 / 5), (171, 1), (172, 1)]
)
def test_the_updated_share_is_of_the_targets_that_serve_while_one_is_replaced(
    index: int, share: float
) -> None:
    assert placed().updated_share(index) == pytest.approx(share)


def test_half_at_a_time_the_updated_half_carries_everything() -> None:
    half = replace(ONE_AT_A_TIME, deployment_config="CodeDeployDefault.HalfAtATime")
    told = placed(deployment(group=half))
    assert [told.updated_share(index) for index in (161, 163, 166)] == [0, pytest.approx(1 / 3), 1]


@pytest.mark.parametrize(("index", "share"), [(158, 0), (160, 1 / 6), (162, 2 / 6), (170, 1), (179, 1)])
def test_the_touched_share_has_those_in_flight_besides(index: int, share: float) -> None:
    assert placed().touched_share(index) == pytest.approx(share)


def test_without_the_targets_times_half_of_them_are_taken_as_updated_until_the_end() -> None:
    unread = placed(deployment(targets=Missing("AccessDenied")))
    assert [unread.updated_share(index) for index in (165, 172)] == [0.5, 1.0]


@pytest.mark.parametrize(("succeeded", "share"), [(None, 1 / 6), (2, 3 / 6), (6, 1)])
def test_without_the_targets_times_what_is_done_by_now_bounds_what_was_touched(
    succeeded: int | None, share: float
) -> None:
    running = deployment(ended=None, targets=Missing("AccessDenied"), succeeded_targets=succeeded)
    assert placed(running).touched_share(179) == pytest.approx(share)


def test_of_a_running_roll_out_the_targets_still_to_come_count_too() -> None:
    assert placed(deployment(ended=None)).updated_share(179) == pytest.approx(3 / 5)


@pytest.mark.parametrize(
    ("config", "style", "in_flight"),
    [
        ("CodeDeployDefault.OneAtATime", "IN_PLACE", 1),
        ("CodeDeployDefault.HalfAtATime", "IN_PLACE", 3),
        ("CodeDeployDefault.AllAtOnce", "IN_PLACE", 6),
        ("CodeDeployDefault.OneAtATime", "BLUE_GREEN", 6),
        ("a-configuration-of-our-own", "IN_PLACE", 1),
        (None, "IN_PLACE", 1),
    ],
)
def test_the_deployment_configuration_says_how_many_are_in_flight(
    config: str | None, style: str, in_flight: int
) -> None:
    group = replace(ONE_AT_A_TIME, deployment_config=config)
    assert placed(deployment(group=group, style=style)).in_flight == in_flight


def test_half_of_an_odd_number_in_flight_is_rounded_up() -> None:
    half = replace(ONE_AT_A_TIME, deployment_config="CodeDeployDefault.HalfAtATime")
    assert placed(deployment(group=half, total_targets=7)).in_flight == 4


def test_one_target_at_a_time_is_taken_when_the_group_could_not_be_read() -> None:
    assert placed(deployment(group=Missing("AccessDenied"))).in_flight == 1


# --- Whom it serves, and with what ---


@pytest.mark.parametrize(
    ("groups", "failing", "serves_failing", "serves_clean"),
    [
        (("orders",), ("orders",), True, False),
        (("api",), ("orders",), False, True),
        (("orders", "api"), ("orders",), True, False),
        (("elsewhere",), ("orders",), False, False),
    ],
)
def test_a_roll_out_serves_the_failing_group_a_clean_one_or_neither(
    groups: tuple[str, ...], failing: tuple[str, ...], serves_failing: bool, serves_clean: bool
) -> None:
    told = placed(deployment(group=replace(ONE_AT_A_TIME, target_groups=groups)), failing=failing)
    assert (told.serves_failing, told.serves_clean) == (serves_failing, serves_clean)


def test_whom_it_serves_is_unknown_when_its_group_could_not_be_read() -> None:
    told = placed(deployment(group=Missing("AccessDenied")))
    assert (told.serves_failing, told.serves_clean) == (None, None)


def before(revision: str, **differences: Any) -> Deployment:
    return deployment(begun=20, ended=30, revision=revision, **{"id": "d-OLD", **differences})


def test_the_revision_that_was_there_before_is_no_other_version() -> None:
    told = placed(deployment(revision="2"), (before("2"),))
    assert (told.same_revision, told.changes_version) == (True, False)


@pytest.mark.parametrize(
    "earlier",
    [
        (before("1"),),
        (before("2", status="Failed"),),
        (before("2", group_name="staging"),),
        (before("2", application="billing"),),
        (before("1"), before("2", id="d-OLDER", created=moment(5))),
        (),
    ],
)
def test_only_the_last_success_of_the_same_group_tells_what_was_there_before(
    earlier: tuple[Deployment, ...],
) -> None:
    assert not placed(deployment(revision="2"), earlier).same_revision


def test_a_deployment_without_a_known_revision_is_not_taken_for_the_same() -> None:
    unknown, earlier = replace(deployment(), revision=None), replace(before("2"), revision=None)
    assert not placed(unknown, (earlier,)).same_revision


@pytest.mark.parametrize(
    ("creator", "changes"),
    [
        ("user", True),
        ("codeDeployRollback", True),
        ("autoscaling", False),
        ("autoscalingTermination", False),
        ("CodeDeployAutoUpdate", False),
    ],
)
def test_a_deployment_made_by_auto_scaling_brings_no_other_version(creator: str, changes: bool) -> None:
    assert placed(deployment(creator=creator)).changes_version is changes


# --- Staircase ---

REQUESTS = (4000.0,) * 180


def errors(shares: dict[int, float]) -> tuple[float, ...]:
    """Errors as a share of 4,000 requests, each from that minute on."""
    told, share = [], 0.0
    for index in range(180):
        share = shares.get(index, share)
        told.append(4000 * share)
    return tuple(told)


def test_errors_that_grow_with_every_updated_target_make_a_staircase() -> None:
    steps = {160 + 2 * number: number / 6 for number in range(1, 7)}
    found = staircase(placed(), errors(steps), REQUESTS, Span(42, 162, 180), 1.0)
    assert (found.visible, found.too_early) == (True, False)
    assert found.gain > 100


def test_errors_that_stepped_once_speak_against_the_staircase() -> None:
    found = staircase(placed(), errors({163: 0.15}), REQUESTS, Span(43, 163, 180), 1.0)
    assert found.gain < -100


def test_noise_takes_weight_from_the_gain() -> None:
    steps = {160 + 2 * number: number / 6 for number in range(1, 7)}
    calm, noisy = (
        staircase(placed(), errors(steps), REQUESTS, Span(42, 162, 180), noise) for noise in (1.0, 10.0)
    )
    assert noisy.gain == pytest.approx(calm.gain / 10)


def test_more_failures_than_the_touched_targets_can_answer_come_too_early() -> None:
    found = staircase(placed(), errors({163: 0.9}), REQUESTS, Span(43, 163, 180), 1.0)
    assert found.too_early


def test_failures_as_many_as_those_in_flight_can_answer_are_not_too_early() -> None:
    found = staircase(placed(), errors({163: 0.3}), REQUESTS, Span(43, 163, 180), 1.0)
    assert not found.too_early


def test_a_roll_out_to_all_at_once_shows_no_steps() -> None:
    at_once = deployment(begun=160, ended=161)
    found = staircase(placed(at_once), errors({161: 0.5}), REQUESTS, Span(41, 161, 180), 1.0)
    assert not found.visible


def test_without_the_targets_times_there_is_no_staircase() -> None:
    unread = placed(deployment(targets=Missing("AccessDenied")))
    assert staircase(unread, errors({163: 0.5}), REQUESTS, Span(43, 163, 180), 1.0) == FLAT


def test_two_minutes_are_too_few_for_a_staircase() -> None:
    late = deployment(begun=177, ended=183)
    assert staircase(placed(late), errors({178: 0.5}), REQUESTS, Span(58, 178, 180), 1.0) == FLAT
