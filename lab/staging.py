"""Stages a scenario: AWS as it stands at the alarm, the stack as deployed, and the time after it."""

from __future__ import annotations

import functools
import json
import math
import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import boto3
from moto import mock_aws
from moto.moto_api._internal import mock_random
from moto.s3.models import s3_backends
from moto.sns.models import Subscription

from lab import buttons, figures, loading, recorder
from lab.alarms import Alarms
from lab.balancer import Balancer
from lab.checks import check_describe_tags, check_publish
from lab.clock import Clock
from lab.cloudformation import Deployment
from lab.cloudtrail import CloudTrail, changes_of
from lab.cloudwatch import CloudWatch
from lab.codedeploy import CodeDeploy
from lab.deploying import Deployments
from lab.deployments import Run
from lab.fleet import Fleet
from lab.functions import Functions, Invocation
from lab.mailbox import Mailbox, SnsMessage
from lab.metrics import MetricStore
from lab.recorder import Call
from lab.runtime import Happening, Runtime
from lab.scenario import Scenario
from lab.slack import SIGNING_SECRET, Slack, SlackMessage
from lab.stack import Stack
from lab.systems import Stage, systems
from lab.transform import TEMPLATE, transformed
from lab.wire import FAULT_KINDS, Fault, Wire

ALARM_FUNCTION = "AlarmFunction"
SLACK_FUNCTION = "SlackFunction"
KILL_SWITCH = "/gateway-triage/rollback-enabled"
# An alarm over one period goes back to OK two to three minutes after the errors have stopped.
CLEARS_AFTER = timedelta(minutes=3)


class HandlerFailedError(RuntimeError):
    """The alarm handler raised, which it never should."""


