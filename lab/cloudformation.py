"""Deploys a transformed template: its resources on moto, its functions in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab.intrinsics import Resolver, StackError
from lab.loading import stable_hex
from lab.stack import STACK_NAME, EventRule, Function, QueueSource, Role, Stack
from lab.transform import as_text, parameter_values, transformed

# Resources that change nothing in the lab: permissions of services, logs, keys, our own alarms.
_WITHOUT_EFFECT = {
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Events::Rule",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}


class Deployment:
    """Deploys one template into one account and region."""

    def __init__(
        self,
        template: Path,
        parameters: Mapping[str, object],
        account: str,
        region: str,
        client: Callable[[str], Any],
    ) -> None:
        self._template = transformed(template, region)
        self._account = account
        self._region = region
        self._client = client
        self.stack = Stack()
        pseudo = {
            "AWS::Region": region,
            "AWS::AccountId": account,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": STACK_NAME,
            "AWS::StackId": f"arn:aws:cloudformation:{region}:{account}:stack/{STACK_NAME}/lab",
        }
        values = parameter_values(self._template.get("Parameters", {}), parameters)
        self._resolver = Resolver(self._template, values, pseudo, self._reference, self._attribute)
        self._resources = {
            name: resource
            for name, resource in self._template["Resources"].items()
            if "Condition" not in resource or self._resolver.condition(resource["Condition"])
        }

    def deploy(self) -> Stack:
        """Create everything; raises StackError for a resource the lab does not know."""
        creators: dict[str, Callable[[str, dict[str, Any]], None]] = {
            "AWS::DynamoDB::Table": self._table,
            "AWS::SQS::Queue": self._queue,
            "AWS::SNS::Topic": self._topic,
            "AWS::SSM::Parameter": self._parameter,
        }
        for name, resource in self._in_order():
            kind = resource["Type"]
            if kind in creators:
                creators[kind](name, self._properties(resource))
            elif kind not in _WITHOUT_EFFECT:
                raise StackError(f"{name}: the lab does not know {kind}")
        self._wire()
        self.stack.references = {name: self._reference(name) for name in self._resources}
        outputs = self._template.get("Outputs", {})
        self.stack.outputs = {
            name: str(self._resolver.resolve(one["Value"])) for name, one in outputs.items()
        }
        return self.stack

    def _in_order(self) -> list[tuple[str, dict[str, Any]]]:
        """Queues that others redrive to come first."""
        return sorted(
            self._resources.items(), key=lambda item: "RedrivePolicy" in item[1].get("Properties", {})
        )

    def _properties(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        properties: dict[str, Any] = self._resolver.resolve(resource.get("Properties", {}))
        return properties

    def _table(self, name: str, properties: dict[str, Any]) -> None:
        table = self._reference(name)
        allowed = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes")
        wanted = {key: properties[key] for key in allowed if key in properties}
        client = self._client("dynamodb")
        client.create_table(TableName=table, BillingMode="PAY_PER_REQUEST", **wanted)
        if "TimeToLiveSpecification" in properties:
            client.update_time_to_live(
                TableName=table, TimeToLiveSpecification=properties["TimeToLiveSpecification"]
            )

    def _queue(self, name: str, properties: dict[str, Any]) -> None:
        plain = (
            "VisibilityTimeout",
            "DelaySeconds",
            "MessageRetentionPeriod",
            "ReceiveMessageWaitTimeSeconds",
        )
        attributes = {key: str(properties[key]) for key in plain if key in properties}
        if "RedrivePolicy" in properties:
            attributes["RedrivePolicy"] = json.dumps(properties["RedrivePolicy"])
        made = self._client("sqs").create_queue(QueueName=self._physical(name), Attributes=attributes)
        if made["QueueUrl"] != self._reference(name):
            raise StackError(f"{name}: moto named the queue {made['QueueUrl']}, not {self._reference(name)}")
        self.stack.queues[name] = made["QueueUrl"]

    def _topic(self, name: str, properties: dict[str, Any]) -> None:
        made = self._client("sns").create_topic(Name=properties.get("TopicName", self._physical(name)))
        self.stack.topics.append(made["TopicArn"])

    def _parameter(self, name: str, properties: dict[str, Any]) -> None:
        self._client("ssm").put_parameter(
            Name=self._reference(name), Type=properties["Type"], Value=properties["Value"], Overwrite=True
        )

    def _wire(self) -> None:
        """Functions, roles, rules and queue sources."""
        builders: dict[str, Callable[[str, dict[str, Any]], None]] = {
            "AWS::IAM::Role": self._role,
            "AWS::Lambda::Function": self._function,
            "AWS::Events::Rule": self._rule,
            "AWS::Lambda::EventSourceMapping": self._source,
        }
        for name, resource in self._resources.items():
            if resource["Type"] in builders:
                builders[resource["Type"]](name, self._properties(resource))

    def _role(self, name: str, properties: dict[str, Any]) -> None:
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        documents += self._managed_policies(name)
        statements = [statement for document in documents for statement in _as_list(document["Statement"])]
        self.stack.roles[name] = Role(name, tuple(statements), tuple(properties.get("ManagedPolicyArns", [])))

    def _managed_policies(self, role: str) -> list[Any]:
        """The documents of the template's own managed policies that name the role."""
        kind = "AWS::IAM::ManagedPolicy"
        policies = [self._properties(each) for each in self._resources.values() if each["Type"] == kind]
        return [each["PolicyDocument"] for each in policies if self._reference(role) in each["Roles"]]

    def _function(self, name: str, properties: dict[str, Any]) -> None:
        invoke = self._invoke_config(name)
        variables = properties.get("Environment", {}).get("Variables", {})
        destination = invoke.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        dead_letters = properties.get("DeadLetterConfig", {}).get("TargetArn")
        code = self._resources[name]["Metadata"]["Code"]
        self.stack.functions[name] = Function(
            name=name,
            physical_name=self._reference(name),
            arn=self._attribute(name, "Arn"),
            handler=properties["Handler"],
            code=Path(code),
            environment={key: as_text(value) for key, value in variables.items()},
            timeout=float(properties.get("Timeout", 3)),
            memory=int(properties.get("MemorySize", 128)),
            role=self._role_name(self._resources[name]["Properties"]["Role"]),
            retries=int(invoke.get("MaximumRetryAttempts", 2)),
            on_failure=destination or dead_letters,
            reserved_concurrency=properties.get("ReservedConcurrentExecutions"),
        )

    def _invoke_config(self, function: str) -> dict[str, Any]:
        for resource in self._resources.values():
            if resource["Type"] == "AWS::Lambda::EventInvokeConfig":
                properties = self._properties(resource)
                if properties["FunctionName"] == self._reference(function):
                    return properties
        return {}

    def _role_name(self, role: Any) -> str:
        if isinstance(role, Mapping) and "Fn::GetAtt" in role:
            target = role["Fn::GetAtt"]
            return str(target.split(".")[0] if isinstance(target, str) else target[0])
        raise StackError(f"a function's role is expected as !GetAtt, not {role}")

    def _rule(self, name: str, properties: dict[str, Any]) -> None:
        if properties.get("State") == "DISABLED" or "EventPattern" not in properties:
            return
        arns = {function: self._attribute(function, "Arn") for function in self._functions()}
        targets = [target["Arn"] for target in properties.get("Targets", [])]
        woken = tuple(function for function, arn in arns.items() if arn in targets)
        self.stack.rules.append(EventRule(json.dumps(properties["EventPattern"]), woken))

    def _source(self, name: str, properties: dict[str, Any]) -> None:
        queue = next(
            (one for one in self.stack.queues if self._attribute(one, "Arn") == properties["EventSourceArn"]),
            None,
        )
        function = next(
            (one for one in self._functions() if self._reference(one) == properties["FunctionName"]), None
        )
        if queue is None or function is None:
            raise StackError(f"{name}: the lab knows only queues of the stack as sources, not {properties}")
        self.stack.sources.append(
            QueueSource(
                function=function,
                queue_arn=properties["EventSourceArn"],
                queue_url=self.stack.queues[queue],
                batch_size=int(properties.get("BatchSize", 10)),
                reports_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
            )
        )

    def _functions(self) -> list[str]:
        return [name for name, one in self._resources.items() if one["Type"] == "AWS::Lambda::Function"]

    def _physical(self, name: str) -> str:
        """A name as CloudFormation makes it: stack, logical id and some random digits."""
        return f"{STACK_NAME}-{name}-{stable_hex(name, length=12).upper()}"

    def _reference(self, name: str) -> str:
        """What Ref answers."""
        if name not in self._template["Resources"]:
            raise StackError(f"Ref to {name}, which is neither a parameter nor a resource")
        resource = self._template["Resources"][name]
        properties = resource.get("Properties", {})
        kind = resource["Type"]
        if kind == "AWS::SQS::Queue":
            return f"https://sqs.{self._region}.amazonaws.com/{self._account}/{self._physical(name)}"
        if kind == "AWS::SNS::Topic":
            return self._arn("sns", self._named(properties, "TopicName", name))
        named = {
            "AWS::SSM::Parameter": "Name",
            "AWS::DynamoDB::Table": "TableName",
            "AWS::Lambda::Function": "FunctionName",
            "AWS::Logs::LogGroup": "LogGroupName",
        }
        return self._named(properties, named.get(kind, ""), name)

    def _named(self, properties: Mapping[str, Any], key: str, name: str) -> str:
        return str(self._resolver.resolve(properties[key])) if key in properties else self._physical(name)

    def _attribute(self, name: str, attribute: str) -> str:
        """What GetAtt answers."""
        kind = self._template["Resources"][name]["Type"]
        reference = self._reference(name)
        if kind == "AWS::Lambda::Url":
            return f"https://{stable_hex(name)}.lambda-url.{self._region}.on.aws/"
        if attribute in ("QueueName", "TopicName"):
            return self._physical(name)
        arns = {
            "AWS::SQS::Queue": ("sqs", self._physical(name)),
            "AWS::DynamoDB::Table": ("dynamodb", f"table/{reference}"),
            "AWS::Lambda::Function": ("lambda", f"function:{reference}"),
            "AWS::Logs::LogGroup": ("logs", f"log-group:{reference}:*"),
            "AWS::Events::Rule": ("events", f"rule/{self._physical(name)}"),
            "AWS::KMS::Key": ("kms", f"key/{stable_hex(name, length=32)}"),
            "AWS::SSM::Parameter": ("ssm", f"parameter{reference}"),
        }
        if kind == "AWS::IAM::Role":
            return f"arn:aws:iam::{self._account}:role/{self._physical(name)}"
        if kind == "AWS::SNS::Topic":
            return reference
        if attribute != "Arn" or kind not in arns:
            raise StackError(f"the lab does not know {name}.{attribute} of {kind}")
        return self._arn(*arns[kind])

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self._region}:{self._account}:{resource}"


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
