"""Prints what SAM makes of template.yaml, offline: the CloudFormation that would be deployed."""

import json
import sys
from pathlib import Path
from typing import Any

from boto3.session import Session
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

TEMPLATE = Path(__file__).parent.parent / "template.yaml"


def transformed_template(path: Path = TEMPLATE, region: str = "eu-west-1") -> dict[str, Any]:
    """The CloudFormation template that SAM makes of the one at the path, for a region."""
    template = yaml_parse(path.read_text(encoding="utf-8"))
    # SAM wants the code in a bucket already, as "sam package" would have put it.
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/package.zip"
    translator = Translator({}, Parser(), boto_session=Session(region_name=region))
    result: dict[str, Any] = translator.translate(template, parameter_values={})
    return result


if __name__ == "__main__":
    json.dump(transformed_template(), sys.stdout, indent=1)
