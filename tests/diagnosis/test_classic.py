"""A Classic Load Balancer: its names, what its unsplit 5xx must be, its queue, and its own words."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from diagnosis.changes import own_identifiers, touches
from diagnosis.classic import own_command, own_terms, translate
from diagnosis.classic_codes import Setting, told_apart
from diagnosis.evidence import Change, Evidence, MetricKey, Metrics, Missing, Window
from diagnosis.facts import Facts, derive
from diagnosis.facts.classic import ClassicFacts
from diagnosis.pipeline import diagnose
from diagnosis.verdict import Verdict
from lab.straight import case_scenario, evidence_of

MINUTES = 10
WINDOW = Window(datetime(2026, 11, 20, 14, 37, tzinfo=UTC), MINUTES)
SETTING = Setting("old-shop", 60.0, cross_zone=True, check_interval=30)
Line = tuple[float | None, ...]
ALL: Line = (100.0,) * MINUTES
NONE: Line = (None,) * MINUTES


def last(count: int, value: float | None, before: float | None = None) -> Line:
    return (before,) * (MINUTES - count) + (value,) * count


def published(
    sums: Mapping[str, Line], levels: Mapping[tuple[str, str], Line], zone: str | None = None
) -> dict[MetricKey, Line]:
    """Series as a Classic has them, of the whole or of a zone."""
    return {
        **{MetricKey(name, "Sum", None, zone): line for name, line in sums.items()},
        **{MetricKey(name, statistic, None, zone): line for (name, statistic), line in levels.items()},
    }


def apart(*series: Mapping[MetricKey, Line], setting: Setting = SETTING) -> Metrics:
    together = {key: line for each in series for key, line in each.items()}
    return told_apart(translate(Metrics(WINDOW, together), "old-shop"), setting)


def codes(metrics: Metrics, zone: str | None = None) -> tuple[float, float, float]:
    """What the newest minute's 5xx were: 502, 503, 504."""
    newest = (metrics.counts(f"HTTPCode_ELB_{code}_Count", zone=zone)[-1] for code in (502, 503, 504))
    first, second, third = newest
    return first, second, third


QUICK = {("Latency", "Maximum"): (2.0,) * MINUTES, ("HealthyHostCount", "Maximum"): (4.0,) * MINUTES}
GOOD = {"RequestCount": ALL, "HTTPCode_Backend_2XX": ALL}

# --- Names ---


def test_series_bear_the_names_in_which_they_are_judged_for_whole_zone_and_group() -> None:
    metrics = translate(
        Metrics(WINDOW, {**published(GOOD, {}), **published(GOOD, {}, "eu-west-1a")}), "old-shop"
    )

    assert set(metrics.series) == {
        MetricKey(name, "Sum", group, zone)
        for name in ("RequestCount", "HTTPCode_Target_2XX_Count")
        for group, zone in ((None, None), ("old-shop", None), (None, "eu-west-1a"))
    }


def test_what_the_load_balancer_made_belongs_to_no_group() -> None:
    metrics = translate(Metrics(WINDOW, published({"HTTPCode_ELB_5XX": ALL}, {})), "old-shop")

    assert set(metrics.series) == {MetricKey("HTTPCode_ELB_5XX_Count", "Sum")}


def test_hosts_are_counted_over_the_zones_since_a_node_may_know_only_its_own() -> None:
    zones = ("eu-west-1a", "eu-west-1b")
    of_one = {("HealthyHostCount", "Minimum"): (2.0,) * MINUTES}
    series = [published({}, of_one), *(published({}, of_one, zone) for zone in zones)]

    metrics = translate(Metrics(WINDOW, {k: v for each in series for k, v in each.items()}), "old-shop")

    assert metrics.levels("HealthyHostCount", "Minimum", target_group="old-shop") == (4.0,) * MINUTES
    assert (
        metrics.levels("HealthyHostCount", "Minimum", target_group="old-shop", zone="eu-west-1a")
        == (2.0,) * MINUTES
    )


