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
_GRAPHED = (
    "RequestCount",
    "HTTPCode_ELB_502_Count",
    "HTTPCode_ELB_503_Count",
    "HTTPCode_ELB_504_Count",
    "HTTPCode_Target_5XX_Count",
    "TargetConnectionErrorCount",
)

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
    return console(
        region, f"codesuite/codedeploy/deployments/{percent_encoded(deployment_id)}?region={region}"
    )


def deployment_group_page(region: str, application: str, group: str) -> str | None:
    path = f"{percent_encoded(application)}/deployment-groups/{percent_encoded(group)}"
    return console(region, f"codesuite/codedeploy/applications/{path}?region={region}")


def change_page(region: str, event_id: str) -> str | None:
    """The event of CloudTrail's event history with this id."""
    return console(region, f"cloudtrailv2/home?region={region}#/events?EventId={percent_encoded(event_id)}")


def metrics_page(region: str, load_balancer: str, onset: datetime) -> str | None:
    """The load balancer's errors a minute, from an hour before the onset; `load_balancer` is app/name/id."""
    graph: dict[str, Graph] = {
        "metrics": _lines(load_balancer),
        "view": "timeSeries",
        "stacked": False,
        "region": region,
        "stat": "Sum",
        "period": 60,
        "start": timestamp(onset - _BEFORE_ONSET),
        "end": timestamp(onset + _AFTER_ONSET),
    }
    return console(region, f"cloudwatch/home?region={region}#metricsV2:graph={_written(graph)}")


def _lines(load_balancer: str) -> list[Graph]:
    """One line a metric; CloudWatch reads "." as the same as in the line before."""
    first, *others = _GRAPHED
    return [
        ["AWS/ApplicationELB", first, "LoadBalancer", load_balancer],
        *([".", name, ".", "."] for name in others),
    ]


def for_document(document: Document) -> tuple[Link, ...]:
    """The pages about the incident: alarm, metrics around the onset, load balancer, and what set it off."""
    region = document["alarm"].get("region", "")
    pages = [
        ("Alarm", alarm_page(region, document["alarm"]["name"])),
        ("Metrics around the onset", _metrics_of(document, region)),
        ("Load balancer", _load_balancer_of(document, region)),
        *_trigger_pages(document, region),
    ]
    return tuple(Link(label, url) for label, url in pages if url)


def _metrics_of(document: Document, region: str) -> str | None:
    onset, resource = document.get("onset"), document.get("resource", {})
    if not onset or resource.get("kind") != "alb":
        return None
    return metrics_page(region, resource.get("id", ""), datetime.fromisoformat(onset))


def _load_balancer_of(document: Document, region: str) -> str | None:
    arn = document.get("resource", {}).get("arn")
    return load_balancer_page(region, arn) if arn else None


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
