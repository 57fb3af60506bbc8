"""An ECS service."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContainerService:
    """An ECS service."""

    arn: str
