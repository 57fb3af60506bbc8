"""Composite alarms are followed down to the metrics behind them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.alarms import PERMISSIONS, resolve_metrics
from diagnosis.evidence import Missing
from diagnosis.incident import Alarm, AlarmState, EntryPoint, MetricReference, entry_point

LOAD_BALANCER = "app/order-api/50dc6c495c0c9188"


class FakeCloudWatch:
    """DescribeAlarms with the limits of the real one: at most 100 names, composite alarms only by type."""

    def __init__(self, *alarms: Mapping[str, Any], failures: Mapping[int, Exception] | None = None) -> None:
        self.alarms = {alarm["AlarmName"]: alarm for alarm in alarms}
        self.failures = dict(failures or {})
        self.calls: list[list[str]] = []

    def get_paginator(self, operation: str) -> "FakeCloudWatch":
        assert operation == "describe_alarms"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        names, types = request["AlarmNames"], request["AlarmTypes"]
        assert 0 < len(names) <= 100
        assert request["PaginationConfig"]["PageSize"] <= 100
        if len(self.calls) in self.failures:
            raise self.failures[len(self.calls)]
        self.calls.append(names)
        # AWS answers in an order of its own.
        found = [self.alarms[name] for name in sorted(names, reverse=True) if name in self.alarms]
        kinds = {"MetricAlarms": "MetricAlarm", "CompositeAlarms": "CompositeAlarm"}
        for key, kind in kinds.items():
            of_kind = [alarm for alarm in found if ("AlarmRule" in alarm) == (kind == "CompositeAlarm")]
            yield {key: of_kind if kind in types else []}

    @property
    def asked(self) -> list[str]:
        return [name for call in self.calls for name in call]


def metric_alarm(
    name: str, namespace: str = "AWS/ApplicationELB", load_balancer: str = LOAD_BALANCER, state: str = "ALARM"
) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "StateValue": state,
        "Namespace": namespace,
        "MetricName": f"metric of {name}",
        "Dimensions": [{"Name": "LoadBalancer", "Value": load_balancer}],
        "Statistic": "Sum",
        "Period": 60,
    }


def composite_alarm(name: str, rule: str, state: str = "ALARM", reason_data: str = "{}") -> dict[str, Any]:
    return {"AlarmName": name, "StateValue": state, "AlarmRule": rule, "StateReasonData": reason_data}


def arn(name: str, region: str = "eu-west-1") -> str:
    return f"arn:aws:cloudwatch:{region}:123456789012:alarm:{name}"


def alarm(rule: str | None = None, *children: str, **fields: Any) -> Alarm:
    plain = Alarm(
        name="order-api-any",
        arn=arn("order-api-any"),
        state=AlarmState.ALARM,
        account="123456789012",
        region="eu-west-1",
        time=datetime(2026, 11, 20, 14, 47, 10, tzinfo=UTC),
        rule=rule,
        children=children,
    )
    return replace(plain, **fields)


def resolve(
    client: FakeCloudWatch, composite: Alarm, **options: Any
) -> tuple[MetricReference, ...] | Missing:
    return resolve_metrics(cast("Any", client), composite, **options)


def names_of(metrics: tuple[MetricReference, ...] | Missing) -> list[str]:
    assert not isinstance(metrics, Missing), metrics
    return [metric.name.removeprefix("metric of ") for metric in metrics]


def denied() -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeAlarms")


def test_the_permission_is_declared() -> None:
    assert PERMISSIONS == ("cloudwatch:DescribeAlarms",)


def test_an_alarm_with_metrics_of_its_own_needs_no_call() -> None:
    client = FakeCloudWatch()
    own = (MetricReference("AWS/ApplicationELB", "RequestCount", {"LoadBalancer": LOAD_BALANCER}),)
    assert resolve(client, alarm(metrics=own)) == own
    assert client.calls == []


def test_the_child_that_triggered_it_decides_and_one_call_is_enough() -> None:
    admin = metric_alarm("admin", load_balancer="app/admin/1111111111111111")
    client = FakeCloudWatch(metric_alarm("orders"), admin)
    metrics = resolve(client, alarm("ALARM(admin) OR ALARM(orders)", arn("orders")))
    assert names_of(metrics) == ["orders"]
    assert client.calls == [["orders", "admin"]]


def test_metric_math_children_give_all_their_metrics() -> None:
    entry = {
        "Id": "m1",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/ApplicationELB",
                "MetricName": "RequestCount",
                "Dimensions": [{"Name": "LoadBalancer", "Value": LOAD_BALANCER}],
            },
            "Period": 60,
            "Stat": "Sum",
        },
    }
    math = {
        "AlarmName": "rate",
        "StateValue": "ALARM",
        "Metrics": [{"Id": "e1", "Expression": "m1 * 2"}, entry],
    }
    metrics = resolve(FakeCloudWatch(math), alarm("ALARM(rate)", "rate"))
    assert names_of(metrics) == ["RequestCount"]


def test_composites_of_composites_are_followed_down_through_their_triggers() -> None:
    data = f'{{"triggeringAlarms": [{{"arn": "{arn("orders")}", "state": {{"value": "ALARM"}}}}]}}'
    client = FakeCloudWatch(
        composite_alarm("outer", "ALARM(inner)"),
        composite_alarm("inner", "ALARM(users) OR ALARM(orders)", reason_data=data),
        metric_alarm("users", load_balancer="app/users/1111111111111111"),
        metric_alarm("orders"),
    )
    assert names_of(resolve(client, alarm("ALARM(outer)", "outer"))) == ["orders"]
    assert len(client.calls) == 3


def test_when_the_trigger_was_the_end_of_maintenance_the_children_in_alarm_decide() -> None:
    client = FakeCloudWatch(
        metric_alarm("orders"),
        metric_alarm("users", load_balancer="app/users/1111111111111111", state="OK"),
        metric_alarm("maintenance", namespace="Custom", state="OK"),
    )
    rule = "(ALARM(users) OR ALARM(orders)) AND NOT ALARM(maintenance)"
    assert names_of(resolve(client, alarm(rule, arn("maintenance")))) == ["orders"]


def test_a_quiet_load_balancer_beside_the_alarming_database_is_not_blamed() -> None:
    client = FakeCloudWatch(metric_alarm("database", namespace="AWS/RDS"), metric_alarm("orders", state="OK"))
    composite = alarm("ALARM(database) OR ALARM(orders)", arn("database"))
    metrics = resolve(client, composite)
    assert names_of(metrics) == ["database"]
    assert not isinstance(metrics, Missing)
    assert not isinstance(entry_point(composite, metrics), EntryPoint)


def test_children_no_longer_in_alarm_still_count_when_none_is() -> None:
    client = FakeCloudWatch(
        metric_alarm("maintenance", namespace="Custom", state="OK"), metric_alarm("a", state="OK")
    )
    metrics = resolve(client, alarm("ALARM(a) AND NOT ALARM(maintenance)", "maintenance"))
    assert "a" in names_of(metrics)


def test_circles_end_and_each_alarm_is_read_once() -> None:
    client = FakeCloudWatch(
        composite_alarm("a", "ALARM(b) OR ALARM(order-api-any)"),
        composite_alarm("b", "ALARM(a) OR ALARM(leaf) OR ALARM(b)"),
        metric_alarm("leaf", namespace="Custom"),
    )
    assert names_of(resolve(client, alarm("ALARM(a) OR ALARM(b)", "a"))) == ["leaf"]
    assert sorted(client.asked) == ["a", "b", "leaf"]


def test_more_than_a_hundred_names_go_in_several_calls_in_order() -> None:
    names = [f"alarm-{number:03}" for number in range(230)]
    client = FakeCloudWatch(*map(metric_alarm, names))
    assert names_of(resolve(client, alarm(None, *names))) == names
    assert [len(call) for call in client.calls] == [100, 100, 30]


def test_a_composite_whose_event_names_no_children_is_itself_asked_for() -> None:
    client = FakeCloudWatch(composite_alarm("order-api-any", "ALARM(orders)"), metric_alarm("orders"))
    assert names_of(resolve(client, alarm())) == ["orders"]


def test_an_alarm_of_the_same_name_elsewhere_is_not_taken_for_the_child() -> None:
    client = FakeCloudWatch(metric_alarm("orders"))
    assert isinstance(resolve(client, alarm(None, arn("orders", "us-east-1"))), Missing)
    assert "orders" not in client.asked


def test_children_that_are_gone_leave_nothing_to_read() -> None:
    missing = resolve(FakeCloudWatch(), alarm("ALARM(gone)", "gone"))
    assert missing == Missing("No alarm behind order-api-any watches a metric.")


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (denied(), "AccessDenied"),
        (EndpointConnectionError(endpoint_url="https://x"), "EndpointConnectionError"),
    ],
)
def test_a_refused_or_failed_call_is_missing_with_the_errors_name(error: Exception, name: str) -> None:
    missing = resolve(FakeCloudWatch(failures={0: error}), alarm("ALARM(a)", "a"))
    assert missing == Missing(f"The alarms behind order-api-any could not be read: {name}.")


def test_a_failure_further_down_is_missing_unless_the_entry_point_is_known_already() -> None:
    alarms = [composite_alarm("outer", "ALARM(inner)"), metric_alarm("database", namespace="AWS/RDS")]
    client = FakeCloudWatch(*alarms, failures={1: denied()})
    assert isinstance(resolve(client, alarm("ALARM(database) OR ALARM(outer)", "database")), Missing)
    client = FakeCloudWatch(*alarms, metric_alarm("orders"), failures={1: denied()})
    assert "orders" in names_of(resolve(client, alarm("ALARM(outer) OR ALARM(orders)", "outer")))


def test_nesting_without_end_is_missing() -> None:
    deep = [composite_alarm(f"level-{number}", f"ALARM(level-{number + 1})") for number in range(20)]
    missing = resolve(FakeCloudWatch(*deep), alarm("ALARM(level-0)", "level-0"), max_depth=3)
    assert missing == Missing("The alarms behind order-api-any are nested more than 3 deep.")


def test_no_tree_costs_more_than_a_few_calls() -> None:
    wide = [
        composite_alarm(f"c{number}", " OR ".join(f"ALARM(c{number}-{leaf})" for leaf in range(90)))
        for number in range(90)
    ]
    client = FakeCloudWatch(*wide)
    resolve(client, alarm(None, *(f"c{number}" for number in range(90))))
    assert len(client.asked) <= 500
    assert len(client.calls) <= 6


NAMES = ["order-api-any", "a", "b", "c", "d", "e"]
RULES = st.lists(st.sampled_from(NAMES), max_size=4).map(
    lambda names: " OR ".join(f"ALARM({name})" for name in names)
)


@settings(deadline=None)
@given(st.lists(RULES, min_size=5, max_size=5), st.lists(st.booleans(), min_size=5, max_size=5))
def test_any_web_of_alarms_ends_reads_each_once_and_answers_the_same_again(
    rules: list[str], leaves: list[bool]
) -> None:
    alarms = [
        metric_alarm(name) if leaf else composite_alarm(name, rule)
        for name, rule, leaf in zip(NAMES[1:], rules, leaves, strict=True)
    ]
    client = FakeCloudWatch(*alarms)
    composite = alarm("ALARM(a) OR ALARM(b)", "a", "b")
    answer = resolve(client, composite)
    assert len(client.asked) == len(set(client.asked))
    assert resolve(FakeCloudWatch(*reversed(alarms)), composite) == answer


def test_the_real_client_accepts_the_request_and_its_pages_are_followed() -> None:
    client = boto3.client(
        "cloudwatch", region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    request = {
        "AlarmNames": ["orders", "users"],
        "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
        "MaxRecords": 100,
    }
    users = metric_alarm("users", namespace="Custom")
    with Stubber(client) as stubber:
        stubber.add_response("describe_alarms", {"MetricAlarms": [users], "NextToken": "more"}, request)
        stubber.add_response(
            "describe_alarms", {"MetricAlarms": [metric_alarm("orders")]}, {**request, "NextToken": "more"}
        )
        metrics = resolve_metrics(client, alarm(None, "orders", "users"))
        stubber.assert_no_pending_responses()
    assert names_of(metrics) == ["orders", "users"]
