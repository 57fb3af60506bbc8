"""Deep links into the AWS console: where a person looks next, one click away.

The forms are those that the console itself shows in a browser's address bar; AWS documents none of them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from diagnosis.arn import partition, region_code
from diagnosis.document import Document, timestamp

# The consoles of the public partitions; an isolated one has a console that nobody outside it can name.
_CONSOLES = {
    "aws": "{region}.console.aws.amazon.com",
    "aws-cn": "{region}.console.amazonaws.cn",
    "aws-us-gov": "{region}.console.amazonaws-us-gov.com",
}
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_LITERAL = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._")
_BEFORE_ONSET = timedelta(hours=1)
_AFTER_ONSET = timedelta(minutes=30)
# Namespace and the metrics that show an incident, by kind of entry point.
_GRAPHED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "alb": (
        "AWS/ApplicationELB",
        (
            "RequestCount",
            "HTTPCode_ELB_502_Count",
            "HTTPCode_ELB_503_Count",
            "HTTPCode_ELB_504_Count",
            "HTTPCode_Target_5XX_Count",
            "TargetConnectionErrorCount",
        ),
    ),
    "clb": (
        "AWS/ELB",
        (
            "RequestCount",
            "HTTPCode_ELB_5XX",
            "HTTPCode_Backend_5XX",
            "BackendConnectionErrors",
            "SpilloverCount",
        ),
    ),
    "apigateway": (
        "AWS/ApiGateway",
        ("Count", "5XXError", "4XXError", "5xx", "4xx", "IntegrationLatency"),
    ),
    "cloudfront": ("AWS/CloudFront", ("Requests", "5xxErrorRate", "4xxErrorRate")),
}

Graph = str | bool | int | Sequence["Graph"] | Mapping[str, "Graph"]


class Link(NamedTuple):
    """An address made here, from quoted parts only, and what to call it."""

    label: str
    url: str


def percent_encoded(text: str, safe: bytes = b"") -> str:
    """Every byte but the unreserved ones (RFC 3986, section 2.3) and the safe ones as %XX."""
    return "".join(
        chr(byte) if byte in _UNRESERVED or byte in safe else f"%{byte:02X}" for byte in _utf8(text)
    )


def console(region: str, path: str) -> str | None:
    """An address in the region's console; None where the region is none or its console is not public."""
    if region_code(region) is None:
        return None
    host = _CONSOLES.get(partition(region))
    return f"https://{host.format(region=region)}/{path}" if host else None


def is_console(url: str) -> bool:
    """Whether an address lies in the console of a region."""
    host, _, _ = url.removeprefix("https://").partition("/")
    region = region_code(host.partition(".")[0])
    return region is not None and url.startswith(console(region, "") or " ")


def alarm_page(region: str, name: str) -> str | None:
    return console(region, f"cloudwatch/home?region={region}#alarmsV2:alarm/{percent_encoded(name)}")


def load_balancer_page(region: str, arn: str) -> str | None:
    return console(
        region, f"ec2/home?region={region}#LoadBalancer:loadBalancerArn={percent_encoded(arn, b':/')}"
    )


def target_group_page(region: str, arn: str) -> str | None:
    return console(
        region, f"ec2/home?region={region}#TargetGroup:targetGroupArn={percent_encoded(arn, b':/')}"
    )


def deployment_page(region: str, deployment_id: str) -> str | None:
    """CodeDeploy's page of it, whose ids begin so; None for one of ECS or Lambda."""
    if not deployment_id.startswith("d-"):
        return None
    return console(
        region, f"codesuite/codedeploy/deployments/{percent_encoded(deployment_id)}?region={region}"
    )


def deployment_group_page(region: str, application: str, group: str) -> str | None:
    path = f"{percent_encoded(application)}/deployment-groups/{percent_encoded(group)}"
    return console(region, f"codesuite/codedeploy/applications/{path}?region={region}")


def service_page(region: str, cluster: str, service: str) -> str | None:
    """The deployments of a service of ECS."""
    path = f"{percent_encoded(cluster)}/services/{percent_encoded(service)}"
    return console(region, f"ecs/v2/clusters/{path}/deployments?region={region}")


def alias_page(region: str, function: str, alias: str) -> str | None:
    """An alias of a function: the versions that it points to."""
    path = f"{percent_encoded(function)}/aliases/{percent_encoded(alias)}"
    return console(region, f"lambda/home?region={region}#/functions/{path}")


def change_page(region: str, event_id: str) -> str | None:
    """The event of CloudTrail's event history with this id."""
    return console(region, f"cloudtrailv2/home?region={region}#/events?EventId={percent_encoded(event_id)}")


def changes_page(region: str, start: datetime, end: datetime) -> str | None:
    """CloudTrail's event history: the writes between the two times."""
    times = f"StartTime={percent_encoded(timestamp(start))}&EndTime={percent_encoded(timestamp(end))}"
    return console(region, f"cloudtrailv2/home?region={region}#/events?ReadOnly=false&{times}")


