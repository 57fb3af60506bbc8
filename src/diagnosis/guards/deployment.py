"""Guards about the deployment: is it the right one, and is there something to go back to?"""

from datetime import timedelta

from diagnosis.changes import Effect, effect_of, own_identifiers, touches
from diagnosis.evidence import Change, Changes, Deployment, Deployments, Missing
from diagnosis.guards.question import (
    FOLLOWING_CREATORS,
    Answer,
    Question,
    is_rollback,
    last_good,
    passed,
    refused,
    same_group,
)

# A deployment that ended up to this long before the onset still covers it: requests fail as targets settle.
SETTLES = timedelta(minutes=2)
CLOUDFORMATION_CREATORS = frozenset({"CloudFormation", "CloudFormationRollback"})
UNTOLD_COMPETES = frozenset(
    {Effect.NETWORK, Effect.ROUTING, Effect.HEALTH_CHECK, Effect.REGISTRATION, Effect.TIMEOUT}
)
# These replace targets on behalf of a deployment or a scaling policy; they are no other hand.
SERVICES = ("codedeploy", "autoscaling", "amazonaws.com")
# They never do this: it was a person or a program under a role that is only named like one of them.
NO_SERVICES_WORK = frozenset(
    {
        Effect.NETWORK,
        Effect.PERMISSION,
        Effect.FIREWALL,
        Effect.HEALTH_CHECK,
        Effect.TIMEOUT,
        Effect.CERTIFICATE,
    }
)
# What deployments and scaling do themselves to targets, and labels: no rivals of the deployment.
HARMLESS_CHANGES = frozenset(
    {
        "RegisterTargets",
        "DeregisterTargets",
        "AddTags",
        "RemoveTags",
        "CreateTags",
        "DeleteTags",
        "TagResource",
        "UntagResource",
    }
)


def entry_point_watched(question: Question) -> Answer:
    """The alarm is about an Application Load Balancer, the only one looked at again before acting."""
    if question.evidence.kind != "alb":
        return refused(
            "Only an Application Load Balancer's errors can be checked again just before a rollback, and this"
            " alarm is about another entry point; go back by hand."
        )
    return passed("The alarm is about an Application Load Balancer, whose errors can be checked again.")


def platform_supported(question: Question) -> Answer:
    """It is a deployment to EC2 or on-premises servers that was not driven by CloudFormation."""
    deployment = question.deployment
    if deployment.platform != "Server":
        return refused(
            f"Deployments to {deployment.platform} cannot be rolled back by this version; go back by hand."
        )
    if deployment.creator in CLOUDFORMATION_CREATORS:
        return refused("CloudFormation drives this deployment; it must be rolled back through its stack.")
    style = "blue/green" if deployment.style == "BLUE_GREEN" else "in place"
    return passed(f"It is an EC2 deployment, {style}, which can be rolled back.")


def owns_failing_group(question: Question) -> Answer:
    """The deployment group deploys to every target group that fails."""
    group, failing = question.group, question.failing_groups
    if isinstance(group, Missing):
        name = question.deployment.group_name
        return refused(f"Where {name} deploys to could not be read: {group.reason}.")
    if not failing:
        return refused("It is not known which target group fails.")
    foreign = sorted(each.name for each in failing if each.name not in group.target_groups)
    if foreign:
        return refused(f"{group.name} does not deploy to {', '.join(foreign)}, which fails too.")
    return passed(f"{group.name} deploys to {', '.join(sorted(each.name for each in failing))}, which fails.")


def newest_deployment(question: Question) -> Answer:
    """No later deployment, of its group or of another to the same targets, was created."""
    deployments = question.evidence.deployments
    if not isinstance(deployments, Deployments):
        return refused(f"Whether it is the newest deployment could not be read: {deployments.reason}.")
    later = sorted(each.id for each in deployments.found if _supersedes(each, question))
    if later:
        return refused(f"It is not the newest deployment: {', '.join(later)} came later.")
    return passed("It is the newest deployment of its group.")


