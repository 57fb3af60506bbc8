"""What template.yaml promises: the outside of the stack, and who may do what inside it."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from collectors import alarms, gather
from notification import slack_secret, sns
from remediation import codedeploy, incidents, kill_switch, ledger
from tools.transformed_template import transformed_template

HANDLERS = {
    "AlarmFunction": "handlers.alarm.handler",
    "FollowUpFunction": "handlers.follow_up.handler",
    "RollbackFunction": "handlers.rollback.handler",
    "SlackFunction": "handlers.slack.handler",
}
QUEUES = {"FollowUpQueue": "FollowUpFunction", "RollbackQueue": "RollbackFunction"}
DEAD_LETTER_QUEUES = ["AlarmDeadLetterQueue", "FollowUpDeadLetterQueue", "RollbackDeadLetterQueue"]
DEFAULTS = {
    "RollbackMode": "recommend",
    "RollbackVetoSeconds": 60,
    "RollbackMinimumConfidence": 0.9,
    "AlertEmail": "",
    "SlackSecretArn": "",
    "AlarmNamePrefix": "",
    "SeverityP1ErrorPercent": 1,
    "SeverityP2ErrorPercent": 0.1,
    "SeverityP1SpikePerMinute": 10,
    "SeverityP1LostPercent": 50,
    "ReadRegions": "*",
    "ReservedConcurrency": 0,
}
OUTPUTS = {
    "TopicArn",
    "AlarmFunctionName",
    "AlarmFunctionArn",
    "FollowUpFunctionName",
    "RollbackFunctionName",
    "SlackFunctionName",
    "SlackUrl",
    "TableName",
    "FollowUpQueueUrl",
    "RollbackQueueUrl",
    "KillSwitchParameter",
}
ENVIRONMENT = {
    "TABLE_NAME",
    "TOPIC_ARN",
    "FOLLOW_UP_QUEUE_URL",
    "ROLLBACK_QUEUE_URL",
    "ROLLBACK_MODE",
    "ROLLBACK_VETO_SECONDS",
    "ROLLBACK_MINIMUM_CONFIDENCE",
    "KILL_SWITCH_PARAMETER",
    "SLACK_SECRET_ARN",
    "ALARM_NAME_PREFIX",
    "SEVERITY_P1_ERROR_PERCENT",
    "SEVERITY_P2_ERROR_PERCENT",
    "SEVERITY_P1_SPIKE_PER_MINUTE",
    "SEVERITY_P1_LOST_PERCENT",
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_METRICS_NAMESPACE",
}
# What the code itself says it calls ...
TELLING = {*sns.PERMISSIONS, *slack_secret.PERMISSIONS, "kms:Decrypt", "kms:GenerateDataKey"}
REMEMBERING = {*incidents.PERMISSIONS, *ledger.PERMISSIONS}
LOOKING = {*alarms.PERMISSIONS, *gather.PERMISSIONS, *kill_switch.PERMISSIONS}
# ... and what Lambda calls in its name.
RUNNING = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
TAKING = {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
HANDING_ON = {"sqs:SendMessage"}
NEEDED = {
    "AlarmRole": RUNNING | LOOKING | REMEMBERING | TELLING | HANDING_ON,
    "FollowUpRole": RUNNING | TAKING | LOOKING | REMEMBERING | TELLING | HANDING_ON,
    "RollbackRole": RUNNING | TAKING | {*codedeploy.PERMISSIONS} | REMEMBERING | TELLING | HANDING_ON,
    "SlackRole": RUNNING
    | {*slack_secret.PERMISSIONS, "dynamodb:GetItem", "dynamodb:UpdateItem"}
    | HANDING_ON,
}
# Service Authorization Reference: the actions that know no resource, or none that fits the question we ask.
KNOW_NOTHING_NARROWER = {
    "cloudfront:GetMonitoringSubscription",
    "cloudtrail:LookupEvents",
    "cloudwatch:DescribeAlarms",  # knows alarms, but a composite alarm only as "*"
    "cloudwatch:GetMetricData",
    "codedeploy:BatchGetDeploymentTargets",
    "codedeploy:ListDeployments",  # knows the group it is asked for; we ask for a time range and no group
    "codedeploy:ListDeploymentTargets",
    "codedeploy:StopDeployment",
    "ec2:DescribeInstances",
    "ec2:DescribeNetworkInterfaces",
    "ecs:DescribeTaskDefinition",
    "ecs:ListClusters",
    "ecs:ListServices",
    "elasticloadbalancing:DescribeInstanceHealth",
    "elasticloadbalancing:DescribeListenerCertificates",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancerAttributes",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "health:DescribeAffectedEntities",
    "health:DescribeEventDetails",
    "health:DescribeEvents",
    "lambda:GetAccountSettings",
    "logs:GetQueryResults",  # knows the query's id only
    "logs:StopQuery",
    "route53:ListHostedZones",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


@cache
def template() -> dict[str, Any]:
    return transformed_template()


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = template()["Resources"][name].get("Properties", {})
    return found


def names_of(kind: str) -> list[str]:
    return [name for name, each in template()["Resources"].items() if each["Type"] == kind]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(role: str) -> Iterator[dict[str, Any]]:
    """A role's statements, those under a condition included."""
    documents = [policy["PolicyDocument"] for policy in properties(role)["Policies"]]
    shared = [properties(name) for name in names_of("AWS::IAM::ManagedPolicy")]
    documents += [policy["PolicyDocument"] for policy in shared if {"Ref": role} in policy["Roles"]]
    for document in documents:
        for statement in document["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def actions(role: str) -> set[str]:
    return {action for statement in statements(role) for action in as_list(statement["Action"])}


def references(value: Any) -> Iterator[str]:
    """Every name that Ref, Fn::GetAtt and Fn::Sub point to."""
    if isinstance(value, list):
        for each in value:
            yield from references(each)
    elif isinstance(value, dict):
        yield from [value["Ref"]] if "Ref" in value else []
        yield from [value["Fn::GetAtt"][0]] if "Fn::GetAtt" in value else []
        yield from re.findall(r"\${([\w:]+)", value["Fn::Sub"]) if "Fn::Sub" in value else []
        for each in value.values():
            yield from references(each)


# ---- the outside -------------------------------------------------------------------------------------------


def test_the_parameters_have_the_defaults_of_the_contract() -> None:
    assert {name: each["Default"] for name, each in template()["Parameters"].items()} == DEFAULTS


def test_the_rollback_mode_is_one_of_four() -> None:
    assert template()["Parameters"]["RollbackMode"]["AllowedValues"] == [
        "off",
        "recommend",
        "approve",
        "auto",
    ]


def test_the_veto_time_fits_into_the_delay_of_a_queue() -> None:
    veto = template()["Parameters"]["RollbackVetoSeconds"]
    assert (veto["MinValue"], veto["MaxValue"]) == (0, 900)


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        ("AlertEmail", "", True),
        ("AlertEmail", "on-call@example.org", True),
        ("AlertEmail", "on-call", False),
        ("SlackSecretArn", "", True),
        ("SlackSecretArn", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:slack-AbCdEf", True),
        (
            "SlackSecretArn",
            "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:team/slack-AbCdEf",
            True,
        ),
        ("SlackSecretArn", "slack", False),
        ("SlackSecretArn", "arn:aws:ssm:eu-west-1:123456789012:parameter/slack", False),
    ],
)
def test_optional_parameters_are_empty_or_well_formed(parameter: str, value: str, allowed: bool) -> None:
    pattern = template()["Parameters"][parameter]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, value)) == allowed


