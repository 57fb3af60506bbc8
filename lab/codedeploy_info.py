"""What CodeDeploy tells of groups, deployments, targets and revisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from lab.clock import Clock
from lab.deploying import Deployments
from lab.deployments import Group, Run, TargetRun, location, revision_from
from lab.loading_deployments import CLASSIC
from lab.scenario import Scenario

# In place, behind a load balancer (user guide, "Lifecycle event hook availability").
_LIFECYCLE = (
    "BeforeBlockTraffic",
    "BlockTraffic",
    "AfterBlockTraffic",
    "ApplicationStop",
    "DownloadBundle",
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
    "BeforeAllowTraffic",
    "AllowTraffic",
    "AfterAllowTraffic",
)

_OVERVIEW = ("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Ready")

_BLUE_GREEN = {
    "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE", "terminationWaitTimeInMinutes": 60},
    "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0},
    "greenFleetProvisioningOption": {"action": "COPY_AUTO_SCALING_GROUP"},
}


class CodeDeployInfo:
    """Words the state of the deployments as the API does."""

    def __init__(self, scenario: Scenario, clock: Clock, deployments: Deployments) -> None:
        self._scenario = scenario
        self._clock = clock
        self._deployments = deployments

    def group(self, group: Group) -> dict[str, Any]:
        """A group with all its settings."""
        info: dict[str, Any] = {
            "applicationName": group.key[0],
            "deploymentGroupId": group.id,
            "deploymentGroupName": group.key[1],
            "deploymentConfigName": group.config,
            "autoScalingGroups": [],
            "serviceRoleArn": f"arn:aws:iam::{self._scenario.account}:role/AWSCodeDeployRole",
            "triggerConfigurations": [],
            "alarmConfiguration": {
                "enabled": bool(group.alarms),
                "ignorePollAlarmFailure": False,
                "alarms": [{"name": name} for name in group.alarms],
            },
            "deploymentStyle": _style(group.style),
            "outdatedInstancesStrategy": "UPDATE",
            "computePlatform": group.platform,
            "terminationHookEnabled": False,
        }
        info |= self._rollback_settings(group) | _balancer_info(group.platform, group.target_groups)
        if group.platform == "Server":
            info["ec2TagFilters"] = [{"Key": "Name", "Value": "-".join(group.key), "Type": "KEY_AND_VALUE"}]
        if group.platform == "ECS":
            info["ecsServices"] = self._services(group)
        if group.style == "blue_green":
            info["blueGreenDeploymentConfiguration"] = _BLUE_GREEN
        return info | self._last_deployments(group)

    def _services(self, group: Group) -> list[dict[str, str]]:
        """The services of the scenario that have one of the group's target groups."""
        return [
            {"serviceName": each.name, "clusterName": each.cluster}
            for each in self._scenario.systems.get("services", ())
            if set(each.target_groups) & set(group.target_groups)
        ]

    def _rollback_settings(self, group: Group) -> dict[str, Any]:
        events = list(group.auto_rollback)
        return {"autoRollbackConfiguration": {"enabled": bool(events), "events": events}}

    def _last_deployments(self, group: Group) -> dict[str, Any]:
        found: dict[str, Any] = {}
        attempted = self._deployments.visible(group.key)
        succeeded = self._deployments.succeeded(group.key)
        if succeeded:
            found["lastSuccessfulDeployment"] = self._last(succeeded[0])
            found["targetRevision"] = location(succeeded[0].revision)
        if attempted:
            found["lastAttemptedDeployment"] = self._last(attempted[0])
        return found

    def _last(self, run: Run) -> dict[str, Any]:
        now = self._clock.now()
        last: dict[str, Any] = {"deploymentId": run.id, "status": run.status(now), "createTime": run.created}
        return last | ({"endTime": run.completed} if run.completed and run.completed <= now else {})

    def deployment(self, run: Run) -> dict[str, Any]:
        """A deployment as it stands now."""
        now = self._clock.now()
        group = self._deployments.groups[run.key]
        info: dict[str, Any] = {
            "applicationName": run.key[0],
            "deploymentGroupName": run.key[1],
            "deploymentConfigName": run.config,
            "deploymentId": run.id,
            "revision": location(run.revision),
            "status": run.status(now),
            "createTime": run.created,
            "deploymentOverview": self._overview(run),
            "description": run.description,
            "creator": run.creator,
            "ignoreApplicationStopFailures": bool(run.asked.get("ignoreApplicationStopFailures", False)),
            "updateOutdatedInstancesOnly": False,
            "deploymentStyle": _style(run.style),
            "instanceTerminationWaitTimeStarted": run.termination_wait_started,
            "fileExistsBehavior": run.asked.get("fileExistsBehavior", "DISALLOW"),
            "deploymentMode": "STANDARD",
            "computePlatform": run.platform,
        }
        info |= self._rollback_settings(group) | _balancer_info(run.platform, run.target_groups)
        info |= self._times(run) | self._rollback_info(run)
        previous = self._deployments.succeeded(run.key)[1:2]
        if previous:
            info["previousRevision"] = location(previous[0].revision)
        if run.error and info["status"] in ("Failed", "Stopped"):
            info["errorInformation"] = {"code": run.error[0], "message": run.error[1]}
        if run.external_id:
            info["externalId"] = run.external_id
        if "overrideAlarmConfiguration" in run.asked:
            info["overrideAlarmConfiguration"] = run.asked["overrideAlarmConfiguration"]
        if run.style == "blue_green":
            info["blueGreenDeploymentConfiguration"] = _BLUE_GREEN
        return info

    def _times(self, run: Run) -> dict[str, Any]:
        now = self._clock.now()
        times: dict[str, Any] = {}
        if run.started and run.started <= now:
            times["startTime"] = run.started
        if run.completed and run.completed <= now:
            times["completeTime"] = run.completed
        return times

    def _rollback_info(self, run: Run) -> dict[str, Any]:
        """The rollback's id on the original once that exists; the original's on the rollback."""
        info: dict[str, str] = {}
        rollback = self._deployments.find(run.rolled_back_by) if run.rolled_back_by else None
        if rollback is not None or (
            run.rolled_back_by and not run.asked and not run.ours and run.rollback_message is None
        ):
            info["rollbackDeploymentId"] = str(run.rolled_back_by)
        if run.rollback_of:
            info["rollbackTriggeringDeploymentId"] = run.rollback_of
        if run.rollback_message and (info or not run.rolled_back_by):
            info["rollbackMessage"] = run.rollback_message
        return {"rollbackInfo": info} if info else {}

    def _overview(self, run: Run) -> dict[str, int]:
        now = self._clock.now()
        if run.overview and not run.is_running(now):
            return dict.fromkeys(_OVERVIEW, 0) | dict(run.overview)
        statuses = [target.status(now) for target in run.targets]
        return {name: statuses.count(name) for name in _OVERVIEW}

    def target(self, run: Run, target: TargetRun) -> dict[str, Any]:
        """One target of a deployment."""
        now = self._clock.now()
        status = target.status(now)
        updated = (
            target.completed
            if target.completed and target.completed <= now
            else target.started or run.created
        )
        common = {
            "deploymentId": run.id,
            "targetId": target.id,
            "status": status,
            "lastUpdatedAt": min(updated, now),
        }
        region, account = self._scenario.region, self._scenario.account
        arn = f"arn:aws:ec2:{region}:{account}:instance/{target.id}"
        instance = common | {"targetArn": arn, "lifecycleEvents": self._lifecycle(target)}
        if run.style == "blue_green":
            instance["instanceLabel"] = "Green"
        return {"deploymentTargetType": "InstanceTarget", "instanceTarget": instance}

    def _lifecycle(self, target: TargetRun) -> list[dict[str, Any]]:
        """The events of an in-place deployment behind a load balancer, evenly over the target's time."""
        now = self._clock.now()
        begun, done = target.started, target.completed
        length = (done - begun) / len(_LIFECYCLE) if begun and done else timedelta(seconds=10)
        events: list[dict[str, Any]] = []
        for index, name in enumerate(_LIFECYCLE):
            event: dict[str, Any] = {"lifecycleEventName": name, "status": "Pending"}
            if begun is not None and begun + length * index <= now:
                end = begun + length * (index + 1)
                finished = end <= now and (done is not None or index < len(_LIFECYCLE) - 1)
                event |= {"startTime": begun + length * index, "status": "InProgress"}
                if finished:
                    event |= self._finished(target, index, end)
            events.append(event)
        return events

    def _finished(self, target: TargetRun, index: int, end: Any) -> dict[str, Any]:
        last = index == len(_LIFECYCLE) - 1
        failed = target.final_status == "Failed" and last
        skipped = target.final_status == "Skipped"
        status = "Skipped" if skipped else "Failed" if failed else "Succeeded"
        diagnostics = {
            "errorCode": "ScriptFailed" if failed else "Success",
            "scriptName": "",
            "message": "Script failed" if failed else "Succeeded",
            "logTail": "",
        }
        return {"endTime": end, "status": status, "diagnostics": diagnostics}

    def revision(self, application: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
        """When and where a revision was used; None when it is not registered."""
        wanted = revision_from(given)
        runs = [
            run for run in self._deployments.visible() if run.key[0] == application and run.revision == wanted
        ]
        if not runs:
            return None
        first, last = runs[-1].created, runs[0].created
        groups = sorted({run.key[1] for run in runs})
        return {
            "deploymentGroups": groups,
            "firstUsedTime": first,
            "lastUsedTime": last,
            "registerTime": first,
        }


def _style(style: str) -> dict[str, str]:
    kind = "BLUE_GREEN" if style == "blue_green" else "IN_PLACE"
    return {"deploymentType": kind, "deploymentOption": "WITH_TRAFFIC_CONTROL"}


def _balancer_info(platform: str, target_groups: Sequence[str]) -> dict[str, Any]:
    """Names, not ARNs; ECS has its two groups as a pair, Classic load balancers have a list of their own."""
    classic = [name.removeprefix(CLASSIC) for name in target_groups if name.startswith(CLASSIC)]
    if classic:
        return {"loadBalancerInfo": {"elbInfoList": [{"name": name} for name in classic]}}
    named = [{"name": name} for name in target_groups]
    if not named:
        return {}
    if platform == "ECS":
        return {"loadBalancerInfo": {"targetGroupPairInfoList": [{"targetGroups": named}]}}
    return {"loadBalancerInfo": {"targetGroupInfoList": named}}
