"""Reading a distribution: every shape CloudFront and S3 answer with, bounded, and what cannot be read."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from collectors.edge import collect_distribution, collect_edge, collect_metrics, parse_policy
from collectors.edge_answers import MOST_ORIGINS, parse_distribution, place
from collectors.reading import Scope, UnreadableAnswerError, complete_minutes
from diagnosis.incident import EntryPoint
from diagnosis.series import MetricKey, Metrics, Missing
from diagnosis.systems.edge import Bucket, Distribution, EdgeOrigin, Grant

NOW = datetime(2026, 11, 20, 14, 47, 10, tzinfo=UTC)
EDGE = EntryPoint("cloudfront", "E1SHOP00000001", "E1SHOP00000001", None, "111122223333", "us-east-1")
ARN = "arn:aws:cloudfront::111122223333:distribution/E1SHOP00000001"


def listed(*items: Any) -> dict[str, Any]:
    return {"Quantity": len(items), **({"Items": list(items)} if items else {})}


def distribution(**configuration: Any) -> dict[str, Any]:
    usual = {
        "Enabled": True,
        "Origins": listed({"Id": "api", "DomainName": "api.example.com"}),
        "DefaultCacheBehavior": {"TargetOriginId": "api"},
    }
    return {
        "Distribution": {
            "Id": EDGE.id,
            "ARN": ARN,
            "DomainName": "d1.cloudfront.net",
            "LastModifiedTime": NOW,
            "DistributionConfig": {**usual, **configuration},
        }
    }


def refused(code: str, operation: str = "X", status: int = 400) -> ClientError:
    told: Any = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(told, operation)


class Aws:
    """Clients that give canned answers by operation, and remember who was asked where."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, str]] = []

    def scope(self) -> Scope:
        return Scope(
            lambda service: Client(self, service, EDGE.region),
            EDGE,
            NOW,
            complete_minutes(NOW),
            NOW,
            elsewhere=lambda service, region: Client(self, service, region),
        )


class Client:
    def __init__(self, aws: Aws, service: str, region: str) -> None:
        self._aws, self._service, self._region = aws, service, region

    def __getattr__(self, operation: str) -> Any:
        def ask(**_: Any) -> Any:
            self._aws.asked.append((self._service, self._region, operation))
            answer = self._aws.answers[operation]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return ask


@pytest.mark.parametrize(
    ("domain", "kind", "name", "region"),
    [
        (
            "order-api-1234567890.eu-west-1.elb.amazonaws.com",
            "load_balancer",
            "order-api",
            "eu-west-1",
        ),
        (
            "dualstack.Order-API-12.eu-west-1.elb.amazonaws.com",
            "load_balancer",
            "order-api",
            "eu-west-1",
        ),
        ("a1b2c3.execute-api.eu-central-1.amazonaws.com", "api", "a1b2c3", "eu-central-1"),
        ("abc123.lambda-url.eu-west-1.on.aws", "function_url", "abc123", "eu-west-1"),
        ("shop-assets.s3.eu-west-1.amazonaws.com", "bucket", "shop-assets", "eu-west-1"),
        ("shop.assets.s3.amazonaws.com", "bucket", "shop.assets", None),
        ("shop-assets.s3-website-eu-west-1.amazonaws.com", "bucket", "shop-assets", "eu-west-1"),
        ("shop-assets.s3-website.eu-central-1.amazonaws.com", "bucket", "shop-assets", "eu-central-1"),
        ("net-0123456789abcdef.elb.eu-west-1.amazonaws.com", "custom", None, None),
        ("api.example.com", "custom", "api.example.com", None),
    ],
)
def test_an_origins_name_tells_what_stands_behind_it(
    domain: str, kind: str, name: str | None, region: str | None
) -> None:
    found = place(domain)
    assert found[0] == kind
    assert name is None or found[1:] == (name, region)


