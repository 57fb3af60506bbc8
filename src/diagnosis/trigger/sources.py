"""Where candidates are read from, and what a mechanism lends to each kind of trigger."""

from collections.abc import Iterator

from diagnosis.cause import Cause, Signal

CODEDEPLOY, CLOUDTRAIL, CLOUDWATCH = "CodeDeploy", "CloudTrail", "CloudWatch"
# Who makes deployments, by Deployment.system.
DEPLOYED_BY = {"codedeploy": CODEDEPLOY, "ecs": "ECS", "lambda": "Lambda"}


def lent(cause: Cause | None, kind: str) -> Iterator[Signal]:
    """What the mechanism says of this kind of trigger by itself."""
    weight = 0.0 if cause is None else cause.triggers.get(kind, 0.0)
    if cause is not None and weight:
        often = "often" if weight > 0 else "seldom"
        yield Signal(weight, f"this cause {often} has such a trigger", f"cause {cause.code}")