class Lab:
    """A staged incident. Use `Lab.stage(...)` as a context manager."""

    def __init__(self, scenario: Scenario, wire: Wire, clock: Clock, slack: Slack) -> None:
        self.scenario = scenario
        self.wire = wire
        self.clock = clock
        self.slack = slack
        self.balancer = Balancer(scenario)
        self.metrics = self._draw(None)
        self.alarms = Alarms(scenario, clock, self.metrics, self.balancer.dimensions)
        self.deployments = Deployments(scenario, clock)
        self.codedeploy = CodeDeploy(
            scenario, clock, self.deployments, self.alarms.red, lambda: wire.function or "lab"
        )
        self.cloudtrail = CloudTrail(clock, scenario.account, scenario.region, scenario.cloudtrail_delay)
        self.cloudwatch = CloudWatch(clock, self.metrics, scenario.minute_zero)
        self.fleet = Fleet(scenario, clock)
        self.functions = Functions(clock, scenario.account, scenario.region)
        self.stack = Stack()
        self.recovered_at: datetime | None = None
        self._runtime: Runtime | None = None
        self._session: boto3.session.Session | None = None
        self._clients: dict[str, Any] = {}
        self._noted: dict[str, str] = {}
        self._secret_arn = ""

    @classmethod
    @contextmanager
    def stage(
        cls,
        scenario: Scenario | Path | str,
        mode: str | None = None,
        parameters: Mapping[str, object] | None = None,
        *,
        latency: float = 0.0,
        faults: Mapping[str, str | Fault] | None = None,
        template: Path = TEMPLATE,
        slack: bool = True,
    ) -> Iterator[Lab]:
        """Stage a scenario (by name, by path, or as loaded) and deploy the template.

        `mode` and `parameters` are the template's; `latency` is added to every AWS call, in real seconds;
        `faults` maps `service.Operation` to a kind of fault, besides those of the scenario.
        """
        if not isinstance(scenario, Scenario):
            scenario = loading.load(scenario)
        clock = Clock(scenario.at)
        wire = Wire(clock, latency, _faults(scenario.faults) | _faults(faults or {}))
        # The transform imports and caches; it must not happen under virtual time.
        transformed(template, scenario.region)
        with ExitStack() as context:
            context.enter_context(patch.dict(os.environ, _environment(scenario)))
            context.enter_context(mock_aws())
            context.enter_context(patch.object(Subscription, "private_key", _signing_key))
            mock_random.seed(scenario.name)
            server = context.enter_context(Slack())
            context.enter_context(clock.running())
            context.enter_context(wire.connected())
            lab = cls(scenario, wire, clock, server)
            lab._stage_aws()
            lab._deploy(template, _mode(scenario, mode), parameters or {}, with_slack=slack)
            yield lab

    @property
    def runtime(self) -> Runtime:
        """What moves the events."""
        assert self._runtime is not None, "the lab is not staged"
        return self._runtime

    @property
    def calls(self) -> list[Call]:
        """Every AWS call that a function made."""
        return self.wire.calls

    @property
    def events(self) -> list[Happening]:
        """What happened, in order, for people to read."""
        return self.runtime.happenings

    @property
    def invocations(self) -> list[Invocation]:
        """Every run of a function."""
        return self.functions.invocations

    @property
    def logs(self) -> str:
        """All that the functions printed."""
        return "".join(invocation.output for invocation in self.invocations)

    @property
    def documents(self) -> list[Mapping[str, Any]]:
        """The documents that the functions returned, in order."""
        results = [invocation.result for invocation in self.invocations]
        return [result for result in results if isinstance(result, Mapping) and "schema_version" in result]

    @property
    def slack_messages(self) -> list[SlackMessage]:
        """Everything posted to Slack, refused or not."""
        return self.slack.messages

    @property
    def sns_messages(self) -> list[SnsMessage]:
        """Everything published to the topic."""
        self._mailbox.read()
        return self._mailbox.messages

    @property
    def created_deployments(self) -> list[Mapping[str, Any]]:
        """The parameters of every CreateDeployment that was accepted, with its deploymentId."""
        return self.codedeploy.created

    @property
    def stopped_deployments(self) -> list[Mapping[str, Any]]:
        """The parameters of every StopDeployment that was accepted."""
        return self.codedeploy.stopped

    @property
    def target_group_arns(self) -> Mapping[str, str]:
        """Target group name -> ARN."""
        return self.balancer.target_group_arns

    def client(self, service: str) -> Any:
        """A client of the lab's own; its calls are not recorded."""
        if self._session is None:
            self._session = boto3.session.Session(
                aws_access_key_id="LAB",
                aws_secret_access_key="lab",  # noqa: S106 - no credentials reach moto
                region_name=self.scenario.region,
            )
        if service not in self._clients:
            self._clients[service] = cast("Any", self._session).client(service)
        return self._clients[service]

    def run_alarm(self, *, raise_errors: bool = True) -> Mapping[str, Any]:
        """Send the alarm, deliver what is due at once, and return the alarm handler's document.

        Raises HandlerFailedError when the handler raised; with raise_errors=False an empty document comes
        back, and the retries come with the time, as in Lambda.
        """
        invocation = self.send(self.alarm_event())
        self.runtime.deliver_now()
        self._mailbox.read()
        if invocation is None:
            return {}
        if invocation.failed and raise_errors:
            raise HandlerFailedError(invocation.error)
        result = invocation.result
        return result if isinstance(result, Mapping) else {}

    def alarm_event(self, state: str | None = None) -> Any:
        """The event of the alarm, as of now."""
        alarm = self.scenario.alarm
        return self.alarms.event(alarm, state or alarm.state, self.clock.now())

    def send(self, event: Any) -> Invocation | None:
        """Send an event by its own way: through the rules, or straight to the alarm function."""
        if isinstance(event, Mapping) and "detail-type" in event:
            invocations = self.runtime.put_event(event)
            return invocations[0] if invocations else None
        self.runtime.note("event", "an alarm, delivered without EventBridge", event)
        return self.runtime.invoke_asynchronously(ALARM_FUNCTION, event)

    def run_until(self, minutes: float = 30) -> None:
        """Let time pass until so many minutes after the minute of the alarm."""
        self.runtime.run_until(self.scenario.moment(minutes))
        self._mailbox.read()

    def press(
        self, action_id: str, user: str = "U0LABPERSON", *, message: SlackMessage | None = None
    ) -> Invocation:
        """Press a button of the newest Slack message that has it; the Slack function answers."""
        found = message or next(
            one
            for one in reversed(self.slack.messages)
            if any(b.get("action_id") == action_id for b in one.buttons())
        )
        button = next(one for one in found.buttons() if one.get("action_id") == action_id)
        return self.runtime.invoke(
            SLACK_FUNCTION, self.slack_request(buttons.pressed(button, found, user, self.slack.url))
        )

    def slack_request(self, payload: Mapping[str, Any], secret: str = SIGNING_SECRET) -> dict[str, Any]:
        """A Function URL event with a request of Slack's, signed now."""
        return buttons.request(payload, self.clock.now(), secret)

    def depth(self, invocation: int = 1) -> int:
        """The longest chain of AWS calls, each after the one before, in that invocation (by its number)."""
        return recorder.depth(call for call in self.calls if call.invocation == invocation)

    def items(self) -> list[dict[str, Any]]:
        """Everything in the stack's table."""
        table = self.stack.references["Table"]
        found: list[dict[str, Any]] = self.client("dynamodb").scan(TableName=table)["Items"]
        return found

    def set_kill_switch(self, value: str | None) -> None:
        """Set the kill switch, or take it away (None)."""
        if value is None:
            self.client("ssm").delete_parameter(Name=KILL_SWITCH)
        else:
            self.client("ssm").put_parameter(Name=KILL_SWITCH, Value=value, Type="String", Overwrite=True)

    def _draw(self, recovered_from: int | None) -> MetricStore:
        return _drawn(self.scenario, recovered_from, self.balancer.dimensions)

    def _stage_aws(self) -> None:
        self.balancer.stage()
        self.fleet.vpc_id, self.fleet.subnets = self.balancer.vpc_id, self.balancer.subnets
        for event in changes_of(self.scenario):
            self.cloudtrail.add(event)
        self.cloudtrail.add_source(self.deployments.events)
        self._answer()

    def _answer(self) -> None:
        """Say which operations the lab answers instead of moto."""
        self.wire.answer("cloudwatch", self.cloudwatch.operations() | self.alarms.operations())
        self.wire.answer("elbv2", self.balancer.operations())
        self.wire.answer("codedeploy", self.codedeploy.operations(), whole_service=True)
        self.wire.answer("cloudtrail", self.cloudtrail.operations(), whole_service=True)
        self.wire.answer("ec2", self.fleet.operations())
        stage = Stage(self.scenario, self.clock)
        for key, system in systems().items():
            staged = system.Staged(stage, self.scenario.systems.get(key))
            for service, operations in staged.operations().items():
                self.wire.answer(service, operations, whole_service=service in getattr(system, "WHOLE", ()))
        for operation in ("HeadObject", "GetObject", "HeadBucket", "ListObjectsV2", "ListObjectVersions"):
            self.wire.check("s3", operation, self._stage_revisions)
        self.wire.check("sns", "Publish", check_publish)
        self.wire.check("elbv2", "DescribeTags", check_describe_tags)

    def _deploy(
        self, template: Path, mode: str, parameters: Mapping[str, object], *, with_slack: bool
    ) -> None:
        given: dict[str, object] = {"RollbackMode": mode} | dict(parameters)
        declared = transformed(template, self.scenario.region).get("Parameters", {})
        if with_slack and "SlackSecretArn" in declared and "SlackSecretArn" not in given:
            given["SlackSecretArn"] = self._slack_secret()
        deployment = Deployment(template, given, self.scenario.account, self.scenario.region, self.client)
        self.stack = deployment.deploy()
        self._runtime = Runtime(
            self.stack,
            self.functions,
            self.wire,
            self.clock,
            self.client,
            self.scenario.account,
            self.scenario.region,
        )
        self._runtime.milestones = self._milestones
        self._runtime.at_each_stop = self._look_at_deployments
        self._mailbox = Mailbox(self.stack.topics, self.client, self.scenario.account, self.scenario.region)
        if KILL_SWITCH in self.stack.references.values():
            self.set_kill_switch(self.scenario.kill_switch)
        if self.scenario.alarm_clears is not None:
            self._runtime.at(self.scenario.moment(self.scenario.alarm_clears), self._clear)
        self._noted = {run.id: run.status(self.clock.now()) for run in self.deployments.visible()}

    def _slack_secret(self) -> str:
        secret = json.dumps({"webhook_url": self.slack.webhook_url, "signing_secret": SIGNING_SECRET})
        made = self.client("secretsmanager").create_secret(Name="lab/slack", SecretString=secret)
        arn: str = made["ARN"]
        return arn

    def _stage_revisions(self, _: Mapping[str, Any]) -> None:
        """Put the bundles of the revisions into S3, once, when somebody first asks for one."""
        backend = s3_backends[self.scenario.account]["aws"]
        for given in self.scenario.deployments:
            revision = given.revision
            if not revision.key:
                continue
            if revision.bucket not in backend.buckets:
                backend.create_bucket(revision.bucket, self.scenario.region)
            if not revision.gone and revision.key not in backend.buckets[revision.bucket].keys:
                backend.put_object(revision.bucket, revision.key, b"bundle")

    def _milestones(self) -> Iterator[datetime]:
        """When deployments begin and end."""
        for run in self.deployments.all():
            for moment in (run.created, run.started, run.completed):
                if moment is not None:
                    yield moment

    def _look_at_deployments(self) -> None:
        """Note what deployments did, and let the service recover when the right one has succeeded."""
        now = self.clock.now()
        for run in reversed(self.deployments.visible()):
            status = run.status(now)
            if self._noted.get(run.id) != status:
                self._noted[run.id] = status
                self.runtime.note("deployment", f"{run.id} ({'/'.join(run.key)}) {status}", run)
                if status == "Succeeded" and self.deployments.heals(run):
                    self._recover(run)

    def _recover(self, run: Run) -> None:
        if self.recovered_at is not None:
            return
        self.recovered_at = run.completed or self.clock.now()
        minute = math.ceil((self.recovered_at - self.scenario.minute_zero).total_seconds() / 60)
        self.metrics = self._draw(minute)
        self.cloudwatch.store = self.metrics
        self.balancer.recovered = True
        self.runtime.note("recovery", f"errors end with {run.id}")
        if self.scenario.alarm_clears is None:
            self.runtime.at(self.recovered_at + CLEARS_AFTER, self._clear)

    def _clear(self) -> None:
        """The alarm goes back to OK and says so."""
        if self.alarms.cleared_at is not None or self.scenario.alarm.state != "ALARM":
            return
        self.alarms.cleared_at = self.clock.now()
        self.send(self.alarms.event(self.scenario.alarm, "OK", self.clock.now()))


