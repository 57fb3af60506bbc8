"""The web ACL: which one, what its rules are, when samples and logs are asked for, and what they say."""

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors.firewall import (
    READINGS_FOR_API,
    READINGS_FOR_EDGE,
    READINGS_FOR_LOAD_BALANCER,
    collect_firewall,
    collect_log_destination,
    collect_metrics,
    collect_web_acl_of_api,
    collect_web_acl_of_edge,
    collect_web_acl_of_load_balancer,
)
from collectors.firewall_answers import parse_record, parse_sample, parse_web_acl
from collectors.firewall_logs import MOST_FILES, MOST_SLOTS, read_log
from collectors.reading import Scope, UnreadableAnswerError, complete_minutes
from diagnosis.incident import EntryPoint
from diagnosis.series import NOT_LOOKED_UP, MetricKey, Metrics, Missing
from diagnosis.systems.edge import Distribution
from diagnosis.systems.firewall import BlockedRequests, WebAcl, WebAclRule
from diagnosis.systems.gateway import Api, Stage
from lab.direct import DirectClient
from lab.errors import AwsError

NOW = datetime(2026, 11, 20, 14, 47, 10, tzinfo=UTC)
ARN = "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/orders-acl/0a1b"
EDGE_ARN = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/edge-acl/0a1b"
BALANCER = EntryPoint("alb", "app/order-api/50dc", "order-api", None, "111122223333", "eu-west-1")
API = EntryPoint("apigateway", "orders", "orders", None, "111122223333", "eu-west-1", {"Stage": "prod"})
EDGE = EntryPoint("cloudfront", "E1", "E1", None, "111122223333", "us-east-1")
Answers = Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]


def refuse(code: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    def answer(_: Mapping[str, Any]) -> Mapping[str, Any]:
        raise AwsError(code, "")

    return answer


def scope(answers: Mapping[str, Answers], about: EntryPoint = BALANCER) -> Scope:
    def client(service: str, region: str = about.region) -> DirectClient:
        return DirectClient(service, answers[service], region)

    return Scope(client, about, NOW, complete_minutes(NOW), NOW, client)


def visibility(metric: str, *, sampled: bool = True) -> dict[str, Any]:
    return {"SampledRequestsEnabled": sampled, "CloudWatchMetricsEnabled": True, "MetricName": metric}


def web_acl(*rules: Mapping[str, Any], arn: str = ARN) -> dict[str, Any]:
    acl = {"Name": "orders-acl", "Id": "0a1b", "ARN": arn, "DefaultAction": {"Allow": {}}}
    return {"WebACL": {**acl, "Rules": list(rules), "VisibilityConfig": visibility("ordersAcl")}}


def rule(statement: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "Name": "the-rule",
        "Priority": 1,
        "Statement": statement,
        "VisibilityConfig": visibility("theRule"),
        **more,
    }


def only_rule(statement: Mapping[str, Any], **more: Any) -> WebAclRule:
    acl = parse_web_acl(web_acl(rule(statement, **more)))
    assert acl is not None
    return acl.rules[0]


COMMON = {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}}
GEO = {"GeoMatchStatement": {"CountryCodes": ["TR", "EG"]}}
IP_SET = {"IPSetReferenceStatement": {"ARN": f"{ARN}/ipset/denied/77"}}
BYTES = {"ByteMatchStatement": {"SearchString": b"/admin"}}
SQL: dict[str, Any] = {"SqliMatchStatement": {}}


# --- Rules ---


def test_a_managed_group_has_vendor_name_and_the_default_version() -> None:
    found = only_rule(COMMON, OverrideAction={"None": {}})
    assert (found.kind, found.vendor, found.group) == ("managed", "AWS", "AWSManagedRulesCommonRuleSet")
    assert (found.version, found.action, found.follows_vendor) == (None, "group", True)


def test_a_pinned_group_does_not_follow_its_vendor() -> None:
    pinned = {"ManagedRuleGroupStatement": {**COMMON["ManagedRuleGroupStatement"], "Version": "Version_1.9"}}
    assert not only_rule(pinned, OverrideAction={"None": {}}).follows_vendor


