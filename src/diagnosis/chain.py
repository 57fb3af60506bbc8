"""The chain of systems, from the errors that clients see to what set them off."""

from collections.abc import Iterator

from diagnosis.cause import Cause
from diagnosis.facts import Facts
from diagnosis.phrase import ago
from diagnosis.symptom import Family
from diagnosis.verdict import Candidate, Finding, Link

SYSTEMS = {
    "alb": "Application Load Balancer",
    "nlb": "Network Load Balancer",
    "clb": "Classic Load Balancer",
    "apigateway": "API",
    "cloudfront": "CloudFront",
}
# A code is named when it makes up this share of the additional errors.
MOSTLY = 0.6
_POSSESSIVE = {False: "'s", True: "'"}
SILENT = frozenset({"inconclusive", "base_rate", "low_traffic"})


def chain(
    facts: Facts, cause: Cause, component: str | None, deeper: Finding | None, trigger: Candidate
) -> tuple[Link, ...]:
    """Symptom, mechanism, the origin's own mechanism if there is one, trigger; empty if nothing is known."""
    if cause.code in SILENT:
        return ()
    return tuple(_links(facts, cause, component, deeper, trigger))


def _links(
    facts: Facts, cause: Cause, component: str | None, deeper: Finding | None, trigger: Candidate
) -> Iterator[Link]:
    yield Link("symptom", f"{SYSTEMS.get(facts.kind, facts.kind)} {_code(facts)}")
    yield Link("mechanism", _mechanism(cause, component))
    if deeper:
        origin = facts.origins[facts.failing_origin or ""]
        yield Link("mechanism", _mechanism(deeper.cause, component_of(origin, deeper.cause)))
    set_off = _trigger(facts, trigger)
    if set_off:
        yield Link("trigger", set_off)


def component_of(facts: Facts, cause: Cause | None) -> str | None:
    """What is at fault within the entry point: what the cause says, else the worst target group."""
    if cause and cause.component:
        return cause.component(facts)
    worst = facts.worst
    return worst.name if worst and worst.failing else facts.failing_origin


def _mechanism(cause: Cause, component: str | None) -> str:
    short = cause.short or cause.title[:1].lower() + cause.title[1:]
    return f"{component}{_POSSESSIVE[component.endswith('s')]} {short}" if component else short


def _code(facts: Facts) -> str:
    """The one status code that most of the errors have, or their family."""
    family = facts.symptom.family
    if family not in (Family.SERVER_ERRORS, Family.CLIENT_ERRORS):
        return family.value
    most = max(facts.parts, key=facts.part, default="")
    code = most.rsplit("_", 1)[-1]
    return code if code.isdigit() and facts.part(most) >= MOSTLY else family.value


def _trigger(facts: Facts, trigger: Candidate) -> str | None:
    if trigger.kind == "unknown":
        return None
    if trigger.kind == "none_found":
        return "nothing found that set it off"
    before = f" {ago(facts.onset - trigger.at)}" if facts.onset and trigger.at else ""
    if trigger.deployment:
        revision = trigger.deployment.revision
        label = f" ({revision.label})" if revision else ""
        return f"deployment {trigger.deployment.id}{label}{before}"
    if trigger.kind == "configuration_change":
        name = trigger.summary.split(" ", 1)[0]
        return f"{name} by {trigger.by}{before}"
    return trigger.summary
