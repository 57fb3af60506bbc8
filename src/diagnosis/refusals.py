"""The load balancer's own 4xx, which have one metric for many makers: how many each known maker made.

400, 401, 403, 405, 408, 413, 414, 431, 460, 463 and 464 are all counted in HTTPCode_ELB_4XX_Count (ALB user
guide, troubleshooting). Some makers count by themselves, so what is left over can be told by elimination.
"""

from dataclasses import dataclass

from diagnosis.evidence import Missing
from diagnosis.facts import Facts
from diagnosis.shift import count_shift
from diagnosis.symptom import Family

# A maker of this share of the refusals made them; one of less than this share hardly any.
MOST, HARDLY_ANY = 0.5, 0.15
# Made by the load balancer with a request in flight to a target, beside 460; these have metrics.
ANSWERED_FOR_A_TARGET = ("HTTPCode_ELB_502_Count", "HTTPCode_ELB_504_Count")


@dataclass(frozen=True, slots=True)
class Refusals:
    """Refusals since the onset, beyond the baseline, by maker. `firewall` is None where it was not read.

    `given_up` were sent to a target that never answered them: only a client that leaves first (460) does
    that to an ELB 4xx; None where the targets' answers are not published. `non_compliant` break RFC 7230,
    `odd_headers` had headers with invalid names.
    """

    total: float
    firewall: float | None
    identity: float
    reputation: float
    rules: float
    given_up: float | None
    non_compliant: float
    odd_headers: float = 0.0

    def share(self, count: float | None) -> float:
        """That many among the refusals, 0 to 1 and a little."""
        return (count or 0.0) / self.total if self.total else 0.0

    @property
    def explained(self) -> tuple[float, str]:
        """The largest share that a maker with a metric of its own has, and what it is called."""
        made = {
            "the firewall": self.firewall,
            "the identity provider": self.identity,
            "protection against ill-reputed addresses": self.reputation,
            "a rule's fixed response": self.rules,
        }
        return max((self.share(count), name) for name, count in made.items())


def refusals_of(facts: Facts) -> Refusals | None:
    """The refusals; None where the load balancer's own 4xx are not most of what rose."""
    own = facts.parts.get("elb_4xx")
    family = facts.symptom.family is Family.CLIENT_ERRORS
    if not family or own is None or facts.onset is None or not own.risen or facts.part("elb_4xx") < MOST:
        return None
    counts = facts.counts
    identity = ("auth_failures", "claims_too_large", "token_failures")
    return Refusals(
        total=own.excess,
        firewall=_by_firewall(facts),
        identity=sum(counts[name].excess for name in identity),
        reputation=counts["low_reputation_denied"].excess,
        rules=counts["fixed_responses"].excess,
        given_up=_given_up(facts),
        non_compliant=counts["desync"].excess,
        odd_headers=_odd_headers(facts),
    )


def _by_firewall(facts: Facts) -> float | None:
    """A web ACL blocks with 403 and asks for a puzzle with 405 (AWS WAF developer guide)."""
    if facts.kind == "clb" or facts.evidence.firewall is None:
        return 0.0  # a Classic Load Balancer cannot have one
    if facts.firewall is None:
        return None
    return facts.firewall.blocked.excess + facts.firewall.captcha.excess


def _odd_headers(facts: Facts) -> float:
    """Requests with invalid headers, which were dropped; published for each zone alone (ALB user guide)."""
    metrics = facts.evidence.metrics
    if isinstance(metrics, Missing):
        return 0.0
    zones = [metrics.counts("DroppedInvalidHeaderRequestCount", zone=zone.name) for zone in facts.zones]
    dropped = [sum(minute) for minute in zip(*zones, strict=True)]
    return count_shift(dropped, facts.symptom.attempted, facts.span).excess if dropped else 0.0


def _given_up(facts: Facts) -> float | None:
    """Requests for which a target was chosen and nobody answered, less those that 502 and 504 answered."""
    metrics = facts.evidence.metrics
    answering = [group for group in facts.groups if group.target_2xx.before or group.target_4xx.before]
    # Of a Classic Load Balancer it is not told whether RequestCount has what clients gave up.
    if isinstance(metrics, Missing) or not answering or facts.kind == "clb":
        return None
    exposures = facts.symptom.attempted
    lost = sum(group.unanswered.excess for group in answering)
    failed = sum(
        count_shift(metrics.counts(name), exposures, facts.span).excess for name in ANSWERED_FOR_A_TARGET
    )
    return max(0.0, lost - failed)
