"""Amazon Resource Names, read and built."""

import pytest

from diagnosis.arn import (
    AlarmAddress,
    account_id,
    alarm_address,
    alarm_arn,
    load_balancer_arn,
    partition,
    region_code,
    region_of,
    target_group_arn,
)


def test_an_alarms_arn_is_read_and_built_again() -> None:
    arn = "arn:aws-cn:cloudwatch:cn-north-1:123456789012:alarm:a name: with colons"
    address = alarm_address(arn)
    assert address == AlarmAddress("123456789012", "cn-north-1", "a name: with colons")
    assert alarm_arn(address) == arn


@pytest.mark.parametrize(
    "arn",
    [
        None,
        7,
        "",
        "order-api",
        "arn:aws:sns:eu-west-1:123456789012:topic",
        "arn:aws:cloudwatch:eu-west-1:123456789012:alarm",
        "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:",
        "arn:aws:cloudwatch:eu-west-1:1234:alarm:a",
        "arn:aws:cloudwatch:EU (Ireland):123456789012:alarm:a",
        "arn:aws:cloudwatch:eu-west-1:123456789012:alarm-mute-rule:night",
    ],
)
def test_what_is_no_alarms_arn_has_no_address(arn: object) -> None:
    assert alarm_address(arn) is None


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("eu-west-1", "aws"),
        ("cn-northwest-1", "aws-cn"),
        ("us-gov-east-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_each_region_has_its_partition(region: str, expected: str) -> None:
    assert region_code(region) == region
    assert partition(region) == expected


@pytest.mark.parametrize("region", ["EU (Ireland)", "eu-west", "", "eu-west-1\n", "../x-1", None, 1])
def test_a_display_name_is_no_region_code(region: object) -> None:
    assert region_code(region) is None


def test_the_region_of_any_arn_is_its_fourth_part() -> None:
    assert region_of("arn:aws:sns:eu-west-1:123456789012:alerts") == "eu-west-1"
    assert region_of("arn:aws:s3:::bucket") is None
    assert region_of(None) is None


def test_an_account_id_has_twelve_ascii_digits() -> None:
    assert account_id("123456789012") == "123456789012"
    assert account_id("12345678901") is None
    assert account_id("١٢٣٤٥٦٧٨٩٠١٢") is None
    assert account_id(123456789012) is None


def test_a_dimension_becomes_an_arn() -> None:
    prefix = "arn:aws:elasticloadbalancing:eu-west-1:123456789012"
    assert load_balancer_arn("eu-west-1", "123456789012", "app/a/1") == f"{prefix}:loadbalancer/app/a/1"
    assert target_group_arn("eu-west-1", "123456789012", "targetgroup/a/1") == f"{prefix}:targetgroup/a/1"
