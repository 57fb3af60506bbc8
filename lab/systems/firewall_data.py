"""What a scenario says of its web ACL: the rules, what each blocks minute by minute, and whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.scenario import Scenario
from lab.strict import Section, read
from lab.timeline import ZERO, Timeline

KINDS = ("managed", "group", "rate", "geo", "ip set", "own")
ACTIONS = ("block", "count", "captcha", "challenge", "allow")
DESTINATIONS = ("none", "cloudwatch", "s3", "firehose")
# A web ACL, rule group or address list of the lab; scenario files that name an ARN rely on it.
IDENTITY = "473e64fd-f30b-4765-81a0-62ad96dd167a"
USUAL_CALLERS: Mapping[str, object] = {"clients": 40, "countries": ["DE", "FR"], "paths": ["/", "/orders"]}
EDGE_HOME = "us-east-1"


@dataclass(frozen=True, slots=True)
class Callers:
    """Who is refused: so many clients, spread evenly over countries and paths; the rest are shares."""

    clients: int
    countries: tuple[str, ...]
    paths: tuple[str, ...]
    attacks: float
    signed_in: float
    agent: str
    method: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `inner` are the shares of the rules inside a group."""

    name: str
    metric: str
    kind: str
    action: str
    group: str
    vendor: str
    version: str | None
    response: int | None
    limit: int
    countries: tuple[str, ...]
    sampled: bool
    blocked: Timeline
    counted: Timeline
    captcha: Timeline
    challenge: Timeline
    inner: Mapping[str, float]
    callers: Callers

    @property
    def is_group(self) -> bool:
        """Whether it stands for a group of rules, each of which acts by itself."""
        return self.kind in ("managed", "group")


@dataclass(frozen=True, slots=True)
class Acl:
    """The web ACL; `allowed` is what its default action lets through, by default what the targets get."""

    name: str
    metric: str
    edge: bool
    allowed: Timeline | None
    log_to: str
    rules: tuple[Rule, ...]


def load_acl(section: Section) -> Acl:
    """Read the section `web_acl`."""
    name = section.text("name", "order-api-acl")
    sampled = section.flag("sampled", True)
    acl = Acl(
        name=name,
        metric=section.text("metric", name.replace("-", "") + "Metric"),
        edge=section.text("scope", "regional", choices=("regional", "cloudfront")) == "cloudfront",
        allowed=section.line("allowed") if section.has("allowed") else None,
        log_to=section.text("log_to", "none", choices=DESTINATIONS),
        rules=tuple(read(part, _rule, sampled) for part in section.sections("rules")),
    )
    section.raw("allowed")
    section.finish()
    return acl


def _rule(section: Section, sampled: bool) -> Rule:
    name = section.text("name")
    kind = section.text("kind", "own", choices=KINDS)
    inner = section.section("inner")
    shares = {each: inner.number(each, 0.0) for each in inner.keys()}  # noqa: SIM118 - a Section is no mapping
    return Rule(
        name=name,
        metric=section.text("metric", name.replace("-", "") + "Rule"),
        kind=kind,
        action=section.text("action", "block", choices=ACTIONS),
        group=section.text("group", "AWSManagedRulesCommonRuleSet" if kind == "managed" else name),
        vendor=section.text("vendor", "AWS"),
        version=section.optional_text("version"),
        response=section.whole("response", 0) or None,
        limit=section.whole("limit", 2000),
        countries=section.texts("countries", ("KP",)),
        sampled=section.flag("sampled", sampled),
        blocked=section.line("blocked", ZERO),
        counted=section.line("counted", ZERO),
        captcha=section.line("captcha", ZERO),
        challenge=section.line("challenge", ZERO),
        inner=shares or ({"SizeRestrictions_BODY": 1.0} if kind == "managed" else {"rule-1": 1.0}),
        callers=read(section.section("callers"), _callers),
    )


def _callers(section: Section) -> Callers:
    return Callers(
        clients=section.whole("clients", 40),
        countries=section.texts("countries", ("DE", "FR")),
        paths=section.texts("paths", ("/", "/orders")),
        attacks=section.number("attacks", 0.0),
        signed_in=section.number("signed_in", 0.0),
        agent=section.text("agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"),
        method=section.text("method", "POST"),
    )


def acl_arn(scenario: Scenario, acl: Acl) -> str:
    """The ARN of the web ACL."""
    return _arn(scenario, acl, "webacl", acl.name)


def part_arn(scenario: Scenario, acl: Acl, kind: str, name: str) -> str:
    """The ARN of a rule group or address list that it uses."""
    return _arn(scenario, acl, kind, name)


def _arn(scenario: Scenario, acl: Acl, kind: str, name: str) -> str:
    region, scope = (EDGE_HOME, "global") if acl.edge else (scenario.region, "regional")
    return f"arn:aws:wafv2:{region}:{scenario.account}:{scope}/{kind}/{name}/{IDENTITY}"
