"""Guards about the proof: is it this, are we sure, does it matter, is it still going on?"""

from datetime import timedelta

from diagnosis.evidence import Changes, Deployments, Missing
from diagnosis.guards.question import Answer, Question, Situation, passed, refused

MINIMUM_FAILED_REQUESTS = 20
MINIMUM_REQUESTS_PER_MINUTE = 20.0
OLDEST_ALARM = timedelta(minutes=30)
# A change older than this against the onset is no rival of a deployment that came after it.
RIVALS_BEFORE = timedelta(minutes=10)
NOT_ASKED = Missing("not asked for")


def proven_cause(question: Situation) -> Answer:
    """The cause is decided, and the probability that it is one which going back cures reaches the minimum."""
    verdict, minimum = question.verdict, question.settings.minimum_confidence
    if verdict.code == "inconclusive":
        return refused("The evidence does not decide the cause.")
    sentence = f"The probability that going back cures the cause is {_percent(verdict.rollback_support)}"
    if not verdict.rollback_support >= minimum:
        return refused(f"{sentence}, less than the {_percent(minimum)} asked for.")
    return passed(f"{sentence}; {_percent(minimum)} is asked for.")


def proven_trigger(question: Question) -> Answer:
    """This deployment set the errors off, with at least the minimum confidence, and no rival is as likely."""
    chosen, minimum = question.verdict.trigger.chosen, question.settings.minimum_confidence
    if chosen.kind != "deployment" or chosen.deployment is None:
        return refused(f"It is not shown that a deployment set the errors off: {chosen.summary}")
    blind = " The newest changes cannot have been seen yet." if question.verdict.trigger.blind else ""
    sentence = f"That {chosen.deployment.id} set the errors off is {_percent(chosen.confidence)} sure"
    if not chosen.confidence >= minimum:
        return refused(f"{sentence}, less than the {_percent(minimum)} asked for.{blind}")
    return passed(f"{sentence}; {_percent(minimum)} is asked for.{blind}")


def rollback_helps(question: Situation) -> Answer:
    """The cause named is one that the earlier revision would not have."""
    leading = question.verdict.leading
    if leading is None:
        return refused("No cause was found, so nothing says that going back would help.")
    if not leading.cause.rollback_helps:
        return refused(f"Going back does not help against this cause: {leading.cause.title}.")
    return passed(f"Going back is a remedy for this cause: {leading.cause.title}.")


def evidence_complete(question: Situation) -> Answer:
    """What a rollback rests on was read: metrics, the failing group's health, deployments, changes."""
    lacking = [
        *_lacking_metrics(question),
        *_lacking_health(question),
        *_lacking_deployments(question),
        *_lacking_changes(question),
    ]
    if lacking:
        return refused(f"A rollback would rest on what could not be read: {'; '.join(lacking)}.")
    return passed("Metrics, the failing group's health, deployments and changes were read.")


def _lacking_metrics(question: Situation) -> list[str]:
    """Counts of the whole load balancer and of its failing groups; series by zone are a refinement."""
    metrics = question.evidence.metrics
    if isinstance(metrics, Missing):
        return [f"metrics ({metrics.reason})"]
    needed = {None, *(group.id for group in question.failing_groups)}
    unread = sorted(
        {
            key.name
            for key in metrics.unread
            if key.statistic == "Sum" and key.zone is None and key.target_group in needed
        }
    )
    return [f"the metrics {', '.join(unread)}"] if unread else []


def _lacking_health(question: Situation) -> list[str]:
    health = question.evidence.target_health
    if isinstance(health, Missing):
        return [f"target health ({health.reason})"]
    read = ((group.name, health.get(group.id, NOT_ASKED)) for group in question.failing_groups)
    return [f"health of {name} ({each.reason})" for name, each in read if isinstance(each, Missing)]


def _lacking_deployments(question: Situation) -> list[str]:
    deployments = question.evidence.deployments
    if not isinstance(deployments, Deployments):
        return [f"deployments ({deployments.reason})"]
    lacking = ["some of the deployments (there were too many)"] if deployments.truncated else []
    if isinstance(question, Question) and isinstance(question.group, Missing):
        name, reason = question.deployment.group_name, question.group.reason
        lacking.append(f"the deployment group {name} ({reason})")
    return lacking


def _lacking_changes(question: Situation) -> list[str]:
    """Changes from a little before the deployment on; older ones may not fit a busy account's look-up."""
    changes = question.evidence.changes
    if not isinstance(changes, Changes):
        return [f"changes ({changes.reason})"]
    begun = question.deployment.begun if isinstance(question, Question) else question.evidence.now
    needed_since = min(begun, question.verdict.onset or begun) - RIVALS_BEFORE
    if changes.truncated and changes.since > needed_since:
        return [f"the changes before {changes.since:%H:%M} UTC (there were too many)"]
    return [f"changes by {name} ({each.reason})" for name, each in changes.unread_elsewhere.items()]


def errors_continue(question: Situation) -> Answer:
    """The errors still go on: what is over needs no rollback."""
    if not question.verdict.errors_continue:
        return refused("The errors have stopped already.")
    return passed("The errors still go on.")


def enough_traffic(question: Situation) -> Answer:
    """Enough requests were asked and failed for the figures to mean something."""
    impact, rate = question.verdict.impact, question.verdict.requests_per_minute
    if impact is None:
        return refused("How many requests failed could not be counted.")
    sentence = f"{impact.failed_requests:,} requests failed, at {rate:,.0f} requests a minute"
    if impact.failed_requests < MINIMUM_FAILED_REQUESTS or not rate >= MINIMUM_REQUESTS_PER_MINUTE:
        floor = f"{MINIMUM_FAILED_REQUESTS} and {MINIMUM_REQUESTS_PER_MINUTE:.0f}"
        return refused(f"{sentence}: too few, at least {floor} are asked for.")
    return passed(f"{sentence}.")


def alarm_is_fresh(question: Situation) -> Answer:
    """The alarm changed its state lately; a replayed or long-delayed event moves nothing."""
    age = question.history.alarm_age
    if isinstance(age, Missing):
        return refused(f"How old the alarm is, is not known: {age.reason}.")
    minutes = age / timedelta(minutes=1)
    if abs(age) > OLDEST_ALARM:
        most = OLDEST_ALARM / timedelta(minutes=1)
        return refused(f"The alarm is {minutes:.0f} minutes old, more than {most:.0f}.")
    return passed(f"The alarm is {max(minutes, 0):.0f} minutes old.")


def _percent(share: float) -> str:
    return "over 99 %" if 0.99 < share < 1.0 else f"{100 * share:.0f} %"
