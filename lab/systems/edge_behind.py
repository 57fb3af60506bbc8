"""What stands behind a distribution: buckets, load balancers by their DNS names, and names of one's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from lab.balancer import STANDS_SINCE
from lab.errors import AwsError
from lab.loading import stable_hex
from lab.systems import Stage
from lab.systems.edge_data import Data, Origin
from lab.wire import Answer


class Behind:
    """S3 for the buckets, Route 53 for names, and the scenario's load balancer among all of the region."""

    def __init__(self, stage: Stage, data: Data) -> None:
        self._stage, self._data = stage, data
        self._scenario = stage.scenario
        self._buckets = {each.name: each for each in data.origins if each.to == "bucket"}
        self._arn = ""

    def operations(self, distribution: str) -> dict[str, dict[str, Answer]]:
        """The operations by boto3's name of the service; `distribution` is the ARN that policies name."""
        self._arn = distribution
        found: dict[str, dict[str, Answer]] = {
            "elbv2": {"DescribeLoadBalancers": self.describe_load_balancers},
            "route53": {
                "ListHostedZones": self.list_hosted_zones,
                "ListResourceRecordSets": self.list_resource_record_sets,
            },
        }
        if self._buckets:
            found["s3"] = {"HeadBucket": self.head_bucket, "GetBucketPolicy": self.get_bucket_policy}
        return found

    def domain(self, origin: Origin) -> str:
        """The name that AWS gave to it, or that of a host elsewhere."""
        region = origin.region or self._scenario.region
        api = getattr(self._stage.data_of("api"), "id", "a1b2c3d4e5")
        domains: Mapping[str, Callable[[], str]] = {
            "load_balancer": lambda: origin.name or self._balancer_name(),
            "classic": self._classic_name,
            "api": lambda: f"{origin.name or api}.execute-api.{region}.amazonaws.com",
            "bucket": lambda: f"{origin.name}.s3.{region}.amazonaws.com",
            "function_url": lambda: f"{origin.name}.lambda-url.{region}.on.aws",
            "host": lambda: origin.name,
        }
        return domains[origin.to]()

    def list_hosted_zones(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        """One public zone, and a private one of the same name that says something else."""
        zones = [("Z1PUBLIC", False), ("Z2PRIVATE", True)]
        return {
            "HostedZones": [
                {
                    "Id": f"/hostedzone/{id_}",
                    "Name": "example.com.",
                    "CallerReference": id_,
                    "Config": {"PrivateZone": private},
                }
                for id_, private in zones
            ],
            "IsTruncated": False,
            "MaxItems": "100",
            "Marker": "",
        }

    def list_resource_record_sets(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The records from a name on; a name of one's own is an alias of what stands behind."""
        records = [
            {
                "Name": f"{origin.domain}.",
                "Type": "A",
                "AliasTarget": {
                    "HostedZoneId": "Z32O12XQLNTSW2",
                    "DNSName": f"dualstack.{self.domain(origin)}.",
                    "EvaluateTargetHealth": True,
                },
            }
            for origin in self._data.origins
            if origin.domain and parameters["HostedZoneId"].endswith("Z1PUBLIC")
        ]
        wanted = f"{parameters.get('StartRecordName', '').rstrip('.')}."
        return {
            "ResourceRecordSets": sorted(
                (each for each in records if str(each["Name"]) >= wanted), key=lambda each: str(each["Name"])
            ),
            "IsTruncated": False,
            "MaxItems": parameters.get("MaxItems", "300"),
        }

    def _classic_name(self) -> str:
        """As the Classic Load Balancer of the scenario describes itself."""
        data = self._stage.data_of("classic_load_balancer")
        return f"{data.name}-1234567890.{data.zones[0][:-1]}.elb.amazonaws.com"

    def _balancer_name(self) -> str:
        name = self._scenario.load_balancer.name
        number = int(stable_hex("dns", name, length=8), 16) % 900_000_000 + 100_000_000
        return f"{name}-{number}.{self._scenario.region}.elb.amazonaws.com"

    def describe_load_balancers(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The scenario's load balancer, by ARN, by name, or among all."""
        scenario, balancer = self._scenario, self._scenario.load_balancer
        head = f"arn:aws:elasticloadbalancing:{scenario.region}:{scenario.account}"
        arn = f"{head}:loadbalancer/{balancer.dimension}"
        if parameters.get("LoadBalancerArns", [arn]) != [arn]:
            raise AwsError("LoadBalancerNotFound", "One or more load balancers not found")
        if parameters.get("Names", [balancer.name]) != [balancer.name]:
            raise AwsError("LoadBalancerNotFound", f"Load balancers '[{parameters['Names']}]' not found")
        return {
            "LoadBalancers": [
                {
                    "LoadBalancerArn": arn,
                    "DNSName": self._balancer_name(),
                    "LoadBalancerName": balancer.name,
                    "CreatedTime": scenario.at - STANDS_SINCE,
                    "Scheme": balancer.scheme,
                    "Type": "application",
                    "State": {"Code": "active"},
                    "AvailabilityZones": [{"ZoneName": zone} for zone in balancer.zones],
                    "SecurityGroups": list(balancer.security_groups),
                }
            ]
        }

    def head_bucket(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Whether the bucket is there, and where."""
        found = self._buckets.get(parameters["Bucket"])
        if found is None or not found.there:
            raise AwsError("404", "Not Found", 404)
        return {"BucketRegion": found.region or self._scenario.region}

    def get_bucket_policy(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The bucket's policy: for this distribution, another one, everybody, or nobody."""
        found = self._buckets.get(parameters["Bucket"])
        if found is None or not found.there:
            raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
        if found.policy == "none":
            raise AwsError("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
        return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": self._statements(found)})}

    def _statements(self, bucket: Origin) -> list[dict[str, Any]]:
        read = {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket.name}/*"}
        other = f"arn:aws:cloudfront::{self._scenario.account}:distribution/E1OTHEREXAMPLE"
        user = f"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity {identity(bucket)}"
        this = {"Effect": "Allow", **read, **_service(self._arn)}
        return {
            "this": [this],
            "other": [{"Effect": "Allow", **read, **_service(other)}],
            "identity": [{"Effect": "Allow", **read, "Principal": {"AWS": user}}],
            "public": [{"Effect": "Allow", **read, "Principal": "*"}],
            "denied": [this, {"Effect": "Deny", **read, "Principal": "*"}],
        }[bucket.policy]


def _service(arn: str) -> dict[str, Any]:
    condition = {"StringEquals": {"AWS:SourceArn": arn}}
    return {"Principal": {"Service": "cloudfront.amazonaws.com"}, "Condition": condition}


def identity(origin: Origin) -> str:
    """The origin access identity of a bucket."""
    return f"E{stable_hex('identity', origin.name, length=12).upper()}"