def test_a_group_may_only_count_as_a_whole_or_in_single_rules() -> None:
    overridden = {
        "ManagedRuleGroupStatement": {
            **COMMON["ManagedRuleGroupStatement"],
            "RuleActionOverrides": [{"Name": "SizeRestrictions_BODY", "ActionToUse": {"Count": {}}}],
            "ExcludedRules": [{"Name": "NoUserAgent_HEADER"}],
        }
    }
    found = only_rule(overridden, OverrideAction={"Count": {}})
    assert found.action == "count"
    assert found.counted == ("SizeRestrictions_BODY", "NoUserAgent_HEADER")


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (COMMON, "managed"),
        ({"RuleGroupReferenceStatement": {"ARN": f"{ARN}/rulegroup/house/1"}}, "group"),
        ({"RateBasedStatement": {"Limit": 100, "ScopeDownStatement": GEO}}, "rate"),
        (GEO, "geo"),
        ({"NotStatement": {"Statement": GEO}}, "geo"),
        ({"AndStatement": {"Statements": [GEO, BYTES]}}, "geo"),
        (IP_SET, "ip set"),
        ({"AndStatement": {"Statements": [{"NotStatement": {"Statement": IP_SET}}, BYTES]}}, "ip set"),
        ({"AndStatement": {"Statements": [IP_SET, SQL]}}, "own"),
        (BYTES, "own"),
    ],
)
def test_the_kind_of_a_rule_is_what_it_goes_by(statement: Mapping[str, Any], kind: str) -> None:
    assert only_rule(statement, Action={"Block": {}}).kind == kind


def test_countries_limits_and_address_lists_are_kept() -> None:
    rate = {
        "RateBasedStatement": {
            "Limit": 100,
            "ScopeDownStatement": {"OrStatement": {"Statements": [GEO, IP_SET]}},
        }
    }
    found = only_rule(rate, Action={"Block": {"CustomResponse": {"ResponseCode": 429}}})
    assert (found.limit, found.countries, found.response_code) == (100, ("TR", "EG"), 429)
    assert found.refers_to == (f"{ARN}/ipset/denied/77",)


def test_a_changes_helper_finds_web_acl_groups_and_lists_by_arn_name_and_id() -> None:
    acl = parse_web_acl(web_acl(rule(IP_SET, Action={"Block": {}})))
    assert acl is not None
    assert {ARN, "orders-acl", "0a1b", "denied", "77"} <= set(acl.identifiers())


def test_rules_of_the_firewall_manager_come_before_and_after() -> None:
    answer = web_acl(rule(GEO, Action={"Block": {}}))
    forced = {"Name": "forced", "FirewallManagerStatement": COMMON, "OverrideAction": {"None": {}}}
    answer["WebACL"]["PreProcessFirewallManagerRuleGroups"] = [
        {**forced, "VisibilityConfig": visibility("f")}
    ]
    acl = parse_web_acl(answer)
    assert acl is not None
    assert [each.name for each in acl.rules] == ["forced", "the-rule"]
    assert acl.rules[0].kind == "managed"


# --- Which web ACL ---


def test_a_load_balancer_without_a_web_acl_has_none() -> None:
    asked = scope({"wafv2": {"GetWebACLForResource": lambda _: {}}})
    assert collect_web_acl_of_load_balancer(asked, {}) is None
    gone = scope({"wafv2": {"GetWebACLForResource": refuse("WAFNonexistentItemException")}})
    assert collect_web_acl_of_load_balancer(gone, {}) is None


def test_a_web_acl_without_its_arn_is_unreadable() -> None:
    with pytest.raises(UnreadableAnswerError):
        parse_web_acl({"WebACL": {"Name": "orders-acl"}})