def _faults(given: Mapping[str, str | Fault]) -> dict[str, Fault]:
    faults = {name: Fault(fault) if isinstance(fault, str) else fault for name, fault in given.items()}
    for name, fault in faults.items():
        if fault.kind not in FAULT_KINDS or name.count(".") != 1:
            raise ValueError(
                f"fault {name}: {fault.kind} is not one of {', '.join(FAULT_KINDS)} for service.Operation"
            )
    return faults


_make_signing_key = Subscription.private_key.__wrapped__


@functools.cache
def _the_signing_key() -> Any:
    return _make_signing_key(None)


def _signing_key(_: Subscription) -> Any:
    """One key a process: moto would make one for each subscription, a tenth of a second each."""
    return _the_signing_key()


_MOST_STORES = 8
_stores: OrderedDict[tuple[int, int | None], MetricStore] = OrderedDict()


def _drawn(scenario: Scenario, recovered_from: int | None, dimensions: Mapping[str, str]) -> MetricStore:
    """The series of a scenario; those staged last are kept in the process, with the answers about them."""
    key = (id(scenario), recovered_from)
    if key not in _stores or _stores[key].scenario is not scenario:
        drawn = figures.draw(scenario, recovered_from)
        _stores[key] = MetricStore(scenario, drawn, dimensions, recovered_from)
    _stores.move_to_end(key)
    if len(_stores) > _MOST_STORES:
        _stores.popitem(last=False)
    return _stores[key]


def _environment(scenario: Scenario) -> dict[str, str]:
    """What moto goes by; its thousand machine images would take a fifth of a second."""
    return {
        "AWS_DEFAULT_REGION": scenario.region,
        "MOTO_ACCOUNT_ID": scenario.account,
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    }


def _mode(scenario: Scenario, mode: str | None) -> str:
    return scenario.mode if mode is None else mode
