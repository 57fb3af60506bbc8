"""Where each check is made: the command, or the console's address, for the very resources of the incident."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from diagnosis import commands, links
from diagnosis.arn import target_group_arn
from diagnosis.cause import Look
from diagnosis.document import timestamp
from diagnosis.incident import EntryPoint

# What set it off was usually done within this time before the onset.
CHANGES_SINCE = timedelta(minutes=30)
CHANGES_UNTIL = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the incident is: entry point, onset (or the alarm's time), and the parts' names."""

    entry_point: EntryPoint
    onset: datetime
    parts: Mapping[str, str]

    @property
    def region(self) -> str:
        """The region of what stands behind the entry point; a distribution's own is us-east-1."""
        return self.parts.get("region", self.entry_point.region)


def where(look: Look, place: Place) -> str | None:
    """A command of the AWS CLI or a console's address; the metrics where the part's name is not known."""
    return _LOOKS[look](place) or metrics_page(place)


def metrics_page(place: Place) -> str | None:
    """The entry point's errors a minute around the onset."""
    about = place.entry_point
    return links.metrics_page(about.region, about.kind, about.id, place.onset, about.dimensions)


def _entry_point(place: Place) -> str | None:
    about = place.entry_point
    if about.kind == "cloudfront":
        return links.distribution_page(about.id)
    if about.kind == "apigateway":
        api = place.parts.get("api")
        return links.api_page(about.region, api) if api else None
    return links.load_balancer_page(about.region, about.arn) if about.arn else None


def _targets(place: Place) -> str | None:
    if place.entry_point.kind == "clb":
        return commands.command(
            "elb describe-instance-health", place.region, load_balancer_name=place.entry_point.id
        )
    group = place.parts.get("target_group")
    if not group:
        return None
    arn = target_group_arn(place.region, place.entry_point.account, group)
    return commands.target_health(place.region, arn)


def _target_group(place: Place) -> str | None:
    group = place.parts.get("target_group")
    if not group or place.entry_point.kind == "clb":
        return _attributes(place)
    arn = target_group_arn(place.region, place.entry_point.account, group)
    return commands.command("elbv2 describe-target-groups", place.region, target_group_arns=arn)


def _attributes(place: Place) -> str | None:
    if place.entry_point.kind == "clb":
        name = place.entry_point.id
        return commands.command(
            "elb describe-load-balancer-attributes", place.region, load_balancer_name=name
        )
    return _of_load_balancer(place, "elbv2 describe-load-balancer-attributes")


def _listeners(place: Place) -> str | None:
    if place.entry_point.kind == "clb":
        name = place.entry_point.id
        return commands.command("elb describe-load-balancers", place.region, load_balancer_names=name)
    return _of_load_balancer(place, "elbv2 describe-listeners")


def _of_load_balancer(place: Place, operation: str) -> str | None:
    arn = place.parts.get("load_balancer")
    return commands.command(operation, place.region, load_balancer_arn=arn) if arn else None


def _network_changes(place: Place) -> str | None:
    return commands.command(
        "cloudtrail lookup-events",
        place.region,
        lookup_attributes="AttributeKey=EventSource,AttributeValue=ec2.amazonaws.com",
        start_time=timestamp(place.onset - CHANGES_SINCE),
        end_time=timestamp(place.onset + CHANGES_UNTIL),
    )


def _changes(place: Place) -> str | None:
    return links.changes_page(place.region, place.onset - CHANGES_SINCE, place.onset + CHANGES_UNTIL)


def _named(operation: str, **options: str) -> Callable[[Place], str | None]:
    """A command whose options are names of parts; None where one of them is not known."""

    def written(place: Place) -> str | None:
        values = {option: place.parts.get(part) for option, part in options.items()}
        known = {option: value for option, value in values.items() if value}
        if len(known) < len(values):
            return None
        region = "us-east-1" if operation.startswith(("cloudfront", "health")) else place.region
        return commands.command(operation, region, **known)

    return written


