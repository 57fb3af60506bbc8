"""A deployment seen from the onset: whether it serves the failing part, and how far it had come when errors
began.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from diagnosis.evidence import MINUTE, Deployment, Missing, Window
from diagnosis.shift import Span

# These creators bring the current revision to other instances: no change of version (codedeploy facts,
# section 2).
SAME_VERSION_CREATORS = frozenset({"autoscaling", "autoscalingTermination", "CodeDeployAutoUpdate"})
# CodeDeploy's times and the minute of the metric may disagree by this much.
TOLERANCE_MINUTES = 1.0
# Requests fail up to this long after the last target was updated (load balancers notice, clients reconnect).
SETTLING_MINUTES = 2.0


@dataclass(frozen=True, slots=True)
class Rollout:
    """One deployment in the window's minutes (fractional indexes; `ended` is None while it runs).

    `serves_failing` and `serves_clean` say whether its group deploys to a failing or to a clean target group
    of this load
    balancer; both None when its group could not be read or it cannot be told which group fails.
    """

    deployment: Deployment
    begun: float
    ended: float | None
    updated: tuple[float, ...]
    serves_failing: bool | None
    serves_clean: bool | None
    same_revision: bool = False

    @property
    def first_updated(self) -> float:
        """When the first target had the revision; without per-target times, when the deployment began."""
        return min(self.updated, default=self.begun)

    @property
    def changes_version(self) -> bool:
        """Whether it brought another version, not merely the same one to further instances."""
        return self.deployment.creator not in SAME_VERSION_CREATORS and not self.same_revision

    @property
    def taken_back(self) -> bool:
        """Whether ECS has rolled it back and nothing of it runs, so that since its end all is as before it.

        A deployment of ECS's own ends with its rollback; CodeDeploy rolls back by another deployment.
        """
        by_itself = self.deployment.system == "ecs" and self.deployment.rolled_back_by is not None
        return by_itself and self.ended is not None and not self.updated

    def covers(self, index: float) -> bool:
        """Whether the minute lies in the roll-out, from its first touch to a little after its end."""
        settling = TOLERANCE_MINUTES if self.taken_back else SETTLING_MINUTES
        end = math.inf if self.ended is None else self.ended + settling
        return self.begun - TOLERANCE_MINUTES <= index <= end

    def minutes_since_end(self, index: float) -> float:
        """Quiet minutes between its end and the onset; 0.0 when it was still running or began later."""
        return 0.0 if self.ended is None else max(0.0, index - self.ended)

    @property
    def targets(self) -> int:
        """How many targets it goes to, as far as is known."""
        told = 0 if isinstance(self.deployment.targets, Missing) else len(self.deployment.targets)
        return max(self.deployment.total_targets or 0, told, len(self.updated), 1)

    @property
    def failed_targets(self) -> tuple[str, ...]:
        """The targets on which it failed, as far as is known."""
        targets = () if isinstance(self.deployment.targets, Missing) else self.deployment.targets
        return tuple(target.id for target in targets if target.status == "Failed")

    @property
    def in_flight(self) -> int:
        """How many targets it takes at a time, by its deployment configuration (CodeDeploy user guide); one
        if unknown.
        """
        if self.takes_all:
            return self.targets
        return math.ceil(self.targets / 2) if self._configuration.endswith("HalfAtATime") else 1

    @property
    def takes_all(self) -> bool:
        """Whether all targets are replaced at the same time."""
        return self.deployment.style != "IN_PLACE" or self._configuration.endswith("AllAtOnce")

    @property
    def _configuration(self) -> str:
        group = self.deployment.group
        return "" if isinstance(group, Missing) else (group.deployment_config or "")

    def updated_share(self, index: int) -> float:
        """The share of the serving targets that had the revision at the end of this minute, 0 to 1.

        Those that are being replaced do not serve: half at a time, the updated half carries everything.
        """
        if not self.updated:
            return 1.0 if self.ended is not None and index >= self.ended else 0.5
        done = sum(1 for moment in self.updated if moment < index + 1)
        serving = max(done, self.targets - self.in_flight)
        return done / max(1, serving)

    def touched_share(self, index: int) -> float:
        """The share of its targets that it may have stopped or started by the end of this minute, 0 to 1."""
        if index + 1 <= self.begun:
            return 0.0
        if not self.updated and self.ended is not None:
            return 1.0
        # Without per-target times, what is done by now bounds what was done by then.
        done_by_now = self.deployment.succeeded_targets or 0
        updated = sum(1 for moment in self.updated if moment < index + 1) if self.updated else done_by_now
        return min(1.0, (updated + self.in_flight) / self.targets)


def rollout(
    deployment: Deployment,
    all_deployments: Sequence[Deployment],
    window: Window,
    failing: frozenset[str],
    clean: frozenset[str],
) -> Rollout:
    """Place a deployment in the window; `failing` and `clean` are target-group names."""
    served = None if isinstance(deployment.group, Missing) else frozenset(deployment.group.target_groups)
    targets = () if isinstance(deployment.targets, Missing) else deployment.targets
    return Rollout(
        deployment=deployment,
        begun=_place(deployment.begun, window),
        ended=None if deployment.completed is None else _place(deployment.completed, window),
        updated=tuple(sorted(_place(target.completed, window) for target in targets if target.completed)),
        serves_failing=None if served is None or not failing else bool(served & failing),
        serves_clean=None if served is None or not failing else bool(served & clean) and not served & failing,
        same_revision=_same_as_before(deployment, all_deployments),
    )


def _same_as_before(deployment: Deployment, all_deployments: Sequence[Deployment]) -> bool:
    """Whether the last success before it, and all that was tried since, was of the very same revision."""
    earlier = [
        each
        for each in all_deployments
        if each.application == deployment.application
        and each.group_name == deployment.group_name
        and each.created < deployment.created
    ]
    successes = [each.created for each in earlier if each.status == "Succeeded"]
    if not successes or deployment.revision is None:
        return False
    return all(each.revision == deployment.revision for each in earlier if each.created >= max(successes))


def _place(moment: datetime, window: Window) -> float:
    return (moment - window.start) / MINUTE


@dataclass(frozen=True, slots=True)
class Staircase:
    """Whether errors grew with the share of updated targets.

    `gain` is the log-likelihood of "errors follow the updated targets" over "errors stepped once", for the
    whole disturbance.
    `too_early` means that more requests failed than the targets updated by then could have answered.
    `visible` is False when the roll-out was too quick for minutes to show steps.
    """

    visible: bool
    gain: float
    too_early: bool


FLAT = Staircase(visible=False, gain=0.0, too_early=False)
LEAST_STEPS = 3
# A target serves the new version some minutes before CodeDeploy has validated it and calls it done.
LEADS = (0, 1, 2)


def staircase(
    step: Rollout, errors: Sequence[float], requests: Sequence[float], span: Span, spread: float
) -> Staircase:
    """Compare the two shapes from the first updated target on; `spread` is the dispersion of the errors (at
    least 1).
    """
    shares = [step.updated_share(index) for index in range(len(errors))]
    first = max(0, min(math.floor(step.first_updated), span.onset))
    end = span.until
    rising = sum(1 for a, b in zip(shares[first : end - 1], shares[first + 1 : end], strict=False) if b > a)
    observed, asked = errors[first:end], requests[first:end]
    early = any(
        asked[at] > 0 and observed[at] / asked[at] > min(1.0, 1.3 * step.touched_share(first + at) + 0.1)
        for at in range(end - first)
        if first + at >= span.onset
    )
    if not step.updated or end - first < LEAST_STEPS:
        return Staircase(visible=False, gain=0.0, too_early=early)
    stepped = [1.0 if index >= span.onset else 0.0 for index in range(first, end)]
    grown = (_likelihood(observed, asked, _earlier(shares, lead)[first:end]) for lead in LEADS)
    gain = max(grown) - _likelihood(observed, asked, stepped)
    return Staircase(visible=rising >= LEAST_STEPS - 1, gain=gain / max(1.0, spread), too_early=early)


def _earlier(shares: Sequence[float], minutes: int) -> Sequence[float]:
    return [*shares[minutes:], *([shares[-1]] * minutes)]


def _likelihood(errors: Sequence[float], requests: Sequence[float], shape: Sequence[float]) -> float:
    """Poisson log-likelihood, up to a constant, of errors proportional to requests times shape, with a small
    floor.
    """
    weights = [asked * (form + 0.01) for asked, form in zip(requests, shape, strict=True)]
    scale = sum(errors) / max(sum(weights), 1e-9)
    return sum(
        count * math.log(max(scale * weight, 1e-9)) - scale * weight
        for count, weight in zip(errors, weights, strict=True)
    )