def test_without_a_percentile_the_slowest_answer_stands_in_for_it() -> None:
    metrics = translate(Metrics(WINDOW, published({}, QUICK)), "old-shop")

    assert metrics.levels("TargetResponseTime", "p99")[-1] == 2.0


def test_what_could_not_be_read_keeps_its_reason_under_the_new_name() -> None:
    unread = {MetricKey("Latency", "Average"): "Forbidden"}

    metrics = translate(Metrics(WINDOW, {}, unread), "old-shop")

    assert metrics.unread[MetricKey("TargetResponseTime", "Average")] == "Forbidden"


# --- Which codes the unsplit 5xx must have been ---


def test_without_an_instance_in_service_every_5xx_is_503() -> None:
    hosts = {**QUICK, ("HealthyHostCount", "Maximum"): last(2, 0.0, 4.0)}
    told = apart(published({"HTTPCode_ELB_5XX": last(2, 90.0), "RequestCount": last(2, None, 100.0)}, hosts))

    assert codes(told) == (0.0, 90.0, 0.0)


def test_without_any_registered_instance_nothing_is_counted_and_every_5xx_is_503_too() -> None:
    hosts = {**QUICK, ("HealthyHostCount", "Maximum"): last(2, None, 4.0)}
    told = apart(published({"HTTPCode_ELB_5XX": last(2, 90.0)}, hosts))

    assert codes(told) == (0.0, 90.0, 0.0)


def test_a_gap_in_the_host_count_while_instances_answer_means_nothing() -> None:
    hosts = {**QUICK, ("HealthyHostCount", "Maximum"): last(2, None, 4.0)}
    told = apart(published({"HTTPCode_ELB_5XX": last(2, 9.0), **GOOD}, hosts))

    assert codes(told) == (9.0, 0.0, 0.0)


def test_what_spilled_over_is_503_and_the_rest_is_not() -> None:
    told = apart(published({"HTTPCode_ELB_5XX": last(2, 90.0), "SpilloverCount": last(2, 70.0)}, QUICK))

    assert codes(told) == (20.0, 70.0, 0.0)


def test_while_the_slowest_answers_take_nearly_the_idle_timeout_the_rest_is_504() -> None:
    slow = {**QUICK, ("Latency", "Maximum"): last(3, 55.0, 2.0)}

    assert codes(apart(published({"HTTPCode_ELB_5XX": last(2, 90.0)}, slow))) == (0.0, 0.0, 90.0)


def test_where_exports_always_take_long_the_slowest_answer_tells_nothing_and_the_percentile_does() -> None:
    exports = {**QUICK, ("Latency", "Maximum"): (58.0,) * MINUTES, ("Latency", "p99"): (0.4,) * MINUTES}

    assert codes(apart(published({"HTTPCode_ELB_5XX": last(2, 90.0)}, exports))) == (90.0, 0.0, 0.0)


def test_a_raised_idle_timeout_is_the_measure() -> None:
    slow = {**QUICK, ("Latency", "Maximum"): last(3, 55.0, 2.0)}
    told = apart(
        published({"HTTPCode_ELB_5XX": last(2, 90.0)}, slow), setting=replace(SETTING, idle_timeout=300.0)
    )

    assert codes(told) == (90.0, 0.0, 0.0)


def test_without_any_answer_502_and_504_stay_one_sum() -> None:
    silent = {**QUICK, ("Latency", "Maximum"): last(4, None, 2.0)}
    told = apart(published({"HTTPCode_ELB_5XX": last(3, 90.0)}, silent))

    assert codes(told) == (0.0, 0.0, 0.0)
    assert told.counts("HTTPCode_ELB_5XX_Count")[-1] == 90.0


def test_a_service_that_answered_late_and_then_not_at_all_still_keeps_requests_waiting() -> None:
    hangs = {**QUICK, ("Latency", "Maximum"): (*(2.0,) * 5, 50.0, *(None,) * 4)}
    told = apart(published({"HTTPCode_ELB_5XX": last(5, 90.0)}, hangs))

    assert codes(told) == (0.0, 0.0, 90.0)