def _supersedes(other: Deployment, question: Question) -> bool:
    suspect = question.deployment
    if other.id == suspect.id or other.creator in FOLLOWING_CREATORS or other.created < suspect.created:
        return False
    return same_group(other, suspect) or _same_targets(other, question)


def _same_targets(other: Deployment, question: Question) -> bool:
    """Whether it deploys to a failing target group; where that could not be read it may."""
    if isinstance(other.group, Missing):
        return True
    return any(each.name in other.group.target_groups for each in question.failing_groups)


def no_deployment_under_way(question: Question) -> Answer:
    """No other deployment of the group is running: CodeDeploy allows one at a time (user guide, limits)."""
    deployments = question.evidence.deployments
    if not isinstance(deployments, Deployments):
        return refused(f"Whether a deployment is under way could not be read: {deployments.reason}.")
    running = sorted(
        each.id
        for each in deployments.found
        if each.running and each.id != question.deployment.id and same_group(each, question.deployment)
    )
    if running:
        return refused(f"Another deployment of the group is under way: {', '.join(running)}.")
    return passed("No other deployment of the group is under way.")


def not_itself_a_rollback(question: Question) -> Answer:
    """It is not itself a rollback (going back from one restores the fault) nor rolled back already."""
    deployment = question.deployment
    if is_rollback(deployment):
        return refused(f"{deployment.id} is itself a rollback: going back would restore what it undid.")
    if deployment.rolled_back_by is not None:
        return refused(f"CodeDeploy has rolled it back already, by {deployment.rolled_back_by}.")
    return passed("It is not itself a rollback and was not rolled back yet.")


def something_to_go_back_to(question: Question) -> Answer:
    """An earlier deployment of the group succeeded with another revision, never rolled back from."""
    if question.deployment.revision is None:
        return refused("The revision of the deployment is not known, so nothing can be told from it.")
    good = last_good(question)
    if good is None or good.revision is None:
        return refused("No earlier successful deployment of another revision is known to go back to.")
    return passed(f"It would go back to {good.revision.label}, deployed by {good.id}.")


def no_later_change(question: Question) -> Answer:
    """Nobody changed the failing part since the deployment began: no rival before, no other hand now."""
    changes = question.evidence.changes
    if not isinstance(changes, Changes):
        return refused(f"Whether the configuration was changed could not be read: {changes.reason}.")
    rivals = sorted(
        (each for each in changes.found if _competes(each, question)), key=lambda each: (each.at, each.id)
    )
    if rivals:
        named = ", ".join(f"{each.name} by {each.by} at {each.at:%H:%M:%S}" for each in rivals)
        return refused(f"The failing part was also changed after the deployment began: {named}.")
    if question.verdict.trigger.blind and _had_ended(question):
        return refused(
            "The errors began after the deployment had ended, and CloudTrail cannot show yet what else was"
            " changed in those minutes; it is looked at again when it can."
        )
    return passed("No change of the failing part is known since the deployment began.")


def _had_ended(question: Question) -> bool:
    """Whether the errors began clearly after the deployment's end, so that it does not prove itself."""
    ended, onset = question.deployment.completed, question.verdict.onset
    return ended is not None and onset is not None and onset - ended > SETTLES


def _competes(change: Change, question: Question) -> bool:
    named_so = any(service in change.by.lower() for service in SERVICES)
    by_a_service = named_so and effect_of(change) not in NO_SERVICES_WORK
    if change.error is not None or change.name in HARMLESS_CHANGES or by_a_service:
        return False
    if change.source.startswith("codedeploy") or change.at < question.deployment.begun:
        return False
    own = own_identifiers(question.evidence, frozenset(group.id for group in question.failing_groups))
    ours = touches(change, question.evidence, own)
    # A change of the network or the routing of which nobody can tell whom it hit may have hit this service.
    return ours if ours is not None else effect_of(change) in UNTOLD_COMPETES