def test_the_outputs_name_what_other_programs_need() -> None:
    assert set(template()["Outputs"]) == OUTPUTS


def test_the_functions_have_the_handlers_of_the_contract() -> None:
    assert {name: properties(name)["Handler"] for name in names_of("AWS::Lambda::Function")} == HANDLERS


def test_every_reference_points_to_something_that_exists() -> None:
    known = {*template()["Resources"], *template()["Parameters"]}
    pointed_to = {name.split(".")[0] for name in references([template()["Resources"], template()["Outputs"]])}
    assert {name for name in pointed_to if not name.startswith("AWS::")} <= known


@pytest.mark.parametrize("function", HANDLERS)
def test_a_function_is_told_where_everything_is(function: str) -> None:
    variables = properties(function)["Environment"]["Variables"]
    assert set(variables) == ENVIRONMENT
    assert all(
        isinstance(value, str) or set(value) <= {"Ref", "Fn::GetAtt", "Fn::Sub"}
        for value in variables.values()
    )


def test_rollback_is_enabled_by_a_switch_that_anyone_on_call_knows_the_name_of() -> None:
    switch = properties("KillSwitch")
    assert (switch["Name"], switch["Value"]) == ("/gateway-triage/rollback-enabled", "true")


# ---- what wakes them ---------------------------------------------------------------------------------------


def test_alarms_come_in_by_three_doors() -> None:
    permissions = [properties(name) for name in names_of("AWS::Lambda::Permission")]
    doors = {each["Principal"] for each in permissions if each["FunctionName"] == {"Ref": "AlarmFunction"}}
    assert doors == {"events.amazonaws.com", "lambda.alarms.cloudwatch.amazonaws.com", "sns.amazonaws.com"}


