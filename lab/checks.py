"""Rules of AWS that moto does not hold; they are looked at before moto answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.errors import AwsError


def check_publish(asked: Mapping[str, Any]) -> None:
    """Rules for a message that moto does not hold (SNS API reference, Publish)."""
    subject = asked.get("Subject")
    if subject is not None and (not 0 < len(subject) < 100 or any(ord(one) < 32 for one in subject)):
        raise AwsError("InvalidParameter", "Invalid parameter: Subject")
    attributes = asked.get("MessageAttributes", {})
    size = len(asked["Message"].encode()) + sum(
        len(name.encode()) + len(value["DataType"]) + len(str(value.get("StringValue", "")).encode())
        for name, value in attributes.items()
    )
    if size > 262_144:
        raise AwsError("InvalidParameter", "Invalid parameter: Message too long")
    for name, value in attributes.items():
        if value["DataType"] == "String" and not value.get("StringValue"):
            raise AwsError(
                "ParameterValueInvalid",
                f"The message attribute '{name}' must contain non-empty message attribute value.",
            )


def check_describe_tags(asked: Mapping[str, Any]) -> None:
    """At most 20 resources a call (ELB API reference, DescribeTags)."""
    if len(asked["ResourceArns"]) > 20:
        raise AwsError("ValidationError", "The number of resources is larger than 20")
