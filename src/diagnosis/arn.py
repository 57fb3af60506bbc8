"""Amazon Resource Names: reading the few that alarms carry, and building those of what they are about."""

import re
from typing import NamedTuple

# Partitions other than `aws`, by the first part of a region's name.
_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eusc-", "aws-eusc"),
)
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,5}(-[a-z]{2,12}){1,3}-[0-9]{1,2}")


class AlarmAddress(NamedTuple):
    """What an alarm's ARN says."""

    account: str
    region: str
    name: str


def partition(region: str) -> str:
    """The partition of a region: `aws` nearly everywhere."""
    return next((name for prefix, name in _PARTITIONS if region.startswith(prefix)), "aws")


def account_id(value: object) -> str | None:
    """The value if it is an account id, twelve digits."""
    return value if isinstance(value, str) and _ACCOUNT.fullmatch(value) else None


def region_code(value: object) -> str | None:
    """The value if it is a region's code such as `eu-west-1`, not a display name such as `EU (Ireland)`."""
    return value if isinstance(value, str) and _REGION.fullmatch(value) else None


def region_of(arn: object) -> str | None:
    """The region that an ARN names."""
    parts = arn.split(":", 5) if isinstance(arn, str) else []
    return region_code(parts[3]) if len(parts) == 6 and parts[0] == "arn" else None


def alarm_arn(address: AlarmAddress) -> str:
    account, region, name = address
    return f"arn:{partition(region)}:cloudwatch:{region}:{account}:alarm:{name}"


def alarm_address(arn: object) -> AlarmAddress | None:
    """The parts of `arn:aws:cloudwatch:region:account:alarm:name`, whose name may hold colons; else None."""
    parts = arn.split(":", 6) if isinstance(arn, str) else []
    if len(parts) != 7 or (parts[0], parts[2], parts[5]) != ("arn", "cloudwatch", "alarm"):
        return None
    account, region = account_id(parts[4]), region_code(parts[3])
    return AlarmAddress(account, region, parts[6]) if account and region and parts[6] else None


def load_balancer_arn(region: str, account: str, dimension: str) -> str:
    """The ARN of the load balancer that the `LoadBalancer` dimension `app/name/id` or `net/name/id` names."""
    return f"arn:{partition(region)}:elasticloadbalancing:{region}:{account}:loadbalancer/{dimension}"


def target_group_arn(region: str, account: str, dimension: str) -> str:
    """The ARN of the target group that the `TargetGroup` dimension `targetgroup/name/id` names."""
    return f"arn:{partition(region)}:elasticloadbalancing:{region}:{account}:{dimension}"


def distribution_arn(region: str, account: str, distribution: str) -> str:
    """The ARN of a CloudFront distribution, which belongs to no region; `region` only tells the partition."""
    return f"arn:{partition(region)}:cloudfront::{account}:distribution/{distribution}"


def api_arn(region: str, api: str) -> str:
    """The ARN of an HTTP or WebSocket API as API Gateway's own permissions write it, without an account."""
    return f"arn:{partition(region)}:apigateway:{region}::/apis/{api}"
