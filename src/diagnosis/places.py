"""What there is to look at around an incident, by name: for commands and console links."""

from collections.abc import Iterator

from diagnosis.arn import region_of
from diagnosis.container_context import failing_services
from diagnosis.evidence import Missing
from diagnosis.facts import Facts

Named = Iterator[tuple[str, str | None]]


def places(facts: Facts) -> dict[str, str]:
    """Names and identifiers of the parts involved, as far as they are known; those at the origin too."""
    origin = facts.origins.get(facts.failing_origin or "")
    behind = places(origin) if origin else {}
    return {**behind, **{name: value for name, value in _parts(facts) if value}}


def _parts(facts: Facts) -> Named:
    yield from _of_load_balancer(facts)
    yield from _of_firewall(facts)
    yield from _of_function(facts)
    yield from _of_service(facts)
    yield from _of_api(facts)
    yield from _of_distribution(facts)


def _of_load_balancer(facts: Facts) -> Named:
    balancer = facts.evidence.load_balancer
    if not isinstance(balancer, Missing):
        yield "load_balancer", balancer.arn
        yield "region", region_of(balancer.arn)
    if facts.worst:
        yield "target_group", facts.worst.id


def _of_firewall(facts: Facts) -> Named:
    firewall = facts.firewall
    if firewall:
        yield "web_acl", firewall.acl.arn
        yield "waf_rule_metric", firewall.leading.rule.metric_name if firewall.leading else None


def _of_function(facts: Facts) -> Named:
    failing = next((each for each in facts.functions if each.failing), None)
    if failing:
        yield "function", failing.name
        yield "log_group", failing.log_group


def _of_service(facts: Facts) -> Named:
    for each in failing_services(facts)[:1]:
        yield "cluster", each.service.cluster
        yield "service", each.service.name


def _of_api(facts: Facts) -> Named:
    api = facts.gateway.api if facts.gateway else None
    if api:
        yield "api", api.id
        yield "api_kind", api.kind
        yield "stage", api.stage


def _of_distribution(facts: Facts) -> Named:
    if facts.edge and facts.edge.distribution:
        distribution = facts.edge.distribution
        yield "distribution", distribution.id
        bucket = distribution.buckets.get(facts.failing_origin or "")
        yield "bucket", None if bucket is None or isinstance(bucket, Missing) else bucket.name