def test_no_door_but_slacks_is_open_to_strangers() -> None:
    permissions = [properties(name) for name in names_of("AWS::Lambda::Permission")]
    open_to_all = [each for each in permissions if "SourceArn" not in each]
    assert open_to_all
    assert all(each["FunctionName"] == {"Ref": "SlackFunction"} for each in open_to_all)


def test_the_rule_wakes_on_every_alarm_but_our_own() -> None:
    pattern = properties("AlarmFunctionAlarmStateChange")["EventPattern"]
    assert pattern["source"] == ["aws.cloudwatch"]
    assert pattern["detail-type"] == ["CloudWatch Alarm State Change"]
    (but,) = pattern["detail"]["alarmName"]
    for name in names_of("AWS::CloudWatch::Alarm"):
        assert properties(name)["AlarmName"]["Fn::Sub"].startswith(but["anything-but"]["prefix"])


@pytest.mark.parametrize(("queue", "function"), QUEUES.items())
def test_a_queue_hands_its_function_one_message_at_a_time(queue: str, function: str) -> None:
    (mapping,) = [
        properties(name)
        for name in names_of("AWS::Lambda::EventSourceMapping")
        if properties(name)["FunctionName"] == {"Ref": function}
    ]
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": [queue, "Arn"]}
    assert mapping["BatchSize"] == 1
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize(("queue", "function"), QUEUES.items())
def test_a_message_stays_hidden_six_times_as_long_as_its_function_may_run(queue: str, function: str) -> None:
    assert properties(queue)["VisibilityTimeout"] >= 6 * properties(function)["Timeout"]


# ---- who may do what ---------------------------------------------------------------------------------------


def test_each_function_has_a_role_of_its_own() -> None:
    roles = [properties(function)["Role"]["Fn::GetAtt"][0] for function in HANDLERS]
    assert sorted(roles) == sorted(names_of("AWS::IAM::Role"))
    assert len(set(roles)) == len(HANDLERS)


@pytest.mark.parametrize("role", [name.replace("Function", "Role") for name in HANDLERS])
def test_a_role_has_no_policy_that_is_not_written_here(role: str) -> None:
    assert "ManagedPolicyArns" not in properties(role)


@pytest.mark.parametrize("role", ["AlarmRole", "FollowUpRole", "SlackRole"])
def test_only_the_rollback_role_may_write_to_codedeploy(role: str) -> None:
    reading = re.compile(r"codedeploy:(BatchGet|Get|List)\w+")
    asked = {action for action in actions(role) if action.startswith("codedeploy:")}
    assert all(reading.fullmatch(action) for action in asked)


def test_the_rollback_role_may_stop_and_start_deployments_and_no_more() -> None:
    writing = {
        action
        for action in actions("RollbackRole")
        if not re.match(r"\w+:(BatchGet|Get|List|Describe)", action)
    }
    assert {action for action in writing if action.startswith("codedeploy:")} == {
        "codedeploy:CreateDeployment",
        "codedeploy:RegisterApplicationRevision",
        "codedeploy:StopDeployment",
        "codedeploy:UpdateDeploymentGroup",
    }


@pytest.mark.parametrize("role", [name.replace("Function", "Role") for name in HANDLERS])
def test_no_action_is_written_with_a_wildcard(role: str) -> None:
    assert not [action for action in actions(role) if "*" in action]


@pytest.mark.parametrize("role", [name.replace("Function", "Role") for name in HANDLERS])
def test_every_resource_is_allowed_only_where_nothing_narrower_exists_and_in_named_regions(role: str) -> None:
    for statement in statements(role):
        if "*" in as_list(statement["Resource"]):
            assert set(as_list(statement["Action"])) <= KNOW_NOTHING_NARROWER
            assert statement["Condition"] in (
                {"StringEquals": {"aws:RequestedRegion": {"Ref": "AWS::Region"}}},
                {"StringLike": {"aws:RequestedRegion": {"Ref": "ReadRegions"}}},
            )


READING = re.compile(r"[\w-]+:(BatchGet|Get|List|Describe|LookupEvents|StartQuery|StopQuery|GET)\w*")


def test_what_may_be_done_in_any_region_only_reads() -> None:
    (policy,) = names_of("AWS::IAM::ManagedPolicy")
    document = properties(policy)["PolicyDocument"]
    asked = [action for each in document["Statement"] for action in as_list(each["Action"])]
    assert [action for action in asked if not READING.fullmatch(action)] == []


def test_the_shared_policy_is_within_the_size_that_iam_allows() -> None:
    (policy,) = names_of("AWS::IAM::ManagedPolicy")
    assert len(json.dumps(properties(policy)["PolicyDocument"], separators=(",", ":"))) < 6144


