"""What the README says of the code, held to the code."""

import re
from pathlib import Path

import pytest
import yaml

from cli import tables

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tables_of_causes_and_guards_are_those_of_the_code():
    """`python -m cli causes --write README.md` brings them up to date."""
    assert tables.placed(readme(), tables.markdown()) == readme()


def test_every_parameter_of_the_template_is_in_the_readme_with_its_default():
    template = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), Loader=_Loose)  # noqa: S506
    for name, parameter in template["Parameters"].items():
        default = str(parameter["Default"]) or "none"
        assert re.search(rf"\| `{name}` \| [^|]*{re.escape(default)}[^|]* \|", readme()), name


def test_every_make_target_of_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make ([a-z-]+)", readme())) | set(
        re.findall(r"^make ([a-z-]+)", readme(), re.MULTILINE)
    ):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_link_leads_nowhere(page):
    targets = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in targets if not (page.parent / link).exists()] == []


class _Loose(yaml.SafeLoader):
    """YAML with CloudFormation's short functions, whose values do not matter here."""


_Loose.add_multi_constructor("!", lambda _loader, suffix, _node: suffix)
