"""What an event is about: the entry point, the reasons to ignore, and that no event makes it raise."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.incident import (
    Alarm,
    AlarmState,
    EntryPoint,
    Ignored,
    MetricReference,
    entry_point,
    event_identity,
    ignored_reason,
    parse_event,
)

EVENTS = Path(__file__).parents[2] / "events"
FILES = {path.stem: json.loads(path.read_text()) for path in sorted(EVENTS.glob("*.json"))}
LOAD_BALANCER = "app/order-api/50dc6c495c0c9188"
TARGET_GROUP = "targetgroup/orders/943f017f100becff"


def alarm(name: str = "order-api-elb-5xx", **fields: Any) -> Alarm:
    given_fields = {
        "name": name,
        "arn": f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}",
        "state": AlarmState.ALARM,
        "account": "123456789012",
        "region": "eu-west-1",
        "time": datetime(2026, 11, 20, 14, 47, 10, 989000, tzinfo=UTC),
        **fields,
    }
    return Alarm(**given_fields)


def metric(
    name: str = "HTTPCode_ELB_502_Count", namespace: str = "AWS/ApplicationELB", **dimensions: str
) -> MetricReference:
    return MetricReference(namespace, name, dimensions or {"LoadBalancer": LOAD_BALANCER}, "Sum", 60)


def reason(found: EntryPoint | Ignored) -> str:
    assert isinstance(found, Ignored)
    return found.reason


# The entry point


def test_a_load_balancer_metric_names_the_load_balancer() -> None:
    found = entry_point(alarm(), [metric()])
    assert found == EntryPoint("alb", LOAD_BALANCER, "order-api", None, "123456789012", "eu-west-1")


def test_the_arn_is_built_from_the_dimension() -> None:
    found = entry_point(alarm(), [metric(LoadBalancer=LOAD_BALANCER, TargetGroup=TARGET_GROUP)])
    assert isinstance(found, EntryPoint)
    prefix = "arn:aws:elasticloadbalancing:eu-west-1:123456789012"
    assert found.arn == f"{prefix}:loadbalancer/{LOAD_BALANCER}"
    assert found.target_group == TARGET_GROUP
    assert found.target_group_arn == f"{prefix}:{TARGET_GROUP}"


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("us-east-1", "aws")]
)
def test_the_arn_is_of_the_regions_partition(region: str, partition: str) -> None:
    found = entry_point(alarm(region=region), [metric()])
    assert isinstance(found, EntryPoint)
    assert found.arn.startswith(f"arn:{partition}:elasticloadbalancing:{region}:")


def test_a_metric_of_another_account_puts_the_load_balancer_there() -> None:
    shared = MetricReference(
        "AWS/ApplicationELB", "RequestCount", {"LoadBalancer": LOAD_BALANCER}, account="2" * 12
    )
    found = entry_point(alarm(), [shared])
    assert isinstance(found, EntryPoint)
    assert found.account == "222222222222"


def test_several_target_groups_are_none_in_particular() -> None:
    groups = [TARGET_GROUP, "targetgroup/users/1234567890abcdef"]
    found = entry_point(alarm(), [metric(LoadBalancer=LOAD_BALANCER, TargetGroup=group) for group in groups])
    assert isinstance(found, EntryPoint)
    assert found.target_group is None


def test_among_several_load_balancers_it_is_the_one_named_most_often_in_any_order() -> None:
    others = [
        metric(LoadBalancer="app/admin/1111111111111111"),
        metric(LoadBalancer="app/zoo/2222222222222222"),
    ]
    metrics = [others[0], metric(), metric("RequestCount"), others[1]]
    for order in (metrics, metrics[::-1]):
        found = entry_point(alarm(), order)
        assert isinstance(found, EntryPoint)
        assert found.name == "order-api"


def test_a_metric_of_something_else_beside_it_does_not_hide_the_load_balancer() -> None:
    found = entry_point(alarm(), [metric("CPUUtilization", "AWS/EC2", InstanceId="i-0abc"), metric()])
    assert isinstance(found, EntryPoint)


@pytest.mark.parametrize(
    "name", ["HealthyHostCount", "TargetResponseTime", "RejectedConnectionCount", "RequestCount"]
)
def test_metrics_of_health_and_load_count_as_about_requests(name: str) -> None:
    assert isinstance(entry_point(alarm(), [metric(name)]), EntryPoint)


@pytest.mark.parametrize("name", ["ConsumedLCUs", "ProcessedBytes"])
def test_metrics_of_cost_and_volume_are_ignored(name: str) -> None:
    assert f"{name}, which is not about errors" in reason(entry_point(alarm(), [metric(name)]))


def test_a_target_group_alone_lacks_the_load_balancer_and_the_reason_says_so() -> None:
    found = entry_point(alarm(), [metric("LambdaUserError", TargetGroup=TARGET_GROUP)])
    assert "LambdaUserError without the dimension LoadBalancer" in reason(found)
    assert "TargetGroup" in reason(found)


@pytest.mark.parametrize(
    "dimension", ["net/order-api/50dc6c495c0c9188", "order-api", "app/../x", "app/a/b\n"]
)
def test_a_dimension_that_is_no_application_load_balancer_is_ignored(dimension: str) -> None:
    assert "app/name/id" in reason(entry_point(alarm(), [metric(LoadBalancer=dimension)]))


@pytest.mark.parametrize(
    ("namespace", "kind"),
    [
        ("AWS/NetworkELB", "Network Load Balancer"),
        ("AWS/WAFV2", "WAF"),
        ("AWS/Lambda", "function"),
        ("AWS/ECS", "ECS service"),
    ],
)
def test_what_is_no_entry_point_is_not_diagnosed_by_itself(namespace: str, kind: str) -> None:
    found = reason(entry_point(alarm(), [metric("5xx", namespace)]))
    assert kind in found
    assert "not diagnosed by itself" in found


@pytest.mark.parametrize(
    ("namespace", "name", "dimensions", "kind", "id"),
    [
        ("AWS/ELB", "HTTPCode_ELB_5XX", {"LoadBalancerName": "shop"}, "clb", "shop"),
        ("AWS/ELB", "Latency", {"LoadBalancerName": "shop", "AvailabilityZone": "a"}, "clb", "shop"),
        ("AWS/ApiGateway", "5XXError", {"ApiName": "orders", "Stage": "live"}, "apigateway", "orders"),
        ("AWS/ApiGateway", "4xx", {"ApiId": "a1b2c3d4e5"}, "apigateway", "a1b2c3d4e5"),
        ("AWS/ApiGateway", "ExecutionError", {"ApiId": "w1", "Stage": "live"}, "apigateway", "w1"),
        (
            "AWS/CloudFront",
            "5xxErrorRate",
            {"DistributionId": "E2ABCDEF", "Region": "Global"},
            "cloudfront",
            "E2ABCDEF",
        ),
    ],
)
def test_the_other_entry_points_are_named_by_their_dimension(
    namespace: str, name: str, dimensions: dict[str, str], kind: str, id: str
) -> None:
    found = entry_point(alarm(), [metric(name, namespace, **dimensions)])
    assert isinstance(found, EntryPoint)
    assert (found.kind, found.id, dict(found.dimensions)) == (kind, id, dimensions)


@pytest.mark.parametrize(
    ("namespace", "name", "missing"),
    [
        ("AWS/ELB", "HTTPCode_ELB_5XX", "LoadBalancerName"),
        ("AWS/ApiGateway", "5XXError", "ApiName"),
        ("AWS/CloudFront", "5xxErrorRate", "DistributionId"),
    ],
)
def test_an_entry_point_without_its_dimension_is_ignored_naming_it(
    namespace: str, name: str, missing: str
) -> None:
    assert f"without the dimension {missing}" in reason(entry_point(alarm(), [metric(name, namespace)]))


@pytest.mark.parametrize(
    ("namespace", "name"),
    [("AWS/CloudFront", "BytesDownloaded"), ("AWS/ApiGateway", "CacheHitCount")],
)
def test_an_alarm_about_cost_or_volume_of_another_entry_point_is_ignored(namespace: str, name: str) -> None:
    assert "not about errors" in reason(entry_point(alarm(), [metric(name, namespace)]))


def test_a_metric_of_anything_else_is_named_in_the_reason() -> None:
    found = entry_point(alarm(), [metric("CPUUtilization", "AWS/RDS", DBInstanceIdentifier="orders")])
    assert "AWS/RDS CPUUtilization" in reason(found)


def test_no_metric_at_all_is_ignored_with_what_is_known_of_the_alarm() -> None:
    found = entry_point(alarm(), [])
    assert isinstance(found, Ignored)
    assert (found.alarm_name, found.state, found.region) == (
        "order-api-elb-5xx",
        AlarmState.ALARM,
        "eu-west-1",
    )


# Reasons to ignore


def test_insufficient_data_is_ignored_and_alarm_and_ok_are_not() -> None:
    assert "too little data" in (ignored_reason(alarm(state=AlarmState.INSUFFICIENT_DATA)) or "")
    assert ignored_reason(alarm()) is None
    assert ignored_reason(alarm(state=AlarmState.OK)) is None


def test_only_alarms_with_the_prefix_are_watched() -> None:
    assert "does not begin with shop-" in (ignored_reason(alarm(), "shop-") or "")
    assert ignored_reason(alarm(), "order-") is None


def test_the_alarms_of_a_scaling_policy_are_ignored() -> None:
    scaling = alarm("TargetTracking-service/production/orders-AlarmHigh-0a1b2c3d")
    assert "scaling policy" in (ignored_reason(scaling) or "")


def test_silence_does_not_make_an_alarm_ignored() -> None:
    assert ignored_reason(alarm(suppressed_by="WaitPeriod", muted=True)) is None


# Identity


def test_one_state_change_has_one_identity_in_every_envelope() -> None:
    names = ("eventbridge-metric", "lambda-action-metric", "sns-metric", "sns-metric-without-arn")
    identities = {event_identity(only_alarm(FILES[name])) for name in names}
    assert identities == {
        "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:order-api-elb-5xx|ALARM|2026-11-20T14:47:10Z"
    }


@pytest.mark.parametrize(
    "change",
    [
        {"state": AlarmState.OK},
        {"time": alarm().time + timedelta(minutes=1)},
        {"arn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:another"},
        {"contributor": "6d442278dba546f6"},
        {"suppressed_by": "WaitPeriod"},
    ],
)
def test_another_state_change_has_another_identity(change: dict[str, Any]) -> None:
    assert event_identity(alarm(**change)) != event_identity(alarm())


# Every event, and every damage to it


def only_alarm(event: object) -> Alarm:
    parsed = parse_event(event)
    assert isinstance(parsed, tuple)
    (found,) = parsed
    return found


def test_the_readme_has_a_line_for_each_event() -> None:
    readme = (EVENTS / "README.md").read_text()
    listed = {line.split("`")[1] for line in readme.splitlines() if line.startswith("| `")}
    assert listed == {f"{stem}.json" for stem in FILES}


@pytest.mark.parametrize("stem", [stem for stem in FILES if stem.startswith("garbage-")])
def test_garbage_is_ignored_with_a_reason(stem: str) -> None:
    parsed = parse_event(FILES[stem])
    assert isinstance(parsed, Ignored)
    assert parsed.reason.endswith(".")


WITH_THEIR_OWN_METRICS = [
    stem
    for stem in FILES
    if not stem.startswith("garbage-")
    and stem not in ("eventbridge-configuration-change", "eventbridge-rds")
    and "composite" not in stem
]


@pytest.mark.parametrize("stem", WITH_THEIR_OWN_METRICS)
def test_every_alarm_about_the_load_balancer_leads_to_it(stem: str) -> None:
    found = only_alarm(FILES[stem])
    place = entry_point(found, found.metrics)
    assert isinstance(place, EntryPoint)
    assert (place.id, place.account, place.region) == (LOAD_BALANCER, "123456789012", "eu-west-1")


HOSTILE = [
    "",
    "\ud800",
    "\x00",
    "\u202e",
    "<!channel>",
    "arn:aws:cloudwatch:::alarm:",
    "[" * 3000,
    "9" * 5000,
    "{",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(HOSTILE),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def damaged(value: Any, draw: st.DrawFn) -> Any:
    """A copy with one thing replaced, somewhere in it, within JSON texts too."""
    if isinstance(value, str) and value.startswith("{") and draw(st.booleans()):
        return json.dumps(damaged(json.loads(value), draw))
    if not value or not isinstance(value, dict | list) or draw(st.integers(0, 9)) == 0:
        return draw(JSON)
    copy = value.copy()
    keys = sorted(copy) if isinstance(copy, dict) else range(len(copy))
    key = draw(st.sampled_from(list(keys)))
    if draw(st.integers(0, 4)) == 0:
        del copy[key]
    else:
        copy[key] = damaged(copy[key], draw)
    return copy


@st.composite
def damaged_events(draw: st.DrawFn) -> Any:
    event = FILES[draw(st.sampled_from(sorted(FILES)))]
    for _ in range(draw(st.integers(1, 5))):
        try:
            event = damaged(event, draw)
        except ValueError:  # an earlier damage left a text that only looks like JSON
            break
    return event


def assert_handled(event: object) -> None:
    parsed = parse_event(event)
    for result in (parsed,) if isinstance(parsed, Ignored) else parsed:
        if isinstance(result, Ignored):
            assert result.reason
            continue
        assert result.name
        assert result.time.utcoffset() == timedelta(0)
        assert event_identity(result).encode()
        assert repr(result).encode()
        place = entry_point(result, result.metrics)
        assert place.reason.encode() if isinstance(place, Ignored) else place.arn.encode()


@settings(deadline=None, max_examples=600)
@given(damaged_events())
def test_a_damaged_event_is_an_alarm_or_ignored_with_a_reason(event: Any) -> None:
    assert_handled(event)


@settings(deadline=None)
@given(JSON)
def test_any_json_is_ignored_or_an_alarm(event: Any) -> None:
    assert_handled(event)


@settings(deadline=None)
@given(st.permutations(only_alarm(FILES["eventbridge-metric-math"]).metrics))
def test_the_order_of_metrics_decides_nothing(metrics: list[MetricReference]) -> None:
    found = entry_point(alarm(), metrics)
    assert isinstance(found, EntryPoint)
    assert found.id == LOAD_BALANCER
