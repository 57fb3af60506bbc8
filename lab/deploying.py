"""What CodeDeploy does: deployments that begin, go on, are stopped and rolled back, by the clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from lab.clock import Clock
from lab.cloudtrail import Event
from lab.deployments import GroupKey, Run, TargetRun, application_tags, groups_of, location, same
from lab.loading import stable_hex
from lab.loading_deployments import CLASSIC, FINAL_STATUSES
from lab.scenario import Deployment, Revision, Scenario

QUEUE_TIME = timedelta(seconds=5)

STOP_TIME = timedelta(seconds=20)

ALARM_POLL = timedelta(seconds=10)

USUAL_LENGTH = timedelta(minutes=4)

LONGEST_LENGTH = timedelta(minutes=15)


class Deployments:
    """Everything CodeDeploy holds, and what it does when asked to stop or to deploy."""

    def __init__(self, scenario: Scenario, clock: Clock) -> None:
        self._scenario = scenario
        self._clock = clock
        self.groups = groups_of(scenario)
        self.application_tags = application_tags(scenario)
        self._runs = [self._from_scenario(deployment) for deployment in scenario.deployments]
        self._made = 0

    def visible(self, key: GroupKey | None = None) -> list[Run]:
        """The deployments created by now, newest first."""
        now = self._clock.now()
        runs = [run for run in self._runs if run.created <= now and key in (None, run.key)]
        return sorted(runs, key=lambda run: run.created, reverse=True)

    def all(self) -> list[Run]:
        """Also those that are still to come."""
        return list(self._runs)

    def find(self, id_: str) -> Run | None:
        """The deployment of that id, once it exists."""
        return next((run for run in self.visible() if run.id == id_), None)

    def active(self, key: GroupKey) -> Run | None:
        """The deployment that runs in the group now; there is never more than one."""
        now = self._clock.now()
        return next((run for run in self.visible(key) if run.is_running(now)), None)

    def succeeded(self, key: GroupKey) -> list[Run]:
        """The successful deployments of the group, newest first."""
        now = self._clock.now()
        done = [run for run in self.visible(key) if run.status(now) == "Succeeded"]
        return sorted(done, key=lambda run: run.completed or run.created, reverse=True)

    def knows(self, revision: Revision) -> bool:
        """Whether that revision was ever deployed, so is registered with CodeDeploy."""
        return any(same(run.revision, revision) for run in self._runs)

    def create(
        self, key: GroupKey, revision: Revision, asked: Mapping[str, Any], by: str, red: set[str]
    ) -> Run:
        """Begin a deployment; alarms of the group that are red stop it unless overridden."""
        now = self._clock.now()
        run = self._new_run(key, revision, now, creator="user", by=by)
        run.asked = asked
        run.ours = True
        run.description = str(asked.get("description", ""))
        run.config = str(asked.get("deploymentConfigName") or self.groups[key].config)
        if self._stopped_by_alarm(key, asked, red):
            self._end_early(run, "Stopped", "ALARM_ACTIVE", "One or more alarms have been activated")
        elif self._is_gone(revision):
            self._end_early(run, "Failed", "REVISION_MISSING", "The revision could not be found in Amazon S3")
        elif self._scenario.after_rollback == "deployment_fails":
            self._fail(run)
        self._runs.append(run)
        return run

    def stop(self, run: Run, *, roll_back: bool, by: str) -> Run | None:
        """Stop a running deployment; with roll_back a new one of the last good revision follows."""
        now = self._clock.now()
        run.completed = now + STOP_TIME
        run.final_status = "Stopped"
        run.error = ("MANUAL_STOP", "The deployment was stopped by a user")
        for target in run.targets:
            if target.completed is None or target.completed > run.completed:
                target.completed, target.final_status = (
                    run.completed,
                    "Skipped" if target.started is None or target.started > now else "Failed",
                )
        return self._roll_back(run, by) if roll_back else None

    def heals(self, run: Run) -> bool:
        """Whether the incident is over once that deployment has succeeded.

        A rollback that the scenario calls wrong heals nothing.
        """
        scenario = self._scenario
        if not run.ours or run.final_status != "Succeeded" or scenario.after_rollback != "recovers":
            return False
        if scenario.expect.rollback is False:
            return False
        trigger = next((one for one in self._runs if one.id == scenario.expect.trigger_id), None)
        return trigger is None or (trigger.key == run.key and not same(trigger.revision, run.revision))

    def events(self) -> Iterable[Event]:
        """What CloudTrail records of the deployments, CodeDeploy's own moves of targets included."""
        for run in self.visible():
            service = None if run.creator == "user" else "codedeploy.amazonaws.com"
            yield Event(
                run.created,
                "CreateDeployment",
                "codedeploy",
                run.by,
                (run.id,),
                {
                    "applicationName": run.key[0],
                    "deploymentGroupName": run.key[1],
                    "revision": location(run.revision),
                },
                invoked_by=service,
            )
            yield from self._target_moves(run)

    def _target_moves(self, run: Run) -> Iterable[Event]:
        """In place, CodeDeploy takes each target out of its groups and puts it back."""
        if run.platform != "Server" or run.style != "in_place":
            return
        now = self._clock.now()
        for target in run.targets:
            moves = (("DeregisterTargets", target.started), ("RegisterTargets", target.completed))
            for name, at in moves:
                if at is not None and at <= now:
                    for group in run.target_groups:
                        if group.startswith(CLASSIC):
                            yield _classic_move(at, name, target.id, group.removeprefix(CLASSIC))
                            continue
                        yield Event(
                            at,
                            name,
                            "elasticloadbalancing",
                            "AWSCodeDeployRole",
                            (target.id,),
                            {"targetGroupArn": self._target_group_arn(group), "targets": [{"id": target.id}]},
                            invoked_by="codedeploy.amazonaws.com",
                        )

    def _target_group_arn(self, name: str) -> str:
        head = f"arn:aws:elasticloadbalancing:{self._scenario.region}:{self._scenario.account}"
        return f"{head}:targetgroup/{name}/{stable_hex('tg', name)}"

    def _from_scenario(self, given: Deployment) -> Run:
        moment = self._scenario.moment
        created = moment(given.created)
        started = moment(given.started) if given.started is not None else None
        completed = moment(given.completed) if given.completed is not None else None
        if started is None and (completed is not None or given.status not in ("Created", "Queued")):
            started = created + QUEUE_TIME
        final = given.status if given.status in FINAL_STATUSES else "Succeeded"
        running = "InProgress" if given.status in FINAL_STATUSES else given.status
        run = Run(
            id=given.id,
            key=(given.application, given.group),
            created=created,
            started=started,
            completed=completed,
            final_status=final,
            revision=given.revision,
            creator=given.creator,
            by=given.by,
            running_status=running,
            description=given.description,
            config=given.config,
            platform=given.platform,
            style=given.style,
            target_groups=given.target_groups or self.groups[given.application, given.group].target_groups,
            overview=given.overview,
            rollback_of=given.rollback_of,
            rolled_back_by=given.rolled_back_by,
            error=_error(given),
            termination_wait_started=given.termination_wait_started,
            external_id=given.external_id,
        )
        run.targets = self._given_targets(given) or self._planned_targets(run)
        return run

    def _given_targets(self, given: Deployment) -> list[TargetRun]:
        """The targets as the scenario gives them; each starts when the one before it is done."""
        begun = self._scenario.moment(given.started if given.started is not None else given.created)
        targets: list[TargetRun] = []
        for one in sorted(given.targets, key=lambda one: (one.completed is None, one.completed or 0.0)):
            completed = self._scenario.moment(one.completed) if one.completed is not None else None
            waiting = one.completed is None and one.status == "Pending"
            final = one.status if one.status not in ("Pending", "InProgress") else "Succeeded"
            targets.append(TargetRun(one.id, None if waiting else begun, completed, final))
            begun = completed or begun
        return targets

    def _planned_targets(self, run: Run) -> list[TargetRun]:
        """One at a time, half or all at once, evenly over the deployment's length."""
        ids = self.groups[run.key].instances
        if not ids or run.started is None:
            return [TargetRun(id_, None, None) for id_ in ids]
        length = (run.completed - run.started) if run.completed else USUAL_LENGTH
        together = _together(run.config if run.style == "in_place" else "AllAtOnce", len(ids))
        waves = -(-len(ids) // together)
        step = length / waves
        final = "Succeeded" if run.final_status == "Succeeded" else run.final_status
        return [
            TargetRun(
                id_,
                run.started + step * (index // together),
                run.started + step * (index // together + 1),
                "Failed"
                if final in ("Failed", "Stopped") and index // together == waves - 1
                else "Succeeded",
            )
            for index, id_ in enumerate(ids)
        ]

    def _new_run(self, key: GroupKey, revision: Revision, created: datetime, *, creator: str, by: str) -> Run:
        self._made += 1
        group = self.groups[key]
        started = created + QUEUE_TIME
        run = Run(
            id=f"d-{stable_hex(self._scenario.name, 'made', self._made, length=9).upper()}",
            key=key,
            created=created,
            started=started,
            completed=started + self._usual_length(key),
            final_status="Succeeded",
            revision=revision,
            creator=creator,
            by=by,
            config=group.config,
            platform=group.platform,
            style=group.style,
            target_groups=group.target_groups,
        )
        run.targets = self._planned_targets(run)
        return run

    def _usual_length(self, key: GroupKey) -> timedelta:
        """As long as the group's last successful deployment took."""
        for run in self.succeeded(key):
            if run.started and run.completed and run.completed > run.started:
                return min(run.completed - run.started, LONGEST_LENGTH)
        return USUAL_LENGTH

    def _roll_back(self, run: Run, by: str) -> Run | None:
        good = next((one for one in self.succeeded(run.key) if one is not run), None)
        if good is None or run.completed is None:
            run.rollback_message = (
                "The deployment cannot be rolled back: there is no successful deployment before it"
            )
            return None
        created = run.completed + timedelta(seconds=1)
        rollback = self._new_run(run.key, good.revision, created, creator="codeDeployRollback", by=by)
        rollback.rollback_of = run.id
        rollback.ours = True
        rollback.description = f"Rollback of deployment {run.id}"
        if self._scenario.after_rollback == "deployment_fails":
            self._fail(rollback)
        run.rolled_back_by = rollback.id
        run.rollback_message = f"Deployment {rollback.id} is rolling back deployment {run.id}"
        self._runs.append(rollback)
        return rollback

    def _fail(self, run: Run) -> None:
        message = "The overall deployment failed because too many individual instances failed deployment"
        run.final_status, run.error = "Failed", ("HEALTH_CONSTRAINTS", message)
        for target in run.targets:
            target.final_status = "Failed"

    def _end_early(self, run: Run, status: str, code: str, message: str) -> None:
        run.completed = (run.started or run.created) + ALARM_POLL
        run.final_status, run.error = status, (code, message)
        for target in run.targets:
            target.started, target.completed, target.final_status = run.started, run.completed, "Skipped"

    def _stopped_by_alarm(self, key: GroupKey, asked: Mapping[str, Any], red: set[str]) -> bool:
        override = asked.get("overrideAlarmConfiguration")
        if override is not None and not override.get("enabled", False):
            return False
        alarms = (
            [alarm["name"] for alarm in override.get("alarms", [])] if override else self.groups[key].alarms
        )
        return any(name in red for name in alarms)

    def _is_gone(self, revision: Revision) -> bool:
        return any(same(run.revision, revision) and run.revision.gone for run in self._runs)


def _together(config: str, count: int) -> int:
    if config.endswith("AllAtOnce"):
        return count
    return max(1, count // 2) if config.endswith("HalfAtATime") else 1


def _classic_move(at: datetime, name: str, instance: str, balancer: str) -> Event:
    """The same of a Classic Load Balancer, whose calls have names of their own."""
    names = {
        "DeregisterTargets": "DeregisterInstancesFromLoadBalancer",
        "RegisterTargets": "RegisterInstancesWithLoadBalancer",
    }
    return Event(
        at,
        names[name],
        "elasticloadbalancing",
        "AWSCodeDeployRole",
        (balancer, instance),
        {"loadBalancerName": balancer, "instances": [{"instanceId": instance}]},
        invoked_by="codedeploy.amazonaws.com",
    )


def _error(given: Deployment) -> tuple[str, str] | None:
    if given.error_code:
        return given.error_code, given.error_message or given.error_code
    if given.status == "Failed":
        return "HEALTH_CONSTRAINTS", given.error_message or "Too many individual instances failed deployment"
    if given.status == "Stopped":
        return "MANUAL_STOP", given.error_message or "The deployment was stopped by a user"
    return None
