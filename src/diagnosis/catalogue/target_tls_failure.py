"""The TLS handshake to the target fails."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.context import began_lately, software_fails_everywhere
from diagnosis.facts import Facts
from diagnosis.phrase import moved

IN_STEP = 0.3


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh 502 (or 504, when the handshake times out) in step with failed handshakes."""
    handshakes = facts.counts["tls_errors"]
    if not facts.is_5xx or not handshakes.risen or facts.ratio("tls_errors", "elb_502", "elb_504") < IN_STEP:
        yield Signal(
            -6.0,
            "TLS handshakes with the targets fail no more than before",
            "CloudWatch TargetTLSNegotiationErrorCount",
        )
        return
    yield Signal(
        6.0,
        f"failed TLS handshakes with the targets went {moved(handshakes)}",
        "CloudWatch TargetTLSNegotiationErrorCount",
    )
    if facts.part("elb_502", "elb_504") >= 0.7:
        yield Signal(1.0, "the load balancer answers 502 or 504 in step", "CloudWatch HTTPCode_ELB_502_Count")
    yield from began_lately(facts)
    yield from software_fails_everywhere(facts)


CAUSE = Cause(
    code="target_tls_failure",
    origin=Origin.LOAD_BALANCER,
    title="TLS handshakes with the targets fail (502)",
    why="Load balancer and target agree on no protocol, cipher or certificate, so no request is ever sent.",
    prior=-2.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("From the load balancer's subnet: openssl s_client -connect <target>:<port>.", Look.TARGETS),
        Check(
            "Check what certificate, protocols and ciphers the targets offer since the onset.",
            Look.CERTIFICATES,
        ),
        Check("Check that the target group's protocol is what the targets speak.", Look.TARGET_GROUP),
    ),
    prevention=(
        "Test the target's TLS settings against the load balancer's back-end ciphers before a release."
    ),
    retry=Retry.SAFE,
    rollback_helps=True,
    owner=Owner.PLATFORM,
    short="TLS handshake with the targets",
    triggers={"deployment": 0.5},
    touched_by=(Effect.CERTIFICATE, Effect.CONFIGURATION, Effect.HEALTH_CHECK),
    systems=frozenset({"alb"}),
    sources=(
        (
            "ALB user guide, troubleshooting, HTTP 502: the load balancer encountered an SSL handshake error"
            " when connecting to a target"
        ),
    ),
    cases=(
        Case(
            "the targets' certificate store was replaced",
            True,
            {
                "target_groups": {
                    "orders": {"protocol": "HTTPS", "elb_502": "0, -7: 1200", "tls_errors": "0, -7: 1240"}
                }
            },
        ),
        Case(
            "handshakes time out",
            True,
            {
                "target_groups": {
                    "orders": {"protocol": "HTTPS", "elb_504": "0, -7: 300", "tls_errors": "0, -7: 290"}
                }
            },
        ),
        Case(
            "responses break after the handshake",
            False,
            {"target_groups": {"orders": {"protocol": "HTTPS", "elb_502": "0, -7: 400"}}},
        ),
    ),
)
