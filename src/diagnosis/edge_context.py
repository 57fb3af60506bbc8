"""What several causes at the edge weigh alike: which codes rose, who answered them, what was edited."""

from collections.abc import Iterator
from datetime import timedelta

from diagnosis.cause import Signal
from diagnosis.changes import Effect, RelevantChange
from diagnosis.effects import bare_name
from diagnosis.evidence import Missing
from diagnosis.facts import Facts
from diagnosis.facts.behind import OriginFacts
from diagnosis.facts.edge import EdgeFacts
from diagnosis.phrase import moved, percent
from diagnosis.systems.certificates import CertificateDetails

CLOUDFRONT = frozenset({"cloudfront"})
# Connections that are open live on for a while after a certificate's end.
ENDED_BEFORE = timedelta(hours=1)
# An edit of the distribution reaches the edge locations in minutes (CloudFront developer guide, "Update a
# distribution").
EDGE_EDITS = frozenset({"UpdateDistribution", "UpdateDistributionWithStagingConfig", "UpdateVpcOrigin"})


def failing_origin(facts: Facts) -> str | None:
    """The id of the origin that fails."""
    return facts.failing_origin


def share_of(facts: Facts, *codes: str) -> float | None:
    """The share of the additional errors that these status codes make up; None where codes are not
    published.
    """
    if facts.edge is None or not facts.edge.codes_known:
        return None
    return facts.part(*(f"edge_{code}" for code in codes))


def said_by_codes(facts: Facts, weight: float, *codes: str) -> Iterator[Signal]:
    """Whether the rates by code fit: `weight` for these codes, as much and more against any other."""
    share = share_of(facts, *codes)
    named = " and ".join(codes)
    if share is None:
        return
    source = f"CloudWatch {codes[0]}ErrorRate"
    if share >= 0.6:
        yield Signal(weight, f"{percent(share)} of the additional errors are {named}", source)
    elif share < 0.25:
        yield Signal(-4.0, f"only {percent(share)} of the additional errors are {named}", source)


def origin_stays_clean(origin: OriginFacts | None) -> bool:
    """Whether the origin's own figures are known and tell no 5xx in step with the edge's."""
    return origin is not None and origin.read and (not origin.errors.risen or origin.in_step < 0.3)


def origin_answers_errors(facts: Facts, weight: float = -6.0) -> Iterator[Signal]:
    """Errors that the origin itself answers are passed on; nothing is wrong on the way to it."""
    for origin in facts.edge.origins if facts.edge else ():
        if origin.errors.risen and origin.in_step >= 0.5 and _most(facts, origin.errors.excess):
            yield Signal(
                weight,
                f"{origin.id} answers 5xx itself in the same minutes, {moved(origin.errors)}",
                f"CloudWatch of {origin.id}",
            )


def function_fails(facts: Facts, weight: float = -6.0) -> Iterator[Signal]:
    """A function that fails at the edge answers before any origin is asked."""
    failing = facts.edge.failing_function if facts.edge else None
    if failing:
        yield Signal(
            weight,
            f"errors of the function {failing.name} went {moved(failing.errors)}",
            "CloudWatch AWS/CloudFront by FunctionName",
        )


def edits(facts: Facts, *effects: Effect) -> tuple[RelevantChange, ...]:
    """Changes near the onset with one of these effects, and every edit of the distribution itself."""
    return tuple(
        each
        for each in facts.changes
        if each.ours is not False and (each.effect in effects or bare_name(each.change.name) in EDGE_EDITS)
    )


def edited(found: tuple[RelevantChange, ...], weight: float) -> Iterator[Signal]:
    """The newest edit that names a part of this service, or less for one of which that cannot be told."""
    best = next((each for each in found if each.ours), next(iter(found), None))
    if best:
        yield Signal(
            weight if best.ours else weight / 2,
            f"{best.change.name} by {best.change.by} at {best.change.at:%H:%M}",
            "CloudTrail",
        )


def about_5xx(facts: Facts) -> EdgeFacts | None:
    """The facts of the distribution where server errors are what the alarm is about."""
    return facts.edge if facts.is_5xx else None


def _most(facts: Facts, count: float) -> bool:
    return count >= 0.5 * facts.errors.excess


def certificate_fault(facts: Facts, origin: OriginFacts) -> str | None:
    """Why no certificate of the origin satisfies the edge since the onset, in one sentence.

    None where one does, none is known, or it was no better before. The name has to be that of the origin, or
    the viewer's where the Host header is passed on (CloudFront developer guide, "Requirements for using HTTPS
    between CloudFront and your origin"); a function may have changed that header, so that a name which does
    not fit counts only where handshakes fail or a listener or certificate was edited.
    """
    known, names = _known_certificates(facts, origin), _names(facts, origin)
    if not known or not names:
        return None
    fitting = [
        each for each in known if any(_covers(domain, name) for domain in each.domains for name in names)
    ]
    if not fitting:
        shown = origin.refused_tls.risen or bool(_certificate_edits(facts))
        return f"no certificate of {origin.id} is for {' or '.join(names)}" if shown else None
    if not all(_has_ended(each, facts) for each in fitting):
        return None
    ended = max((each.not_after for each in fitting if each.not_after), default=None)
    since = f", since {ended:%d %B %H:%M}" if ended and ended <= facts.evidence.now else ""
    return f"the certificate of {origin.id} is not valid any more{since}"


def _known_certificates(facts: Facts, origin: OriginFacts) -> list[CertificateDetails]:
    behind = facts.evidence.origins
    evidence = None if isinstance(behind, Missing) else behind.get(origin.id)
    if evidence is None or isinstance(evidence, Missing) or isinstance(evidence.certificates, Missing):
        return []
    return [each.details for each in evidence.certificates if not isinstance(each.details, Missing)]


def _names(facts: Facts, origin: OriginFacts) -> list[str]:
    aliases = facts.edge.distribution.aliases if facts.edge and facts.edge.distribution else ()
    return [each for each in (origin.configuration.domain if origin.configuration else "", *aliases) if each]


def _certificate_edits(facts: Facts) -> tuple[RelevantChange, ...]:
    return tuple(
        each for each in edits(facts, Effect.CERTIFICATE, Effect.ROUTING) if each.effect is not Effect.EDGE
    )


def _has_ended(details: CertificateDetails, facts: Facts) -> bool:
    """Whether it ended about the onset: what was over for hours before did no harm then."""
    since = (facts.onset or facts.evidence.now) - ENDED_BEFORE
    over = details.not_after is not None and since <= details.not_after <= facts.evidence.now
    return over or details.status == "REVOKED"


def _covers(domain: str, name: str) -> bool:
    """A wildcard stands for one label (RFC 6125, section 6.4.3)."""
    wanted, given = name.lower(), domain.lower()
    return wanted == given or (given.startswith("*.") and wanted.partition(".")[2] == given[2:])
