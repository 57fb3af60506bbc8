"""What the interface of REST APIs (apigateway) answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.errors import AwsError
from lab.systems.gateway_answers import BEFORE, LONG_AGO, NOW, Answers, authorization
from lab.systems.gateway_data import Authorizer, Data, Route, UsagePlan
from lab.wire import Answer


class RestAnswers(Answers):
    """The interface of REST APIs."""

    def operations(self) -> dict[str, Answer]:
        """The operations that the lab answers."""
        return {
            "GetRestApis": self.get_rest_apis,
            "GetRestApi": self.get_rest_api,
            "GetStages": self.get_stages,
            "GetStage": self.get_stage,
            "GetResources": self.get_resources,
            "GetAuthorizers": self.get_authorizers,
            "GetDeployments": self.get_deployments,
            "GetDeployment": self.get_deployment,
            "GetAccount": self.get_account,
            "GetUsagePlans": self.get_usage_plans,
        }

    def get_rest_apis(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """All of them, in pages; the account has others too."""
        others: list[dict[str, Any]] = [
            {"id": f"0ther{index:05}", "name": f"unrelated-{index}", "createdDate": self.at(LONG_AGO)}
            for index in range(3)
        ]
        data = self.data
        own: list[dict[str, Any]] = (
            [
                {"id": data.id, "name": data.name, "createdDate": self.at(LONG_AGO + 10)},
                *(
                    {"id": each, "name": data.name, "createdDate": self.at(LONG_AGO)}
                    for each in data.namesakes
                ),
            ]
            if data
            else []
        )
        found = [*others, *own]
        start = int(parameters.get("position", "0"))
        # Short pages, as an account with many APIs has them.
        end = start + min(int(parameters.get("limit", 25)), 2)
        return {"items": found[start:end]} | ({"position": str(end)} if end < len(found) else {})

    def get_rest_api(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """One API."""
        data = self.of(parameters["restApiId"])
        return {"id": data.id, "name": data.name, "createdDate": self.at(LONG_AGO)}

    def get_stages(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The stages; a namesake has one of its own, called test."""
        if self.data and parameters["restApiId"] in self.data.namesakes:
            return {"item": [{"stageName": "test", "lastUpdatedDate": self.at(LONG_AGO)}]}
        return {"item": [self._stage(self.of(parameters["restApiId"]))]}

    def get_stage(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """One stage."""
        data = self.of(parameters["restApiId"])
        if parameters["stageName"] != data.stage:
            raise AwsError("NotFoundException", "Invalid stage identifier specified", 404)
        return self._stage(data)

    def _stage(self, data: Data) -> dict[str, Any]:
        settings: dict[str, Any] = {"metricsEnabled": data.detailed_metrics}
        if data.rate is not None:
            settings |= {
                "throttlingRateLimit": data.rate,
                "throttlingBurstLimit": data.burst or int(data.rate),
            }
        found: dict[str, Any] = {
            "stageName": data.stage,
            "deploymentId": NOW,
            "createdDate": self.at(LONG_AGO),
            "lastUpdatedDate": self.updated(data),
            "methodSettings": {"*/*": settings},
            "variables": dict(data.variables),
        }
        if data.web_acl:
            found["webAclArn"] = data.web_acl
        if data.log_format is not None:
            found["accessLogSettings"] = {"format": data.log_format, "destinationArn": self.log_arn(data)}
        return found

    def get_resources(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The resources with their methods and integrations."""
        data = self.of(parameters["restApiId"])
        by_path: dict[str, dict[str, Any]] = {}
        for route in data.routes:
            if not route.missing:
                method, _, path = route.key.partition(" ")
                by_path.setdefault(path, {})[method] = self._method(route, data)
        return {
            "items": [
                {"id": f"res{index}", "path": path, "resourceMethods": methods}
                for index, (path, methods) in enumerate(by_path.items())
            ]
        }

    def _method(self, route: Route, data: Data) -> dict[str, Any]:
        kinds = {"lambda": "AWS_PROXY", "aws": "AWS", "mock": "MOCK"}
        settings: dict[str, Any] = {
            "type": kinds.get(route.kind, "HTTP_PROXY"),
            "timeoutInMillis": route.timeout,
        }
        if route.kind == "lambda":
            settings["uri"] = self.invocation(route.function or "", route.alias)
        elif route.kind != "mock":
            settings["uri"] = (
                f"https://{route.address}/"
                if route.address
                else "arn:aws:apigateway:eu-west-1:sqs:action/SendMessage"
            )
        if route.kind == "vpc_link":
            settings |= {"connectionType": "VPC_LINK", "connectionId": "vpclink1"}
        return {
            "httpMethod": route.key.partition(" ")[0],
            "authorizationType": authorization(route, data, "CUSTOM"),
            "apiKeyRequired": bool(data.usage_plans),
            **({"authorizerId": route.authorizer} if route.authorizer else {}),
            "methodIntegration": settings,
        }

    def get_authorizers(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The authorizers."""
        return {"items": [self._authorizer(each) for each in self.of(parameters["restApiId"]).authorizers]}

    def _authorizer(self, authorizer: Authorizer) -> dict[str, Any]:
        if authorizer.kind == "cognito":
            place = f"{self.scenario.region}:{self.scenario.account}"
            pool = f"arn:aws:cognito-idp:{place}:userpool/{authorizer.issuer}"
            return {
                "id": authorizer.name,
                "name": authorizer.name,
                "type": "COGNITO_USER_POOLS",
                "providerARNs": [pool],
            }
        uri = self.invocation(authorizer.function or "")
        return {"id": authorizer.name, "name": authorizer.name, "type": "REQUEST", "authorizerUri": uri}

    def get_deployments(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The last deployment and the one before it."""
        data = self.of(parameters["restApiId"])
        return {"items": [self._deployment(data, BEFORE), self._deployment(data, NOW)]}

    def _deployment(self, data: Data, id_: str) -> dict[str, Any]:
        return {"id": id_, "createdDate": self.at(data.deployed if id_ == NOW else LONG_AGO)}

    def get_deployment(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """One deployment, with its routes if they are asked for."""
        data = self.of(parameters["restApiId"])
        found = self._deployment(data, parameters["deploymentId"])
        if "apisummary" not in parameters.get("embed", ()):
            return found
        routes = [route.key for route in data.routes if not route.missing]
        if parameters["deploymentId"] == BEFORE:
            routes += data.lost_routes
        summary: dict[str, dict[str, Any]] = {}
        for key in routes:
            method, _, path = key.partition(" ")
            summary.setdefault(path, {})[method] = {"authorizationType": "NONE", "apiKeyRequired": False}
        return {**found, "apiSummary": summary}

    def get_account(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The account's own limit, which all its APIs share."""
        del parameters
        rate = self.data.account_rate if self.data else 10_000.0
        return {"throttleSettings": {"rateLimit": rate, "burstLimit": 5000}}

    def get_usage_plans(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The usage plans of this API and one of another."""
        del parameters
        other = {
            "id": "othrpl",
            "name": "partners of another",
            "apiStages": [{"apiId": "0ther", "stage": "prod"}],
        }
        return (
            {"items": [other, *(self._plan(self.data, each) for each in self.data.usage_plans)]}
            if self.data
            else {"items": [other]}
        )

    def _plan(self, data: Data, plan: UsagePlan) -> dict[str, Any]:
        found: dict[str, Any] = {
            "id": plan.id,
            "name": plan.name,
            "apiStages": [{"apiId": data.id, "stage": data.stage}],
        }
        if plan.rate is not None:
            found["throttle"] = {"rateLimit": plan.rate, "burstLimit": int(plan.rate)}
        if plan.quota is not None:
            found["quota"] = {"limit": plan.quota, "period": "DAY", "offset": 0}
        return found
