"""After a rollback: has the service recovered, did it not help, or is it too early to say?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from remediation.live_errors import MINUTES_JUDGED, Level, Minute, are_over, still_going_on
from remediation.records import RollbackAction

HELPS_WITHIN = timedelta(minutes=10)


class Progress(StrEnum):
    """What a look at a rollback finds."""

    UNDER_WAY = "under_way"
    RECOVERED = "recovered"
    DID_NOT_HELP = "did_not_help"
    DEPLOYMENT_FAILED = "deployment_failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """Where the rollback is, with a sentence."""

    progress: Progress
    detail: str = ""


def judge(
    action: RollbackAction, rollback: Mapping[str, Any] | None, minutes: Sequence[Minute], now: datetime
) -> Finding:
    """What has become of it; `rollback` is its deployment, None while CodeDeploy has not named one."""
    status = (rollback or {}).get("status")
    if status in {"Failed", "Stopped"}:
        return Finding(Progress.DEPLOYMENT_FAILED, _why(rollback or {}))
    if status != "Succeeded" or rollback is None:
        return Finding(Progress.UNDER_WAY, "The deployment is not finished yet.")
    level = Level(float(action.baseline_error_rate), float(action.error_rate))
    if are_over(minutes, level):
        return Finding(Progress.RECOVERED)
    ended: datetime = rollback.get("completeTime") or now
    since = [minute for minute in minutes if minute.start >= ended]
    if now - ended > HELPS_WITHIN and still_going_on(since, level):
        share = max(minute.share for minute in since[-MINUTES_JUDGED:])
        return Finding(Progress.DID_NOT_HELP, f"{100 * share:.1f} % of requests still fail.")
    return Finding(Progress.UNDER_WAY, "The deployment is finished; whether it helped does not show yet.")


def _why(rollback: Mapping[str, Any]) -> str:
    code = (rollback.get("errorInformation") or {}).get("code")
    return (
        f"CodeDeploy says {rollback['status']}, {code}." if code else f"CodeDeploy says {rollback['status']}."
    )
