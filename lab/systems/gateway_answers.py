"""What both interfaces of API Gateway answer about the scenario's API, in what they have in common."""

from __future__ import annotations

from datetime import datetime

from lab.errors import AwsError
from lab.scenario import Scenario
from lab.systems.gateway_data import Data, Route

NOW, BEFORE = "depnow", "depold"
LONG_AGO = -100_000.0


class Answers:
    """The scenario's API, if it has one of the interface's kind, and how its parts are called."""

    def __init__(self, scenario: Scenario, data: Data | None) -> None:
        self.scenario = scenario
        self.data = data

    def of(self, id_: str) -> Data:
        """The API with that id; any other is not found."""
        if self.data is None or id_ != self.data.id:
            raise AwsError("NotFoundException", "Invalid API identifier specified", 404)
        return self.data

    def at(self, minute: float) -> datetime:
        """The time of a minute of the scenario."""
        return self.scenario.moment(minute)

    def updated(self, data: Data) -> datetime:
        """When the stage was last changed."""
        return self.at(data.deployed if data.updated is None else data.updated)

    def function(self, name: str, alias: str | None = None) -> str:
        """A function's ARN."""
        arn = f"arn:aws:lambda:{self.scenario.region}:{self.scenario.account}:function:{name}"
        return f"{arn}:{alias}" if alias else arn

    def invocation(self, name: str, alias: str | None = None) -> str:
        """The path by which API Gateway invokes a function."""
        path = f"arn:aws:apigateway:{self.scenario.region}:lambda:path/2015-03-31/functions"
        return f"{path}/{self.function(name, alias)}/invocations"

    def log_arn(self, data: Data) -> str:
        """Where the access log goes."""
        return f"arn:aws:logs:{self.scenario.region}:{self.scenario.account}:log-group:{data.log_group}"


def authorization(route: Route, data: Data, by_function: str) -> str:
    """What a route asks callers for; the two interfaces call a function's word differently."""
    kinds = {each.name: each.kind for each in data.authorizers}
    named = {"function": by_function, "jwt": "JWT", "cognito": "COGNITO_USER_POOLS"}
    return named.get(kinds.get(route.authorizer or "", ""), "NONE")
