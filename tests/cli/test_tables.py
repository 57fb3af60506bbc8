"""The tables of causes and guards, and their place in a file."""

import pytest
from typer.testing import CliRunner

from cli import tables
from cli.app import app
from diagnosis.catalogue import causes
from diagnosis.guards import GUARDS


def test_every_cause_has_a_row_with_its_words_and_its_file():
    rows = tables.markdown().splitlines()
    for cause in causes():
        row = next(each for each in rows if each.startswith(f"| [`{cause.code}`]"))
        assert cause.title in row
        assert (tables.ROOT / tables.CATALOGUE / f"{cause.code}.py").is_file()


def test_a_cause_tells_whether_going_back_can_help():
    rows = tables.markdown().splitlines()
    for cause in causes():
        row = next(each for each in rows if each.startswith(f"| [`{cause.code}`]"))
        assert row.endswith("| can help |" if cause.rollback_helps else "| does not help |")


def test_every_guard_has_a_row_with_the_sentence_of_its_docstring():
    text = tables.markdown()
    for guard in GUARDS:
        assert guard.__doc__
        assert f"| `{guard.__name__}` | {guard.__doc__.splitlines()[0]}" in text


def test_the_tables_replace_what_lies_between_the_markers_and_nothing_else():
    text = f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n"
    assert tables.placed(text, "new") == f"before\n{tables.BEGIN}\n\nnew\n\n{tables.END}\nafter\n"


def test_the_command_writes_into_a_file_with_markers(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"# Title\n{tables.BEGIN}\n{tables.END}\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["causes", "--write", str(path)], catch_exceptions=False)
    assert result.exit_code == 0
    assert tables.markdown() in path.read_text(encoding="utf-8")


def test_a_file_without_markers_is_left_as_it_is_and_the_command_fails(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("# Title\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["causes", "--write", str(path)], catch_exceptions=False)
    assert result.exit_code == 1
    assert "the tables belong between the lines" in result.output
    assert path.read_text(encoding="utf-8") == "# Title\n"


def test_a_text_without_an_end_is_refused():
    with pytest.raises(tables.NoMarkersError):
        tables.placed(f"{tables.BEGIN}\n", "new")
