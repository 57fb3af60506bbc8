"""Every AWS operation fails in every way: people are still told, and nothing is rolled back without proof."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from lab import Fault, Lab
from lab.slack import BROKEN, RATE_LIMITED
from lab.wire import FAULT_KINDS
from tests.system.answers import (
    Document,
    action,
    acts,
    all_schema_problems,
    cause,
    decision,
    posted,
    refusing,
    schema_problems,
    stored_documents,
    subjects,
)
from tests.system.famous import RELEASE, changed

PAST_THE_VETO = 3
# Lambda tries an event again after a minute; the alarm's event comes ten seconds into its minute.
RETRIED = 1.3
ALL_OVER = 30
PARTS = 6

# Without these nothing shows that a rollback is right, allowed, or not made already.
PROOF = frozenset(
    {
        "cloudtrail.LookupEvents",
        "cloudwatch.GetMetricData",
        "codedeploy.BatchGetDeploymentGroups",
        "codedeploy.BatchGetDeployments",
        "codedeploy.CreateDeployment",
        "codedeploy.GetDeploymentGroup",
        "codedeploy.ListDeployments",
        "codedeploy.ListTagsForResource",
        "dynamodb.GetItem",
        "dynamodb.Query",
        "dynamodb.TransactWriteItems",
        "elbv2.DescribeTargetGroups",
        "elbv2.DescribeTargetHealth",
        "sqs.SendMessage",
        "ssm.GetParameter",
    }
)
READ_FOR_EVIDENCE = ("cloudtrail", "cloudwatch", "codedeploy", "ec2", "elbv2")
ONLY_BEFORE_ACTING = frozenset({"codedeploy.CreateDeployment", "codedeploy.GetDeploymentGroup"})
IAM_PREFIX = {"elbv2": "elasticloadbalancing"}


@cache
def operations() -> tuple[str, ...]:
    """Every operation that the functions use from the alarm to the recovery."""
    with Lab.stage(RELEASE) as lab:
        lab.run_alarm()
        lab.run_until(ALL_OVER)
        assert action(lab) == "recovered"
        return tuple(sorted({call.name for call in lab.calls}))


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_whatever_fails_people_are_told_and_nothing_happens_without_proof(kind: str, part: int) -> None:
    problems = [
        f"{operation} {kind}: {problem}"
        for operation in operations()[part::PARTS]
        for problem in _problems(operation, kind)
    ]
    assert not problems, "\n".join(problems)


def _problems(operation: str, kind: str) -> Iterator[str]:
    with Lab.stage(RELEASE, faults={operation: kind}) as lab:
        document = lab.run_alarm(raise_errors=False)
        lab.run_until(PAST_THE_VETO)
        if document.get("outcome") != "diagnosed" or not (posted(lab) or lab.sns_messages):
            yield f"{document.get('outcome')}, {len(posted(lab))} by Slack, {len(lab.sns_messages)} by SNS"
        yield from all_schema_problems(lab)
        yield from (f"{each.function} failed: {each.error}" for each in lab.invocations if each.failed)
        if acts(lab) and operation in PROOF:
            yield "rolled back although a guard rests on it"
        if decision(document) == "refused" and not (refusing(document) or document.get("reason")):
            yield "refused without a sentence"
        if _is_evidence(operation):
            yield from _not_named(operation, kind, document)
        silent = {"sns.Publish": "sns", "secretsmanager.GetSecretValue": "slack"}.get(operation)
        if {each["channel"] for each in document.get("notified", ()) if not each["ok"]} != {silent} - {None}:
            yield f"notified: {document.get('notified')}"


def _is_evidence(operation: str) -> bool:
    service, _, _ = operation.partition(".")
    return service in READ_FOR_EVIDENCE and operation not in ONLY_BEFORE_ACTING


def _not_named(operation: str, kind: str, document: Document) -> Iterator[str]:
    """What failed stands in `missing`; where AWS gave no answer at all, by its service."""
    service, name = operation.split(".")
    answered = kind not in {"Timeout", "Unreachable"}
    expected = f"{IAM_PREFIX.get(service, service)}:" + (f"{name}:" if answered else "")
    reasons = [each["reason"] for each in document.get("missing", ())]
    if not any(reason.startswith(expected) for reason in reasons):
        yield f"missing does not name it: {reasons}"


def test_the_list_of_operations_holds_what_the_proof_rests_on() -> None:
    assert set(operations()) >= PROOF
    assert len(operations()) >= 25


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_when_nothing_can_be_read_the_alarm_still_goes_out(kind: str) -> None:
    faults = {f"{service}.*": kind for service in READ_FOR_EVIDENCE}
    with Lab.stage(RELEASE, faults=faults) as lab:
        document = lab.run_alarm()
        lab.run_until(PAST_THE_VETO)
        assert (cause(document), decision(document)) == ("inconclusive", "none")
        assert {each["source"] for each in document["missing"]} >= {"metrics", "deployments", "changes"}
        assert len(posted(lab)) == len(lab.sns_messages) == 1
        assert acts(lab) == []
        assert all_schema_problems(lab) == []


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_without_the_table_people_are_told_and_nothing_is_rolled_back(kind: str) -> None:
    with Lab.stage(RELEASE, faults={"dynamodb.*": kind}) as lab:
        document = lab.run_alarm()
        lab.run_until(PAST_THE_VETO)
        assert (document["outcome"], decision(document)) == ("diagnosed", "refused")
        assert {"not_rolled_back_before", "not_too_many"} <= set(refusing(document))
        assert len(posted(lab)) == len(lab.sns_messages) == 1
        assert acts(lab) == []
        assert schema_problems(document) == []


# Things hang


def test_when_every_reading_hangs_people_are_told_before_the_function_is_cut_off() -> None:
    """No reading is answered until the message is about to be published."""
    told_already, used = threading.Event(), operations()

    def hang(_asked: Any) -> None:
        told_already.wait(30)

    with Lab.stage(RELEASE) as lab:
        for operation in used:
            if _is_evidence(operation):
                lab.wire.check(*operation.split("."), hang)
        publish = lab.wire._checks["sns.Publish"]
        lab.wire.check("sns", "Publish", _after(told_already.set, publish))
        # A little more than what is kept for telling: what is left for reading passes in real time.
        short = replace(lab.stack.functions["AlarmFunction"], timeout=16.5)
        try:
            invocation = lab.functions.invoke(short, lab.alarm_event())
        finally:
            told_already.set()
        _let_readings_end()
        lab.run_until(PAST_THE_VETO)
        assert not invocation.failed, invocation.error
        assert invocation.result["outcome"] in {"diagnosed", "failed"}
        assert schema_problems(invocation.result) == []
        assert len(posted(lab)) == len(lab.sns_messages) == 1
        assert acts(lab) == []


def _let_readings_end() -> None:
    """What hung is answered now; no thread of it may outlive the lab."""
    for thread in threading.enumerate():
        if thread.name.startswith(("gathering", "diagnosis", "ThreadPoolExecutor")):
            thread.join(20)


def _after(act: Callable[[], None], check: Callable[[Any], None]) -> Callable[[Any], None]:
    def both(asked: Any) -> None:
        act()
        check(asked)

    return both


# Channels


def test_without_sns_slack_tells_the_whole_story() -> None:
    with Lab.stage(RELEASE, faults={"sns.*": "Unreachable"}) as lab:
        document = lab.run_alarm()
        assert {each["channel"]: each["ok"] for each in document["notified"]} == {"sns": False, "slack": True}
        lab.run_until(ALL_OVER)
        assert lab.sns_messages == []
        assert len(posted(lab)) == 4


def test_without_slack_sns_tells_the_whole_story() -> None:
    with Lab.stage(RELEASE) as lab:
        lab.slack.refuse(always=BROKEN)
        document = lab.run_alarm()
        assert {each["channel"]: each["ok"] for each in document["notified"]} == {"sns": True, "slack": False}
        lab.run_until(ALL_OVER)
        assert posted(lab) == []
        assert len(lab.sns_messages) == 4


def test_slack_that_is_busy_is_asked_again() -> None:
    with Lab.stage(RELEASE) as lab:
        lab.slack.refuse(RATE_LIMITED)
        document = lab.run_alarm()
        assert {each["channel"]: each["ok"] for each in document["notified"]} == {"sns": True, "slack": True}
        assert [message.status for message in lab.slack_messages] == [429, 200]
        assert len(posted(lab)) == 1


def test_when_nobody_can_be_told_lambda_tries_again_and_keeps_the_event_in_the_end() -> None:
    with Lab.stage(RELEASE, faults={"sns.*": "AccessDenied"}) as lab:
        lab.slack.refuse(always=BROKEN)
        lab.run_alarm(raise_errors=False)
        lab.run_until(ALL_OVER)
        attempts = [each for each in lab.invocations if each.function == "AlarmFunction"]
        assert [each.error_type for each in attempts] == ["NobodyToldError"] * 3
        assert [each.text for each in lab.events if each.kind == "dead letter"] != []
        assert acts(lab) == []


def test_when_channels_come_back_the_retry_tells_and_what_is_kept_agrees_with_the_ledger() -> None:
    with Lab.stage(RELEASE, faults={"sns.Publish": Fault("Unreachable", times=3)}) as lab:
        lab.slack.refuse(*[BROKEN] * 3)
        lab.run_alarm(raise_errors=False)
        assert in_table_and_ledger(lab) == ("refused", "withdrawn")
        lab.run_until(RETRIED)
        [document] = lab.documents
        assert document["outcome"] == "diagnosed"
        assert len(posted(lab)) == len(lab.sns_messages) == 1
        assert decision(document) == "requested"
        assert in_table_and_ledger(lab) == ("requested", "planned")
        assert acts(lab) == []


def test_a_short_outage_of_all_channels_costs_neither_the_rollback_nor_the_time_for_a_veto() -> None:
    with Lab.stage(RELEASE, faults={"sns.Publish": Fault("Unreachable", times=3)}) as lab:
        lab.slack.refuse(*[BROKEN] * 3)
        lab.run_alarm(raise_errors=False)
        lab.run_until(RETRIED)
        lab.run_until(RETRIED + 0.5)
        assert acts(lab) == [], "less than the time for a veto after people were told"
        lab.run_until(ALL_OVER)
        assert len(acts(lab)) == 1
        assert in_table_and_ledger(lab) == ("recovered", "recovered")


def in_table_and_ledger(lab: Lab) -> tuple[str, str | None]:
    [kept] = stored_documents(lab).values()
    return decision(kept), action(lab)


# The hand


@pytest.mark.parametrize("kind", ["Throttling", "ServerError", "Timeout"])
def test_a_rollback_that_could_not_be_made_at_once_is_made_by_the_next_delivery(kind: str) -> None:
    with Lab.stage(RELEASE, faults={"codedeploy.CreateDeployment": Fault(kind, times=3)}) as lab:
        lab.run_alarm()
        lab.run_until(ALL_OVER)
        assert len(acts(lab)) == 1
        assert action(lab) == "recovered"
        assert "order-api: rollback started" in subjects(lab)


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_a_rollback_that_can_never_be_made_is_not_left_standing_as_promised(kind: str) -> None:
    with Lab.stage(RELEASE, faults={"codedeploy.CreateDeployment": kind}) as lab:
        lab.run_alarm()
        lab.run_until(60)
        assert acts(lab) == []
        assert len(posted(lab)) > 1, "people read that it will be rolled back, and nothing since"
        assert in_table_and_ledger(lab) == ("refused", "refused")
        assert subjects(lab)[1] == "order-api: the rollback could not be made"
        for text in (posted(lab)[1].words(), lab.sns_messages[1].message):
            assert "CreateDeployment" in text or kind in {"Timeout", "Unreachable"}
            assert "aws deploy create-deployment" in text


def test_a_rollback_of_which_nobody_knows_whether_it_was_made_is_told_so() -> None:
    """CodeDeploy can be read at the last check, and not any more when the act has failed."""
    faults: dict[str, Any] = {"codedeploy.CreateDeployment": "Throttling"}
    with Lab.stage(RELEASE, faults=faults) as lab:
        lab.run_alarm()
        lab.run_until(PAST_THE_VETO)
        lab.wire.faults["codedeploy.*"] = Fault("Unreachable")
        lab.run_until(60)
        assert acts(lab) == []
        assert in_table_and_ledger(lab) == ("refused", "refused")
        assert "order-api: it is not known whether the rollback was made" in subjects(lab)


# A change of the failing part: its name, its source, what it names, and what has to be read to know that.
LISTENER = ("ModifyListener", "elasticloadbalancing", "listener", "elbv2.DescribeListeners")
RULE = ("ModifyRule", "elasticloadbalancing", "rule", "elbv2.DescribeRules")
TARGETS = ("AuthorizeSecurityGroupIngress", "ec2", "sg-0targets", "ec2.DescribeInstances")
BALANCER = ("AuthorizeSecurityGroupIngress", "ec2", "sg-0balancer", "elbv2.DescribeLoadBalancers")
CHANGES = {"a listener": LISTENER, "a rule": RULE, "the targets": TARGETS, "the load balancer": BALANCER}
INCIDENT: dict[str, Any] = {
    "cloudtrail_delay": 0,
    "load_balancer": {"security_groups": ["sg-0balancer"]},
    "target_groups": {"orders": {"security_groups": ["sg-0targets"]}},
    "listeners": [
        {
            "port": 443,
            "protocol": "HTTPS",
            "default": {"forward": "orders"},
            "rules": [{"priority": 10, "path": "/api/*", "forward": "orders"}],
        }
    ],
}


@pytest.mark.parametrize("denied", [False, True], ids=["all read", "not read what it touched"])
@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_the_failing_part_after_the_release_is_a_rival_of_its_rollback(
    what: str, denied: bool
) -> None:
    name, source, resource, operation = CHANGES[what]
    change = {"at": "-2", "name": name, "source": source, "by": "alice"}
    change["resources"] = [_arns().get(resource, resource)]
    faults = {operation: "AccessDenied"} if denied else {}
    with Lab.stage(changed(**INCIDENT, changes=[change]), faults=faults) as lab:
        document = lab.run_alarm()
        lab.run_until(PAST_THE_VETO)
        assert acts(lab) == [], f"{name} was visible; missing: {document['missing']}"


@cache
def _arns() -> dict[str, str]:
    with Lab.stage(changed(**INCIDENT)) as lab:
        client = lab.client("elbv2")
        balancer = client.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
        listener = client.describe_listeners(LoadBalancerArn=balancer)["Listeners"][0]["ListenerArn"]
        rules = client.describe_rules(ListenerArn=listener)["Rules"]
        rule = next(each["RuleArn"] for each in rules if not each["IsDefault"])
        return {"listener": listener, "rule": rule}
