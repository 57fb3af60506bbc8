"""One message of each kind, as the product writes them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from diagnosis.alarm import AlarmState
from diagnosis.document import Document
from diagnosis.report import failed, resolved, with_rollback
from notification import update_messages
from notification.diagnosis_message import diagnosed
from notification.message import Message
from notification.update_messages import Progress, Step
from tests.notification.incidents import ALARM, INCIDENT, NOW, document, inconclusive

LATER = NOW + timedelta(minutes=6, seconds=20)
Writer = Callable[[Document], Message]


def again(told: Document) -> Document:
    """The document of a second alarm of the incident."""
    return {**told, "alarm": {**told["alarm"], "name": "order-api-target-latency"}}


def the_end(told: Document) -> Document:
    return resolved(INCIDENT, replace(ALARM, state=AlarmState.OK, time=LATER), told)


def broken() -> Document:
    return failed(INCIDENT, ALARM, "CloudWatch did not answer in time.")


def back(told: Document, decision: str) -> Document:
    return with_rollback(told, decision, "d-BACK231XY")


KINDS: dict[str, tuple[Document, Writer]] = {
    "requested": (document("requested"), diagnosed),
    "awaiting-approval": (document("awaiting_approval"), diagnosed),
    "recommended": (document("recommended"), diagnosed),
    "refused": (document("refused"), diagnosed),
    "inconclusive": (document("none", judged=inconclusive()), diagnosed),
    "further-alarm": (again(document()), lambda told: update_messages.further_alarm(told, document())),
    "verdict-changed": (
        again(document()),
        lambda told: update_messages.further_alarm(told, document("none", judged=inconclusive())),
    ),
    "resolved": (the_end(back(document(), "recovered")), update_messages.resolved),
    "failed": (
        broken(),
        lambda told: update_messages.failed(told, {"detail": {"alarmName": "order-api-elb-5xx"}}),
    ),
    "rollback-started": (
        back(document(), "started"),
        lambda told: update_messages.rollback_progress(told, Progress(Step.STARTED, LATER)),
    ),
    "rollback-vetoed": (
        back(document(), "vetoed"),
        lambda told: update_messages.rollback_progress(told, Progress(Step.VETOED, LATER, by="maria")),
    ),
    "rollback-approved": (
        document("awaiting_approval"),
        lambda told: update_messages.rollback_progress(told, Progress(Step.APPROVED, LATER, by="maria")),
    ),
    "rollback-rejected": (
        document("awaiting_approval"),
        lambda told: update_messages.rollback_progress(told, Progress(Step.REJECTED, LATER, by="maria")),
    ),
    "rollback-refused": (
        document("refused"),
        lambda told: update_messages.rollback_progress(
            told, Progress(Step.REFUSED, LATER, detail="d-OTHER is now the newest deployment of production.")
        ),
    ),
    "rollback-not-made": (
        document("refused"),
        lambda told: update_messages.rollback_progress(
            told,
            Progress(Step.NOT_MADE, LATER, detail="The last error: CreateDeployment: ThrottlingException."),
        ),
    ),
    "rollback-uncertain": (
        document("refused"),
        lambda told: update_messages.rollback_progress(
            told,
            Progress(
                Step.UNCERTAIN,
                LATER,
                detail="The last error: ReadTimeoutError. Looked once more: AccessDeniedException.",
            ),
        ),
    ),
    "rollback-recovered": (
        back(document(), "recovered"),
        lambda told: update_messages.rollback_progress(told, Progress(Step.RECOVERED, LATER, seconds=380)),
    ),
    "rollback-did-not-help": (
        back(document(), "did_not_help"),
        lambda told: update_messages.rollback_progress(told, Progress(Step.DID_NOT_HELP, LATER, seconds=900)),
    ),
    "rollback-deployment-failed": (
        back(document(), "did_not_help"),
        lambda told: update_messages.rollback_progress(
            told, Progress(Step.DEPLOYMENT_FAILED, LATER, detail="HEALTH_CONSTRAINTS: too few instances.")
        ),
    ),
}
