"""What the functions import, and when: nothing they were not given, nothing slow, nothing that acts."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
HANDLERS = ("alarm", "follow_up", "rollback", "slack")
OURS = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
# Each costs more at a cold start than all of ours (tooling facts, cold start).
SLOW = {"slack_sdk", "pydantic", "jsonschema", "aws_xray_sdk", "jinja2", "yaml", "numpy", "scipy", "moto"}
LISTENS_TO_CLIENTS = """
import json, sys, threading
import botocore.session, botocore.client
def forbidden(*_, **__):
    raise AssertionError("a client or a session was made while importing")
botocore.session.Session.__init__ = forbidden
botocore.client.ClientCreator.create_client = forbidden
"""


def in_a_process_of_its_own(code: str) -> object:
    """What the code prints as JSON, run with src/ on the path and nothing in the environment."""
    found = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(SOURCE), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout.splitlines()[-1])


def imported_by(statement: str) -> set[str]:
    """The top-level modules that are loaded after it."""
    roots = "{name.split('.')[0] for name in sys.modules}"
    printed = in_a_process_of_its_own(f"import json, sys\n{statement}\nprint(json.dumps(sorted({roots})))")
    assert isinstance(printed, list)
    return {str(name) for name in printed}


@pytest.mark.parametrize("name", HANDLERS)
def test_a_handler_is_imported_without_environment_and_makes_no_client(name: str) -> None:
    code = f"{LISTENS_TO_CLIENTS}\nimport handlers.{name}\nprint(json.dumps(threading.active_count()))"
    assert in_a_process_of_its_own(code) == 1


def test_nothing_slow_is_imported_on_the_way_to_the_first_call() -> None:
    assert imported_by("import handlers.alarm") & SLOW == set()


@pytest.mark.parametrize("name", HANDLERS)
def test_no_handler_imports_what_only_development_has(name: str) -> None:
    assert imported_by(f"import handlers.{name}") & (SLOW - {"slack_sdk"}) == set()


# Every import in src/, wherever in a file it stands


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[str]:
    """The roots of all imports, without those for type checkers only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module).split(".")[0]
        yield from imports(node)


def locked() -> set[str]:
    """The distributions that the functions are built from."""
    lines = (ROOT / "requirements" / "functions.txt").read_text(encoding="utf-8").splitlines()
    return {found[1] for line in lines if (found := re.match(r"([A-Za-z0-9_.-]+)==", line))}


def packages(name: str) -> set[str]:
    """The top-level packages and modules of an installed distribution."""
    files = distribution(name).files or []
    roots = {
        file.parts[0].removesuffix(".py") for file in files if file.suffix == ".py" and ".." not in file.parts
    }
    return {root for root in roots if root.isidentifier()}


def test_every_import_in_src_is_ours_pythons_or_locked_for_the_functions() -> None:
    known = OURS | set(sys.stdlib_module_names) | {root for name in locked() for root in packages(name)}
    strange = {
        f"{path.relative_to(SOURCE)}: {root}"
        for path in modules()
        for root in imports(ast.parse(path.read_text(encoding="utf-8")))
        if root not in known
    }
    assert strange == set()


def test_every_module_of_src_can_be_imported_with_the_locked_packages_alone() -> None:
    """A finder in front refuses every package that the functions are not given."""
    known = sorted(OURS | {root for name in locked() for root in packages(name)})
    names = [
        ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        for path in modules()
    ]
    code = f"""
import importlib, json, sys
class OnlyLocked:
    def find_spec(self, name, path=None, target=None):
        root = name.split(".")[0]
        if root not in {known!r} and root not in sys.stdlib_module_names and not root.startswith("_"):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return None
sys.meta_path.insert(0, OnlyLocked())
print(json.dumps([importlib.import_module(name).__name__ for name in {names!r}]))
"""
    assert in_a_process_of_its_own(code) == names


def test_our_packages_share_no_name_with_a_locked_one_or_with_python() -> None:
    theirs = set(sys.stdlib_module_names) | {root for name in locked() for root in packages(name)}
    assert OURS & theirs == set()
    assert {"handlers", "collectors", "remediation", "notification", "diagnosis"} == OURS
