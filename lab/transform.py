"""The SAM transform of the template, and its parameters' values."""

from __future__ import annotations

import copy
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from lab.intrinsics import StackError
from lab.loading import ROOT

TEMPLATE = ROOT / "template.yaml"


_transformed: dict[tuple[str, str], dict[str, Any]] = {}


def transformed(template: Path, region: str = "eu-west-1") -> dict[str, Any]:
    """The template after the SAM transform, with each function's code as metadata; each text is read once."""
    text = template.read_text(encoding="utf-8")
    key = text, region
    if key not in _transformed:
        _transformed[key] = _transform(text, region)
    result = copy.deepcopy(_transformed[key])
    for resource in result["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            resource["Metadata"]["Code"] = str((template.parent / resource["Metadata"]["CodeUri"]).resolve())
    return result


def _transform(text: str, region: str) -> dict[str, Any]:
    from samtranslator.translator.transform import transform
    from samtranslator.yaml_helper import yaml_parse

    # It warns of its own usage figures, which nobody here publishes.
    logging.getLogger("samtranslator.metrics.metrics").setLevel(logging.ERROR)
    source = yaml_parse(text)
    code = _take_code(source)
    with patch.dict(os.environ, {"AWS_DEFAULT_REGION": region}):
        result: dict[str, Any] = transform(source, {}, _NoManagedPolicies())
    for name, location in code.items():
        result["Resources"][name].setdefault("Metadata", {})["CodeUri"] = location
    return result


class _NoManagedPolicies:
    """Stands for the list of AWS managed policies that SAM would fetch from IAM."""

    def load(self) -> dict[str, str]:
        return {}


def _take_code(source: dict[str, Any]) -> dict[str, str]:
    """Where each function's code lies; `sam package` would put an S3 address there."""
    shared = source.get("Globals", {}).get("Function", {})
    default = shared.pop("CodeUri", None)
    found: dict[str, str] = {}
    for name, resource in source["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            found[name] = str(resource.setdefault("Properties", {}).get("CodeUri", default) or ".")
            resource["Properties"]["CodeUri"] = "s3://lab/code.zip"
    return found


def parameter_values(declared: Mapping[str, Any], given: Mapping[str, object]) -> dict[str, str]:
    """The parameters' values, checked as CloudFormation checks them; raises StackError."""
    unknown = set(given) - set(declared)
    if unknown:
        raise StackError(
            f"the template has no parameter {min(unknown)}; it has {', '.join(sorted(declared))}"
        )
    values: dict[str, str] = {}
    for name, rules in declared.items():
        if name not in given and "Default" not in rules:
            raise StackError(f"parameter {name} is required")
        values[name] = as_text(given.get(name, rules.get("Default")))
        _check_parameter(name, values[name], rules)
    return values


def _check_parameter(name: str, value: str, rules: Mapping[str, Any]) -> None:
    allowed = [as_text(item) for item in rules.get("AllowedValues", [])]
    if allowed and value not in allowed:
        raise StackError(f"parameter {name}: {value!r} is not one of {', '.join(allowed)}")
    if "AllowedPattern" in rules and not re.fullmatch(rules["AllowedPattern"], value):
        raise StackError(f"parameter {name}: {value!r} does not match {rules['AllowedPattern']}")
    if rules.get("Type") == "Number":
        low, high = rules.get("MinValue", float("-inf")), rules.get("MaxValue", float("inf"))
        if not float(low) <= float(value) <= float(high):
            raise StackError(f"parameter {name}: {value} does not lie between {low} and {high}")


def as_text(value: object) -> str:
    """A value as CloudFormation passes it on."""
    return str(value).lower() if isinstance(value, bool) else str(value)