def test_without_cross_zone_a_zone_without_instances_answers_503_by_itself() -> None:
    empty = {**QUICK, ("HealthyHostCount", "Maximum"): last(2, 0.0, 2.0)}
    told = apart(
        published({"HTTPCode_ELB_5XX": last(2, 90.0)}, QUICK),
        published({"HTTPCode_ELB_5XX": last(2, 80.0)}, empty, "eu-west-1a"),
        published({"HTTPCode_ELB_5XX": last(2, 10.0)}, QUICK, "eu-west-1b"),
        setting=replace(SETTING, cross_zone=False),
    )

    assert codes(told, "eu-west-1a") == (0.0, 80.0, 0.0)
    assert codes(told) == (10.0, 80.0, 0.0)


def test_more_5xx_than_requests_passed_on_beside_an_empty_minute_are_503() -> None:
    hosts = {**QUICK, ("HealthyHostCount", "Maximum"): last(1, 0.0, 4.0)}
    asked = {"RequestCount": last(2, 40.0, 100.0), "HTTPCode_Backend_2XX": last(2, 30.0, 100.0)}
    told = apart(published({"HTTPCode_ELB_5XX": last(3, 60.0), **asked}, hosts))

    assert told.counts("HTTPCode_ELB_503_Count")[-3:] == (0.0, 50.0, 60.0)
    assert told.counts("HTTPCode_ELB_502_Count")[-3:] == (60.0, 10.0, 0.0)


def test_requests_are_no_fewer_than_what_was_answered() -> None:
    asked = last(2, None, 100.0)
    told = apart(published({"HTTPCode_ELB_5XX": last(2, 90.0), "RequestCount": asked}, QUICK))

    assert told.counts("RequestCount", target_group="old-shop")[-1] == 90.0


def test_failed_connections_are_those_beyond_the_health_checks_own() -> None:
    ill = {**QUICK, ("UnHealthyHostCount", "Maximum"): last(3, 2.0, 0.0)}
    told = apart(published({"BackendConnectionErrors": last(3, 50.0)}, ill))

    # Two instances, asked twice a minute by at most two nodes.
    assert told.counts("TargetConnectionErrorCount")[-1] == 42.0
    assert told.counts("BackendConnectionErrors")[-1] == 50.0


# --- Facts of an incident ---


@cache
def _drawn(balancer: str, rest: str) -> Evidence:
    content = {"noise": "none", "classic_load_balancer": json.loads(balancer), **json.loads(rest)}
    return evidence_of(case_scenario("a classic sketch", content))


def sketch(balancer: Mapping[str, Any], **rest: Any) -> Evidence:
    """What is read of a Classic that differs in this from a quiet one."""
    alarm = {"metric": "HTTPCode_ELB_5XX"}
    return _drawn(json.dumps(balancer), json.dumps({"alarm": alarm, **rest}))


def facts_of(evidence: Evidence) -> Facts:
    facts = derive(evidence, ["HTTPCode_ELB_5XX"])
    assert not isinstance(facts, Missing)
    return facts


def classic_of(balancer: Mapping[str, Any]) -> ClassicFacts:
    classic = facts_of(sketch(balancer)).classic
    assert classic is not None
    return classic


def judged(balancer: Mapping[str, Any], **rest: Any) -> Verdict:
    return diagnose(sketch(balancer, **rest), ["HTTPCode_ELB_5XX"])


OUT = {"requests": "4421, -5: 0", "elb_503": "0, -5: 4421", "backend_4xx": "60, -5: 0"}
ILL = {**OUT, "healthy": "6, -5: 0", "unhealthy": "0, -5: 6", "health": {"failed_checks": 6}}
SPILLS = {"requests": "4421, -6: 2000", "spillover": "0, -5: 2421", "surge_queue": "0, -6: 1024"}


def test_the_surge_queue_is_known_by_its_length_and_by_what_spilled_over() -> None:
    classic = classic_of({**SPILLS, "latency": "0.09, -6: 4"})

    assert classic.queue_full
    assert classic.spillover.risen
    assert classic.spilled == 1.0


