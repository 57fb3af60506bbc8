"""A Lambda function."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function."""

    name: str
