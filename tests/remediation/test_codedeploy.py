"""The hand: it acts once, only while everything is still as it was decided, and says what it did."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from remediation.codedeploy import ATTEMPT_LASTS, Hand
from remediation.incidents import Incidents
from remediation.ledger import Ledger
from remediation.records import ActionStatus, RollbackAction
from remediation.refusals import UncertainError
from remediation.table import Table
from tests.remediation.fakes import (
    NOW,
    FakeCloudWatch,
    FakeCodeDeploy,
    FakeParameters,
    info,
    refusal,
    revision,
)


@dataclass
class World:
    """The hand and all that it touches."""

    codedeploy: FakeCodeDeploy
    cloudwatch: FakeCloudWatch
    parameters: FakeParameters
    ledger: Ledger
    plan: RollbackAction

    def roll_back(
        self, at: datetime = NOW, attempt: str = "attempt-1", deployment: str = "d-NEW240XYZ"
    ) -> Any:
        return self.hand.roll_back(self.plan.incident_id, deployment, attempt, at)

    def give_up(self, at: datetime = NOW, attempt: str = "attempt-1") -> Any:
        return self.hand.give_up(self.plan.incident_id, "d-NEW240XYZ", attempt, "ThrottlingException", at)

    @property
    def hand(self) -> Hand:
        return Hand(
            self.codedeploy,  # type: ignore[arg-type]
            self.cloudwatch,  # type: ignore[arg-type]
            self.parameters,  # type: ignore[arg-type]
            self.ledger,
            "/gateway-triage/rollback-enabled",
        )

    @property
    def suspect(self) -> dict[str, Any]:
        return self.codedeploy.deployments["d-NEW240XYZ"]

    @property
    def action(self) -> RollbackAction:
        action = self.ledger.action(self.plan.incident_id)
        assert action is not None
        return action

    @property
    def acted(self) -> int:
        return len(self.codedeploy.orders) + len(self.codedeploy.stops)


@pytest.fixture
def world(table: Table, plan: RollbackAction) -> World:
    incidents = Incidents(table)
    incidents.open(plan.load_balancer, "elb-5xx", plan.incident_id, NOW)
    incidents.record(plan.incident_id, {}, plan)
    deployments = {
        "d-NEW240XYZ": info("d-NEW240XYZ", -11, "order-api-v2.4.0.zip"),
        "d-OLD231XYZ": info("d-OLD231XYZ", -2890, "order-api-v2.3.1.zip"),
    }
    return World(
        FakeCodeDeploy(deployments),
        FakeCloudWatch([0, 0, 0, 369, 369, 370]),
        FakeParameters("true"),
        Ledger(table),
        plan,
    )


def test_a_finished_deployment_is_answered_with_the_revision_before_it(world: World) -> None:
    outcome = world.roll_back()
    assert (outcome.status, outcome.rollback_deployment_id) == ("started", "d-MADE")
    assert world.codedeploy.orders == [
        {
            "applicationName": "order-api",
            "deploymentGroupName": "production",
            "revision": revision("order-api-v2.3.1.zip"),
            "description": (
                "Gateway Triage rollback of d-NEW240XYZ, incident order-api-20261120T1447-1a2b3c"
            ),
            "ignoreApplicationStopFailures": True,
            "fileExistsBehavior": "OVERWRITE",
            "overrideAlarmConfiguration": {"enabled": False},
            "autoRollbackConfiguration": {"enabled": False},
        }
    ]
    assert (world.action.status, world.action.rollback_deployment_id) == (ActionStatus.STARTED, "d-MADE")
    assert [each.rollback_deployment_id for each in world.ledger.rollbacks(NOW)] == ["d-MADE"]


def test_a_running_deployment_is_stopped_with_automatic_rollback(world: World) -> None:
    world.suspect["status"] = "InProgress"
    outcome = world.roll_back()
    assert (outcome.status, outcome.rollback_deployment_id) == ("started", None)
    assert world.codedeploy.stops == [{"deploymentId": "d-NEW240XYZ", "autoRollbackEnabled": True}]
    assert world.codedeploy.orders == []


def test_a_deployment_that_ends_while_it_is_stopped_is_answered_as_a_finished_one(world: World) -> None:
    world.suspect["status"] = "InProgress"
    world.codedeploy.errors["StopDeployment"] = refusal(
        "StopDeployment", "DeploymentAlreadyCompletedException"
    )
    world.codedeploy.on_stop = lambda: world.suspect.update(status="Succeeded")
    outcome = world.roll_back()
    assert (outcome.status, outcome.rollback_deployment_id) == ("started", "d-MADE")
    assert world.acted == 1


def test_the_same_message_twice_acts_once(world: World) -> None:
    world.roll_back()
    assert world.roll_back(attempt="attempt-2").status == "nothing"
    assert world.acted == 1


def test_what_was_vetoed_is_not_done(world: World) -> None:
    world.ledger.veto(world.plan.incident_id, "ada", NOW)
    outcome = world.roll_back()
    assert (outcome.status, outcome.detail) == ("vetoed", "It was vetoed by ada.")
    assert world.acted == 0


def test_a_veto_between_the_check_and_the_act_wins(world: World) -> None:
    get = world.cloudwatch.get_metric_data

    def vetoed_meanwhile(**request: Any) -> dict[str, Any]:
        world.ledger.veto(world.plan.incident_id, "ada", NOW)
        return get(**request)

    world.cloudwatch.get_metric_data = vetoed_meanwhile  # type: ignore[method-assign]
    assert world.roll_back().status == "vetoed"
    assert world.acted == 0


def test_a_message_about_another_deployment_is_refused(world: World) -> None:
    assert world.roll_back(deployment="d-OTHER").status == "refused"
    assert (world.acted, world.action.status) == (0, ActionStatus.PLANNED)


def later(name: str = "d-LATER", **more: Any) -> Callable[[World], object]:
    return lambda world: world.codedeploy.deployments.update({name: info(name, -1, "v3", **more)})


def suspect(**more: Any) -> Callable[[World], object]:
    return lambda world: world.suspect.update(more)


def good(**more: Any) -> Callable[[World], object]:
    return lambda world: world.codedeploy.deployments["d-OLD231XYZ"].update(more)


def errors(*minutes: float | None) -> Callable[[World], object]:
    return lambda world: setattr(world.cloudwatch, "errors", list(minutes))


def failing(operation: str, error: Exception) -> Callable[[World], object]:
    return lambda world: world.codedeploy.errors.update({operation: error})


DENIED = refusal("X", "AccessDeniedException")
OBJECTIONS: dict[str, tuple[str, Callable[[World], object]]] = {
    "the kill switch is thrown": (
        "kill switch stops",
        lambda world: setattr(world.parameters, "value", "false"),
    ),
    "the kill switch says something else": (
        "kill switch",
        lambda world: setattr(world.parameters, "value", "TRUE"),
    ),
    "the kill switch is gone": ("could not be read", lambda world: setattr(world.parameters, "value", None)),
    "the errors are over": ("do not go on", errors(369, 369, 369, 0, 0, 0)),
    "the newest minute is clean": ("do not go on", errors(369, 369, 369, 370, 369, 0)),
    "the errors are back to what they were": ("do not go on", errors(369, 369, 369, 4, 4, 5)),
    "no minute was published": ("do not go on", errors(None, None)),
    "the metrics cannot be read": (
        "could not be read once more",
        lambda world: setattr(world.cloudwatch, "error", DENIED),
    ),
    "the deployments cannot be read": ("could not be read once more", failing("BatchGetDeployments", DENIED)),
    "the list cannot be read": ("could not be read once more", failing("ListDeployments", DENIED)),
    "the tags cannot be read": ("could not be read once more", failing("ListTagsForResource", DENIED)),
    "the group cannot be read": ("could not be read once more", failing("GetDeploymentGroup", DENIED)),
    "the deployment is gone": (
        "does not know",
        lambda world: world.codedeploy.deployments.pop("d-NEW240XYZ"),
    ),
    "the revision to go back to is gone": (
        "does not know",
        lambda world: world.codedeploy.deployments.pop("d-OLD231XYZ"),
    ),
    "somebody deployed since": ("came in between", later()),
    "a deployment was begun since": ("came in between", later(status="Created")),
    "an instance is being scaled out": ("came in between", later(creator="autoscaling", status="InProgress")),
    "CodeDeploy rolled it back itself": (
        "back already",
        suspect(rollbackInfo={"rollbackDeploymentId": "d-AUTO"}),
    ),
    "it is a rollback": ("itself a rollback", suspect(creator="codeDeployRollback")),
    "it is on another platform": ("cannot be rolled back", suspect(computePlatform="ECS")),
    "its instances are provided by hand": (
        "provides by hand",
        lambda world: (
            world.suspect.update(deploymentStyle={"deploymentType": "BLUE_GREEN"}),
            world.codedeploy.group.update(
                blueGreenDeploymentConfiguration={
                    "greenFleetProvisioningOption": {"action": "DISCOVER_EXISTING"}
                }
            ),
        ),
    ),
    "it was opted out": (
        "no-rollback",
        lambda world: world.codedeploy.tags.update({"gateway-triage:no-rollback": "x"}),
    ),
    "its application was opted out": (
        "no-rollback",
        lambda world: world.codedeploy.application_tags.update({"gateway-triage:no-rollback": ""}),
    ),
    "its description opts out": ("forbids", suspect(description="gateway-triage:no-rollback, schema change")),
    "the opt-in was taken back": ("not tagged", lambda world: world.codedeploy.tags.clear()),
    "it belongs to another group": ("does not belong", suspect(deploymentGroupName="other")),
    "the earlier one did not succeed": ("no earlier success", good(status="Failed")),
    "the earlier one was rolled back": (
        "itself rolled back",
        good(rollbackInfo={"rollbackDeploymentId": "d-1"}),
    ),
    "both installed the same": ("same revision", good(revision=revision("order-api-v2.4.0.zip"))),
    "the same object may hold either": (
        "same revision",
        good(revision=revision("order-api-v2.4.0.zip", version="7")),
    ),
}


@pytest.mark.parametrize("title", OBJECTIONS)
def test_nothing_is_done_when(world: World, title: str) -> None:
    said, change = OBJECTIONS[title]
    change(world)
    outcome = world.roll_back()
    assert outcome.status == "refused"
    assert said in outcome.detail
    assert (world.acted, world.action.status) == (0, ActionStatus.REFUSED)


def test_scaling_that_has_ended_does_not_stand_in_the_way(world: World) -> None:
    later(creator="autoscaling")(world)
    assert world.roll_back().status == "started"


def test_versions_of_one_object_can_be_told_apart(world: World) -> None:
    good(revision=revision("order-api.zip", version="1"))(world)
    suspect(revision=revision("order-api.zip", version="2"))(world)
    assert world.roll_back().status == "started"


def test_without_opt_in_needed_a_person_has_decided(world: World, table: Table, plan: RollbackAction) -> None:
    world.plan = replace(plan, incident_id="approved", status=ActionStatus.APPROVED, opt_in_needed=False)
    incidents = Incidents(table)
    incidents.open("app/x/1", "x", "approved", NOW)
    incidents.record("approved", {}, world.plan)
    world.codedeploy.tags.clear()
    assert world.roll_back().status == "started"


def test_a_revision_rolled_back_from_in_another_incident_is_left_alone(
    world: World, table: Table, plan: RollbackAction
) -> None:
    other = replace(plan, incident_id="earlier")
    incidents = Incidents(table)
    incidents.open("app/x/1", "x", "earlier", NOW)
    incidents.record("earlier", {}, other)
    assert world.ledger.begin(other, "earlier", NOW)
    outcome = world.roll_back()
    assert (outcome.status, outcome.detail) == ("refused", "This revision was rolled back from before.")
    assert world.acted == 0


@pytest.mark.parametrize(
    "code", ["DeploymentLimitExceededException", "RevisionDoesNotExistException", "AccessDenied"]
)
def test_a_refusal_by_codedeploy_is_said_and_frees_the_revision(world: World, code: str) -> None:
    world.codedeploy.errors["CreateDeployment"] = refusal("CreateDeployment", code)
    outcome = world.roll_back()
    assert (outcome.status, outcome.detail) == ("not_made", f"CodeDeploy refused: CreateDeployment: {code}.")
    assert world.action.status == ActionStatus.REFUSED


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://codedeploy"),
        refusal("CreateDeployment", "InternalFailure", 500),
        refusal("CreateDeployment", "DeploymentLimitExceededException"),
    ],
)
def test_an_answer_that_was_lost_after_the_act_is_found_by_the_description(
    world: World, error: Exception
) -> None:
    world.codedeploy.errors["CreateDeployment"] = error
    world.codedeploy.acts_anyway = True
    outcome = world.roll_back()
    assert (outcome.status, outcome.rollback_deployment_id) == ("started", "d-MADE")
    assert world.acted == 1


def test_a_crash_between_ledger_and_act_is_made_good_by_the_next_delivery(world: World) -> None:
    begun = world.ledger.begin(world.plan, "attempt-1", NOW)
    assert begun is not None
    with pytest.raises(UncertainError):
        world.roll_back(NOW + timedelta(seconds=30), "attempt-2")
    assert world.acted == 0
    assert world.roll_back(NOW + ATTEMPT_LASTS, "attempt-3").status == "started"
    assert world.acted == 1


def test_a_crash_between_act_and_ledger_does_not_act_again(world: World) -> None:
    begun = world.ledger.begin(world.plan, "attempt-1", NOW)
    assert begun is not None
    said = f"Gateway Triage rollback of d-NEW240XYZ, incident {world.plan.incident_id}"
    later("d-FIRST", description=said, status="InProgress")(world)
    outcome = world.roll_back(NOW + ATTEMPT_LASTS, "attempt-2")
    assert (outcome.status, outcome.rollback_deployment_id) == ("started", "d-FIRST")
    assert world.acted == 0


def test_an_uncertain_end_stays_open_until_it_is_known(world: World) -> None:
    world.codedeploy.errors["CreateDeployment"] = refusal("CreateDeployment", "ThrottlingException")
    with pytest.raises(UncertainError):
        world.roll_back()
    assert world.action.status == ActionStatus.ACTING
    world.codedeploy.errors.clear()
    assert world.roll_back(NOW + ATTEMPT_LASTS, "attempt-2").status == "started"
    assert world.acted == 1


@pytest.fixture
def throttled(world: World) -> World:
    """A rollback whose last attempt, attempt-1, ended with CodeDeploy throttling it."""
    world.codedeploy.errors["CreateDeployment"] = refusal("CreateDeployment", "ThrottlingException")
    with pytest.raises(UncertainError):
        world.roll_back()
    return world


def lock(world: World) -> dict[str, str]:
    return {"pk": "lock#order-api/production", "sk": f"revision#{world.plan.revision_id}"}


def test_what_was_never_made_is_given_up_and_the_revision_is_free_again(
    throttled: World, table: Table
) -> None:
    outcome = throttled.give_up()
    assert (outcome.status, outcome.detail) == ("not_made", "The last error: ThrottlingException.")
    assert throttled.action.status == ActionStatus.REFUSED
    assert table.get(lock(throttled)) is None
    assert throttled.give_up().status == "nothing"


def test_what_was_made_after_all_is_found_instead_of_given_up(throttled: World) -> None:
    said = f"Gateway Triage rollback of d-NEW240XYZ, incident {throttled.plan.incident_id}"
    later("d-FIRST", description=said, status="InProgress")(throttled)
    outcome = throttled.give_up()
    assert (outcome.status, outcome.rollback_deployment_id) == ("started", "d-FIRST")
    assert throttled.action.status == ActionStatus.STARTED


def test_what_cannot_be_found_out_is_said_and_never_tried_again(throttled: World, table: Table) -> None:
    failing("ListDeployments", DENIED)(throttled)
    outcome = throttled.give_up()
    assert outcome.status == "uncertain"
    assert "ThrottlingException" in outcome.detail
    assert "AccessDenied" in outcome.detail
    assert throttled.action.status == ActionStatus.REFUSED
    assert table.get(lock(throttled)) is not None


def test_an_attempt_that_is_still_at_it_is_not_given_up_by_another(throttled: World) -> None:
    with pytest.raises(UncertainError):
        throttled.give_up(NOW + timedelta(seconds=30), "another-message")
    assert throttled.action.status == ActionStatus.ACTING
    assert throttled.give_up(NOW + ATTEMPT_LASTS, "another-message").status == "not_made"


def test_what_a_person_stopped_is_not_given_up(world: World) -> None:
    world.ledger.veto(world.plan.incident_id, "ada", NOW, rejected=True)
    outcome = world.give_up()
    assert (outcome.status, outcome.detail) == ("rejected", "It was rejected by ada.")


def test_after_a_crash_it_is_checked_again(world: World) -> None:
    assert world.ledger.begin(world.plan, "attempt-1", NOW)
    world.parameters.value = "false"
    assert world.roll_back(NOW + ATTEMPT_LASTS, "attempt-2").status == "refused"
    assert world.acted == 0


def test_a_minute_that_is_not_published_yet_says_nothing(world: World) -> None:
    errors(0, 0, 369, 370, 369, None)(world)
    assert world.roll_back().status == "started"