def test_a_queue_that_spills_nothing_is_not_full() -> None:
    classic = classic_of({"surge_queue": "0, -5: 300", "elb_502": "0, -5: 400"})

    assert not classic.queue_full
    assert classic.spilled == 0.0


def test_checks_that_cannot_connect_are_told_from_checks_that_do() -> None:
    assert classic_of({**ILL, "checks_refused": True}).checks_refused is True
    assert classic_of(ILL).checks_refused is False
    assert classic_of({"elb_502": "0, -5: 400"}).checks_refused is None


def test_requests_went_well_up_to_the_minute_in_which_the_instances_were_out() -> None:
    assert classic_of(ILL).served_well is True
    assert classic_of({**ILL, "backend_5xx": "0, -8: 2500, -5: 0"}).served_well is False
    assert classic_of({"elb_502": "0, -5: 400"}).served_well is None


def test_what_failed_before_the_instances_were_out_tells_how_requests_fail() -> None:
    """The 503 that follow are the load balancer's answer to any failure of all instances."""
    before_out = {"backend_5xx": "0, -7: 4300, -5: 0", "requests": "4421, -5: 0"}

    facts = facts_of(sketch({**ILL, **before_out}))

    assert facts.part("target_5xx") > 0.9
    assert facts.errors.events > 4 * 4000


def test_other_entry_points_have_no_facts_of_a_classic() -> None:
    other = evidence_of(case_scenario("an application load balancer", {}))

    assert facts_of(other).classic is None


def test_the_load_balancer_is_the_component_and_its_own_only_group() -> None:
    verdict = judged({"elb_502": "0, -5: 1400"})

    assert verdict.component == "order-api"
    assert verdict.failing_target_groups == ("order-api",)


# --- Causes where a Classic differs ---


@pytest.mark.parametrize(
    ("balancer", "code"),
    [
        (SPILLS | {"latency": "0.09, -6: 4", "cpu": "40, -6: 97"}, "surge_queue_overflow"),
        (OUT | {"instances": 0, "healthy": "6, -5: -", "unhealthy": "0, -5: -"}, "no_usable_targets"),
        (ILL, "health_check_mismatch"),
        (
            ILL
            | {
                "checks_refused": True,
                "requests": "4421, -6: 4500, -5: 0",
                "elb_502": "0, -6: 4400, -5: 0",
                "connection_errors": "0, -6: 6000, -5: 0",
            },
            "target_refused_connection",
        ),
        (
            {"elb_504": "0, -6: 500", "latency": "0.09, -7: 7", "latency_p99": "0.4, -7: 58"},
            "target_timeout",
        ),
        ({"elb_502": "0, -6: 1500"}, "target_broke_exchange"),
        ({"elb_504": "11, -1: [30]"}, "keepalive_mismatch"),
    ],
)
def test_a_mechanism_is_named_without_the_codes_that_a_classic_does_not_publish(
    balancer: Mapping[str, Any], code: str
) -> None:
    assert judged(balancer).code == code


def test_a_check_that_only_opens_the_port_cannot_fail_for_its_code() -> None:
    assert judged({**ILL, "health_check": {"target": "TCP:8080"}}).code != "health_check_mismatch"


def test_dropped_packets_are_told_from_refusal_by_a_change_of_the_network() -> None:
    balancer = {
        **ILL,
        "checks_refused": True,
        "requests": "4421, -6: 4500, -5: 0",
        "elb_504": "0, -6: 4400, -5: 0",
        "connection_errors": "0, -6: 6000, -5: 0",
        "instance_security_groups": ["sg-0aaaaaaaaaaaaaaa1"],
    }
    change = {
        "at": "-6.5",
        "name": "RevokeSecurityGroupIngress",
        "source": "ec2",
        "by": "terraform",
        "resources": ["sg-0aaaaaaaaaaaaaaa1"],
        "parameters": {},
    }

    assert judged(balancer, changes=[change]).code == "target_connect_timeout"


def test_502_and_504_of_a_silent_service_are_left_undecided() -> None:
    balancer = {"elb_504": "0, -5: 4421", "latency": "0.09, -5: -", "backend_4xx": "60, -5: 0"}

    assert judged(balancer).code == "inconclusive"