def test_a_distribution_is_read_with_what_matters_of_its_configuration() -> None:
    answer = distribution(
        Aliases=listed("shop.example.com"),
        WebACLId="arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/1",
        Origins=listed(
            {
                "Id": "api",
                "DomainName": "api.example.com",
                "ConnectionAttempts": 2,
                "ConnectionTimeout": 5,
                "CustomOriginConfig": {
                    "OriginProtocolPolicy": "https-only",
                    "OriginReadTimeout": 60,
                    "OriginSslProtocols": listed("TLSv1.2"),
                },
            },
            {
                "Id": "assets",
                "DomainName": "shop-assets.s3.eu-west-1.amazonaws.com",
                "S3OriginConfig": {"OriginAccessIdentity": ""},
                "OriginAccessControlId": "E2CONTROL",
            },
        ),
        OriginGroups=listed(
            {"Id": "both", "Members": listed({"OriginId": "api"}, {"OriginId": "assets"})},
        ),
        DefaultCacheBehavior={
            "TargetOriginId": "both",
            "FunctionAssociations": listed(
                {"FunctionARN": "arn:aws:cloudfront::1:function/rewrite", "EventType": "viewer-request"}
            ),
        },
        CacheBehaviors=listed(
            {
                "PathPattern": "/img/*",
                "TargetOriginId": "assets",
                "LambdaFunctionAssociations": listed(
                    {"LambdaFunctionARN": "arn:aws:lambda:us-east-1:1:function:resize:3"}
                ),
            }
        ),
        CustomErrorResponses=listed({"ErrorCode": 503, "ErrorCachingMinTTL": 300}, {"ErrorCode": 404}),
    )
    found = parse_distribution(answer, additional_metrics=True)
    api, assets = found.origins
    assert (api.read_timeout, api.connect_timeout, api.attempts) == (60.0, 5.0, 2)
    assert (api.kind, api.protocol_policy, api.tls_protocols) == ("custom", "https-only", ("TLSv1.2",))
    assert (assets.kind, assets.access) == ("bucket", "E2CONTROL")
    assert [each.origins for each in found.behaviours] == [("api", "assets"), ("assets",)]
    assert found.functions == ("rewrite",)
    assert found.lambda_functions == ("arn:aws:lambda:us-east-1:1:function:resize:3",)
    assert (found.caches_for("503"), found.caches_for("404")) == (300.0, 10.0)
    assert (found.web_acl or "").endswith("webacl/shop/1")
    assert {"shop.example.com", "rewrite", "shop-assets.s3.eu-west-1.amazonaws.com", "E2CONTROL"} <= set(
        found.identifiers()
    )


def test_a_distribution_with_nothing_but_its_id_is_read_with_the_defaults() -> None:
    found = parse_distribution(distribution(), additional_metrics=None)
    assert found.web_acl is None
    assert found.error_caching == {}
    assert [each.read_timeout for each in found.origins] == [30.0]


def test_an_answer_without_a_distribution_cannot_be_read() -> None:
    with pytest.raises(UnreadableAnswerError):
        parse_distribution({}, additional_metrics=None)


def test_of_very_many_origins_only_the_first_are_kept() -> None:
    many = listed(*({"Id": f"o{index}", "DomainName": "x.example.com"} for index in range(90)))
    assert (
        len(parse_distribution(distribution(Origins=many), additional_metrics=None).origins) == MOST_ORIGINS
    )


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            {
                "MonitoringSubscription": {
                    "RealtimeMetricsSubscriptionConfig": {"RealtimeMetricsSubscriptionStatus": "Enabled"}
                }
            },
            True,
        ),
        (refused("NoSuchMonitoringSubscription"), False),
        (refused("AccessDenied"), None),
    ],
)
def test_additional_metrics_are_on_off_or_unknown(answer: Any, expected: bool | None) -> None:
    aws = Aws(get_monitoring_subscription=answer, get_distribution=distribution())
    assert collect_distribution(aws.scope(), {}).additional_metrics is expected


def test_the_metrics_are_asked_for_where_cloudfront_publishes_them() -> None:
    asked: list[Mapping[str, Any]] = []

    class CloudWatch:
        def get_paginator(self, _: str) -> "CloudWatch":
            return self

        def paginate(self, **parameters: Any) -> list[Mapping[str, Any]]:
            asked.extend(parameters["MetricDataQueries"])
            ids = [each["Id"] for each in parameters["MetricDataQueries"]]
            points = {"Timestamps": [complete_minutes(NOW).start], "Values": [2.5]}
            return [{"MetricDataResults": [{"Id": each, "StatusCode": "Complete", **points} for each in ids]}]

    regions: list[str] = []

    def elsewhere(_: str, region: str) -> CloudWatch:
        regions.append(region)
        return CloudWatch()

    home = EntryPoint("cloudfront", EDGE.id, EDGE.id, None, EDGE.account, "eu-west-1")
    scope = Scope(lambda _: CloudWatch(), home, NOW, complete_minutes(NOW), NOW, elsewhere=elsewhere)
    known = Distribution(EDGE.id, behaviours=parse_distribution(distribution(), None).behaviours)
    found = collect_metrics(scope, {"distribution": known})
    assert isinstance(found, Metrics)
    assert regions == ["us-east-1"]
    assert found.levels("502ErrorRate", "Average")[0] == 2.5
    first = asked[0]["MetricStat"]["Metric"]
    assert first["Dimensions"] == [
        {"Name": "DistributionId", "Value": EDGE.id},
        {"Name": "Region", "Value": "Global"},
    ]


