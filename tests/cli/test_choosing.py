"""Which scenario is played, and what is said when there is none of that name."""

from typer.testing import CliRunner, Result

from cli.app import app
from cli.choosing import LIST_WIDTH, near_names
from lab import load, scenarios


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def test_the_list_has_one_line_for_every_scenario_under_its_expected_cause():
    lines = run("demo", "list").output.splitlines()
    heading = ""
    found = {}
    for line in lines:
        if line and not line.startswith(" "):
            heading = line.partition(":")[0]
        elif line.strip():
            found[line.split()[0]] = heading
    assert set(found) == {path.stem for path in scenarios()}
    for name in ("release-breaks-responses", "security-group-change-same-minutes"):
        assert found[name] == load(name).expect.cause[0]


def test_the_list_tells_what_each_scenario_is_about():
    line = next(each for each in run("demo", "list").output.splitlines() if "  release-then-5xx " in each)
    assert "A release answers 500 on each target that has" in line


def test_the_list_keeps_to_its_width():
    assert max(map(len, run("demo", "list").output.splitlines())) <= LIST_WIDTH


def test_an_unknown_scenario_is_an_error_that_says_near_names():
    result = run("demo", "relese-breaks-responces")
    assert result.exit_code == 2
    assert "There is no scenario 'relese-breaks-responces'" in result.output
    assert "release-breaks-responses" in result.output
    assert "SCENARIO=list" in result.output


def test_an_unknown_mode_is_an_error_that_says_which_there_are():
    result = run("demo", "--mode", "turbo")
    assert result.exit_code == 2
    assert "There is no mode 'turbo'. There are: off, recommend, approve, auto." in result.output


def test_near_names_are_those_spelt_alike_and_then_those_that_share_a_word():
    known = ["surge-during-release", "release-then-5xx", "kill-switch-is-off"]
    assert near_names("release-then-6xx", known) == ["release-then-5xx", "surge-during-release"]
    assert near_names("xyzzy", known) == []
