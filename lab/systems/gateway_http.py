"""What the interface of HTTP and WebSocket APIs (apigatewayv2) answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lab.systems.gateway_answers import BEFORE, LONG_AGO, NOW, Answers, authorization
from lab.systems.gateway_data import Authorizer, Data, Route
from lab.wire import Answer


class HttpAnswers(Answers):
    """The interface of HTTP and WebSocket APIs."""

    def operations(self) -> dict[str, Answer]:
        """The operations that the lab answers."""
        return {
            "GetApi": self.get_api,
            "GetApis": self.get_apis,
            "GetStages": self.get_stages,
            "GetRoutes": self.get_routes,
            "GetIntegrations": self.get_integrations,
            "GetAuthorizers": self.get_authorizers,
            "GetDeployments": self.get_deployments,
        }

    def get_api(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """One API."""
        return self._api(self.of(parameters["ApiId"]))

    def get_apis(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """All of them."""
        del parameters
        return {"Items": [self._api(self.data)] if self.data else []}

    def _api(self, data: Data) -> dict[str, Any]:
        endpoint = f"https://{data.id}.execute-api.{self.scenario.region}.amazonaws.com"
        return {
            "ApiId": data.id,
            "Name": data.name,
            "ProtocolType": "WEBSOCKET" if data.kind == "websocket" else "HTTP",
            "RouteSelectionExpression": "$request.method $request.path",
            "ApiEndpoint": endpoint,
        }

    def get_stages(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The stage."""
        data = self.of(parameters["ApiId"])
        settings: dict[str, Any] = {"DetailedMetricsEnabled": data.detailed_metrics}
        if data.rate is not None:
            settings |= {
                "ThrottlingRateLimit": data.rate,
                "ThrottlingBurstLimit": data.burst or int(data.rate),
            }
        found: dict[str, Any] = {
            "StageName": data.stage,
            "DeploymentId": NOW,
            "LastUpdatedDate": self.updated(data),
            "DefaultRouteSettings": settings,
            "StageVariables": dict(data.variables),
        }
        if data.log_format is not None:
            found["AccessLogSettings"] = {"Format": data.log_format, "DestinationArn": self.log_arn(data)}
        return {"Items": [found]}

    def get_routes(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The routes, each with an integration of its own."""
        data = self.of(parameters["ApiId"])
        return {
            "Items": [
                {
                    "RouteKey": route.key,
                    "RouteId": f"route{index}",
                    "Target": f"integrations/int{index}",
                    "AuthorizationType": authorization(route, data, "CUSTOM"),
                    **({"AuthorizerId": route.authorizer} if route.authorizer else {}),
                }
                for index, route in self._known(data)
            ]
        }

    def _known(self, data: Data) -> Sequence[tuple[int, Route]]:
        return [(index, route) for index, route in enumerate(data.routes) if not route.missing]

    def get_integrations(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The integrations."""
        data = self.of(parameters["ApiId"])
        return {"Items": [self._integration(index, route) for index, route in self._known(data)]}

    def _integration(self, index: int, route: Route) -> dict[str, Any]:
        found: dict[str, Any] = {"IntegrationId": f"int{index}", "TimeoutInMillis": route.timeout}
        if route.kind == "lambda":
            uri = self.function(route.function or "", route.alias)
            return {**found, "IntegrationType": "AWS_PROXY", "IntegrationUri": uri}
        if route.kind == "mock":
            return {**found, "IntegrationType": "MOCK"}
        uri = str(route.address)
        uri = uri if uri.startswith("arn:") else f"https://{uri}/"
        link = {"ConnectionType": "VPC_LINK", "ConnectionId": "vpclink1"} if route.kind == "vpc_link" else {}
        return {**found, "IntegrationType": "HTTP_PROXY", "IntegrationUri": uri, **link}

    def get_authorizers(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The authorizers."""
        data = self.of(parameters["ApiId"])
        return {"Items": [self._authorizer(each) for each in data.authorizers]}

    def _authorizer(self, authorizer: Authorizer) -> dict[str, Any]:
        found: dict[str, Any] = {"AuthorizerId": authorizer.name, "Name": authorizer.name}
        if authorizer.kind == "jwt":
            jwt = {"Issuer": authorizer.issuer or "", "Audience": ["orders"]}
            return {**found, "AuthorizerType": "JWT", "JwtConfiguration": jwt}
        uri = self.invocation(authorizer.function or "")
        return {**found, "AuthorizerType": "REQUEST", "AuthorizerUri": uri}

    def get_deployments(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The last deployment and the one before it."""
        data = self.of(parameters["ApiId"])
        return {
            "Items": [
                {"DeploymentId": NOW, "CreatedDate": self.at(data.deployed)},
                {"DeploymentId": BEFORE, "CreatedDate": self.at(LONG_AGO)},
            ]
        }
