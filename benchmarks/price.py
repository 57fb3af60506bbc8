"""What a diagnosis costs, by assumed prices: list prices of us-east-1 in USD, without free tiers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

METRIC = 0.01 / 1_000  # GetMetricData, a metric requested
GIGABYTE_SECOND = 0.0000133334  # Lambda on arm64
INVOCATION = 0.20 / 1_000_000
# A unit is a kilobyte written; the diagnosis document is about this many. A transaction writes its items
# twice (DynamoDB developer guide, "Transactions"); ours have two items, one of them small.
UNITS_A_WRITE = 12
CALLS = {
    "dynamodb.PutItem": 0.625 / 1_000_000,
    "dynamodb.UpdateItem": UNITS_A_WRITE * 0.625 / 1_000_000,
    "dynamodb.TransactWriteItems": 2 * (UNITS_A_WRITE + 1) * 0.625 / 1_000_000,
    "dynamodb.GetItem": 0.125 / 1_000_000,
    "dynamodb.Query": 0.125 / 1_000_000,
    "sns.Publish": 0.50 / 1_000_000,
    "sqs.SendMessage": 0.40 / 1_000_000,
    "secretsmanager.GetSecretValue": 0.05 / 10_000,
}


@dataclass(frozen=True, slots=True)
class Cost:
    """A part of the price, in USD for one diagnosis."""

    what: str
    how_much: str
    usd: float


def costs(calls: Mapping[str, int], metrics: int, seconds: float, megabytes: int) -> list[Cost]:
    """The parts of the price of one diagnosis, the dearest first; calls that cost nothing are the last."""
    gigabyte_seconds = seconds * megabytes / 1024
    found = [
        Cost("CloudWatch GetMetricData", f"{metrics} metrics", metrics * METRIC),
        Cost(
            "Lambda",
            f"{gigabyte_seconds:.2f} GB-s, 1 invocation",
            gigabyte_seconds * GIGABYTE_SECOND + INVOCATION,
        ),
    ]
    priced = {name: count for name, count in calls.items() if name in CALLS}
    for service in sorted({name.partition(".")[0] for name in priced}):
        of_service = {name: count for name, count in priced.items() if name.startswith(f"{service}.")}
        usd = sum(count * CALLS[name] for name, count in of_service.items())
        found.append(Cost(SERVICES[service], _calls(sum(of_service.values())), usd))
    free = sum(
        count for name, count in calls.items() if name not in CALLS and name != "cloudwatch.GetMetricData"
    )
    found.sort(key=lambda cost: cost.usd, reverse=True)
    return [*found, Cost("all other calls", _calls(free), 0.0)]


def by_service(calls: Mapping[str, int]) -> dict[str, int]:
    """How many calls each service got, the most first."""
    counts: dict[str, int] = {}
    for name, count in calls.items():
        service = SERVICES.get(name.partition(".")[0], name.partition(".")[0])
        counts[service] = counts.get(service, 0) + count
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count} calls"


SERVICES = {
    "acm": "Certificate Manager",
    "apigateway": "API Gateway",
    "apigatewayv2": "API Gateway",
    "cloudfront": "CloudFront",
    "ecs": "ECS",
    "elb": "Elastic Load Balancing",
    "health": "AWS Health",
    "lambda": "Lambda's API",
    "logs": "CloudWatch Logs",
    "route53": "Route 53",
    "s3": "S3",
    "wafv2": "WAF",
    "cloudtrail": "CloudTrail",
    "cloudwatch": "CloudWatch",
    "codedeploy": "CodeDeploy",
    "dynamodb": "DynamoDB",
    "ec2": "EC2",
    "elbv2": "Elastic Load Balancing",
    "secretsmanager": "Secrets Manager",
    "sns": "SNS",
    "sqs": "SQS",
    "ssm": "Systems Manager",
}
