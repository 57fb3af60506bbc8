"""The package as `make build` makes it, with compiled bytecode and without, and its size by component."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
OURS = ("handlers", "collectors", "remediation", "notification", "diagnosis")
RUNTIME = (3, 13)
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes as they lie on the disk, those of them that are bytecode, and bytes in a zip file."""

    component: str
    unzipped: int
    bytecode: int
    zipped: int


@dataclass(frozen=True, slots=True)
class Package:
    """The same files twice, and the Python that runs them."""

    compiled: Path
    plain: Path
    python: str
    version: str


def build(under: Path) -> Package:
    """Make the package from the sources as they are now. Raises CalledProcessError, after make's reason."""
    python = runtime_python()
    plain, compiled = under / "plain", under / "compiled"
    plain.mkdir(parents=True)
    make = [
        "make",
        "--no-print-directory",
        "package",
        f"ARTIFACTS_DIR={plain}",
    ]  # its own bytecode is not used
    subprocess.run(make, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=_environment(python))
    for cache in list(plain.rglob("__pycache__")):
        shutil.rmtree(cache)
    shutil.copytree(plain, compiled)
    compiling = [
        python,
        "-m",
        "compileall",
        "-q",
        "-j",
        "0",
        "--invalidation-mode",
        "unchecked-hash",
        str(compiled),
    ]
    subprocess.run(compiling, check=True)
    return Package(compiled, plain, python, _version(python) or "")


def _environment(python: str) -> dict[str, str]:
    """The libraries are compiled once and kept by make, so the functions' own Python must do it, or none."""
    without_make = {
        name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL"}
    }
    return without_make | ({"RUNTIME_PYTHON": python} if _is_runtime(python) else {})


def runtime_python() -> str:
    """A Python of the functions' own minor version where there is one, else this one."""
    name = f"python{RUNTIME[0]}.{RUNTIME[1]}"
    venv = ROOT / f".venv-{RUNTIME[0]}.{RUNTIME[1]}" / "bin" / "python"
    candidates = (os.environ.get("RUNTIME_PYTHON"), shutil.which(name), str(venv))
    return next((each for each in candidates if each and _is_runtime(each)), sys.executable)


def _is_runtime(python: str) -> bool:
    return (_version(python) or "").startswith(f"{RUNTIME[0]}.{RUNTIME[1]}.")


def _version(python: str) -> str | None:
    """The version, or None for what is no Python or a version manager's shim that refuses."""
    asking = [python, "-c", "import platform; print(platform.python_version())"]
    try:
        return subprocess.run(asking, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def sizes(package: Path) -> list[Size]:
    """Each component's size, the biggest first."""
    components: dict[str, list[Path]] = {}
    for file in sorted(path for path in package.rglob("*") if path.is_file()):
        components.setdefault(component(file.relative_to(package)), []).append(file)
    found = [_size(name, files, package) for name, files in components.items()]
    return sorted(found, key=lambda size: size.unzipped, reverse=True)


def component(path: Path) -> str:
    """Which part of the package a file belongs to."""
    first = path.parts[0]
    if first in OURS:
        return "Gateway Triage"
    if path.parts[:2] == ("botocore", "data"):
        return "botocore's service models"
    known = {"aws_lambda_powertools": "Powertools", "slack_sdk": "slack_sdk", "slack": "slack_sdk"}
    if first in {"boto3", "botocore", "s3transfer", "urllib3"}:
        return first
    return known.get(first, "others")


def _size(name: str, files: Iterable[Path], root: Path) -> Size:
    buffer, unzipped, bytecode = io.BytesIO(), 0, 0
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            size = file.stat().st_size
            unzipped += size
            bytecode += size if file.suffix == ".pyc" else 0
            archive.write(file, file.relative_to(root))
    return Size(name, unzipped, bytecode, buffer.tell())
