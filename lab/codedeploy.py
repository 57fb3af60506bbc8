"""CodeDeploy's API over the lab's deployments: its batches, limits, half-empty answers and errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from lab.clock import Clock
from lab.codedeploy_info import CodeDeployInfo
from lab.deploying import Deployments
from lab.deployments import Group, GroupKey, Run, TargetRun, location, revision_from
from lab.errors import AwsError
from lab.moments import moment
from lab.paging import page
from lab.scenario import Scenario
from lab.wire import Answer

BATCH_OF_DEPLOYMENTS = 25
BATCH_OF_GROUPS = 100
PAGE = 100
STATUSES = ("Created", "Queued", "InProgress", "Baking", "Succeeded", "Failed", "Stopped", "Ready")


class CodeDeploy:
    """The operations; `red` tells which alarms are in ALARM, `caller` who asks."""

    def __init__(
        self,
        scenario: Scenario,
        clock: Clock,
        deployments: Deployments,
        red: Callable[[], set[str]],
        caller: Callable[[], str],
    ) -> None:
        self._scenario = scenario
        self._clock = clock
        self._deployments = deployments
        self._tell = CodeDeployInfo(scenario, clock, deployments)
        self._red = red
        self._caller = caller
        self.created: list[Mapping[str, Any]] = []
        self.stopped: list[Mapping[str, Any]] = []

    def operations(self) -> dict[str, Answer]:
        """All the operations of the service that the lab has."""
        return {
            "ListApplications": self.list_applications,
            "GetApplication": lambda asked: {"application": self._application(asked["applicationName"])},
            "BatchGetApplications": self.batch_get_applications,
            "ListDeploymentGroups": self.list_deployment_groups,
            "GetDeploymentGroup": self.get_deployment_group,
            "BatchGetDeploymentGroups": self.batch_get_deployment_groups,
            "ListDeployments": self.list_deployments,
            "GetDeployment": lambda asked: {
                "deploymentInfo": self._tell.deployment(self._run(asked["deploymentId"]))
            },
            "BatchGetDeployments": self.batch_get_deployments,
            "ListDeploymentTargets": self.list_deployment_targets,
            "GetDeploymentTarget": self.get_deployment_target,
            "BatchGetDeploymentTargets": self.batch_get_deployment_targets,
            "StopDeployment": self.stop_deployment,
            "CreateDeployment": self.create_deployment,
            "ListTagsForResource": self.list_tags_for_resource,
            "GetApplicationRevision": self.get_application_revision,
            "ListApplicationRevisions": self.list_application_revisions,
            "BatchGetApplicationRevisions": self.batch_get_application_revisions,
            "GetDeploymentConfig": self.get_deployment_config,
        }

    def list_applications(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Names only, paged."""
        return _listed("applications", sorted(self._deployments.application_tags), asked)

    def batch_get_applications(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """At most 100; one that does not exist is an error for all."""
        names = asked["applicationNames"]
        if len(names) > BATCH_OF_GROUPS:
            raise AwsError("BatchLimitExceededException", "The maximum number of names is 100")
        return {"applicationsInfo": [self._application(name) for name in names]}

    def list_deployment_groups(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Names only, paged."""
        name = asked["applicationName"]
        self._application(name)
        groups = sorted(group for application, group in self._deployments.groups if application == name)
        return {"applicationName": name} | _listed("deploymentGroups", groups, asked)

    def get_deployment_group(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """One group with all its settings."""
        group = self._group(asked["applicationName"], asked["deploymentGroupName"])
        return {"deploymentGroupInfo": self._tell.group(group)}

    def batch_get_deployment_groups(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """The groups that exist; the others are named in errorMessage only."""
        self._application(asked["applicationName"])
        names = asked["deploymentGroupNames"]
        if len(names) > BATCH_OF_GROUPS:
            raise AwsError("BatchLimitExceededException", "The maximum number of names is 100")
        keys = [(asked["applicationName"], name) for name in names]
        missing = [key[1] for key in keys if key not in self._deployments.groups]
        infos = [
            self._tell.group(self._deployments.groups[key]) for key in keys if key in self._deployments.groups
        ]
        answer: dict[str, Any] = {"deploymentGroupsInfo": infos}
        if missing:
            answer["errorMessage"] = f"No Deployment Group found for name: {', '.join(missing)}"
        return answer

    def list_deployments(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ids; application and group go together or not at all."""
        key = self._asked_group(asked)
        statuses = asked.get("includeOnlyStatuses") or STATUSES
        for status in statuses:
            if status not in STATUSES:
                raise AwsError("InvalidDeploymentStatusException", f"{status} is not a deployment status")
        times = asked.get("createTimeRange") or {}
        start, end = (moment(times[name]) if times.get(name) else None for name in ("start", "end"))
        if start and end and start > end:
            raise AwsError("InvalidTimeRangeException", "The start of the time range is after its end")
        now = self._clock.now()
        ids = [
            run.id
            for run in self._deployments.visible(key)
            if run.status(now) in statuses
            and (start is None or run.created >= start)
            and (end is None or run.created <= end)
            and asked.get("externalId") in (None, run.external_id)
        ]
        return _listed("deployments", ids, asked)

    def batch_get_deployments(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """At most 25; ids that do not exist are left out."""
        ids = asked["deploymentIds"]
        if not ids:
            raise AwsError("DeploymentIdRequiredException", "At least one deployment ID must be specified")
        if len(ids) > BATCH_OF_DEPLOYMENTS:
            raise AwsError(
                "BatchLimitExceededException", f"The maximum number of IDs is {BATCH_OF_DEPLOYMENTS}"
            )
        for id_ in ids:
            _check_id(id_)
        found = [run for run in map(self._deployments.find, ids) if run is not None]
        return {"deploymentsInfo": [self._tell.deployment(run) for run in found]}

    def list_deployment_targets(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ids of targets, filtered by status."""
        run = self._run(asked.get("deploymentId", ""))
        now = self._clock.now()
        wanted = (asked.get("targetFilters") or {}).get("TargetStatus")
        ids = [target.id for target in self._targets(run) if not wanted or target.status(now) in wanted]
        return _listed("targetIds", ids, asked)

    def get_deployment_target(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """One target."""
        run = self._run(asked["deploymentId"])
        return {"deploymentTarget": self._tell.target(run, self._target(run, asked["targetId"]))}

    def batch_get_deployment_targets(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """At most 25 targets, each with its lifecycle events."""
        run = self._run(asked.get("deploymentId", ""))
        ids = asked.get("targetIds") or []
        if not ids:
            raise AwsError("DeploymentTargetIdRequiredException", "At least one target ID must be specified")
        if len(ids) > BATCH_OF_DEPLOYMENTS:
            raise AwsError(
                "DeploymentTargetListSizeExceededException",
                f"The maximum number of IDs is {BATCH_OF_DEPLOYMENTS}",
            )
        return {"deploymentTargets": [self._tell.target(run, self._target(run, id_)) for id_ in ids]}

    def stop_deployment(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Stopping takes a while: Pending now, Stopped a little later, then perhaps a rollback deployment."""
        run = self._run(asked["deploymentId"])
        if not run.is_running(self._clock.now()):
            raise AwsError(
                "DeploymentAlreadyCompletedException", f"Deployment {run.id} has already completed"
            )
        if run.creator == "CloudFormation" or run.external_id:
            raise AwsError(
                "UnsupportedActionForDeploymentTypeException",
                "A deployment made by CloudFormation is stopped there",
            )
        on_request = "DEPLOYMENT_STOP_ON_REQUEST" in self._deployments.groups[run.key].auto_rollback
        wanted = asked.get("autoRollbackEnabled")
        self._deployments.stop(run, roll_back=on_request if wanted is None else wanted, by=self._caller())
        self.stopped.append(dict(asked))
        return {"status": "Pending", "statusMessage": "Stopping the deployment"}

    def create_deployment(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """One deployment a group at a time; a revision that was never registered is refused."""
        if not asked.get("deploymentGroupName"):
            raise AwsError("DeploymentGroupNameRequiredException", "Deployment Group name is missing")
        group = self._group(asked["applicationName"], asked["deploymentGroupName"])
        active = self._deployments.active(group.key)
        if active is not None:
            raise AwsError(
                "DeploymentLimitExceededException",
                f"The Deployment Group '{group.key[1]}' already has an active Deployment '{active.id}'",
            )
        if not asked.get("revision"):
            raise AwsError("RevisionRequiredException", "The revision is missing")
        if len(str(asked.get("description", ""))) > 256:
            raise AwsError("DescriptionTooLongException", "The description is longer than 256 characters")
        revision = revision_from(asked["revision"])
        if revision is None:
            raise AwsError("InvalidRevisionException", "The revision is not one for this compute platform")
        if not self._deployments.knows(revision):
            raise AwsError(
                "RevisionDoesNotExistException", "The revision is not registered with this application"
            )
        run = self._deployments.create(group.key, revision, asked, self._caller(), self._red())
        self.created.append(dict(asked) | {"deploymentId": run.id})
        return {"deploymentId": run.id}

    def list_tags_for_resource(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Tags of a group (`...:deploymentgroup:app/group`) or an application (`...:application:app`)."""
        kind, _, name = asked["ResourceArn"].partition(":codedeploy:")[2].split(":", 2)[2].partition(":")
        if kind == "deploymentgroup" and "/" in name:
            tags: Mapping[str, str] = self._group(*name.split("/", 1)).tags
        elif kind == "application":
            self._application(name)
            tags = self._deployments.application_tags[name]
        else:
            raise AwsError(
                "InvalidArnException", f"{asked['ResourceArn']} is not the ARN of a CodeDeploy resource"
            )
        return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}

    def get_application_revision(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """A registered revision and when it was used."""
        self._application(asked["applicationName"])
        info = self._tell.revision(asked["applicationName"], asked["revision"])
        if info is None:
            raise AwsError(
                "RevisionDoesNotExistException", "The revision is not registered with this application"
            )
        return {
            "applicationName": asked["applicationName"],
            "revision": asked["revision"],
            "revisionInfo": info,
        }

    def list_application_revisions(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """The revisions deployed so far, oldest first."""
        name = asked["applicationName"]
        self._application(name)
        locations: list[dict[str, Any]] = []
        for run in reversed(self._deployments.visible()):
            if run.key[0] == name and location(run.revision) not in locations:
                locations.append(location(run.revision))
        return _listed("revisions", locations, asked)

    def batch_get_application_revisions(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """At most 25; those not registered are named in errorMessage only."""
        name = asked["applicationName"]
        self._application(name)
        if len(asked["revisions"]) > BATCH_OF_DEPLOYMENTS:
            raise AwsError(
                "BatchLimitExceededException", f"The maximum number of revisions is {BATCH_OF_DEPLOYMENTS}"
            )
        infos = [(given, self._tell.revision(name, given)) for given in asked["revisions"]]
        found = [{"revisionLocation": given, "genericRevisionInfo": info} for given, info in infos if info]
        answer: dict[str, Any] = {"applicationName": name, "revisions": found}
        return (
            answer if len(found) == len(infos) else answer | {"errorMessage": "Not every revision was found"}
        )

    def get_deployment_config(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """One of the predefined configurations."""
        name = asked["deploymentConfigName"]
        hosts = {
            "AllAtOnce": ("HOST_COUNT", 0),
            "HalfAtATime": ("FLEET_PERCENT", 50),
            "OneAtATime": ("FLEET_PERCENT", 99),
        }
        kind = next((tail for tail in hosts if name.endswith(tail)), None)
        if kind is None:
            raise AwsError(
                "DeploymentConfigDoesNotExistException", f"No deployment config found for name: {name}"
            )
        minimum = {"type": hosts[kind][0], "value": hosts[kind][1]}
        info = {"deploymentConfigName": name, "minimumHealthyHosts": minimum, "computePlatform": "Server"}
        return {"deploymentConfigInfo": info}

    def _asked_group(self, asked: Mapping[str, Any]) -> GroupKey | None:
        application, group = asked.get("applicationName"), asked.get("deploymentGroupName")
        if not application and not group:
            return None
        if not group:
            raise AwsError("DeploymentGroupNameRequiredException", "Deployment Group name is missing")
        if not application:
            raise AwsError("ApplicationNameRequiredException", "Application name is missing")
        return self._group(application, group).key

    def _application(self, name: str) -> dict[str, Any]:
        if name not in self._deployments.application_tags:
            raise AwsError("ApplicationDoesNotExistException", f"No application found for name: {name}")
        platforms = [group.platform for key, group in self._deployments.groups.items() if key[0] == name]
        created = self._scenario.at - timedelta(days=400)
        return {
            "applicationName": name,
            "computePlatform": platforms[0],
            "createTime": created,
            "linkedToGitHub": False,
        }

    def _group(self, application: str, name: str) -> Group:
        self._application(application)
        if (application, name) not in self._deployments.groups:
            raise AwsError(
                "DeploymentGroupDoesNotExistException", f"No Deployment Group found for name: {name}"
            )
        return self._deployments.groups[application, name]

    def _run(self, id_: str) -> Run:
        if not id_:
            raise AwsError("DeploymentIdRequiredException", "The deployment ID is missing")
        _check_id(id_)
        run = self._deployments.find(id_)
        if run is None:
            raise AwsError("DeploymentDoesNotExistException", f"The deployment {id_} could not be found")
        return run

    def _targets(self, run: Run) -> Sequence[TargetRun]:
        if run.status(self._clock.now()) == "Created":
            raise AwsError("DeploymentNotStartedException", f"Deployment {run.id} has not started")
        return run.targets

    def _target(self, run: Run, id_: str) -> TargetRun:
        target = next((one for one in self._targets(run) if one.id == id_), None)
        if target is None:
            raise AwsError("DeploymentTargetDoesNotExistException", f"{id_} is not a target of {run.id}")
        return target


def _listed(key: str, items: Sequence[Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    shown, token = page(items, asked.get("nextToken"), PAGE, "InvalidNextTokenException")
    return {key: shown} | ({"nextToken": token} if token else {})


def _check_id(id_: str) -> None:
    if not id_.startswith("d-"):
        raise AwsError("InvalidDeploymentIdException", f"The specified deployment Id is invalid: {id_}")
