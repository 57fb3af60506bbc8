"""The origin refuses the edge."""

from collections.abc import Iterable, Iterator

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.changes import Effect
from diagnosis.context import began_lately
from diagnosis.edge_context import CLOUDFRONT, edited, edits, failing_origin, function_fails, said_by_codes
from diagnosis.facts import Facts
from diagnosis.facts.behind import OriginFacts
from diagnosis.symptom import Family

# Origins that ask who the edge is: a bucket's policy, a function URL's permission.
ASKING = frozenset({"bucket", "function_url"})


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh 403 with what the bucket's policy says of the distribution, and who changed it."""
    edge = facts.edge
    if edge is None or facts.symptom.family is not Family.CLIENT_ERRORS:
        yield Signal(-6.0, "client errors of a distribution are not what failed", "CloudWatch 4xxErrorRate")
        return
    asking = [each for each in edge.origins if each.kind in ASKING]
    if edge.origins and not asking:
        yield Signal(-5.0, "no origin of it asks who the edge is", "GetDistribution")
        return
    yield from said_by_codes(facts, 2.0, "403")
    yield from began_lately(facts)
    yield from function_fails(facts, -3.0)
    yield from _policies(facts, asking)
    yield from edited(edits(facts, Effect.PERMISSION), 2.0)
    if facts.firewall is not None and _blocks(facts):
        yield Signal(-6.0, "the firewall blocks as many requests", "CloudWatch BlockedRequests")


def _policies(facts: Facts, asking: list[OriginFacts]) -> Iterator[Signal]:
    for origin in asking:
        if origin.bucket and not origin.bucket.found:
            yield Signal(-1.0, f"the bucket {origin.bucket.name} is not there", "HeadBucket")
        elif origin.lets_in is False:
            yield Signal(
                4.5, f"the bucket policy of {origin.id} does not let the distribution in", "GetBucketPolicy"
            )
            return
    if any(origin.lets_in for origin in asking) and not _public_access_blocked(facts):
        yield Signal(-2.0, "the bucket policy lets the distribution in", "GetBucketPolicy")


def _public_access_blocked(facts: Facts) -> bool:
    """Whether public access was just blocked, so that a policy for everybody is void (S3 user guide)."""
    return any("PublicAccessBlock" in each.change.name for each in facts.changes_of(Effect.PERMISSION))


def _blocks(facts: Facts) -> bool:
    blocked = getattr(facts.firewall, "blocked", None)
    return blocked is not None and blocked.risen and blocked.excess >= 0.5 * facts.errors.excess


CAUSE = Cause(
    code="origin_access_denied",
    origin=Origin.EDGE,
    title="The origin refuses the edge (403)",
    why=(
        "The origin does not accept who the edge says it is: the bucket policy, the origin access control or"
        " the key's policy no longer fit the distribution."
    ),
    prior=-1.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check(
            "Read the bucket policy: it has to let in cloudfront.amazonaws.com for this distribution's ARN.",
            Look.BUCKET,
        ),
        Check(
            "See that the origin still has its origin access control, and that it signs requests.",
            Look.DISTRIBUTION,
        ),
        Check(
            "With a key of your own: see that the key's policy lets CloudFront decrypt.",
            Look.CHANGES,
        ),
    ),
    prevention="Keep bucket policy and distribution in one template, and test a path after each change.",
    retry=Retry.NOT_UNCHANGED,
    rollback_helps=False,
    triggers={"configuration_change": 1.0, "deployment": -2.0},
    touched_by=(Effect.PERMISSION, Effect.EDGE),
    systems=CLOUDFRONT,
    owner=Owner.SECURITY,
    short="access policy",
    component=failing_origin,
    sources=(
        "CloudFront developer guide, Restrict access to an Amazon S3 origin",
        "CloudFront developer guide, HTTP 403 status code (Permission Denied)",
    ),
    known_problems="Without s3:ListBucket for the edge, S3 answers 403 for absent objects as well.",
    cases=(
        Case(
            "the bucket policy was replaced",
            True,
            {
                "alarm": {"metric": "4xxErrorRate"},
                "distribution": {
                    "errors": {"403": "3, -6: 8200"},
                    "origins": {"assets": {"bucket": "shop-assets", "policy": "other"}},
                },
            },
        ),
        Case(
            "the policy is gone, without rates by code",
            True,
            {
                "alarm": {"metric": "4xxErrorRate"},
                "distribution": {
                    "additional_metrics": False,
                    "errors": {"403": "3, -9: 11000"},
                    "origins": {"assets": {"bucket": "shop-assets", "policy": "none"}},
                },
            },
        ),
        Case(
            "public access was blocked where the policy lets everybody in",
            True,
            {
                "alarm": {"metric": "4xxErrorRate"},
                "distribution": {
                    "errors": {"403": "3, -6: 8200"},
                    "origins": {"assets": {"bucket": "shop-assets", "policy": "public"}},
                },
                "changes": [
                    {
                        "at": "-6.5",
                        "name": "PutBucketPublicAccessBlock",
                        "source": "s3",
                        "by": "guard",
                        "resources": ["shop-assets"],
                    }
                ],
            },
        ),
        Case(
            "files that are not there",
            False,
            {
                "alarm": {"metric": "4xxErrorRate"},
                "distribution": {
                    "errors": {"404": "30, -9: 2400"},
                    "origins": {"assets": {"bucket": "shop-assets"}},
                },
            },
        ),
    ),
)
