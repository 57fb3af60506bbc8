"""Looking again at late evidence in the deployed stack: what each look reads, what people hear, its end."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from lab import Fault, Lab, Scenario, scenarios
from lab.loading import DIRECTORY, load
from lab.recorder import Call
from lab.scenario import Later
from lab.straight import evidence_of
from remediation.kept_evidence import MOST_BYTES, packed_evidence, unpacked_evidence
from tests.system.answers import (
    Document,
    acts,
    all_schema_problems,
    cause,
    decision,
    posted,
    stored_documents,
)
from tests.system.famous import SECURITY_GROUP, changed

AFTER_THE_LAST_LOOK = 14
LATE = "ingress-rule-removed-shows-up-minutes-after-an-innocent-switch"
OVERTURNED = "flag-of-the-same-quarter-shows-up-after-the-release-was-suspected"
QUIET = "partner-stalls-and-three-later-looks-find-nothing-more"
# What belongs to the stack and not to the evidence.
OWN = frozenset({"dynamodb", "sqs", "sns", "ssm", "secretsmanager"})


def staged() -> list[Scenario]:
    return [scenario for path in scenarios() if (scenario := load(path)).expect.later]


def last_word(lab: Lab) -> Document:
    [document] = stored_documents(lab).values()
    return document


def looks(lab: Lab) -> list[int]:
    """The numbers of the invocations that looked again."""
    return [each.number for each in lab.invocations if each.function == "FollowUpFunction"]


def read_by(lab: Lab, invocation: int) -> list[Call]:
    """The calls for evidence in that invocation."""
    return [each for each in lab.calls if each.invocation == invocation and each.service not in OWN]


def sources(calls: list[Call]) -> set[str]:
    return {f"{each.service}.{each.operation}" for each in calls}


@pytest.mark.parametrize("scenario", staged(), ids=lambda each: each.name)
def test_what_is_known_after_the_last_look_is_what_came_to_light(scenario: Scenario) -> None:
    with Lab.stage(scenario) as lab:
        lab.run_alarm()
        lab.run_until(AFTER_THE_LAST_LOOK)
        assert scenario.expect.later is not None
        problems = [*_problems(lab, scenario.expect.later), *all_schema_problems(lab)]
        problems += [f"{each.function}: {each.error}" for each in lab.invocations if each.failed]
        assert not problems, "\n".join(problems)


def _problems(lab: Lab, expected: Later) -> Iterator[str]:
    document = last_word(lab)
    trigger: Mapping[str, Any] = document.get("trigger") or {}
    if expected.cause and cause(document) not in expected.cause:
        yield f"cause {cause(document)}, not {' or '.join(expected.cause)}"
    if expected.trigger and trigger.get("kind") not in expected.trigger:
        yield f"trigger {trigger.get('kind')} ({trigger.get('summary')}), not {' or '.join(expected.trigger)}"
    if expected.trigger_id and trigger.get("id") != expected.trigger_id:
        yield f"trigger {trigger.get('id')}, not {expected.trigger_id}"
    if expected.messages is not None and len(posted(lab)) != expected.messages:
        yield f"{len(posted(lab))} messages, not {expected.messages}"


# --- What each look reads ---


def test_each_look_reads_fewer_sources_than_the_one_before_and_none_that_was_true_still() -> None:
    with Lab.stage(QUIET) as lab:
        lab.run_alarm()
        lab.run_until(AFTER_THE_LAST_LOOK)
        first, *later = [read_by(lab, number) for number in (1, *looks(lab))]
        assert len(later) == 3
        assert [len(each) < len(first) / 2 for each in later] == [True, True, True]
        still_true = {
            "elbv2.DescribeLoadBalancers", "elbv2.DescribeTargetGroups", "elbv2.DescribeRules",
            "elbv2.DescribeLoadBalancerAttributes", "codedeploy.ListDeployments", "ec2.DescribeInstances",
        }  # fmt: skip
        assert all(not sources(each) & still_true for each in later)


def test_only_the_first_later_look_reads_metrics_and_health_and_every_one_reads_cloudtrail() -> None:
    with Lab.stage(QUIET) as lab:
        lab.run_alarm()
        lab.run_until(AFTER_THE_LAST_LOOK)
        three, six, twelve = (sources(read_by(lab, number)) for number in looks(lab))
        assert {"cloudwatch.GetMetricData", "elbv2.DescribeTargetHealth"} <= three
        assert not {"cloudwatch.GetMetricData", "elbv2.DescribeTargetHealth"} & (six | twelve)
        assert all("cloudtrail.LookupEvents" in each for each in (three, six, twelve))


def test_a_firewalls_log_is_read_when_its_file_is_there_and_then_no_more() -> None:
    with Lab.stage("firewalls-log-tells-whom-it-blocks-minutes-after-the-alarm") as lab:
        document = lab.run_alarm()
        assert "firewall.logged" in {each["source"] for each in document["missing"]}
        lab.run_until(AFTER_THE_LAST_LOOK)
        three, six, _twelve = (sources(read_by(lab, number)) for number in looks(lab))
        assert "s3.GetObject" not in three
        assert "s3.GetObject" in six


def test_the_looks_are_three_six_and_twelve_minutes_after_the_alarm() -> None:
    with Lab.stage(QUIET) as lab:
        lab.run_alarm()
        lab.run_until(AFTER_THE_LAST_LOOK)
        at = [
            each.at for each in lab.events if each.kind == "invocation" and each.text.startswith("FollowUp")
        ]
        minutes = [round((each - lab.scenario.at).total_seconds() / 60, 1) for each in at]
        assert minutes == pytest.approx([3, 6, 12], abs=0.2)


@pytest.mark.parametrize(
    "name",
    [
        "edge-504-after-the-origins-guard-lost-its-rule",
        "alias-of-a-neighbour-function-is-shifted-while-another-one-raises",
        "waf-at-the-edge-bot-rules-block-the-mobile-app",
        "container-release-outgrows-its-memory",
        "audience-fills-the-surge-queue-of-an-old-shop",
    ],
)
def test_evidence_of_every_kind_of_system_comes_back_as_it_was_kept(name: str) -> None:
    evidence = evidence_of(load(name))
    packed = packed_evidence(evidence)
    assert unpacked_evidence(packed) == evidence
    assert len(packed) < MOST_BYTES / 4


# --- What people hear ---


def test_what_the_new_message_says_first_is_what_has_changed() -> None:
    with Lab.stage(OVERTURNED) as lab:
        assert lab.run_alarm()["trigger"]["kind"] == "deployment"
        lab.run_until(AFTER_THE_LAST_LOOK)
        assert "Not the deployment after all: PutParameter by m.keller" in posted(lab)[1].words()
        assert decision(last_word(lab)) == "refused"


def test_a_rollback_that_was_announced_and_is_overturned_is_called_off_in_the_first_sentences() -> None:
    with Lab.stage(_in_step()) as lab:
        assert decision(lab.run_alarm()) == "awaiting_approval"
        lab.run_until(AFTER_THE_LAST_LOOK)
        assert "The rollback that was announced is called off" in posted(lab)[1].words()
        assert decision(last_word(lab)) == "refused"


def test_a_rollback_that_was_called_off_cannot_be_approved_any_more() -> None:
    with Lab.stage(_in_step()) as lab:
        lab.run_alarm()
        lab.run_until(4)
        first = posted(lab)[0]
        assert not lab.press("approve", message=first).failed
        lab.run_until(AFTER_THE_LAST_LOOK)
        assert acts(lab) == []


def test_with_a_long_veto_late_evidence_stops_the_rollback_in_time() -> None:
    with Lab.stage(_opted_in(), mode="auto", parameters={"RollbackVetoSeconds": 600}) as lab:
        assert decision(lab.run_alarm()) == "requested"
        lab.run_until(AFTER_THE_LAST_LOOK)
        assert acts(lab) == []
        assert "The rollback that was announced is called off" in posted(lab)[1].words()


def test_a_release_that_had_ended_before_the_errors_waits_until_cloudtrail_can_show_its_rivals() -> None:
    with Lab.stage(_tagged({}), mode="auto", parameters={"RollbackVetoSeconds": 0}) as lab:
        document = lab.run_alarm()
        refusing = [each["name"] for each in document["rollback"]["guards"] if not each["passed"]]
        assert refusing == ["no_later_change"]
        lab.run_until(AFTER_THE_LAST_LOOK)
        assert acts(lab) == []


def _opted_in() -> Scenario:
    """The suspected release, in step with the errors, in a group that may be rolled back without a person."""
    return _tagged({"completed": "-3.4"})


def _in_step() -> Scenario:
    """The suspected release, which ends as the errors begin and so proves itself until a rival is known."""
    release, before = _deployments()
    return changed(OVERTURNED, deployments=[{**release, "completed": "-3.4"}, before])


def _tagged(times: Mapping[str, str]) -> Scenario:
    tags = {"gateway-triage:auto-rollback": "enabled"}
    release, before = ({**each, "tags": tags} for each in _deployments())
    return changed(OVERTURNED, deployments=[{**release, **times}, before])


def _deployments() -> tuple[dict[str, Any], dict[str, Any]]:
    """The suspected release and the one before it."""
    content = yaml.safe_load((DIRECTORY / f"{OVERTURNED}.yaml").read_text(encoding="utf-8"))
    release, before = content["deployments"]
    return release, before


# --- What fails ---


def test_cloudtrail_throttled_at_first_is_read_by_the_first_later_look() -> None:
    throttled = {"cloudtrail.LookupEvents": Fault("Throttling", function="AlarmFunction")}
    with Lab.stage(SECURITY_GROUP, faults=throttled) as lab:
        document = lab.run_alarm()
        assert [each["source"] for each in document["missing"]] == ["changes"]
        lab.run_until(AFTER_THE_LAST_LOOK)
        assert "RevokeSecurityGroupIngress" in posted(lab)[1].words()
        assert last_word(lab)["missing"] == []
        assert len(posted(lab)) == 2


def test_metrics_that_cannot_be_read_again_leave_those_that_were_read() -> None:
    lost = {
        "cloudwatch.GetMetricData": Fault("AccessDenied", function="FollowUpFunction"),
        "elbv2.DescribeTargetHealth": Fault("Throttling", function="FollowUpFunction"),
    }
    with Lab.stage(LATE, faults=lost) as lab:
        lab.run_alarm()
        lab.run_until(AFTER_THE_LAST_LOOK)
        assert last_word(lab)["trigger"]["id"] == lab.scenario.expect.later.trigger_id  # type: ignore[union-attr]
        assert len(posted(lab)) == 2


def test_a_look_that_cannot_read_cloudtrail_changes_nothing_and_the_next_one_does() -> None:
    with Lab.stage(LATE, faults={"cloudtrail.LookupEvents": Fault("Throttling", times=30)}) as lab:
        lab.run_alarm()
        lab.run_until(4)
        told = len(posted(lab))
        lab.wire.faults.clear()
        lab.run_until(AFTER_THE_LAST_LOOK)
        assert (told, len(posted(lab))) == (1, 2)


def test_evidence_that_could_not_be_kept_is_read_wholly_by_the_next_look() -> None:
    with Lab.stage(LATE) as lab:
        lab.run_alarm()
        table, key = lab.stack.references["Table"], _evidence_key(lab)
        lab.client("dynamodb").delete_item(TableName=table, Key=key)
        lab.run_until(4)
        [look] = looks(lab)
        assert "codedeploy.ListDeployments" in sources(read_by(lab, look))
        lab.run_until(AFTER_THE_LAST_LOOK)
        assert last_word(lab)["trigger"]["id"] == lab.scenario.expect.later.trigger_id  # type: ignore[union-attr]


def _evidence_key(lab: Lab) -> dict[str, Any]:
    [item] = [each for each in lab.items() if each["sk"]["S"] == "evidence"]
    return {"pk": item["pk"], "sk": item["sk"]}


# --- When it ends ---


def test_an_alarm_that_is_ok_ends_the_looks() -> None:
    with Lab.stage(LATE) as lab:
        lab.run_alarm()
        lab.run_until(4)
        lab.send(lab.alarm_event("OK"))
        read = len(lab.calls)
        lab.run_until(AFTER_THE_LAST_LOOK)
        after = [each for each in lab.calls[read:] if each.function == "FollowUpFunction"]
        assert {each.service for each in after} == {"dynamodb"}


def test_a_message_delivered_again_looks_no_second_time() -> None:
    with Lab.stage(LATE) as lab:
        lab.run_alarm()
        lab.run_until(4)
        [look] = [each for each in lab.invocations if each.function == "FollowUpFunction"]
        messages = len(posted(lab))
        again = lab.runtime.invoke("FollowUpFunction", look.event)
        assert again.result == {"batchItemFailures": []}
        assert read_by(lab, again.number) == []
        lab.run_until(AFTER_THE_LAST_LOOK)
        assert len(looks(lab)) == 4
        assert len(posted(lab)) == messages
