"""CodeDeploy's answers as evidence: pure, and content with half of an answer."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from collectors.reading import Answer, in_utc
from diagnosis.evidence import Deployment, DeploymentGroup, DeploymentTarget, Revision

MOST_DIAGNOSTICS = 300
ROLLBACK_CREATORS = frozenset({"codeDeployRollback", "CloudFormationRollback"})
_ENDED = frozenset({"Succeeded", "Failed", "Skipped"})


def parse_deployments(answer: Answer) -> tuple[Deployment, ...]:
    """The deployments of a BatchGetDeployments answer that have an id, a group and any time at all."""
    return tuple(
        _deployment(each, created)
        for each in answer.get("deploymentsInfo", ())
        if all(each.get(key) for key in ("deploymentId", "applicationName", "deploymentGroupName"))
        and (created := _first_time(each))
    )


def _first_time(info: Answer) -> datetime | None:
    times = (info.get(key) for key in ("createTime", "startTime", "completeTime"))
    return in_utc(next(filter(None, times), None))


def _deployment(info: Answer, created: datetime) -> Deployment:
    id, rollback = info["deploymentId"], info.get("rollbackInfo", {})
    creator = info.get("creator", "unknown")
    overview = info.get("deploymentOverview")
    return Deployment(
        id=id,
        application=info["applicationName"],
        group_name=info["deploymentGroupName"],
        status=info.get("status", "unknown"),
        creator=creator,
        platform=info.get("computePlatform", "Server"),
        created=created,
        started=in_utc(info.get("startTime")),
        completed=in_utc(info.get("completeTime")),
        revision=parse_revision(info.get("revision", {})),
        description=info.get("description", ""),
        style=info.get("deploymentStyle", {}).get("deploymentType", "IN_PLACE"),
        is_rollback=creator in ROLLBACK_CREATORS or _brought_about_by(rollback, id) is not None,
        rolled_back_by=_other(rollback.get("rollbackDeploymentId"), id),
        succeeded_targets=overview.get("Succeeded", 0) if overview else None,
        total_targets=sum(overview.values()) if overview else None,
    )


def _brought_about_by(rollback: Answer, id: str) -> str | None:
    """The failed deployment that this one takes back; which side carries the id is not documented."""
    return _other(rollback.get("rollbackTriggeringDeploymentId"), id)


def _other(deployment: str | None, id: str) -> str | None:
    return deployment if deployment and deployment != id else None


def target_groups_of(info: Answer) -> tuple[str, ...]:
    """The names of the target groups in a `loadBalancerInfo`; both of an ECS pair, as they swap each time."""
    balancing = info.get("loadBalancerInfo") or {}
    single = [each.get("name") for each in balancing.get("targetGroupInfoList", ())]
    pairs = [
        each.get("name")
        for pair in balancing.get("targetGroupPairInfoList", ())
        for each in pair.get("targetGroups", ())
    ]
    return tuple(dict.fromkeys(filter(None, (*single, *pairs))))


def parse_revision(revision: Answer) -> Revision | None:
    """What the deployment installs; None where that is not said.

    A key in S3 without version and eTag is whatever lay there at the time: two such revisions cannot be told
    apart.
    """
    s3, github = revision.get("s3Location"), revision.get("gitHubLocation")
    kind = revision.get("revisionType", "unknown")
    if s3 and s3.get("key"):
        return _s3_revision(s3)
    if github and github.get("commitId"):
        name = github.get("repository", "")
        return Revision(kind, f"github:{name}@{github['commitId']}", f"{name}@{github['commitId'][:7]}")
    text = revision.get("appSpecContent") or revision.get("string") or {}
    digest = text.get("sha256") or hashlib.sha256(text.get("content", "").encode()).hexdigest()
    return Revision(kind, f"sha256:{digest}", f"{kind} {digest[:12]}") if text else None


def _s3_revision(location: Answer) -> Revision:
    version, etag = location.get("version"), (location.get("eTag") or "").strip('"')
    exact = "".join([f"#version={version}" if version else "", f"#etag={etag}" if etag else ""])
    name = location["key"].rsplit("/", 1)[-1]
    label = f"{name} (version {version[:12]})" if version else name
    return Revision("S3", f"s3://{location.get('bucket', '')}/{location['key']}{exact}", label)


def parse_groups(answer: Answer) -> dict[str, DeploymentGroup]:
    """The deployment groups of a BatchGetDeploymentGroups answer by name, without their tags."""
    return {
        each["deploymentGroupName"]: _group(each)
        for each in answer.get("deploymentGroupsInfo", ())
        if each.get("deploymentGroupName")
    }


def _group(info: Answer) -> DeploymentGroup:
    alarms = info.get("alarmConfiguration", {})
    return DeploymentGroup(
        application=info.get("applicationName", ""),
        name=info["deploymentGroupName"],
        target_groups=target_groups_of(info),
        load_balancers=tuple(_names(info.get("loadBalancerInfo") or {}, "elbInfoList")),
        auto_scaling_groups=tuple(_names(info, "autoScalingGroups")),
        style=info.get("deploymentStyle", {}).get("deploymentType", "IN_PLACE"),
        deployment_config=info.get("deploymentConfigName"),
        alarms=tuple(_names(alarms, "alarms")) if alarms.get("enabled") else (),
        auto_rollback=info.get("autoRollbackConfiguration", {}).get("enabled", False),
        services=tuple(
            f"{each['clusterName']}/{each['serviceName']}"
            for each in info.get("ecsServices", ())
            if each.get("clusterName") and each.get("serviceName")
        ),
    )


def _names(answer: Answer, key: str) -> Iterator[str]:
    return (each["name"] for each in answer.get(key, ()) if each.get("name"))


def parse_tags(answer: Answer) -> dict[str, str]:
    """The tags of a ListTagsForResource answer."""
    return {each["Key"]: each.get("Value", "") for each in answer.get("Tags", ()) if "Key" in each}


def parse_targets(answer: Answer) -> tuple[DeploymentTarget, ...]:
    """The targets of a BatchGetDeploymentTargets answer: instances, task sets, functions or stacks."""
    found = (_target_of(each) for each in answer.get("deploymentTargets", ()))
    return tuple(_target(target) for target in found if target.get("targetId"))


def _target_of(described: Answer) -> Mapping[str, Any]:
    """The member that describes the target: instanceTarget, ecsTarget, lambdaTarget, cloudFormationTarget."""
    return next((value for key, value in described.items() if key.endswith("Target")), {})


def _target(target: Answer) -> DeploymentTarget:
    events, status = target.get("lifecycleEvents", ()), target.get("status", "Unknown")
    ends = [event["endTime"] for event in events if event.get("endTime")]
    failed = next((event for event in events if event.get("status") == "Failed"), None)
    ended = max(ends) if ends else target.get("lastUpdatedAt")
    return DeploymentTarget(
        # An instance is named by its id, and in some answers by its ARN.
        id=target["targetId"].rsplit("/", 1)[-1],
        status=status,
        completed=in_utc(ended) if status in _ENDED else None,
        failed_event=failed.get("lifecycleEventName") if failed else None,
        diagnostics=_diagnostics(failed.get("diagnostics") or {}) if failed else None,
    )


def _diagnostics(diagnostics: Answer) -> str | None:
    parts = (diagnostics.get(key) for key in ("errorCode", "scriptName", "message"))
    return ": ".join(filter(None, parts))[:MOST_DIAGNOSTICS] or None