def test_the_web_acl_of_an_api_is_that_of_the_alarms_stage() -> None:
    asked: list[Mapping[str, Any]] = []

    def answer(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(parameters)
        return web_acl()

    stages = (Stage("test", web_acl=f"{ARN}/other"), Stage("prod", web_acl=ARN))
    gateway = Api("a1", "orders", "rest", stage="prod", stages=stages)
    found = collect_web_acl_of_api(scope({"wafv2": {"GetWebACL": answer}}, API), {"gateway": gateway})
    assert isinstance(found, WebAcl)
    assert asked == [{"Name": "orders-acl", "Id": "0a1b", "Scope": "REGIONAL"}]


def test_an_api_whose_stages_could_not_be_read_may_have_a_web_acl() -> None:
    gateway = Api("a1", "orders", "rest", stages=Missing("apigateway:GetStages: denied"))
    assert isinstance(collect_web_acl_of_api(scope({}, API), {"gateway": gateway}), Missing)
    assert collect_web_acl_of_api(scope({}, API), {"gateway": Api("a1", "orders", "http", stages=())}) is None


def test_the_web_acl_of_a_distribution_is_read_in_us_east_1_in_its_own_scope() -> None:
    asked: list[Mapping[str, Any]] = []

    def answer(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(parameters)
        return web_acl(arn=EDGE_ARN)

    found = collect_web_acl_of_edge(
        scope({"wafv2": {"GetWebACL": answer}}, EDGE), {"edge": Distribution("E1", web_acl=EDGE_ARN)}
    )
    assert isinstance(found, WebAcl)
    assert (found.scope, asked[0]["Scope"], asked[0]["Name"]) == ("CLOUDFRONT", "CLOUDFRONT", "edge-acl")


def test_a_distribution_may_have_none_or_one_of_the_old_generation() -> None:
    assert collect_web_acl_of_edge(scope({}, EDGE), {"edge": Distribution("E1")}) is None
    classic = collect_web_acl_of_edge(scope({}, EDGE), {"edge": Distribution("E1", web_acl="473e64fd")})
    assert isinstance(classic, Missing)


@pytest.mark.parametrize("readings", [READINGS_FOR_LOAD_BALANCER, READINGS_FOR_API, READINGS_FOR_EDGE])
def test_every_kind_of_entry_point_ends_with_the_field_of_the_evidence(readings: Any) -> None:
    assert readings[-1].name == "firewall"
    assert {"wafv2:GetSampledRequests", "s3:GetObject", "logs:StartQuery"} <= set(readings[-1].permissions)


# --- Figures ---


def figures(acl: WebAcl, about: EntryPoint) -> list[dict[str, str]]:
    queries: list[Mapping[str, Any]] = []

    def answer(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        queries.extend(parameters["MetricDataQueries"])
        return {"MetricDataResults": [{"Id": each["Id"], "StatusCode": "Complete"} for each in queries]}

    collect_metrics(scope({"cloudwatch": {"GetMetricData": answer}}, about), {"web_acl": acl})
    metrics = [each["MetricStat"]["Metric"] for each in queries]
    assert {each["Namespace"] for each in metrics} == {"AWS/WAFV2"}
    return [{each["Name"]: each["Value"] for each in metric["Dimensions"]} for metric in metrics]


def test_figures_are_asked_for_by_metric_names_and_region() -> None:
    acl = parse_web_acl(web_acl(rule(GEO, Action={"Block": {}})))
    assert acl is not None
    dimensions = figures(acl, BALANCER)
    assert {each["Rule"] for each in dimensions} == {"ALL", "theRule", "Default_Action"}
    assert {(each["WebACL"], each["Region"]) for each in dimensions} == {("ordersAcl", "eu-west-1")}


def test_the_figures_of_a_distributions_web_acl_have_no_region() -> None:
    acl = parse_web_acl(web_acl(rule(GEO, Action={"Block": {}}), arn=EDGE_ARN))
    assert acl is not None
    assert all("Region" not in each for each in figures(acl, EDGE))


def test_where_it_logs_to_is_an_arn_or_none() -> None:
    acl = parse_web_acl(web_acl())
    log = {
        "LoggingConfiguration": {"ResourceArn": ARN, "LogDestinationConfigs": ["arn:aws:s3:::aws-waf-logs-x"]}
    }
    on = scope({"wafv2": {"GetLoggingConfiguration": lambda _: log}})
    off = scope({"wafv2": {"GetLoggingConfiguration": refuse("WAFNonexistentItemException")}})
    assert collect_log_destination(on, {"web_acl": acl}) == "arn:aws:s3:::aws-waf-logs-x"
    assert collect_log_destination(off, {"web_acl": acl}) is None


# --- Samples ---


def blocked_since(minutes: int, count: float = 300.0) -> Metrics:
    window = complete_minutes(NOW)
    quiet = window.minutes - minutes
    values = (*(2.0 for _ in range(quiet)), *(count for _ in range(minutes)))
    return Metrics(window, {MetricKey("BlockedRequests", "Sum", part="theRule"): values})


def sampled(client: str = "198.51.100.7", action: str = "BLOCK", **more: Any) -> dict[str, Any]:
    request = {"ClientIP": client, "Country": "DE", "URI": "/comments", "Method": "POST", "Headers": []}
    return {"Request": request, "Weight": 3, "Timestamp": NOW, "Action": action, **more}


def firewall(metrics: Metrics, answers: Mapping[str, Answers], log: Any = None, **acl: Any) -> WebAcl:
    known = parse_web_acl(web_acl(rule(COMMON, OverrideAction={"None": {}}, **acl)))
    read = {"web_acl": known, "firewall_metrics": metrics, "firewall_log_destination": log}
    found = collect_firewall(scope(answers), read)
    assert isinstance(found, WebAcl)
    return found


def test_nothing_more_is_asked_for_while_it_blocks_as_before() -> None:
    found = firewall(blocked_since(0), {})
    assert (found.sampled, found.logged) == (NOT_LOOKED_UP, NOT_LOOKED_UP)


def test_samples_are_taken_from_the_newest_minutes_of_the_rise_by_the_rules_metric_name() -> None:
    asked: list[Mapping[str, Any]] = []

    def answer(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(parameters)
        return {
            "SampledRequests": [sampled()],
            "PopulationSize": 5000,
            "TimeWindow": parameters["TimeWindow"],
        }

    found = firewall(blocked_since(12), {"wafv2": {"GetSampledRequests": answer}})
    assert isinstance(found.blocked, BlockedRequests)
    assert found.logged is None
    (call,) = asked
    assert (call["RuleMetricName"], call["Scope"], call["MaxItems"]) == ("theRule", "REGIONAL", 500)
    window = call["TimeWindow"]
    assert window["EndTime"] - window["StartTime"] == timedelta(minutes=5)


def test_a_rule_without_sampling_is_not_asked_about() -> None:
    found = firewall(blocked_since(5), {"wafv2": {}}, VisibilityConfig=visibility("theRule", sampled=False))
    assert isinstance(found.sampled, Missing)
    assert "sampling is off for the-rule" in found.sampled.reason


def test_a_refused_sample_is_missing_and_the_web_acl_stays() -> None:
    found = firewall(blocked_since(5), {"wafv2": {"GetSampledRequests": refuse("AccessDeniedException")}})
    assert found.sampled == Missing("wafv2:GetSampledRequests: AccessDeniedException")


def test_without_figures_every_rule_that_may_block_is_sampled() -> None:
    answers = {"wafv2": {"GetSampledRequests": lambda _: {"SampledRequests": [], "PopulationSize": 9}}}
    known = parse_web_acl(web_acl(rule(GEO, Action={"Block": {}})))
    read = {"web_acl": known, "firewall_metrics": Missing("denied"), "firewall_log_destination": None}
    found = collect_firewall(scope(answers), read)
    assert isinstance(found, WebAcl)
    assert isinstance(found.sampled, BlockedRequests)


def test_counted_and_allowed_requests_are_no_blocks() -> None:
    answer = {"SampledRequests": [sampled(action="ALLOW"), sampled(action="COUNT"), sampled()]}
    found = parse_sample(answer, WebAclRule("r", "r", "own", "block"), NOW, NOW)
    assert len(found.found) == 1


def test_the_rule_inside_a_group_is_named_without_vendor_and_group() -> None:
    name = "AWS#AWSManagedRulesCommonRuleSet#CrossSiteScripting_BODY"
    answer = {"SampledRequests": [sampled(RuleNameWithinRuleGroup=name)], "PopulationSize": 5000}
    (found,) = parse_sample(answer, WebAclRule("r", "r", "managed", "group"), NOW, NOW).found
    assert (found.rule, found.inner, found.weight) == ("r", "CrossSiteScripting_BODY", 3.0)


@pytest.mark.parametrize(("population", "complete"), [(5000, False), (120, True), (None, False)])
def test_a_sample_is_all_there_was_if_fewer_came_than_could_be_sampled(
    population: int | None, complete: bool
) -> None:
    answer = {"SampledRequests": [sampled()], "PopulationSize": population}
    assert parse_sample(answer, WebAclRule("r", "r", "own", "block"), NOW, NOW).complete is complete


def test_cookies_tell_that_somebody_is_signed_in_and_are_not_kept() -> None:
    one = sampled()
    one["Request"]["Headers"] = [
        {"Name": "Cookie", "Value": "session=secret"},
        {"Name": "User-Agent", "Value": "Mozilla/5.0"},
    ]
    (found,) = parse_sample({"SampledRequests": [one]}, WebAclRule("r", "r", "own", "block"), NOW, NOW).found
    assert found.signed_in
    assert found.agent == "Mozilla/5.0"
    assert "secret" not in repr(found)


# --- Logs ---


def record(minute: float = -2, action: str = "BLOCK", **request: Any) -> dict[str, Any]:
    at = NOW.replace(second=0) + timedelta(minutes=minute)
    return {
        "timestamp": round(at.timestamp() * 1000),
        "action": action,
        "terminatingRuleId": "the-rule",
        "ruleGroupList": [{"terminatingRule": {"ruleId": "SizeRestrictions_BODY"}}],
        "httpRequest": {
            "clientIp": "198.51.100.7",
            "country": "DE",
            "uri": "/comments",
            "httpMethod": "POST",
            **request,
        },
    }


def test_a_log_record_names_both_rules_and_the_whole_request_line() -> None:
    found = parse_record(record(args="id=1"))
    assert found is not None
    assert (found.rule, found.inner) == ("the-rule", "SizeRestrictions_BODY")
    assert found.uri == "/comments?id=1"


@pytest.mark.parametrize(
    "misfit",
    [
        {},
        {"action": "ALLOW"},
        {**record(), "timestamp": "soon"},
        {**record(), "timestamp": 1e300},
        {**record(), "timestamp": -1},
        {**record(), "action": "ALLOW"},
    ],
)
def test_other_records_and_misfits_are_none(misfit: Mapping[str, Any]) -> None:
    assert parse_record(misfit) is None


def test_a_request_line_is_kept_without_secrets_and_people() -> None:
    found = parse_record(record(uri="/users/jane@example.com", args="token=hunter2&page=2"))
    assert found is not None
    assert found.uri == "/users/(e-mail address)?token=(not kept)&page=2"


def test_what_a_record_holds_is_bounded_and_may_be_of_any_kind() -> None:
    found = parse_record({**record(uri="/" * 9000, headers="none"), "ruleGroupList": ["x", None]})
    assert found is not None
    assert len(found.uri) <= 512
    assert found.inner is None


ACL = parse_web_acl(web_acl(rule(COMMON, OverrideAction={"None": {}})))
START, END = NOW.replace(second=0) - timedelta(minutes=10), NOW.replace(second=0)


class Content(bytes):
    def read(self, _: int) -> bytes:
        return bytes(self)


def bucket(files: Mapping[str, bytes]) -> dict[str, Answers]:
    def listed(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        found = [key for key in files if key.startswith(asked["Prefix"])]
        return {"Contents": [{"Key": key, "Size": len(files[key])} for key in found[: asked["MaxKeys"]]]}

    return {
        "s3": {"ListObjectsV2": listed, "GetObject": lambda asked: {"Body": Content(files[asked["Key"]])}}
    }


def key(slot: str, number: int = 0) -> str:
    head = "logs/AWSLogs/111122223333/WAFLogs/eu-west-1/orders-acl"
    return f"{head}/2026/11/20/14/{slot}/111122223333_waflogs_eu-west-1_orders-acl_{number}.log.gz"


def packed(*records: object) -> bytes:
    return gzip.compress("".join(json.dumps(each) + "\n" for each in records).encode())


def from_bucket(files: Mapping[str, bytes]) -> BlockedRequests | Missing:
    assert ACL is not None
    return read_log(scope(bucket(files)), ACL, "arn:aws:s3:::aws-waf-logs-orders/logs", START, END)


def test_blocks_are_read_from_the_files_of_the_time_and_others_left_out() -> None:
    found = from_bucket(
        {key("40"): packed(record(-5), record(-6, action="ALLOW"), record(-40), "rubbish", 7)}
    )
    assert isinstance(found, BlockedRequests)
    assert len(found.found) == 1


def test_files_that_end_before_the_time_are_not_all_of_it() -> None:
    found = from_bucket({key("40"): packed(record(-5))})
    assert isinstance(found, BlockedRequests)
    assert not found.complete
    assert found.end == datetime(2026, 11, 20, 14, 45, tzinfo=UTC)


def test_without_a_file_yet_the_log_is_missing_with_a_reason() -> None:
    found = from_bucket({})
    assert isinstance(found, Missing)
    assert "every five minutes" in found.reason


def test_a_file_that_is_cut_short_gives_what_could_be_unpacked() -> None:
    whole = packed(*[record(-5, uri=f"/{number}") for number in range(3000)])
    found = from_bucket({key("40"): whole[: len(whole) // 2]})
    assert isinstance(found, BlockedRequests)
    assert found.found


def test_not_more_files_are_opened_than_may_be_read() -> None:
    found = from_bucket({key("40", number): packed(record(-5)) for number in range(MOST_FILES + 9)})
    assert isinstance(found, BlockedRequests)
    assert len(found.found) == MOST_FILES


def test_not_more_folders_are_listed_than_may_be_read() -> None:
    listed: list[str] = []

    def answer(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        listed.append(asked["Prefix"])
        return {}

    assert ACL is not None
    long_ago = START - timedelta(hours=2)
    read_log(scope({"s3": {"ListObjectsV2": answer}}), ACL, "arn:aws:s3:::aws-waf-logs-orders", long_ago, END)
    assert len(listed) == MOST_SLOTS
    assert listed[0] == "AWSLogs/111122223333/WAFLogs/eu-west-1/orders-acl/2026/11/20/14/45/"


def test_a_distributions_files_lie_below_cloudfront() -> None:
    listed: list[str] = []

    def answer(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        listed.append(asked["Prefix"])
        return {}

    assert ACL is not None
    acl = replace(ACL, arn=EDGE_ARN, scope="CLOUDFRONT", name="edge-acl")
    read_log(scope({"s3": {"ListObjectsV2": answer}}, EDGE), acl, "arn:aws:s3:::aws-waf-logs-x", START, END)
    assert "/WAFLogs/cloudfront/edge-acl/" in listed[0]


def test_a_refused_bucket_is_missing_under_its_own_service() -> None:
    assert ACL is not None
    asked = scope({"s3": {"ListObjectsV2": refuse("AccessDenied")}})
    found = read_log(asked, ACL, "arn:aws:s3:::aws-waf-logs-orders", START, END)
    assert found == Missing("s3:ListObjectsV2: AccessDenied")


def test_a_log_group_is_searched_for_blocks() -> None:
    asked: list[Mapping[str, Any]] = []

    def start(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(parameters)
        return {"queryId": "q"}

    rows = [[{"field": "@message", "value": json.dumps(record())}], [{"field": "@message", "value": "{"}]]
    answers = {
        "logs": {"StartQuery": start, "GetQueryResults": lambda _: {"status": "Complete", "results": rows}}
    }
    group = "arn:aws:logs:eu-west-1:111122223333:log-group:aws-waf-logs-orders:*"
    assert ACL is not None
    found = read_log(replace(scope(answers), wait=lambda _: None), ACL, group, START, END)
    assert isinstance(found, BlockedRequests)
    assert (len(found.found), found.complete) == (1, True)
    assert asked[0]["logGroupNames"] == ["aws-waf-logs-orders"]


def test_a_stream_cannot_be_read() -> None:
    assert ACL is not None
    stream = "arn:aws:firehose:eu-west-1:111122223333:deliverystream/aws-waf-logs-orders"
    assert isinstance(read_log(scope({}), ACL, stream, START, END), Missing)