def deployments_page(region: str) -> str | None:
    return console(region, f"codesuite/codedeploy/deployments?region={region}")


def logs_page(region: str) -> str | None:
    """Logs Insights, with nothing chosen yet."""
    return console(region, f"cloudwatch/home?region={region}#logsV2:logs-insights")


def distribution_page(distribution: str) -> str | None:
    return console("us-east-1", f"cloudfront/v4/home#/distributions/{percent_encoded(distribution)}")


def api_page(region: str, api: str) -> str | None:
    return console(region, f"apigateway/main/apis/{percent_encoded(api)}/resources?region={region}")


def web_acl_page(region: str, arn: str) -> str | None:
    """The web ACL of arn:...:regional|global/webacl/name/id."""
    scope, _, named = arn.rsplit(":", 1)[-1].partition("/webacl/")
    if not named:
        return None
    place = "global" if scope == "global" else region
    home = "us-east-1" if scope == "global" else region
    return console(home, f"wafv2/homev2/web-acl/{percent_encoded(named, b'/')}/overview?region={place}")


def metrics_page(
    region: str, kind: str, id: str, onset: datetime, dimensions: Mapping[str, str] | None = None
) -> str | None:
    """The entry point's errors a minute, from an hour before the onset; `id` is app/name/id of an ALB."""
    lines = _lines(kind, id, dimensions or {})
    if not lines:
        return None
    graph: dict[str, Graph] = {
        "metrics": lines,
        "view": "timeSeries",
        "stacked": False,
        "region": region,
        "stat": "Sum",
        "period": 60,
        "start": timestamp(onset - _BEFORE_ONSET),
        "end": timestamp(onset + _AFTER_ONSET),
    }
    return console(region, f"cloudwatch/home?region={region}#metricsV2:graph={_written(graph)}")


def _lines(kind: str, id: str, dimensions: Mapping[str, str]) -> list[Graph]:
    """One line a metric; CloudWatch reads "." as the same as in the line before."""
    if kind not in _GRAPHED:
        return []
    namespace, names = _GRAPHED[kind]
    named: Mapping[str, str] = {"LoadBalancer": id} if kind == "alb" else dimensions
    place = [word for pair in named.items() for word in pair]
    first, *others = names
    return [
        [namespace, first, *place],
        *([".", name, *(["."] * len(place))] for name in others),
    ]


_CALLED = {"alb": "Load balancer", "clb": "Load balancer", "cloudfront": "Distribution"}


def for_document(document: Document) -> tuple[Link, ...]:
    """The pages about the incident: alarm, metrics around the onset, load balancer, and what set it off."""
    region = document["alarm"].get("region", "")
    pages = [
        ("Alarm", alarm_page(region, document["alarm"]["name"])),
        ("Metrics around the onset", _metrics_of(document, region)),
        (
            _CALLED.get(document.get("resource", {}).get("kind", ""), "Entry point"),
            _page_of(document, region),
        ),
        *_trigger_pages(document, region),
    ]
    return tuple(Link(label, url) for label, url in pages if url)


def _metrics_of(document: Document, region: str) -> str | None:
    onset, resource = document.get("onset"), document.get("resource", {})
    if not onset:
        return None
    return metrics_page(
        region,
        resource.get("kind", ""),
        resource.get("id", ""),
        datetime.fromisoformat(onset),
        resource.get("dimensions", {}),
    )


def _page_of(document: Document, region: str) -> str | None:
    resource = document.get("resource", {})
    if resource.get("kind") == "cloudfront":
        return distribution_page(resource.get("id", ""))
    arn = resource.get("arn")
    return load_balancer_page(region, arn) if arn and resource.get("kind") in {"alb", "clb"} else None


def _trigger_pages(document: Document, region: str) -> list[tuple[str, str | None]]:
    trigger = document.get("trigger")
    rollback = document.get("rollback")
    pages: list[tuple[str, str | None]] = []
    named = trigger.get("id") if trigger else None
    if trigger and named and trigger["kind"] in {"deployment", "other_deployment"}:
        pages.append((f"Deployment {named}", deployment_page(region, named)))
    if trigger and named and trigger["kind"] == "configuration_change":
        pages.append(("Change in CloudTrail", change_page(region, named)))
    started = rollback.get("rollback_deployment_id") if rollback else None
    if started:
        pages.append((f"Rollback {started}", deployment_page(region, started)))
    return pages


def _written(value: Graph) -> str:
    """CloudWatch's own JSON for addresses: ~(key~value) an object, ~(~1~2) a list; ~'text, ~60, ~true."""
    if isinstance(value, str):
        return "~'" + "".join(chr(byte) if byte in _LITERAL else f"*{byte:02x}" for byte in _utf8(value))
    if isinstance(value, bool):
        return f"~{str(value).lower()}"
    if isinstance(value, int):
        return f"~{value}"
    if isinstance(value, Mapping):
        return "~(" + "~".join(f"{key}{_written(item)}" for key, item in value.items()) + ")"
    return "~(" + "".join(_written(item) for item in value) + ")"


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")
