"""One Availability Zone fails, the others are clean."""

from collections.abc import Iterable

from diagnosis.cause import Case, Cause, Check, Look, Origin, Owner, Retry, Signal
from diagnosis.facts import Facts
from diagnosis.phrase import percent


def examine(facts: Facts) -> Iterable[Signal]:
    """Weigh where the failures sit: by zone of the load balancer's nodes and of the targets."""
    zone = facts.lone_zone
    if zone is None:
        yield Signal(
            -5.0, "errors are spread over the zones as requests are", "CloudWatch by AvailabilityZone"
        )
        return
    total = sum(each.failed.excess for each in facts.zones)
    yield Signal(
        5.5,
        f"{percent(zone.failed.excess / total)} of the failures are in {zone.name}",
        "CloudWatch by AvailabilityZone",
    )
    others = [each for each in facts.zones if each is not zone]
    if zone.hosts_fell and not any(each.hosts_fell for each in others):
        yield Signal(
            1.5, f"only {zone.name} lost healthy targets", "CloudWatch HealthyHostCount by AvailabilityZone"
        )
    if zone.response_time.raised and not any(each.response_time.raised for each in others):
        yield Signal(1.0, f"only {zone.name} is slow", "CloudWatch TargetResponseTime by AvailabilityZone")
    if facts.classic and zone.name in facts.classic.deserted_zones and not facts.turned_unhealthy:
        yield Signal(
            -3.5,
            "its instances left, and without cross-zone load balancing nobody stands in for them",
            "CloudWatch",
        )
    ill = {target.zone for target in facts.targets if target.state == "unhealthy" and target.zone}
    if ill and ill != {zone.name}:
        yield Signal(-2.0, "targets of other zones are unhealthy too", "DescribeTargetHealth")
    in_zone = [target for target in facts.targets if target.zone == zone.name]
    if len(in_zone) == 1 and facts.lone_target:
        yield Signal(-3.5, f"the zone has one target, {in_zone[0].id}", "DescribeTargetHealth")
    elif facts.lone_target in in_zone and not facts.several_were_unhealthy:
        yield Signal(-5.5, "the zone's other targets are well", "DescribeTargetHealth")


CAUSE = Cause(
    code="zonal_impairment",
    origin=Origin.LOAD_BALANCER,
    title="One Availability Zone fails, the others are clean",
    why=(
        "Network, power or a zonal dependency fails in one zone; targets with the same software elsewhere are"
        " well."
    ),
    prior=-2.5,
    needs=("metrics",),
    examine=examine,
    first_look=(
        Check("Compare other load balancers of the account by zone.", Look.METRICS),
        Check(
            "Look at AWS Health and at zonal services in use (volumes, NAT gateways, caches).",
            Look.HEALTH,
        ),
        Check("Start a zonal shift away from the zone.", Look.TARGETS),
    ),
    prevention=(
        "Keep capacity for the loss of a zone, turn on zonal autoshift, and avoid dependencies in a single"
        " zone."
    ),
    retry=Retry.IF_IDEMPOTENT,
    rollback_helps=False,
    owner=Owner.PLATFORM,
    short="impaired Availability Zone",
    triggers={"infrastructure": 5.0, "deployment": -5.0, "configuration_change": -1.0},
    sources=("ALB user guide, CloudWatch metrics: dimension AvailabilityZone", "ALB user guide, zonal shift"),
    cases=(
        Case(
            "packets are lost in one zone",
            True,
            {
                "target_groups": {
                    "orders": {
                        "elb_502": "0, -9: 40",
                        "elb_504": "0, -9: 95",
                        "target_5xx": "0, -9: 30",
                        "connection_errors": "0, -9: 60",
                        "zone_share": {
                            "eu-west-1a": {
                                "elb_502": 1.0,
                                "elb_504": 1.0,
                                "target_5xx": 1.0,
                                "connection_errors": 1.0,
                            }
                        },
                    }
                }
            },
        ),
        Case(
            "a zonal cache is gone",
            True,
            {
                "target_groups": {
                    "orders": {"target_5xx": "0, -6: 300", "zone_share": {"eu-west-1b": {"target_5xx": 1.0}}}
                }
            },
        ),
        Case("all zones fail alike", False, {"target_groups": {"orders": {"target_5xx": "0, -6: 300"}}}),
    ),
)