@pytest.mark.parametrize("role", NEEDED)
def test_a_role_may_do_what_its_code_declares_and_nothing_else(role: str) -> None:
    assert actions(role) == NEEDED[role]


def test_without_a_slack_secret_nobody_may_read_a_secret() -> None:
    for role in names_of("AWS::IAM::Role"):
        for policy in properties(role)["Policies"]:
            plain = [each for each in policy["PolicyDocument"]["Statement"] if "Fn::If" not in each]
            assert "secretsmanager" not in str(plain)


@pytest.mark.parametrize("function", HANDLERS)
def test_a_function_may_write_to_its_own_log_only(function: str) -> None:
    group = properties(function)["LoggingConfig"]["LogGroup"]["Ref"]
    role = properties(function)["Role"]["Fn::GetAtt"][0]
    (log,) = [each for each in statements(role) if "logs:PutLogEvents" in as_list(each["Action"])]
    assert log["Resource"] == {"Fn::GetAtt": [group, "Arn"]}


# ---- nothing is lost ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue_has_a_dead_letter_queue(queue: str) -> None:
    letters = properties(queue)["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
    assert letters in DEAD_LETTER_QUEUES


def test_an_alarm_that_cannot_be_delivered_or_diagnosed_goes_to_the_dead_letters() -> None:
    letters = {"Fn::GetAtt": ["AlarmDeadLetterQueue", "Arn"]}
    (target,) = properties("AlarmFunctionAlarmStateChange")["Targets"]
    assert target["DeadLetterConfig"] == {"Arn": letters}
    (invocation,) = [properties(name) for name in names_of("AWS::Lambda::EventInvokeConfig")]
    assert invocation["FunctionName"] == {"Ref": "AlarmFunction"}
    assert invocation["DestinationConfig"] == {"OnFailure": {"Destination": letters}}


def test_eventbridge_may_write_to_the_dead_letters_for_our_rule_only() -> None:
    policy = properties("AlarmDeadLetterPolicy")
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert policy["Queues"] == [{"Ref": "AlarmDeadLetterQueue"}]
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"] == {
        "Fn::GetAtt": ["AlarmFunctionAlarmStateChange", "Arn"]
    }


@pytest.mark.parametrize("queue", DEAD_LETTER_QUEUES)
def test_a_dead_letter_is_kept_for_two_weeks_and_somebody_hears_of_it(queue: str) -> None:
    assert properties(queue)["MessageRetentionPeriod"] == 14 * 24 * 3600
    watching = [
        properties(name)
        for name in names_of("AWS::CloudWatch::Alarm")
        if properties(name)["Dimensions"]
        == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]
    ]
    (alarm,) = watching
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
    assert alarm["AlarmActions"] == [{"Ref": "Topic"}]


def test_the_table_outlives_the_stack_and_forgets_by_itself() -> None:
    table = template()["Resources"]["Table"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert [key["AttributeName"] for key in table["Properties"]["KeySchema"]] == ["pk", "sk"]


# ---- kept safe, and no longer than needed ------------------------------------------------------------------


@pytest.mark.parametrize("queue", [*QUEUES, *DEAD_LETTER_QUEUES])
def test_a_queue_is_encrypted(queue: str) -> None:
    assert properties(queue)["SqsManagedSseEnabled"] is True


def test_the_table_is_encrypted() -> None:
    assert properties("Table")["SSESpecification"] == {"SSEEnabled": True}


def test_the_topic_is_encrypted_under_a_key_that_our_alarms_can_use() -> None:
    assert properties("Topic")["KmsMasterKeyId"] == {"Ref": "TopicKey"}
    assert properties("TopicKey")["EnableKeyRotation"] is True
    alarms = [
        each
        for each in properties("TopicKey")["KeyPolicy"]["Statement"]
        if each["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    ]
    assert [each["Action"] for each in alarms] == [["kms:Decrypt", "kms:GenerateDataKey*"]]


@pytest.mark.parametrize("function", HANDLERS)
def test_a_function_logs_json_into_a_group_that_is_emptied(function: str) -> None:
    logging = properties(function)["LoggingConfig"]
    assert logging["LogFormat"] == "JSON"
    assert properties(logging["LogGroup"]["Ref"])["RetentionInDays"] == 30


@pytest.mark.parametrize("function", HANDLERS)
def test_a_function_is_traced_by_the_platform(function: str) -> None:
    assert properties(function)["TracingConfig"] == {"Mode": "Active"}
    role = properties(function)["Role"]["Fn::GetAtt"][0]
    assert {"xray:PutTraceSegments", "xray:PutTelemetryRecords"} <= actions(role)