def _stage(place: Place) -> str | None:
    rest = place.parts.get("api_kind") == "rest"
    written = (
        _named("apigateway get-stage", rest_api_id="api", stage_name="stage")
        if rest
        else _named("apigatewayv2 get-stage", api_id="api", stage_name="stage")
    )
    return written(place)


def _routes(place: Place) -> str | None:
    rest = place.parts.get("api_kind") == "rest"
    written = (
        _named("apigateway get-resources", rest_api_id="api")
        if rest
        else _named("apigatewayv2 get-routes", api_id="api")
    )
    return written(place)


def _blocked(place: Place) -> str | None:
    acl, rule = place.parts.get("web_acl"), place.parts.get("waf_rule_metric")
    if not acl or not rule:
        return None
    scope = "CLOUDFRONT" if ":global/" in acl else "REGIONAL"
    start, end = timestamp(place.onset), timestamp(place.onset + CHANGES_UNTIL)
    return commands.command(
        "wafv2 get-sampled-requests",
        "us-east-1" if scope == "CLOUDFRONT" else place.region,
        web_acl_arn=acl,
        rule_metric_name=rule,
        scope=scope,
        time_window=f"StartTime={start},EndTime={end}",
        max_items="100",
    )


def _web_acl(place: Place) -> str | None:
    acl = place.parts.get("web_acl")
    return links.web_acl_page(place.region, acl) if acl else None


def _function_log(place: Place) -> str | None:
    """Filtered to what functions write when they fail, from just before the onset."""
    group = place.parts.get("log_group")
    if not group:
        return None
    since = round((place.onset - timedelta(minutes=5)).timestamp() * 1000)
    return commands.command(
        "logs filter-log-events",
        place.region,
        log_group_name=group,
        start_time=str(since),
        filter_pattern='?ERROR ?Exception ?"Task timed out" ?"Runtime exited"',
        max_items="50",
    )


def _stopped_tasks(place: Place) -> str | None:
    cluster, service = place.parts.get("cluster"), place.parts.get("service")
    if not cluster or not service:
        return None
    return commands.command(
        "ecs list-tasks", place.region, cluster=cluster, service_name=service, desired_status="STOPPED"
    )


def _health(place: Place) -> str | None:
    return commands.command(
        "health describe-events", "us-east-1", filter=f"eventStatusCodes=open,regions={place.region}"
    )


_LOOKS: Mapping[Look, Callable[[Place], str | None]] = {
    Look.ALARM: lambda place: links.alarm_page(place.entry_point.region, place.parts.get("alarm", "")),
    Look.METRICS: metrics_page,
    Look.ENTRY_POINT: _entry_point,
    Look.ATTRIBUTES: _attributes,
    Look.LISTENERS: _listeners,
    Look.CERTIFICATES: lambda place: commands.command("acm list-certificates", place.region),
    Look.TARGETS: _targets,
    Look.TARGET_GROUP: _target_group,
    Look.SCALING: lambda place: commands.command(
        "autoscaling describe-scaling-activities", place.region, max_items="20"
    ),
    Look.NETWORK_CHANGES: _network_changes,
    Look.CHANGES: _changes,
    Look.DEPLOYMENTS: lambda place: links.deployments_page(place.region),
    Look.LOGS: lambda place: links.logs_page(place.region),
    Look.WEB_ACL: _web_acl,
    Look.BLOCKED_REQUESTS: _blocked,
    Look.FUNCTION: _named("lambda get-function-configuration", function_name="function"),
    Look.FUNCTION_LOG: _function_log,
    Look.CONCURRENCY: _named("lambda get-function-concurrency", function_name="function"),
    Look.SERVICE: _named("ecs describe-services", cluster="cluster", services="service"),
    Look.STOPPED_TASKS: _stopped_tasks,
    Look.STAGE: _stage,
    Look.ROUTES: _routes,
    Look.DISTRIBUTION: _named("cloudfront get-distribution-config", id="distribution"),
    Look.BUCKET: _named("s3api get-bucket-policy", bucket="bucket"),
    Look.HEALTH: _health,
}