def test_functions_are_asked_for_by_name_and_unknown_settings_do_not_hide_the_rates() -> None:
    class CloudWatch:
        def get_paginator(self, _: str) -> "CloudWatch":
            return self

        def paginate(self, **parameters: Any) -> list[Mapping[str, Any]]:
            ids = [each["Id"] for each in parameters["MetricDataQueries"]]
            points = {"Timestamps": [complete_minutes(NOW).start], "Values": [1.0]}
            return [{"MetricDataResults": [{"Id": each, "StatusCode": "Complete", **points} for each in ids]}]

    scope = Scope(lambda _: CloudWatch(), EDGE, NOW, complete_minutes(NOW), NOW)
    behaviour = {
        "TargetOriginId": "api",
        "FunctionAssociations": listed({"FunctionARN": "arn:aws:cloudfront::1:function/rewrite"}),
    }
    known = parse_distribution(distribution(DefaultCacheBehavior=behaviour), None)
    found = collect_metrics(scope, {"distribution": known})
    assert isinstance(found, Metrics)
    assert MetricKey("FunctionExecutionErrors", "Sum", part="rewrite") in found.series
    blind = collect_metrics(scope, {"distribution": Missing("cloudfront:GetDistribution: AccessDenied")})
    assert isinstance(blind, Metrics)
    assert MetricKey("5xxErrorRate", "Average") in blind.series


# --- buckets ---

STORED = Distribution(
    EDGE.id,
    arn=ARN,
    origins=(
        EdgeOrigin("assets", "shop-assets.s3.eu-central-1.amazonaws.com", "bucket", access="E2CONTROL"),
    ),
)
POLICY = (
    '{"Statement": {"Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"},'
    ' "Action": "s3:GetObject", "Resource": "*", "Condition": {"StringEquals": {"AWS:SourceArn": "'
    + ARN
    + '"}}}}'
)


def bucket_of(aws: Aws) -> Any:
    read = collect_edge(aws.scope(), {"distribution": STORED})
    assert isinstance(read, Distribution)
    return read.buckets["assets"]


def test_a_bucket_is_read_in_its_own_region() -> None:
    aws = Aws(head_bucket={"BucketRegion": "eu-central-1"}, get_bucket_policy={"Policy": POLICY})
    found = bucket_of(aws)
    assert isinstance(found, Bucket)
    assert found.policy == (Grant("Allow", ("cloudfront.amazonaws.com",), ("s3:GetObject",), (ARN,)),)
    assert {region for _, region, _ in aws.asked} == {"eu-central-1"}


def test_a_bucket_that_is_gone_one_without_a_policy_and_one_that_may_not_be_read_are_three_things() -> None:
    gone = bucket_of(Aws(head_bucket=refused("404", status=404)))
    bare = bucket_of(Aws(head_bucket={}, get_bucket_policy=refused("NoSuchBucketPolicy")))
    hidden = bucket_of(Aws(head_bucket=refused("403", "HeadBucket", 403)))
    closed = bucket_of(Aws(head_bucket={}, get_bucket_policy=refused("AccessDenied", "GetBucketPolicy")))
    assert (gone.found, bare.found, bare.policy) == (False, True, None)
    assert hidden == Missing("s3:HeadBucket: 403")
    assert closed.policy == Missing("s3:GetBucketPolicy: AccessDenied")


def test_a_distribution_that_could_not_be_read_stays_missing() -> None:
    lacking = Missing("cloudfront:GetDistribution: AccessDenied")
    assert collect_edge(Aws().scope(), {"distribution": lacking}) == lacking


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", '{"Statement": "x"}', '{"Statement": [7, null]}', '{"Statement": {}}'],
)
def test_a_policy_that_makes_no_sense_grants_nothing(text: str) -> None:
    assert not [each for each in parse_policy(text) if each.effect]


def test_a_policy_is_bounded() -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"] * 500}
    text = str({"Statement": [statement] * 400}).replace("'", '"')
    found = parse_policy(text)
    assert len(found) <= 30
    assert all(len(each.actions) <= 12 for each in found)
