"""The template is deployed as it is written: parameters, conditions, names, roles, environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from lab.intrinsics import Resolver, StackError
from lab.transform import TEMPLATE, parameter_values, transformed


def test_the_projects_own_template_is_deployed(incident: Any) -> None:
    with Lab.stage(incident()) as lab:
        functions = lab.stack.functions
        assert set(functions) == {"AlarmFunction", "FollowUpFunction", "RollbackFunction", "SlackFunction"}
        assert functions["AlarmFunction"].handler == "handlers.alarm.handler"
        assert functions["AlarmFunction"].code == TEMPLATE.parent / "src"
        assert {source.function for source in lab.stack.sources} == {"FollowUpFunction", "RollbackFunction"}
        assert lab.stack.outputs["TableName"] in lab.client("dynamodb").list_tables()["TableNames"]


def test_the_environment_names_what_was_really_created(staged: Lab) -> None:
    environment = staged.stack.functions["AlarmFunction"].environment
    attributes = staged.client("sqs").get_queue_attributes(
        QueueUrl=environment["QUEUE_URL"], AttributeNames=["All"]
    )
    assert attributes["Attributes"]["VisibilityTimeout"] == "120"
    assert "maxReceiveCount" in attributes["Attributes"]["RedrivePolicy"]
    assert staged.client("sns").get_topic_attributes(TopicArn=environment["TOPIC_ARN"])
    table = staged.client("dynamodb").describe_table(TableName=environment["TABLE_NAME"])["Table"]
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]


def test_parameters_reach_the_functions(stage: Any) -> None:
    with stage(options={"mode": "approve", "parameters": {"VetoSeconds": 5}}) as lab:
        environment = lab.stack.functions["AlarmFunction"].environment
    assert (environment["MODE"], environment["VETO"]) == ("approve", "5")


def test_the_mode_is_that_of_the_scenario_unless_given(stage: Any) -> None:
    with stage(mode="recommend") as lab:
        assert lab.stack.functions["AlarmFunction"].environment["MODE"] == "recommend"


def test_without_slack_the_secret_is_empty(stage: Any) -> None:
    with stage(options={"slack": False}) as lab:
        assert lab.stack.functions["AlarmFunction"].environment["SLACK_SECRET_ARN"] == ""


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"RollbackMode": "always"}, "'always' is not one of off, recommend"),
        ({"VetoSeconds": 901}, "does not lie between 0 and 900"),
        ({"AlertEmail": "nobody"}, "does not match"),
        ({"Colour": "red"}, "the template has no parameter Colour"),
    ],
)
def test_a_parameter_that_cloudformation_would_refuse_is_refused(
    stage: Any, parameters: dict[str, object], complaint: str
) -> None:
    with pytest.raises(StackError, match=complaint), stage(options={"parameters": parameters}):
        pass


def test_a_parameter_without_default_is_required() -> None:
    with pytest.raises(StackError, match="parameter Name is required"):
        parameter_values({"Name": {"Type": "String"}}, {})


def test_a_resource_the_lab_does_not_know_is_refused(application: Any, stage: Any) -> None:
    text = (
        application.template.read_text()
        .replace("AWS::SNS::Subscription", "AWS::Kinesis::Stream")
        .replace("    Condition: HasEmail\n", "")
    )
    application.template.write_text(text)
    with pytest.raises(StackError, match="Email: the lab does not know AWS::Kinesis::Stream"), stage():
        pass


@pytest.mark.parametrize(("switch", "found"), [("true", "true"), ("false", "false")])
def test_the_kill_switch_is_set_as_the_scenario_says(stage: Any, switch: str, found: str) -> None:
    with stage(kill_switch=switch) as lab:
        parameter = lab.client("ssm").get_parameter(Name="/gateway-triage/rollback-enabled")["Parameter"]
    assert parameter["Value"] == found


def test_a_missing_kill_switch_is_missing(stage: Any) -> None:
    with stage(kill_switch=None) as lab, pytest.raises(Exception, match="ParameterNotFound"):
        lab.client("ssm").get_parameter(Name="/gateway-triage/rollback-enabled")


def test_roles_are_resolved_with_their_resources(staged: Lab) -> None:
    statements = staged.stack.role_of("AlarmFunction").statements
    queue = next(
        one for one in statements if one["Action"] == "sqs:SendMessage" and isinstance(one["Resource"], list)
    )
    assert queue["Resource"][0] == staged.stack.sources[0].queue_arn
    assert queue["Resource"][0].startswith("arn:aws:sqs:eu-west-1:123456789012:gateway-triage-RollbackQueue-")


def test_the_transform_is_done_once_for_a_text(tmp_path: Path) -> None:
    one, other = tmp_path / "a", tmp_path / "b"
    for directory in (one, other):
        directory.mkdir()
        (directory / "template.yaml").write_text(TEMPLATE.read_text())
    first, second = (transformed(directory / "template.yaml") for directory in (one, other))
    assert first["Resources"]["AlarmFunction"]["Metadata"]["Code"] == str(one / "src")
    assert second["Resources"]["AlarmFunction"]["Metadata"]["Code"] == str(other / "src")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "P"}, "given"),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "R"}, "physical-R"),
        ({"Fn::GetAtt": ["R", "Arn"]}, "R.Arn"),
        ({"Fn::GetAtt": "R.Arn"}, "R.Arn"),
        ({"Fn::Sub": "a-${P}-${R.Arn}-${!Literal}"}, "a-given-R.Arn-${Literal}"),
        ({"Fn::Sub": ["${X}", {"X": {"Ref": "P"}}]}, "given"),
        ({"Fn::If": ["Yes", 1, 2]}, 1),
        ({"Fn::If": ["No", 1, 2]}, 2),
        ({"Fn::Join": ["-", ["a", {"Ref": "P"}]]}, "a-given"),
        ({"Fn::Select": [1, {"Fn::Split": ["/", "a/b"]}]}, "b"),
        ({"Fn::FindInMap": ["M", "a", "b"]}, 7),
        ([{"Ref": "AWS::NoValue"}, 1], [1]),
        ({"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}),
        ({"Condition": {"Bool": {"r": {"Ref": "P"}}}}, {"Condition": {"Bool": {"r": "given"}}}),
    ],
)  # fmt: skip
def test_intrinsic_functions_resolve(value: Any, expected: Any) -> None:
    template = {
        "Conditions": {
            "Yes": {"Fn::Equals": [{"Ref": "P"}, "given"]},
            "No": {
                "Fn::And": [{"Condition": "Yes"}, {"Fn::Not": [{"Fn::Or": [{"Condition": "Yes"}, False]}]}]
            },
        },
        "Mappings": {"M": {"a": {"b": 7}}},
    }
    pseudo = {"AWS::Region": "eu-west-1"}
    resolver = Resolver(
        template, {"P": "given"}, pseudo, lambda name: f"physical-{name}", lambda *words: ".".join(words)
    )
    assert resolver.resolve(value) == expected


def test_an_unknown_intrinsic_function_is_refused() -> None:
    resolver = Resolver({}, {}, {}, str, lambda *_: "")
    with pytest.raises(StackError, match="Fn::Cidr"):
        resolver.resolve({"Fn::Cidr": []})