def test_rules_and_listeners_certificates_of_an_application_load_balancer_are_not_judged() -> None:
    codes_judged = {found.cause.code for found in judged({"elb_502": "0, -5: 1400"}).findings}

    assert not codes_judged & {"listener_misroute", "target_tls_failure", "waf_rule_change"}
    assert "surge_queue_overflow" in codes_judged


def test_a_deployment_group_that_names_the_load_balancer_serves_what_fails() -> None:
    release = {
        "id": "d-NEW",
        "application": "order-api",
        "group": "production",
        "load_balancers": ["order-api"],
        "created": "-6",
        "started": "-6",
        "completed": "-5",
        "config": "CodeDeployDefault.AllAtOnce",
        "revision": {"bucket": "releases", "key": "2.zip"},
    }

    verdict = judged({"backend_5xx": "0, -5: 900"}, deployments=[release])

    assert (verdict.trigger.chosen.kind, verdict.trigger.chosen.id) == ("deployment", "d-NEW")


# --- Words ---


@pytest.mark.parametrize(
    ("said", "own"),
    [
        ("CloudWatch HTTPCode_Target_5XX_Count", "CloudWatch HTTPCode_Backend_5XX"),
        ("CloudWatch HTTPCode_ELB_504_Count", "CloudWatch HTTPCode_ELB_5XX"),
        ("CloudWatch TargetResponseTime p99", "CloudWatch Latency p99"),
        ("CloudWatch TargetConnectionErrorCount", "CloudWatch BackendConnectionErrors"),
        ("DescribeTargetHealth and CPUUtilization", "DescribeInstanceHealth and CPUUtilization"),
        ("all 6 targets stayed healthy", "all 6 instances stayed healthy"),
        ("a target is slow", "an instance is slow"),
        ("only target i-0a1 differs", "only instance i-0a1 differs"),
        ("Target.InvalidState", "Target.InvalidState"),
        ("aws deploy get-deployment-target", "aws deploy get-deployment-target"),
        ("the target group's settings", "the load balancer's settings"),
        (
            "aws elbv2 describe-target-health --region eu-west-1 --target-group-arn arn:aws:x:1:old-shop",
            "aws elb describe-instance-health --region eu-west-1 --load-balancer-name old-shop",
        ),
        ("Targets refuse connections (502)", "Instances refuse connections (5xx)"),
    ],
)
def test_a_classic_is_spoken_of_in_its_own_words(said: str, own: str) -> None:
    assert own_terms("clb", said) == own
    assert own_terms("alb", said) == said


def test_an_inferred_code_comes_with_its_reason() -> None:
    said = own_terms("clb", "504 made by the load balancer went from 0 to 90 a minute")

    assert "unsplit" in said
    assert "idle timeout" in said
    assert said.endswith("went from 0 to 90 a minute")


# --- Changes ---


def test_a_change_of_an_application_load_balancer_of_the_same_name_is_not_ours() -> None:
    evidence = sketch({"backend_5xx": "0, -5: 900"})
    listener = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/order-api/0123/4567"
    foreign = Change("1", "ModifyListener", "elasticloadbalancing", evidence.now, "ole", (listener,))
    own = Change("2", "ConfigureHealthCheck", "elasticloadbalancing", evidence.now, "ole", ("order-api",))

    names = own_identifiers(evidence)

    assert touches(foreign, evidence, names) is False
    assert touches(own, evidence, names) is True


def test_a_command_keeps_the_names_in_it_whatever_they_say() -> None:
    """A command with a changed name is about something else."""
    command = "aws elb describe-instance-health --region eu-west-1 --load-balancer-name target-api"
    assert own_command("clb", command) == command
    console = "https://eu-west-1.console.aws.amazon.com/ec2/home#LoadBalancer:target"
    assert own_command("clb", console) == console
    of_a_group = "aws elbv2 describe-target-health --region eu-west-1 --target-group-arn arn:x:target"
    assert own_command("clb", of_a_group) == (
        "aws elb describe-instance-health --region eu-west-1 --load-balancer-name target"
    )
