"""The lab's ECS: true to botocore's shapes, to the clock, and strict with what a scenario says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import botocore.session
import pytest

from lab import Scenario, ScenarioError
from lab.clock import Clock
from lab.shapes import problems
from lab.systems import Stage
from lab.systems.containers import Staged, series

SERVICES: dict[str, Any] = {
    "orders": {
        "desired": "4, -8: 6",
        "circuit_breaker": "rollback",
        "capacity_providers": ["FARGATE_SPOT"],
        "secrets": ["/orders/flag"],
        "deployments": [
            {
                "id": "new",
                "task_definition": "orders:2",
                "created": "-10",
                "finished": "2",
                "status": "ROLLBACK_SUCCESSFUL",
                "rollback_started": "-3",
                "rollback_reason": "circuit breaker",
            },
            {"id": "old", "task_definition": "orders:1", "created": "-900", "finished": "-890"},
            {"id": "to come", "task_definition": "orders:3", "created": "5", "finished": None},
        ],
        "tasks": [{"count": 2, "started": "-895"}],
        "stopped": [{"at": [-70, -5], "lived": 3, "exit_code": 1}, {"at": 4, "code": "SpotInterruption"}],
        "events": [{"at": "-5", "message": "(service orders) has stopped 1 running tasks."}],
        "cpu": "40, -8: 90",
    },
    "search": {"controller": "CODE_DEPLOY", "cluster": "other", "target_group": ["search", "orders"]},
}
_MODEL = botocore.session.get_session().get_service_model("ecs")

Ask = Callable[..., Mapping[str, Any]]


@pytest.fixture
def staged(incident: Callable[..., Scenario]) -> Scenario:
    return incident(services=SERVICES)


@pytest.fixture
def ask(staged: Scenario) -> Ask:
    answers = Staged(Stage(staged, _Standing(staged.at)), staged.systems["services"]).operations()["ecs"]

    def asked(operation: str, **parameters: Any) -> Mapping[str, Any]:
        answer = answers[operation](parameters)
        assert not list(problems(_MODEL.operation_model(operation), answer))
        return answer

    return asked


class _Standing(Clock):
    def now(self) -> Any:
        return self._start


def _service(ask: Ask, name: str = "orders", cluster: str = "production") -> Mapping[str, Any]:
    found: Mapping[str, Any] = ask("DescribeServices", cluster=cluster, services=[name])["services"][0]
    return found


def _deployments(ask: Ask) -> list[Mapping[str, Any]]:
    listed = ask("ListServiceDeployments", service="orders", cluster="production")["serviceDeployments"]
    arns = [each["serviceDeploymentArn"] for each in listed]
    found: list[Mapping[str, Any]] = ask("DescribeServiceDeployments", serviceDeploymentArns=arns)[
        "serviceDeployments"
    ]
    return found


def test_services_lie_in_their_clusters(ask: Ask) -> None:
    clusters = ask("ListClusters")["clusterArns"]
    assert [each.rsplit("/", 1)[1] for each in clusters] == ["production", "other"]
    assert len(ask("ListServices", cluster=clusters[0])["serviceArns"]) == 1
    assert ask("DescribeServices", cluster="other", services=["orders"])["failures"][0]["reason"] == "MISSING"


def test_the_wanted_count_is_that_of_the_minute(ask: Ask) -> None:
    assert (_service(ask)["desiredCount"], _service(ask)["runningCount"]) == (6, 6)


def test_under_codedeploy_task_sets_name_the_target_groups(ask: Ask) -> None:
    sets = _service(ask, "search", "other")["taskSets"]
    names = [each["loadBalancers"][0]["targetGroupArn"].split("/")[1] for each in sets]
    assert names == ["search", "orders"]


def test_a_deployment_that_ends_later_is_still_in_progress(ask: Ask) -> None:
    new, old = _deployments(ask)
    assert (new["status"], old["status"]) == ("IN_PROGRESS", "SUCCESSFUL")
    assert "finishedAt" not in new
    assert new["rollback"]["reason"] == "circuit breaker"
    assert new["deploymentCircuitBreaker"]["status"] == "TRIGGERED"
    assert new["sourceServiceRevisions"][0]["arn"] == old["targetServiceRevision"]["arn"]


def test_one_definition_has_one_image_unless_told_otherwise(ask: Ask) -> None:
    arns = [each["targetServiceRevision"]["arn"] for each in _deployments(ask)]
    revisions = ask("DescribeServiceRevisions", serviceRevisionArns=arns)["serviceRevisions"]
    assert {each["taskDefinition"].rsplit("/", 1)[1] for each in revisions} == {"orders:1", "orders:2"}
    assert len({each["containerImages"][0]["imageDigest"] for each in revisions}) == 2


def test_stopped_tasks_are_shown_for_an_hour_and_not_before_they_stop(ask: Ask) -> None:
    arns = ask("ListTasks", cluster="production", serviceName="orders", desiredStatus="STOPPED")["taskArns"]
    (task,) = ask("DescribeTasks", cluster="production", tasks=arns)["tasks"]
    assert task["containers"][0]["exitCode"] == 1
    assert task["stopCode"] == "EssentialContainerExited"
    assert len(ask("ListTasks", cluster="production", serviceName="orders")["taskArns"]) == 2


def test_a_definition_tells_secrets_by_name(ask: Ask) -> None:
    told = ask("DescribeTaskDefinition", taskDefinition="orders:2")["taskDefinition"]
    assert told["containerDefinitions"][0]["secrets"][0]["valueFrom"] == "/orders/flag"
    assert told["revision"] == 2


def test_figures_are_published_for_the_service_alone(staged: Scenario) -> None:
    data, named = staged.systems["services"], {"ClusterName": "production", "ServiceName": "orders"}
    found = series(staged, data, "AWS/ECS", "CPUUtilization", named, None)
    assert found
    assert (found[-20].total, found[-8].total) == (40.0, 90.0)
    assert series(staged, data, "AWS/ECS", "CPUUtilization", {"ClusterName": "production"}, None) == {}
    assert series(staged, data, "AWS/EC2", "CPUUtilization", named, None) is None


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"colour": "blue"}, "services.orders.colour: is not a key here"),
        ({"controller": "ME"}, "services.orders.controller: 'ME' is not one of ECS"),
        ({"deployments": [{"id": "x", "created": "-1", "status": "SUCCESSFUL"}]}, "contradict each other"),
        ({"stopped": [{"at": "soon"}]}, "at: expected a minute, or a list of them"),
        ({"stopped": [{"at": -1, "code": "Bored"}]}, "code: 'Bored' is not one of TaskFailedToStart"),
    ],
)
def test_a_mistake_in_a_service_is_refused(
    incident: Callable[..., Scenario], given: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ScenarioError, match=complaint):
        incident(services={"orders": given})
