"""What a staged incident was answered with: documents, messages, deployments, as outsiders see them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from lab import Lab, SlackMessage
from lab.slack import WEBHOOK_PATH

SCHEMA = json.loads((Path(__file__).parents[1] / "diagnosis" / "diagnosis.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)

Document = Mapping[str, Any]


def schema_problems(document: Document) -> list[str]:
    """In what the document breaks the contract."""
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(document)]


def all_schema_problems(lab: Lab) -> list[str]:
    """In what any document that a function returned or stored breaks the contract."""
    documents = [*lab.documents, *stored_documents(lab).values()]
    return [problem for document in documents for problem in schema_problems(document)]


def stored_documents(lab: Lab) -> dict[str, Document]:
    """The document of each incident in the table, by the incident's id."""
    items = [item for item in lab.items() if item["sk"]["S"] == "incident" and "document" in item]
    return {item["incident_id"]["S"]: json.loads(item["document"]["S"]) for item in items}


def incidents(lab: Lab) -> list[dict[str, Any]]:
    """The incidents in the table, as DynamoDB writes them."""
    return [item for item in lab.items() if item["sk"]["S"] == "incident"]


def action(lab: Lab) -> str | None:
    """The status of the one rollback in the ledger."""
    found = [item["status"]["S"] for item in lab.items() if item["sk"]["S"] == "action#rollback"]
    assert len(found) < 2, f"two rollbacks in one incident's ledger: {found}"
    return found[0] if found else None


def refusing(document: Document) -> dict[str, str]:
    """The guards that refuse, with their sentences."""
    guards = (document.get("rollback") or {}).get("guards", ())
    return {guard["name"]: guard["detail"] for guard in guards if not guard["passed"]}


def decision(document: Document) -> str:
    """What was decided about a rollback."""
    return str((document.get("rollback") or {}).get("decision", "none"))


def cause(document: Document) -> str | None:
    """The code of the cause that is named."""
    named = document.get("cause")
    return named["code"] if named else None


def acts(lab: Lab) -> list[Mapping[str, Any]]:
    """Every CreateDeployment and StopDeployment that CodeDeploy accepted."""
    return [*lab.created_deployments, *lab.stopped_deployments]


def posted(lab: Lab) -> list[SlackMessage]:
    """What people read in Slack's channel."""
    return [message for message in lab.slack_messages if message.path == WEBHOOK_PATH and message.accepted]


def subjects(lab: Lab) -> list[str]:
    """The subjects of what subscribers of the topic got."""
    return [message.subject for message in lab.sns_messages]


def told(lab: Lab) -> str:
    """Everything that people were told, by Slack and by SNS."""
    slack = [message.words() for message in posted(lab)]
    return "\n".join([*slack, *(f"{one.subject}\n{one.message}" for one in lab.sns_messages)])
