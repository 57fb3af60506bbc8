"""ECS services behind a load balancer: found by their target groups, then read in detail."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from collectors.containers import READINGS, collect_services
from collectors.containers_search import MOST_SERVICES, Found, collect_service_list
from diagnosis.evidence import (
    NOT_LOOKED_UP,
    Deployment,
    DeploymentGroup,
    Deployments,
    MetricKey,
    Missing,
    Target,
    TargetGroup,
)
from diagnosis.systems.containers import ContainerService, RunningTask, StoppedContainer
from tests.collectors.fake_aws import ELB_ARN, ORDERS, SEARCH, Answer, FakeAws, before, error, scope

ECS = "arn:aws:ecs:eu-west-1:111122223333:"
CLUSTER = f"{ECS}cluster/production"
SERVICE = f"{ECS}service/production/orders"
NEW, OLD = f"{ECS}task-definition/orders:42", f"{ECS}task-definition/orders:41"
NEW_REVISION = f"{ECS}service-revision/production/orders/2"
OLD_REVISION = f"{ECS}service-revision/production/orders/1"
NEW_DEPLOYMENT = f"{ECS}service-deployment/production/orders/NCWGC2ZR"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders/key-AbCdEf"


def service(name: str = "orders", group: str = ORDERS, **changed: Any) -> dict[str, Any]:
    """One of DescribeServices."""
    return {
        "serviceArn": f"{ECS}service/production/{name}",
        "serviceName": name,
        "clusterArn": CLUSTER,
        "status": "ACTIVE",
        "desiredCount": 4,
        "runningCount": 3,
        "pendingCount": 1,
        "launchType": "FARGATE",
        "taskDefinition": NEW,
        "deploymentController": {"type": "ECS"},
        "loadBalancers": [{"targetGroupArn": ELB_ARN + group, "containerName": "web", "containerPort": 80}],
        "events": [
            {"id": "1", "createdAt": before(minutes=9), "message": "(service orders) has started 1 tasks."},
            {
                "id": "2",
                "createdAt": before(minutes=2),
                "message": "(service orders) was unable to place a task.",
            },
        ],
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s-1"], "securityGroups": ["sg-1"]}},
        **changed,
    }


def _deployment(**changed: Any) -> dict[str, Any]:
    return {
        "serviceDeploymentArn": NEW_DEPLOYMENT,
        "serviceArn": SERVICE,
        "clusterArn": CLUSTER,
        "createdAt": before(minutes=10),
        "startedAt": before(minutes=9),
        "status": "ROLLBACK_IN_PROGRESS",
        "sourceServiceRevisions": [{"arn": OLD_REVISION}],
        "targetServiceRevision": {"arn": NEW_REVISION, "requestedTaskCount": 4, "runningTaskCount": 0},
        "deploymentConfiguration": {
            "minimumHealthyPercent": 50,
            "maximumPercent": 100,
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        },
        "deploymentCircuitBreaker": {"status": "TRIGGERED", "failureCount": 3, "threshold": 3},
        "alarms": {"status": "TRIGGERED", "alarmNames": ["a"], "triggeredAlarmNames": ["a"]},
        "rollback": {"startedAt": before(minutes=4), "reason": "circuit breaker"},
        **changed,
    }


def _task(id: str, **changed: Any) -> dict[str, Any]:
    return {
        "taskArn": f"{ECS}task/production/{id}",
        "taskDefinitionArn": NEW,
        "startedAt": before(minutes=8),
        "startedBy": "ecs-svc/2",
        **changed,
    }


STOPPED = _task(
    "dead",
    stopCode="EssentialContainerExited",
    stoppedReason="Essential container in task exited",
    stoppingAt=before(minutes=7),
    stoppedAt=before(minutes=6),
    containers=[{"name": "web", "exitCode": 137, "reason": "OutOfMemoryError: Container killed"}],
)


def _tasks(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    known = {f"{ECS}task/production/dead": STOPPED, f"{ECS}task/production/alive": _task("alive")}
    return {"tasks": [known[each] for each in parameters["tasks"]]}


def _task_arns(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    name = "dead" if parameters["desiredStatus"] == "STOPPED" else "alive"
    return {"taskArns": [f"{ECS}task/production/{name}"]}


ANSWERS: dict[str, Answer] = {
    "ListClusters": {"clusterArns": [CLUSTER]},
    "ListServices": {"serviceArns": [SERVICE]},
    "DescribeServices": {"services": [service()]},
    "ListServiceDeployments": {
        "serviceDeployments": [
            {
                "serviceDeploymentArn": NEW_DEPLOYMENT,
                "createdAt": before(minutes=10),
                "targetServiceRevisionArn": NEW_REVISION,
            }
        ]
    },
    "DescribeServiceDeployments": {"serviceDeployments": [_deployment()]},
    "DescribeServiceRevisions": {
        "serviceRevisions": [
            {
                "serviceRevisionArn": NEW_REVISION,
                "taskDefinition": NEW,
                "containerImages": [{"containerName": "web", "image": "web:live", "imageDigest": "sha256:1"}],
            },
            {"serviceRevisionArn": OLD_REVISION, "taskDefinition": OLD},
        ]
    },
    "ListTasks": _task_arns,
    "DescribeTasks": _tasks,
    "DescribeTaskDefinition": {
        "taskDefinition": {
            "taskDefinitionArn": NEW,
            "cpu": "512",
            "memory": "1024",
            "taskRoleArn": "arn:aws:iam::111122223333:role/orders",
            "containerDefinitions": [
                {
                    "name": "web",
                    "image": "web:live",
                    "environment": [{"name": "TOKEN", "value": "a value that nobody may read"}],
                    "secrets": [{"name": "KEY", "valueFrom": f"{SECRET}:key::"}],
                }
            ],
        }
    },
}


def _aws(**changed: Answer) -> FakeAws:
    return FakeAws(**{**ANSWERS, **changed})


def _group(id: str = ORDERS, target_type: str = "ip", port: int = 8080) -> TargetGroup:
    return TargetGroup(ELB_ARN + id, id, id.split("/")[1], target_type, "HTTP", "HTTP1", port)


def _search(aws: FakeAws, *groups: TargetGroup, ports: tuple[int, ...] = ()) -> tuple[Found, ...] | Missing:
    health = {ORDERS: tuple(Target("i-1", port, None, "healthy") for port in ports)}
    return collect_service_list(scope(aws), {"target_groups": groups or (_group(),), "target_health": health})


def _answers(listed: object, *deployments: Deployment) -> dict[str, object]:
    found = Deployments(before(days=1), deployments)
    return {"service_list": listed, "target_groups": (_group(),), "deployments": found}


def _read(aws: FakeAws, *groups: TargetGroup) -> tuple[ContainerService, ...]:
    found = collect_services(scope(aws), _answers(_search(aws, *groups)))
    assert isinstance(found, tuple)
    return found


# --- Which services ---


def test_nothing_is_looked_up_where_no_target_can_be_a_task() -> None:
    aws = _aws()

    assert _search(aws, _group(target_type="instance"), ports=(8080,)) == NOT_LOOKED_UP
    assert not aws.calls


def test_targets_on_ports_of_their_own_may_be_tasks() -> None:
    found = _search(_aws(), _group(target_type="instance"), ports=(32768, 32771))

    assert isinstance(found, tuple)
    assert [each.service.name for each in found] == ["orders"]


def test_a_service_is_found_by_the_target_groups_of_its_task_sets_and_of_its_next_deployment() -> None:
    sets = [
        {"status": "PRIMARY", "taskDefinition": OLD, "loadBalancers": [{"targetGroupArn": ELB_ARN + ORDERS}]}
    ]
    by_codedeploy = service(loadBalancers=[], taskSets=sets, deploymentController={"type": "CODE_DEPLOY"})
    other = {"advancedConfiguration": {"alternateTargetGroupArn": ELB_ARN + ORDERS}}
    blue_green = service("green", loadBalancers=[{"targetGroupArn": ELB_ARN + SEARCH, **other}])

    found = _search(_aws(DescribeServices={"services": [by_codedeploy, blue_green]}))

    assert isinstance(found, tuple)
    assert [each.service.name for each in found] == ["green", "orders"]
    assert found[1].task_definition == OLD


def test_services_of_other_load_balancers_are_left_out() -> None:
    assert _search(_aws(DescribeServices={"services": [service("search", SEARCH)]})) == ()


def test_services_are_described_in_tens_and_only_so_many_of_them() -> None:
    arns = [f"{ECS}service/production/s{number}" for number in range(95)]
    aws = _aws(
        ListClusters={"clusterArns": [f"{ECS}cluster/{name}" for name in "abc"]},
        ListServices={"serviceArns": arns},
        DescribeServices={"services": []},
    )

    found = _search(aws)

    asked = aws.asked("DescribeServices")
    assert max(len(each["services"]) for each in asked) == 10
    assert sum(len(each["services"]) for each in asked) == MOST_SERVICES
    assert isinstance(found, Missing)
    assert "200 services" in found.reason


def test_services_called_like_the_target_group_are_described_first() -> None:
    arns = [f"{ECS}service/production/s{number}" for number in range(12)]
    aws = _aws(ListServices={"serviceArns": [*arns, SERVICE]})
    _search(aws)

    assert SERVICE in aws.asked("DescribeServices")[0]["services"]


def test_a_cluster_that_cannot_be_read_is_missing_only_if_the_service_is_not_found_elsewhere() -> None:
    def answer(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if parameters["cluster"].endswith("secret"):
            raise error("ListServices", "AccessDeniedException")
        return {"serviceArns": [SERVICE]}

    clusters = {"clusterArns": [f"{ECS}cluster/secret", CLUSTER]}

    assert isinstance(_search(_aws(ListClusters=clusters, ListServices=answer)), tuple)
    nothing = _search(_aws(ListClusters=clusters, ListServices=answer, DescribeServices={"services": []}))
    assert nothing == Missing("ecs:ListServices: AccessDeniedException")


# --- What they do ---


def test_a_service_tells_what_it_wants_and_what_it_has() -> None:
    (found,) = _read(_aws())

    assert (found.cluster, found.name, found.controller, found.launch_type) == (
        "production", "orders", "ECS", "FARGATE",
    )  # fmt: skip
    assert (found.desired, found.running, found.pending) == (4, 3, 1)
    assert found.target_groups == (ORDERS,)
    assert found.events[0].message.endswith("unable to place a task.")


def test_a_deployment_tells_where_it_came_from_and_how_it_fared() -> None:
    (found,) = _read(_aws())

    assert not isinstance(found.deployments, Missing)
    (deployment,) = found.deployments
    assert (deployment.id, deployment.status) == ("NCWGC2ZR", "ROLLBACK_IN_PROGRESS")
    assert (deployment.task_definition, deployment.source_task_definition) == ("orders:42", "orders:41")
    assert deployment.images == {"web": "sha256:1"}
    assert (deployment.circuit_breaker, deployment.failed_tasks) == ("TRIGGERED", 3)
    assert deployment.triggered_alarms == ("a",)
    assert deployment.rollback_started == before(minutes=4)


def test_stopped_tasks_come_with_the_moment_at_which_they_began_to_stop() -> None:
    (found,) = _read(_aws())

    assert not isinstance(found.stopped_tasks, Missing)
    (task,) = found.stopped_tasks
    assert task.at == before(minutes=7)
    assert task.started == before(minutes=8)
    assert task.containers == (StoppedContainer("web", 137, "OutOfMemoryError: Container killed"),)
    assert found.running_tasks == (RunningTask("alive", before(minutes=8), "orders:42", "ecs-svc/2"),)


def test_of_a_task_definition_secrets_are_kept_by_name_and_variables_not_at_all() -> None:
    (found,) = _read(_aws())

    assert not isinstance(found.task_definition, Missing)
    assert found.task_definition.secrets == (f"{SECRET}:key::",)
    assert SECRET in set(found.identifiers())
    assert found.task_definition.memory == 1024
    assert "nobody may read" not in repr(found)


def test_figures_are_those_of_the_service_without_its_name() -> None:
    (found,) = _read(_aws())

    assert not isinstance(found.metrics, Missing)
    assert found.metrics.series[MetricKey("MemoryUtilization", "Maximum")][0] == 7.0


def test_a_service_that_codedeploy_deploys_has_no_deployments_of_its_own() -> None:
    aws = _aws(DescribeServices={"services": [service(deploymentController={"type": "CODE_DEPLOY"})]})
    (found,) = _read(aws)

    assert found.deployments == ()
    assert not aws.asked("ListServiceDeployments")


def test_what_cannot_be_read_of_a_service_is_missing_and_the_rest_stands() -> None:
    (found,) = _read(
        _aws(
            ListServiceDeployments=error("ListServiceDeployments", "AccessDeniedException"),
            DescribeTasks=error("DescribeTasks", "ThrottlingException"),
            GetMetricData=error("GetMetricData", "AccessDenied"),
        )
    )

    assert found.deployments == Missing("ecs:ListServiceDeployments: AccessDeniedException")
    assert found.stopped_tasks == Missing("ecs:DescribeTasks: ThrottlingException")
    assert found.metrics == Missing("cloudwatch:GetMetricData: AccessDenied")
    assert not isinstance(found.task_definition, Missing)


def test_the_newest_deployments_are_taken_in_whatever_order_they_are_listed() -> None:
    listed = [
        {"serviceDeploymentArn": f"{NEW_DEPLOYMENT}{number}", "createdAt": before(hours=100 - number)}
        for number in range(30)
    ]
    aws = _aws(ListServiceDeployments={"serviceDeployments": listed})
    _read(aws)

    asked = aws.asked("DescribeServiceDeployments")[0]["serviceDeploymentArns"]
    assert asked == [f"{NEW_DEPLOYMENT}{number}" for number in range(29, 9, -1)]


def test_a_list_that_goes_on_with_newer_deployments_is_missing() -> None:
    listed = [
        {"serviceDeploymentArn": f"{NEW_DEPLOYMENT}{number}", "createdAt": before(hours=9 - number)}
        for number in range(2)
    ]
    (found,) = _read(_aws(ListServiceDeployments={"serviceDeployments": listed, "nextToken": "more"}))

    assert isinstance(found.deployments, Missing)


def test_half_of_an_answer_is_enough() -> None:
    bare = {"serviceArn": SERVICE, "loadBalancers": [{"targetGroupArn": ELB_ARN + ORDERS}]}
    (found,) = _read(
        _aws(
            DescribeServices={"services": [bare]},
            DescribeServiceDeployments={"serviceDeployments": [{"createdAt": before(minutes=1)}, {}]},
            DescribeServiceRevisions={},
            DescribeTasks={"tasks": [{}, {"taskArn": f"{ECS}task/production/x"}]},
        )
    )

    assert (found.name, found.cluster, found.desired) == ("orders", "default", 0)
    assert found.deployments == ()
    assert found.stopped_tasks == ()
    assert found.task_definition == NOT_LOOKED_UP


def test_without_permission_nothing_is_said_to_be_there() -> None:
    aws = _aws(ListClusters=error("ListClusters", "AccessDeniedException"))
    answered = Missing("ecs:ListClusters: AccessDeniedException")

    assert collect_services(scope(aws), _answers(answered)) == answered


def test_a_service_that_codedeploy_names_needs_no_search() -> None:
    group = DeploymentGroup("orders", "live", ("orders",), services=("production/orders",))
    deployed = Deployment(
        "d-1", "orders", "live", "Succeeded", "user", "ECS", before(days=1), None, None, None, group=group
    )
    foreign = replace(deployed, id="d-2", group=replace(group, target_groups=("x",), services=("a/x",)))
    aws = _aws()
    denied = Missing("ecs:ListClusters: AccessDeniedException")

    found = collect_services(scope(aws), _answers(denied, deployed, foreign))

    assert isinstance(found, tuple)
    assert [each.name for each in found] == ["orders"]
    assert [each["services"] for each in aws.asked("DescribeServices")] == [[SERVICE]]


def test_every_permission_that_is_used_is_named() -> None:
    aws = _aws()
    _read(aws)
    named = {each for reading in READINGS for each in reading.permissions}

    used = {f"{service}:{operation}" for service, operation, _ in aws.calls}
    assert used == named


def test_long_words_are_cut() -> None:
    events = [{"id": str(n), "createdAt": before(minutes=n), "message": "x" * 2000} for n in range(90)]
    (found,) = _read(_aws(DescribeServices={"services": [service(events=events)]}))

    assert len(found.events) == 50
    assert len(found.events[0].message) == 300
    assert found.events[0].at - found.events[-1].at == timedelta(minutes=49)
