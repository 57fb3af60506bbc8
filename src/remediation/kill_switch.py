"""The kill switch: an SSM parameter that stops every rollback at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from diagnosis.evidence import Missing

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

PERMISSIONS = ("ssm:GetParameter",)


def read_kill_switch(client: SSMClient, parameter: str) -> bool | Missing:
    """Whether the parameter says exactly `true`; Missing if it cannot be read."""
    try:
        answer = client.get_parameter(Name=parameter)
    except ClientError as error:
        return Missing(f"ssm:GetParameter: {error.response.get('Error', {}).get('Code', 'unknown error')}")
    except BotoCoreError as error:
        return Missing(f"ssm: {type(error).__name__}")
    return answer.get("Parameter", {}).get("Value") == "true"
