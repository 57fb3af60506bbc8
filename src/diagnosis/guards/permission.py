"""Guards about permission: does the owner allow it, and was it not done already or too often?"""

from datetime import datetime, timedelta

from diagnosis.evidence import DeploymentGroup, Missing
from diagnosis.guards.question import (
    OPT_IN_TAG,
    OPT_IN_VALUE,
    OPT_OUT_TAG,
    Answer,
    Question,
    Situation,
    passed,
    refused,
)
from diagnosis.history import PastRollback
from diagnosis.settings import RollbackMode

ROLLBACKS_A_DAY_PER_GROUP = 3
ROLLBACKS_A_DAY = 6
DAY = timedelta(days=1)


def mode_allows(question: Situation) -> Answer:
    """The stack's parameter RollbackMode is not `off`."""
    mode = question.settings.mode
    if mode is RollbackMode.OFF:
        return refused("Rolling back is switched off (RollbackMode is off).")
    return passed(f"RollbackMode is {mode}.")


def opted_in(question: Question) -> Answer:
    """In mode `auto` the deployment group carries the tag `gateway-triage:auto-rollback = enabled`."""
    if question.settings.mode is not RollbackMode.AUTO:
        return passed(f"In mode {question.settings.mode} a person decides, so no opt-in tag is asked for.")
    group = question.group
    tags = group if isinstance(group, Missing) else group.tags
    if isinstance(tags, Missing):
        return refused(f"The tags of {question.deployment.group_name} could not be read: {tags.reason}.")
    if tags.get(OPT_IN_TAG) != OPT_IN_VALUE:
        return refused(f"{question.deployment.group_name} is not tagged {OPT_IN_TAG} = {OPT_IN_VALUE}.")
    return passed(f"{question.deployment.group_name} is tagged {OPT_IN_TAG} = {OPT_IN_VALUE}.")


def not_opted_out(question: Question) -> Answer:
    """Group, application and description do not say `gateway-triage:no-rollback`."""
    if OPT_OUT_TAG in question.deployment.description:
        return refused(f"The deployment's description forbids it: {question.deployment.description}")
    group = question.group
    if isinstance(group, Missing):
        return refused(f"The tags of {question.deployment.group_name} could not be read: {group.reason}.")
    return _not_tagged_out(group)


def _not_tagged_out(group: DeploymentGroup) -> Answer:
    for owner, tags in ((group.name, group.tags), (group.application, group.application_tags)):
        if isinstance(tags, Missing):
            return refused(f"The tags of {owner} could not be read: {tags.reason}.")
        if OPT_OUT_TAG in tags:
            return refused(f"{owner} is tagged {OPT_OUT_TAG}: {tags[OPT_OUT_TAG] or 'no reason given'}")
    return passed("Nothing is tagged against rolling back.")


def kill_switch(question: Situation) -> Answer:
    """The kill switch, an SSM parameter, allows rollbacks; unreadable means stopped."""
    allows = question.history.kill_switch_allows
    if isinstance(allows, Missing):
        return refused(f"The kill switch could not be read, which means stopped: {allows.reason}.")
    if not allows:
        return refused("The kill switch stops every rollback.")
    return passed("The kill switch allows rollbacks.")


def not_rolled_back_before(question: Question) -> Answer:
    """This incident has no rollback yet, and this revision was never rolled back from in this group."""
    action, past = question.history.incident_action, question.history.rollbacks
    if isinstance(action, Missing):
        return refused(f"Whether this incident has a rollback already could not be read: {action.reason}.")
    if action is not None:
        return refused(f"This incident has a rollback already: {action}.")
    if isinstance(past, Missing):
        return refused(f"Earlier rollbacks could not be read: {past.reason}.")
    same = [each for each in past if _of_this_group(each, question) and _from_this_deployment(each, question)]
    if same:
        return refused(f"This revision was rolled back from before, in incident {same[0].incident_id}.")
    return passed("Neither this incident nor this revision was rolled back before.")


def _of_this_group(past: PastRollback, question: Question) -> bool:
    deployment = question.deployment
    return (past.application, past.deployment_group) == (deployment.application, deployment.group_name)


def _from_this_deployment(past: PastRollback, question: Question) -> bool:
    deployment = question.deployment
    revision = deployment.revision.id if deployment.revision else None
    return past.revision_id == revision or deployment.id in (past.deployment_id, past.rollback_deployment_id)


def not_too_many(question: Question) -> Answer:
    """At most 3 rollbacks of a group and 6 altogether in 24 hours: more means that the judgement is wrong."""
    past = question.history.rollbacks
    if isinstance(past, Missing):
        return refused(f"Earlier rollbacks could not be read: {past.reason}.")
    recent = [each for each in past if _within_a_day(each, question.evidence.now)]
    of_group = sum(_of_this_group(each, question) for each in recent)
    sentence = f"{of_group} rollbacks of the group and {len(recent)} altogether in 24 hours"
    if of_group >= ROLLBACKS_A_DAY_PER_GROUP or len(recent) >= ROLLBACKS_A_DAY:
        return refused(f"{sentence}: at most {ROLLBACKS_A_DAY_PER_GROUP} and {ROLLBACKS_A_DAY} are allowed.")
    return passed(f"{sentence}.")


def _within_a_day(past: PastRollback, now: datetime) -> bool:
    """Whether it counts; one with an unreadable time counts."""
    try:
        return datetime.fromisoformat(past.at) > now - DAY
    except (ValueError, TypeError):
        return True
