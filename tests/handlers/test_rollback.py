"""RollbackFunction and FollowUpFunction: from the message in the queue to the word that it is over."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from diagnosis.commands import KILL_SWITCH_PARAMETER
from handlers import alarm, follow_up, rollback
from handlers.deliveries import MOST_DELIVERIES
from remediation.records import ActionStatus, RollbackAction
from remediation.refusals import reason
from remediation.table import Table, update
from tests.diagnosis.judged import NOW
from tests.handlers.conftest import Context, Stack, Unreachable
from tests.remediation.fakes import FakeCloudWatch, FakeCodeDeploy, FakeParameters, info, refusal

GROUP_ARN = "arn:aws:codedeploy:eu-west-1:123456789012:"


def delivered(message: dict[str, Any], count: int = 1, name: str = "m-1") -> dict[str, Any]:
    """The event in which Lambda gets a message."""
    attributes = {"ApproximateReceiveCount": str(count)}
    return {"Records": [{"messageId": name, "body": json.dumps(message), "attributes": attributes}]}


class Service:
    """The stack after a diagnosis that asked for a rollback, with its CodeDeploy and CloudWatch."""

    def __init__(self, stack: Stack, alarm_event: dict[str, Any]) -> None:
        self.stack = stack
        document = alarm.handle(alarm_event, Context(), stack.wiring, stack.deadline)
        assert document["incident_id"]
        self.incident_id: str = document["incident_id"]
        deployments = {"d-NEW": info("d-NEW", -11, "v2.4.0"), "d-OLD": info("d-OLD", -2890, "v2.3.1")}
        self.codedeploy = FakeCodeDeploy(deployments, account="123456789012")
        self.cloudwatch = FakeCloudWatch([0, 369, 369, 370])
        stack.fakes |= {"codedeploy": self.codedeploy, "cloudwatch": self.cloudwatch}
        stack.now = NOW + timedelta(minutes=1)

    def roll_back(self, count: int = 1) -> dict[str, Any]:
        [request] = self.stack.messages("rollback")
        return rollback.handle(delivered(request, count), self.stack.wiring, self.stack.deadline)

    def follow_up(self, minutes: float) -> dict[str, Any]:
        """The newest message of the queue, so many minutes after the alarm."""
        self.stack.now = NOW + timedelta(minutes=minutes)
        message = self.stack.follow_ups("watch_rollback")[-1]
        return follow_up.handle(delivered(message), self.stack.wiring, self.stack.deadline)

    @property
    def action(self) -> RollbackAction:
        action = self.stack.wiring.ledger().action(self.incident_id)
        assert action is not None
        return action

    @property
    def document(self) -> dict[str, Any]:
        incident = self.stack.wiring.incidents().get(self.incident_id)
        assert incident is not None
        return dict(incident.document or {})

    @property
    def told(self) -> list[str]:
        """What the messages after the first say of the rollback."""
        return [each["rollback"] for each in self.stack.told()[1:]]


@pytest.fixture
def service(stack: Stack, alarm_event: dict[str, Any]) -> Service:
    return Service(stack, alarm_event)


DONE: dict[str, Any] = {"batchItemFailures": []}
AGAIN: dict[str, Any] = {"batchItemFailures": [{"itemIdentifier": "m-1"}]}


def test_a_rollback_is_made_told_and_watched(service: Service) -> None:
    assert service.roll_back() == DONE
    assert len(service.codedeploy.orders) == 1
    assert service.told == ["started"]
    assert service.document["rollback"]["decision"] == "started"
    assert service.document["rollback"]["rollback_deployment_id"] == "d-MADE"
    [watch] = service.stack.follow_ups("watch_rollback")
    assert (watch["kind"], watch["incident_id"], watch["delay"]) == (
        "watch_rollback",
        service.incident_id,
        120,
    )


def test_a_message_delivered_twice_acts_and_tells_once(service: Service) -> None:
    service.roll_back()
    assert service.roll_back(count=2) == DONE
    assert len(service.codedeploy.orders) == 1
    assert service.told == ["started"]


def test_a_veto_is_told_by_the_rollback_function(service: Service) -> None:
    service.stack.wiring.ledger().veto(service.incident_id, "ada", NOW)
    assert service.roll_back() == DONE
    assert service.codedeploy.orders == []
    assert service.told == ["vetoed"]
    assert "ada" in service.stack.told()[1]["text"]


def test_a_refusal_at_the_last_check_is_told(service: Service) -> None:
    service.cloudwatch.errors = [369, 0, 0, 0]
    assert service.roll_back() == DONE
    assert service.told == ["refused"]
    assert "do not go on" in service.stack.told()[1]["text"]


def test_the_kill_switch_stops_what_was_requested(service: Service) -> None:
    service.stack.fakes["ssm"] = FakeParameters("false")
    service.roll_back()
    assert (service.codedeploy.orders, service.told) == ([], ["refused"])


def test_what_is_uncertain_comes_again(service: Service) -> None:
    service.codedeploy.errors["CreateDeployment"] = refusal("CreateDeployment", "ThrottlingException")
    assert service.roll_back() == AGAIN
    assert service.told == []
    service.codedeploy.errors.clear()
    service.stack.now += timedelta(minutes=6)
    assert service.roll_back(count=2) == DONE
    assert service.told == ["started"]


THROTTLED = refusal("CreateDeployment", "ThrottlingException")


def delivered_to_the_last(service: Service) -> dict[str, Any]:
    """What the last delivery answers; each comes when the message is visible again."""
    for count in range(1, MOST_DELIVERIES):
        assert service.roll_back(count) == AGAIN
        service.stack.now += timedelta(minutes=6)
    assert service.told == []
    return service.roll_back(MOST_DELIVERIES)


@pytest.mark.parametrize("error", [THROTTLED, EndpointConnectionError(endpoint_url="https://codedeploy")])
def test_what_could_not_be_made_to_the_last_is_said_with_the_command(
    service: Service, error: Exception
) -> None:
    service.codedeploy.errors["CreateDeployment"] = error
    assert delivered_to_the_last(service) == DONE
    assert service.told == ["refused"]
    assert (service.action.status, service.document["rollback"]["decision"]) == ("refused", "refused")
    told = service.stack.told()[-1]
    assert told["subject"] == "order-api: the rollback could not be made"
    assert reason(error) in told["text"]
    assert "aws deploy create-deployment" in told["text"]
    assert KILL_SWITCH_PARAMETER not in told["text"]
    assert service.roll_back(MOST_DELIVERIES + 1) == DONE
    assert service.told == ["refused"]


def test_a_stop_that_could_not_be_made_is_said_with_both_commands(service: Service) -> None:
    service.codedeploy.deployments["d-NEW"]["status"] = "InProgress"
    service.codedeploy.errors["StopDeployment"] = refusal("StopDeployment", "ThrottlingException")
    key = {"pk": f"incident#{service.incident_id}", "sk": "action#rollback"}
    Table(service.stack.wiring.client("dynamodb"), "triage").change(
        update(key, {"kind": "stop"}, "attribute_exists(pk)", {})
    )
    assert delivered_to_the_last(service) == DONE
    text = service.stack.told()[-1]["text"]
    assert "aws deploy stop-deployment" in text
    assert "aws deploy create-deployment" in text


def test_what_was_made_after_all_is_told_as_started_by_the_last_delivery(service: Service) -> None:
    service.codedeploy.errors["CreateDeployment"] = THROTTLED
    made = info("d-MADE", 1, "v2.3.1", description=f"Gateway Triage rollback, {service.incident_id}")
    seen = service.codedeploy.batch_get_deployments
    looks: list[None] = []

    def seen_late(**request: Any) -> dict[str, Any]:
        looks.append(None)
        if len(service.codedeploy.orders) == 0 and service.action.attempt.endswith("#3"):
            service.codedeploy.deployments["d-MADE"] = made
        return seen(**request)

    service.codedeploy.batch_get_deployments = seen_late  # type: ignore[method-assign]
    assert delivered_to_the_last(service) == DONE
    assert service.told == ["started"]
    assert service.action.rollback_deployment_id == "d-MADE"
    assert len(service.stack.follow_ups("watch_rollback")) == 1


def test_where_nobody_knows_whether_it_was_made_that_is_said(service: Service) -> None:
    service.codedeploy.errors["CreateDeployment"] = THROTTLED
    for count in (1, 2):
        service.roll_back(count)
        service.stack.now += timedelta(minutes=6)
    service.codedeploy.errors["ListDeployments"] = refusal("ListDeployments", "ThrottlingException")
    assert service.roll_back(MOST_DELIVERIES) == DONE
    told = service.stack.told()[-1]
    assert told["subject"] == "order-api: it is not known whether the rollback was made"
    assert "ListDeployments: ThrottlingException" in told["text"]
    assert (service.action.status, service.document["rollback"]["decision"]) == ("refused", "refused")


def test_when_nobody_can_be_told_in_the_end_the_message_is_kept(service: Service) -> None:
    service.codedeploy.errors["CreateDeployment"] = THROTTLED
    service.stack.fakes["sns"] = Unreachable(refusal("Publish", "AccessDenied"))
    assert delivered_to_the_last(service) == AGAIN
    assert service.action.status == ActionStatus.REFUSED


def test_a_last_delivery_without_the_ledger_is_kept(service: Service) -> None:
    service.stack.fakes["dynamodb"] = Unreachable(refusal("GetItem", "AccessDenied"))
    assert service.roll_back(MOST_DELIVERIES) == AGAIN


def test_a_watch_that_could_not_be_asked_for_is_asked_for_by_the_next_delivery(service: Service) -> None:
    service.stack.fakes["sqs"] = Unreachable(refusal("SendMessage", "AccessDenied"))
    [request] = service.stack.messages("rollback")
    assert rollback.handle(delivered(request), service.stack.wiring, service.stack.deadline) == AGAIN
    del service.stack.fakes["sqs"]
    assert service.roll_back(2) == DONE
    assert service.told == ["started"]
    assert len(service.stack.follow_ups("watch_rollback")) == 1


def test_a_second_message_about_the_same_rollback_starts_no_second_watch(service: Service) -> None:
    service.roll_back()
    service.roll_back(2)
    first, second = service.stack.follow_ups("watch_rollback")
    for number, message in enumerate((first, second)):
        follow_up.handle(delivered(message, name=f"w-{number}"), service.stack.wiring, service.stack.deadline)
    assert [each["attempt"] for each in service.stack.follow_ups("watch_rollback")] == [1, 1, 2]
    service.roll_back(3)
    assert len(service.stack.follow_ups("watch_rollback")) == 3


def test_a_veto_has_the_time_at_which_it_was_pressed(service: Service) -> None:
    service.stack.wiring.ledger().veto(service.incident_id, "ada", NOW - timedelta(minutes=7))
    service.roll_back()
    assert f"{NOW - timedelta(minutes=7):%H:%M} UTC" in service.stack.told()[1]["text"].splitlines()[2]


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"incident_id": 7}', "not json"])
def test_garbage_goes_to_the_dead_letters(stack: Stack, body: str) -> None:
    records = {"Records": [{"messageId": "m-1", "body": body}]}
    assert rollback.handle(records, stack.wiring, stack.deadline) == AGAIN
    assert follow_up.handle(records, stack.wiring, stack.deadline) == AGAIN


def finished(service: Service, status: str = "Succeeded", minutes: float = 4, **more: Any) -> None:
    service.codedeploy.deployments["d-MADE"].update(
        status=status, completeTime=NOW + timedelta(minutes=minutes), **more
    )


def test_a_service_that_recovers_is_reported_so(service: Service) -> None:
    service.roll_back()
    finished(service)
    service.cloudwatch.errors = [369, 0, 1, 0]
    assert service.follow_up(8) == DONE
    assert (service.action.status, service.told) == (ActionStatus.RECOVERED, ["started", "recovered"])
    assert service.document["rollback"]["decision"] == "recovered"
    assert len(service.stack.follow_ups("watch_rollback")) == 1


def test_a_rollback_that_did_not_help_is_said_plainly(service: Service) -> None:
    service.roll_back()
    finished(service)
    service.follow_up(8)
    assert service.told == ["started"]
    assert service.stack.follow_ups("watch_rollback")[-1]["attempt"] == 2
    service.follow_up(15)
    assert (service.action.status, service.told) == (ActionStatus.DID_NOT_HELP, ["started", "did_not_help"])


def test_a_rollback_deployment_that_fails_is_said_plainly(service: Service) -> None:
    service.roll_back()
    finished(service, "Failed", errorInformation={"code": "HEALTH_CONSTRAINTS"})
    service.follow_up(8)
    assert service.told == ["started", "did_not_help"]
    assert "HEALTH_CONSTRAINTS" in service.stack.told()[2]["text"]


def test_the_deployment_that_codedeploy_made_after_a_stop_is_found(service: Service) -> None:
    service.codedeploy.deployments["d-NEW"]["status"] = "InProgress"
    service.roll_back()
    assert service.action.rollback_deployment_id == ""
    service.follow_up(4)
    assert service.told == ["started"]
    service.codedeploy.deployments["d-NEW"]["rollbackInfo"] = {"rollbackDeploymentId": "d-AUTO"}
    ended = NOW + timedelta(minutes=5)
    service.codedeploy.deployments["d-AUTO"] = info("d-AUTO", 2, "v2.3.1", completeTime=ended)
    service.cloudwatch.errors = [0, 0, 0]
    service.follow_up(9)
    assert service.told == ["started", "recovered"]
    assert service.action.rollback_deployment_id == "d-AUTO"


def test_a_watch_ends_some_time_and_says_so(service: Service) -> None:
    service.roll_back()
    last = {**service.stack.follow_ups("watch_rollback")[-1], "attempt": follow_up.MOST_LOOKS}
    follow_up.handle(delivered(last), service.stack.wiring, service.stack.deadline)
    assert "watched no longer" in service.stack.told()[-1]["text"]
    assert len(service.stack.follow_ups("watch_rollback")) == 1


def test_a_watch_that_cannot_read_comes_again(service: Service) -> None:
    service.roll_back()
    service.cloudwatch.error = refusal("GetMetricData", "AccessDenied")
    assert service.follow_up(8) == AGAIN
    assert service.action.status == ActionStatus.STARTED
