"""Lambda: the functions behind load balancers and APIs, their figures, and what their logs say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lab.errors import AwsError
from lab.metrics import EMPTY
from lab.scenario import Scenario
from lab.strict import Section, read
from lab.systems import Stage, functions_log
from lab.systems.functions_data import FunctionData, function
from lab.systems.functions_figures import NAMESPACE, Figures, of_account
from lab.wire import Answer

KEY = "functions"
Data = Mapping[str, FunctionData]
QUIET = {"invocations": "4421", "duration": "0.09"}


def load(section: Section, scenario_name: str) -> Data:  # noqa: ARG001 - one interface for all systems
    """Read the section `functions`: each by its name."""
    names = list(section.keys())
    found = {name: read(section.section(name), function, name) for name in names}
    section.finish()
    return found


def quiet(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A case's functions, each over a quiet one."""
    return {name: {**QUIET, **(each or {})} for name, each in given.items()}


def series(
    scenario: Scenario,
    data: Data,
    namespace: str,
    name: str,
    dimensions: dict[str, str],
    recovered_from: int | None,
) -> Any:
    """The samples of one of Lambda's metrics; None for what is not Lambda's."""
    if namespace != NAMESPACE:
        return None
    if not dimensions:
        return of_account(scenario, data.values(), name)
    asked = data.get(dimensions.get("FunctionName", ""))
    if asked is None or asked.absent:
        return EMPTY
    return Figures(scenario, asked, recovered_from).series(name, dimensions)


def log_events(scenario: Scenario, data: Data) -> Mapping[str, list[tuple[datetime, str]]]:
    """The lines by log group; a function that may not write has no log group."""
    found: dict[str, list[tuple[datetime, str]]] = {}
    for each in data.values():
        if each.writes_log:
            found.setdefault(each.log_group, []).extend(functions_log.events(scenario, each))
    return found


class Staged:
    """What Lambda answers."""

    def __init__(self, stage: Stage, data: Data | None) -> None:
        self._scenario = stage.scenario
        self._data: Data = data or {}

    def operations(self) -> dict[str, dict[str, Answer]]:
        """The operations by boto3's name of the service; the stack's own functions are not asked so."""
        return {
            "lambda": {
                "GetFunctionConfiguration": self.get_function_configuration,
                "GetFunctionConcurrency": self.get_function_concurrency,
                "GetAccountSettings": self.get_account_settings,
                "GetPolicy": self.get_policy,
                "ListAliases": self.list_aliases,
                "ListVersionsByFunction": self.list_versions_by_function,
            }
        }

    def _asked(self, parameters: Mapping[str, Any]) -> FunctionData:
        name = parameters["FunctionName"].split(":function:")[-1].partition(":")[0]
        data, qualifier = self._data.get(name), parameters.get("Qualifier")
        known = data is not None and qualifier in (None, "$LATEST", data.alias, *self._versions(data))
        if data is None or data.absent or not known:
            raise AwsError("ResourceNotFoundException", f"Function not found: {self._arn(name)}", 404)
        return data

    def _arn(self, name: str) -> str:
        return f"arn:aws:lambda:{self._scenario.region}:{self._scenario.account}:function:{name}"

    def _at(self, minute: float) -> str:
        return self._scenario.moment(minute).strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    @staticmethod
    def _versions(data: FunctionData) -> Mapping[str, float]:
        """Every published version and when it was; what the alias points to exists in any case."""
        return {data.version: data.modified, **dict.fromkeys(data.weights, data.modified), **data.versions}

    def get_function_configuration(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The settings of the newest code, or of the version behind an alias."""
        data, qualifier = self._asked(parameters), parameters.get("Qualifier")
        version = data.version if qualifier and qualifier == data.alias else qualifier or "$LATEST"
        return self._configuration(data, version)

    def _configuration(self, data: FunctionData, version: str) -> dict[str, Any]:
        modified = self._versions(data).get(version, data.modified)
        found: dict[str, Any] = {
            "FunctionName": data.name,
            "FunctionArn": self._arn(data.name),
            "Runtime": data.runtime,
            "Role": f"arn:aws:iam::{self._scenario.account}:role/{data.role}",
            "Handler": "app.handler",
            "Timeout": data.timeout,
            "MemorySize": data.memory,
            "LastModified": self._at(modified),
            "CodeSha256": hashlib.sha256(f"{data.name}/{version}".encode()).hexdigest(),
            "Version": version,
            "State": data.state,
            "LastUpdateStatus": data.update_status,
            "PackageType": "Zip",
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": data.log_group},
            "Environment": {"Variables": {"STAGE": "prod", **data.environment}},
        }
        if data.environment_error:
            code, _, text = data.environment_error.partition(": ")
            found["Environment"] = {"Error": {"ErrorCode": code, "Message": text or code}}
        if data.key:
            found["KMSKeyArn"] = (
                f"arn:aws:kms:{self._scenario.region}:{self._scenario.account}:key/{data.key}"
            )
        for told, name in (
            (data.state_reason, "StateReason"),
            (data.update_reason, "LastUpdateStatusReason"),
        ):
            if told:
                code, _, text = told.partition(": ")
                found |= {f"{name}Code": code, name: text or code}
        return found

    def get_function_concurrency(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The reserved concurrency; without one the answer is empty."""
        reserved = self._asked(parameters).reserved
        return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}

    def get_account_settings(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the account may run at once."""
        del parameters
        limit = next((each.account_limit for each in self._data.values()), 1000)
        return {"AccountLimit": {"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": limit}}

    def get_policy(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The resource policy; without one there is no such resource."""
        data = self._asked(parameters)
        if data.callers is None:
            raise AwsError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
        statements = [
            {
                "Sid": f"caller-{index}",
                "Effect": "Allow",
                "Principal": {"Service": caller},
                "Action": "lambda:InvokeFunction",
                "Resource": self._arn(data.name),
            }
            for index, caller in enumerate(data.callers)
        ]
        return {"Policy": json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": statements})}

    def list_aliases(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The alias, where there is one."""
        data = self._asked(parameters)
        if data.alias is None:
            return {"Aliases": []}
        found: dict[str, Any] = {
            "AliasArn": f"{self._arn(data.name)}:{data.alias}",
            "Name": data.alias,
            "FunctionVersion": data.version,
        }
        if data.weights:
            found["RoutingConfig"] = {"AdditionalVersionWeights": dict(data.weights)}
        return {"Aliases": [found]}

    def list_versions_by_function(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The newest code, then every published version, oldest first, in pages."""
        data = self._asked(parameters)
        numbers = ["$LATEST", *sorted(self._versions(data), key=int)]
        start, size = int(parameters.get("Marker", "0")), min(int(parameters.get("MaxItems", 50)), 2)
        page = [self._configuration(data, each) for each in numbers[start : start + size]]
        following = {"NextMarker": str(start + size)} if start + size < len(numbers) else {}
        return {"Versions": page} | following
