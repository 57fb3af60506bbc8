"""The package and the locks: what is built is what the template runs, from exactly what is locked."""

import re
from pathlib import Path

import pytest

from tools.transformed_template import transformed_template

ROOT = Path(__file__).parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
LOCKS = ["functions", "development"]
FUNCTIONS_NEED = {
    "aws-lambda-powertools",
    "boto3",
    "botocore",
    "jmespath",
    "python-dateutil",
    "s3transfer",
    "six",
    "slack-sdk",
    "typing-extensions",
    "urllib3",
}
# IAM's name of a service where it is not boto3's, or stands for two of them.
CLIENTS = {"elasticloadbalancing": {"elb", "elbv2"}, "apigateway": {"apigateway", "apigatewayv2"}}
NO_CLIENT = {"aws", "kms", "sts", "xray"}  # conditions, and what Lambda itself does


def variable(name: str) -> str:
    found = re.search(rf"^{name} := (.+)$", MAKEFILE, re.MULTILINE)
    assert found, name
    return found.group(1).strip()


def lock(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^ ;\\]+)", lock(name), re.MULTILINE))


def functions() -> list[dict[str, object]]:
    resources = transformed_template()["Resources"].values()
    return [each["Properties"] for each in resources if each["Type"] == "AWS::Lambda::Function"]


def services_in_the_roles() -> set[str]:
    prefixes = set(re.findall(r"'([a-z0-9]+):[A-Z]\w+'", str(transformed_template()["Resources"])))
    return {client for prefix in prefixes - NO_CLIENT for client in CLIENTS.get(prefix, {prefix})}


def test_the_package_is_built_for_the_runtime_of_the_template() -> None:
    assert {each["Runtime"] for each in functions()} == {f"python{variable('RUNTIME')}"}


def test_the_package_is_built_for_the_processor_of_the_template() -> None:
    assert [each["Architectures"] for each in functions()] == [["arm64"]] * 4
    assert all(platform.endswith("_aarch64") for platform in variable("PLATFORMS").split())


def test_the_package_keeps_the_data_of_every_service_that_a_role_may_use() -> None:
    assert set(variable("SERVICES").split()) == services_in_the_roles()


def test_the_package_holds_every_folder_of_the_source() -> None:
    folders = {each.name for each in (ROOT / "src").iterdir() if each.is_dir() and each.name != "__pycache__"}
    assert set(variable("PACKAGES").split()) == folders


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_version_and_hashes(name: str) -> None:
    required = [line for line in lock(name).splitlines() if line and not line.startswith((" ", "#"))]
    assert required
    assert all(re.match(r"[\w.-]+==\S+.* \\$", line) for line in required)
    assert lock(name).count("--hash=sha256:") >= len(required)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_index(name: str) -> None:
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", lock(name))


def test_the_functions_take_nothing_along_that_they_do_not_need() -> None:
    assert set(pins("functions")) == FUNCTIONS_NEED


def test_the_tests_run_against_the_versions_that_are_deployed() -> None:
    assert pins("functions").items() <= pins("development").items()
