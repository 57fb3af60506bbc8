"""CloudFront's own answers about a distribution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.errors import AwsError
from lab.loading import stable_hex
from lab.systems import Stage
from lab.systems.edge_behind import Behind, identity
from lab.systems.edge_data import Behaviour, Data, Origin
from lab.wire import Answer


class Answers:
    """CloudFront itself, and what stands behind the distribution."""

    def __init__(self, stage: Stage, data: Data) -> None:
        self._stage, self._data = stage, data
        self._scenario = stage.scenario
        self._behind = Behind(stage, data)

    def operations(self) -> dict[str, dict[str, Answer]]:
        """The operations by boto3's name of the service."""
        found: dict[str, dict[str, Answer]] = {
            "cloudfront": {
                "GetDistribution": self.get_distribution,
                "GetDistributionConfig": self.get_distribution_config,
                "GetMonitoringSubscription": self.get_monitoring_subscription,
            },
        }
        return found | self._behind.operations(self._arn)

    # --- CloudFront ---

    def get_distribution(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The distribution with its configuration."""
        self._check(parameters["Id"])
        return {
            "ETag": "E2QWRUHEXAMPLE",
            "Distribution": {
                "Id": self._data.id,
                "ARN": self._arn,
                "Status": "Deployed",
                "LastModifiedTime": self._scenario.moment(self._data.last_modified),
                "InProgressInvalidationBatches": 0,
                "DomainName": self._data.domain,
                "ActiveTrustedSigners": {"Enabled": False, "Quantity": 0},
                "ActiveTrustedKeyGroups": {"Enabled": False, "Quantity": 0},
                "DistributionConfig": self._configuration(),
            },
        }

    def get_distribution_config(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The configuration alone."""
        self._check(parameters["Id"])
        return {"ETag": "E2QWRUHEXAMPLE", "DistributionConfig": self._configuration()}

    def get_monitoring_subscription(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Whether additional metrics are on; CloudFront calls it an error if they never were."""
        self._check(parameters["DistributionId"])
        if not self._data.additional_metrics:
            raise AwsError("NoSuchMonitoringSubscription", "A monitoring subscription does not exist.", 404)
        enabled = {"RealtimeMetricsSubscriptionStatus": "Enabled"}
        return {"MonitoringSubscription": {"RealtimeMetricsSubscriptionConfig": enabled}}

    @property
    def _arn(self) -> str:
        return f"arn:aws:cloudfront::{self._scenario.account}:distribution/{self._data.id}"

    def _check(self, id_: str) -> None:
        if id_ != self._data.id:
            raise AwsError("NoSuchDistribution", "The specified distribution does not exist.", 404)

    def _configuration(self) -> dict[str, Any]:
        data = self._data
        first, *others = data.behaviours
        return {
            "CallerReference": data.id,
            "Aliases": _items(list(data.aliases) or [f"{self._scenario.load_balancer.name}.example.com"]),
            "Comment": "",
            "Enabled": data.enabled,
            "WebACLId": data.web_acl or self._own_web_acl(),
            "Origins": _items([self._origin(each) for each in data.origins]),
            "DefaultCacheBehavior": self._behaviour(first),
            "CacheBehaviors": _items(
                [{"PathPattern": each.path, **self._behaviour(each)} for each in others]
            ),
            "CustomErrorResponses": _items(
                [
                    {"ErrorCode": int(code), "ErrorCachingMinTTL": kept}
                    for code, kept in data.error_caching.items()
                ]
            ),
        }

    def _own_web_acl(self) -> str:
        """The scenario's web ACL guards the distribution unless it is said to guard something else."""
        arn: str = getattr(self._stage.data_of("web_acl"), "edge_arn", "") or ""
        return arn

    def _behaviour(self, behaviour: Behaviour) -> dict[str, Any]:
        account = self._scenario.account
        return {
            "TargetOriginId": behaviour.origin,
            "ViewerProtocolPolicy": "redirect-to-https",
            "FunctionAssociations": _items(
                [
                    {
                        "FunctionARN": f"arn:aws:cloudfront::{account}:function/{name}",
                        "EventType": "viewer-request",
                    }
                    for name in behaviour.functions
                ]
            ),
            "LambdaFunctionAssociations": _items(
                [
                    {"LambdaFunctionARN": arn, "EventType": "viewer-request", "IncludeBody": False}
                    for arn in behaviour.lambda_functions
                ]
            ),
        }

    def _origin(self, origin: Origin) -> dict[str, Any]:
        described: dict[str, Any] = {
            "Id": origin.id,
            "DomainName": origin.domain or self._behind.domain(origin),
            "OriginPath": origin.path,
            "ConnectionAttempts": origin.attempts,
            "ConnectionTimeout": origin.connect_timeout,
        }
        if origin.to == "bucket":
            by_identity = origin.policy == "identity"
            named = f"origin-access-identity/cloudfront/{identity(origin)}" if by_identity else ""
            control = "" if by_identity or origin.policy == "public" else _control(origin)
            stored = {"OriginAccessIdentity": named, "OriginReadTimeout": origin.read_timeout}
            return described | {"S3OriginConfig": stored, "OriginAccessControlId": control}
        return described | {
            "CustomOriginConfig": {
                "HTTPPort": 80,
                "HTTPSPort": 443,
                "OriginProtocolPolicy": origin.protocol,
                "OriginSslProtocols": _items(["TLSv1.2"]),
                "OriginReadTimeout": origin.read_timeout,
                "OriginKeepaliveTimeout": 5,
            }
        }


def _control(origin: Origin) -> str:
    return f"E{stable_hex('control', origin.name, length=12).upper()}"


def _items(found: list[Any]) -> dict[str, Any]:
    """As CloudFront writes lists: without Items where there are none."""
    return {"Quantity": len(found)} | ({"Items": found} if found else {})
